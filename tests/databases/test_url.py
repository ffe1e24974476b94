"""URLs of databases, and that their passwords stay theirs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudy.campaign.environment import is_secret
from genstudy.databases.url import SECRET_OPTIONS, parse_url
from genstudy.errors import UserError

FORMS = "sqlite:///lab.db (or sqlite:////full/path/lab.db), or postgresql://user@host/database"
NONE = "SQLAlchemy has no dialect"
MISPLACED = "there is an @ too many, or at the wrong place"
BETWEEN = "; in a password, marks are quoted: : as %3A, / as %2F, ? as %3F, # as %23, @ as %40"
UNQUOTED = "the password has a mark that is not quoted"


@pytest.mark.parametrize(
    ("text", "shown", "file", "driver"),
    [
        ("sqlite:///lab.db", "sqlite:///lab.db", Path("lab.db"), "sqlite+pysqlite"),
        ("sqlite:////data/lab 1.db", "sqlite:////data/lab 1.db", Path("/data/lab 1.db"), "sqlite+pysqlite"),
        ("sqlite+pysqlite:///a/b.db", "sqlite:///a/b.db", Path("a/b.db"), "sqlite+pysqlite"),
        ("postgresql://h/db", "postgresql://h/db", None, "postgresql+psycopg"),
        ("postgres://u@h:5433/db", "postgresql://u@h:5433/db", None, "postgresql+psycopg"),
        ("postgresql+psycopg://u:p@h/db", "postgresql://u@h/db", None, "postgresql+psycopg"),
        ("postgresql:///db", "postgresql:///db", None, "postgresql+psycopg"),
        ("postgresql://u:p@[::1]/db?password=x", "postgresql://u@[::1]/db", None, "postgresql+psycopg"),
        ("duckdb:///a.duckdb?token=hush", "duckdb:///a.duckdb", None, "duckdb"),
    ],
)
def test_urls(text: str, shown: str, file: Path | None, driver: str) -> None:
    url = parse_url(text)
    assert (url.shown, url.file, url.url.drivername) == (shown, file, driver)
    assert repr(url) == f"DatabaseUrl({shown!r})"
    assert parse_url(url.shown).shown == shown


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lab.db", f"this is no URL of a database\n  write {FORMS}"),
        ("", f"this is no URL of a database\n  write {FORMS}"),
        ("a b://x", f"this is no URL of a database\n  write {FORMS}"),
        (
            "nosuch+thing://u:hush@h/db",
            f"{NONE} 'nosuch+thing'\n  write {FORMS}; the dialects of others are packages of their own",
        ),
        (
            "postgresq://u:hush@h/db",
            f"{NONE} 'postgresq' (did you mean 'postgresql'?)\n  write {FORMS}",
        ),
        ("sqlite://", f"the URL names no SQLite file\n  write {FORMS}"),
        ("sqlite:///:memory:", f"the URL names no SQLite file\n  write {FORMS}"),
        ("sqlite:///file:x?mode=rwc", f"the URL names no SQLite file\n  write {FORMS}"),
        (
            "sqlite:///x?mode=rwc",
            f"a SQLite URL has no options here\n  write {FORMS}; a ? in a file's name is written as %3F",
        ),
        (
            "sqlite://lab.db",
            f"a SQLite database has a path and no host: its URL has three slashes\n  write {FORMS}",
        ),
        ("postgresql://u:hush", f"this is no URL of a database\n  write {FORMS}{BETWEEN}"),
        ("postgresql://h:hush/db", f"this is no URL of a database\n  write {FORMS}{BETWEEN}"),
        ("postgresql://u:p@hush@h/db", f"{MISPLACED}\n  write {FORMS}{BETWEEN}"),
        ("postgresql:///u:hush@h/db", f"{MISPLACED}\n  write {FORMS}{BETWEEN}"),
        ("postgresql://u:p/hush@h/db", f"{UNQUOTED}\n  write {FORMS}{BETWEEN}"),
        ("postgresql://u:p hush@h/db", f"{UNQUOTED}\n  write {FORMS}{BETWEEN}"),
        ("sqlite:///a\nb", f"the URL has control characters\n  write {FORMS}"),
    ],
)  # fmt: skip
def test_what_is_no_url(text: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_url(text)
    assert str(caught.value) == message
    with pytest.raises(UserError) as caught:
        parse_url(text, where="study.yaml, line 3")
    assert str(caught.value) == f"study.yaml, line 3: {message}"
    assert "hush" not in str(caught.value)


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(
        lambda name: name != ":memory:"
    )
)
def test_what_is_shown_is_the_same_database(name: str) -> None:
    url = parse_url(f"sqlite:////{quote(name)}")
    shown = parse_url(url.shown)
    assert url.file == shown.file == Path(f"/{name}")
    assert url.shown == shown.shown
    if "@" not in name:
        url = parse_url(f"postgresql://{quote(name, safe='')}@h/{quote(name)}")
        assert parse_url(url.shown) == url


PASSWORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


@given(PASSWORDS)
def test_no_spelling_of_a_password_gets_through(password: str) -> None:
    quoted = quote(password, safe="")
    for url in (
        parse_url(f"postgresql://u:{quoted}@h/db"),
        parse_url(f"postgresql://h/db?password={quoted}"),
    ):
        assert url.shown in {"postgresql://u@h/db", "postgresql://h/db"}
        for spelling in (password, quoted, quote(password), repr(password)[1:-1]):
            assert spelling not in url.mask(f"[{spelling}]").replace("***", "")


@given(PASSWORDS)
def test_a_url_that_is_taken_looks_like_a_secret_to_what_keeps_these_from_studies(password: str) -> None:
    for quoted in (password, quote(password, safe="")):
        try:
            url = parse_url(f"postgresql://u:{quoted}@h/db")
        except UserError:
            continue
        assert not url.secrets or is_secret("GENSTUDY_DB", f"postgresql://u:{quoted}@h/db")


@pytest.mark.parametrize("option", SECRET_OPTIONS)
def test_options_that_are_secrets_are_kept_from_studies_too(option: str) -> None:
    url = f"postgresql://h/db?{option}=hush"
    assert parse_url(url).secrets == ("hush",)
    assert is_secret("GENSTUDY_DB", url)


def test_a_password_is_masked_as_it_was_written() -> None:
    url = parse_url("postgresql://u:%68ush+hush@h/db")
    assert url.mask("%68ush+hush, hush+hush, hush%2Bhush, lush") == "***, ***, ***, lush"


@pytest.mark.parametrize(
    ("url", "driver", "package"),
    [
        ("postgresql://u:hush@h/db", "psycopg", '"genstudy[postgresql]"'),
        ("mysql+pymysql://u:hush@h/db", "pymysql", "pymysql"),
    ],
)
def test_a_driver_that_is_missing(url: str, driver: str, package: str) -> None:
    code = (
        f"import sys; sys.modules[{driver!r}] = None\n"
        "from genstudy.databases.url import SECRET_OPTIONS, parse_url\n"
        f"try: parse_url({url!r})\n"
        "except Exception as problem: print(problem, problem.exit_code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == (
        f"the database needs the driver {driver}, which is not installed\n  pip install {package} 2\n"
    )

"""URLs of databases: read, shown without their secrets, and these taken out of what others say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from genstudy.errors import UserError, near

if TYPE_CHECKING:
    from collections.abc import Iterator

DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
}
"""The drivers of names that say none."""

FORMS = "sqlite:///lab.db (or sqlite:////full/path/lab.db), or postgresql://user@host/database"
SECRET_OPTIONS = ("password", "sslpassword", "oauth_client_secret")
AS_WRITTEN = re.compile(r"://[^:/]*:([^@]*)@")
UNQUOTED = re.compile(r"[\s/?#]")
MASK = "***"


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """A database's URL.

    url: as SQLAlchemy takes it. shown: for messages and files: no password, and no query part, in which
    others may be. file: a SQLite database's file, else None. secrets: passwords, in all their spellings.
    """

    url: URL
    shown: str
    file: Path | None
    secrets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"DatabaseUrl({self.shown!r})"

    def mask(self, text: str) -> str:
        """Return a text without the passwords, however they are spelled in it."""
        for secret in self.secrets:
            text = text.replace(secret, MASK)
        return text


def parse_url(text: str, *, where: str | None = None) -> DatabaseUrl:
    """Read the URL of a database: SQLite, PostgreSQL, or what else SQLAlchemy has a dialect for.

    where: the place of the text, for the UserError that tells of what is no such URL, or of a driver that is
    not installed. No part of a password is in it. Nothing is opened.
    """
    name = text.partition("://")[0]
    if "://" not in text or not re.fullmatch(r"[\w+.]+", name):
        raise _refused("this is no URL of a database", where)
    if any(character < " " for character in text):
        raise _refused("the URL has control characters", where)
    try:
        url = make_url(text).set(drivername=DRIVERS.get(name.lower(), name.lower()))
    except (ArgumentError, ValueError):
        raise _refused("this is no URL of a database", where, BETWEEN) from None
    if url.drivername == DRIVERS["sqlite"]:
        return _sqlite(url, text, where)
    _check_dialect(url, name, where)
    return _server(url, text, where)


def _check_dialect(url: URL, name: str, where: str | None) -> None:
    """Refuse a URL whose dialect or driver is not installed."""
    try:
        dialect = url.get_dialect()
    except NoSuchModuleError:
        hint = "" if near(name, DRIVERS) else "the dialects of others are packages of their own"
        raise _refused(f"SQLAlchemy has no dialect '{name}'{near(name, DRIVERS)}", where, hint) from None
    try:
        dialect.import_dbapi()
    except ImportError as problem:
        missing = problem.name or dialect.driver
        package = '"genstudy[postgresql]"' if missing == "psycopg" else missing
        raise UserError(
            f"the database needs the driver {missing}, which is not installed",
            where=where,
            hint=f"pip install {package}",
        ) from None


def sqlite_url(file: Path) -> str:
    """Return the URL of a SQLite database."""
    return "sqlite:///" + str(file).replace("%", "%25").replace("?", "%3F")


BETWEEN = "in a password, marks are quoted: : as %3A, / as %2F, ? as %3F, # as %23, @ as %40"


def _refused(problem: str, where: str | None, hint: str = "") -> UserError:
    return UserError(problem, where=where, hint=f"write {FORMS}" + (f"; {hint}" if hint else ""))


def _sqlite(url: URL, text: str, where: str | None) -> DatabaseUrl:
    if url.host or url.username or url.password or url.port:
        raise _refused("a SQLite database has a path and no host: its URL has three slashes", where)
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise _refused("the URL names no SQLite file", where)
    if "?" in text:
        raise _refused("a SQLite URL has no options here", where, "a ? in a file's name is written as %3F")
    file = Path(url.database)
    return DatabaseUrl(url, sqlite_url(file), file)


def _server(url: URL, text: str, where: str | None) -> DatabaseUrl:
    if any("@" in part for part in (url.host, url.database) if part):
        raise _refused("there is an @ too many, or at the wrong place", where, BETWEEN)
    written = AS_WRITTEN.search(text)
    if written and UNQUOTED.search(written[1]):
        # Others (libpq, and what keeps secrets from Maestro) would not see a password in it.
        raise _refused("the password has a mark that is not quoted", where, BETWEEN)
    name = "postgresql" if url.drivername == DRIVERS["postgresql"] else url.drivername
    bare = URL.create(name, url.username, None, url.host, url.port, url.database)
    shown = bare.render_as_string(hide_password=False)
    return DatabaseUrl(url, shown, None, tuple(sorted(set(_spellings(url, text)), key=len, reverse=True)))


def _spellings(url: URL, text: str) -> Iterator[str]:
    """Yield every password of a URL as it is, quoted in each way, and as it was written."""
    found = [str(url.password or "")]
    for option in SECRET_OPTIONS:
        value = url.query.get(option, ())
        found.extend([value] if isinstance(value, str) else value)
    for secret in filter(None, found):
        yield from (secret, quote(secret), quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1])
    written = AS_WRITTEN.search(text)
    if written and written[1]:
        yield written[1]

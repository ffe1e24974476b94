"""Templates found, shown and copied."""

from __future__ import annotations

from pathlib import Path

import pytest

from genstudy.rendering.templates import builtin_names, copy_template, find_template
from tests.rendering.support import refusal

pytestmark = pytest.mark.usefixtures("in_tmp")


HINT = f"\n  built in are: {', '.join(builtin_names())}; a template of your own is given by its path"


def test_the_built_in_ones() -> None:
    assert {"command", "echo", "input-deck", "pipeline"} <= set(builtin_names())
    for name in builtin_names():
        source = find_template(name)
        assert (source.name, source.builtin) == (name, True)
        assert source.summary()
        assert source.summary() == source.text().splitlines()[1].strip()


def test_one_of_your_own() -> None:
    Path("mine.j2").write_text("no comment")
    source = find_template("mine.j2")
    assert (source.text(), source.summary(), source.builtin) == ("no comment", "", False)
    Path("mine.j2").write_bytes(b"\xff")
    assert refusal(source.text) == "mine.j2: not UTF-8 text\n  save it as UTF-8"


@pytest.mark.parametrize(
    ("name", "nearest"), [("ehco", " (did you mean 'echo'?)"), ("no/x.j2", ""), ("folder", ""), ("", "")]
)
def test_there_is_no_such_template(name: str, nearest: str) -> None:
    Path("folder").mkdir()
    assert refusal(lambda: find_template(name)) == f"there is no template '{name}'{nearest}{HINT}"


def test_a_copy() -> None:
    Path("folder").mkdir()
    text = find_template("echo").text()
    assert copy_template("echo", Path("mine.j2")).read_text() == text
    assert copy_template("echo", Path("folder")) == Path("folder/echo.yaml.j2")
    Path("mine.j2").write_text("mine")
    assert refusal(lambda: copy_template("echo", Path("mine.j2"))) == (
        "mine.j2: the file exists already\n  pass --force to replace it, or another -o"
    )
    assert Path("mine.j2").read_text() == "mine"
    copy_template("echo", Path("mine.j2"), force=True)
    assert Path("mine.j2").read_text() == text

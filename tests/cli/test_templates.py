"""`genstudy templates`: list, show, copy and check."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from genstudy.rendering.templates import builtin_names, find_template
from tests.conftest import RunCli

pytestmark = pytest.mark.usefixtures("in_tmp")


def test_list(run_cli: RunCli) -> None:
    code, out, err = run_cli("templates", "list")
    assert (code, err) == (0, "")
    assert out == "".join(f"{name:12}  {find_template(name).summary()}\n" for name in builtin_names())
    assert out.splitlines()[1].startswith("echo          Print every parameter")


def test_show(run_cli: RunCli) -> None:
    for name in builtin_names():
        assert run_cli("templates", "show", name) == (0, find_template(name).text(), "")
    Path("mine.j2").write_text("mine")
    assert run_cli("templates", "show", "mine.j2") == (0, "mine", "")


def test_copy(run_cli: RunCli) -> None:
    assert run_cli("templates", "copy", "echo", "mine.j2") == (
        0,
        "mine.j2: a copy of the template echo; use it with genstudy specs TABLE -t mine.j2\n",
        "",
    )
    assert run_cli("templates", "copy", "echo")[1].startswith("echo.yaml.j2: a copy of the template echo;")
    assert Path("mine.j2").read_text() == find_template("echo").text()
    assert run_cli("templates", "copy", "echo", "mine.j2") == (
        2,
        "",
        "genstudy: mine.j2: the file exists already\n  pass --force to replace it, or another -o\n",
    )
    assert run_cli("templates", "copy", "command", "mine.j2", "--force")[0] == 0
    assert Path("mine.j2").read_text() == find_template("command").text()


def test_a_copy_gives_the_same_specs(run_cli: RunCli) -> None:
    Path("t.csv").write_text("a\n1\n")
    run_cli("templates", "copy", "echo", "mine.j2")
    run_cli("specs", "t.csv", "-o", "one")
    run_cli("specs", "t.csv", "-o", "two", "-t", "mine.j2")
    assert Path("one/t_0000.yaml").read_bytes() == Path("two/t_0000.yaml").read_bytes()


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("echo", []),
        ("command", ["--set", "command=ls"]),
        ("pipeline", ["--set", "simulate=ls"]),
        ("pipeline", ["--set", "simulate=ls", "--set", "tar=true"]),
    ],
)
def test_check(run_cli: RunCli, name: str, settings: list[str]) -> None:
    assert run_cli("templates", "check", name, *settings) == (0, f"{name}: nothing wrong\n", "")


def test_check_warns(run_cli: RunCli) -> None:
    Path("mine.j2").write_text(
        '{% extends "echo" %}{% block steps %}'
        "    - {name: one, description: x, run: {cmd: 'echo $(WIDTH)'}}\n{% endblock %}"
    )
    assert run_cli("templates", "check", "mine.j2", "-p", "width", "--param", "height") == (
        0,
        "mine.j2: nothing wrong\n",
        "genstudy: warning: no step uses the parameter height\n",
    )
    Path("t.csv").write_text("width\n1\n$x\n")
    code, out, err = run_cli("templates", "check", "mine.j2", "--table", "t.csv")
    assert (code, out) == (2, "")
    assert err.startswith("genstudy: t.csv, row 1 (line 3), column width: '$x' has shell-active characters")
    Path("t.csv").write_text("width\n1\n2\n")
    assert run_cli("templates", "check", "mine.j2", "--table", "t.csv")[0] == 0


def test_check_against_a_query(run_cli: RunCli) -> None:
    with closing(sqlite3.connect("lab.db")) as connection:
        connection.execute("CREATE TABLE t (width TEXT)")
        connection.execute("INSERT INTO t VALUES ('1'), ('$x')")
        connection.commit()
    check = ("templates", "check", "echo", "--db", "sqlite:///lab.db", "--query")
    assert run_cli(*check, "SELECT width FROM t LIMIT 1") == (0, "echo: nothing wrong\n", "")
    code, _, err = run_cli(*check, "SELECT wdth FROM t")
    assert (code, err) == (2, "genstudy: sqlite:///lab.db: cannot run the query: no such column: wdth\n")
    code, _, err = run_cli("templates", "check", "echo", "--db", "sqlite:///lab.db")
    assert (code, err) == (2, "genstudy: --db is for --query\n  pass --query, or leave --db out\n")

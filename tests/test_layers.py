"""The order of the modules, and what the stand-alone pgen has to repeat."""

from __future__ import annotations

import ast
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import genstudy
from genstudy.ledger.ranges import Rows
from genstudy.parameters import names
from genstudy.rendering import shell
from genstudy.specs import pgen
from genstudy.tables import as_csv, checks, rowids

PACKAGE = Path(genstudy.__file__).parent
LAYERS = (
    "errors",
    "files",
    "units",
    "databases",
    "parameters",
    "designs",
    "tables",
    "maestro",
    "rendering",
    "specs",
    "studies",
    "ledger",
    "archives",
    "batches",
    "results",
    "schedulers",
    "campaign",
    "inspection",
    "sensitivity",
    "planning",
    "plots",
    "reports",
    "doctor",
    "demo",
    "cli",
)
MODULES = sorted(PACKAGE.rglob("*.py"))
OUTSIDE_LAYERS = {"__init__.py", "__main__.py"}
HEAVY = (
    *("numpy", "polars", "scipy", "pydantic", "rich", "maestrowf", "jinja2", "yaml", "zstandard"),
    *("sqlalchemy", "matplotlib", "pydoe"),
)


def name_of(file: Path) -> str:
    return str(file.relative_to(PACKAGE))


def imports_of(file: Path) -> set[str]:
    """Return the full names of all modules that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import"
            found.add(str(node.module))
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def layers_of(modules: set[str]) -> set[str]:
    return {name.split(".")[1] for name in modules if name.startswith("genstudy.")} & set(LAYERS)


def test_every_module_belongs_to_a_layer() -> None:
    tops = {file.relative_to(PACKAGE).parts[0].removesuffix(".py") for file in MODULES}
    assert tops - {"__init__", "__main__"} == set(LAYERS)


@pytest.mark.parametrize(
    "file", [file for file in MODULES if name_of(file) not in OUTSIDE_LAYERS], ids=name_of
)
def test_a_module_imports_its_own_layer_and_earlier_ones(file: Path) -> None:
    own = LAYERS.index(file.relative_to(PACKAGE).parts[0].removesuffix(".py"))
    assert layers_of(imports_of(file)) <= set(LAYERS[: own + 1])


def importers_of(package: str) -> set[str]:
    return {
        name_of(file)
        for file in MODULES
        if any(name == package or name.startswith(package + ".") for name in imports_of(file))
    }


def test_one_module_knows_maestro_and_so_does_the_pgen() -> None:
    assert importers_of("maestrowf") == {"maestro/child.py", "maestro/specs.py", "specs/pgen.py"}


def test_the_pgen_needs_the_standard_library_and_maestro_alone() -> None:
    tops = {name.split(".")[0] for name in imports_of(PACKAGE / "specs" / "pgen.py")}
    assert tops - set(sys.stdlib_module_names) == {"maestrowf"}


def test_only_the_command_line_knows_typer() -> None:
    assert {name.split("/")[0] for name in importers_of("typer")} == {"cli"}


def test_only_the_command_line_and_the_pgen_print() -> None:
    printing = {
        name_of(file)
        for file in MODULES
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert {name for name in printing if not name.startswith("cli/")} == {"specs/pgen.py"}


@pytest.mark.parametrize(
    "code",
    [
        "import genstudy",
        "import genstudy.cli.app",
        (
            "import sys; sys.argv[1:] = ['--help']; from genstudy.cli.app import main\n"
            "try: main()\nexcept SystemExit as end: assert not end.code"
        ),
    ],
    ids=["import", "cli", "help"],
)
def test_what_is_light_stays_light(code: str) -> None:
    report = f"\nimport sys, json\nprint(json.dumps([n for n in {HEAVY!r} if n in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout.splitlines()[-1]) == []


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
TRICKY = st.lists(st.sampled_from("aZ09_-.,:;/@%+=^~ $()`'\"\\\n\t\x7f\x85\u2028é🙂")).map("".join)


@given(TEXTS | TRICKY)
def test_the_pgen_agrees_about_values(value: str) -> None:
    assert pgen.shell_active(value) == checks.is_shell_active(value)
    assert bool(pgen.CONTROL.search(value)) == bool(as_csv.CONTROL.search(value))
    assert bool(pgen.ROW_ID_FORM.fullmatch(value)) == bool(rowids.ROW_ID_FORM.fullmatch(value))
    assert pgen.quoted(value) == shell.quote(value)


@given(st.from_regex(rowids.ROW_ID_FORM, fullmatch=True))
def test_the_pgen_takes_the_same_row_ids(row_id: str) -> None:
    assert pgen.ROW_ID_FORM.fullmatch(row_id)


@given(TEXTS | TRICKY)
def test_names_that_are_let_in_are_tokens_of_the_pgen(name: str) -> None:
    try:
        names.check_name(name)
    except genstudy.UserError:
        return
    token = f"$({names.token_of(name)})"
    assert pgen.TOKEN.fullmatch(token)
    assert shell.PIECE.fullmatch(token)


def test_the_pgen_reserves_the_same_names() -> None:
    assert set(pgen.TAKEN) == names.RESERVED
    assert pgen.ROW_ID == names.ROW_ID


RANGES = st.text("0123456789,-", max_size=12) | st.lists(
    st.tuples(st.integers(0, 10**18 - 1), st.integers(0, 9)).map(lambda pair: f"{pair[0]}-{sum(pair)}")
).map(",".join)


@given(RANGES | TEXTS)
def test_the_pgen_agrees_about_rows(text: str) -> None:
    text = text.strip()
    try:
        rows = Rows.parse(text) if text and not text.startswith("@") else None
    except genstudy.UserError:
        rows = None
    try:
        spans = None if text.startswith("@") else pgen._spans({"ROWS": text})
    except pgen.Refused:
        spans = None
    assert spans == (list(rows.spans) if rows else None)
    if rows:
        assert pgen._as_text(rows.spans) == str(rows)
        assert pgen._spans({"ROWS": str(rows)}) == spans


def test_the_pgens_forms_are_those_that_are_checked() -> None:
    from genstudy.rendering.tokens import FORMS

    forms = re.search(r"\((\w+(?:\|\w+)+)\)", pgen.TOKEN.pattern)
    assert forms is not None
    assert set(forms[1].split("|")) == set(FORMS)


@given(TEXTS | TRICKY)
def test_quoted_text_is_one_word_for_a_shell(text: str) -> None:
    if "\0" not in text:
        assert shlex.split(shell.quote(text).replace("$''(", "$(")) == [text]

"""`results:` in study files: words stay what was typed, and a mistake is told with file, line and key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from genstudy.errors import UserError
from genstudy.specs.results import ResultsSettings
from genstudy.studies.build import build_study
from genstudy.studies.model import study_schema
from genstudy.studies.read import read_study
from genstudy.studies.results import read_results

pytestmark = pytest.mark.usefixtures("in_tmp")

PARAMETERS = "parameters:\n  a: int(0, 9)\n"


def written(text: str) -> str:
    return PARAMETERS + "".join(f"{line}\n" for line in text.splitlines())


def results(text: str) -> ResultsSettings:
    Path("s.yaml").write_text(written(text), encoding="utf-8")
    found = read_study(Path("s.yaml")).study.results
    assert found is not None
    assert read_results(Path("s.yaml")).settings == found
    return found


def refusal(text: str) -> str:
    """Return the mistake in a text, which is the same in a study file and in one of results alone."""
    Path("s.yaml").write_text(written(text), encoding="utf-8")
    with pytest.raises(UserError) as caught:
        read_results(Path("s.yaml"))
    with pytest.raises(UserError) as again:
        build_study("s.yaml")
    assert str(again.value) == str(caught.value)
    assert [path.name for path in Path().iterdir()] == ["s.yaml"]
    return str(caught.value)


ALL = r"""results:
  into: postgresql://lab@host/studies
  table: wing
  sources:
    - {step: simulate, json: out.json, columns: [energy, drag]}
    - json: out.json
      columns: {lift: forces.lift, n: {key: solver.iterations, type: int}, first: 0, yes: no, half: 1.50}
    - {csv: history.csv, row: last, columns: {t_end: time}}
    - {csv: history.csv, row: 7, delimiter: "\t", columns: [t7]}
    - {keyvalue: summary.txt, columns: [residual]}
    - {regex: '*.out', columns: {iters: 'converged in (\d+)'}, type: int, timeout: 1:30}
    - {text: note.txt, columns: note}
    - {size: mesh.vtk, columns: mesh_bytes, step:, type: ~}
    - {python: 'measure:results', columns: [cl, cm], timeout: 2m}
"""


def test_all_of_it() -> None:
    found = results(ALL)
    assert (found.into, found.table) == ("postgresql://lab@host/studies", "wing")
    taken = [
        (source.kind, source.target, {name: source.key_of(name) for name in source.columns})
        for source in found.sources
    ]
    lift = {"lift": "forces.lift", "n": "solver.iterations", "first": "0", "yes": "no", "half": "1.50"}
    assert taken == [
        ("json", "out.json", {"energy": "energy", "drag": "drag"}),
        ("json", "out.json", lift),
        ("csv", "history.csv", {"t_end": "time"}),
        ("csv", "history.csv", {"t7": "t7"}),
        ("keyvalue", "summary.txt", {"residual": "residual"}),
        ("regex", "*.out", {"iters": r"converged in (\d+)"}),
        ("text", "note.txt", {"note": "note"}),
        ("size", "mesh.vtk", {"mesh_bytes": "mesh_bytes"}),
        ("python", "measure:results", {"cl": "cl", "cm": "cm"}),
    ]
    assert [source.timeout for source in found.sources][5:] == [5400, 60, 60, 120]
    assert [source.step for source in found.sources][:2] == ["simulate", None]
    assert [(source.row, source.delimiter) for source in found.sources][2:4] == [("last", ","), (7, "\t")]
    assert found.types["n"] == found.types["iters"] == found.types["mesh_bytes"] == "int"


def test_the_schema_takes_it() -> None:
    validator = jsonschema.Draft202012Validator(study_schema())
    study: dict[str, Any] = {"parameters": {"a": "int(0,9)"}}
    validator.validate({**study, **yaml.safe_load(ALL.replace("yes: no, ", ""))})
    validator.validate({**study, "results": None})
    validator.validate(
        {**study, "results": {"into": None, "sources": [{"json": "o", "columns": {"a": None}}]}}
    )
    mistakes: list[dict[str, Any]] = [
        {"surces": []},
        {"sources": [{"json": "o"}]},
        {"sources": [{"json": "o", "columns": 3}]},
        {"sources": [{"json": "o", "columns": []}]},
        {"sources": [{"json": "o", "columns": {"a": {"typ": "int"}}}]},
        {"sources": [{"json": "o", "columns": "a", "row": "middle"}]},
        {"sources": [{"json": "o", "columns": "a", "type": "double"}]},
    ]
    for wrong in mistakes:
        assert not validator.is_valid({**study, "results": wrong}), wrong


SOURCE_KEYS = (
    "step, json, csv, keyvalue, regex, text, size, python, columns, type, row, delimiter, match, timeout"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "results:\n  source: 3",
            (
                "s.yaml, line 4: there is no key 'results.source' (did you mean 'sources'?)\n"
                "  keys of results are: into, table, sources"
            ),
        ),
        (
            "results:\n  sources:\n    - json: o\n      colums: a\n      columns: a",
            (
                "s.yaml, line 6: there is no key 'results.sources.0.colums' (did you mean 'columns'?)\n"
                f"  keys of results.sources.0 are: {SOURCE_KEYS}"
            ),
        ),
        (
            "results:\n  sources:\n    - json: o\n      columns:\n        b:\n        c: {tpye: int}",
            (
                "s.yaml, line 8: there is no key 'results.sources.0.columns.c.tpye' (did you mean 'type'?)\n"
                "  keys of results.sources.0.columns.c are: key, type"
            ),
        ),
        (
            "results:\n  sources:\n    - json: o",
            (
                "s.yaml, line 5: the key 'results.sources.0.columns' is missing\n"
                "  genstudy init shows all keys"
            ),
        ),
        (
            "results:\n  sources:\n    - json: o\n      columns:\n        b:\n        c: x..y",
            (
                "s.yaml, line 8: results.sources.0.columns.c: 'x..y' is no path: keys with dots between "
                'them, or in quotes as a."b.c"'
            ),
        ),
        (
            "results:\n  sources:\n    - json: o\n      columns: b\n      row: first",
            "s.yaml, line 7: results.sources.0.row: this is for csv, not for json",
        ),
        (
            "results:\n  sources:\n    - {json: o, columns: b}\n    - csv: p\n      columns:\n        - B",
            "s.yaml, line 7: results.sources.1.columns.B: B and b differ in case only: rename one",
        ),
        (
            "results:\n  sources:\n    - json: ../o\n      columns: b",
            "s.yaml, line 5: results.sources.0.json: '../o' is no file's path in a workspace",
        ),
        (
            "results:\n  sources:\n    - json: o\n      columns: b\n      type: double",
            (
                "s.yaml, line 7: results.sources.0.type: Input should be 'float', 'int', 'bool' or 'text', "
                "not 'double'"
            ),
        ),
        (
            "results:\n  sources:\n    - columns: b",
            (
                "s.yaml, line 5: results.sources.0: name one of json, csv, keyvalue, regex, text, size, "
                "python, not none"
            ),
        ),
        (
            "results:\n  sources: out.json",
            "s.yaml, line 4: results.sources: Input should be a list, not 'out.json'",
        ),
        (
            "results:\n  sources:\n    - out.json",
            "s.yaml, line 5: results.sources.0: this is a mapping, of keys and what they are",
        ),
        ("results: 3", "s.yaml, line 3: results: this is a mapping, of keys and what they are"),
        (
            "results:\n  into: postgresql://me:geheim@host/db",
            (
                "s.yaml, line 4: results.into: a password has no place in a file: take it out, and set "
                "PGPASSWORD or write ~/.pgpass"
            ),
        ),
        (
            "results:\n  table: a b",
            (
                "s.yaml, line 4: results.table: 'a b' is no name of a table: letters, digits and _, at most "
                "54, and not sqlite_, pg_ or genstudy_ first"
            ),
        ),
        (
            "results:\n  table: a\n  table: b",
            "s.yaml, line 5: the key 'table' stands in line 4 already\n  take one of them out",
        ),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    assert refusal(text) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "results:\n  sources:\n    - json: o\n      columns: b\n      step: simulate",
            (
                "s.yaml, line 7, results.sources.0.step: there is no step 'simulate'\n"
                "  the steps are: echo-params"
            ),
        ),
        (
            "results:\n  sources:\n    - json: o\n      columns:\n        b: x\n        a: y",
            (
                "s.yaml, line 8, results.sources.0.columns.a: the parameter 'a' has the column 'a' already\n"
                "  rename the result; `name: key` says what is taken for it"
            ),
        ),
        (
            "results:\n  sources:\n    - json: o\n      columns: [b, state]",
            (
                "s.yaml, line 6, results.sources.0.columns.state: every table of results has a column "
                "'state' of its own\n  rename the result; `name: key` says what is taken for it"
            ),
        ),
        (
            "results:\n  sources:\n    - columns: b\n      python: measure:f",
            (
                "s.yaml, line 6, results.sources.0.python: measure:f: ModuleNotFoundError: No module named "
                "'measure'\n  measure.py belongs beside the file that names it, or must be installed"
            ),
        ),
        (
            "results:\n  into: lab.db",
            "s.yaml, line 4, results.into: this is no URL of a database\n",
        ),
    ],
)
def test_what_does_not_go_with_the_study(text: str, message: str) -> None:
    Path("s.yaml").write_text(written(text))
    with pytest.raises(UserError) as caught:
        build_study("s.yaml")
    assert str(caught.value).startswith(message)
    assert [path.name for path in Path().iterdir()] == ["s.yaml"]


def test_a_file_of_results_alone() -> None:
    Path("r.yaml").write_text("results: {sources: [{json: o, columns: a}]}\nother: [1, {a: b}]\n")
    found = read_results(Path("r.yaml"))
    assert found.settings.types == {"a": "float"}
    for text in ("", "- a\n", "results:\n", "resutls: {}\n", "a: [\n"):
        Path("r.yaml").write_text(text)
        with pytest.raises(UserError, match=r"^r\.yaml"):
            read_results(Path("r.yaml"))
    with pytest.raises(UserError, match="no such"):
        read_results(Path("none.yaml"))


def test_a_campaign_with_a_module_beside_the_study_file() -> None:
    Path("lab").mkdir()
    Path("lab/measure.py").write_text("def f(workspace): return {'b': 1}\n")
    text = written(
        "results:\n  sources:\n    - {python: 'measure:f', columns: b}\n    - {json: o, columns: c}"
    )
    Path("lab/s.yaml").write_text(text + "rows: 3\nseed: 1\n")
    campaign = build_study("lab/s.yaml")
    assert sorted(path.name for path in campaign.folder.iterdir()) == [
        *("manifest.json", "measure.py", "pgen.py", "s_0000.yaml", "table.csv"),
    ]
    found = campaign.manifest.results
    assert found is not None
    assert [source.step for source in found.sources] == ["echo-params", "echo-params"]
    build_study("lab/s.yaml", force=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "there is no such file"),
        ("", "this says nothing about results"),
        ("- results\n", "this says nothing about results"),
        ("results:\n", "this says nothing about results"),
        ("result:\n  sources: []\n", "this says nothing about results"),
    ],
)
def test_a_file_of_results_is_no_study_file(text: str | None, message: str) -> None:
    if text is not None:
        Path("r.yaml").write_text(text)
    with pytest.raises(UserError) as caught:
        read_results(Path("r.yaml"))
    assert str(caught.value) == f"r.yaml: {message}\n  write `results:` into it and, below that, `sources:`"

"""What may stand under `results:`, what of it is checked against the study, and modules that are copied."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from genstudy.errors import UserError
from genstudy.specs.manifest import StepEntry, read_manifest
from genstudy.specs.results import TAKEN, ResultsSettings, parameter_columns
from genstudy.specs.results_check import ResultsMistake, check_results
from tests.specs.support import make, names, refusal

pytestmark = pytest.mark.usefixtures("in_tmp")

JSON = {"json": "out.json", "columns": ["energy"]}


def settings(*sources: dict[str, Any], **keys: Any) -> ResultsSettings:
    return ResultsSettings.model_validate({"sources": list(sources), **keys})


def mistake(value: object) -> str:
    with pytest.raises(ValidationError) as caught:
        ResultsSettings.model_validate(value)
    first = caught.value.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}"


def steps(**runs: str) -> list[StepEntry]:
    return [
        StepEntry.model_validate({"name": name, "runs": kind, "funnel": False}) for name, kind in runs.items()
    ]


@pytest.mark.parametrize(
    ("columns", "keys"),
    [
        ("a", {"a": "a"}),
        (["a", "b"], {"a": "a", "b": "b"}),
        ({"a": "x.y", "b": None}, {"a": "x.y", "b": "b"}),
        ({"a": 1, "b": 2.5, "c": True}, {"a": "1", "b": "2.5", "c": "true"}),
        ({"a": {"key": "k", "type": "float"}, "b": {}}, {"a": "k", "b": "b"}),
        ({"a": {"key": 1}}, {"a": "1"}),
        ([True, "b"], {"true": "true", "b": "b"}),
    ],
)
def test_ways_to_write_columns(columns: object, keys: dict[str, str]) -> None:
    [source] = settings({"json": "out.json", "columns": columns}).sources
    assert {name: source.key_of(name) for name in source.columns} == keys


def test_types() -> None:
    found = settings(
        {"json": "out.json", "columns": {"a": None, "b": {"type": "text"}}, "type": "int"},
        {"csv": "out.csv", "columns": "c"},
        {"text": "note.txt", "columns": "d"},
        {"size": "mesh.vtk", "columns": "e"},
        {"text": "n.txt", "columns": "f", "type": "float"},
    )
    assert found.types == {"a": "int", "b": "text", "c": "float", "d": "text", "e": "int", "f": "float"}


def test_keys_with_nothing_after_them() -> None:
    assert settings({**JSON, "step": None, "csv": None, "type": None}, into=None) == settings(JSON)
    assert ResultsSettings.model_validate({"sources": None}) == ResultsSettings()


ONE = "name one of json, csv, keyvalue, regex, text, size, python, not"
NO_PATH = "is no file's path in a workspace"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ({"columns": "a"}, f"sources.0: {ONE} none"),
        ({"json": "a", "csv": "b", "columns": "a"}, f"sources.0: {ONE} json and csv"),
        ({"json": "out.json"}, "sources.0.columns: Field required"),
        ({"json": "out.json", "columns": []}, "sources.0.columns: no column is named"),
        ({"json": "out.json", "columns": {}}, "sources.0.columns: no column is named"),
        ({"json": "out.json", "columns": ["a", "a"]}, "sources.0.columns: a column is named twice"),
        (
            {"json": "out.json", "columns": [{"a": "b"}]},
            "sources.0.columns: a list of columns holds names; `name: key` goes without dashes",
        ),
        (
            {"json": "out.json", "columns": {"a": [1]}},
            "sources.0.columns.a: this is a mapping, of keys and what ",
        ),
        ({"json": "out.json", "columns": "é"}, "sources.0: 'é' is no name of a column"),
        ({"json": "out.json", "columns": "a-b"}, "sources.0: 'a-b' is no name of a column"),
        ({"json": "out.json", "columns": "a" * 64}, f"sources.0: '{'a' * 64}' is no name of a column"),
        ({"json": "/out.json", "columns": "a"}, f"sources.0.json: '/out.json' {NO_PATH}"),
        ({"csv": "../out.csv", "columns": "a"}, f"sources.0.csv: '../out.csv' {NO_PATH}"),
        ({"text": "a/../../b", "columns": "a"}, f"sources.0.text: 'a/../../b' {NO_PATH}"),
        ({"size": ".", "columns": "a"}, f"sources.0.size: '.' {NO_PATH}"),
        ({"size": "a/", "columns": "a"}, f"sources.0.size: 'a/' {NO_PATH}"),
        ({"size": "a\0b", "columns": "a"}, f"sources.0.size: 'a\0b' {NO_PATH}"),
        ({"size": "**/a", "columns": "a"}, "sources.0.size: '**/a': ** is not known"),
        ({"size": "x" * 256, "columns": "a"}, "sources.0.size: a file's name has at most 255 bytes"),
        ({"size": "", "columns": "a"}, "sources.0.size: String should have at least 1 character"),
        ({"json": "o", "columns": {"a": "b..c"}}, "sources.0: 'b..c' is no path"),
        ({"json": "o", "columns": {"a": ".b"}}, "sources.0: '.b' is no path"),
        ({"json": "o", "columns": {"a": "b."}}, "sources.0: 'b.' is no path"),
        ({"json": "o", "columns": {"a": '"b'}}, "sources.0: '\"b' is no path"),
        ({"json": "o", "columns": {"a": '"b"c'}}, "sources.0: '\"b\"c' is no path: a dot belongs behind"),
        ({"json": "o", "columns": {"a": '"\\x"'}}, 'sources.0: \'"\\x"\' is no path: "\\x" is no JSON text'),
        ({"csv": "o", "columns": {"a": " b"}}, "sources.0: ' b' is no name of a column"),
        ({"keyvalue": "o", "columns": {"a": "b=c"}}, "sources.0: 'b=c' is no key of a line"),
        ({"keyvalue": "o", "columns": {"a": "#b"}}, "sources.0: '#b' is no key of a line"),
        ({"regex": "o", "columns": {"a": "("}}, "sources.0: '(' is no regular expression: missing )"),
        ({"regex": "o", "columns": {"a": "(a)(b)"}}, "sources.0: '(a)(b)' has 2 groups"),
        ({"text": "o", "columns": ["a", "b"]}, "sources.0: text gives one column, not 2"),
        ({"size": "o", "columns": {"a": "b"}}, "sources.0: size takes the whole file, so there is no key"),
        ({"python": "measure", "columns": "a"}, "sources.0.python: 'measure' is no module:function"),
        ({"python": "a/b:c", "columns": "a"}, "sources.0.python: 'a/b:c' is no module:function"),
        ({**JSON, "row": "last"}, "sources.0: this is for csv, not for json"),
        ({**JSON, "match": "last"}, "sources.0: this is for regex, not for json"),
        ({**JSON, "timeout": 3}, "sources.0: this is for python and regex, not for json"),
        (
            {"csv": "o", "columns": "a", "row": -1},
            "sources.0.row: this is first, last or the row's number from 0",
        ),
        (
            {"csv": "o", "columns": "a", "row": True},
            "sources.0.row: this is first, last or the row's number ",
        ),
        ({"csv": "o", "columns": "a", "delimiter": ",,"}, "sources.0.delimiter: this is one character"),
        ({**JSON, "type": "double"}, "sources.0.type: Input should be 'float', 'int', 'bool' or 'text'"),
        (
            {"regex": "o", "columns": {"a": "[[a]"}},
            "sources.0: '[[a]' is no clear regular expression: Possible nested set at position 1",
        ),
        (
            {"python": "measure.py:results", "columns": "a"},
            "sources.0.python: 'measure.py:results' is no module:function: write measure:results",
        ),
        ({**JSON, "colums": "a"}, "sources.0.colums: Extra inputs are not permitted"),
        ("out.json", "sources.0: this is a mapping"),
    ],
)
def test_sources_that_cannot_be(source: object, told: str) -> None:
    assert mistake({"sources": [source]}).startswith(told)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ("energy", "energy is taken from two places: rename one"),
        ("Energy", "Energy and energy differ in case only: rename one"),
    ],
)
def test_one_name_for_two_results(other: str, told: str) -> None:
    assert mistake({"sources": [JSON, {"csv": "o.csv", "columns": [other]}]}) == f": {told}"
    assert mistake({"sources": [{"json": "o", "columns": ["Energy", "energy"]}]}).endswith(
        "differ in case only: rename one"
    )


@pytest.mark.parametrize("name", ["1a", "a b", "a" * 55, "sqlite_x", "PG_x", "genstudy_batches", "a;b"])
def test_names_that_no_table_can_have(name: str) -> None:
    assert mistake({"table": name}).startswith(f"table: '{name}' is no name of a table")
    assert ResultsSettings.model_validate({"table": "a" * 54}).table == "a" * 54


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:geheim@host/db",
        "postgresql://:geheim@host/db",
        "postgresql://me:ge%40heim@host/db",
        "postgresql://me:ge/heim@host/db",
        "postgresql://me@host/db?password=geheim",
        "postgresql://me@host/db?sslmode=require&sslpassword=geheim",
    ],
)
def test_a_password_is_refused_and_shown_nowhere(url: str) -> None:
    for value in ({"into": url}, {"into": [url]}, {"into": url, "sources": 3}, url, [url]):
        with pytest.raises(ValidationError) as caught:
            ResultsSettings.model_validate(value)
        first = caught.value.errors()[0]
        assert "heim" not in first["msg"]
        assert first["type"] == "value_error"
    told = "into: a password has no place in a file: take it out, and set PGPASSWORD or write ~/.pgpass"
    assert mistake({"into": url}) == told


@pytest.mark.parametrize(
    "url", ["postgresql://me@host/db", "postgresql://host:5432/db", "sqlite:///lab.db", "postgresql:///db"]
)
def test_urls_without_a_password(url: str) -> None:
    assert check_results(settings(JSON, into=url), steps(one="row"), []).into == url


def test_urls_that_are_none() -> None:
    with pytest.raises(ResultsMistake) as caught:
        check_results(settings(into="lab.db"), steps(one="row"), [])
    assert caught.value.where == "results.into"


def test_the_only_step_is_filled_in() -> None:
    for there in (steps(one="row"), steps(a="shared", one="row", b="batch"), steps(one="shared")):
        [source] = check_results(settings(JSON), there, []).sources
        assert source.step == "one"
    [source] = check_results(settings({**JSON, "step": "a"}), steps(a="shared", one="row"), []).sources
    assert source.step == "a"


CHOOSE = "and none is named\n  add `step:` with one of: a, b"
ONCE_A_ROW = f"results.sources.0: several steps run once a row, {CHOOSE}"


@pytest.mark.parametrize(
    ("there", "source", "message"),
    [
        (
            steps(a="row", b="row", c="batch"),
            JSON,
            ONCE_A_ROW,
        ),
        (
            steps(a="shared", b="batch"),
            JSON,
            f"results.sources.0: several steps run here, {CHOOSE}",
        ),
        (
            steps(simulate="row"),
            {**JSON, "step": "simulte"},
            (
                "results.sources.0.step: there is no step 'simulte' (did you mean 'simulate'?)\n"
                "  the steps are: simulate"
            ),
        ),
    ],
)
def test_steps_that_there_are_not(there: list[StepEntry], source: dict[str, Any], message: str) -> None:
    assert refusal(lambda: check_results(settings(source), there, [])) == message


@pytest.mark.parametrize(
    ("column", "problem"),
    [
        ("Seconds", "every table of results has a column 'seconds' of its own"),
        ("width", "the parameter 'Width' has the column 'width' already"),
        ("batch_", "the parameter 'Batch' has the column 'batch_' already"),
    ],
)
def test_names_that_are_taken(column: str, problem: str) -> None:
    found = settings(JSON, {"csv": "h.csv", "columns": [column]})
    assert refusal(lambda: check_results(found, steps(one="row"), ["Width", "Batch"])) == (
        f"results.sources.1.columns.{column}: {problem}\n"
        "  rename the result; `name: key` says what is taken for it"
    )


def test_parameters_with_names_that_are_taken() -> None:
    names = ["state", "width", "State_", "BATCH", "seconds__"]
    assert parameter_columns(names) == {
        "state": "state__",
        "width": "width",
        "State_": "State_",
        "BATCH": "BATCH_",
        "seconds__": "seconds__",
    }


NAMES = st.sampled_from([*TAKEN, *(f"{name}_" for name in TAKEN), *(f"{name}__" for name in TAKEN), "a"])


@given(parameters=st.lists(NAMES.flatmap(lambda n: st.sampled_from([n, n.title()])), unique_by=str.lower))
def test_no_two_columns_have_one_name(parameters: list[str]) -> None:
    columns = parameter_columns(parameters)
    assert list(columns) == parameters
    used = [*TAKEN, *(column.lower() for column in columns.values())]
    assert len(set(used)) == len(used)
    assert all(column.rstrip("_") == name.rstrip("_") for name, column in columns.items())


def test_they_are_in_the_manifest_as_they_were_given() -> None:
    found = settings(
        {"json": "out.json", "columns": {"energy": None, "n": {"key": "a.n", "type": "int"}}},
        {"csv": "h.csv", "row": 3, "delimiter": ";", "columns": "t"},
        {"regex": "*.out", "columns": {"iters": r"in (\d+)"}, "match": "first", "timeout": "2m"},
        into="sqlite:///lab.db",
        table="wing",
    )
    campaign = make(results=found)
    data = json.loads(Path("out/manifest.json").read_text())["results"]
    step, first = {"step": "echo-params"}, {"match": "first", "timeout": 120.0}
    assert data == {
        "into": "sqlite:///lab.db",
        "table": "wing",
        "sources": [
            {"json": "out.json", "columns": {"energy": {}, "n": {"key": "a.n", "type": "int"}}, **step},
            {"csv": "h.csv", "row": 3, "delimiter": ";", "columns": {"t": {}}, **step},
            {"regex": "*.out", "columns": {"iters": {"key": r"in (\d+)"}}, **first, **step},
        ],
    }
    assert read_manifest(Path("out")) == campaign.manifest
    assert read_manifest(Path("out")).to_text() == Path("out/manifest.json").read_text()


def test_a_mistake_leaves_nothing() -> None:
    found = settings({"json": "out.json", "columns": ["a"]})
    assert refusal(lambda: make(results=found)).startswith(
        "results.sources.0.columns.a: the parameter 'a' has"
    )
    assert names() == ["t.csv"]
    found = settings({"python": "measure:f", "columns": ["x"]})
    assert refusal(lambda: make(results=found)).startswith(
        "results.sources.0.python: measure:f: ModuleNotFound"
    )
    assert names() == ["t.csv"]


def test_an_index_is_no_parameter() -> None:
    found = settings({"json": "out.json", "columns": ["id"]})
    assert make("id,a\nx,1\n", index="id", results=found).manifest.results is not None


PYTHON = {"python": "measure:f", "columns": ["x"]}


def test_a_module_beside_is_copied() -> None:
    Path("lab").mkdir()
    text = "def f(workspace): return {'x': 1}\n"
    Path("lab/measure.py").write_text(text)
    found = settings(PYTHON)
    make(results=found, functions=Path("lab"))
    assert names("out") == ["manifest.json", "measure.py", "pgen.py", "t_0000.yaml", "table.csv"]
    assert Path("out/measure.py").read_text() == text
    make(results=found, functions=Path("lab"), force=True)
    make(results=found, functions=Path("lab"), force=True, dry_run=True)
    make(force=True)
    assert names("out") == ["manifest.json", "pgen.py", "t_0000.yaml", "table.csv"]
    assert names("lab") == ["measure.py"]
    assert names() == ["lab", "out", "t.csv"]


def test_a_file_of_another_name_is_not_ours_to_replace() -> None:
    Path("measure.py").write_text("def f(workspace): return {'x': 1}\n")
    make(results=settings(PYTHON), functions=Path())
    Path("out/other.py").touch()
    assert "what genstudy specs did not write: other.py" in refusal(lambda: make(force=True))


def test_a_module_that_is_installed_is_not_copied() -> None:
    found = settings({"python": "json.tool:main", "columns": ["x"]})
    make(results=found, functions=Path())
    assert names("out") == ["manifest.json", "pgen.py", "t_0000.yaml", "table.csv"]


def test_what_a_module_imports_must_be_installed() -> None:
    """It is tried as it will be used: with that one file in the campaign."""
    Path("measure.py").write_text("import helper\ndef f(workspace): return {'x': 1}\n")
    Path("helper.py").touch()
    message = refusal(lambda: make(results=settings(PYTHON), functions=Path()))
    assert message == (
        "results.sources.0.python: measure:f: ModuleNotFoundError: No module named 'helper'\n"
        "  only the module itself is copied into the campaign; what it imports must be installed"
    )


@pytest.mark.parametrize(("name", "owner"), [("pgen", "a campaign"), ("random", "Python")])
def test_a_module_of_a_name_that_is_taken(name: str, owner: str) -> None:
    Path(f"{name}.py").write_text("def f(workspace): return {'x': 1}\n")
    found = settings({"python": f"{name}:f", "columns": ["x"]})
    with pytest.raises(UserError) as caught:
        make(results=found, functions=Path())
    assert str(caught.value) == (
        f"results.sources.0.python: {owner} has a module '{name}' of its own\n  rename {name}.py"
    )
    assert names() == [f"{name}.py", "t.csv"]

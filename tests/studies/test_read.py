"""The study file: text stays text, and a mistake is told with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from genstudy.errors import UserError
from genstudy.parameters.grammar import parse_law
from genstudy.parameters.levels import Choice, Const
from genstudy.specs.running import RunSettings
from genstudy.studies.build import init_study
from genstudy.studies.model import Study, study_schema
from genstudy.studies.read import read_study

pytestmark = pytest.mark.usefixtures("in_tmp")


NO_ORIGIN = "  genstudy init shows all keys; `table`, or `query` and `db`, may stand in its place"
PARAMETERS = "parameters:\n  a: int(0, 9)\n"
KEYS = ", ".join(Study.model_fields)


def study(text: str) -> Study:
    Path("s.yaml").write_text(text, encoding="utf-8")
    return read_study(Path("s.yaml")).study


def refusal(text: str | bytes) -> str:
    Path("s.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError) as caught:
        read_study(Path("s.yaml"))
    return str(caught.value)


def test_every_key() -> None:
    text = (
        PARAMETERS
        + """
name: beam
design: lhs
rows: 10
seed: 3
index: run
round: 4
groups: zip(a, b)
correlate: [a b 0.7, [b, c, -0.25]]
replicates: 2
order: stratified
where: [a < 5, a > 1]
exclude: a == 2
derive: {c: a * 2}
unique: true
template: command
set: {command: ls, size: 1.10, count: 10, on: yes, deep: {x: [1, 2.5, "3", null]}}
batch_size: 5
batches: null
output: out
inline: false
allow_missing: true
allow_unsafe_values: false
run: {jobs: 3, timeout: 1:30:00, min_free: 10G, max_failure_rate: 0.10, keep_failed: no, pass_env: HF_TOKEN}
scheduler: {queue: debug, bank: 1234, walltime: 1:30:00, procs: 4, options: --mem=0}
results: {into: "sqlite:///lab.db", table: beams, sources: [{json: out.json, columns: [energy]}]}
"""
    )
    found = study(text)
    assert set(yaml.safe_load(text)) == set(Study.model_fields) - {"table", "query", "db"}
    assert found.run is not None
    assert found.run.model_dump(exclude_unset=True) == {
        "jobs": 3,
        "timeout": 5400,
        "min_free": 10 * 1024**3,
        "max_failure_rate": 0.1,
        "keep_failed": False,
        "pass_env": ["HF_TOKEN"],
    }
    assert found.scheduler is not None
    assert found.scheduler.model_dump(exclude_unset=True) == {
        "queue": "debug",
        "bank": "1234",
        "walltime": 5400,
        "procs": 4,
        "options": ["--mem=0"],
    }
    assert found.results is not None
    assert found.results.types == {"energy": "float"}
    assert found.model_dump(exclude={"run", "scheduler", "results"}) == {
        "name": "beam",
        "parameters": {"a": "int(0, 9)"},
        "table": None,
        "query": None,
        "db": None,
        "design": "lhs",
        "rows": 10,
        "seed": 3,
        "index": "run",
        "round": 4,
        "groups": ["zip(a, b)"],
        "correlate": [("a", "b", 0.7), ("b", "c", -0.25)],
        "replicates": 2,
        "order": "stratified",
        "where": ["a < 5", "a > 1"],
        "exclude": ["a == 2"],
        "derive": {"c": "a * 2"},
        "unique": True,
        "template": "command",
        "set": {
            "command": "ls",
            "size": "1.10",
            "count": 10,
            "on": "yes",
            "deep": {"x": [1, 2.5, "3", None]},
        },
        "batch_size": 5,
        "batches": None,
        "output": "out",
        "inline": False,
        "allow_missing": True,
        "allow_unsafe_values": False,
    }


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("timeout: 90", 90),
        ("timeout: 90s", 90),
        ("timeout: 2h", 7200),
        ("timeout: 1:30", 5400),
        ("timeout: '1:30:00'", 5400),
        ("timeout: 2-12:00:00", 216000),
        ("min_free: 10G", 10 * 1024**3),
        ("min_free: 1.5T", 3 * 2**39),
        ("min_free: 0", 0),
        ("before: ./stage 1", "./stage 1"),
        ("after: 'true'", "true"),
        ("to: /p/lustre/me", "/p/lustre/me"),
        ("save: move", "move"),
        ("max_failures: 0", 0),
        ("pass_env: [A, B_*]", ["A", "B_*"]),
        ("jobs:", 1),
        ("timeout: ~", None),
    ],
)
def test_how_it_is_run(written: str, value: object) -> None:
    key = written.split(":")[0]
    found = study(PARAMETERS + f"run:\n  {written}\n").run
    assert found is not None
    assert getattr(found, key) == value
    said = set() if written.endswith((":", "~")) else {key}
    assert found.model_fields_set == said


RUN_KEYS = ", ".join(RunSettings.model_fields)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("jbos: 3", f"there is no key 'run.jbos' (did you mean 'jobs'?)\n  keys of run are: {RUN_KEYS}"),
        ("rows: 3", f"there is no key 'run.rows'\n  keys of run are: {RUN_KEYS}"),
        ("jobs: 0", "run.jobs: Input should be greater than or equal to 1, not 0"),
        ("jobs: true", "run.jobs: Input should be a valid integer, not True"),
        ("jobs: 1.5", "run.jobs: Input should be a valid integer, not 1.5"),
        ("save: copy", "run.save: Input should be 'keep', 'archive' or 'move', not 'copy'"),
        (
            "timeout: 2x",
            "run.timeout: '2x' is no time: write seconds, or 15m, 2h, 1d, or hours:minutes:seconds",
        ),
        ("timeout: true", "run.timeout: true is no number"),
        ("timeout: 0", "run.timeout: Input should be greater than 0, not 0"),
        ("min_free: 10X", "run.min_free: '10X' is no size: write a number and K, M, G or T, such as 10G"),
        (
            "min_free: 1_000",
            "run.min_free: '1_000' is no size: write a number and K, M, G or T, such as 10G",
        ),
        ("min_free: false", "run.min_free: false is no number"),
        ("max_failure_rate: true", "run.max_failure_rate: true is no number"),
        ("max_failure_rate: 2", "run.max_failure_rate: Input should be less than or equal to 1, not 2"),
        ("pass_env: [A, 2B]", "run.pass_env: '2B' is no name of an environment variable"),
        ("pass_env: [A, [B]]", "run.pass_env.1: Input should be a valid string, not ['B']"),
        ("to: ''", "run.to: String should have at least 1 character, not ''"),
    ],
)
def test_ways_to_run_that_are_none(text: str, message: str) -> None:
    assert refusal(PARAMETERS + f"run:\n  {text}\n") == f"s.yaml, line 4: {message}"
    assert refusal(f"run: {{{text}}}\n{PARAMETERS}") == f"s.yaml, line 1: {message}"


@pytest.mark.parametrize("written", ["3", "[jobs]", "fast"])
def test_run_is_a_mapping(written: str) -> None:
    assert refusal(f"{PARAMETERS}run: {written}\n").startswith("s.yaml, line 3: run: Input should be")


def test_a_run_that_says_nothing() -> None:
    assert study(PARAMETERS + "run:\n").run is None
    found = study(PARAMETERS + "run:\n  jobs:\n").run
    assert found is not None
    assert not found.model_fields_set


def test_one_condition_needs_no_list() -> None:
    assert study(PARAMETERS + "where: a < 5\n").where == ["a < 5"]


@pytest.mark.parametrize(
    ("written", "law"),
    [
        ("uniform(1, 2)", "uniform(1, 2)"),
        ('"uniform(1, 2)"', "uniform(1, 2)"),
        ("gamma(2, scale=3)", "gamma(2, scale=3)"),
        ("", ""),
        ("null", ""),
        ("~", ""),
        ('"null"', "const(null)"),
        ("1.10", "const(1.10)"),
        ("010", "const(010)"),
        ("no", "const(no)"),
        ("true", "const(true)"),
        ("1:30:00", "const('1:30:00')"),
        ("steel", "const(steel)"),
        ("two words", "const('two words')"),
        ('"it\'s"', "const('it''s')"),
        ('""', "const('')"),
        ("[steel, brass]", "choice(steel, brass)"),
        ("[010, 1.10, no, 1:30, ~, 2024-01-01]", "choice(010, 1.10, no, '1:30', ~, 2024-01-01)"),
        ('[a b, "x,y", "(", ""]', "choice('a b', 'x,y', '(', '')"),
        ("\n    - steel\n    - 3", "choice(steel, 3)"),
    ],
)
def test_laws(written: str, law: str) -> None:
    found = study(f"parameters:\n  a: {written}\n").parameters["a"]
    assert found == law
    if law:
        parse_law(found)


ITEMS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=9).filter(str.isprintable)


@given(items=st.lists(ITEMS, min_size=1, max_size=5, unique=True))
def test_items_of_a_list_stay_as_they_are(tmp_path: Path, items: list[str]) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(yaml.safe_dump({"parameters": {"a": items}}, allow_unicode=True), encoding="utf-8")
    law = parse_law(read_study(path).study.parameters["a"])
    assert isinstance(law, Choice)
    assert list(law.items) == items


@given(text=ITEMS.filter(lambda text: "(" not in text and text.strip() not in {"", "~"}))
def test_one_value_is_a_constant(tmp_path: Path, text: str) -> None:
    path = tmp_path / "s.yaml"
    quoted = yaml.safe_dump(text, default_style='"', allow_unicode=True)
    path.write_text(f"parameters:\n  a: {quoted}", encoding="utf-8")
    law = parse_law(read_study(path).study.parameters["a"])
    assert isinstance(law, Const)
    assert law.value == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "s.yaml: a study file has keys such as `parameters:`\n  genstudy init writes one"),
        ("- a\n", "s.yaml: a study file has keys such as `parameters:`\n  genstudy init writes one"),
        ("rows: 3\n", "s.yaml: the key 'parameters' is missing\n" + NO_ORIGIN),
        (
            PARAMETERS + "\nrwos: 3\n",
            f"s.yaml, line 4: there is no key 'rwos' (did you mean 'rows'?)\n  keys are: {KEYS}",
        ),
        (
            PARAMETERS + "batch-size: 3\n",
            f"s.yaml, line 3: there is no key 'batch-size' (did you mean 'batch_size'?)\n  keys are: {KEYS}",
        ),
        (PARAMETERS + "zzz: 3\n", f"s.yaml, line 3: there is no key 'zzz'\n  keys are: {KEYS}"),
        (
            "rows: 3\n" + PARAMETERS + "rows: 4\n",
            "s.yaml, line 4: the key 'rows' stands in line 1 already\n  take one of them out",
        ),
        (
            PARAMETERS + "  a: 3\n",
            "s.yaml, line 3: the key 'a' stands in line 2 already\n  take one of them out",
        ),
        (
            PARAMETERS + "set:\n  x: 1\n  x: 2\n",
            "s.yaml, line 5: the key 'x' stands in line 4 already\n  take one of them out",
        ),
        (
            "parameters:\n  a: {lo: 1}\n",
            (
                "s.yaml, line 2: the parameter 'a' has no law\n"
                "  write a law such as uniform(1, 2), a list of values, or one value"
            ),
        ),
        (
            "parameters:\n  a: [[1, 2]]\n",
            (
                "s.yaml, line 2: the parameter 'a' has no law\n"
                "  write a law such as uniform(1, 2), a list of values, or one value"
            ),
        ),
        ("parameters:\n  a: [1,\n", None),
        (PARAMETERS + "? [x, y]\n: 3\n", "s.yaml, line 3: a key is one word"),
        (PARAMETERS + "set:\n  {x: 1}: 3\n", "s.yaml, line 4: a key is one word"),
        (PARAMETERS + f"rows: {'1' * 5000}\n", None),
        (
            PARAMETERS + f"set: {{x: {'1' * 5000}}}\nzzz: 1\n",
            f"s.yaml, line 4: there is no key 'zzz'\n  keys are: {KEYS}",
        ),
        (
            PARAMETERS
            + "set:\n  a0: &a0 [x, x]\n"
            + "".join(f"  a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)),
            None,
        ),
        (
            "query: '@trials.sql'\ndb: sqlite:///lab.db\n",
            (
                "s.yaml, line 1: the query is SQL, and no file's name\n"
                "  write it here, or pass --query @trials.sql"
            ),
        ),
        ("a: b: c\n", "s.yaml, line 1, column 5: not YAML: mapping values are not allowed here"),
        (PARAMETERS + "rows: \x1b\n", "s.yaml, line 3: not YAML: a control character"),
        (PARAMETERS + "rows: \0\n", "s.yaml, line 3: not YAML: a control character"),
        (b"\xff\n", "s.yaml: not UTF-8 text\n  save it as UTF-8"),
    ],
)
def test_mistakes(text: str | bytes, message: str | None) -> None:
    found = refusal(text)
    assert found == message or (message is None and found.startswith("s.yaml, line "))


@pytest.mark.parametrize(
    "line",
    [
        "rows: 0",
        "rows: -3",
        "rows: many",
        "rows: 1.5",
        "rows: [1]",
        "seed: -1",
        "seed: x",
        "round: 16",
        "round: -1",
        "unique: perhaps",
        "batch_size: 0",
        "batches: 0",
        "name: [a]",
        "template: {a: b}",
        "set: 3",
        "set: [a]",
        "derive: a * 2",
        "where: {a: b}",
        "inline: 3",
        "output: true",
        "index: true",
        "name: false",
        "seed: true",
        "rows: true",
        "round: false",
        "batch_size: true",
        "batches: true",
        "derive: {b: true}",
        "where: [true]",
    ],
)
def test_values_of_the_wrong_kind(line: str) -> None:
    key = line.split(":")[0]
    found = refusal(PARAMETERS + line + "\n")
    assert found.startswith(f"s.yaml, line 3: {key}")
    assert ", not " in found


def test_numbers_where_text_belongs_are_their_text() -> None:
    found = study(
        PARAMETERS + "name: 2024\noutput: 1.5\nderive: {b: 5, c: -1.5, d: 1.10}\nindex: a\nwhere: [1]\n"
    )
    assert (found.name, found.output, found.where) == ("2024", "1.5", ["1"])
    assert found.derive == {"b": "5", "c": "-1.5", "d": "1.10"}


@pytest.mark.parametrize("key", [key for key in Study.model_fields if key != "parameters"])
def test_an_empty_key_is_its_default(key: str) -> None:
    assert study(f"{PARAMETERS}{key}:\n") == study(PARAMETERS)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (PARAMETERS + "set: &x {y: *x}\n", ", line 3"),
        (PARAMETERS + "set: {a: &x [*x, *x]}\n", ", line 3"),
        (PARAMETERS + "set:\n  a: " + "[" * 100 + "]" * 100 + "\n", ", line 4"),
        (PARAMETERS + "set: " + "[" * 3000 + "]" * 3000 + "\n", ""),
        (PARAMETERS + "set: " + "{a: " * 3000 + "}" * 3000 + "\n", ""),
    ],
)
def test_nested_too_deeply(text: str, line: str) -> None:
    assert refusal(text) == f"s.yaml{line}: nested too deeply, or an anchor that holds itself"


def test_anchors_are_fine() -> None:
    found = study("parameters: {a: &law 'uniform(1, 2)', b: *law}\nset: {x: &l [1], y: *l}\n")
    assert found.parameters["b"] == "uniform(1, 2)"
    assert found.set == {"x": [1], "y": [1]}


def test_parameters_of_the_wrong_kind() -> None:
    assert refusal("parameters: 3\n").startswith("s.yaml, line 1: parameters: ")
    assert refusal("parameters: {}\n").startswith("s.yaml, line 1: parameters: ")
    assert refusal("parameters:\n").startswith("s.yaml, line 1: parameters: ")


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(UserError) as caught:
        read_study(Path("none.yaml"))
    assert str(caught.value) == (
        "none.yaml: there is no such study file\n  genstudy init writes one to start from"
    )


def test_a_bom_is_fine() -> None:
    Path("s.yaml").write_bytes(b"\xef\xbb\xbf" + PARAMETERS.encode())
    assert read_study(Path("s.yaml")).study.parameters == {"a": "int(0, 9)"}


def test_the_schema_takes_what_init_writes() -> None:
    schema = study_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(yaml.safe_load(init_study("s.yaml").read_text()))
    wide: dict[str, Any] = {
        "parameters": {"a": "int(0,9)", "b": 3, "c": 1.5, "d": True, "e": None, "f": ["x", 1]},
        "where": "a < 5",
        "name": 2024,
        "derive": {"b": 5},
    }
    validator.validate(wide)
    validator.validate({**wide, "where": None, "set": None, "derive": None, "design": None})
    validator.validate({**wide, "where": ["a < 5"], "exclude": "a < 1", "groups": "zip(a, b)", "order": None})
    validator.validate({**wide, "correlate": "a b 0.7", "design": "morris(levels=6)"})
    validator.validate({**wide, "correlate": ["a b 0.7", ["b", "c", 0.1]]})
    run = {"jobs": 2, "timeout": "2h", "min_free": 5, "pass_env": "A", "save": None, "max_failure_rate": 0.1}
    validator.validate({**wide, "run": run})
    validator.validate({**wide, "run": None})
    validator.validate({**wide, "run": {"pass_env": ["A"]}})
    mistakes: list[dict[str, Any]] = [
        {"rows": 0},
        {"rwos": 3},
        {"design": "sobl"},
        {"where": 3},
        {"exclude": 3},
        {"groups": 3},
        {"correlate": [["a", "b"]]},
        {"replicates": 0},
        {"order": "sorted"},
        {"run": {"jbos": 3}},
        {"run": {"jobs": 0}},
        {"run": 3},
    ]
    for wrong in (*mistakes, {"parameters": {}}):
        assert not validator.is_valid({**wide, **wrong})


ORIGINS: list[tuple[dict[str, Any], str | None]] = [
    ({"table": "t.csv"}, None),
    ({"table": "t.csv", "index": "a", "batches": 2, "parameters": None}, ""),
    ({"table": "t.csv", "rows": None, "query": None, "db": None}, None),
    ({"query": "SELECT 1 AS a", "db": "sqlite:///a.db"}, None),
    ({"parameters": {"a": 1}, "table": None, "db": None}, None),
    ({}, "s.yaml: the key 'parameters' is missing\n"),
    ({"name": "x"}, "s.yaml: the key 'parameters' is missing\n" + NO_ORIGIN),
    ({"table": "t.csv", "db": "sqlite:///a.db"}, "s.yaml, line 2: a database is for a query\n"),
    ({"parameters": {"a": 1}, "db": "sqlite:///a.db"}, "s.yaml, line 3: a database is for a query\n"),
    ({"query": "SELECT 1 AS a"}, "s.yaml, line 1: a query needs a database\n"),
    ({"db": "sqlite:///a.db"}, "s.yaml: the key 'parameters' is missing\n"),
    ({"parameters": {"a": 1}, "table": "t.csv"}, "s.yaml, line 3: parameters and table exclude each other\n"),
    (
        {"table": "t.csv", "query": "SELECT 1 AS a", "db": "sqlite:///a.db"},
        "s.yaml, line 2: table and query exclude each other\n  rows come from one of them: ",
    ),
    (
        {"table": "t.csv", "seed": 3},
        (
            "s.yaml, line 2: seed makes rows of parameters, and here they are those of a table\n"
            "  take seed out; what rows there are, the table says"
        ),
    ),
    (
        {"query": "SELECT 1 AS a", "db": "sqlite:///a.db", "where": "a > 1"},
        "s.yaml, line 3: where makes rows of parameters, and here they are those of a query\n",
    ),
    ({"table": "t.csv", "design": "lhs"}, "s.yaml, line 2: design makes rows of parameters"),
    ({"table": 3, "unique": True}, "s.yaml, line 2: unique makes rows of parameters"),
]


@pytest.mark.parametrize(("keys", "message"), ORIGINS, ids=[" ".join(keys) or "none" for keys, _ in ORIGINS])
def test_rows_come_from_one_place_and_the_schema_says_so(keys: dict[str, Any], message: str | None) -> None:
    text = yaml.safe_dump(keys, sort_keys=False)
    validator = jsonschema.Draft202012Validator(study_schema())
    if message is None:
        study(text)
        validator.validate(keys)
    else:
        assert refusal(text).startswith(message)
        assert not validator.is_valid(keys)


def test_what_stands_after_db_is_not_shown() -> None:
    for db in ("[postgresql://u:hush@h/d]", "{url: postgresql://u:hush@h/d}"):
        assert refusal(f"query: SELECT 1 AS a\ndb: {db}\n") == (
            "s.yaml, line 2: db: Input should be a valid string"
        )


def test_the_schema_describes_every_key() -> None:
    schema = study_schema()
    run = schema["$defs"]["RunSettings"]["properties"]
    for properties, model in ((schema["properties"], Study), (run, RunSettings)):
        assert set(properties) == set(model.model_fields)
        assert all(entry["description"] for entry in properties.values())

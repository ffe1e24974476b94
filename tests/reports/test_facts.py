"""What stands under `For the record`."""

from __future__ import annotations

import platform
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import genstudy
from genstudy.ledger.records import Owned
from genstudy.maestro.version import check_version
from genstudy.parameters.grammar import parse_parameter
from genstudy.reports.facts import HIDDEN, commands_of, facts_of
from genstudy.reports.history import Run
from genstudy.specs.make import make_specs
from genstudy.specs.manifest import QueryEntry
from genstudy.specs.options import Options
from genstudy.specs.running import RunSettings
from genstudy.tables.make import make_table
from tests.campaign.studies import step, template


def ran(options: dict[str, Any], reason: str | None = None) -> Run:
    owned = Owned(t=1, generation=1, host="node7", pid=42, user="lab", genstudy="0.1.0", options=options)
    return Run(owned=owned, ended=9, reason=reason)


@pytest.mark.parametrize(
    ("options", "command"),
    [
        ({}, "genstudy run my c"),
        ({"jobs": 2, "save": "move", "to": "/far away"}, "--jobs 2 --save move --to '/far away'"),
        ({"keep_failed": False, "max_failure_rate": 0.5}, "--clear-failed --max-failure-rate 0.5"),
        (
            {"keep_failed": True, "pass_env": ["A_TOKEN", "B*"]},
            "--keep-failed --pass-env A_TOKEN --pass-env 'B*'",
        ),
        ({"after": "curl https://me:secret@host"}, f"--after '{HIDDEN}'"),
        ({"before": "tool password=hunter2"}, f"--before '{HIDDEN}'"),
        ({"retry": True}, "genstudy retry"),
        ({"cancel": True}, "genstudy cancel"),
        (
            {"submit": True, "scheduler": "slurm", "job": ["walltime=1h", "setup=module load x"], "jobs": 4},
            "genstudy submit --scheduler slurm --job walltime=1h --job 'setup=module load x' --jobs 4",
        ),
    ],
)
def test_commands(options: dict[str, Any], command: str) -> None:
    [found] = commands_of([ran(options)], "my c")
    whole = command if command.startswith("genstudy") else f"genstudy run {command}"
    verb = whole.split()[1]
    rest = whole.removeprefix(f"genstudy {verb}").removeprefix(" my c").strip()
    assert found.command == f"genstudy {verb} 'my c' {rest}".strip()


@pytest.mark.parametrize(
    ("reason", "text"), [(None, "not recorded"), ("", "as usual"), ("a full disk", "a full disk")]
)
def test_how_a_process_ended(reason: str | None, text: str) -> None:
    assert [found.reason for found in commands_of([ran({}, reason)], "c")] == [text]


def test_a_process_that_runs_has_no_end() -> None:
    run = replace(ran({}), alive=True)
    assert [found.reason for found in commands_of([run], "c")] == ["still running"]


def test_who_ran_it() -> None:
    [found] = commands_of([ran({}, "see https://me:secret@host")], "c")
    assert (found.who, found.version, found.began, found.ended, found.reason) == (
        "process 42 of lab on node7",
        "0.1.0",
        1,
        9,
        HIDDEN,
    )


@pytest.mark.usefixtures("in_tmp")
def test_the_facts_of_a_campaign() -> None:
    parameters = [parse_parameter(text) for text in ("width=uniform(1, 2)", "kind=choice(a, b)")]
    make_table(
        parameters,
        output=Path("t.csv"),
        rows=10,
        design="lhs",
        seed=0,
        index="id",
        digits=3,
        where=["width > 1"],
        derive=["twice=2*width"],
    )
    text = template(step("run", "echo $(WIDTH) {{ vars.command }} {{ vars.api_token }} {{ vars.deep }}"))
    Path("t.yaml.j2").write_text(text)
    options = Options(
        template="t.yaml.j2",
        batch_size=4,
        variables={"command": "true", "api_token": "abc123", "deep": {"x": 1}},
        start=2,
        rows=6,
        run=RunSettings(jobs=2, pass_env=["A_TOKEN"]),
    )
    manifest = make_specs("t.csv", "c", options).manifest
    facts = {part.title: list(part.facts) for part in facts_of(manifest)}
    assert facts["Table"] == [
        ("source", "t.csv"),
        ("rows", "10"),
        ("rows in the campaign", "2 to 7"),
        ("row ids", "column id"),
        ("design", "lhs"),
        ("seed", "0"),
        ("round", "3"),
        ("law of width", "uniform(1, 2)"),
        ("law of kind", "choice(a, b)"),
        ("formula of twice", "2*width"),
        ("condition", "width > 1"),
        facts["Table"][-1],
    ]
    assert facts["Table"][-1][0] == "made with"
    assert facts["Table"][-1][1].startswith(f"genstudy {genstudy.__version__}, ")
    assert facts["Template and settings"] == [
        ("template", "t.yaml.j2"),
        ("step run", "once a row"),
        ("rows a batch", "4"),
        ("specifications", "pgen"),
        ("variable command", "true"),
        ("variable api_token", HIDDEN),
        ("variable deep", '{"x": 1}'),
        ("run: jobs", "2"),
        ("run: pass_env", '["A_TOKEN"]'),
    ]
    assert facts["SHA-256"] == [
        ("table", manifest.table.sha256),
        ("template", manifest.template.sha256),
        ("pgen.py", manifest.pgen_sha256),
    ]
    assert facts["Versions"] == [
        ("genstudy that made the campaign", genstudy.__version__),
        ("genstudy that wrote this report", genstudy.__version__),
        ("Maestro", check_version()),
        ("Python", platform.python_version()),
    ]


@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize(
    "record",
    [
        {"seed": [1], "parameters": 3, "derive": [5, {"name": None}], "where": {"a": 1}, "versions": []},
        {"design": {"x": float("inf")}, "parameters": [{"law": None}]},
    ],
)
def test_a_record_that_is_none_is_shown_as_far_as_it_goes(record: dict[str, Any]) -> None:
    Path("t.csv").write_text("a\n1\n")
    manifest = make_specs("t.csv", "c", Options()).manifest
    changed = manifest.model_copy(update={"table": manifest.table.model_copy(update={"record": record})})
    assert facts_of(changed)[0].title == "Table"


@pytest.mark.usefixtures("in_tmp")
def test_rows_of_a_query() -> None:
    Path("t.csv").write_text("a\n1\n")
    manifest = make_specs("t.csv", "c", Options()).manifest
    query = QueryEntry(sql="SELECT a FROM t", db="postgresql://lab@host/studies")
    changed = manifest.model_copy(update={"table": manifest.table.model_copy(update={"query": query})})
    assert list(facts_of(changed)[0].facts)[1:3] == [
        ("query", "SELECT a FROM t"),
        ("database", "postgresql://lab@host/studies"),
    ]

"""A campaign from a study file, the same as from the two commands."""

from __future__ import annotations

import errno
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from genstudy.errors import UserError
from genstudy.parameters.grammar import parse_parameter
from genstudy.specs.make import make_specs
from genstudy.specs.options import Options
from genstudy.studies.build import build_study, init_study
from genstudy.studies.model import Study
from genstudy.tables.make import make_table

pytestmark = pytest.mark.usefixtures("in_tmp")


TEXT = """parameters:
  a: uniform(0, 1)
  b: [x, y]
design: lhs
rows: 10
seed: 5
index: run
round: 3
where: a < 0.9
derive: {c: a * 2}
template: command
set: {command: ls}
batch_size: 4
name: beam
output: out
"""


def refusal(text: str, **arguments: Any) -> str:
    Path("s.yaml").write_text(text)
    with pytest.raises(UserError) as caught:
        build_study("s.yaml", **arguments)
    assert sorted(path.name for path in Path().iterdir()) == ["s.yaml"]
    return str(caught.value)


def contents(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def test_it_is_the_same_as_csv_and_specs() -> None:
    Path("s.yaml").write_text(TEXT)
    campaign = build_study("s.yaml")
    make_table(
        [parse_parameter("a=uniform(0, 1)"), parse_parameter("b=choice(x, y)")],
        output=Path("beam.csv"),
        rows=10,
        design="lhs",
        seed=5,
        index="run",
        digits=3,
        where=["a < 0.9"],
        derive=["c = a * 2"],
    )
    options = Options(template="command", variables={"command": "ls"}, batch_size=4)
    twin = make_specs("beam.csv", "twin", options)
    assert campaign.manifest.table.source == "s.yaml"
    assert twin.manifest.table.source == "beam.csv"
    built, made = contents("out"), contents("twin")
    assert built.pop("manifest.json") == made.pop("manifest.json").replace(
        b'"source": "beam.csv"', b'"source": "s.yaml"'
    )
    assert built == made
    assert sorted(path.name for path in Path().iterdir()) == [
        "beam.csv",
        "beam.json",
        "out",
        "s.yaml",
        "twin",
    ]


def test_what_init_writes_is_built() -> None:
    campaign = build_study(init_study("study.yaml"))
    assert campaign.folder == Path("study")
    assert (campaign.manifest.name, campaign.manifest.table.rows) == ("study", 100)
    assert len(campaign.manifest.batches) == 4
    with pytest.raises(UserError, match="the file exists already"):
        init_study("study.yaml")
    Path("study.yaml").write_text("mine")
    assert "parameters:" in init_study("study.yaml", force=True).read_text()


def test_every_commented_key_of_init_is_a_key() -> None:
    text = init_study("study.yaml").read_text()
    keys = re.findall(r"^(?:# )?([a-z_]+):(?= )", text, re.MULTILINE)
    assert set(keys) == set(Study.model_fields)
    full = re.sub(r"^# ?(?=[a-z_]+: |  [a-z_]+: |    - )", "", text, flags=re.MULTILINE)
    full = re.sub(r"^(table|query|db): .*\n", "", full, flags=re.MULTILINE)
    full = full.replace("batches: 4", "").replace("set: {", "set: {}  # {").replace("inline: true", "")
    Path("full.yaml").write_text(full)
    campaign = build_study("full.yaml", dry_run=True)
    assert campaign.manifest.run is not None
    assert campaign.manifest.run.model_dump(exclude_unset=True) == {
        "jobs": 2,
        "save": "archive",
        "to": "beam_results",
        "keep_failed": True,
        "before": "./stage_in.sh",
        "timeout": 7200,
        "min_free": 10 * 1024**3,
        "max_failures": 20,
    }
    assert campaign.manifest.results is not None
    assert campaign.manifest.results.types == {
        "lift": "float",
        "drag": "float",
        "t_end": "float",
        "residual": "float",
        "iterations": "int",
    }
    assert campaign.folder == Path("beam_specs")
    names = ["sample", "width", "height", "material", "count", "replicate", "area"]
    assert campaign.manifest.table.columns == names
    unset = {"batches", "inline", "table", "query", "db"}
    assert set(yaml.safe_load(full)) >= set(Study.model_fields) - unset


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"rows": 3}, {"rows": 3, "batches": 1}),
        ({"batch_size": 2}, {"batches": 5}),
        ({"batches": 2}, {"batches": 2}),
        ({"name": "other"}, {"name": "other"}),
        ({"template": "echo", "set": {}}, None),
        ({"set": {"style": "flags"}}, {"style": "flags", "command": "ls"}),
        ({"set": {"command": "pwd"}}, {"command": "pwd"}),
        ({"seed": 6}, {"seed": 6}),
        ({"design": "sobol"}, {"design": "sobol"}),
        ({"index": "id"}, {"index": "id"}),
        ({"round": 1}, {"round": 1}),
        ({"where": ["a < 0.5"]}, {"where": ["a < 0.5"]}),
        ({"derive": {"d": "a + 1"}}, {"columns": ["run", "a", "b", "d"]}),
        ({"unique": True}, {"unique": True}),
        ({"allow_missing": True}, {"allow_missing": True}),
        ({"allow_unsafe_values": True}, {"allow_unsafe_values": True}),
        ({"output": "elsewhere"}, {"folder": "elsewhere"}),
    ],
)
def test_an_option_wins_over_its_key(settings: dict[str, Any], expected: dict[str, Any] | None) -> None:
    Path("s.yaml").write_text(TEXT)
    if expected is None:
        with pytest.raises(UserError, match="the template 'echo' has no variable 'command'"):
            build_study("s.yaml", settings=settings)
        return
    campaign = build_study("s.yaml", settings=settings)
    manifest = campaign.manifest
    record = manifest.table.record
    assert record is not None
    found = {
        **record,
        **manifest.settings.variables,
        "rows": manifest.table.rows,
        "batches": len(manifest.batches),
        "name": manifest.name,
        "index": manifest.table.index,
        "columns": manifest.table.columns,
        "allow_missing": manifest.settings.allow_missing,
        "allow_unsafe_values": manifest.settings.allow_unsafe_values,
        "folder": str(campaign.folder),
    }
    assert {key: found[key] for key in expected} == expected


def test_inline() -> None:
    Path("s.yaml").write_text(TEXT.replace("set: {command: ls}\n", "").replace("command", "echo"))
    assert build_study("s.yaml", settings={"inline": True}).manifest.pgen_sha256 is None


def test_parameters_besides_or_in_place_of_the_files() -> None:
    Path("s.yaml").write_text(TEXT)
    manifest = build_study("s.yaml", parameters=["b=const(3)", "d"]).manifest
    assert manifest.table.columns == ["run", "a", "b", "d", "c"]
    assert manifest.table.record is not None
    assert [entry["law"] for entry in manifest.table.record["parameters"]] == [
        "uniform(0, 1)",
        "const(3)",
        "int(0, 100)",
    ]


def test_a_template_beside_the_study_file() -> None:
    Path("inner").mkdir()
    Path("inner/s.yaml").write_text("parameters:\n  a:\ntemplate: mine.j2\nset: {deck: d.in, command: ls}\n")
    Path("inner/mine.j2").write_text('{% extends "input-deck" %}')
    Path("inner/d.in").write_text("$(A)\n")
    campaign = build_study("inner/s.yaml")
    assert campaign.folder == Path("s")
    assert "$(A.quoted)" in Path("s/s_0000.yaml").read_text()


def test_values_stay_the_text_that_was_written() -> None:
    Path("s.yaml").write_text(
        'parameters:\n  a: 1.10\n  b: 010\n  c: no\n  d: 1:30:00\n  e: "x y"\n  f: 2024-01-01\n'
        "rows: 1\nseed: 1\n"
    )
    build_study("s.yaml")
    assert Path("s/table.csv").read_text() == "a,b,c,d,e,f\n1.10,010,no,1:30:00,x y,2024-01-01\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "parameters:\n  a: int(0, 9)\n  b: uniform(1\n",
            (
                "s.yaml, line 3, parameter b: a comma or a closing bracket belongs here, not the end\n"
                "    uniform(1\n             ^"
            ),
        ),
        (
            "parameters:\n  b: unifrom(1, 2)\n",
            "s.yaml, line 2, parameter b: there is no law 'unifrom' (did you mean 'uniform'?)",
        ),
        (
            "parameters:\n  a b: int(0, 9)\n",
            "s.yaml, line 2, parameter a b: 'a b' cannot be a parameter name",
        ),
        ("parameters:\n  a:\nname: a b\n", "s.yaml, line 3, name: 'a b' cannot name a campaign"),
        (
            "parameters:\n  a:\ntemplate: ehco\n",
            "s.yaml, line 3, template: there is no template 'ehco' (did you mean 'echo'?)",
        ),
        (
            "parameters:\n  a:\nset: {x: 1}\n",
            "s.yaml, line 3, set: the template 'echo' has no variable 'x'",
        ),
        (
            "parameters:\n  a:\nbatches: 30\n",
            "s.yaml, line 3, batches: --batches 30 is more than there are rows, 20",
        ),
        (
            "parameters:\n  a:\nbatches: 3\nbatch_size: 4\n",
            "s.yaml, line 3, batches: --batch-size and --batches exclude each other",
        ),
        ("parameters:\n  a: uniform(0, 1)\ndesign: grid\n", "s.yaml"),
        ("parameters:\n  a: int(0, 1)\ndesign: grid\nrows: 3\n", "s.yaml: the design grid has 2 rows"),
        ("parameters:\n  width:\nwhere: widht < 3\n", "s.yaml, line 3, where: "),
        (
            "parameters:\n  a:\n  b:\ncorrelate: a b 1\n",
            "s.yaml, line 4, correlate: a rank correlation is between -1 and 1",
        ),
        (
            "parameters:\n  a:\n  b:\ncorrelate:\n- a b 0.1\n- a z 0.5\n",
            "s.yaml, line 6, correlate: there is no parameter 'z'",
        ),
        (
            "parameters:\n  a:\n  b:\n  c:\ncorrelate: [a b 0.9, b c 0.9, a c -0.9]\n",
            "s.yaml, line 5, correlate: no parameters have all of these correlations at once",
        ),
        ("parameters:\n  a:\ndesign: sobl\n", "s.yaml, line 3, design: there is no design 'sobl'"),
        ("parameters:\n  a:\n  b:\ngroups:\n  - zip(a, c)\n", "s.yaml, line 5, groups: there is no "),
        ("parameters:\n  a:\nexclude:\n  - a < 3\n  - b < 3\n", "s.yaml, line 5, exclude: "),
        ("parameters:\n  a:\nwhere:\n  - a < 3\n  - b < 3\n", "s.yaml, line 5, where: "),
        ("parameters:\n  a:\nwhere: a < -1\n", "s.yaml: 0 of "),
        ("parameters:\n  a:\nderive:\n  b: a\n  c: x * 2\n", "s.yaml, line 5, derive.c: "),
        ("parameters:\n  a:\nderive:\n  b c: a\n", "s.yaml, line 4, derive.b c: "),
        ("parameters:\n  a:\nderive:\n  A: a\n", "s.yaml, line 4, derive.A: "),
        ("parameters:\n  a:\n  A:\n", "s.yaml, line 1, parameters: "),
        ("parameters:\n  a:\nindex: a\n", "s.yaml, line 3, index: "),
        ("parameters:\n  a:\nindex: x y\n", "s.yaml, line 3, index: 'x y' cannot be"),
        (
            'parameters:\n  a:\n  m: [""]\n',
            "the table of s.yaml, row 0, column m: the cell is empty",
        ),
        ("parameters:\n  a:\nname: ../../victim\n", "s.yaml, line 3, name: '../../victim' cannot name"),
        ("parameters:\n  a:\noutput: no/out\n", "no/out: the folder no does not exist"),
    ],
)
def test_mistakes_leave_nothing(text: str, message: str) -> None:
    assert refusal(text).startswith(message)
    assert refusal(text, dry_run=True).startswith(message)


def test_settings_and_parameters_with_mistakes() -> None:
    assert "'b c'" in refusal(TEXT, parameters=["b c"])
    assert "closing bracket" in refusal(TEXT, parameters=["b=int(1"])
    assert refusal(TEXT, settings={"rows": 0}).startswith("a table has 1 row or more, not 0")
    assert "sobl" in refusal(TEXT, settings={"design": "sobl"})
    assert refusal(TEXT, settings={"name": "a/b"}).startswith("'a/b' cannot name a campaign")
    assert not refusal(TEXT, settings={"where": ["z < 1"]}).startswith("s.yaml")
    assert not refusal(TEXT, settings={"derive": {"z": "y"}}).startswith("s.yaml")
    assert refusal(TEXT, settings={"batches": 11}).startswith("--batches 11 is more than")
    assert refusal(TEXT, settings={"template": "ehco"}).startswith("there is no template 'ehco'")


def test_a_name_is_checked_before_it_is_a_path() -> None:
    Path("inner").mkdir()
    Path("inner/.hid.yaml").write_text("parameters:\n  a:\n")
    with pytest.raises(UserError) as caught:
        build_study("inner/.hid.yaml")
    assert str(caught.value).startswith("inner/.hid.yaml: '' cannot name a campaign")
    assert sorted(str(path) for path in Path().rglob("*")) == ["inner", "inner/.hid.yaml"]


def test_a_full_disk_names_the_campaign(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    Path("s.yaml").write_text(TEXT)
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError) as caught:
        build_study("s.yaml")
    assert str(caught.value).startswith("out: cannot be written: No space left on device\n")
    with pytest.raises(UserError) as caught:
        init_study("t.yaml")
    assert str(caught.value).startswith("t.yaml: cannot be written: No space left on device\n")
    assert sorted(path.name for path in Path().iterdir()) == ["s.yaml"]


def test_a_dry_run_writes_nothing_and_an_existing_campaign_stays() -> None:
    Path("s.yaml").write_text(TEXT)
    planned = build_study("s.yaml", dry_run=True)
    assert sorted(path.name for path in Path().iterdir()) == ["s.yaml"]
    assert build_study("s.yaml").manifest == planned.manifest
    with pytest.raises(UserError, match="the folder exists already"):
        build_study("s.yaml")
    before = contents("out")
    build_study("s.yaml", settings={"seed": 6}, force=True)
    assert contents("out") != before
    Path("out/results").mkdir()
    with pytest.raises(UserError, match="did not write: results"):
        build_study("s.yaml", force=True)


def test_progress_and_notes() -> None:
    Path("s.yaml").write_text("parameters:\n  a: uniform(0, 1)\nrows: 10\nseed: 1\ndesign: sobol\n")
    seen: list[tuple[int, int]] = []
    notes: list[str] = []
    build_study("s.yaml", progress=lambda done, total: seen.append((done, total)), note=notes.append)
    assert (10, 10) in seen
    assert len(notes) == 1
    assert "power of 2" in notes[0]

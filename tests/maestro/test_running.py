"""Generated specs run with plain Maestro: from anywhere, in any mode, without genstudy."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from genstudy.errors import UserError
from genstudy.specs.make import make_specs
from genstudy.specs.options import Options

from .conftest import Maestro, values_template, values_written, wait_until, write_table

ROWS = [["1", "x y"], ["2", "it's"], ["1", "x y"], ["3", "é"], ["4", "$(date)"]]


def test_a_parquet_table_is_read_by_its_name_alone(tmp_path: Path, maestro: Maestro) -> None:
    pl.DataFrame({"a": [1, 2]}).write_parquet(tmp_path / "p1.parquet")
    pl.DataFrame({"a": [7, 8, 9]}).write_parquet(tmp_path / "p[1].parquet")
    options = Options(template=values_template(tmp_path), name="p")
    campaign = make_specs(tmp_path / "p[1].parquet", tmp_path / "specs", options)
    maestro.run(campaign.folder / "p_0000.yaml", campaign.folder / "pgen.py", tmp_path / "out")
    assert values_written(tmp_path / "out") == {"0": ["7"], "1": ["8"], "2": ["9"]}


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    """A campaign of five rows, two of them alike, in batches of two."""
    table = write_table(tmp_path / "table.csv", ["a", "b"], ROWS)
    options = Options(template=values_template(tmp_path), batch_size=2, name="study")
    return make_specs(table, tmp_path / "specs", options).folder


def test_the_printed_command_runs_from_another_folder(
    tmp_path: Path, maestro: Maestro, run_cli: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "table.csv", ["a", "b"], ROWS)
    code, out, _ = run_cli("specs", "table.csv", "-t", str(values_template(tmp_path)), "-b", "2")  # type: ignore[operator]
    assert code == 0
    command = out.splitlines()[-2].removeprefix("run one:  ").split()
    assert command[:2] == ["maestro", "run"]
    done = maestro(*command[1:], "-y", "-fg", "-s", "0")
    assert done.returncode == 0, done.stderr
    assert values_written(next(tmp_path.glob("out/*"))) == {"0": ROWS[0], "1": ROWS[1]}


def test_foreground_from_another_working_directory(campaign: Path, tmp_path: Path, maestro: Maestro) -> None:
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    spec = Path("..") / campaign.name / "study_0001.yaml"
    done = maestro(
        "run", "-fg", "-y", "-s", "0", spec, "--pgen", Path("..") / campaign.name / "pgen.py", cwd=elsewhere
    )
    assert done.returncode == 0, done.stderr
    out = next(elsewhere.glob("out/study_0001_*"))
    assert values_written(out) == {"2": ROWS[2], "3": ROWS[3]}


def test_from_inside_the_folder(campaign: Path, maestro: Maestro) -> None:
    done = maestro(
        "run", "-fg", "-y", "-s", "0", "study_0002.yaml", "--pgen", "pgen.py", "-o", "o", cwd=campaign
    )
    assert done.returncode == 0, done.stderr
    assert values_written(campaign / "o") == {"4": ROWS[4]}


def test_background(campaign: Path, tmp_path: Path, maestro: Maestro) -> None:
    out = tmp_path / "background"
    done = maestro(
        "run", "-y", "-s", "1", campaign / "study_0000.yaml", "--pgen", campaign / "pgen.py", "-o", out
    )
    assert done.returncode == 0, done.stderr
    wait_until(lambda: (out / "status.csv").is_file() and "INIT" not in (out / "status.csv").read_text())
    wait_until(lambda: (out / "status.csv").read_text().count("FINISHED") == 2)
    assert values_written(out) == {"0": ROWS[0], "1": ROWS[1]}
    status = maestro("status", "--disable-pager", "--disable-theme", out)
    assert status.returncode == 0
    assert "FINIS" in status.stdout


def test_folder_moved_and_genstudy_not_installed(campaign: Path, tmp_path: Path, maestro: Maestro) -> None:
    moved = tmp_path / "some" / "where"
    moved.parent.mkdir()
    campaign.rename(moved)
    (tmp_path / "table.csv").unlink()
    fake = tmp_path / "fake" / "genstudy"
    fake.mkdir(parents=True)
    (fake / "__init__.py").write_text("raise ImportError('genstudy is not installed here')\n")
    found: dict[str, list[str]] = {}
    for spec in sorted(moved.glob("*.yaml")):
        out = tmp_path / "runs" / spec.stem
        arguments = ("run", "-fg", "-y", "-s", "0", "-o", out, spec, "--pgen", moved / "pgen.py")
        done = maestro(*arguments, env={"PYTHONPATH": str(fake.parent)})
        assert done.returncode == 0, done.stderr
        found |= values_written(out)
    assert found == {str(number): row for number, row in enumerate(ROWS)}


def test_dry_run_makes_a_workspace_a_row(campaign: Path, tmp_path: Path, maestro: Maestro) -> None:
    out = tmp_path / "dry"
    done = maestro(
        "run", "--dry", "-y", "-fg", "-o", out, campaign / "study_0000.yaml", "-p", campaign / "pgen.py"
    )
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (out / "values").iterdir()) == ["row_0", "row_1"]


def test_batches_of_a_plain_spec_do_not_share_a_folder(tmp_path: Path, maestro: Maestro) -> None:
    template = tmp_path / "plain.yaml"
    template.write_text(
        'description:\n    name: "one name"  # of the study\n    description: a plain specification\n'
        "env:\n    variables: {OUTPUT_PATH: ./out}\n"
        "study:\n    - name: values\n      description: say it\n      run:\n          cmd: |\n"
        "              printf '%s\\0' $(ROW_ID) $(A.quoted) $(B.quoted) > values.bin\n"
    )
    table = write_table(tmp_path / "table.csv", ["a", "b"], ROWS)
    campaign = make_specs(table, tmp_path / "specs", Options(template=template, batch_size=1))
    spec = (campaign.folder / "table_0003.yaml").read_text()
    assert '    name: "one name_0003"  # of the study\n' in spec
    found: dict[str, list[str]] = {}
    for batch in campaign.manifest.batches:
        done = maestro("run", "-fg", "-y", "-s", "0", f"specs/{batch.spec}", "--pgen", "specs/pgen.py")
        assert done.returncode == 0, done.stderr
    for folder in (tmp_path / "out").iterdir():
        found |= values_written(folder)
    assert len(list((tmp_path / "out").iterdir())) == len(ROWS)
    assert found == {str(number): row for number, row in enumerate(ROWS)}


@pytest.mark.parametrize(
    ("cmd", "use"),
    [
        ("echo $(B)", "a bare $(B)"),
        ("echo $(B.label)", "a bare $(B.label)"),
        ('echo "$(B.quoted)"', "$(B.quoted) in double quotes"),
        ("echo '$(B.quoted)'", "$(B.quoted) in single quotes"),
        ("cat <<END\n$(B.quoted)\nEND", "$(B.quoted) in a here-document"),
        ("echo $(( $(B.quoted) ))", "$(B.quoted) in arithmetic"),
        ("echo `echo $(B.quoted)`", "$(B.quoted) in backquotes"),
        ('echo "$(B.json)"', "$(B.json) in double quotes"),
        ("echo $(B.json)", "$(B.json) in words"),
    ],
)
def test_a_value_is_refused_where_the_shell_would_read_it(tmp_path: Path, cmd: str, use: str) -> None:
    template = tmp_path / "t.yaml"
    lines = "".join(f"              {line}\n" for line in f"echo $(A) > a\n{cmd}".split("\n"))
    template.write_text(
        "description: {name: n, description: d}\nstudy:\n    - name: s\n      description: d\n"
        f"      run:\n          cmd: |\n{lines}"
    )
    table = write_table(tmp_path / "table.csv", ["a", "b"], [["1", "x"], ["2", "`touch X`"]])
    with pytest.raises(UserError) as refused:
        make_specs(table, tmp_path / "specs", Options(template=template))
    assert (
        refused.value.message == f"'`touch X`' has shell-active characters, and the template uses it as {use}"
    )
    assert refused.value.where == f"{table}, row 1 (line 3), column b"
    assert not (tmp_path / "specs").exists()


@pytest.mark.parametrize("change", [("1,x y", "7,x y"), ("a,b", "a,c"), ("x y", "x  y")])
def test_a_changed_table_is_refused(
    campaign: Path, tmp_path: Path, maestro: Maestro, change: tuple[str, str]
) -> None:
    table = campaign / "table.csv"
    table.write_text(table.read_text().replace(*change, 1))
    done = maestro(
        "run", "-fg", "-y", campaign / "study_0000.yaml", "-p", campaign / "pgen.py", "-o", tmp_path / "o"
    )
    assert done.returncode == 2
    assert "is not what it was when the specs were made" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "o" / "values").exists()


def test_a_row_added_behind_a_batch_does_not_matter_to_it(
    campaign: Path, tmp_path: Path, maestro: Maestro
) -> None:
    with (campaign / "table.csv").open("a") as stream:
        stream.write("9,z\n")
    maestro.run(campaign / "study_0002.yaml", campaign / "pgen.py", tmp_path / "out")
    assert values_written(tmp_path / "out") == {"4": ROWS[4]}


@pytest.mark.parametrize(
    ("pargs", "rows"),
    [(["NROWS:1"], [2]), (["START:4"], [4]), (["START:0", "NROWS:3"], [0, 1, 2]), (["DEBUG:yes"], [2, 3])],
)
def test_pargs_win_over_the_spec(
    campaign: Path, tmp_path: Path, maestro: Maestro, pargs: list[str], rows: list[int]
) -> None:
    options = [word for parg in pargs for word in ("--pargs", parg)]
    maestro.run(campaign / "study_0001.yaml", campaign / "pgen.py", tmp_path / "out", *options)
    assert values_written(tmp_path / "out") == {str(row): ROWS[row] for row in rows}


def test_reference_leaves_the_table_where_it_is(tmp_path: Path, maestro: Maestro) -> None:
    text = "\ufeffid , a\r\nr1,1\r\nr2,2\r\nr3,3\r\n"
    table = tmp_path / "table.csv"
    table.write_bytes(text.encode())
    options = Options(template=values_template(tmp_path), reference=True, index="id", batch_size=2)
    campaign = make_specs(table, tmp_path / "specs", options)
    assert not (campaign.folder / "table.csv").exists()
    maestro.run(campaign.folder / "table_0001.yaml", campaign.folder / "pgen.py", tmp_path / "out")
    assert values_written(tmp_path / "out") == {"r3": ["3"]}
    assert table.read_bytes() == text.encode()


STEPS = """\
description: {name: "{{ batch.name }}", description: steps of every kind}
study:
    - name: prepare
      description: once a batch
      run: {cmd: "echo prepared > p.txt"}
    - name: {{ shared("mesh") }}
      description: once per distinct width
      run:
          cmd: |
              printf '%s\\n' $(WIDTH.quoted) > mesh.txt
          depends: [prepare]
    - name: simulate
      description: once a row
      run:
          cmd: |
              cat "$(mesh.workspace)/mesh.txt" > seen.txt
              printf '%s %s\\n' $(HEIGHT.quoted) $(ROW_ID.label) >> seen.txt
          depends: [mesh]
    - name: follow
      description: once a row, by what it follows alone
      run:
          cmd: |
              cp "$(simulate.workspace)/seen.txt" .
          depends: [simulate]
    - name: gather
      description: once over all rows
      run:
          cmd: |
              cat "$(follow.workspace)"/*/seen.txt > all.txt
          depends: [follow_*]
"""


def test_steps_of_every_kind(tmp_path: Path, maestro: Maestro) -> None:
    rows = [["1", "a/b"], ["2", "b"], ["1", "c"], ["1", "c"]]
    table = write_table(tmp_path / "t.csv", ["width", "height"], rows)
    template = tmp_path / "steps.yaml.j2"
    template.write_text(STEPS)
    campaign = make_specs(table, tmp_path / "specs", Options(template=template, name="kinds"))
    assert [(step.name, step.runs, step.funnel) for step in campaign.manifest.steps] == [
        ("prepare", "batch", False),
        ("mesh", "shared", False),
        ("simulate", "row", False),
        ("follow", "row", False),
        ("gather", "batch", True),
    ]
    out = tmp_path / "out"
    maestro.run(campaign.folder / "kinds_0000.yaml", campaign.folder / "pgen.py", out)
    assert len(list((out / "mesh").iterdir())) == 2, "one mesh for each distinct width"
    assert all(path.name.startswith("shared_") for path in (out / "mesh").iterdir())
    for step in ("simulate", "follow"):
        assert {path.name for path in (out / step).iterdir()} == {"row_0", "row_1", "row_2", "row_3"}
    gathered = sorted((out / "gather" / "all.txt").read_text().split("\n"))
    assert gathered == sorted(["", "1", "2", "1", "1", "a/b row_0", "b row_1", "c row_2", "c row_3"])
    status = maestro("status", "--disable-pager", out)
    assert status.returncode == 0


def test_300_parameters_through_json(tmp_path: Path, maestro: Maestro) -> None:
    names = [f"param{number}" for number in range(1, 301)]
    rows = [
        [f"{row}.{number}" if number % 2 else f'it\'s {number} "é" \\ $(X)' for number in range(300)]
        for row in range(3)
    ]
    table = write_table(tmp_path / "t.csv", names, rows)
    options = Options(template="pipeline", variables={"simulate": "cp input.json copy.json"}, name="wide")
    campaign = make_specs(table, tmp_path / "specs", options)
    out = tmp_path / "out"
    maestro.run(campaign.folder / "wide_0000.yaml", campaign.folder / "pgen.py", out)
    for row in range(3):
        read = json.loads((out / f"simulate/row_{row}/copy.json").read_text())
        assert read == {
            name: float(value) if number % 2 else value
            for number, (name, value) in enumerate(zip(names, rows[row], strict=True))
        }


def test_builtin_echo(tmp_path: Path, maestro: Maestro) -> None:
    table = write_table(tmp_path / "t.csv", ["a", "b"], ROWS)
    campaign = make_specs(table, tmp_path / "specs", Options(template="echo"))
    maestro.run(campaign.folder / "t_0000.yaml", campaign.folder / "pgen.py", tmp_path / "out")
    for number, (a, b) in enumerate(ROWS):
        printed = next((tmp_path / f"out/echo-params/row_{number}").glob("*.out")).read_text()
        assert printed == f"A: {a}\nB: {b}\n"


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("equals", ["--a=1", "--b=x y"]),
        ("flags", ["--a", "1", "--b", "x y"]),
        ("assign", ["a=1", "b=x y"]),
        ("positional", ["1", "x y"]),
    ],
)
def test_builtin_command(tmp_path: Path, maestro: Maestro, style: str, expected: list[str]) -> None:
    table = write_table(tmp_path / "t.csv", ["a", "b"], ROWS[:1])
    variables = {"command": "printf '%s\\n'", "style": style}
    campaign = make_specs(table, tmp_path / "specs", Options(template="command", variables=variables))
    maestro.run(campaign.folder / "t_0000.yaml", campaign.folder / "pgen.py", tmp_path / "out")
    printed = next((tmp_path / "out/run/row_0").glob("*.out")).read_text()
    assert printed.splitlines() == expected


@pytest.mark.parametrize("kind", ["tokens", "jinja"])
def test_builtin_input_deck(tmp_path: Path, maestro: Maestro, kind: str) -> None:
    table = write_table(tmp_path / "t.csv", ["a", "title"], [["1.50", "it's $(a) `test`"], ["2", 'say "é"']])
    if kind == "tokens":
        deck = tmp_path / "model.in"
        deck.write_text("# cost: $5, 'quoted' `text` \\n\ntitle = $(TITLE)\na = $(A);  a again = $(A)\nend")
    else:
        deck = tmp_path / "model.in.j2"
        deck.write_text(
            "# cost: $5, 'quoted' `text` \\n\ntitle = {{ title }}\n"
            "{% for p in params[:1] %}{{ p.name }} = {{ p.token }};  a again = {{ a }}{% endfor +%}\nend"
        )
    variables = {"deck": str(deck), "command": "cp model.in result.txt"}
    campaign = make_specs(table, tmp_path / "specs", Options(template="input-deck", variables=variables))
    maestro.run(campaign.folder / "t_0000.yaml", campaign.folder / "pgen.py", tmp_path / "out")
    for row, (a, title) in enumerate([("1.50", "it's $(a) `test`"), ("2", 'say "é"')]):
        text = (tmp_path / f"out/simulate/row_{row}/result.txt").read_text()
        assert text == (f"# cost: $5, 'quoted' `text` \\n\ntitle = {title}\na = {a};  a again = {a}\nend")


def test_builtin_pipeline(tmp_path: Path, maestro: Maestro) -> None:
    table = write_table(tmp_path / "t.csv", ["a", "b"], [["1", "2"], ["3", "4"]])
    variables = {
        "setup": "echo 10 > factor.txt",
        "simulate": 'echo $(( $(A) * $(cat "$(setup.workspace)/factor.txt") )) > output.txt',
        "post": 'sed s/^/result=/ "$(simulate.workspace)/output.txt" > result.txt',
        "gather": 'cat "$(post-process.workspace)"/*/result.txt | sort > all.txt',
        "tar": True,
    }
    campaign = make_specs(table, tmp_path / "specs", Options(template="pipeline", variables=variables))
    maestro.run(campaign.folder / "t_0000.yaml", campaign.folder / "pgen.py", tmp_path / "out")
    assert (tmp_path / "out/gather/all.txt").read_text() == "result=10\nresult=30\n"
    shutil.unpack_archive(tmp_path / "out/pack/rows.tar.gz", tmp_path / "unpacked", filter="data")
    assert json.loads((tmp_path / "unpacked/row_1/input.json").read_text()) == {"a": 3, "b": 4}


def test_a_failing_command_fails_its_row_alone(tmp_path: Path, maestro: Maestro) -> None:
    table = write_table(tmp_path / "t.csv", ["code"], [["0"], ["3"], ["0"]])
    variables = {"command": "bash -c 'exit $1' --", "style": "positional"}
    campaign = make_specs(table, tmp_path / "specs", Options(template="command", variables=variables))
    out = tmp_path / "out"
    done = maestro(
        "run",
        "-fg",
        "-y",
        "-s",
        "0",
        campaign.folder / "t_0000.yaml",
        "-p",
        campaign.folder / "pgen.py",
        "-o",
        out,
    )
    assert done.returncode == 2
    states = [line.split(",")[3] for line in (out / "status.csv").read_text().splitlines()[1:]]
    assert states == ["FINISHED", "FAILED", "FINISHED"]

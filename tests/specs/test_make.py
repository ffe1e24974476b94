"""Campaigns made whole or not at all, and replaced only where nothing else is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from genstudy.parameters.grammar import parse_parameter
from genstudy.specs.check import check_template
from genstudy.specs.make import make_specs
from genstudy.specs.manifest import read_manifest
from genstudy.specs.options import Options
from genstudy.specs.running import RunSettings
from genstudy.tables import streams
from genstudy.tables.make import make_table
from tests.rendering.support import spec
from tests.specs.support import ROWS, make, names, refusal, template

pytestmark = pytest.mark.usefixtures("in_tmp")


def contents(folder: str = "out") -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def test_what_a_campaign_holds() -> None:
    campaign = make(batch_size=3)
    assert names() == ["out", "t.csv"]
    assert names("out") == ["manifest.json", "pgen.py", "t_0000.yaml", "t_0001.yaml", "table.csv"]
    assert Path("out/table.csv").read_text() == ROWS
    assert campaign.folder == Path("out")
    assert campaign.warnings == ()
    from genstudy.specs.manifest import PGEN_FILE

    assert Path("out/pgen.py").read_bytes() == PGEN_FILE.read_bytes()


def test_a_dry_run_plans_the_same_and_writes_nothing() -> None:
    planned = make(batch_size=3, dry_run=True)
    assert names() == ["t.csv"]
    assert planned.manifest == make(batch_size=3).manifest


def test_a_dry_run_finds_the_same_mistakes() -> None:
    make()
    for options in ({}, {"batches": 9}, {"template": template("", cmd="ls")}):
        dry = refusal(lambda options=options: make(dry_run=True, **options))  # type: ignore[misc]
        assert dry == refusal(lambda options=options: make(**options))  # type: ignore[misc]


def test_progress_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "BLOCK_BYTES", 4)
    Path("t.csv").write_text(ROWS)
    seen: list[tuple[int, int]] = []
    make_specs("t.csv", "out", progress=lambda rows, total: seen.append((rows, total)))
    assert [rows for rows, _ in seen] == [1, 2, 3, 4]
    assert seen[-1] == (4, 4)


def test_a_campaign_is_replaced_on_demand_only() -> None:
    make(batch_size=1)
    before = contents()
    assert refusal(lambda: make(batch_size=2)) == (
        "out: the folder exists already\n  pass --force to replace it, or another -o"
    )
    assert contents() == before
    make(batch_size=2, force=True)
    assert names("out") == ["manifest.json", "pgen.py", "t_0000.yaml", "t_0001.yaml", "table.csv"]
    assert names() == ["out", "t.csv"]


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_folder_with_anything_else_in_it_is_never_replaced(dry_run: bool) -> None:
    make()
    Path("out/results.txt").touch()
    Path("out/t_runs").mkdir()
    message = (
        "out: the folder holds what genstudy specs did not write: results.txt, t_runs\n"
        "  move that away first, or choose another -o: --force deletes specs, never results"
    )
    before = names("out")
    assert refusal(lambda: make(force=True, dry_run=dry_run)) == message
    assert names("out") == before
    Path("out/results.txt").unlink()
    Path("out/t_runs").rmdir()
    Path("out/t_0000.yaml").unlink()
    Path("out/t_0000.yaml").mkdir()
    assert "did not write: t_0000.yaml" in refusal(lambda: make(force=True, dry_run=dry_run))


def test_tables_of_rows_that_are_tried_again_are_its_own_files() -> None:
    made = make(batch_size=2).manifest
    again = made.batches[1].model_copy(
        update={"id": "0002", "spec": "t_0002.yaml", "attempt": 2, "table": "t_0002.csv", "rows": "3"}
    )
    manifest = made.model_copy(update={"batches": [*made.batches, again]})
    Path("out/manifest.json").write_text(manifest.to_text())
    for name in ("t_0002.yaml", "t_0002.csv", "t_0003.csv"):
        Path("out", name).touch()
    assert "did not write: t_0003.csv\n" in refusal(lambda: make(force=True))
    Path("out/t_0003.csv").unlink()
    make(force=True)
    assert names("out") == ["manifest.json", "pgen.py", "t_0000.yaml", "table.csv"]


def test_marks_that_some_batches_have_are_refused(in_tmp: Path) -> None:
    text = spec("echo $(A)\n{% if batch.number < 2 %}\n{{ done_mark() | indent(10) }}\n{% endif %}")
    text = text.replace("          {% ", "{% ")
    assert refusal(lambda: make(template=text, batch_size=1)).startswith(
        "x.yaml rendered for t_0002: the steps are one (row), and those of the first batch "
        "one (row, done_mark())\n"
    )
    make(template=text, batch_size=2)
    assert [(step.name, step.mark) for step in read_manifest(in_tmp / "out").steps] == [("one", True)]


def test_how_it_is_to_be_run_stands_in_the_manifest() -> None:
    run = RunSettings.model_validate({"jobs": 2, "timeout": "2h", "min_free": "10G", "to": "./far"})
    make(run=run)
    found = json.loads(Path("out/manifest.json").read_text())["run"]
    assert found == {"jobs": 2, "timeout": 7200, "min_free": 10 * 1024**3, "to": "./far"}
    assert read_manifest(Path("out")).run == run
    assert read_manifest(Path("out")).run.model_fields_set == set(found)  # type: ignore[union-attr]


def test_what_is_no_campaign_is_never_replaced() -> None:
    Path("out").mkdir()
    assert refusal(lambda: make(force=True)) == (
        "out: not a campaign: it holds no manifest.json\n  genstudy specs makes one"
    )
    Path("out").rmdir()
    Path("out").write_text("mine")
    assert refusal(lambda: make(force=True)) == "out: this is not a campaign's folder\n  choose another -o"
    Path("out").rename("other")
    make_specs("t.csv", "real")
    Path("out").symlink_to("real")
    assert refusal(lambda: make(force=True)) == "out: this is not a campaign's folder\n  choose another -o"
    assert names() == ["other", "out", "real", "t.csv"]


@pytest.mark.parametrize("force", [False, True])
def test_a_mistake_late_in_the_table_leaves_nothing(monkeypatch: pytest.MonkeyPatch, force: bool) -> None:
    monkeypatch.setattr(streams, "BLOCK_BYTES", 64)
    if force:
        make("x\n1\n")
    before = contents() if force else {}
    table = "a,b\n" + "1,2\n" * 1000 + "3\n"
    assert refusal(lambda: make(table, force=force)).startswith("t.csv, row 1000 (line 1002): the row has 1")
    assert names() == (["out", "t.csv"] if force else ["t.csv"])
    assert (contents() if force else {}) == before


def test_a_mistake_in_a_later_batch_leaves_nothing() -> None:
    text = spec("echo $(A) {{ 1 // (2 - batch.number) }}")
    message = refusal(lambda: make(template=text, batch_size=1))
    assert message.startswith("x.yaml, line 9: ")
    assert "by zero" in message
    assert names() == ["t.csv", "x.yaml"]
    text = spec("echo $(A) {{ '$(NOPE)' if batch.number == 3 }}")
    message = refusal(lambda: make(template=text, batch_size=1))
    assert message.startswith("x.yaml rendered for t_0003, step 'one', cmd: $(NOPE) is neither a parameter")
    assert names() == ["t.csv", "x.yaml"]


def test_a_batch_that_uses_a_bare_value_where_the_first_does_not() -> None:
    text = spec("echo {{ '$(A.quoted)' if batch.number == 0 else '$(A)' }}")
    make(template=text, batch_size=1)
    assert "echo $(A)\n" in Path("out/t_0003.yaml").read_text()
    message = refusal(lambda: make("a\n1\n2\n$x\n", template=text, batch_size=1, force=True))
    assert "'$x' has shell-active characters" in message


@pytest.mark.parametrize(
    "name", ["0000", "t_0000", "t_0001 and t_0000", "{{ batch.id }}", "{{ batch.name }}"]
)
def test_no_two_batches_have_studies_of_one_name(in_tmp: Path, name: str) -> None:
    make(template=spec("echo $(A)", name=f'"{name}"'), batch_size=1)
    specs = [yaml.safe_load(path.read_text()) for path in sorted((in_tmp / "out").glob("*.yaml"))]
    assert len({found["description"]["name"] for found in specs}) == len(specs) == 4


def test_studies_of_one_name_in_some_batches_are_refused(in_tmp: Path) -> None:
    text = spec("echo $(A)", name="{{ 'first' if batch.number == 0 else 'other' }}")
    assert refusal(lambda: make(template=text, batch_size=1)) == (
        "x.yaml rendered for t_0002: another batch has a study named 'other' too: Maestro could run both in "
        "one folder\n  write name: {{ batch.name | yaml }}, or give all batches one name"
    )
    assert names() == ["t.csv", "x.yaml"]
    assert in_tmp == Path.cwd()


def test_steps_may_depend_on_the_whole_plan(in_tmp: Path) -> None:
    step = "  - name: two\n    description: nothing\n    run: {cmd: echo $(A)}\n"
    more = "{% if table.rows > 3 and batch.count == 2 and batch.nrows == 2 %}\n" + step + "{% endif %}\n"
    campaign = make(template=spec("echo $(A)", more=more), batch_size=2)
    assert [entry.name for entry in campaign.manifest.steps] == ["one", "two"]
    assert in_tmp == Path.cwd()


def test_a_step_named_by_its_batch_is_refused(in_tmp: Path) -> None:
    text = spec("echo $(A)", step="{{ batch.name }}")
    assert refusal(lambda: make(template=text, batch_size=1)).startswith(
        "x.yaml rendered for t_0000: a step has the batch's name in its own\n"
    )
    assert names(in_tmp) == ["t.csv", "x.yaml"]


@pytest.mark.parametrize("shell", ["/usr/bin/python3", "tcsh"])
def test_in_another_shell_only_plain_values_pass(in_tmp: Path, shell: str) -> None:
    text = spec("print($(A.quoted))") + f"batch: {{type: local, shell: {shell}}}\n"
    make("a\n1\n", template=text)
    assert refusal(lambda: make('a\n"x y"\n', template=text, force=True)).startswith(
        "t.csv, row 0 (line 2), column a: 'x y' has shell-active characters, and the template uses it as "
        f"$(A) in a script for {Path(shell).name}"
    )
    make('a\n"x y"\n', template=text.replace(shell, "/bin/bash"), force=True)
    assert in_tmp == Path.cwd()


def test_batches_with_other_steps_are_refused(in_tmp: Path) -> None:
    assert in_tmp == Path.cwd()
    step = "  - name: two\n    description: nothing\n    run: {cmd: echo $(A)}\n"
    more = "{% if batch.number == 2 %}\n" + step + "{% endif %}\n"
    message = refusal(lambda: make(template=spec("echo $(A)", more=more), batch_size=1))
    assert message == (
        "x.yaml rendered for t_0002: the steps are one (row), two (row), and those of the first batch "
        "one (row)\n"
        "  a campaign's batches differ in their rows alone: give all of them the same steps"
    )


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\n# the end", "\n..."])
@pytest.mark.parametrize("cmd", ["|\n          echo $(A)", "echo $(A)", "|+\n          echo $(A)"])
def test_a_template_without_env_may_end_in_any_way(cmd: str, end: str) -> None:
    text = spec("echo").rpartition("cmd: ")[0] + "cmd: " + cmd + end
    make(template=text)
    found, plain = yaml.safe_load(Path("out/t_0000.yaml").read_text()), yaml.safe_load(text)
    plain["description"]["name"] = "study_0000"
    assert found.pop("env")["variables"]["PARG_NROWS"] == 4
    assert found == plain


def test_a_link_to_nowhere_is_no_campaign() -> None:
    Path("t.csv").write_text(ROWS)
    Path("dang").symlink_to("nowhere")
    message = refusal(lambda: make_specs("t.csv", "dang", force=True))
    assert message == "dang: this is not a campaign's folder\n  choose another -o"


def test_results_that_appear_while_a_campaign_is_replaced_stay() -> None:
    Path("t.csv").write_text(ROWS)
    make_specs("t.csv", "out")

    def run(*_: int) -> None:
        Path("out/results").mkdir(exist_ok=True)

    message = refusal(lambda: make_specs("t.csv", "out", force=True, progress=run))
    assert message.startswith("out: the folder holds what genstudy specs did not write: results")
    assert Path("out/results").is_dir()
    assert sorted(path.name for path in Path().iterdir()) == ["out", "t.csv"]


def test_places_where_nothing_can_be_written() -> None:
    Path("t.csv").write_text(ROWS)
    assert refusal(lambda: make_specs("t.csv", "no/out")) == (
        "no/out: the folder no does not exist\n  make it first: mkdir -p no"
    )
    assert refusal(lambda: make_specs("t.csv", "/proc/out")).startswith("/proc/out: cannot be written: ")


def test_a_full_disk_leaves_nothing() -> None:
    Path("t.csv").write_text("a\n" + "x" * 50 + "\n" + ("y" * 50 + "\n") * 400)
    code = """
import resource, signal, sys
sys.argv[1:] = ["specs", "t.csv", "-o", "out"]
from genstudy.cli.app import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("genstudy: ")
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert names() == ["t.csv"]


def test_an_interrupted_run_leaves_nothing() -> None:
    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    Path("t.csv").write_text(ROWS)
    with pytest.raises(KeyboardInterrupt):
        make_specs("t.csv", "out", progress=stop)
    assert names() == ["t.csv"]


def test_the_index_is_found_in_the_tables_record() -> None:
    make_table(
        [parse_parameter("a"), parse_parameter("b=uniform(0, 1)")],
        output=Path("p.csv"),
        rows=3,
        seed=1,
        index="run",
    )
    manifest = make_specs("p.csv", "out").manifest
    assert manifest.table.index == "run"
    assert manifest.table.record is not None
    assert manifest.table.record["parameters"] == [
        {"name": "a", "law": "int(0, 100)"},
        {"name": "b", "law": "uniform(0, 1)"},
    ]
    with Path("p.csv").open("a") as stream:
        stream.write("3,50,0.5\n")
    manifest = make_specs("p.csv", "changed").manifest
    assert (manifest.table.index, manifest.table.record) == (None, None)
    assert manifest.table.columns == ["run", "a", "b"]


def test_one_table_in_every_format_is_frozen_the_same() -> None:
    parameters = [parse_parameter(text) for text in ("a", "b=uniform(0, 1)", "c=choice('x y', 'it''s', 3)")]
    frozen = set()
    for suffix in (".csv", ".csv.gz", ".parquet"):
        make_table(parameters, output=Path("p" + suffix), rows=50, seed=1, index="id", force=True)
        make_specs("p" + suffix, "out" + suffix, Options(batch_size=7))
        specs = tuple(Path(f"out{suffix}/p_000{number}.yaml").read_bytes() for number in range(8))
        frozen.add((Path(f"out{suffix}/table.csv").read_bytes(), specs))
    assert len(frozen) == 1


def test_parameters_that_no_step_uses_are_a_warning() -> None:
    assert make(template=template("")).warnings == ("no step uses the parameter b",)
    wide = ",".join(f"p{number}" for number in range(9)) + "\n" + ",".join("1" * 9) + "\n"
    assert make(wide, template=template("", cmd="echo $(P0)"), force=True).warnings == (
        "no step uses the parameters p1, p2, p3, p4, p5 and 3 more",
    )


def test_unsafe_values() -> None:
    table = "a,b\n1,2\n3,$(rm)\n"
    make(table)
    bare = template("", cmd="echo $(A.quoted) $(B)")
    assert refusal(lambda: make(table, template=bare, force=True)) == (
        "t.csv, row 1 (line 3), column b: '$(rm)' has shell-active characters, and the template uses it as a "
        "bare $(B)\n  write $(B.quoted) in the template, or pass --allow-unsafe-values"
    )
    campaign = make(table, template=bare, force=True, allow_unsafe_values=True)
    assert campaign.manifest.settings.allow_unsafe_values
    assert "PARG_UNSAFE" in Path("out/t_0000.yaml").read_text()


def test_a_step_name_and_a_row_id_that_are_too_long_together() -> None:
    text = spec("echo $(A)", step="x" * 150)
    make("id,a\n" + "y" * 88 + ",1\n", template=text, index="id")
    assert refusal(lambda: make("id,a\n" + "y" * 89 + ",1\n", template=text, index="id", force=True)) == (
        f"x.yaml rendered for t_0000, step '{'x' * 150}': the name and the longest row label have 243 "
        "characters together\n  file names hold both, 242 at most: shorten the step's name or the row ids"
    )


def test_each_batch_is_its_own_text() -> None:
    text = spec("echo $(A) {{ batch.name }} {{ batch.start }}", name="{{ batch.name }}")
    make(template=text, batch_size=1)
    for number in range(4):
        found = Path(f"out/t_000{number}.yaml").read_text()
        assert f"name: t_000{number}\n" in found
        assert f"echo $(A) t_000{number} {number}\n" in found
        assert f"PARG_START: {number}\n" in found


def test_relative_decks_are_looked_up_in_the_given_folder_first() -> None:
    Path("inner").mkdir()
    Path("inner/d.in").write_text("inner $(A)\n")
    Path("d.in").write_text("outer $(A)\n")
    variables = {"deck": "d.in", "command": "cat d.in"}
    for folder, word in ((Path("inner"), "inner"), (None, "outer"), (Path("t.csv"), "outer")):
        Path("t.csv").write_text(ROWS)
        options = Options(template="input-deck", variables=variables, folder=folder)
        make_specs("t.csv", "out", options, force=Path("out").exists())
        assert f"'{word} '$(A.quoted)" in Path("out/t_0000.yaml").read_text()


def test_a_template_is_checked_without_a_campaign() -> None:
    assert check_template("echo") == ()
    assert check_template("echo", names=["width"]) == ()
    Path("x.yaml").write_text(template("", cmd="echo $(WIDTH)"))
    assert check_template("x.yaml", names=["width", "height"]) == ("no step uses the parameter height",)
    assert refusal(lambda: check_template("x.yaml")).startswith(
        "x.yaml rendered for check_0000, step 'one', cmd: $(WIDTH) is neither a parameter"
    )
    assert refusal(lambda: check_template("x.yaml", names=["width", "Width"])) == (
        "the names 'width' and 'Width' give the same token $(WIDTH)\n  rename one of them"
    )
    assert refusal(lambda: check_template("command")).endswith(
        "vars.command is not set; pass --set command=VALUE"
    )
    assert check_template("command", variables={"command": "ls"}) == ()
    Path("t.csv").write_text("width\n$x\n")
    assert refusal(lambda: check_template("x.yaml", table=Path("t.csv"))).startswith(
        "t.csv, row 0 (line 2), column width: '$x' has shell-active characters"
    )
    assert names() == ["t.csv", "x.yaml"]


def test_the_manifest_of_a_campaign_is_found_by_its_folder() -> None:
    campaign = make()
    assert read_manifest(Path("out")) == campaign.manifest
    assert Path("out").stat().st_mode & 0o777 == 0o777 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_table_that_is_referred_to_ends_with_its_last_row(in_tmp: Path) -> None:
    assert refusal(lambda: make("a\n1\n2\n\n", reference=True)) == (
        "t.csv: a blank line at the end\n  take it out, or leave --reference out"
    )
    assert names(in_tmp) == ["t.csv"]


def test_a_cell_that_no_csv_reader_takes(in_tmp: Path) -> None:
    table = "a,b\n" + "1,2\n" * 5 + "x" * 200_000 + ",2\n"
    assert refusal(lambda: make(table)).startswith("t.csv, row 5 (line 7): ")
    assert names(in_tmp) == ["t.csv"]

"""What stock Maestro does, which docs/maestro-traps.md tells of, and what a campaign does in the same place.

A later Maestro that behaves in another way fails here first.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from genstudy.specs.make import make_specs
from genstudy.specs.options import Options

from .conftest import Maestro, values_template, values_written, wait_until, write_table

FOREGROUND = ("run", "-fg", "-y", "-s", "0")


def step(name: str, cmd: str, *depends: str, **more: Any) -> dict[str, Any]:
    """Return a step as a specification has it."""
    run = {"cmd": cmd, **more, **({"depends": list(depends)} if depends else {})}
    return {"name": name, "description": "a step", "run": run}


def write_spec(
    folder: Path,
    *steps: dict[str, Any],
    parameters: dict[str, list[str]] | None = None,
    variables: dict[str, str] | None = None,
    name: str = "stock",
) -> Path:
    """Write a specification for stock Maestro, with parameters of its own; JSON is YAML too."""
    text: dict[str, Any] = {
        "description": {"name": name, "description": "as Maestro's users write it"},
        "env": {"variables": {"OUTPUT_PATH": str(folder / "studies"), **(variables or {})}},
        "study": list(steps),
    }
    if parameters:
        text["global.parameters"] = {
            key: {"values": values, "label": f"{key}.%%"} for key, values in parameters.items()
        }
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(text))
    return path


def run_stock(maestro: Maestro, *steps: dict[str, Any], **given: Any) -> subprocess.CompletedProcess[str]:
    """Run such a specification in the foreground, into the folder `out`."""
    return maestro(*FOREGROUND, "-o", "out", write_spec(maestro.folder, *steps, **given))


def written(folder: Path, name: str = "x") -> dict[str, str]:
    """Return {workspace: text} of the files of this name."""
    out = folder / "out"
    return {str(path.parent.relative_to(out)): path.read_text() for path in out.rglob(name)}


def run_ours(maestro: Maestro, columns: list[str], rows: list[list[str]]) -> dict[str, list[str]]:
    """Run a campaign whose rows write down their values, and return {row id: values}."""
    table = write_table(maestro.folder / "table.csv", columns, rows)
    options = Options(template=values_template(maestro.folder))
    made = make_specs(table, maestro.folder / "specs", options)
    out = maestro.folder / "ours"
    maestro.run(made.folder / "table_0000.yaml", made.folder / "pgen.py", out)
    return values_written(out)


def numbered(rows: list[list[str]]) -> dict[str, list[str]]:
    """Return {row id: values} of rows that are numbered from 0."""
    return {str(number): row for number, row in enumerate(rows)}


@pytest.mark.parametrize(
    ("values", "folders"),
    [
        (["1", "1", "2"], {"say/A.1", "say/A.2"}),
        (["1+2", "12"], {"say/A.12"}),
        (["1 2", "1_2"], {"say/A.1_2"}),
        (["é1", "1"], {"say/A.1"}),
    ],
)
def test_rows_that_share_a_folder(maestro: Maestro, values: list[str], folders: set[str]) -> None:
    done = run_stock(maestro, step("say", "echo '$(A)' >> x"), parameters={"A": values})
    assert done.returncode == 0, "nothing tells"
    assert set(written(maestro.folder)) == folders
    rows = [[value] for value in values]
    assert run_ours(maestro, ["a"], rows) == numbered(rows)


def test_many_parameters_do_not_fit_into_a_name(maestro: Maestro) -> None:
    names = [f"PARAM{number}" for number in range(26)]
    uses = " ".join(f"$({name})" for name in names)
    parameters = {name: ["1", "1.234567"] for name in names}
    done = run_stock(maestro, step("say", f"echo {uses}"), parameters=parameters)
    assert done.returncode == 1
    assert "File name too long" in done.stderr
    rows = [[f"1.{number}34567" for number in range(26)] for _ in range(2)]
    assert run_ours(maestro, [name.lower() for name in names], rows) == numbered(rows)


def test_a_slash_in_a_value(maestro: Maestro) -> None:
    values = ["1", "a/b", "../../c", "2"]
    done = run_stock(maestro, step("say", "echo '$(A)' > x"), parameters={"A": values})
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "say/A.1" in written(maestro.folder)
    assert "say/A.2" not in written(maestro.folder), "it died in the middle"
    rows = [[value] for value in values]
    assert run_ours(maestro, ["a"], rows) == numbered(rows)


def test_hashed_workspaces_are_numbered_anew(maestro: Maestro) -> None:
    for values in (["1", "2"], ["2"]):
        spec = write_spec(maestro.folder, step("say", "echo $(A) > x"), parameters={"A": values})
        assert maestro(*FOREGROUND, "--hashws", "-o", "out", spec).returncode == 0
    assert written(maestro.folder) == {"say/say_instance_0": "2\n"}, "which was row 1's before"


def test_the_shell_reads_what_a_value_says(maestro: Maestro) -> None:
    values = ["$(echo ran)", "`echo ran`", "1; echo ran"]
    run_stock(maestro, step("say", "echo $(A) > x"), parameters={"A": values})
    assert list(written(maestro.folder).values()) == ["ran\n"] * 3
    rows = [[value] for value in values]
    assert run_ours(maestro, ["a"], rows) == numbered(rows)


def test_a_token_in_a_value_is_replaced_again(maestro: Maestro) -> None:
    given = {"A": ["$(B)"], "B": ["7"]}
    run_stock(maestro, step("say", "echo '$(A)' $(B) > x"), parameters=given)
    assert list(written(maestro.folder).values()) == ["7 7\n"]
    rows = [["$(B)", "7"]]
    assert run_ours(maestro, ["a", "b"], rows) == numbered(rows)


def test_a_comma_in_a_value(maestro: Maestro) -> None:
    run_stock(maestro, step("say", "echo '$(A)'"), parameters={"A": ["1,2"]})
    status = maestro("status", "--disable-pager", "out")
    assert status.returncode == 1
    assert "Traceback" in status.stderr
    run_ours(maestro, ["a"], [["1,2"]])
    assert maestro("status", "--disable-pager", "ours").returncode == 0


def test_a_nul_in_a_value(maestro: Maestro) -> None:
    done = run_stock(maestro, step("say", "echo '$(A)'"), parameters={"A": ["1\0"]})
    assert done.returncode == 1
    assert "ValueError: embedded null byte" in done.stderr


def test_what_hides_parameters(maestro: Maestro) -> None:
    two = {"A": ["1", "2"]}
    run_stock(maestro, step("say", "echo $(A) > x"), parameters=two, variables={"A": "hidden"})
    assert written(maestro.folder) == {"say": "hidden\n"}
    run_stock(maestro, step("say", "echo $(WORKSPACE) > x"), parameters={"WORKSPACE": ["1", "2"]})
    assert sorted(written(maestro.folder).values()) == ["1\n", "2\n"]


def test_tokens_that_nobody_gives_a_value(maestro: Maestro) -> None:
    done = run_stock(maestro, step("say", "echo $(NOTHING) $(A) > x"), parameters={"A": ["1"]})
    assert done.returncode == 0
    assert written(maestro.folder) == {"say/A.1": "1\n"}
    [said] = (maestro.folder / "out/say/A.1").glob("*.err")
    assert "NOTHING: command not found" in said.read_text()
    done = run_stock(maestro, step("say", "echo $(date) > x"), parameters={"date": ["1"]})
    assert written(maestro.folder) == {"say/date.1": "1\n"}
    variables = {"X": "1", "B": "y$(X)", "C": "z$(B)"}
    run_stock(maestro, step("say", "echo '$(C)' > x"), variables=variables)
    assert written(maestro.folder) == {"say": "z$(B)\n"}


def test_names_of_steps(maestro: Maestro) -> None:
    done = run_stock(maestro, step("say", "echo 1 > x"), step("say", "echo 2 > y"))
    assert (done.returncode, written(maestro.folder, "y")) == (0, {})
    done = run_stock(maestro, step("a b", "echo 1 > x"), step("a_b", "echo 2 > y"))
    assert (written(maestro.folder), written(maestro.folder, "y")) == ({"a_b": "1\n"}, {"a_b": "2\n"})
    done = run_stock(maestro, step("..", "echo 1"))
    assert (maestro.folder / "...sh").exists(), "beside the study's folder"
    assert run_stock(maestro, step("a/b", "echo 1")).returncode == 1


def test_the_order_of_steps(maestro: Maestro) -> None:
    uses = step("two", "ls $(one.workspace) $(A)")
    done = run_stock(maestro, step("one", "echo $(A)"), uses, parameters={"A": ["1"]})
    assert done.returncode == 1
    assert "Workspace for 'one' is being used before it would be generated" in done.stderr
    cycle = [step("two", "ls", "three"), step("three", "ls", "two")]
    done = run_stock(maestro, step("one", "ls"), *cycle)
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_folders_that_scripts_search_for(maestro: Maestro) -> None:
    find = step("find", "ls $(say.workspace) | grep $(A.label) > x", "say_*")
    run_stock(maestro, step("say", "echo $(A) $(B)"), find, parameters={"A": ["1", "2"], "B": ["3", "4"]})
    assert written(maestro.folder) == {"find/A.1": "A.1.B.3\n", "find/A.2": "A.2.B.4\n"}
    template = maestro.folder / "find.yaml"
    body = step("find", "ls $(say.workspace) | grep -x $(ROW_ID.label) > x", "say_*")
    text = {
        "description": {"name": "find", "description": "a template"},
        "study": [step("say", "echo $(A) $(B)"), body],
    }
    template.write_text(json.dumps(text))
    table = write_table(maestro.folder / "t.csv", ["a", "b"], [["1", "3"], ["2", "4"]])
    made = make_specs(table, maestro.folder / "specs", Options(template=template))
    maestro(*FOREGROUND, "-o", "out", made.folder / "t_0000.yaml", "-p", made.folder / "pgen.py")
    assert written(maestro.folder) == {"find/row_0": "row_0\n", "find/row_1": "row_1\n"}


def test_what_the_exit_code_tells(maestro: Maestro) -> None:
    failing = write_spec(maestro.folder, step("say", "exit 3"))
    assert maestro(*FOREGROUND, "-o", "fg", failing).returncode == 2
    assert maestro("run", "-y", "-s", "1", "-o", "bg", failing).returncode == 0
    status = maestro.folder / "bg/status.csv"
    wait_until(lambda: status.exists() and "FAILED" in status.read_text())
    last = write_spec(maestro.folder, step("say", "false\ntrue"), name="last")
    assert maestro(*FOREGROUND, "-o", "last", last).returncode == 0
    assert maestro(*FOREGROUND, "-o", "none", maestro.folder / "none.yaml").returncode == 1


def test_a_cancelled_study(maestro: Maestro) -> None:
    spec = write_spec(maestro.folder, step("one", "sleep 3"), step("two", "echo 2", "one"))
    arguments = [sys.executable, "-m", "maestrowf.maestro", *FOREGROUND, "-o", "out", str(spec)]
    quiet = subprocess.DEVNULL
    running = subprocess.Popen(arguments, cwd=maestro.folder, stdin=quiet, stdout=quiet, stderr=quiet)
    wait_until(lambda: (maestro.folder / "out/one/one.sh").exists())
    (maestro.folder / "out/.cancel.lock").touch()
    assert running.wait(60) == 3


def test_local_steps_run_one_after_the_other(maestro: Maestro) -> None:
    cmd = "date +%s.%N > x; sleep 0.3; date +%s.%N >> x"
    run_stock(maestro, step("say", f"{cmd} # $(A)"), parameters={"A": ["1", "2", "3"]})
    spans = sorted([float(line) for line in text.split()] for text in written(maestro.folder).values())
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


def test_it_looks_at_steps_once_a_minute(maestro: Maestro) -> None:
    told = " ".join(maestro("run", "--help").stdout.split())
    assert "between job status checks. [Default: 60]" in told


def test_a_folder_that_is_given_again_is_deleted_first(maestro: Maestro) -> None:
    run_stock(maestro, step("say", "echo 1 > x"))
    (maestro.folder / "out/say/thesis.txt").write_text("years of work")
    run_stock(maestro, step("other", "echo 2 > x"))
    assert written(maestro.folder) == {"other": "2\n"}


def test_studies_of_one_name_in_one_second(maestro: Maestro) -> None:
    specs = [write_spec(maestro.folder, step(f"s{number}", "echo 1 > x")) for number in range(2)]
    studies = maestro.folder / "studies"

    def start(spec: Path) -> subprocess.Popen[bytes]:
        quiet = subprocess.DEVNULL
        arguments = [sys.executable, "-m", "maestrowf.maestro", *FOREGROUND, str(spec)]
        return subprocess.Popen(arguments, cwd=maestro.folder, stdin=quiet, stdout=quiet, stderr=quiet)

    for _ in range(20):
        before = set(studies.glob("*"))
        time.sleep(1 - time.time() % 1)
        for running in [start(spec) for spec in specs]:
            running.wait(60)
        if len(set(studies.glob("*")) - before) == 1:
            return
    pytest.fail("no two studies began in the same second")


def test_a_killed_maestro_leaves_the_step_going(maestro: Maestro) -> None:
    spec = write_spec(maestro.folder, step("say", "echo $$ > pid; sleep 1; echo 1 > x"))
    arguments = [sys.executable, "-m", "maestrowf.maestro", *FOREGROUND, "-o", "out", str(spec)]
    quiet = subprocess.DEVNULL
    running = subprocess.Popen(arguments, cwd=maestro.folder, stdin=quiet, stdout=quiet, stderr=quiet)
    pid = maestro.folder / "out/say/pid"
    wait_until(lambda: pid.exists() and pid.read_text().strip() != "")
    running.send_signal(signal.SIGKILL)
    running.wait(60)
    wait_until(lambda: written(maestro.folder) == {"say": "1\n"})


def test_a_workspace_that_is_used_is_not_waited_for(maestro: Maestro) -> None:
    look = "ls $(first.workspace) > x"
    first = (step("zero", "true"), step("first", "exit 1"))
    run_stock(maestro, *first, step("uses", look, "zero"), step("waits", look, "zero", "first"))
    assert set(written(maestro.folder)) == {"uses"}, "it ran though what it looks at had failed"


def test_walltime_does_nothing_in_local_runs(maestro: Maestro) -> None:
    done = run_stock(maestro, step("say", "sleep 1.5; echo 1 > x", walltime="00:00:01"))
    assert (done.returncode, written(maestro.folder)) == (0, {"say": "1\n"})


def test_the_environment_is_written_down(maestro: Maestro) -> None:
    spec = write_spec(maestro.folder, step("say", "echo 1"))
    maestro(*FOREGROUND, "-o", "out", spec, env={"DEPLOY_TOKEN": "hunter2"})
    found = maestro.folder / "out/meta/environment.yaml"
    assert "hunter2" in found.read_text()
    assert found.stat().st_mode & 0o044 or os.umask(os.umask(0)) & 0o044


def test_a_row_leaves_four_files_and_folders(maestro: Maestro) -> None:
    run_stock(maestro, step("say", "echo $(A)"), parameters={"A": ["1", "2"]})
    assert {len([path, *path.rglob("*")]) for path in (maestro.folder / "out/say").iterdir()} == {4}
    table = write_table(maestro.folder / "t.csv", ["a"], [["1"], ["2"]])
    made = make_specs(table, maestro.folder / "specs", Options(template="echo"))
    maestro.run(made.folder / "t_0000.yaml", made.folder / "pgen.py", maestro.folder / "ours")
    rows = (maestro.folder / "ours/echo-params").iterdir()
    assert {len([path, *path.rglob("*")]) for path in rows} == {5}, "and the mark"

"""Studies as processes: started, looked into, ended with all that belongs to them, outliving nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml

from genstudy.campaign.environment import scrubbed
from genstudy.campaign.processes import VARIABLE, Family, end_group, place_of
from genstudy.campaign.study_process import kill_orphans, study_command
from genstudy.errors import GenstudyError, UserError
from genstudy.maestro.process import exit_meaning, scheduler_of

from .studies import Lab, processes_of, step, template, wait_until

ROOT = Path(__file__).parents[2]

HANGS = template(step("simulate", "set -e", "[ $(A) != 1 ] || { sleep 1000 & : > ready; wait; }", mark=True))
"""Row 1 hangs, with two processes."""


@pytest.fixture
def hanging(tmp_path: Path) -> Lab:
    return Lab.make(tmp_path, HANGS)


def ready(lab: Lab, workspace: str = "simulate/row_1") -> bool:
    return (lab.workspace(workspace) / "ready").exists()


# Starting


def test_what_maestro_is_given(hanging: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(hanging.folder)
    command = study_command(
        Path("lab_0000.yaml"), Path("pgen.py"), Path("runs/x"), options=["--attempts", "2"]
    )
    assert command == [
        "run", f"{hanging.folder}/lab_0000.yaml", "--pgen", f"{hanging.folder}/pgen.py",
        "-fg", "-y", "-s", "0", "-o", f"{hanging.folder}/runs/x", "--attempts", "2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("block", "scheduler", "sleep"),
    [
        ("", "local", "0"),
        ("batch:\n    shell: /bin/bash\n", "local", "0"),
        ("batch: {type: local}\n", "local", "0"),
        ("batch:\n    type: slurm\n    host: h\n    bank: b\n    queue: q\n", "slurm", "60"),
        ("batch: {host: h, 'type': \"flux\"}\n", "flux", "60"),
    ],
)
def test_only_schedulers_are_asked_at_leisure(tmp_path: Path, block: str, scheduler: str, sleep: str) -> None:
    spec = tmp_path / "s.yaml"
    spec.write_text(f"description: {{name: é, description: d}}\n{block}study: []\n", encoding="utf-8")
    assert scheduler_of(spec) == scheduler
    command = study_command(spec, None, tmp_path / "out")
    assert command[command.index("-s") + 1] == sleep
    command = study_command(spec, None, tmp_path / "out", sleep=7)
    assert command[command.index("-s") + 1] == "7"


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_a_study_never_takes_what_is_there(hanging: Lab, kind: str) -> None:
    if kind == "folder":
        hanging.study.mkdir()
    elif kind == "file":
        hanging.study.touch()
    else:
        hanging.study.symlink_to("nowhere")
    with pytest.raises(UserError, match="Maestro would delete it"):
        hanging.start()
    assert hanging.study.is_dir() == (kind == "folder")
    assert hanging.study.is_symlink() == (kind == "link")


def test_files_where_one_stands_are_not_taken_for_pythons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("random.py", "yaml.py", "maestrowf.py", "genstudy.py"):
        (tmp_path / name).write_text("raise SystemExit('not this one')\n")
    monkeypatch.chdir(tmp_path)
    lab = Lab.make(tmp_path / "place", template(step("simulate", "echo $(A)")))
    assert lab.run() == 0


def test_values_reach_scripts_whatever_the_locale(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, template(step("simulate", "echo $(A.quoted) > value")), table="a\né🙂\n")
    assert lab.start(environ={**os.environ, "LC_ALL": "en_US.ISO-8859-1", "PYTHONUTF8": "0"}).wait() == 0
    assert lab.workspace("simulate/row_0/value").read_text(encoding="utf-8") == "é🙂\n"
    assert lab.verdict(ended=True)[0] == "0"


def test_steps_read_nothing_from_the_terminal(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, template(step("simulate", "cat > $(A)")))
    assert lab.run() == 0


def test_exit_codes(tmp_path: Path) -> None:
    assert Lab.make(tmp_path / "0", template(step("s", "echo $(A)"))).run() == 0
    assert Lab.make(tmp_path / "2", template(step("s", "exit $(A)"))).run() == 2
    meanings = [exit_meaning(code) for code in (0, 1, 2, 3, 4, -9)]
    assert meanings == [
        "every step finished",
        "Maestro ended in an error",
        "a step failed",
        "it was cancelled",
        "Maestro ended with exit code 4",
        "Maestro was killed by signal 9 (Killed)",
    ]


def test_secrets_are_not_written_down(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, template(step("simulate", "echo $(A) $DEPLOY_TOKEN $PASSED_TOKEN > seen")))
    environ = {**os.environ, "DEPLOY_TOKEN": "hunter2", "PASSED_TOKEN": "wanted"}
    clean, withheld = scrubbed(environ, ["PASSED_*"])
    assert withheld == ["DEPLOY_TOKEN"]
    assert lab.start(environ=clean).wait() == 0
    assert lab.workspace("simulate/row_0/seen").read_text() == "0 wanted\n"
    written = yaml.safe_load(
        (lab.study / "meta" / "environment.yaml").read_text().replace("!!python/object:os._Environ", "")
    )
    assert "PASSED_TOKEN" in str(written)
    for path in lab.folder.rglob("*"):
        assert not path.is_file() or b"hunter2" not in path.read_bytes(), path


# Looking into it


def test_the_row_that_hangs_is_found(hanging: Lab) -> None:
    process = hanging.start()
    wait_until(lambda: ready(hanging))
    assert process.code is None
    assert process.rows_in_progress() == ("simulate/row_1",)
    process.kill()
    assert process.rows_in_progress() == ()
    assert process.code == -signal.SIGKILL


def test_the_row_that_hangs_elsewhere_is_found_by_its_script(tmp_path: Path) -> None:
    lines = ("here=$PWD", "cd /", '[ $(A) != 1 ] || { touch "$here/ready"; sleep 1000; }')
    lab = Lab.make(tmp_path / "a,b c é", template(step("do it", *lines)))
    process = lab.start()
    wait_until(lambda: ready(lab, "do_it/row_1"))
    assert process.rows_in_progress() == ("do_it/row_1",)
    process.kill()


def test_a_study_reached_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    lab = Lab.make(tmp_path / "link" / "x", HANGS)
    process = lab.start()
    wait_until(lambda: ready(lab))
    assert process.rows_in_progress() == ("simulate/row_1",)
    same = tmp_path / "real" / "x" / lab.study.relative_to(tmp_path / "link" / "x")
    assert kill_orphans(same, grace=5) >= 2
    assert process.wait() == -signal.SIGKILL


def test_a_step_over_the_whole_batch_at_work(tmp_path: Path) -> None:
    text = template(
        step("simulate", "echo $(A)"), step("gather", "touch ready; sleep 1000", depends=["simulate_*"])
    )
    lab = Lab.make(tmp_path, text)
    process = lab.start()
    wait_until(lambda: ready(lab, "gather"))
    assert process.rows_in_progress() == ("gather",)
    process.kill()


# Ending it

STUBBORN = {
    "plain": "touch ready; sleep 1000",
    "ignores SIGTERM": "trap '' TERM; touch ready; sleep 1000; sleep 1000; sleep 1000",
    "own session": "setsid sleep 1000 & setsid sleep 1001 & touch ready; wait",
    "daemon": "(setsid bash -c 'trap : TERM HUP; touch ready; sleep 1000; sleep 1000' > /dev/null 2>&1 &) ; "
    "sleep 1000",
    "empty environment": "env -i sleep 1000 & touch ready; wait",
    "stopped": "sleep 1000 & touch ready; kill -STOP $$",
    "many": "for i in $(seq 30); do (trap '' TERM; sleep 1000; sleep 1000) & done; touch ready; wait",
}


@pytest.mark.parametrize("kind", STUBBORN)
def test_killing_leaves_nothing_behind(tmp_path: Path, kind: str) -> None:
    command = STUBBORN[kind].replace("$(seq 30)", "`seq 30`")
    lab = Lab.make(tmp_path, template(step("simulate", f"[ $(A) != 1 ] || {{ {command}; }}", mark=True)))
    process = lab.start()
    wait_until(lambda: ready(lab))
    session = process._process.pid
    process.kill(grace=0.2)
    assert process.wait() == -signal.SIGKILL
    assert processes_of(lab.study) == []
    assert members_of(session) == []
    assert lab.verdict(ended=False) == ("0", {}, "1-3"), "row 1 neither failed, nor did row 2 begin"
    assert not lab.workspace("simulate/row_2").exists()


def members_of(session: int) -> list[int]:
    """Return the living processes of a session."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, number = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(number) == session and state != "Z":
            found.append(int(folder.name))
    return found


def test_a_study_killed_as_soon_as_it_is_started(hanging: Lab) -> None:
    process = hanging.start()
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert processes_of(hanging.study) == []
    assert hanging.verdict(ended=False) == ("", {}, "0-3")


def test_processes_get_time_to_end_in_good_order(tmp_path: Path) -> None:
    command = "trap 'echo saved > state; exit 1' TERM; touch ready; while :; do sleep 0.05; done"
    lab = Lab.make(tmp_path, template(step("simulate", f"echo $(A); {command}")))
    process = lab.start()
    wait_until(lambda: ready(lab, "simulate/row_0"))
    process.kill(grace=60)
    assert lab.workspace("simulate/row_0/state").read_text() == "saved\n"
    assert "FAILED" not in lab.status


def test_waiting_ends_when_all_is_gone(tmp_path: Path) -> None:
    """A thread that waits for the study is let go when no process of it is left, not when Maestro is dead."""
    command = "trap '' TERM; touch ready; sleep 1000; sleep 1000"
    lab = Lab.make(tmp_path, template(step("simulate", f"echo $(A); {command}")))
    script = f"""
import os, sys, threading
from pathlib import Path
from genstudy.campaign.study_process import start_study
from tests.campaign.studies import processes_of, wait_until
folder, study = Path({str(lab.folder)!r}), Path({str(lab.study)!r})
left, begun = [], threading.Event()
def run():
    global process
    process = start_study(folder / "lab_0000.yaml", folder / "pgen.py", study, Path({str(lab.log)!r}),
                          environ=os.environ)
    begun.set()
    process.wait()
    left.append(processes_of(study))
thread = threading.Thread(target=run)
thread.start()
begun.wait()
wait_until((study / "simulate/row_0/ready").exists)
process.kill(grace=0.5)
thread.join()
print(left)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[[]]\n"


def test_what_is_left_of_a_study_that_ended_by_itself(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, template(step("simulate", "sleep 1000 > /dev/null 2>&1 & echo $(A)")))
    process = lab.start()
    assert process.wait() == 0
    assert len(processes_of(lab.study)) == 4
    process.kill()
    assert processes_of(lab.study) == []
    assert process.code == 0
    process.kill()


def test_others_are_left_alone(hanging: Lab) -> None:
    """Of studies with like names, only the one that is meant; and no process that merely works there."""
    process = hanging.start()
    wait_until(lambda: ready(hanging))
    place = place_of(hanging.study)
    others = [
        subprocess.Popen(["sleep", "1000"], env={VARIABLE: value}, cwd=hanging.workspace("simulate/row_1"))
        for value in (f"{place}0", f"{place}/simulate", place[:-1], f" {place}")
    ]
    others.append(subprocess.Popen(["sleep", "1000"], env={f"X{VARIABLE}": place}))
    others.append(
        subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()", f"{VARIABLE}={place}"])
    )
    process.kill()
    assert [other.poll() for other in others] == [None] * len(others)
    for other in others:
        other.kill()
        other.wait()


def test_a_signal_reaches_no_process_that_is_not_of_the_study(hanging: Lab) -> None:
    with subprocess.Popen(["sleep", "1000"]) as other:
        Family(hanging.study).send(other.pid, signal.SIGKILL)
        assert other.poll() is None
        other.kill()
    Family(hanging.study).send(other.pid, signal.SIGKILL)


def test_genstudy_itself_is_left_alone(hanging: Lab) -> None:
    """One that runs within a step of the study, such as one that looks for orphans."""
    script = (
        f"from tests.campaign.test_study_process import *; print(kill_orphans(Path({str(hanging.study)!r})))"
    )
    done = subprocess.run(
        ["bash", "-c", f'{sys.executable} -c "$0"; echo lives', script],
        env={**os.environ, VARIABLE: place_of(hanging.study)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("0\nlives\n", 0), done.stderr


def test_a_group_is_ended_where_nothing_else_can_be_seen() -> None:
    command = "trap '' TERM; echo ready; sleep 1000; sleep 1000"
    with subprocess.Popen(["bash", "-c", command], start_new_session=True, stdout=subprocess.PIPE) as group:
        assert group.stdout is not None
        assert group.stdout.readline() == b"ready\n"
        # Somebody has to take note of the end, as the thread does that waits for a study.
        threading.Thread(target=group.wait).start()
        end_group(group.pid, grace=0.1)
        assert members_of(group.pid) == []
    end_group(group.pid, grace=0.1)


# Outliving

OWNER = """
import os, sys
from pathlib import Path
from genstudy.campaign.study_process import start_study
folder, study = Path(sys.argv[1]), Path(sys.argv[2])
log = study.with_name(study.name + ".log")
process = start_study(folder / "lab_0000.yaml", folder / "pgen.py", study, log, environ=os.environ)
print(process._process.pid, flush=True)
process.wait()
"""


def owner_of(lab: Lab) -> tuple[subprocess.Popen[str], int]:
    """Start the study from a process of its own; return it, and Maestro's number."""
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(lab.folder), str(lab.study)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    return owner, int(owner.stdout.readline())


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes() != b""
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_maestro_does_not_outlive_genstudy(hanging: Lab) -> None:
    owner, maestro = owner_of(hanging)
    wait_until(lambda: ready(hanging))
    owner.kill()
    owner.communicate()
    wait_until(lambda: not is_alive(maestro))
    assert len(processes_of(hanging.study)) == 2
    assert kill_orphans(hanging.study) == 2
    assert processes_of(hanging.study) == []
    assert kill_orphans(hanging.study) == 0
    assert hanging.verdict(ended=False) == ("0", {}, "1-3")


def test_maestro_does_not_start_where_genstudy_is_dead_already(hanging: Lab) -> None:
    """As if genstudy had died before Maestro could ask to be told of it."""
    from genstudy.maestro.process import CHILD

    command = study_command(hanging.folder / "lab_0000.yaml", hanging.folder / "pgen.py", hanging.study)
    done = subprocess.run(
        [sys.executable, str(CHILD), "1", *command], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, "the process that started Maestro has ended\n")
    assert not hanging.study.exists()


def test_orphans_end_with_their_maestro(hanging: Lab) -> None:
    """Where Maestro outlived its owner, it must not take the end of a step for a failure and go on."""
    process = hanging.start()
    wait_until(lambda: ready(hanging))
    assert kill_orphans(hanging.study, grace=5) == 3
    assert process.wait() == -signal.SIGKILL
    assert hanging.verdict(ended=False) == ("0", {}, "1-3")


# Maestro that is missing


def without_site_packages(code: str, *folders: Path) -> subprocess.CompletedProcess[str]:
    places = [*map(str, folders), str(ROOT)]
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {places!r}\n{code}"],
        capture_output=True,
        text=True,
        check=False,
    )


CHECK = """
from genstudy.errors import GenstudyError
from genstudy.maestro.version import check_version
try: check_version()
except GenstudyError as problem: print(problem.exit_code, problem)
"""


def test_maestro_is_missing() -> None:
    done = without_site_packages(CHECK)
    assert done.stdout == (
        f"{GenstudyError.exit_code} Maestro is not installed for {sys.executable}\n"
        "  pip install 'maestrowf>=1.2.1'\n"
    ), done.stderr


def test_maestro_is_too_old(tmp_path: Path) -> None:
    (tmp_path / "maestrowf-1.1.10.dist-info").mkdir()
    (tmp_path / "maestrowf-1.1.10.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: maestrowf\nVersion: 1.1.10\n"
    )
    done = without_site_packages(CHECK, tmp_path)
    assert "maestrowf 1.1.10 is too old" in done.stdout, done.stderr

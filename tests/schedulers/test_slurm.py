"""Slurm's commands, with a real Slurm."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from genstudy import UserError
from genstudy.errors import RunError
from genstudy.schedulers.slurm import Full, Limits, Refused, Slurm, TaskState, Unreachable
from tests.slurm.lab import NODES, SlurmLab

HELD = TaskState("PENDING", "JobHeldUser", True)
CANCELLED = TaskState("CANCELLED", "JobHeldUser", False)
RUNNING = TaskState("RUNNING", "", True)
DONE = TaskState("COMPLETED", "", False)


Scripts = Callable[..., Path]


@pytest.fixture
def token() -> str:
    """Return a token that no job of another test has: Slurm still knows those."""
    return f"genstudy-{os.urandom(5).hex()}-7"


@pytest.fixture
def script(tmp_path: Path) -> Scripts:
    """Return the function that writes a job script, from the options of its header and a command."""

    def write(*options: str, run: str = "sleep 1000") -> Path:
        path = tmp_path / "wave 7" / "job.sh"
        path.parent.mkdir(exist_ok=True)
        header = [f"#SBATCH {option}\n" for option in ("--output=/dev/null", *options)]
        path.write_text("#!/bin/bash\n" + "".join(header) + run + "\n")
        return path

    return write


def until(slurm: SlurmLab, job: str, states: dict[int, TaskState], *, seconds: float = 30) -> None:
    """Wait until a job's tasks are in these states."""
    seen: list[object] = []

    def is_so() -> bool:
        seen[:] = [Slurm().look([job])]
        return seen == [{job: states}]

    try:
        slurm.wait(is_so, f"{job} is {states}", seconds=seconds)
    except RuntimeError as problem:
        raise AssertionError(f"{job} is {seen}") from problem


@pytest.mark.usefixtures("slurm")
def test_an_array_is_submitted_found_looked_at_and_cancelled(script: Scripts, token: str) -> None:
    slurm = Slurm()
    assert (slurm.find(token), slurm.look([])) == (None, {})
    job = slurm.submit(script("--array=0-2", "--hold"), token)
    assert slurm.find(token) == job
    assert slurm.look([job]) == {job: {0: HELD, 1: HELD, 2: HELD}}
    slurm.cancel([job])
    assert slurm.look([job]) == {job: {0: CANCELLED, 1: CANCELLED, 2: CANCELLED}}
    assert slurm.find(token) == job
    slurm.cancel([job])


def test_tasks_end_in_their_own_ways(slurm: SlurmLab, script: Scripts, token: str) -> None:
    run = "exit $SLURM_ARRAY_TASK_ID"
    job = Slurm().submit(script("--array=0-2", run=run), token)
    failed = TaskState("FAILED", "NonZeroExitCode", False)
    until(slurm, job, {0: DONE, 1: failed, 2: failed})


def test_the_script_runs_in_its_folder(slurm: SlurmLab, script: Scripts, token: str) -> None:
    file = script("--array=0", "--output=%a.out", run="pwd; env | grep -c ^LC_ALL=C$")
    until(slurm, Slurm().submit(file, token), {0: DONE._replace(word="FAILED", reason="NonZeroExitCode")})
    assert (file.parent / "0.out").read_text() == f"{file.parent}\n0\n"


def test_a_limit_lets_one_task_run_at_a_time(slurm: SlurmLab, script: Scripts, token: str) -> None:
    job = Slurm().submit(script("--array=0-2%1"), token)
    waits = TaskState("PENDING", "JobArrayTaskLimit", True)
    until(slurm, job, {0: RUNNING, 1: waits, 2: waits})


@pytest.mark.usefixtures("slurm")
def test_a_job_is_submitted_once(script: Scripts, token: str) -> None:
    file = script("--array=0-1", "--hold")
    job = Slurm().submit(file, token)
    assert Slurm().submit(file, token) == job
    other = Slurm().submit(file, token + "0")
    assert other != job
    assert (Slurm().find(token), Slurm().find(token + "0"), Slurm().find(token[:-1])) == (job, other, None)


@pytest.mark.usefixtures("slurm")
def test_an_ended_job_is_not_submitted_again(script: Scripts, token: str) -> None:
    file = script("--array=0-1", "--hold")
    job = Slurm().submit(file, token)
    Slurm().cancel([job])
    assert Slurm().submit(file, token) == job


def test_a_job_of_another_name_is_never_touched(slurm: SlurmLab, script: Scripts, token: str) -> None:
    mine = Slurm().submit(script("--array=0-1", "--hold", "--job-name=beam.7"), token)
    others = [
        Slurm().submit(script("--array=0-1", "--hold", "--job-name=beam.7"), token + "7"),
        slurm.call("sbatch", "--parsable", "--hold", "--output=/dev/null", "--wrap", "true").strip(),
    ]
    Slurm().cancel([mine])
    assert Slurm().look([mine]) == {mine: {0: CANCELLED, 1: CANCELLED}}
    states = slurm.call("squeue", "-h", "-o", "%F %T").split("\n")
    assert sorted(states) == sorted(["", *(f"{job} PENDING" for job in others)])
    assert Slurm().look(others) == {others[0]: {0: HELD, 1: HELD}}


def test_an_id_that_was_given_to_another_job_is_left_alone(
    slurm: SlurmLab, script: Scripts, token: str
) -> None:
    job = Slurm().submit(script("--array=0-1", "--hold"), token)
    Slurm().cancel({job: token + "8"})
    assert Slurm().look({job: token + "8"}) == {}
    assert Slurm().look({job: token}) == {job: {0: HELD, 1: HELD}}
    Slurm().cancel({job: token})
    assert Slurm().look({job: token}) == {job: {0: CANCELLED, 1: CANCELLED}}
    assert slurm.is_empty()


@pytest.mark.parametrize(
    "comment",
    [
        "x\n<0123>5|0|RUNNING|None|TOKEN0",
        "TOKENé",
        "x\nTOKEN-7",
        "%F|%K $(touch x) `id` \"'",
        "a|b|c|d|e\t\x1b[31m",
    ],
)
def test_odd_comments_and_names_confuse_nobody(
    slurm: SlurmLab, script: Scripts, token: str, comment: str
) -> None:
    comment = comment.replace("TOKEN", token)
    odd = ["--comment", comment, "--job-name", comment]
    other = slurm.call(
        "sbatch", "--parsable", *odd, "--hold", "--array=0-1", "--output=/dev/null", "--wrap", "true"
    ).strip()
    assert Slurm().find(token) is None
    job = Slurm().submit(script("--array=0-1", "--hold", f'--job-name="{token} $HOME é %j"'), token)
    assert Slurm().look([other, job]) == {id_: {0: HELD, 1: HELD} for id_ in (other, job)}
    assert Slurm().look({other: token, job: token}) == {job: {0: HELD, 1: HELD}}


def test_a_comment_that_was_added_to_is_known(slurm: SlurmLab, script: Scripts, token: str) -> None:
    job = Slurm().submit(script("--array=0-1", "--hold"), token)
    slurm.call("scontrol", "update", f"jobid={job}", f"comment=site: {token}, checked")
    assert Slurm().find(token) == job
    assert Slurm().look({job: token}) == {job: {0: HELD, 1: HELD}}


def test_a_task_that_is_cancelled_alone(slurm: SlurmLab, script: Scripts, token: str) -> None:
    job = Slurm().submit(script("--array=0-3%2"), token)
    waits = TaskState("PENDING", "JobArrayTaskLimit", True)
    until(slurm, job, {0: RUNNING, 1: RUNNING, 2: waits, 3: waits})
    slurm.call("scancel", f"{job}_2")
    # Slurm keeps no record of a task that never began, as long as others of its job wait.
    assert Slurm().look([job]) == {job: {0: RUNNING, 1: RUNNING, 3: waits}}
    slurm.call("scancel", f"{job}_1")
    until(slurm, job, {0: RUNNING, 1: TaskState("CANCELLED", "", False), 3: RUNNING})


def test_a_task_over_its_time(slurm: SlurmLab, script: Scripts, token: str, tmp_path: Path) -> None:
    run = f"trap 'echo told > {tmp_path}/told; exit 3' TERM; sleep 1000 & wait"
    job = Slurm().submit(script("--array=0", "--time=0:01", "--signal=B:TERM@1", run=run), token)
    slurm.wait(lambda: not Slurm().look([job])[job][0].active, "it has ended", seconds=150)
    assert (tmp_path / "told").read_text() == "told\n"
    # Slurm looks at times every half minute, so the warning and the end come together.
    assert Slurm().look([job])[job][0].word in {"TIMEOUT", "FAILED"}


@pytest.mark.parametrize("requeue", [True, False])
def test_a_lost_node(slurm: SlurmLab, script: Scripts, token: str, requeue: bool) -> None:
    slurm.reconfigure(JobRequeue=0)
    option = "--requeue" if requeue else "--no-requeue"
    job = Slurm().submit(script("--array=0-1", "--cpus-per-task=8", option), token)
    until(slurm, job, {0: RUNNING, 1: RUNNING})
    node = slurm.call("squeue", "-h", "-r", "-o", "%N", "-j", f"{job}_0").strip()
    slurm.kill_node(node)
    slurm.declare_down(node)
    if not requeue:
        assert Slurm().look([job]) == {job: {0: TaskState("NODE_FAIL", "NodeDown", False), 1: RUNNING}}
        return
    waiting = Slurm().look([job])[job]
    assert (waiting[0].word, waiting[0].active, waiting[1]) == ("PENDING", True, RUNNING)
    until(slurm, job, {0: RUNNING, 1: RUNNING})


@pytest.mark.usefixtures("slurm")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--partition=nope"],
            (
                "invalid partition specified: nope; Invalid partition name specified\n"
                "  sinfo shows the partitions; say --job queue=NAME"
            ),
        ),
        (
            ["--cpus-per-task=900"],
            (
                "More processors requested than permitted\n"
                "  sinfo -o '%P %c %m %D' shows cores and memory of the nodes; ask for less with --job"
            ),
        ),
        (
            ["--mem=900G"],
            (
                "Memory specification can not be satisfied; Requested node configuration is not available\n"
                "  sinfo -o '%P %c %m %D' shows cores and memory of the nodes; ask for less with --job"
            ),
        ),
        (
            ["--partition=short", "--time=10"],
            (
                "Requested time limit is invalid (missing or exceeds some limit)\n"
                "  sinfo -o '%P %l' shows the longest times; say --job walltime=1h"
            ),
        ),
        (
            ["--reservation=none"],
            (
                "Requested reservation is invalid\n"
                "  scontrol show reservation shows them; say --job reservation=NAME"
            ),
        ),
        (
            ["--gres=gpu:1"],
            (
                "Invalid generic resource (gres) specification\n"
                "  sinfo -o '%P %G' shows what there is; say --job gpus=N"
            ),
        ),
        (
            ["--array=0-5000"],
            "Invalid job array specification\n  scontrol show config shows MaxArraySize and max_array_tasks",
        ),
        (
            ["--bogus=1"],
            (
                "unrecognized option '--bogus=1'; Try \"sbatch --help\" for more information\n"
                "  ask for something else with --job; what was submitted is in SCRIPT"
            ),
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_cannot_be_is_refused(script: Scripts, token: str, options: list[str], message: str) -> None:
    file = script(*options)
    start = time.monotonic()
    with pytest.raises(Refused) as refused:
        Slurm().submit(file, token)
    assert str(refused.value) == f"Slurm refuses the job: {message}".replace("SCRIPT", str(file))
    assert time.monotonic() - start < 20
    assert Slurm().find(token) is None


@pytest.mark.usefixtures("slurm")
@pytest.mark.parametrize("array", [[], ["--array=0-3"]])
def test_a_refused_job_is_submitted_once_it_is_mended(script: Scripts, token: str, array: list[str]) -> None:
    """Slurm keeps a record of some that it refuses: failed, with the comment, for bad constraints."""
    for _ in range(2):
        with pytest.raises(Refused):
            Slurm().submit(script("--mem=900G", *array), token)
    job = Slurm().submit(script("--hold", *array), token)
    assert Slurm().find(token) == job
    assert Slurm().look([job]) == ({job: dict.fromkeys(range(4), HELD)} if array else {})


@pytest.mark.usefixtures("slurm")
def test_a_script_that_is_none_is_refused(script: Scripts, token: str) -> None:
    file = script()
    file.write_text("echo\n")
    with pytest.raises(Refused, match=r"This does not look like a batch script"):
        Slurm().submit(file, token)


def test_the_limits(slurm: SlurmLab) -> None:
    assert Slurm().limits() == Limits(1001, 200_000, 86_400)
    slurm.reconfigure(MaxArraySize=5, MaxJobCount=50, MinJobAge=300)
    assert Slurm().limits() == Limits(5, 50, 300)
    slurm.reconfigure(MaxArraySize=1001, SchedulerParameters="bf_interval=1,max_array_tasks=7")
    assert Slurm().limits() == Limits(7, 50, 300)


def test_the_limits_are_slurms_own(slurm: SlurmLab, script: Scripts, token: str) -> None:
    slurm.reconfigure(MaxArraySize=5)
    most = Slurm().limits().max_array
    with pytest.raises(Refused, match="Invalid job array specification"):
        Slurm().submit(script(f"--array=0-{most}", "--hold"), token)
    job = Slurm().submit(script(f"--array=0-{most - 1}", "--hold"), token)
    assert Slurm().look([job]) == {job: dict.fromkeys(range(5), HELD)}


def test_a_full_queue_takes_jobs_again_when_there_is_room(
    slurm: SlurmLab, script: Scripts, token: str
) -> None:
    slurm.reconfigure(MinJobAge=2)
    slurm.wait(lambda: _held(slurm) == 0, "jobs of other tests are forgotten", seconds=60)
    slurm.reconfigure(MinJobAge=2, MaxJobCount=8)
    first = Slurm().submit(script("--array=0-5", "--hold"), token)
    start = time.monotonic()
    with pytest.raises(Full) as full:
        Slurm().submit(script("--array=0-5", "--hold"), token + "a")
    assert str(full.value) == (
        "Slurm has no room for a job at present:"
        " Slurm temporarily unable to accept job, sleeping and retrying"
    )
    assert time.monotonic() - start < 20
    Slurm().cancel([first])
    slurm.wait(lambda: not Slurm().look([first]), "it is forgotten", seconds=60)
    second = Slurm().submit(script("--array=0-5", "--hold"), token + "a")
    assert Slurm().look([first, second]) == {second: dict.fromkeys(range(6), HELD)}


def _held(slurm: SlurmLab) -> int:
    return len(slurm.call("squeue", "-h", "-r", "-t", "all").splitlines())


def test_a_forgotten_job_is_known_no_more(slurm: SlurmLab, script: Scripts, token: str) -> None:
    slurm.reconfigure(MinJobAge=2)
    job = Slurm().submit(script("--array=0-1", run="true"), token)
    kept = Slurm().submit(script("--array=0-1", "--hold"), token + "a")
    until(slurm, job, {0: DONE, 1: DONE})
    slurm.wait(lambda: job not in Slurm().look([job]), "it is forgotten", seconds=60)
    assert Slurm().look([job, kept, "99999"]) == {kept: {0: HELD, 1: HELD}}
    assert Slurm().find(token) is None
    Slurm().cancel([job, kept, "99999"])
    assert slurm.is_empty()


def test_a_stopped_controller_is_no_empty_answer(slurm: SlurmLab, script: Scripts, token: str) -> None:
    file = script("--array=0-1", "--hold")
    job = Slurm().submit(file, token)
    slurm.stop_controller()
    brief = Slurm(seconds=0.5)
    words = "Slurm does not answer: "
    for ask in (
        lambda: brief.look([job]),
        lambda: brief.find(token),
        lambda: brief.cancel([job]),
        lambda: brief.cancel({job: token}),
        brief.limits,
        brief.check,
    ):
        with pytest.raises(Unreachable, match=words):
            ask()
    with pytest.raises(Full, match=words):
        brief.submit(file, token)
    with pytest.raises(Unreachable) as problem:
        Slurm().look([job])
    assert str(problem.value) == (
        "Slurm does not answer: squeue: slurm_load_jobs error:"
        " Unable to contact slurm controller (connect failure)"
    )
    slurm.start_controller()
    assert Slurm().submit(file, token) == job
    assert Slurm().look([job]) == {job: {0: HELD, 1: HELD}}


def test_a_controller_that_hangs(slurm: SlurmLab, script: Scripts, token: str) -> None:
    file = script("--array=0-1", "--hold")
    with slurm.frozen("slurmctld"):
        with pytest.raises(Unreachable, match="squeue: it did not answer within 1 s"):
            Slurm(seconds=1).find(token)
        with pytest.raises(Full):
            Slurm(seconds=1).submit(file, token)
    job = Slurm().submit(file, token)
    assert Slurm().look([job]) == {job: {0: HELD, 1: HELD}}


def test_a_job_outlives_a_restart_in_its_middle(
    slurm: SlurmLab, script: Scripts, token: str, tmp_path: Path
) -> None:
    run = f"until [ -e {tmp_path}/go ]; do sleep 0.1; done"
    job = Slurm().submit(script("--array=0-1", run=run), token)
    until(slurm, job, {0: RUNNING, 1: RUNNING})
    slurm.stop_controller()
    slurm.start_controller()
    assert Slurm().look([job]) == {job: {0: RUNNING, 1: RUNNING}}
    (tmp_path / "go").touch()
    until(slurm, job, {0: DONE, 1: DONE})


def test_a_hundred_tasks_in_one_look(slurm: SlurmLab, script: Scripts, token: str) -> None:
    job = Slurm().submit(script("--array=0-99", run="exit $((SLURM_ARRAY_TASK_ID / 50))"), token)
    failed = TaskState("FAILED", "NonZeroExitCode", False)
    expected = {index: DONE if index < 50 else failed for index in range(100)}
    until(slurm, job, expected, seconds=120)


def test_a_thousand_tasks_are_looked_at_while_they_change(
    slurm: SlurmLab, script: Scripts, token: str
) -> None:
    job = Slurm().submit(script("--array=0-1000", run="true"), token)
    looks = 0
    ended: dict[int, TaskState] = {}
    end = time.monotonic() + 10
    while time.monotonic() < end:
        states = Slurm().look([job])[job]
        assert sorted(states) == list(range(1001))
        assert {index: states[index] for index in ended} == ended
        ended = {index: state for index, state in states.items() if not state.active}
        looks += 1
    assert looks > 5
    assert ended
    Slurm().cancel([job])
    slurm.wait(lambda: not any(state.active for state in Slurm().look([job])[job].values()), "all ended")
    assert {state.word for state in Slurm().look([job])[job].values()} == {"COMPLETED", "CANCELLED"}


def test_without_user(slurm: SlurmLab, script: Scripts, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "LOGNAME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    job = Slurm().submit(script("--array=0-1", "--hold"), token)
    assert Slurm().look([job]) == {job: {0: HELD, 1: HELD}}
    Slurm().cancel([job])
    assert slurm.is_empty()


def test_what_the_environment_says_of_jobs_is_overruled(
    slurm: SlurmLab, script: Scripts, token: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said = {
        "SBATCH_ARRAY_INX": "5-6",
        "SBATCH_WAIT": "1",
        "SBATCH_PARTITION": "nope",
        "SBATCH_TIMELIMIT": "17",
        "SBATCH_JOB_NAME": "mine",
        "SQUEUE_FORMAT": "%i",
        "SQUEUE_STATES": "FAILED",
        "SLURM_CLUSTERS": "other",
        "SLURM_JOB_ID": "1",
        "SLURM_TIME_FORMAT": "relative",
    }
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    file = script("--array=0-1", "-p debug", "--job-name=7", run=f"env > {tmp_path}/$SLURM_ARRAY_TASK_ID")
    job = Slurm().submit(file, token)
    until(slurm, job, {0: DONE, 1: DONE})
    shown = subprocess.run(
        ["squeue", "-h", "-a", "-t", "all", "-j", f"{job}_0", "-o", "%P %l %j"],
        env={name: value for name, value in os.environ.items() if name not in said},
        capture_output=True,
        text=True,
    )
    assert shown.stdout == "debug 17:00 7\n"
    environ = (tmp_path / "0").read_text().splitlines()
    assert "SLURM_TIME_FORMAT=relative" not in environ
    assert f"SLURM_ARRAY_JOB_ID={job}" in environ


@pytest.mark.usefixtures("slurm")
def test_slurm_that_is_not_there(script: Scripts, token: str, tmp_path: Path) -> None:
    Slurm().check()
    file = script()
    for ask in (Slurm().check, Slurm().limits, lambda: Slurm().submit(file, token)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", str(tmp_path))
            with pytest.raises(UserError) as problem:
                ask()
        assert problem.value.exit_code == 2
        assert problem.value.hint == (
            "log in to a machine of the cluster, or load Slurm's module (module load slurm)"
        )


@pytest.mark.parametrize("job", ["", "7_1", "--user=root", "7 8", "٣", "-1"])
def test_what_is_no_job_is_no_argument(job: str) -> None:
    for ask in (Slurm().look, Slurm().cancel):
        with pytest.raises(RunError, match="is no id of a Slurm job"):
            ask([job])


@pytest.mark.parametrize("seed", range(6))
def test_a_controller_that_is_killed_while_sbatch_runs(
    slurm: SlurmLab, script: Scripts, token: str, seed: int
) -> None:
    """Exactly one job at the end, whenever the controller died."""
    file = script("--array=0-9", "--hold")
    pause = random.Random(seed).uniform(0.0, 0.03)

    def kill() -> None:
        time.sleep(pause)
        slurm.stop_controller(kill=True)
        slurm.start_controller(wait=False)

    killer = threading.Thread(target=kill)
    killer.start()
    jobs = set()
    end = time.monotonic() + 60
    while True:
        try:
            jobs.add(Slurm(seconds=5).submit(file, token))
        except Full:
            assert time.monotonic() < end
            continue
        if not killer.is_alive() and Slurm().find(token) is not None:
            break
    killer.join()
    # A killed controller may have lost its last seconds, and with them that other jobs were cancelled.
    pending = slurm.call("squeue", "-h", "-t", "pending", "-o", "%F %k").splitlines()
    assert [line for line in pending if token in line] == [f"{Slurm().find(token)} {token}"]
    assert slurm.call("squeue", "-h", "-r", "-t", "all", "-o", "%k").splitlines().count(token) == 10


def test_sbatch_that_is_killed(slurm: SlurmLab, script: Scripts, token: str, tmp_path: Path) -> None:
    """An sbatch that dies after it submitted: its job is found, and is the only one."""
    real = shutil.which("sbatch")
    fake = tmp_path / "bin" / "sbatch"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/bash\n{real} "$@" > /dev/null\nkill -9 $$\n')
    fake.chmod(0o755)
    file = script("--array=0-1", "--hold")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
        job = Slurm().submit(file, token)
    assert slurm.call("squeue", "-h", "-t", "pending", "-o", "%F %k").splitlines() == [f"{job} {token}"]
    assert Slurm().submit(file, token) == job


def test_all_nodes_take_part(slurm: SlurmLab, script: Scripts, token: str) -> None:
    job = Slurm().submit(script("--array=0-3", "--exclusive"), token)
    until(slurm, job, dict.fromkeys(range(4), RUNNING))
    assert slurm.sinfo() == dict.fromkeys(NODES, "allocated")

"""Job scripts for Slurm: whole texts, and what a real sbatch makes of them."""

from __future__ import annotations

import subprocess
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings

from genstudy import UserError
from genstudy.schedulers.flux import flux_script
from genstudy.schedulers.script import TEMPLATE, job_script, slurm_time, warning_seconds
from tests.schedulers.plans import FULL, NAMES, plan
from tests.slurm.lab import SlurmLab

GOLDEN = Path(__file__).parents[1] / "golden"
CASES: dict[str, dict[str, Any]] = {
    "slurm": {},
    "slurm-full": {"folder": '/data/my "beam" #1 100%', **FULL},
}
UNWRITABLE = {"Cc", "Zl", "Zp"}
OWN = "#!/bin/sh\n{{ directives }}\n# ours\nexec {{ task }}\n"


@pytest.mark.parametrize("case", CASES)
def test_the_whole_text(case: str, request: pytest.FixtureRequest) -> None:
    found = job_script(plan(**CASES[case]))
    file = GOLDEN / f"{case}.sh"
    if request.config.getoption("--renew-golden"):
        file.write_text(found)
    assert found == file.read_text()


def lines_of(text: str) -> list[str]:
    return [line.removeprefix("#SBATCH ") for line in text.splitlines() if line.startswith("#SBATCH ")]


def test_a_wave_of_one_batch() -> None:
    assert "--array=0-0" in lines_of(job_script(plan(tasks=1)))


def test_what_is_only_for_steps_is_passed_over() -> None:
    steps: dict[str, Any] = {"bank": "", "host": "quartz", "extra": {"allocation_args": {}}}
    assert job_script(plan(**steps)) == job_script(plan())
    assert flux_script(plan(**steps)) == flux_script(plan())


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1, "0-00:00:01"), (3600, "0-01:00:00"), (86399, "0-23:59:59"), (216030, "2-12:00:30")],
)
def test_times_are_written_as_slurm_reads_them(seconds: int, text: str) -> None:
    assert slurm_time(seconds) == text


def test_parts_of_a_second_are_rounded_up() -> None:
    assert "--time=0-00:01:31" in lines_of(job_script(plan(walltime=90.2)))


@pytest.mark.parametrize(
    ("walltime", "seconds"), [(None, 60), (86400.0, 60), (600.0, 60), (300.0, 30), (60.0, 6), (0.5, 1)]
)
def test_a_task_is_told_of_its_end_beforehand(walltime: float | None, seconds: int) -> None:
    assert warning_seconds(walltime) == seconds


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ({}, ["--ntasks=1", "--cpus-per-task=4"]),
        ({"procs": 3}, ["--ntasks=3", "--cpus-per-task=4"]),
        ({"nodes": 2}, ["--nodes=2", "--cpus-per-task=4"]),
        ({"nodes": 2, "procs": 2}, ["--nodes=2", "--ntasks=2", "--cpus-per-task=4"]),
    ],
)
def test_nodes_and_processes(given: dict[str, Any], written: list[str]) -> None:
    lines = lines_of(job_script(plan(**given)))
    assert [line for line in lines if line.startswith(("--nodes", "--ntasks", "--cpus"))] == written


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"nodes": 4, "procs": 2}, "2 processes cannot be on 4 nodes"),
        ({"walltime": "4000d"}, "more than 3,650 days"),
        ({"queue": "a\nb"}, "queue has a control character"),
        ({"setup": "module load \\\n"}, "ends with a backslash"),
        ({"folder": "/data/a\\b"}, "there is a backslash in this path"),
        ({"folder": "/data/a\nb"}, "has a control character"),
        ({"folder": "/data/\udcff"}, "has a control character"),
        ({"options": ["--array=0-3"]}, "'--array=0-3' cannot be given to sbatch: it is genstudy's to say"),
        ({"options": ["--arr 0-3"]}, "'--arr' cannot be given"),
        ({"options": ["-Ha0-3"]}, "'-Ha0-3' cannot be given"),
        ({"options": ["--exclusive --wrap=x"]}, "'--wrap=x' cannot be given"),
        ({"options": ["-t 5"]}, "'-t' cannot be given to sbatch: it is genstudy's to say\n  say walltime"),
        ({"options": ["-C a", "-o x"]}, "'-o' cannot be given"),
        ({"options": ["haswell"]}, "'haswell' is no option of sbatch"),
        ({"options": ["-C a b"]}, "'b' is no option of sbatch"),
        ({"options": [""]}, "'' is no option"),
        ({"options": ["# note"]}, "'# note' is no option"),
        ({"options": ["-C a\n--array=2"]}, "a line end or another control character"),
        ({"options": ["--constraint='a"]}, "a quote does not end"),
    ],
)
def test_what_cannot_be_written_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as caught:
        job_script(plan(**given))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "option",
    ["--constraint=haswell", "-C haswell", "--wait-all-nodes=1", "-Hv", "--no-requeue", "-pa", "-Aot"],
)
def test_other_options_stand_word_for_word(option: str) -> None:
    assert lines_of(job_script(plan(options=[option])))[-1] == option


def test_a_template_of_ones_own(tmp_path: Path) -> None:
    template = tmp_path / "own.sh"
    template.write_text(
        "#!/bin/bash -l\n{{ directives }}\n#SBATCH --mail-type=END # by mail\n"
        "# {{ name }} {{ token }} {{ wave | shell }} {{ tasks }} {{ cores }}\n"
        "# {{ python }} {{ scheduler.queue }}\n"
        "n=${#list[@]}\nexec nice {{ task }}\n"
    )
    usual = job_script(plan("/data/my beam", queue="debug"))
    found = job_script(plan("/data/my beam", queue="debug"), template=template)
    directives = "".join(f"#SBATCH {line}\n" for line in lines_of(usual))
    assert found == (
        f"#!/bin/bash -l\n{directives}#SBATCH --mail-type=END # by mail\n"
        "# my beam.0007 genstudy-3fa94c21d0-7 '/data/my beam/waves/0007' 10 4\n"
        "# /opt/python/bin/python3 debug\n"
        f"n=${{#list[@]}}\nexec nice {usual.splitlines()[-1].removeprefix('exec ')}\n"
    )
    assert job_script(plan("/data/my beam", queue="debug", script=str(template))) == found


def test_the_documentation_shows_the_built_in_template() -> None:
    page = Path(__file__).parents[2] / "docs" / "clusters.md"
    assert f"```jinja\n{TEMPLATE.read_text()}```\n" in page.read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (OWN.removeprefix("#!"), "this makes no script, as it does not begin with #!"),
        (OWN.replace("{{ task }}", "python x"), "it lacks {{ task }}, without which it runs nothing"),
        (
            OWN.replace("{{ directives }}", ""),
            "it has no line '#SBATCH --job-name=beam.0007' before its first",
        ),
        (OWN.replace("# ours", "#SBATCH --array=0-1"), "'--array=0-1' cannot be given to sbatch"),
        (OWN.replace("# ours", "#SBATCH -t 5"), "say walltime"),
        (OWN.replace("{{ dir", "set -e\n{{ dir"), "before its first command"),
        (OWN.replace("# ours", "{{ scheduler.quue }}"), "'quue' is not defined (did you mean 'queue'?)"),
        (
            OWN.replace("# ours", "{{ toke }}"),
            "own.sh, line 3: 'toke' is not defined (did you mean 'token'?)",
        ),
        (OWN.replace("# ours", "{% if %}"), "own.sh, line 3: "),
        (OWN.replace("# ours", "{{ 1 / 0 }}"), "own.sh, line 3: division by zero"),
        (OWN.replace("# ours", "{% include 'x' %}"), "there is no template 'x' beside it"),
        (OWN.replace("# ours", "{{ task.__class__ }}"), "unsafe"),
    ],
)
def test_a_template_that_would_lose_its_tasks_is_refused(text: str, message: str, tmp_path: Path) -> None:
    template = tmp_path / "own.sh"
    template.write_text(text)
    with pytest.raises(UserError) as caught:
        job_script(plan(), template=template)
    assert message in str(caught.value)
    assert str(template) in str(caught.value)


@pytest.mark.usefixtures("in_tmp")
@pytest.mark.parametrize("name", ["missing.sh", "echo"])
def test_a_template_that_is_not_there(name: str) -> None:
    with pytest.raises(UserError, match="there is no such file"):
        job_script(plan(script=name))


def accepted(folder: Path, **more: Any) -> str | None:
    """Return the script of a campaign in this folder, None where it has to be refused."""
    try:
        text = job_script(plan(folder, **more))
    except UserError:
        assert "\\" in str(folder) or any(unicodedata.category(char) in UNWRITABLE for char in str(folder))
        return None
    return text


@given(NAMES)
def test_any_name_makes_a_script_that_bash_reads(name: str) -> None:
    text = accepted(Path("/data") / name)
    if text is not None:
        done = subprocess.run(["bash", "-n"], input=text.encode(), capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")


INTERPRETER = """#!/bin/bash
echo "task $7 of $SLURM_JOB_NAME in $PWD"
echo "on stderr" >&2
printf '%s\\0' "$@" > "$6/args.$7"
"""


@pytest.fixture
def interpreter(tmp_path: Path) -> Path:
    """Return a program in the interpreter's place, which writes down what it was called with."""
    program = tmp_path / 'it\'s an #odd "place"' / "python"
    program.parent.mkdir()
    program.write_text(INTERPRETER)
    program.chmod(0o755)
    return program


def submit(lab: SlurmLab, script: Path) -> str:
    return lab.call("sbatch", "--parsable", str(script)).strip()


def wait_for_end(lab: SlurmLab) -> None:
    lab.wait(lab.is_empty, "all jobs have ended")


@settings(max_examples=15)
@example("per%cent%a%%x%j")
@example("a \"b\" 'c' #d $HOME `id` {e}: ~")
@given(NAMES)
def test_any_name_arrives_in_a_real_job(
    slurm_lab: SlurmLab, interpreter: Path, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    folder = tmp_path_factory.mktemp("campaigns") / name
    job = plan(folder, tasks=2, python=str(interpreter), cores=1)
    text = accepted(folder, tasks=2, python=str(interpreter), cores=1)
    if text is None:
        return
    job.wave.mkdir(parents=True)
    script = job.wave / "job.sh"
    script.write_text(text)
    number = submit(slurm_lab, script)
    seen = slurm_lab.call("squeue", "-h", "-t", "all", "-j", number, "-o", "%j|%k").splitlines()[0]
    assert seen == f"{name}.0007|genstudy-3fa94c21d0-7"
    wait_for_end(slurm_lab)
    assert {path.name for path in job.wave.iterdir()} == {"job.sh", "0.out", "1.out", "args.0", "args.1"}
    for task in "01":
        assert (
            job.wave / f"{task}.out"
        ).read_text() == f"task {task} of {name}.0007 in {folder}\non stderr\n"
        args = (job.wave / f"args.{task}").read_text().split("\0")
        assert args == ["-P", "-X", "utf8", "-m", "genstudy.cli.task", str(job.wave), task, ""]


def run_job(lab: SlurmLab, folder: Path, **more: Any) -> Path:
    """Submit the job of a wave, and return the wave's folder."""
    job = plan(folder, **more)
    job.wave.mkdir(parents=True)
    script = job.wave / "job.sh"
    script.write_text(job_script(job))
    submit(lab, script)
    return job.wave


def test_slurm_reads_every_setting(slurm: SlurmLab, interpreter: Path, tmp_path: Path) -> None:
    given = FULL | {"bank": None, "gpus": 0, "reservation": None, "qos": None, "setup": None}
    given |= {"options": ["--hold", "-x n1  # broken"], "memory": "2G"}
    wave = run_job(slurm, tmp_path / "beam", python=str(interpreter), tasks=4, **given)
    seen = dict(
        part.split("=", 1) for part in slurm.call("scontrol", "show", "job").split() if part.count("=") == 1
    )
    kept = (
        "ArrayTaskId",
        "ArrayTaskThrottle",
        "NumNodes",
        "NumTasks",
        "CPUs/Task",
        "TimeLimit",
        "ExcNodeList",
    )
    assert {key: seen[key] for key in kept} == {
        "ArrayTaskId": "0-3%3",
        "ArrayTaskThrottle": "3",
        "NumNodes": "2-2",
        "NumTasks": "4",
        "CPUs/Task": "4",
        "TimeLimit": "1-12:01:00",
        "ExcNodeList": "n1",
    }
    assert (seen["Requeue"], seen["OverSubscribe"], seen["MinMemoryNode"]) == ("1", "NO", "2G")
    assert (seen["Partition"], seen["WorkDir"]) == ("debug", str(tmp_path / "beam"))
    assert wave.is_dir()


def test_the_setup_comes_before_the_task(slurm: SlurmLab, tmp_path: Path, interpreter: Path) -> None:
    setup = 'echo "set up in $PWD"; unset nothing; export A="$UNSET_VARIABLE"'
    wave = run_job(slurm, tmp_path / "beam", tasks=1, python=str(interpreter), setup=setup, cores=1)
    wait_for_end(slurm)
    said = f"set up in {tmp_path / 'beam'}\ntask 0 of beam.0007 in {tmp_path / 'beam'}\non stderr\n"
    assert (wave / "0.out").read_text() == said


def test_a_setup_that_fails_runs_nothing(slurm: SlurmLab, tmp_path: Path, interpreter: Path) -> None:
    setup = "echo before\nfalse\necho after"
    wave = run_job(slurm, tmp_path / "beam", tasks=1, python=str(interpreter), setup=setup, cores=1)
    wait_for_end(slurm)
    assert (wave / "0.out").read_text() == "before\n"
    assert slurm.call("squeue", "-h", "-t", "all", "-o", "%T").splitlines()[-1] == "FAILED"


SLEEPER = """#!/bin/bash
trap 'echo told of the end; exit 0' USR1
echo started
while :; do sleep 0.05; done
"""


@pytest.fixture
def sleeper(tmp_path: Path) -> Path:
    """Return a program in the interpreter's place, which runs until SIGUSR1."""
    program = tmp_path / "python"
    program.write_text(SLEEPER)
    program.chmod(0o755)
    return program


def wait_for_text(lab: SlurmLab, file: Path, text: str) -> None:
    lab.wait(lambda: file.is_file() and file.read_text() == text, f"{file.name} says {text!r}")


def test_the_task_is_what_slurm_signals_and_requeues(slurm: SlurmLab, tmp_path: Path, sleeper: Path) -> None:
    wave = run_job(slurm, tmp_path / "beam", tasks=1, python=str(sleeper), setup="true", cores=1)
    log = wave / "0.out"
    wait_for_text(slurm, log, "started\n")
    number = slurm.call("squeue", "-h", "-o", "%A").strip()
    slurm.call("scontrol", "requeue", number)
    slurm.wait(lambda: log.read_text().count("started\n") == 2, "it has begun again", seconds=150)
    slurm.call("scancel", "--batch", "--signal=USR1", number)
    slurm.wait(lambda: log.read_text().endswith("told of the end\n"), "the task was told")
    wait_for_end(slurm)

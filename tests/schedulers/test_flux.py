"""Job scripts for Flux: whole texts, and what bash makes of them; there is no Flux here to take them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from genstudy import UserError
from genstudy.schedulers.flux import flux_script
from tests.schedulers.plans import FULL, NAMES, plan

GOLDEN = Path(__file__).parents[1] / "golden"
OTHERS = {"memory": None, "reservation": None, "qos": None, "limit": None, "nodes": 1}
CASES: dict[str, dict[str, Any]] = {
    "flux": {},
    "flux-full": {
        "folder": "/data/my 'beam' #1 100%",
        **FULL,
        **OTHERS,
        "options": ["--requires=host:a[1-3]", "-o cpu-affinity=off"],
    },
}
OWN = "#!/bin/sh\ntest $# = 0 || exec {{ task }}\n{{ submit }}\n"
STAND_IN = "#!/bin/sh\nprintf '%s\\0' \"$@\"\n"


@pytest.mark.parametrize("case", CASES)
def test_the_whole_text(case: str, request: pytest.FixtureRequest) -> None:
    found = flux_script(plan(**CASES[case]))
    file = GOLDEN / f"{case}.sh"
    if request.config.getoption("--renew-golden"):
        file.write_text(found)
    assert found == file.read_text()


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with `flux` and `python`, which print what they are called with."""
    folder = tmp_path_factory.mktemp("programs")
    for name in ("flux", "python"):
        (folder / name).write_text(STAND_IN)
        (folder / name).chmod(0o755)
    return folder


def words_of(script: str, programs: Path, *arguments: str) -> list[str]:
    """Return what a script calls its last program with."""
    path = f"{programs}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script, "job.sh", *arguments],
        env={"PATH": path},
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    return done.stdout.split("\0")[:-1]


@given(NAMES)
def test_any_name_arrives(programs: Path, name: str) -> None:
    folder = Path("/data") / name
    python = str(programs / "python")
    try:
        script = flux_script(plan(folder, python=python, tasks=3, walltime="90m", bank="b", queue="q"))
    except UserError:
        assert "{" in name or "}" in name or not name.isprintable()
        return
    wave = f"{folder}/waves/0007"
    assert words_of(script, programs) == [
        "submit",
        "--cc=0-2",
        f"--job-name={name}.0007",
        "--setattr=user.genstudy=genstudy-3fa94c21d0-7",
        f"--output={wave}/{{cc}}.out",
        "--setopt=output.mode=append",
        f"--cwd={folder}",
        "--signal=USR1@60s",
        "--ntasks=1",
        "--cores-per-task=4",
        "--time-limit=5400s",
        "--queue=q",
        "--bank=b",
        "/bin/bash",
        f"{wave}/job.sh",
        "{cc}",
    ]
    assert words_of(script, programs, "2") == ["-P", "-X", "utf8", "-m", "genstudy.cli.task", wave, "2"]


def test_a_setup_comes_before_the_task_and_is_not_run_to_submit(programs: Path) -> None:
    python = str(programs / "python")
    script = flux_script(plan(python=python, setup="test $# = 1\nprintf 'set up {cc}\\0'"))
    assert words_of(script, programs)[0] == "submit"
    assert words_of(script, programs, "0")[:2] == ["set up {cc}", "-P"]


def test_a_setup_that_fails_runs_nothing(programs: Path) -> None:
    script = flux_script(plan(python=str(programs / "python"), setup="false"))
    with pytest.raises(subprocess.CalledProcessError) as caught:
        words_of(script, programs, "0")
    assert caught.value.stdout == ""


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ({"tasks": 1}, "--cc=0"),
        ({"procs": 3}, "--cores-per-task=12"),
        ({"nodes": 1}, "--nodes=1"),
        ({"exclusive": True}, "--nodes=1"),
        ({"exclusive": True}, "--exclusive"),
        ({"gpus": 2}, "--gpus-per-task=2"),
        ({"walltime": 90.5}, "--time-limit=91s"),
        ({"walltime": 90.5}, "--signal=USR1@9s"),
    ],
)
def test_settings(given: dict[str, Any], written: str, programs: Path) -> None:
    assert written in words_of(flux_script(plan(**given)), programs)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"memory": "4G"}, "Flux has no 'memory' for the job of a batch"),
        ({"reservation": "r"}, "Flux has no 'reservation'"),
        ({"qos": "q"}, "Flux has no 'qos'"),
        ({"limit": 3}, "Flux has no 'limit'"),
        ({"nodes": 2}, "a batch's job has one node with Flux, not 2"),
        ({"folder": "/data/{x}"}, "would take the braces in '--job-name={x}.0007'"),
        ({"queue": "a}b"}, "would take the braces"),
        ({"folder": "/data/a\nb"}, "there is a control character"),
        ({"walltime": "4000d"}, "more than 3,650 days"),
        ({"options": ["--cc=0-3"]}, "'--cc=0-3' cannot be given to flux submit"),
        ({"options": ["-n4"]}, "say procs"),
        ({"options": ["-un4"]}, "say procs"),
        ({"options": ["-t 5"]}, "say walltime"),
        ({"options": ["--wait"]}, "'--wait' cannot be given to flux submit"),
        ({"options": ["mine"]}, "'mine' is no option of flux submit"),
    ],
)
def test_what_cannot_be_written_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as caught:
        flux_script(plan(**given))
    assert message in str(caught.value)


def test_a_template_of_ones_own(tmp_path: Path, programs: Path) -> None:
    template = tmp_path / "own.sh"
    template.write_text(OWN)
    found = flux_script(plan(script=str(template)))
    assert words_of(found, programs) == words_of(flux_script(plan()), programs)


@pytest.mark.parametrize("part", ["{{ task }}", "{{ submit }}"])
def test_a_template_that_would_lose_its_tasks_is_refused(part: str, tmp_path: Path) -> None:
    template = tmp_path / "own.sh"
    template.write_text(OWN.replace(part, "true"))
    with pytest.raises(UserError) as caught:
        flux_script(plan(), template=template)
    assert str(caught.value).startswith(f"{template}: it lacks {part}")

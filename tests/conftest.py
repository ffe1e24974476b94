"""What tests of several folders share."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from genstudy.cli.app import main
from tests.databases.postgres import PostgresServer, find_program
from tests.slurm.lab import SlurmLab, is_of_slurm, missing_programs

settings.register_profile(
    "suite",
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--renew-golden", action="store_true", help="Write tests/golden anew; look at the diff.")
    parser.addoption("--kills", type=int, default=8, help="How often the chaos test kills.")
    parser.addoption("--chaos-rows", type=int, default=60, help="Rows of the chaos test's campaign.")
    parser.addoption("--room-rows", type=int, default=600, help="Rows of the test of room on disk.")
    parser.addoption("--chaos-seed", type=int, default=1, help="Seed of the chaos test's choices.")


RunCli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run_cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> RunCli:
    """Return the function that runs a command line here and gives (exit code, stdout, stderr)."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["genstudy", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as ending:
            code = int(ending.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture(scope="session", autouse=True)
def _maestro_on_path() -> Iterator[None]:
    """Have the commands of this Python on PATH, as in an environment that is activated."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        yield


@pytest.fixture
def in_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, and return it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Return a running PostgreSQL server, one for each worker of the tests; skip where there is none."""
    initdb, pg_ctl = find_program("initdb"), find_program("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("PostgreSQL is not installed: no initdb")
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed")
    server = PostgresServer(initdb, pg_ctl)
    yield server
    server.close()


@pytest.fixture(scope="session")
def slurm_lab() -> Iterator[SlurmLab]:
    """Return a running Slurm, one for each worker of the tests; skip where there is none."""
    if missing := missing_programs():
        pytest.skip(f"Slurm is not installed: no {', '.join(missing)}")
    if sys.platform != "linux":
        pytest.skip("the lab finds its processes in Linux's /proc")
    try:
        lab = SlurmLab()
    except RuntimeError as problem:
        pytest.skip(f"Slurm does not come up here: {problem}")
    yield lab
    lab.close()


@pytest.fixture
def slurm(slurm_lab: SlurmLab, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlurmLab]:
    """Return a Slurm with four idle nodes and an empty queue, which all commands of the test talk to."""
    for name in filter(is_of_slurm, list(os.environ)):
        monkeypatch.delenv(name)
    for name, value in slurm_lab.env.items():
        monkeypatch.setenv(name, value)
    yield slurm_lab
    slurm_lab.reset()

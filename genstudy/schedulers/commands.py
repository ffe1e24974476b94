"""Slurm's commands as processes: run within a time limit, with nothing to read, and their failures named."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from typing import TYPE_CHECKING

from genstudy.errors import UserError
from genstudy.schedulers.answers import Unreachable
from genstudy.schedulers.environment import client_environ, sbatch_environ
from genstudy.schedulers.refusals import WAITS, own_words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SUBMITTED = re.compile(r"^([0-9]{1,18})(?:;.*)?$", re.MULTILINE)


def run(
    *command: str, seconds: float, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command that asks Slurm, whatever its exit code. environ: if it is not to be this process's.

    Raises UserError if it is not installed, and Unreachable if it takes longer.
    """
    try:
        return subprocess.run(
            command,
            env=client_environ(os.environ if environ is None else environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError as problem:
        raise missing(command[0]) from problem
    except subprocess.TimeoutExpired as problem:
        said = (problem.stderr or b"").decode(errors="replace")
        raise failure(command[0], f"it did not answer within {seconds:g} s\n{said}") from problem


def call(*command: str, seconds: float, environ: Mapping[str, str] | None = None) -> str:
    """Run a command that asks Slurm, and return what it prints. Raises Unreachable if it fails, as `run`."""
    done = run(*command, seconds=seconds, environ=environ)
    if done.returncode:
        raise failure(command[0], done.stderr or f"it ended with {done.returncode}")
    return done.stdout


def sbatch(script: Path, token: str, *, seconds: float) -> tuple[str | None, str]:
    """Run sbatch in the script's folder; return the job's id, if it told one, and what else it said.

    It is ended as soon as it says that there is no room, instead of trying on for two minutes.
    """
    command = ["sbatch", "--parsable", f"--comment={token}", str(script.absolute())]
    said: list[str] = []
    try:
        process = subprocess.Popen(
            command,
            cwd=script.absolute().parent,
            env=sbatch_environ(os.environ, script.read_text(encoding="utf-8", errors="replace")),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )
    except FileNotFoundError as problem:
        if problem.filename != command[0]:
            raise
        raise missing(command[0]) from problem
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        timer = threading.Timer(seconds, process.kill)
        timer.start()
        try:
            for line in process.stderr:
                said.append(line)
                if WAITS.search(line):
                    process.kill()
            out = process.stdout.read()
            process.wait()
        finally:
            late = not timer.is_alive()
            timer.cancel()
            process.kill()
    if late:
        said.append(f"it timed out after {seconds:g} s\n")
    found = SUBMITTED.findall(out)
    return (found[-1] if found and not process.returncode else None), "".join(said)


def failure(name: str, said: str) -> Unreachable:
    """Return the error of a command that could not ask Slurm."""
    return Unreachable(f"Slurm does not answer: {name}: {own_words(said)}")


def missing(name: str) -> UserError:
    """Return the error of a command that is not there."""
    return UserError(
        f"there is no {name} on PATH",
        hint="log in to a machine of the cluster, or load Slurm's module (module load slurm)",
    )

"""The schedulers: which commands are here, and whether they get an answer."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from genstudy.campaign.scheduler_checks import PROGRAMS as NEEDED
from genstudy.doctor.findings import note, of_error, ok, problem
from genstudy.errors import GenstudyError
from genstudy.schedulers.commands import call, run
from genstudy.schedulers.slurm import LOOK, Slurm
from genstudy.schedulers.slurm import PROGRAMS as SLURM
from genstudy.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genstudy.doctor.findings import Finding

SECONDS = 15.0
"""The longest that a controller may take to answer."""

SHOWN = 10
MODULE = "log in to a machine of the cluster, or load the scheduler's module"


def schedulers(needed: str | None = None) -> Iterator[Finding]:
    """Tell which schedulers are here. needed: without this one, something will not work."""
    found = False
    for name, programs, look in (
        ("slurm", (*SLURM, "sacct"), _slurm),
        ("flux", ("flux",), _flux),
        ("lsf", NEEDED["lsf"], _lsf),
    ):
        here = [program for program in programs if shutil.which(program)]
        if here:
            yield from look(here, needed=name == needed)
            found = True
        elif name == needed:
            yield problem(
                name, f"there is no {programs[0]} on PATH, and the campaign is made for {name}", MODULE
            )
            found = True
    if not found:
        yield ok("scheduler", "none on PATH: rows run on this machine")


def _slurm(here: list[str], *, needed: bool) -> Iterator[Finding]:
    if missing := [program for program in SLURM if program not in here]:
        finding = problem if needed else note
        yield finding("slurm", f"{', '.join(here)} found, and no {', '.join(missing)}", MODULE)
        return
    try:
        limits = Slurm(seconds=SECONDS).limits()
        partitions = _partitions() if shutil.which("sinfo") else ""
    except GenstudyError as error:
        reason = str(error).splitlines()[0].rpartition("; ")[2].removeprefix("Slurm does not answer: ")
        text = f"its commands are here, and it does not answer: {reason}"
        yield (problem if needed else note)("slurm", text, LOOK)
        return
    most = f"a job array may have {counted(limits.max_array, 'task')}, and all users {limits.max_jobs:,} jobs"
    yield ok("slurm", f"it answers; {most}")
    if partitions:
        yield ok("slurm", f"partitions: {partitions}")
    if "sacct" not in here:
        yield note("slurm", "there is no sacct: what became of a job is known only until Slurm forgets it")


def _partitions() -> str:
    lines = call("sinfo", "--noheader", "--format=%P|%a|%l|%D", seconds=SECONDS).splitlines()
    shown = []
    for line in lines[:SHOWN]:
        name, state, limit, nodes = line.split("|", 3)
        words = [counted(int(nodes), "node"), "no time limit" if limit == "infinite" else f"at most {limit}"]
        shown.append(f"{name} ({', '.join([*words, *([] if state == 'up' else [state])])})")
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return ", ".join([*shown, *more])


def _flux(here: list[str], *, needed: bool) -> Iterator[Finding]:
    yield from _asked("flux", here, ("flux", "uptime"), needed=needed)


def _lsf(here: list[str], *, needed: bool) -> Iterator[Finding]:
    missing = [program for program in NEEDED["lsf"] if program not in here]
    if missing:
        finding = problem if needed else note
        yield finding("lsf", f"{', '.join(here)} found, and no {', '.join(missing)}", MODULE)
        return
    yield from _asked("lsf", here, ("bjobs", "-noheader"), needed=needed)


def _asked(name: str, here: list[str], command: tuple[str, ...], *, needed: bool) -> Iterator[Finding]:
    try:
        done = run(*command, seconds=SECONDS)
    except GenstudyError as error:
        yield of_error(name, error, "problem" if needed else "note")
        return
    said = " ".join((done.stderr or done.stdout).split())[-200:]
    if done.returncode:
        finding = problem if needed else note
        yield finding(name, f"{' '.join(command)} ended with {done.returncode}: {said}", MODULE)
    else:
        yield ok(name, f"{', '.join(here)} found, and {' '.join(command)} gets an answer")

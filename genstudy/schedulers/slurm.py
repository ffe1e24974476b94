"""Slurm, by its commands: job arrays submitted, found again, looked at and cancelled."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from genstudy.errors import RunError
from genstudy.schedulers.accounting import accounted
from genstudy.schedulers.answers import (
    Full,
    Limits,
    Refused,
    TaskState,
    Unreachable,
    limits_of,
    settings_of,
    task_state,
)
from genstudy.schedulers.commands import call, failure, missing, run, sbatch
from genstudy.schedulers.refusals import is_unclear, refusal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

__all__ = ["Full", "Limits", "Refused", "Slurm", "TaskState", "Unreachable"]

LOOK = "try sinfo: if that fails too, Slurm is down, or this machine is none of its cluster"
PROGRAMS = ("sbatch", "squeue", "scancel", "scontrol")
SECONDS = 60.0
SECOND_LOOKS = (0.0, 1.0, 2.0)
"""Pauses before looks for a job whose submission failed: the controller may have it in hand yet."""

AT_ONCE = 500
"""Jobs in one command line."""

REJECTED = ("FAILED", "BadConstraints")
"""State and reason of a job that was refused, and of which Slurm keeps a record all the same."""

JOB = re.compile(r"[0-9]{1,18}")
TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}")
ENDED_LONG_AGO = ("Invalid job id specified", "already completing or completed", "already finished")


class Slurm:
    """This user's jobs in the Slurm that the environment leads to.

    seconds: the longest that one of its commands may take. A job is a text of digits, the id of an array.

    `look` and `cancel` take jobs, or jobs with the tokens that they were submitted with. With tokens, a job
    that has the id and not the token is another's: it is neither seen nor touched. A controller that lost its
    last seconds gives the same ids again.
    """

    def __init__(self, *, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._accounting: bool | None = None

    def check(self) -> None:
        """Raise UserError where Slurm's commands are missing, and Unreachable where no controller answers."""
        for name in PROGRAMS:
            if shutil.which(name) is None:
                raise missing(name)
        try:
            self.limits()
        except Unreachable as problem:
            raise Unreachable(f"{problem}\n  {LOOK}") from problem

    def limits(self) -> Limits:
        """Return the controller's limits. Raises Unreachable."""
        config = settings_of(call("scontrol", "show", "config", seconds=self._seconds))
        self._accounting = config.get("AccountingStorageType", "").endswith("/slurmdbd")
        try:
            return limits_of(config)
        except (KeyError, ValueError) as problem:
            raise RunError(f"scontrol show config does not tell {problem}") from problem

    def submit(self, script: Path, token: str) -> str:
        """Submit a script as a job with this token, and return the job's id; never twice.

        A job with this token that Slurm still knows is the answer, whoever submitted it and whatever became
        of sbatch. The working folder is the script's. Raises Full where it may be tried again later, with the
        same token, and Refused where it may not.
        """
        _check_token(token)
        try:
            if (job := self.find(token)) is not None:
                return job
            job, said = sbatch(script, token, seconds=self._seconds)
            if job is not None:
                return self._surely(job, token)
            if (job := self._look_again(token, said)) is not None:
                return job
            raise refusal(said, script, waiting=bool(self._jobs(active=True)))
        except Unreachable as problem:
            raise Full(str(problem)) from problem

    def find(self, token: str) -> str | None:
        """Return the id of the job with this token that waits, runs, or ended lately. Raises Unreachable."""
        _check_token(token)
        return _first(self._jobs(), token)

    def look(self, jobs: Collection[str] | Mapping[str, str]) -> dict[str, dict[int, TaskState]]:
        """Return the states of the jobs' tasks, by job and index.

        What is missing there Slurm knows no more, or never did: it forgets tasks some minutes after their
        end, and some at once that were cancelled one by one before they began. Where accounting is on, it
        is asked for jobs that the queue does not know at all. Raises Unreachable.
        """
        tokens = _tokens_of(jobs)
        found: dict[str, dict[int, TaskState]] = {}
        if not tokens:
            return found
        for job, index, state, reason, comment in self._queue("--array"):
            if job in tokens and index.isdigit() and _has(comment, tokens[job]):
                found.setdefault(job, {})[int(index)] = task_state(state, reason)
        if (gone := tokens.keys() - found.keys()) and self._has_accounting():
            for some in _portions(sorted(gone, key=int)):
                found.update(accounted({job: tokens[job] for job in some}, seconds=self._seconds))
        return found

    def count(self) -> int:
        """Return how many jobs of all users Slurm holds; each task of an array is one. Raises Unreachable."""
        fixed = ("--noheader", "--array", "--all", "--states=all", "--format=%A")
        return len(call("squeue", *fixed, seconds=self._seconds).split())

    def cancel(self, jobs: Collection[str] | Mapping[str, str], *, pending_only: bool = False) -> None:
        """Cancel all tasks of the jobs that have not ended, or not begun. Raises Unreachable."""
        tokens = _tokens_of(jobs)
        if any(tokens.values()):
            known = self._jobs(active=True)
            tokens = {job: "" for job, comment in known if job in tokens and _has(comment, tokens[job])}
        for some in _portions(sorted(tokens, key=int)):
            options = ("--state=PENDING",) if pending_only else ()
            done = run("scancel", *options, *some, seconds=self._seconds)
            lines = [line for line in done.stderr.splitlines() if not any(x in line for x in ENDED_LONG_AGO)]
            if done.returncode and any(line.strip() for line in lines):
                raise failure("scancel", "\n".join(lines))

    def drop(self, job: str, token: str, index: int) -> None:
        """Cancel one task of a job, if that job has the token. Raises Unreachable."""
        _check_token(token)
        for found, task, _, _, comment in self._queue("--array"):
            if (found, task) == (job, str(index)) and _has(comment, token):
                run("scancel", f"{job}_{index}", seconds=self._seconds)

    def _surely(self, job: str, token: str) -> str:
        """Return the job that stays for a token, once one was submitted: an earlier one may turn up late."""
        try:
            known = self._jobs()
        except Unreachable:
            return job
        found = _first(known, token)
        if found == job:
            return job
        if found is None and all(job != other for other, _ in known):
            raise Full(
                f"Slurm took a job, {job}, and does not know it any more: its controller was restarted"
            )
        self.cancel([job])
        if found is None:
            raise Refused(
                f"Slurm did not keep the comment of job {job}, by which it is found again; it is cancelled\n"
                "  ask your administrators about a plugin that changes comments"
            )
        return found

    def _look_again(self, token: str, said: str) -> str | None:
        for pause in SECOND_LOOKS if is_unclear(said) else SECOND_LOOKS[:1]:
            time.sleep(pause)
            if (job := self.find(token)) is not None:
                return job
        return None

    def _jobs(self, *, active: bool = False) -> set[tuple[str, str]]:
        """Return the jobs with their comments, but for refused ones. active: those that may still run."""
        rows = self._queue()
        return {
            (job, comment)
            for job, _, state, reason, comment in rows
            if task_state(state, reason).active or not (active or (state, reason) == REJECTED)
        }

    def _queue(self, *options: str) -> Iterator[Sequence[str]]:
        """Yield job, index, state, reason and comment of this user's jobs, or tasks (`--array`)."""
        # A comment may hold anything, line ends too; nobody knows this mark.
        mark = f"<{secrets.token_hex(8)}>"
        fixed = ("--noheader", "--states=all", f"--user={os.geteuid()}", f"--format={mark}%F|%K|%T|%r|%k")
        text = call("squeue", *fixed, *options, seconds=self._seconds)
        return (row.removesuffix("\n").split("|", 4) for row in text.split(mark)[1:])

    def _has_accounting(self) -> bool:
        if self._accounting is None:
            self.limits()
        return bool(self._accounting) and shutil.which("sacct") is not None


def _tokens_of(jobs: Collection[str] | Mapping[str, str]) -> dict[str, str]:
    tokens = dict(jobs) if isinstance(jobs, Mapping) else dict.fromkeys(jobs, "")
    for job in tokens:
        if not JOB.fullmatch(job):
            raise RunError(f"{job!r} is no id of a Slurm job")
    return tokens


def _check_token(token: str) -> None:
    if not TOKEN.fullmatch(token):
        raise ValueError(f"{token!r} cannot be a token")


def _has(comment: str, token: str) -> bool:
    """Tell whether a comment has a token in it, as a word of its own; a plugin may have added to it."""
    return re.search(rf"(?<![\w.-]){re.escape(token)}(?![\w.-])", comment) is not None if token else True


def _first(jobs: Collection[tuple[str, str]], token: str) -> str | None:
    return min((job for job, comment in jobs if _has(comment, token)), key=int, default=None)


def _portions(jobs: Sequence[str]) -> Iterator[Sequence[str]]:
    return (jobs[start : start + AT_ONCE] for start in range(0, len(jobs), AT_ONCE))

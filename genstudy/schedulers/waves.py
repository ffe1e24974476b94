"""How many of the batches that wait go into the next job array: a wave."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from genstudy.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genstudy.schedulers.answers import Limits

T = TypeVar("T")

MOST_TASKS = 1000
"""Those of a wave: what is lost or looked at as a whole stays small, and Slurm's own default allows it."""

OURS = 2
"""Of the jobs that Slurm has room for, the campaign never has more than one in so many."""

SMALL = 10
"""A wave is not smaller than one in so many of what a wave may be, while tasks of others are on their way."""


def next_wave(
    waiting: Sequence[T],
    *,
    limits: Limits,
    in_queue: int,
    ours: int = 0,
    limit: int | None = None,
    most: int | None = None,
) -> Sequence[T]:
    """Return the batches of the next wave, the first of those that wait; none while there is no room.

    limits: Slurm's own. An array's index is below MaxArraySize, so that is also how many tasks it can have.
    in_queue: the jobs of all users that Slurm holds, those that ended of late among them, as MaxJobCount
    counts them, where each task is one. ours: the campaign's among them that may still run.
    limit: how many batches may run at a time. Slurm counts them for each array, so there is one wave then.
    most: how many tasks a wave may have where Slurm refused more, for a limit of the user or the account.
    Where none of the campaign's tasks are on their way, whatever room there is is used.
    Raises RunError where Slurm takes no job arrays.
    """
    if limits.max_array < 1:
        raise RunError("this Slurm takes no job arrays: its MaxArraySize is 0")
    if limit is not None and ours:
        return waiting[:0]
    share = max(1, limits.max_jobs // OURS)
    largest = min(MOST_TASKS, limits.max_array, share)
    if most is not None:
        largest = max(1, min(largest, most))
    tasks = min(len(waiting), largest, share - ours, limits.max_jobs - in_queue)
    if tasks < 1 or (ours and tasks < min(len(waiting), -(-largest // SMALL))):
        return waiting[:0]
    return waiting[:tasks]

"""Tasks that Slurm's queue knows no more, from its accounting."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from genstudy.schedulers.answers import TaskState, task_state
from genstudy.schedulers.commands import call

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TASKS = re.compile(r"([0-9]+)_(?:([0-9]+)|\[([0-9,-]+)(?:%[0-9]+)?\])")


def accounted(tokens: Mapping[str, str], *, seconds: float) -> dict[str, dict[int, TaskState]]:
    """Return the ends of these jobs' tasks, by job and index. Raises Unreachable.

    tokens: the token of each job, or an empty text; a comment that is kept and has another one is another
    job's. What accounting takes for active though the queue does not know it is left out: it missed the end.
    So is an array without indices, as one that was cancelled as a whole has.
    """
    fixed = ("--allocations", "--noheader", "--parsable2", "--format=JobID,State,Comment")
    text = call("sacct", *fixed, f"--jobs={','.join(tokens)}", seconds=seconds)
    found: dict[str, dict[int, TaskState]] = {}
    alike: dict[str, dict[int, TaskState]] = {}
    for line in text.splitlines():
        name, _, rest = line.partition("|")
        state, _, comment = rest.partition("|")
        tasks = TASKS.fullmatch(name)
        if tasks is None or (comment and tokens.get(tasks[1], "") not in comment):
            continue
        if not (ended := task_state(state, "")).active:
            # A text such as `7_[2-5%2]` stands for those that never began, and keeps some that did later.
            where = found if tasks[2] else alike
            where.setdefault(tasks[1], {}).update(dict.fromkeys(_indices(tasks[2] or tasks[3]), ended))
    return {job: alike.get(job, {}) | found.get(job, {}) for job in found.keys() | alike.keys()}


def _indices(text: str) -> Iterator[int]:
    """Yield the numbers of a text such as `0-3,7`."""
    for part in text.split(","):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)

"""How many rows a batch may have, so that a campaign keeps to what disk, scheduler and time allow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from genstudy.campaign.summary import ENTRIES_PER_STEP, ENTRIES_PER_STUDY
from genstudy.errors import UserError
from genstudy.ledger.tally import BESIDES
from genstudy.units import size_text, time_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOST_ROWS = 10_000
"""Rows of a study up to which Maestro's own time grows in step with them; after, it grows faster."""

OWN = 15
"""Files and folders of a campaign that belong to no batch: manifest, table, pgen, ledger, folders."""

PER_BATCH = 1 + BESIDES
"""Files that stay of a batch: its specification, and what it has besides its studies."""

Name = Literal["--max-files", "--max-bytes", "--max-jobs", "--walltime"]
AS_TEXT: dict[Name, Callable[[float], str]] = {
    "--max-files": "{:,.0f} files".format,
    "--max-bytes": size_text,
    "--max-jobs": "{:,.0f} jobs".format,
    "--walltime": time_text,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCost:
    """What a row costs. steps: those that run once a row; once: files of a study besides its rows'.

    marks: done marks of a row's steps. entries: files and folders that a row makes, all of these included.
    nbytes: of its files. seconds: of Maestro's time for each row of a batch. packed: bytes in the archive for
    a byte of a file.
    measured: the rows that this was measured on; 0 where it was stated.
    """

    steps: int
    once: int
    marks: int = 0
    entries: float
    nbytes: float | None = None
    seconds: float | None = None
    packed: float | None = None
    measured: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a campaign may take at a time; None: as much as it likes.

    files: files and folders. nbytes: bytes, the archives of earlier batches not counted. queue: jobs in a
    scheduler's queue. seconds: the time of one batch. jobs: batches that run at a time. save: what becomes
    of an ended batch, as in RunSettings.
    """

    files: int | None = None
    nbytes: int | None = None
    queue: int | None = None
    seconds: float | None = None
    jobs: int = 1
    save: Literal["keep", "archive", "move"] = "archive"

    @property
    def limits(self) -> dict[Name, float]:
        """What is limited, by the option that says so."""
        given: dict[Name, float | None] = {
            "--max-files": self.files,
            "--max-bytes": self.nbytes,
            "--max-jobs": self.queue,
            "--walltime": self.seconds,
        }
        return {name: limit for name, limit in given.items() if limit is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a campaign with batches of `size` rows takes, at most. on_disk: batches there at a time.

    rows_on_disk: rows of these. files, nbytes, queue: at a time. seconds: of one batch. total: of all.
    archives: bytes of all archives in the end. What depends on a cost that is not known is None.
    """

    size: int
    batches: int
    on_disk: int
    rows_on_disk: int
    files: int
    nbytes: int | None
    queue: int
    seconds: float | None
    total: float | None
    archives: int | None

    def of(self, name: Name) -> float | None:
        """Return what is needed of that which an option limits."""
        match name:
            case "--max-files":
                return self.files
            case "--max-bytes":
                return self.nbytes
            case "--max-jobs":
                return self.queue
            case "--walltime":
                return self.seconds

    def keeps(self, limits: Mapping[Name, float]) -> bool:
        """Tell whether all limits are kept; what is not known keeps any."""
        return all((self.of(name) or 0) <= limit for name, limit in limits.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The largest batches that keep a budget. most: rows that each limit alone allows, by its option.

    binding: the option that keeps batches from being larger; `Maestro` at MOST_ROWS; `rows`: all are in one.
    """

    rows: int
    cost: RowCost
    budget: Budget
    needs: Needs
    most: dict[Name, int]
    binding: Name | Literal["Maestro", "rows"]

    @property
    def size(self) -> int:
        """The rows of a batch."""
        return self.needs.size


def stated_cost(
    steps: int,
    in_all: int,
    *,
    marks: int = 0,
    files: float = 0,
    nbytes: float | None = None,
    seconds: float | None = None,
) -> RowCost:
    """Return the cost of a row whose code writes so many files in all its steps together.

    steps: steps that run once a row; in_all: all steps; marks: steps of a row that leave a done mark.
    """
    return RowCost(
        steps=steps,
        once=ENTRIES_PER_STUDY + ENTRIES_PER_STEP * in_all,
        marks=marks,
        entries=ENTRIES_PER_STEP * steps + marks + files,
        nbytes=nbytes,
        seconds=seconds,
    )


def needs_of(size: int, rows: int, cost: RowCost, budget: Budget) -> Needs:
    """Return what a campaign of so many rows takes in batches of `size`."""
    batches = -(-rows // size)
    running = min(batches, budget.jobs)
    # One more is being saved while the others run; where nothing is cleared, all of them stay.
    on_disk = batches if budget.save == "keep" else min(batches, budget.jobs + 1)
    there = min(rows, on_disk * size)
    twice = min(size, rows) if budget.save == "archive" else 0
    seconds = None if cost.seconds is None else min(size, rows) * cost.seconds
    return Needs(
        size=size,
        batches=batches,
        on_disk=on_disk,
        rows_on_disk=there,
        files=OWN + PER_BATCH * batches + cost.once * on_disk + math.ceil(cost.entries * there),
        nbytes=None if cost.nbytes is None else math.ceil(cost.nbytes * (there + twice)),
        queue=min(rows, running * size) * cost.steps,
        seconds=seconds,
        total=None if seconds is None else -(-batches // budget.jobs) * seconds,
        archives=None if cost.nbytes is None else math.ceil(cost.nbytes * rows * (cost.packed or 1.0)),
    )


def propose(rows: int, cost: RowCost, budget: Budget, *, block: int = 1) -> Plan:
    """Return the largest batches that keep a budget. Raises UserError where none do.

    block: rows that belong together: batches have whole blocks of them.
    """
    limits = budget.limits
    cap = max(block, min(rows, MOST_ROWS))
    table = [needs_of(size, rows, cost, budget) for size in range(block, cap + 1, block)]
    most: dict[Name, int] = {}
    for name, limit in limits.items():
        fitting = [needs.size for needs in table if needs.keeps({name: limit})]
        if not fitting:
            raise _never(name, limit, min(table, key=lambda needs: needs.of(name) or 0))
        most[name] = fitting[-1]
    found = next((needs for needs in reversed(table) if needs.keeps(limits)), None)
    if found is None:
        raise UserError(
            f"no size of batches keeps {' and '.join(limits)} together; each alone allows "
            + ", ".join(f"{size:,} rows ({name})" for name, size in most.items()),
            hint="small batches make files of their own, each: raise a budget, or make several campaigns",
        )
    binding: Name | Literal["Maestro", "rows"]
    if found is table[-1]:
        binding = "rows" if found.size >= rows else "Maestro"
    else:
        larger = table[found.size // block]
        binding = next(name for name, limit in limits.items() if not larger.keeps({name: limit}))
    return Plan(rows=rows, cost=cost, budget=budget, needs=found, most=most, binding=binding)


def _never(name: Name, limit: float, least: Needs) -> UserError:
    text = AS_TEXT[name]
    return UserError(
        f"{name} {text(limit)} is too little for any size of batches: "
        f"the least is {text(least.of(name) or 0)}, at {least.size:,} a batch",
        hint="raise it" if name != "--max-files" else "raise it, or make several campaigns (--start, --rows)",
    )

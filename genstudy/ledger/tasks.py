"""Batches in the hands of a scheduler's tasks: where each task keeps its ledger, and what they have recorded.

A wave is a job of the scheduler with a task for each of its batches. A task records what it does in a ledger
of its own, `waves/0007/tasks/<batch>`, so no two machines ever append to one file. Its records count behind
those of the campaign's ledger until the campaign's owner has copied them there and returned the batch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from genstudy.ledger.records import Cleared, Collected, Ended, Refused, Returned, Saved, Started, Submitted

if TYPE_CHECKING:
    from pathlib import Path

    from genstudy.ledger.records import Record

WAVES, TASKS = "waves", "tasks"
OF_A_BATCH = (Started, Ended, Saved, Collected, Cleared)


def wave_folder(campaign: Path, number: int) -> Path:
    """Return the folder of a wave, `waves/0007`."""
    return campaign / WAVES / f"{number:04}"


def tasks_folder(campaign: Path, number: int) -> Path:
    """Return the folder with the ledgers of a wave's tasks. While it is there, tasks may begin."""
    return wave_folder(campaign, number) / TASKS


@dataclass(slots=True)
class Given:
    """Which batches are in the hands of tasks, by the campaign's own records, taken in their order.

    open: {batch: [its wave, how many records of its task were copied to the campaign's ledger]}.
    """

    open: dict[str, list[int]] = field(default_factory=dict)

    def follow(self, record: Record) -> None:
        """Take one more record into account."""
        if isinstance(record, OF_A_BATCH):
            if self.open and (found := self.open.get(record.batch)) is not None:
                found[1] += 1
        elif isinstance(record, Submitted):
            self.open.update((batch, [record.wave, 0]) for batch in record.batches)
        elif isinstance(record, Returned):
            self.open.pop(record.batch, None)
        elif isinstance(record, Refused):
            self.open = {batch: found for batch, found in self.open.items() if found[0] != record.wave}

"""Sums over a campaign's batches, kept up to date one record at a time."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genstudy.ledger.state import BatchState

BESIDES = 4
"""Files that a batch has besides its studies: logs, lists of rows, an archive, an archive being written."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """Sums over batches. A row that is tried again counts in its last batch alone.

    done_batches: all rows finished; failed_batches: all ended, some failed. settled: entries on disk of the
    batches that are saved. seconds: of Maestro, over `timed` rows. entries, content (bytes): of the studies
    of saved batches, over `counted` rows; stored: bytes of what was saved.
    """

    rows: int = 0
    done: int = 0
    failed: int = 0
    batches: int = 0
    done_batches: int = 0
    failed_batches: int = 0
    finished_batches: int = 0
    settled: int = 0
    seconds: float = 0.0
    timed: int = 0
    counted: int = 0
    entries: int = 0
    content: int = 0
    stored: int = 0

    @property
    def pending(self) -> int:
        """Rows that have neither finished nor failed."""
        return self.rows - self.done - self.failed

    def change(self, part: Tally, sign: int) -> None:
        """Add a part, or take it off."""
        for name in NAMES:
            setattr(self, name, getattr(self, name) + sign * getattr(part, name))


NAMES = tuple(field.name for field in fields(Tally))


def part_of(batch: BatchState) -> Tally:
    """Return what a batch adds to the sums."""
    size, done, failed = len(batch.rows), len(batch.done), len(batch.failed)
    again = batch.entry.attempt > 1
    ended = done + failed == size
    part = Tally(
        rows=0 if again else size,
        done=done,
        failed=failed - size if again else failed,
        batches=1,
        done_batches=int(ended and not failed),
        failed_batches=int(ended and failed > 0),
        finished_batches=int(batch.finished),
        seconds=batch.seconds,
        timed=done + failed,
    )
    if batch.saved is not None:
        part.counted, part.entries, part.content = size, batch.saved.entries, batch.saved.content
        part.stored = batch.saved.nbytes
        part.settled = BESIDES + (batch.cleared.left if batch.cleared is not None else batch.saved.entries)
    return part

"""What the ledger's records tell of the disk: files and bytes that came to it, and that left it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from genstudy.ledger.records import Cleared, Ended, Owned, Saved
from genstudy.specs.manifest import MOST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genstudy.ledger.records import Record

POINTS = 400
"""So many moments of the history of the disk are shown at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskHistory:
    """What the campaign's studies had on disk, at each of `times` (seconds since 1970).

    files: files and folders in it. made: all of them that were made up to then. workspaces, saved: bytes in
    workspaces, and of archives and moved files. They are counted when a batch ends, if it was saved later.
    left: files and folders that clearing left in the end, those of failed rows. How many bytes these have is
    not recorded, so they count among the files alone.
    """

    times: Sequence[float] = ()
    files: Sequence[int] = ()
    made: Sequence[int] = ()
    workspaces: Sequence[int] = ()
    saved: Sequence[int] = ()
    left: int = 0


class Disk:
    """Adds up what came to the disk and what left it."""

    def __init__(self) -> None:
        self._ended: dict[str, float] = {}
        self._saved: dict[str, Saved] = {}
        self._left: dict[str, int] = {}
        self._changes: list[tuple[float, int, int, int, int]] = []

    def add(self, record: Record) -> None:
        """Take the next record."""
        if isinstance(record, Owned) and not self._changes:
            self._change(record.t, 0, 0, 0, 0)
        elif isinstance(record, Ended):
            self._ended[record.batch] = record.t
        elif isinstance(record, Saved):
            self._save(record)
        elif isinstance(record, Cleared) and (saved := self._saved.get(record.batch)) is not None:
            before = self._left.get(record.batch, saved.entries)
            content = 0 if record.batch in self._left else saved.content
            self._change(record.t, record.left - before, 0, -content, 0)
            self._left[record.batch] = record.left

    def _save(self, record: Saved) -> None:
        stored = 0 if record.mode == "keep" else record.nbytes
        if record.batch not in self._saved:
            ended = self._ended.get(record.batch, record.t)
            self._change(ended, record.entries, record.entries, record.content, 0)
        self._change(record.t, int(record.mode == "archive"), 0, 0, stored)
        self._saved[record.batch] = record

    def _change(self, when: float, files: int, made: int, workspaces: int, saved: int) -> None:
        self._changes.append((when, _bounded(files), _bounded(made), _bounded(workspaces), _bounded(saved)))

    def history(self) -> DiskHistory:
        """Return what it comes to; nothing where nothing was saved."""
        self._changes.sort(key=lambda change: change[0])
        columns = list(zip(*self._changes, strict=True))
        if not self._saved:
            return DiskHistory()
        times, sums = columns[0], [list(accumulate(column)) for column in columns[1:]]
        shown = _shown(sums[0], POINTS)
        files, made, workspaces, saved = ([column[place] for place in shown] for column in sums)
        return DiskHistory(
            times=[times[place] for place in shown],
            files=files,
            made=made,
            workspaces=workspaces,
            saved=saved,
            left=sum(self._left.values()),
        )


def _bounded(value: int) -> int:
    """Return a count of the ledger, which anybody may have written, as one that can be drawn."""
    return max(-MOST, min(MOST, value))


def _shown(values: Sequence[int], most: int) -> list[int]:
    """Return places in a sequence, in order: of each of most / 2 stretches the largest value and the last."""
    size = len(values)
    stretches = min(size, most // 2)
    found: set[int] = set()
    for number in range(stretches):
        start, stop = number * size // stretches, (number + 1) * size // stretches
        found |= {max(range(start, stop), key=values.__getitem__), stop - 1}
    return sorted(found)

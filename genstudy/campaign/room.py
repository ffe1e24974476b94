"""Room on disk: how many files a campaign has and will have, and what its file system has left."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genstudy.campaign.summary import least_entries, maestro_entries
from genstudy.ledger.tally import BESIDES
from genstudy.units import size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from genstudy.ledger.state import CampaignState
    from genstudy.specs.manifest import StepEntry
    from genstudy.specs.running import RunSettings


NO_ROOM = "make smaller batches (genstudy plan proposes a size), clear what failed rows left, or raise it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """What keeps a batch from being started. own: only this campaign can make that room."""

    text: str
    own: bool


class Room:
    """Says whether a batch may start, under --max-files and --min-free."""

    def __init__(
        self,
        folder: Path,
        steps: Sequence[StepEntry],
        settings: RunSettings,
        *,
        fixed: Callable[[], int],
    ) -> None:
        """Take the campaign's folder; fixed: counts the entries in it that belong to no batch's run, once."""
        self._folder, self._steps, self._settings = folder, steps, settings
        self._count_fixed, self._fixed = fixed, -1
        self._per_row = 0.0
        self._has_learned = False
        self._found: dict[str, int] = {}

    def measured(self, batch_id: str, entries: int) -> None:
        """Take note of what was counted on disk: the entries of all studies of a batch."""
        self._found[batch_id] = entries

    def learned(self, entries: int, rows: int) -> None:
        """Take note of how many entries a study of so many rows has; the most for a row counts."""
        self._has_learned = True
        self._per_row = max(self._per_row, (entries - least_entries(self._steps)) / rows)

    @property
    def is_guessing(self) -> bool:
        """Whether there is a budget of files, and nothing tells yet how many of its own a row writes."""
        return self._settings.max_files is not None and not self._has_learned

    def expected(self, rows: int) -> int:
        """Return the entries that a batch of so many rows is expected to need."""
        by_rows = least_entries(self._steps) + math.ceil(self._per_row * rows)
        return BESIDES + max(maestro_entries(self._steps, rows), by_rows)

    def in_use(self, state: CampaignState, running: Collection[str]) -> int:
        """Return how many entries the campaign's folder has, with what running batches may still make."""
        if self._fixed < 0:
            self._fixed = self._count_fixed()
        unsaved = 0
        for batch_id in state.unsaved:
            found = self._found.get(batch_id)
            if found is None or batch_id in running:
                found = (found or 0) + self.expected(len(state.batches[batch_id].rows))
            unsaved += found
        return self._fixed + state.tally.settled + unsaved

    def lack(self, state: CampaignState, running: Collection[str], rows: int) -> Lack | None:
        """Return what a batch of so many rows lacks to be started; None where it may start."""
        settings = self._settings
        wanted = self.expected(rows)
        used = self.in_use(state, running) if settings.max_files is not None else 0
        if settings.max_files is not None and used + wanted > settings.max_files:
            return Lack(
                text=f"{used:,} files in use, {rows:,} rows make about {wanted:,}, "
                f"and --max-files is {settings.max_files:,}",
                own=True,
            )
        if settings.min_free is None and settings.min_free_files is None:
            return None
        disk = os.statvfs(self._folder)
        free = disk.f_bavail * disk.f_frsize
        if settings.min_free is not None and free < settings.min_free:
            return Lack(
                text=f"{size_text(free)} free, and --min-free is {size_text(settings.min_free)}", own=False
            )
        # Some file systems have no fixed number of inodes, and say 0.
        if settings.min_free_files is not None and disk.f_files and disk.f_favail < settings.min_free_files:
            return Lack(
                text=f"{disk.f_favail:,} inodes free, and --min-free-files is {settings.min_free_files:,}",
                own=False,
            )
        return None

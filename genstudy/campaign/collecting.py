"""Results collected while a campaign runs: each batch after it was saved, and before it is cleared."""

from __future__ import annotations

import shlex
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from genstudy.errors import RunError, UserError
from genstudy.ledger.records import Collected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from genstudy.campaign.stop import Stop
    from genstudy.ledger.lease import Ownership
    from genstudy.ledger.state import BatchState, CampaignState
    from genstudy.results.collector import Collector
    from genstudy.results.sink import Entry
    from genstudy.specs.manifest import Manifest


REPLACED = (
    "has rows of it already, which are replaced; if they are those of a copy of this campaign, make one of "
    "the two with another --name"
)


@contextmanager
def open_collecting(
    folder: Path, manifest: Manifest, owner: Ownership, stop: Stop, tell: Callable[[str], None]
) -> Iterator[BatchCollecting | None]:
    """Give what collects the batches of a run; None where the campaign has no results.

    tell: gets a line where rows are replaced that another run may have written.

    The database and the definitions are tried out at once: UserError where one of them cannot be used.
    """
    if manifest.results is None:
        yield None
        return
    from genstudy.results.collector import open_collector  # only here, as it imports SQLAlchemy

    with open_collector(folder, manifest, manifest.results) as collector:
        with collector.extractor():
            pass
        shared = manifest.results.into is not None
        yield BatchCollecting(folder, collector, owner, stop, tell if shared else lambda _: None)


class BatchCollecting:
    """Collects the batches of a run, in the thread that saves and clears them."""

    def __init__(
        self,
        folder: Path,
        collector: Collector,
        owner: Ownership,
        stop: Stop,
        tell: Callable[[str], None],
    ) -> None:
        self._folder, self._collector, self._owner, self._stop = folder, collector, owner, stop
        self._tell = tell

    @property
    def shown(self) -> str:
        """Where the results go, for people."""
        return self._collector.sink.url.shown

    def lost(self, state: CampaignState) -> frozenset[str]:
        """Return the batches that the ledger says were collected, and the database has nothing of."""
        entries = self._collector.sink.entries()
        return frozenset(
            batch_id
            for batch_id, batch in state.batches.items()
            if batch.collected is not None and batch_id not in entries
        )

    def collect(self, batch: BatchState) -> Collected:
        """Write the rows of a batch that is saved, unless just these are there already.

        Raises RunError where the database does not take them, or the results cannot be read; Interrupted
        where the run is to stop at once.
        """
        from genstudy.results.gather import digest_of

        try:
            # For each batch anew: processes that it starts end with the thread that started them.
            with self._collector.extractor() as extractor:
                entry = self._collector.sink.entry(batch.entry.id)
                if entry is None or entry.digest != digest_of(batch, extractor):
                    if entry is not None:
                        self._tell(f"batch {batch.entry.id}: {self.shown} {REPLACED}")
                    entry = self._collector.collect(
                        batch,
                        extractor,
                        owned=True,
                        # A new owner would have collected it, and cleared it while it was read here.
                        check=self._owner.check,
                        stop=lambda: self._stop.now,
                    )
        except UserError as problem:
            place = shlex.quote(str(self._folder))
            way_out = f"no workspace was deleted; once that is mended, genstudy run {place} goes on"
            raise RunError(f"{problem}\n  {way_out}") from problem
        return _record(batch, entry)


def _record(batch: BatchState, entry: Entry) -> Collected:
    return Collected(
        t=time.time(), batch=batch.entry.id, rows=entry.rows, faulty=entry.faulty, missing=entry.missing
    )

"""Write the ledger of a campaign of whose batches all but the last tenth ran.

python write_ledger.py FOLDER
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from genstudy.ledger.ledger import Ledger
from genstudy.ledger.records import Cleared, Ended, Failure, Saved, Started
from genstudy.specs.manifest import read_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genstudy.ledger.records import Record
    from genstudy.specs.manifest import BatchEntry

EVERY = 50
"""One batch of so many has rows that failed."""


def records_of(name: str, number: int, batch: BatchEntry) -> Iterator[Record]:
    """Yield what is recorded of a batch."""
    now, study = time.time(), f"{name}_{batch.id}.1"
    first, last = batch.start, batch.start + batch.nrows - 1
    done = f"{first}-{last}"
    failed: tuple[Failure, ...] = ()
    if number % EVERY == 0:
        done = f"{first}-{first + 1},{first + 3}-{last - 2}"
        failed = (
            Failure(step="run", state="FAILED", rows=f"{first + 2}"),
            Failure(step="post", state="TIMEDOUT", rows=f"{last - 1}-{last}"),
        )
    yield Started(t=now, batch=batch.id, study=study, rows=f"{first}-{last}", whole=False)
    yield Ended(
        t=now, batch=batch.id, study=study, how="ended", code=0, done=done, failed=failed, seconds=61.234567
    )
    yield Saved(
        t=now,
        batch=batch.id,
        mode="archive",
        path=f"archive/{name}_{batch.id}.tar.zst",
        sha256="0123456789abcdef" * 4,
        nbytes=123_456,
        entries=17 + 5 * batch.nrows,
        content=1_234_567,
        seconds=0.123456,
    )
    yield Cleared(t=now, batch=batch.id, left=0)


def main() -> None:
    """Write the ledger of the campaign that the command line names."""
    folder = Path(sys.argv[1])
    manifest = read_manifest(folder)
    with Ledger(folder).own({"jobs": 2}, print) as owner:
        for number, batch in enumerate(manifest.batches[: -(len(manifest.batches) // 10)]):
            for record in records_of(manifest.name, number, batch):
                owner.add(record)


if __name__ == "__main__":
    main()

"""Campaigns to be reported on."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from genstudy.ledger.ledger import Ledger
from genstudy.ledger.ranges import Rows
from genstudy.ledger.records import Cleared, Ended, Failure, Record, Saved, Started
from genstudy.specs.make import make_specs
from genstudy.specs.manifest import BatchEntry, Manifest
from genstudy.specs.options import Options
from tests.ledger.owners import NEVER, no_news
from tests.maestro.conftest import write_table

LONG = "x" * 10_000
HOSTILE = (
    "<script>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=1>",
    "</style></svg></pre><script>window.pwned=1</script>",
    "'); DROP TABLE results; --",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt; &amp; \" ' $x_1$ \\n",
    "é 中文 🙂 \u202eright to left\u202c",
    "javascript:window.pwned=1",
)
"""Values that are up to something."""


def campaign(
    folder: Path, columns: Sequence[str], rows: Sequence[Sequence[str]], *, name: str = "c", size: int = 10
) -> Manifest:
    """Make a campaign from rows."""
    table = write_table(folder.parent / f"{name}.csv", columns, rows)
    options = Options(batch_size=size, name=name, allow_unsafe_values=True)
    return make_specs(table, folder, options).manifest


def records_of(batch: BatchEntry, *, failed: Rows | None = None, t: float = 0.0) -> Iterator[Record]:
    """Yield the records of a batch that ran, was saved and cleared."""
    rows = Rows.span(batch.start, batch.start + batch.nrows)
    wrong = rows & (failed or Rows())
    failures = (Failure(step="echo-params", state="FAILED", rows=str(wrong)),) if wrong else ()
    t, study = t or time.time(), f"{batch.name}.1"
    yield Started(t=t, batch=batch.id, study=study, rows=str(rows), whole=False)
    yield Ended(
        t=t + 10,
        batch=batch.id,
        study=study,
        how="ended",
        code=0,
        done=str(rows - wrong),
        failed=failures,
        seconds=10,
    )
    yield Saved(
        t=t + 11,
        batch=batch.id,
        mode="archive",
        path=f"archive/{batch.name}.tar.zst",
        sha256="0" * 64,
        nbytes=1000,
        entries=17 + 4 * batch.nrows,
        content=5000,
        seconds=0.5,
    )
    yield Cleared(t=t + 12, batch=batch.id, left=4 * len(wrong))


def record(folder: Path, records: Sequence[Record]) -> None:
    """Own a campaign, record these, and give it up."""
    with Ledger(folder, beat=NEVER).own({"jobs": 2}, no_news) as owner:
        owner.reason = "all is done"
        for one in records:
            owner.add(one)

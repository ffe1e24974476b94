"""Make a large campaign of which all but a hundredth ran, without Maestro; of every hundred rows one failed.

    python make_campaign.py FOLDER BATCHES BATCH_SIZE

The specifications and the manifest are as make_specs writes them, for a table whose batches hold the same
values. Of a batch in the middle there is an archive. Prints as JSON the id of a row in it, and
sizes in bytes.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from genstudy.archives.write import write_archive
from genstudy.ledger.generations import RECORDS, Generations
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.records import Cleared, Ended, Failure, Saved, Started
from genstudy.specs.batches import batch_ids
from genstudy.specs.make import make_specs
from genstudy.specs.manifest import FILE_NAME, BatchEntry
from genstudy.specs.options import Options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genstudy.ledger.records import Record
    from genstudy.specs.manifest import Manifest

NAME, STEP = "big", "echo-params"
HEADER = b"a,b\n"
LEAST = 100
"""Rows of a batch: of these, one fails."""


def make_batches(folder: Path, batches: int, size: int) -> Manifest:
    """Write the campaign without its ledger."""
    rows = b"".join(b"%d,%d\n" % (number % 10, number % 7) for number in range(size))
    with tempfile.TemporaryDirectory() as place:
        table = Path(place) / f"{NAME}.csv"
        table.write_bytes(HEADER + rows)
        made = make_specs(table, folder, Options(batch_size=size)).manifest
    first = made.batches[0]
    text = (folder / first.spec).read_text(encoding="utf-8")
    (folder / first.spec).unlink()
    table_sha256 = hashlib.sha256(HEADER)
    with (folder / "table.csv").open("wb") as stream:
        stream.write(HEADER)
        for _ in range(batches):
            stream.write(rows)
            table_sha256.update(rows)
    entries = []
    for number, batch_id in enumerate(batch_ids(batches)):
        name, start, offset = f"{NAME}_{batch_id}", number * size, len(HEADER) + number * len(rows)
        spec = text.replace(first.name, name).replace("PARG_START: 0\n", f"PARG_START: {start}\n")
        spec = spec.replace(f"PARG_OFFSET: {first.offset}\n", f"PARG_OFFSET: {offset}\n")
        (folder / f"{name}.yaml").write_text(spec, encoding="utf-8")
        entries.append(
            BatchEntry(
                id=batch_id,
                spec=f"{name}.yaml",
                start=start,
                nrows=size,
                offset=offset,
                nbytes=len(rows),
                sha256=first.sha256,
                spec_sha256=hashlib.sha256(spec.encode()).hexdigest(),
            )
        )
    whole = {"sha256": table_sha256.hexdigest(), "nbytes": offset + len(rows), "rows": batches * size}
    manifest = made.model_copy(
        update={
            "table": made.table.model_copy(update=whole),
            "settings": made.settings.model_copy(update={"rows": batches * size}),
            "batches": entries,
        }
    )
    (folder / FILE_NAME).write_text(manifest.to_text(), encoding="utf-8")
    return manifest


def records_of(batch: BatchEntry) -> Iterator[Record]:
    """Yield what is recorded of a batch."""
    now, study = time.time(), f"{batch.name}.1"
    first, stop = batch.start, batch.start + batch.nrows
    failed = range(first + LEAST // 2, stop, LEAST)
    edges = [first, *(edge for row in failed for edge in (row - 1, row + 1)), stop - 1]
    done = ",".join(f"{a}-{b}" for a, b in zip(edges[::2], edges[1::2], strict=True))
    yield Started(t=now, batch=batch.id, study=study, rows=f"{first}-{stop - 1}", whole=False)
    yield Ended(
        t=now,
        batch=batch.id,
        study=study,
        how="ended",
        code=0,
        done=done,
        failed=(Failure(step=STEP, state="FAILED", rows=",".join(map(str, failed))),),
        seconds=61.234567,
    )
    yield Saved(
        t=now,
        batch=batch.id,
        mode="archive",
        path=f"archive/{batch.name}.tar.zst",
        sha256="0123456789abcdef" * 4,
        nbytes=123_456,
        entries=17 + 5 * batch.nrows,
        content=1_234_567,
        seconds=0.123456,
    )
    yield Cleared(t=now, batch=batch.id, left=0)


def write_ledger(folder: Path, manifest: Manifest) -> None:
    """Write the ledger of one owner, without a sync of the disk for each record."""
    with Ledger(folder).own({"jobs": 2}, print) as owner:
        path = Generations(folder).path(RECORDS, owner.generation)
        with path.open("a", encoding="utf-8") as stream:
            for batch in manifest.batches[: -(len(manifest.batches) // 100)]:
                stream.writelines(f"{record.model_dump_json()}\n" for record in records_of(batch))


def archive_one(folder: Path, batch: BatchEntry) -> None:
    """Write the archive of a batch whose workspaces hold what its rows printed."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        study = Path(place) / f"{batch.name}.1"
        for row in range(batch.start, batch.start + batch.nrows):
            workspace = study / STEP / f"row_{row}"
            workspace.mkdir(parents=True)
            (workspace / f"{STEP}_row_{row}.out").write_text(f"A: {row % 10}\n", encoding="utf-8")
        (folder / "archive").mkdir()
        write_archive([study], folder / "archive" / f"{batch.name}.tar.zst")


def main() -> None:
    """Make the campaign that the command line asks for."""
    folder, batches, size = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    manifest = make_batches(folder, batches, size)
    write_ledger(folder, manifest)
    chosen = manifest.batches[batches // 2]
    archive_one(folder, chosen)
    records = Generations(folder).path(RECORDS, 1)
    found = {"row": chosen.start, "manifest": (folder / FILE_NAME).stat().st_size}
    print(json.dumps({**found, "ledger": records.stat().st_size}))


if __name__ == "__main__":
    main()

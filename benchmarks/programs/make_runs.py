"""Make what `genstudy run --save keep` leaves of a campaign whose step prints a JSON file, without Maestro.

python make_runs.py CAMPAIGN KEYS
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from genstudy.batches.places import RUNS
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.records import Ended, Saved, Started
from genstudy.maestro.status import STATUS
from genstudy.specs.manifest import read_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genstudy.ledger.records import Record
    from genstudy.specs.manifest import BatchEntry

HEADER = (
    "Step Name,Job ID,Workspace,State,Run Time,Elapsed Time,Start Time,Submit Time,End Time,"
    "Number Restarts,Params"
)
SPAN = "0d:00h:00m:00s"


def make_study(study: Path, step: str, batch: BatchEntry, keys: int) -> None:
    """Make the study of a batch: a workspace for each row, with Maestro's files and a JSON file."""
    lines = [HEADER]
    for row in range(batch.start, batch.start + batch.nrows):
        workspace = study / step / f"row_{row}"
        workspace.mkdir(parents=True)
        name = f"{step}_row_{row}"
        for file in (f"{name}.sh", f"{name}.{row}.out", f"{name}.{row}.err"):
            (workspace / file).write_text("#!/bin/sh\n" if file.endswith(".sh") else "")
        values = {f"k{number}": row * 1.1 + number for number in range(keys)}
        (workspace / "out.json").write_text(json.dumps(values))
        at = f"2026-05-04 {row // 3600 % 24:02}:{row // 60 % 60:02}:{row % 60:02}"
        where = f"{step}/row_{row}"
        lines.append(f"{name},{row},{where},FINISHED,{SPAN},{SPAN},{at},{at},{at},0,ROW_ID:{row}")
    (study / STATUS).write_text("\n".join(lines))


def records_of(study: str, batch: BatchEntry) -> Iterator[Record]:
    """Yield what is recorded of a batch whose rows are all done, and kept."""
    now, rows = time.time(), f"{batch.start}-{batch.start + batch.nrows - 1}"
    yield Started(t=now, batch=batch.id, study=study, rows=rows, whole=False)
    yield Ended(t=now, batch=batch.id, study=study, how="ended", code=0, done=rows, seconds=61.234567)
    yield Saved(
        t=now,
        batch=batch.id,
        mode="keep",
        path=RUNS,
        sha256=None,
        nbytes=0,
        entries=6 * batch.nrows,
        content=100 * batch.nrows,
        seconds=0.1,
    )


def main() -> None:
    """Make the studies of the campaign that the command line names."""
    folder, keys = Path(sys.argv[1]), int(sys.argv[2])
    manifest = read_manifest(folder)
    step = manifest.steps[0].name
    with Ledger(folder).own({}, print) as owner:
        for batch in manifest.batches:
            name = f"{batch.name}.1"
            make_study(folder / RUNS / name, step, batch, keys)
            for record in records_of(name, batch):
                owner.add(record)


if __name__ == "__main__":
    main()

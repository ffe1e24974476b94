"""Write results into the database of a campaign of whose batches some ran: three a row, made up.

python write_results.py FOLDER
"""

from __future__ import annotations

import csv
import io
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genstudy.batches.known import read_campaign
from genstudy.batches.slices import read_slice
from genstudy.results.place import Place
from genstudy.results.schema import parameters_of
from genstudy.results.sink import Entry, open_sink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genstudy.batches.known import Known
    from genstudy.ledger.state import BatchState

RESULTS = {"energy": "float", "drag": "float", "steps": "int"}
EVERY = 50
"""One row of so many has no drag."""


def rows_of(known: Known, batch: BatchState, campaign: str) -> Iterator[tuple[Any, ...]]:
    """Yield a batch's rows as the table of results has them."""
    _, data = read_slice(known.folder, known.manifest, batch.entry)
    chance = random.Random(batch.entry.id)
    failed = set(batch.failed)
    for number, cells in enumerate(csv.reader(io.StringIO(data.decode())), batch.entry.start):
        values = [int(cell) for cell in cells]
        state = "FAILED" if number in failed else "FINISHED"
        times = (None, None, 0.1, None)
        energy = values[0] * values[0] + chance.gauss(0, 1000)
        drag = None if number % EVERY == 0 else -values[1] + values[2] / 2 + chance.gauss(0, 20)
        fixed = (campaign, str(number), number, batch.entry.id, 1, state, None)
        yield (*fixed, *times, *values, energy, drag, chance.randrange(10))


def main() -> None:
    """Write the results of the campaign that the command line names."""
    known = read_campaign(Path(sys.argv[1]))
    place = Place(known.folder, known.manifest, None, None, None)
    with open_sink(
        place.url,
        place.campaign,
        place.name,
        parameters=lambda dialect: list(parameters_of(known.manifest, dialect).values()),
        kinds=lambda: ["int"] * len(known.manifest.table.columns),
        results=RESULTS,  # type: ignore[arg-type]
    ) as sink:
        for batch in known.state.batches.values():
            if batch.ended:
                rows = list(rows_of(known, batch, place.campaign))
                sink.write(batch.entry.id, Entry(digest="made up", rows=len(rows)), [rows])


if __name__ == "__main__":
    main()

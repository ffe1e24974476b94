"""A campaign that takes rows its table got as new batches: the old ones stay as they are."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genstudy.batches.known import read_campaign
from genstudy.campaign.extend_files import Additions
from genstudy.campaign.extend_made import made_longer
from genstudy.campaign.extend_rows import Grown
from genstudy.errors import UserError
from genstudy.ledger.ledger import Ledger
from genstudy.specs.make import query_entry
from genstudy.tables.query import open_source
from genstudy.tables.record import read_record, record_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from genstudy.batches.known import Known
    from genstudy.parameters.laws import Parameter
    from genstudy.specs.manifest import BatchEntry
    from genstudy.tables.query import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """What was added. rows: how many; batches: the new ones, in the table's order.

    funnels: steps that wait for all rows of a batch, and so see those of a new batch only.
    """

    rows: int
    batches: tuple[BatchEntry, ...]
    funnels: tuple[str, ...]


def extend_campaign(
    folder: str | Path,
    table: Source | None = None,
    *,
    rows: int | None = None,
    parameters: Sequence[Parameter] = (),
    batch_size: int | None = None,
    dry_run: bool = False,
    tell: Callable[[str], None] = lambda _: None,
    progress: Callable[[int, int], None] | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> Extension:
    """Put rows that follow those of a campaign into new batches, which the next run takes up.

    table: begins with the campaign's rows, cell for cell; what follows them is new. rows: make so many new
    ones instead, as the record of the campaign's table tells; of a grid, parameters: laws with more levels,
    for the combinations that become possible. batch_size: rows of the largest new batch (if
    not given, the campaign's). dry_run: only say what would be done. tell: gets a line if there is something
    to wait for. progress: gets the rows read and about how many there are. note: gets a sentence worth
    telling.

    The manifest is written last, so an interruption leaves the campaign as it was. Batches that are there,
    and what is recorded of them, are not touched. Raises UserError where the rows do not follow the
    campaign's, a process runs the campaign, or it is not as it was made.
    """
    folder = Path(folder).absolute()
    if batch_size is not None and batch_size < 1:
        raise UserError(f"--batch-size must be at least 1, not {batch_size}")
    _check_asked(folder, table, rows, parameters)
    known = read_campaign(folder)
    _check_whole(known)

    @contextmanager
    def additions(workplace: Path | None) -> Iterator[Additions]:
        with _grown(known, table, rows, parameters, workplace, progress=progress, note=note) as grown:
            yield Additions(known, grown, batch_size)

    if dry_run:
        with additions(None) as planned:
            return _extension(known, planned.plan(progress))
    with Ledger(folder).own({"extend": True}, tell) as owner:
        try:
            known = read_campaign(folder)  # nobody else changes it from here on
            with additions(folder) as planned:
                added = planned.write(owner, progress)
            owner.reason = "rows were added in new batches" if added else "there were no rows to add"
        except BaseException as problem:
            owner.reason = str(problem) or type(problem).__name__
            raise
    return _extension(known, added)


def _extension(known: Known, added: tuple[BatchEntry, ...]) -> Extension:
    return Extension(
        rows=sum(batch.nrows for batch in added),
        batches=added,
        funnels=tuple(step.name for step in known.manifest.steps if step.funnel),
    )


def _check_whole(known: Known) -> None:
    """Refuse a campaign that has a part of its table only: what follows its rows is there already."""
    settings, table = known.manifest.settings, known.manifest.table
    if settings.rows != table.rows:
        last = settings.start + settings.rows - 1
        raise UserError(
            f"the campaign has rows {settings.start} to {last} of a table of {table.rows} rows only",
            where=str(known.folder),
            hint="make another campaign of further rows: genstudy specs TABLE --start N --rows N",
        )


def _check_asked(
    folder: Path, table: Source | None, rows: int | None, parameters: Sequence[Parameter]
) -> None:
    made = rows is not None or bool(parameters)
    if (table is None) != made:
        what = "-n" if rows is not None else "--parameter"
        raise UserError(
            "there is nothing to take rows from"
            if table is None
            else f"a table and {what} exclude each other",
            where=str(folder),
            hint="name the table that has grown, or pass -n and how many rows are to be made",
        )
    if rows is not None and rows < 1:
        raise UserError(f"-n must be at least 1, not {rows}")


@contextmanager
def _grown(
    known: Known,
    table: Source | None,
    rows: int | None,
    parameters: Sequence[Parameter],
    workplace: Path | None,
    *,
    progress: Callable[[int, int], None] | None,
    note: Callable[[str], None],
) -> Iterator[Grown]:
    """Give the table whose first rows are to be the campaign's. workplace: where it is made, if it is."""
    if table is None:
        with made_longer(known, rows, parameters, workplace, progress=progress, note=note) as grown:
            yield grown
        return
    with open_source(table, workplace) as opened:
        query = query_entry(opened.query) if opened.query else None
        record = read_record(opened.path)
        yield Grown(
            table=opened,
            source=f"a query of {query.db}" if query else str(opened.path),
            query=query,
            record=json.loads(record_bytes(record)) if record else None,
        )

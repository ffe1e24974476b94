"""Whether a campaign's results.db is whole, and holds every row that was collected once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genstudy.batches.places import RESULTS_FILE
from genstudy.errors import GenstudyError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from genstudy.batches.known import Known


def results_problems(known: Known, *, quick: bool) -> Iterator[str]:
    """Yield what is wrong with the campaign's own database of results; one elsewhere is not looked at.

    quick: do not read all of it.
    """
    file = known.folder / RESULTS_FILE
    settings = known.manifest.results
    elsewhere = settings is not None and settings.into is not None
    collected = [batch_id for batch_id, batch in known.state.batches.items() if batch.collected is not None]
    if elsewhere or not (file.exists() or collected):
        return
    if not file.exists():
        yield f"{file}: the file is missing, and {len(collected):,} batches were collected into it"
        return
    try:
        yield from _problems(known, collected, quick=quick)
    except GenstudyError as problem:
        yield one_line(problem)


def _problems(known: Known, collected: Sequence[str], *, quick: bool) -> Iterator[str]:
    # Only where there are results: this imports SQLAlchemy.
    from genstudy.results.place import Place
    from genstudy.results.query import own_tables

    own = Place(known.folder, known.manifest, known.manifest.results, None, None).name
    # What `genstudy run` collected into, and others that `genstudy collect --table` was asked for.
    tables = {*own_tables(known.folder), *([own] if collected else [])}
    for number, table in enumerate(sorted(tables)):
        here = collected if table == own else ()
        yield from _table_problems(known, table, here, quick=quick or number > 0)


def _table_problems(known: Known, table: str, collected: Iterable[str], *, quick: bool) -> Iterator[str]:
    """Yield what is wrong with a table. quick: do not read all of the file."""
    from genstudy.results.query import batch_counts, damage, open_results

    with open_results(known.folder, table=table) as results:
        place = f"{results.url.shown}, table {results.attempts}"
        if not quick:
            yield from (f"{results.url.shown}: {text}" for text in damage(results))
        told, found = batch_counts(results)
    for batch_id in sorted({*told, *collected, *found}):
        state = known.state.batches.get(batch_id)
        wanted = len(state.rows) if state is not None else 0
        if found.get(batch_id, 0) != wanted:
            has = found.get(batch_id, 0)
            yield f"{place}: batch {batch_id} has {has:,} rows there, and should have {wanted:,}"

"""Results of a campaign brought into a database, batch by batch."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genstudy.batches.known import read_campaign
from genstudy.errors import UserError
from genstudy.results.collector import Unreadable, open_collector
from genstudy.results.gather import digest_of
from genstudy.studies.results import read_results

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from genstudy.batches.known import Known
    from genstudy.ledger.state import BatchState
    from genstudy.results.collector import Collector
    from genstudy.results.extract import Extractor
    from genstudy.results.sink import Entry, Sink


class _SavedMeanwhile(Exception):
    """Workspaces that were read have been saved since, and may have been deleted in the meantime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectReport:
    """What was collected. shown: the database, without a password; table: the view's name.

    rows, batches: written now; passed, passed_rows: batches and rows that were there already; pending:
    batches that have not ended.
    faulty: rows of the ended batches in which results are missing, now or before; missing: how often each is.
    reasons: {(column, reason): rows} of those written now. problems: batches that could not be collected.
    """

    shown: str
    table: str
    rows: int
    batches: int
    passed: int
    passed_rows: int
    pending: int
    faulty: int
    missing: Mapping[str, int]
    reasons: Mapping[tuple[str, str], int]
    problems: tuple[str, ...]


def collect_results(
    folder: str | Path,
    *,
    into: str | None = None,
    table: str | None = None,
    results: str | Path | None = None,
    again: bool = False,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> CollectReport:
    """Write the rows of all batches that have ended into a database, with what their files tell.

    folder: the campaign's; it is only read, and may be running meanwhile. into, table: the database's URL and
    the table's name, instead of what the campaign says. results: a file that says under `results:` what is
    taken, instead of that. again: also batches that are there already. progress: gets the rows seen to, and
    how many there are.

    Each batch is one transaction. One that cannot be read is told of in the report, and the others are
    collected. Raises UserError where nothing can be, and RunError where the database fails on the way.
    """
    known = read_campaign(Path(folder))
    settings, beside = known.manifest.results, None
    with ExitStack() as stack:
        if results is not None:
            file = read_results(Path(results))
            stack.enter_context(file.places())
            settings, beside = file.settings, file.path.absolute().parent
        collector = stack.enter_context(
            open_collector(known.folder, known.manifest, settings, db=into, table=table, beside=beside)
        )
        extractor = stack.enter_context(collector.extractor())
        return _collect_all(known, collector, extractor, again=again, progress=progress)


def _collect_all(
    known: Known,
    collector: Collector,
    extractor: Extractor | None,
    *,
    again: bool,
    progress: Callable[[int, int], None],
) -> CollectReport:
    entries = collector.sink.entries()
    ended = [batch for batch in known.state.batches.values() if batch.ended]
    if not again and any(
        batch.entry.id in entries and entries[batch.entry.id].digest != digest_of(batch, extractor)
        for batch in ended
    ):
        _check_not_emptied(collector.sink)
    total = sum(len(batch.rows) for batch in ended)
    seen = passed_rows = 0
    problems: list[str] = []
    written: list[Entry] = []
    for batch in ended:
        entry = entries.get(batch.entry.id)
        if again or entry is None or entry.digest != digest_of(batch, extractor):
            try:
                entries[batch.entry.id] = _collect(known, collector, batch, extractor)
                written.append(entries[batch.entry.id])
            except Unreadable as problem:
                problems.append(str(problem))
        else:
            passed_rows += len(batch.rows)
        seen += len(batch.rows)
        progress(seen, total)
    missing: Counter[str] = Counter()
    for entry in entries.values():
        missing.update(entry.missing)
    return CollectReport(
        shown=collector.sink.url.shown,
        table=collector.sink.layout.name,
        rows=sum(entry.rows for entry in written),
        batches=len(written),
        passed=len(ended) - len(written) - len(problems),
        passed_rows=passed_rows,
        pending=len(known.state.batches) - len(ended),
        faulty=sum(entry.faulty for entry in entries.values()),
        missing=missing,
        reasons=collector.reasons.counts,
        problems=tuple(problems),
    )


def _check_not_emptied(sink: Sink) -> None:
    """Refuse to write rows anew without results that they have."""
    if lost := sink.other_results():
        raise UserError(
            f"the rows of this campaign have results that are not taken now: {', '.join(lost)}",
            where=f"{sink.url.shown}, table {sink.layout.name}",
            hint="pass --results FILE with them too, or --again to do without them",
        )


def _collect(known: Known, collector: Collector, batch: BatchState, extractor: Extractor | None) -> Entry:
    """Collect a batch beside whoever runs the campaign."""

    def check() -> None:
        if batch.saved is None and _again(known, batch).saved is not None:
            raise _SavedMeanwhile

    try:
        return collector.collect(batch, extractor, owned=False, check=check)
    except _SavedMeanwhile:
        # What is saved stays as it is, so that this is the last time.
        return collector.collect(_again(known, batch), extractor, owned=False)


def _again(known: Known, batch: BatchState) -> BatchState:
    return read_campaign(known.folder).state.batches[batch.entry.id]

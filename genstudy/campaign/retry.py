"""Rows that failed, put into new batches: the same rows under the same ids, to be tried once more."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, replace
from hashlib import sha256
from heapq import merge
from itertools import groupby, islice, repeat
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from genstudy.batches.known import find_rows, read_campaign
from genstudy.batches.slices import plain_name
from genstudy.campaign.retry_files import NewBatch, write_batches
from genstudy.campaign.unchanged import check_unchanged
from genstudy.errors import UserError
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.ranges import Rows
from genstudy.specs.rebake import Part, common_text, inline_subset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from genstudy.batches.known import Known
    from genstudy.ledger.state import BatchState


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """What was put together. rows: how many; sources: how many batches they came from.

    funnels: steps that wait for all rows of a batch, and so see those of a new batch only.
    """

    rows: int
    sources: int
    batches: tuple[NewBatch, ...]
    funnels: tuple[str, ...]


def retry_failed(
    folder: str | Path,
    *,
    rows: str | None = None,
    ids: Sequence[str] = (),
    batch_size: int | None = None,
    dry_run: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Retry:
    """Put the rows that failed in their last try into new batches, which the next run takes up.

    rows: only those among these row numbers, written as ranges; ids: only the rows with these ids, each of
    which must have failed. batch_size: rows of the largest new batch (if not given, the campaign's). dry_run:
    only say what would be done. tell: gets a line if there is something to wait for.

    The manifest is written last, so an interruption leaves the campaign as it was. Raises UserError where a
    process runs the campaign, or files of the batches in question are not as they were made.
    """
    folder = Path(folder).absolute()
    if batch_size is not None and batch_size < 1:
        raise UserError(f"--batch-size must be at least 1, not {batch_size}")
    if rows is not None and ids:
        raise UserError("--rows and --ids exclude each other", hint="give one of them")
    known = read_campaign(folder)
    chosen = _chosen(known, rows, ids)
    if dry_run or not chosen:
        planned = _plan(known, chosen, batch_size)
    else:
        with Ledger(folder).own({"retry": True}, tell) as owner:
            known = read_campaign(folder)  # nobody else changes it from here on
            planned = _plan(known, _chosen(known, rows, ids), batch_size)
            write_batches(known, planned, owner)
            owner.reason = "failed rows were put into new batches"
    return Retry(
        rows=sum(len(batch.rows) for batch in planned),
        sources=len({source for batch in planned for source in batch.sources}),
        batches=tuple(planned),
        funnels=tuple(step.name for step in known.manifest.steps if step.funnel),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """A batch, rows of it that failed, and its specification."""

    batch: BatchState
    rows: Rows
    text: str

    @property
    def name(self) -> str:
        return self.batch.entry.name


def _chosen(known: Known, rows: str | None, ids: Sequence[str]) -> list[tuple[BatchState, Rows]]:
    """Return the batches with rows to be tried again, and these rows."""
    failed = _failed(known)
    if rows is None and not ids:
        return failed
    wanted = _named(known, ids, failed) if ids else Rows.parse(rows or "")
    return [(batch, chosen) for batch, found in failed if (chosen := found & wanted)]


def _plan(known: Known, chosen: Sequence[tuple[BatchState, Rows]], batch_size: int | None) -> list[NewBatch]:
    """Return the new batches."""
    size = batch_size or known.manifest.settings.batch_size
    waiting = deque(pieces for group in _groups(known, chosen) for pieces in _cut(group, size))
    planned: list[NewBatch] = []
    while waiting:
        pieces = waiting.popleft()
        try:
            planned.append(_new_batch(known, pieces, len(known.manifest.batches) + len(planned)))
        except UserError:
            # Inline, rows with the same values can be in different batches, and not in one.
            apart = _apart(pieces)
            if len(apart) == 1:
                raise
            waiting.extendleft(reversed(apart))
    return planned


def _new_batch(known: Known, pieces: Sequence[_Source], number: int) -> NewBatch:
    batch_id = f"{number:0{len(known.manifest.batches[-1].id)}d}"
    name = f"{known.manifest.name}_{batch_id}"
    first = pieces[0]
    inline = known.manifest.settings.mode == "inline"
    return NewBatch(
        id=batch_id,
        attempt=first.batch.entry.attempt + 1,
        rows=Rows.of(row for piece in pieces for row in piece.rows),
        sources=tuple(sorted({piece.batch.entry.id for piece in pieces})),
        name=name,
        text=_inline_text(known, pieces, name) if inline else first.text,
        text_name=name if inline else first.name,
    )


def _inline_text(known: Known, pieces: Sequence[_Source], name: str) -> str:
    parts = []
    for piece in pieces:
        places = [place for place, row in enumerate(piece.batch.rows) if row in piece.rows]
        parts.append(Part(text=piece.text, name=piece.name, places=places))
    shared = [step.name for step in known.manifest.steps if step.runs == "shared"]
    return inline_subset(parts, name=name, shared=shared)


def _failed(known: Known) -> list[tuple[BatchState, Rows]]:
    """Return the batches with rows that failed in their last try, and these rows."""
    batches = known.state.batches.values()
    last = {row: batch.entry.id for batch in batches if batch.entry.attempt > 1 for row in batch.rows}
    found = []
    for batch in batches:
        # A batch that will run again as a whole will try its failed rows again too.
        if batch.failed and (batch.ended or not known.whole):
            batch_id = batch.entry.id
            if rows := Rows.of(row for row in batch.failed if last.get(row, batch_id) == batch_id):
                found.append((batch, rows))
    return found


def _named(known: Known, ids: Sequence[str], failed: Sequence[tuple[BatchState, Rows]]) -> Rows:
    """Return the rows with these ids, which must be among those that failed."""
    numbers = find_rows(known, ids)
    for row_id, number in numbers.items():
        if not any(number in rows for _, rows in failed):
            batch = known.batches_of(number)[-1]
            what = "is done" if number in batch.done else "is going to be run"
            raise UserError(
                f"row {row_id} {what}, in batch {batch.entry.id}: only rows that failed are tried again",
                where=str(known.folder),
            )
    return Rows.of(numbers.values())


def _groups(known: Known, chosen: Sequence[tuple[BatchState, Rows]]) -> list[list[_Source]]:
    """Return the batches in question in groups whose rows can be put together, by attempt."""
    groups: dict[tuple[int, str], list[_Source]] = defaultdict(list)
    for batch, rows in chosen:
        check_unchanged(known.folder, known.manifest, batch.entry)
        text = (known.folder / plain_name(batch.entry.spec)).read_bytes().decode()
        source = _Source(batch=batch, rows=rows, text=text)
        common = sha256(common_text(text, source.name).encode()).hexdigest()
        groups[batch.entry.attempt, common].append(source)
    return [groups[key] for key in sorted(groups, key=lambda key: key[0])]


def _cut(group: Sequence[_Source], size: int) -> Iterator[list[_Source]]:
    """Yield the rows of a group in the table's order, `size` at a time; each time as pieces of batches."""
    rows = merge(*(zip(source.rows, repeat(place), strict=False) for place, source in enumerate(group)))
    while chunk := list(islice(rows, size)):
        yield [
            replace(group[place], rows=Rows.of(row for row, _ in found))
            for place, found in groupby(chunk, key=itemgetter(1))
        ]


def _apart(pieces: Sequence[_Source]) -> list[list[_Source]]:
    """Return pieces by the batch that they come from."""
    by_batch: dict[str, list[_Source]] = defaultdict(list)
    for piece in pieces:
        by_batch[piece.name].append(piece)
    return list(by_batch.values())

"""The files of batches of rows that are tried again: their table, their specifications, the manifest."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from genstudy.archives.trees import sync_folder
from genstudy.batches.rows import RETRY_INDEX
from genstudy.batches.slices import plain_name, read_slice, table_of
from genstudy.files import named_errors, whole_file
from genstudy.ledger.ranges import Rows
from genstudy.specs.bake import pargs_of
from genstudy.specs.manifest import FILE_NAME, BatchEntry
from genstudy.specs.rebake import rebake
from genstudy.tables.as_csv import BOM
from genstudy.tables.freeze import Slice

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from genstudy.batches.known import Known
    from genstudy.ledger.lease import Ownership


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBatch:
    """A batch of rows that are tried again.

    attempt: 2 for rows that are tried for the second time. rows: their numbers. sources: ids of the batches
    in which they failed. name: of its specification, without .yaml. text: its specification, or one of a
    source (text_name) from which it is made.
    """

    id: str
    attempt: int
    rows: Rows
    sources: tuple[str, ...]
    name: str
    text: str = field(repr=False)
    text_name: str = field(repr=False)


def write_batches(known: Known, planned: Sequence[NewBatch], owner: Ownership) -> None:
    """Write the tables and specifications of new batches, and at last the manifest that names them.

    Files that no manifest names, such as those of an attempt that was interrupted, are replaced. Raises
    UserError where the table is not what it was, or the folder cannot be written to.
    """
    folder = known.folder
    with named_errors(folder):
        entries = [
            entry
            for _, found in groupby(planned, key=attrgetter("attempt"))
            for entry in _write_attempt(known, list(found))
        ]
        sync_folder(folder)
        owner.check()
        manifest = known.manifest.model_copy(update={"batches": [*known.manifest.batches, *entries]})
        with whole_file(folder / FILE_NAME, force=True) as stream:
            stream.write(manifest.to_text().encode())
        sync_folder(folder)


def _write_attempt(known: Known, planned: Sequence[NewBatch]) -> Iterator[BatchEntry]:
    """Write the table of rows that are tried equally often, and the specification of each batch of it."""
    table = f"retry_{planned[0].attempt}.csv"
    if any(batch.table == table for batch in known.manifest.batches):
        table = f"retry_{planned[0].attempt}_{plain_name(planned[0].id)}.csv"
    index = known.manifest.table.index
    cuts = list(_write_table(known, known.folder / table, planned, numbered=index is None))
    for new, cut in zip(planned, cuts, strict=True):
        text = new.text
        if known.manifest.settings.mode == "pgen":
            pargs = pargs_of(
                cut, csv=f"$(SPECROOT)/{table}", index=index or RETRY_INDEX, shared=(), unsafe=False
            )
            text = rebake(text, old_name=new.text_name, new_name=new.name, pargs=pargs)
        spec = plain_name(f"{new.name}.yaml")
        with whole_file(known.folder / spec, force=True) as stream:
            stream.write(text.encode())
        yield BatchEntry(
            id=new.id,
            spec=spec,
            start=cut.start,
            nrows=cut.nrows,
            offset=cut.offset,
            nbytes=cut.nbytes,
            sha256=cut.sha256,
            spec_sha256=sha256(text.encode()).hexdigest(),
            attempt=new.attempt,
            table=table,
            rows=str(new.rows),
        )


def _write_table(known: Known, path: Path, planned: Sequence[NewBatch], *, numbered: bool) -> Iterator[Slice]:
    """Write the rows of batches as they stand in the campaign's table, and yield where each batch's lie.

    numbered: put the rows' numbers before them, as a column of row ids.
    """
    lines = _Lines(known)
    header = lines.header
    if numbered:
        mark = BOM if header.startswith(BOM) else b""
        header = mark + RETRY_INDEX.encode() + b"," + header.removeprefix(BOM)
    with whole_file(path, force=True) as stream:
        stream.write(header)
        start, offset = 0, len(header)
        for new in planned:
            digest, nbytes = sha256(header), 0
            for row in new.rows:
                line = lines.of(row)
                if numbered:
                    line = b"%d,%b" % (row, line)
                digest.update(line)
                stream.write(line)
                nbytes += len(line)
            nrows = len(new.rows)
            yield Slice(start=start, nrows=nrows, offset=offset, nbytes=nbytes, sha256=digest.hexdigest())
            start, offset = start + nrows, offset + nbytes


class _Lines:
    """The lines of the campaign's table as they are, each with a line feed; one batch is read at a time."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._batches = known.originals
        self._starts = [batch.start for batch in self._batches]
        self._at = Rows()
        self._lines: list[bytes] = []
        with table_of(known.folder, known.manifest, self._batches[0]).open("rb") as stream:
            self.header = stream.readline()

    def of(self, row: int) -> bytes:
        """Return the line of a row; a UserError where the batch's bytes are not what they were."""
        if row not in self._at:
            batch = self._batches[bisect_right(self._starts, row) - 1]
            _, data = read_slice(self._known.folder, self._known.manifest, batch)
            self._lines = data.removesuffix(b"\n").split(b"\n")
            self._at = Rows.span(batch.start, batch.start + batch.nrows)
        return self._lines[row - self._at.spans[0][0]] + b"\n"

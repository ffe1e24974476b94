"""More rows made for a campaign, as its manifest tells how its own were made."""

from __future__ import annotations

import json
import shlex
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from genstudy.batches.slices import plain_name, whole_table
from genstudy.campaign.extend_rows import Grown, is_referenced
from genstudy.errors import UserError
from genstudy.files import BLOCK_BYTES
from genstudy.tables.read import open_table
from genstudy.tables.record import TableRecord, record_bytes, record_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from genstudy.batches.known import Known
    from genstudy.parameters.laws import Parameter

PREFIX = ".grown-"
"""What the folder begins with in which a table is made; it stays where the process is killed."""


@contextmanager
def made_longer(
    known: Known,
    rows: int | None,
    parameters: Sequence[Parameter],
    workplace: Path | None,
    *,
    progress: Callable[[int, int], None] | None,
    note: Callable[[str], None],
) -> Iterator[Grown]:
    """Give the campaign's table with so many rows more, made by its design, in a temporary file.

    parameters: for a grid in place of `rows`, laws with more levels. workplace: the folder in which the file
    is (default: the system's for temporary files). Raises UserError where the manifest does not tell how the
    table was made, or the design cannot go on.
    """
    from genstudy.tables.extend import extend_table

    manifest = known.manifest
    record = _record(known)
    table = whole_table(known.folder, manifest)
    with TemporaryDirectory(dir=workplace, prefix=PREFIX) as place:
        path, longer = table.path, Path(place) / plain_name(f"{manifest.name}.csv")
        if path.stat().st_size > manifest.table.nbytes:
            path = _first_bytes(path, manifest.table.nbytes, Path(place) / "before.csv")
        extended = extend_table(
            path, rows=rows, parameters=parameters, output=longer, record=record, progress=progress
        )
        if extended.note:
            note(extended.note)
        yield Grown(
            table=open_table(longer),
            source=manifest.table.source,
            query=manifest.table.query,
            record=json.loads(record_bytes(extended.record)),
        )


def _record(known: Known) -> TableRecord:
    table = known.manifest.table
    if is_referenced(known.manifest):
        longer = shlex.join(["genstudy", "csv", "--extend", table.path, "-n", "N"])
        again = shlex.join(["genstudy", "extend", str(known.folder), table.path])
        raise UserError(
            "the campaign's table was left where it is: that one has to grow",
            where=str(known.folder),
            hint=f"{longer} && {again}",
        )
    if table.record is None:
        raise UserError(
            "it is not known how the campaign's table was made",
            where=str(known.folder),
            hint="give a table that begins with the campaign's rows: genstudy extend DIR TABLE",
        )
    try:
        record = record_from(table.record)
    except (KeyError, TypeError, ValueError):
        raise UserError(
            "the record of how the campaign's table was made cannot be understood",
            where=str(known.folder / "manifest.json"),
            hint="another version of genstudy may have written it: give a table with more rows",
        ) from None
    return record


def _first_bytes(path: Path, nbytes: int, target: Path) -> Path:
    """Copy the first bytes of a file: an extension that was cut off may have left it longer."""
    with path.open("rb") as source, target.open("wb") as copy:
        while nbytes and (data := source.read(min(nbytes, BLOCK_BYTES))):
            copy.write(data)
            nbytes -= len(data)
    return target

"""Rows that follow those of a campaign: the table that has them, compared with the campaign's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genstudy.batches.showing import visible
from genstudy.batches.slices import changed, own_path, read_slice, whole_table
from genstudy.errors import UserError
from genstudy.specs.writer import TABLE_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from genstudy.batches.known import Known
    from genstudy.specs.manifest import Manifest, QueryEntry
    from genstudy.tables.read import Table

NAMES = 10
FRESH = "make a campaign of its own of this table: genstudy specs TABLE"
OF_NEW_ROWS = "make a campaign of its own of the new rows: genstudy specs TABLE --start"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """A table whose first rows are to be those of a campaign.

    source: how it is called in the manifest. query: what gave the rows, if that. record: how it was made, as
    its own record tells, if it has one.
    """

    table: Table
    source: str
    query: QueryEntry | None = None
    record: Mapping[str, Any] | None = None

    @property
    def block(self) -> int:
        """How many of its rows belong together."""
        return int(self.record.get("block", 1)) if self.record is not None else 1


def is_referenced(manifest: Manifest) -> bool:
    """Tell whether the campaign's table was left where it is."""
    return manifest.table.path != TABLE_NAME


def check_grown(known: Known, grown: Grown) -> None:
    """Refuse a table that cannot be the campaign's with more rows, by what can be told before it is read.

    Raises UserError, too, where the campaign's own table is not as it was made.
    """
    manifest, table = known.manifest, grown.table
    path = own_path(known.folder, manifest)
    if is_referenced(manifest) and table.path.resolve() != path.resolve():
        raise UserError(
            f"the campaign's table was left where it is, and this is another one: {path}",
            where=table.title,
            hint="let that one grow, and name it here",
        )
    if list(table.columns) != manifest.table.columns:
        raise UserError(
            f"its columns are {_names(table.columns)}, and the campaign's {_names(manifest.table.columns)}",
            where=table.title,
            hint=FRESH,
        )
    _check_own(known)
    if is_referenced(manifest):
        _check_last_line(path, manifest.table.nbytes)
    if manifest.table.rows % grown.block:
        raise UserError(
            f"{grown.block} rows of it belong together, and the campaign has {manifest.table.rows} of them",
            where=table.title,
            hint=FRESH,
        )


def _check_own(known: Known) -> None:
    """Refuse a campaign whose table is not what it was; say which rows these are, if it can be told."""
    try:
        whole_table(known.folder, known.manifest)
    except UserError:
        for batch in known.originals:
            read_slice(known.folder, known.manifest, batch)
        raise


def _check_last_line(path: Path, nbytes: int) -> None:
    """Refuse a last row of old that goes on: its line may have had no end when the campaign was made."""
    with path.open("rb") as stream:
        stream.seek(nbytes - 1)
        last, following = stream.read(1), stream.read(1)
    if last != b"\n" and following not in {b"", b"\r", b"\n"}:
        raise changed(path, ["the campaign's last row goes on"])


def check_kinds(known: Known, grown: Grown, file: Path, rows: int) -> None:
    """Refuse values that do not fit into the columns of the database that batches were collected into.

    file: of the table as the campaign is to have it, with this many rows.
    """
    if not any(batch.collected for batch in known.state.batches.values()):
        return
    from genstudy.results.parameters import parameter_kinds
    from genstudy.results.tables import WORDS

    own = known.manifest.table
    names = [name for name in own.columns if name != own.index]
    before = parameter_kinds(own_path(known.folder, known.manifest), own.columns, names, rows=own.rows)
    after = parameter_kinds(file, own.columns, names, rows=rows)
    for name in names:
        if after[name] != before[name]:
            raise UserError(
                f"{name} has {WORDS[after[name]]} now, and had {WORDS[before[name]]}, for which the table of "
                "results has a column",
                where=grown.table.title,
                hint=f"{OF_NEW_ROWS} {own.rows}",
            )


def _names(columns: Sequence[str]) -> str:
    more = f" and {len(columns) - NAMES} more" if len(columns) > NAMES else ""
    return visible(", ".join(columns[:NAMES])) + more

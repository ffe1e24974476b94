"""The slice of the table that a batch is, as long as it is what it was when the campaign was made."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from genstudy.batches.showing import visible
from genstudy.errors import UserError
from genstudy.files import sha256_of
from genstudy.tables.read import open_table, parse_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genstudy.specs.manifest import BatchEntry, Manifest
    from genstudy.tables.read import Table

WAY_OUT = "bring it back, or make the campaign anew with genstudy specs"
SHOWN_NAMES = 10


def read_slice(folder: Path, manifest: Manifest, batch: BatchEntry) -> tuple[list[str], bytes]:
    """Return the columns of a batch's table, and the bytes of the batch's rows in it.

    Raises UserError where either is not what it was when the specifications were made.
    """
    path = table_of(folder, manifest, batch)
    check_there(path)
    with path.open("rb") as stream:
        header = stream.readline()
        stream.seek(batch.offset)
        rows = stream.read(batch.nbytes)
    if hashlib.sha256(header + rows).hexdigest() != batch.sha256:
        raise _table_changed(path, header, manifest, batch)
    return _columns(path, header), rows


def whole_table(folder: Path, manifest: Manifest) -> Table:
    """Return the campaign's own table. Raises UserError where it is not what it was when it was made."""
    table = own_table(folder, manifest)
    if sha256_of(table.path, manifest.table.nbytes) != manifest.table.sha256:
        raise changed(table.path, [_sizes(table.path, manifest)])
    return table


def own_table(folder: Path, manifest: Manifest) -> Table:
    """Return the campaign's own table: as much of its file as the manifest knows of.

    What follows are rows that the campaign has not taken: of a table that has grown where it was left, or
    whose extension was cut off. Raises UserError where the file is missing.
    """
    path = own_path(folder, manifest)
    check_there(path)
    return open_table(path, nbytes=manifest.table.nbytes)


def table_of(folder: Path, manifest: Manifest, batch: BatchEntry) -> Path:
    """Return the table that a batch is a slice of: the campaign's, or its own."""
    if batch.table is not None:
        return folder / plain_name(batch.table)
    return own_path(folder, manifest)


def own_path(folder: Path, manifest: Manifest) -> Path:
    """Return where the campaign's own table is."""
    # A table that was left where it is stands in the manifest with its full path.
    known = Path(manifest.table.path)
    return known if known.is_absolute() else folder / plain_name(manifest.table.path)


def plain_name(name: str) -> str:
    """Return a file's name that the manifest gives, refusing one that leads out of the campaign's folder."""
    if "/" in name or "\0" in name or name in {"", ".", ".."}:
        raise UserError(f"the manifest names the file {name!r}, which is none of its folder", hint=WAY_OUT)
    return name


def check_there(path: Path) -> None:
    """Refuse a file that is missing."""
    if not path.is_file():
        raise UserError("the file is missing", where=str(path), hint=WAY_OUT)


def _table_changed(path: Path, header: bytes, manifest: Manifest, batch: BatchEntry) -> UserError:
    last = batch.start + batch.nrows - 1
    shown = [
        f"of batch {batch.id}: rows {batch.start} to {last}, {batch.nbytes:,} bytes from {batch.offset:,}"
    ]
    if batch.table is None:
        shown.append(_sizes(path, manifest))
        columns = _columns(path, header) if header else []
        if columns != manifest.table.columns:
            shown.append(f"its columns are {_names(columns)}, and were {_names(manifest.table.columns)}")
    return changed(path, shown)


def _sizes(path: Path, manifest: Manifest) -> str:
    return f"the file has {path.stat().st_size:,} bytes, and had {manifest.table.nbytes:,}"


def _columns(path: Path, header: bytes) -> list[str]:
    return [name.strip() for name in parse_line(header, f"{path}, header")]


def _names(columns: Sequence[str]) -> str:
    more = f" and {len(columns) - SHOWN_NAMES} more" if len(columns) > SHOWN_NAMES else ""
    return visible(", ".join(columns[:SHOWN_NAMES])) + more if columns else "none"


def changed(path: Path, shown: Sequence[str]) -> UserError:
    """Return the error that tells of a file that is not as it was made. shown: what can be said of it."""
    message = "it changed since the campaign was made"
    return UserError("\n    ".join([message, *shown]), where=str(path), hint=WAY_OUT)

"""Whether a batch's files are still as they were made: its specification, the pgen, its rows of the table."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from genstudy.campaign.showing import difference, visible
from genstudy.errors import UserError
from genstudy.files import sha256_of
from genstudy.parameters.names import PARG_PREFIX
from genstudy.specs.make import PGEN_FILE, PGEN_NAME
from genstudy.tables.read import parse_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genstudy.specs.manifest import BatchEntry, Manifest

WAY_OUT = "bring it back, or make the campaign anew with genstudy specs"
SHOWN_LINES = 20
SHOWN_NAMES = 10
COMPARED_BYTES = 1_000_000
SIBLINGS = 10


def check_unchanged(folder: Path, manifest: Manifest, batch: BatchEntry) -> None:
    """Refuse to run a batch whose files are not as the manifest tells.

    folder: the campaign's. Raises UserError that shows the difference, as far as it can be known.
    """
    _check_spec(folder, manifest, batch)
    if manifest.pgen_sha256 is not None:
        _check_pgen(folder / PGEN_NAME, manifest.pgen_sha256)
    read_slice(folder, manifest, batch)


def read_slice(folder: Path, manifest: Manifest, batch: BatchEntry) -> tuple[list[str], bytes]:
    """Return the columns of a batch's table, and the bytes of the batch's rows in it.

    Raises UserError where either is not what it was when the specifications were made.
    """
    path = table_of(folder, manifest, batch)
    _check_there(path)
    with path.open("rb") as stream:
        header = stream.readline()
        stream.seek(batch.offset)
        rows = stream.read(batch.nbytes)
    if hashlib.sha256(header + rows).hexdigest() != batch.sha256:
        raise _table_changed(path, header, manifest, batch)
    return _columns(path, header), rows


def table_of(folder: Path, manifest: Manifest, batch: BatchEntry) -> Path:
    """Return the table that a batch is a slice of: the campaign's, or its own."""
    if batch.table is not None:
        return folder / plain_name(batch.table)
    # A table that was left where it is stands in the manifest with its full path.
    known = Path(manifest.table.path)
    return known if known.is_absolute() else folder / plain_name(manifest.table.path)


def plain_name(name: str) -> str:
    """Return a file's name that the manifest gives, refusing one that leads out of the campaign's folder."""
    if "/" in name or "\0" in name or name in {"", ".", ".."}:
        raise UserError(f"the manifest names the file {name!r}, which is none of its folder", hint=WAY_OUT)
    return name


def _check_there(path: Path) -> None:
    if not path.is_file():
        raise UserError("the file is missing", where=str(path), hint=WAY_OUT)


def _check_pgen(path: Path, sha256: str) -> None:
    _check_there(path)
    if sha256_of(path) == sha256:
        return
    shown = []
    if sha256_of(PGEN_FILE) == sha256:
        shown = difference(_lines(PGEN_FILE), _lines(path), lines=SHOWN_LINES)
    raise _changed(path, shown)


def _check_spec(folder: Path, manifest: Manifest, batch: BatchEntry) -> None:
    path = folder / plain_name(batch.spec)
    _check_there(path)
    if sha256_of(path) == batch.spec_sha256:
        return
    intact = _intact_sibling(folder, manifest, batch)
    shown = []
    if intact is not None:
        old = _common(folder / intact.spec, intact)
        shown = difference(old, _common(path, batch), lines=SHOWN_LINES)
        shown = [f"compared with {intact.spec}:", *shown] if shown else [f"in the values of {PARG_PREFIX}..."]
    raise _changed(path, shown)


def _intact_sibling(folder: Path, manifest: Manifest, batch: BatchEntry) -> BatchEntry | None:
    """Return the batch nearest to this one whose specification is as it was."""
    place = next((n for n, other in enumerate(manifest.batches) if other.id == batch.id), 0)
    nearest = sorted(range(len(manifest.batches)), key=lambda n: abs(n - place))
    for other in (manifest.batches[n] for n in nearest[:SIBLINGS]):
        path = folder / plain_name(other.spec)
        if path.is_file() and sha256_of(path) == other.spec_sha256:
            return other
    return None


def _common(path: Path, batch: BatchEntry) -> list[str]:
    """Return the lines that a specification should have in common with those of other batches."""
    from genstudy.specs.inline import BLOCK
    from genstudy.specs.rebake import BATCH, common_text

    text, name = "\n".join(_lines(path)) + "\n", batch.name
    try:
        return common_text(text, name).replace(BATCH, "BATCH").splitlines()
    except UserError:  # it is not even YAML any more
        lines = text.rpartition(BLOCK)[0] or text
        return [
            line.replace(name, "BATCH")
            for line in lines.splitlines()
            if not line.lstrip().startswith(PARG_PREFIX)
        ]


def _lines(path: Path) -> list[str]:
    with path.open("rb") as stream:
        return stream.read(COMPARED_BYTES).decode("utf-8", "backslashreplace").splitlines()


def _table_changed(path: Path, header: bytes, manifest: Manifest, batch: BatchEntry) -> UserError:
    last = batch.start + batch.nrows - 1
    shown = [
        f"of batch {batch.id}: rows {batch.start} to {last}, {batch.nbytes:,} bytes from {batch.offset:,}"
    ]
    if batch.table is None:
        shown.append(f"the file has {path.stat().st_size:,} bytes, and had {manifest.table.nbytes:,}")
        columns = _columns(path, header) if header else []
        if columns != manifest.table.columns:
            shown.append(f"its columns are {_names(columns)}, and were {_names(manifest.table.columns)}")
    return _changed(path, shown)


def _columns(path: Path, header: bytes) -> list[str]:
    return [name.strip() for name in parse_line(header, f"{path}, header")]


def _names(columns: Sequence[str]) -> str:
    more = f" and {len(columns) - SHOWN_NAMES} more" if len(columns) > SHOWN_NAMES else ""
    return visible(", ".join(columns[:SHOWN_NAMES])) + more if columns else "none"


def _changed(path: Path, shown: Sequence[str]) -> UserError:
    message = "it changed since the campaign was made"
    return UserError("\n    ".join([message, *shown]), where=str(path), hint=WAY_OUT)

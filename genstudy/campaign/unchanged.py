"""Whether a batch's files are still as they were made: its specification, the pgen, its rows of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genstudy.batches.showing import difference
from genstudy.batches.slices import changed, check_there, plain_name, read_slice
from genstudy.errors import UserError
from genstudy.files import sha256_of
from genstudy.parameters.names import PARG_PREFIX
from genstudy.specs.manifest import PGEN_FILE, PGEN_NAME

if TYPE_CHECKING:
    from pathlib import Path

    from genstudy.specs.manifest import BatchEntry, Manifest

SHOWN_LINES = 20
COMPARED_BYTES = 1_000_000
SIBLINGS = 10


def check_unchanged(folder: Path, manifest: Manifest, batch: BatchEntry) -> None:
    """Refuse to run a batch whose files are not as the manifest tells.

    folder: the campaign's. Raises UserError that shows the difference, as far as it can be known.
    """
    check_spec_unchanged(folder, manifest, batch)
    if manifest.pgen_sha256 is not None:
        _check_pgen(folder / PGEN_NAME, manifest.pgen_sha256)
    read_slice(folder, manifest, batch)


def _check_pgen(path: Path, sha256: str) -> None:
    check_there(path)
    if sha256_of(path) == sha256:
        return
    shown = []
    if sha256_of(PGEN_FILE) == sha256:
        shown = difference(_lines(PGEN_FILE), _lines(path), lines=SHOWN_LINES)
    raise changed(path, shown)


def check_spec_unchanged(folder: Path, manifest: Manifest, batch: BatchEntry) -> None:
    """Refuse a batch's specification that is not as the manifest tells, and show the difference."""
    path = folder / plain_name(batch.spec)
    check_there(path)
    if sha256_of(path) == batch.spec_sha256:
        return
    intact = _intact_sibling(folder, manifest, batch)
    shown = []
    if intact is not None:
        old = _common(folder / intact.spec, intact)
        shown = difference(old, _common(path, batch), lines=SHOWN_LINES)
        shown = [f"compared with {intact.spec}:", *shown] if shown else [f"in the values of {PARG_PREFIX}..."]
    raise changed(path, shown)


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

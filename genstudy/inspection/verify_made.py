"""Whether a campaign's own files are as they were made, and its batches hold every row once."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from genstudy.batches.slices import own_path, plain_name, read_slice, table_of
from genstudy.errors import UserError, one_line
from genstudy.files import sha256_of
from genstudy.ledger.ranges import Rows
from genstudy.ledger.state import rows_of
from genstudy.specs.manifest import PGEN_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from genstudy.ledger.state import CampaignState
    from genstudy.specs.manifest import BatchEntry, Manifest


def made_problems(folder: Path, manifest: Manifest, *, quick: bool) -> Iterator[str]:
    """Yield what is not as the manifest tells: the pgen, the specifications, the tables.

    quick: do not read the tables.
    """
    if manifest.pgen_sha256 is not None:
        yield from _changed(folder / PGEN_NAME, manifest.pgen_sha256)
    for batch in manifest.batches:
        yield from _changed(folder / plain_name(batch.spec), batch.spec_sha256)
    by_table: dict[Path, list[BatchEntry]] = defaultdict(list)
    for batch in manifest.batches:
        by_table[table_of(folder, manifest, batch)].append(batch)
    for table, batches in by_table.items():
        if not table.is_file():
            yield f"{table}: the table is missing"
            continue
        if batches[0].table is None:
            yield from _table_changed(table, manifest, quick=quick)
        for batch in batches if not quick else ():
            try:
                read_slice(folder, manifest, batch)
            except UserError as problem:
                yield one_line(problem)


def _table_changed(table: Path, manifest: Manifest, *, quick: bool) -> Iterator[str]:
    size = table.stat().st_size
    if size < manifest.table.nbytes:
        yield f"{table}: it has {size:,} bytes, and had {manifest.table.nbytes:,}"
    elif not quick:
        yield from _changed(table, manifest.table.sha256, manifest.table.nbytes)


def _changed(path: Path, sha256: str, nbytes: int | None = None) -> Iterator[str]:
    if not path.is_file():
        yield f"{path}: the file is missing"
    elif sha256_of(path, nbytes) != sha256:
        yield f"{path}: it changed since it was made"


def table_notes(folder: Path, manifest: Manifest) -> Iterator[str]:
    """Yield that the campaign's table goes on behind its rows, if it does."""
    path = own_path(folder, manifest)
    more = path.stat().st_size - manifest.table.nbytes if path.is_file() else 0
    if more > 0:
        yield f"{path}: it goes on for {more:,} bytes behind the campaign's rows; genstudy extend takes rows"


def batch_problems(manifest: Manifest) -> Iterator[str]:
    """Yield rows that are in no batch, or none of the campaign's. (A manifest has no row in two.)"""
    every = Rows.span(manifest.settings.start, manifest.settings.start + manifest.settings.rows)
    missing = every
    for batch in manifest.batches:
        rows = rows_of(batch)
        if strange := rows - every:
            yield f"rows {strange} of batch {batch.id} are none of the campaign's"
        if batch.attempt == 1:
            missing -= rows
    if missing:
        yield f"rows {missing} are in no batch"


def retry_problems(state: CampaignState) -> Iterator[str]:
    """Yield rows that were tried again though they had not failed before, or twice at the same time."""
    failed: dict[int, set[int]] = defaultdict(set)
    taken: dict[int, set[int]] = defaultdict(set)
    for batch in state.batches.values():
        failed[batch.entry.attempt].update(batch.failed)
    for batch in state.batches.values():
        attempt = batch.entry.attempt
        if attempt == 1:
            continue
        rows = set(batch.rows)
        if wrong := rows - failed[attempt - 1]:
            what = f"rows {Rows.of(wrong)} are tried again in batch {batch.entry.id}"
            yield f"{what}, and had not failed before"
        if wrong := rows & taken[attempt]:
            what = f"rows {Rows.of(wrong)} of batch {batch.entry.id}"
            yield f"{what} are in another batch of attempt {attempt} too"
        taken[attempt] |= rows

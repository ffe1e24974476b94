"""The files of batches of rows that a campaign gets: their specifications, its table, the manifest."""

from __future__ import annotations

import os
from hashlib import sha256
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from genstudy.archives.trees import sync_folder
from genstudy.batches.slices import own_path, plain_name
from genstudy.campaign.extend_rows import check_grown, check_kinds, is_referenced
from genstudy.campaign.extend_specs import common_spec
from genstudy.campaign.extend_table import Continued
from genstudy.errors import UserError
from genstudy.files import named_errors, whole_file
from genstudy.specs.batches import whole_blocks
from genstudy.specs.further import FurtherSpecs
from genstudy.specs.manifest import FILE_NAME, BatchEntry
from genstudy.specs.writer import TABLE_NAME
from genstudy.tables.checks import CellCheck
from genstudy.tables.freeze import freeze

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from genstudy.batches.known import Known
    from genstudy.campaign.extend_rows import Grown
    from genstudy.ledger.lease import Ownership
    from genstudy.specs.manifest import Manifest
    from genstudy.tables.freeze import Frozen, Writer

    Progress = Callable[[int, int], None] | None


class Additions:
    """The batches of new rows, checked and written; all else of the campaign stays as it is."""

    def __init__(self, known: Known, grown: Grown, batch_size: int | None) -> None:
        """Take a campaign, and the table that its own has grown to. batch_size: None for the campaign's.

        Raises UserError where the campaign is not as it was made, or cannot get batches by what is known now.
        """
        check_grown(known, grown)
        self._known, self._grown, self._manifest = known, grown, known.manifest
        self._size = whole_blocks(batch_size or known.manifest.settings.batch_size, grown.block)
        self._specs = FurtherSpecs(known.manifest, known.originals[0], common_spec(known))
        self._cells = CellCheck(
            grown.table,
            self._specs.exposed(),
            allow_missing=known.manifest.settings.allow_missing,
            settled=True,
        )

    def plan(self, progress: Progress = None) -> tuple[BatchEntry, ...]:
        """Return the new batches, and write nothing into the campaign."""
        with TemporaryDirectory() as place:
            return self._made(Path(place), progress, lambda: None)[1]

    def write(self, owner: Ownership, progress: Progress = None) -> tuple[BatchEntry, ...]:
        """Write the new batches' specifications, the table, and at last the manifest; return the batches.

        Files that no manifest names, such as those of an extension that was interrupted, are replaced.
        """
        folder = self._known.folder
        with named_errors(folder):
            frozen, added = self._made(folder, progress, owner.check)
            if added:
                for batch in added:
                    with (folder / batch.spec).open("rb") as spec:
                        os.fsync(spec.fileno())
                sync_folder(folder)
                owner.check()
                with whole_file(folder / FILE_NAME, force=True) as stream:
                    stream.write(self._extended(frozen, added).to_text().encode())
                sync_folder(folder)
        return added

    def _made(
        self, folder: Path, progress: Progress, check: Callable[[], None]
    ) -> tuple[Frozen, tuple[BatchEntry, ...]]:
        """Write what is new into a folder, the table last. check: called before a file gets its name."""
        own = own_path(self._known.folder, self._manifest)
        if is_referenced(self._manifest):
            frozen = self._freeze(None, progress)
            return frozen, tuple(self._batches(folder, frozen, own, check))
        with whole_file(folder / TABLE_NAME, force=True) as stream, own.open("rb") as old:
            continued = Continued(stream, old, self._manifest.table.nbytes, self._grown.table.title)
            frozen = self._freeze(continued, progress)
            continued.check_complete(frozen.rows, self._manifest.table.rows)
            stream.flush()
            added = tuple(self._batches(folder, frozen, Path(stream.name), check))
            check()
        return frozen, added

    def _freeze(self, target: Writer | None, progress: Progress) -> Frozen:
        size, referenced = self._size, is_referenced(self._manifest)
        frozen = freeze(
            self._grown.table,
            target,
            check=self._cells,
            index=self._manifest.table.index,
            start=self._manifest.table.rows,
            stop=None,
            size_of=lambda _: size,
            verbatim=referenced,
            progress=progress,
        )
        if referenced and frozen.nbytes != self._grown.table.path.stat().st_size:
            where = str(self._grown.table.path)
            raise UserError("a blank line at the end", where=where, hint="take it out")
        return frozen

    def _batches(
        self, folder: Path, frozen: Frozen, table: Path, check: Callable[[], None]
    ) -> Iterator[BatchEntry]:
        """Write the specifications of the new batches. table: where the campaign's new table is now."""
        if not frozen.slices:
            return
        self._specs.check_lengths(frozen.longest_id)
        check_kinds(self._known, self._grown, table, frozen.rows)
        batches = self._manifest.batches
        cells = islice(self._grown.table.rows(), self._manifest.table.rows, None)
        for number, cut in enumerate(frozen.slices, len(batches)):
            batch_id = f"{number:0{len(batches[-1].id)}d}"
            name = f"{self._manifest.name}_{batch_id}"
            data = self._specs.text(name, cut, islice(cells, cut.nrows)).encode()
            spec = plain_name(f"{name}.yaml")
            with whole_file(folder / spec, force=True, sync=False) as stream:
                stream.write(data)
                check()
            yield BatchEntry(
                id=batch_id,
                spec=spec,
                start=cut.start,
                nrows=cut.nrows,
                offset=cut.offset,
                nbytes=cut.nbytes,
                sha256=cut.sha256,
                spec_sha256=sha256(data).hexdigest(),
            )

    def _extended(self, frozen: Frozen, added: tuple[BatchEntry, ...]) -> Manifest:
        from genstudy.results.schema import campaign_id

        manifest, grown = self._manifest, self._grown
        table = manifest.table.model_copy(
            update={
                "sha256": frozen.sha256,
                "nbytes": frozen.nbytes,
                "rows": frozen.rows,
                "source": grown.source,
                "query": grown.query,
                "record": grown.record,
            }
        )
        settings = manifest.settings.model_copy(
            update={
                "rows": frozen.rows - manifest.settings.start,
                "batch_size": max(manifest.settings.batch_size, *(batch.nrows for batch in added)),
            }
        )
        return manifest.model_copy(
            update={
                "campaign": campaign_id(manifest),
                "table": table,
                "settings": settings,
                "batches": [*manifest.batches, *added],
            }
        )

"""A campaign's folder made from a table and a template: everything checked first, then written whole."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import genstudy
from genstudy.errors import UserError
from genstudy.files import check_new_folder, sha256_of, whole_folder
from genstudy.maestro.process import run_command
from genstudy.rendering.templates import find_template
from genstudy.specs.batches import (
    batch_ids,
    check_blocks,
    check_sizes,
    equal_batches,
    row_range,
    whole_blocks,
)
from genstudy.specs.manifest import (
    FILE_NAME,
    FORMAT,
    PGEN_FILE,
    PGEN_NAME,
    BatchEntry,
    Manifest,
    QueryEntry,
    Settings,
    StepEntry,
    TableEntry,
    TemplateEntry,
    read_manifest,
)
from genstudy.specs.modules import module_files, settled_results
from genstudy.specs.options import Options
from genstudy.specs.writer import TABLE_NAME, SpecWriter
from genstudy.tables.checks import CellCheck
from genstudy.tables.freeze import Frozen, freeze
from genstudy.tables.query import open_source
from genstudy.tables.read import Query
from genstudy.tables.record import read_record, record_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from genstudy.rendering.checks import Checked
    from genstudy.specs.results import ResultsSettings
    from genstudy.tables.query import Source
    from genstudy.tables.read import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A campaign's folder and manifest, and what a person should know about it."""

    folder: Path
    manifest: Manifest
    warnings: tuple[str, ...] = ()

    def command(self, batch: BatchEntry) -> str:
        """Return the shell command that runs a batch with Maestro."""
        pgen = self.folder / PGEN_NAME if self.manifest.pgen_sha256 else None
        return shlex.join(["maestro", *run_command(self.folder / batch.spec, pgen)])


def make_specs(
    table: str | Path | Query,
    output: str | Path,
    options: Options = Options(),  # noqa: B008 - frozen
    *,
    force: bool = False,
    dry_run: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Campaign:
    """Make a campaign: manifest.json, table.csv, pgen.py and one specification a batch.

    table: a CSV, Parquet or JSON Lines file, a row a combination; or a query, which is run once.
    output: the folder; it appears complete or not at all. An existing one is refused, and with `force`
    replaced if it is a campaign that holds nothing else.
    dry_run: check and plan everything, write nothing. progress: gets the rows read and about how many there
    are.

    Raises UserError for anything wrong in the table, the template or the options, before the folder appears.
    """
    output = Path(output)
    with campaign_target(output, force=force, dry_run=dry_run) as folder:
        manifest, warnings = write_campaign(table, folder, options, progress=progress)
    return Campaign(folder=output, manifest=manifest, warnings=warnings)


def write_campaign(
    table: Source,
    folder: Path | None,
    options: Options,
    *,
    source: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Manifest, tuple[str, ...]]:
    """Check everything and write a campaign into an empty folder, or with no folder only check it.

    source: what the manifest names as the table's source (default: the table or query). Returns the
    manifest and warnings.
    """
    # Before a database is asked for its rows, which may take long.
    check_sizes(options.batch_size, options.batches)
    find_template(options.template)
    if options.reference and isinstance(table, Query):
        raise UserError("--reference is for a table that is a file, not for a query")
    with open_source(table, folder) as opened:
        maker = _Maker(opened, options, folder, source)
        manifest = maker.make(progress)
    return manifest, maker.warnings


@contextmanager
def campaign_target(output: Path, *, force: bool, dry_run: bool) -> Iterator[Path | None]:
    """Give the folder in which a campaign is made, which becomes `output` at the end; None in a dry run."""
    if force and (output.exists() or output.is_symlink()):
        check_replaceable(output)
    if dry_run:
        check_new_folder(output, replace=force)
        yield None
        return
    with whole_folder(output, may_replace=check_replaceable if force else None) as folder:
        yield folder


def check_replaceable(folder: Path) -> None:
    """Refuse to replace a folder that is no campaign, or holds something that genstudy did not write."""
    if not folder.is_dir() or folder.is_symlink():
        raise UserError("this is not a campaign's folder", where=str(folder), hint="choose another -o")
    manifest = read_manifest(folder)
    known = {TABLE_NAME, PGEN_NAME, FILE_NAME, *module_files(manifest.results)}
    for batch in manifest.batches:
        known.update(name for name in (batch.spec, batch.table) if name)
    others = sorted(path.name for path in folder.iterdir() if path.name not in known or path.is_dir())
    if others:
        raise UserError(
            f"the folder holds what genstudy specs did not write: {', '.join(others[:5])}",
            where=str(folder),
            hint="move that away first, or choose another -o: --force deletes specs, never results",
        )


def query_entry(query: Query) -> QueryEntry:
    """Return what the manifest tells of a query."""
    from genstudy.databases.url import parse_url

    return QueryEntry(sql=query.sql, db=parse_url(query.db).shown)


class _Maker:
    """Makes one campaign in a folder, or with no folder plans it."""

    def __init__(self, table: Table, options: Options, folder: Path | None, source: str | None) -> None:
        self.table, self.options, self.folder = table, options, folder
        self.query = query_entry(table.query) if table.query else None
        self.source = source or (f"a query of {self.query.db}" if self.query else str(table.path))
        if options.reference and (options.inline or not table.path.name.endswith(".csv")):
            raise UserError("--reference is for plain .csv tables that a pgen reads")
        self.record = read_record(table.path)
        self.block = self.record.block if self.record else 1
        self.index = options.index or (self.record.index if self.record else None)
        laws = dict(self.record.parameters) if self.record else {}
        self.writer = SpecWriter(
            find_template(options.template), table=table, index=self.index, laws=laws, options=options
        )
        self.name = self.writer.name
        self.warnings: tuple[str, ...] = ()
        self.results: ResultsSettings | None = None

    def make(self, progress: Callable[[int, int], None] | None) -> Manifest:
        trial = self.writer.trial()
        self.warnings = (*self.writer.warnings(trial), *self._rounded())
        self._settle_results(trial)
        cells = CellCheck(self.table, self.writer.exposed(trial), allow_missing=self.options.allow_missing)
        frozen = self._freeze(cells, progress)
        if self.options.reference and frozen.nbytes != self.table.path.stat().st_size:
            raise UserError(
                "a blank line at the end",
                where=str(self.table.path),
                hint="take it out, or leave --reference out",
            )
        start, stop = row_range(frozen.rows, self.options.start, self.options.rows, where=self.table.title)
        check_blocks(start, stop, frozen.rows, self.block, where=self.table.title)
        self.writer.plan(frozen, cells)
        batches = self._write_specs(frozen)
        pgen_sha256 = None if self.options.inline else self._copy_pgen()
        manifest = self._manifest(frozen, batches, pgen_sha256)
        if self.folder is not None:
            self._write(FILE_NAME, manifest.to_text().encode())
        return manifest

    def _freeze(self, cells: CellCheck, progress: Callable[[int, int], None] | None) -> Frozen:
        options = self.options
        size = whole_blocks(options.batch_size, self.block)
        size_of: Callable[[int], int] = lambda _: size  # noqa: E731
        stop = None if options.rows is None else options.start + options.rows
        if options.batches is not None:
            start, end = row_range(
                self.table.count_rows(), options.start, options.rows, where=self.table.title
            )
            size_of = equal_batches(end - start, options.batches, block=self.block)
        target = self.folder / TABLE_NAME if self.folder is not None and not options.reference else None
        stream = (target or Path(os.devnull)).open("wb")
        with stream:
            return freeze(
                self.table,
                stream,
                check=cells,
                index=self.index,
                start=options.start,
                stop=stop,
                size_of=size_of,
                verbatim=options.reference,
                progress=progress,
            )

    def _rounded(self) -> Iterator[str]:
        """Say that batches are smaller than what was asked for."""
        asked = self.options.batch_size
        if asked is not None and (size := whole_blocks(asked, self.block)) != asked:
            yield f"batches have {size} rows, not {asked}: the {self.block} rows of a block belong together"

    def _write_specs(self, frozen: Frozen) -> list[BatchEntry]:
        ids = batch_ids(len(frozen.slices))
        entries = []
        for number, (batch_id, cut) in enumerate(zip(ids, frozen.slices, strict=True)):
            name = f"{self.name}_{batch_id}"
            data = self.writer.text(number, batch_id, name, cut).encode()
            if self.folder is not None:
                self._write(f"{name}.yaml", data)
            entries.append(
                BatchEntry.model_construct(
                    id=batch_id,
                    spec=f"{name}.yaml",
                    start=cut.start,
                    nrows=cut.nrows,
                    offset=cut.offset,
                    nbytes=cut.nbytes,
                    sha256=cut.sha256,
                    spec_sha256=hashlib.sha256(data).hexdigest(),
                )
            )
        return entries

    def _copy_pgen(self) -> str:
        if self.folder is not None:
            self._write(PGEN_NAME, PGEN_FILE.read_bytes())
        return sha256_of(PGEN_FILE)

    def _settle_results(self, trial: Checked) -> None:
        """Check what is taken out of workspaces, and copy the modules that it needs."""
        if self.options.results is None:
            return
        steps = [StepEntry(**asdict(step)) for step in trial.steps]
        names = [name for name in self.table.columns if name != self.index]
        self.results, modules = settled_results(self.options.results, steps, names, self.options.functions)
        if self.folder is not None:
            for name, data in modules.items():
                self._write(name, data)

    def _write(self, name: str, data: bytes) -> None:
        assert self.folder is not None
        (self.folder / name).write_bytes(data)

    def _manifest(self, frozen: Frozen, batches: list[BatchEntry], pgen_sha256: str | None) -> Manifest:
        options = self.options
        return Manifest(
            format=FORMAT,
            genstudy=genstudy.__version__,
            name=self.name,
            table=TableEntry(
                path=str(self.table.path.resolve()) if options.reference else TABLE_NAME,
                sha256=frozen.sha256,
                nbytes=frozen.nbytes,
                rows=frozen.rows,
                columns=list(self.table.columns),
                index=self.index,
                source=self.source,
                query=self.query,
                record=json.loads(record_bytes(self.record)) if self.record else None,
            ),
            template=TemplateEntry(name=self.writer.template.source.name, sha256=self.writer.template.sha256),
            settings=Settings(
                mode="inline" if options.inline else "pgen",
                start=options.start,
                rows=sum(batch.nrows for batch in batches),
                batch_size=max(batch.nrows for batch in batches),
                variables=dict(options.variables or {}),
                allow_missing=options.allow_missing,
                allow_unsafe_values=options.allow_unsafe_values,
            ),
            steps=[StepEntry(**asdict(step)) for step in self.writer.steps],
            pgen_sha256=pgen_sha256,
            run=options.run,
            scheduler=options.scheduler,
            results=self.results,
            batches=batches,
        )

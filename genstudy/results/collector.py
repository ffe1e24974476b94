"""What collects batches of a campaign into one table of results."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

from genstudy.archives.trees import Interrupted, never
from genstudy.batches.slices import own_path
from genstudy.errors import GenstudyError, one_line
from genstudy.results.gather import BatchGatherer, digest_of
from genstudy.results.parameters import parameter_kinds
from genstudy.results.place import Place
from genstudy.results.reasons import Reasons
from genstudy.results.schema import parameters_of
from genstudy.results.sink import Entry, open_sink
from genstudy.results.stored_rows import open_workspaces
from genstudy.specs.results_check import check_results

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from genstudy.ledger.state import BatchState
    from genstudy.results.extract import Extractor
    from genstudy.results.schema import Kind
    from genstudy.results.sink import Row, Sink
    from genstudy.specs.manifest import Manifest
    from genstudy.specs.results import ResultsSettings

OBJECTS = 100_000
"""New objects after which the garbage collector looks for those that can go."""


class Unreadable(GenstudyError):
    """The rows of a batch cannot be made."""


class Collector:
    """Collects batches of a campaign into one table.

    Raises UserError where the settings do not fit the campaign, or the table is of another study.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        settings: ResultsSettings | None,
        sink: Sink,
        beside: Path | None = None,
    ) -> None:
        """Take a campaign's folder; beside: one in which modules of functions are looked for before it."""
        self.sink = sink
        self.reasons = Reasons()
        self._folder, self._manifest, self._settings, self._beside = folder, manifest, settings, beside

    @contextmanager
    def extractor(self) -> Iterator[Extractor | None]:
        """Give what takes results out of workspaces; None where none are taken."""
        if self._settings is None or not self._settings.sources:
            yield None
            return
        from genstudy.results.extract import Extractor

        with Extractor(self._settings, self._manifest.steps, self._folder, beside=self._beside) as extractor:
            yield extractor

    def collect(
        self,
        batch: BatchState,
        extractor: Extractor | None,
        *,
        owned: bool,
        check: Callable[[], None] = lambda: None,
        stop: Callable[[], bool] = never,
    ) -> Entry:
        """Write the rows of an ended batch, and return what is recorded of them.

        owned: see open_workspaces. check: called once all files are read and before anything is committed;
        what it raises keeps the rows from being written. stop: asked at every row; Interrupted where it says
        so.
        Raises Unreadable where the rows cannot be made, UserError or RunError where the database refuses.
        """
        entry, reasons = Entry(digest_of(batch, extractor)), Reasons()
        rows = self._rows(batch, extractor, entry, reasons, owned=owned, check=check, stop=stop)
        with _few_collections():
            self.sink.write(batch.entry.id, entry, rows)
        self.reasons.take(reasons)
        return entry

    def _rows(
        self,
        batch: BatchState,
        extractor: Extractor | None,
        entry: Entry,
        reasons: Reasons,
        *,
        owned: bool,
        check: Callable[[], None],
        stop: Callable[[], bool],
    ) -> Iterator[list[Row]]:
        wants = extractor.wants if extractor is not None else _nothing
        try:
            gatherer = BatchGatherer(
                self._folder,
                self._manifest,
                batch,
                self.sink.campaign,
                self._kinds(),
                extractor,
                stop=stop,
            )
            with open_workspaces(self._folder, batch, wants, owned=owned) as workspaces:
                yield from gatherer.chunks(workspaces, entry, reasons)
        except Interrupted:
            raise
        except (GenstudyError, OSError) as problem:
            check()
            raise Unreadable(f"batch {batch.entry.id}: {one_line(problem)}") from problem
        check()

    def _kinds(self) -> dict[str, Kind]:
        """Return {parameter: kind}, as the table has them."""
        names = (name for name in self._manifest.table.columns if name != self._manifest.table.index)
        return dict(zip(names, self.sink.layout.parameters.values(), strict=True))


@contextmanager
def _few_collections() -> Iterator[None]:
    """Have the garbage collector look less often: rows are no garbage, and it takes a fifth of the time."""
    before = gc.get_threshold()
    if before[0] >= OBJECTS:  # another thread's doing
        yield
        return
    gc.set_threshold(OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _nothing(*_: str) -> bool:
    return False


@contextmanager
def open_collector(
    folder: Path,
    manifest: Manifest,
    settings: ResultsSettings | None,
    *,
    db: str | None = None,
    table: str | None = None,
    beside: Path | None = None,
) -> Iterator[Collector]:
    """Give a collector whose table is there. db, table: where to, instead of what the settings say.

    beside: a folder in which modules of functions are looked for before the campaign's.

    Raises UserError where the database cannot be reached, the table is of another study, or the settings do
    not fit the campaign.
    """
    place = Place(folder, manifest, settings, db, table)
    names = [name for name in manifest.table.columns if name != manifest.table.index]
    if settings is not None:
        settings = check_results(settings, manifest.steps, names)

    def kinds() -> list[Kind]:
        found = parameter_kinds(
            own_path(folder, manifest), manifest.table.columns, names, rows=manifest.table.rows
        )
        return [found[name] for name in names]

    with open_sink(
        place.url,
        place.campaign,
        place.name,
        parameters=lambda dialect: list(parameters_of(manifest, dialect).values()),
        kinds=kinds,
        results=dict(settings.types) if settings is not None else {},
        grown=manifest.campaign is not None,
    ) as sink:
        yield Collector(folder, manifest, settings, sink, beside)

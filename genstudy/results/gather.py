"""The rows of a batch as they go into the table of results: state, times, parameters and results."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from itertools import repeat
from typing import TYPE_CHECKING, Any

from genstudy.archives.trees import Interrupted, never
from genstudy.batches.rows import RETRY_INDEX
from genstudy.batches.slices import read_slice
from genstudy.errors import GenstudyError
from genstudy.ledger.ranges import Rows
from genstudy.maestro.status import FINISHED
from genstudy.results.labels import step_places
from genstudy.results.parameters import CONVERTERS
from genstudy.results.times import NO_TIMES, row_times

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from genstudy.ledger.state import BatchState
    from genstudy.results.extract import Extractor
    from genstudy.results.reasons import Reasons
    from genstudy.results.row_folders import Piece, StepPlaces, Workspaces
    from genstudy.results.schema import Kind
    from genstudy.results.sink import Entry
    from genstudy.specs.manifest import Manifest

FORMAT = 1
"""Counted up where rows are made otherwise than before, so that they are collected again."""


def digest_of(batch: BatchState, extractor: Extractor | None) -> str:
    """Return the hash of all that decides what the rows of an ended batch will be, but for their files."""
    entry = batch.entry
    told = [
        FORMAT,
        extractor.digest if extractor is not None else None,
        [entry.id, entry.attempt, entry.sha256, entry.rows, str(batch.rows), str(batch.done)],
        [failure.model_dump() for failure in batch.failures],
        [[study, str(ran)] for study, ran in batch.study_of],
        # No two runs of a batch take the same time, and all but that may be alike.
        batch.seconds,
        # Until then, a command of the user's (`--after`) may still make the files that results are in.
        batch.saved is not None,
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


class BatchGatherer:
    """Makes the rows of one batch that has ended.

    kinds: {parameter: kind} in the order of the table's columns. extractor: None: no results are taken.
    stop: asked at every row; Interrupted where it says so.
    """

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        batch: BatchState,
        campaign: str,
        kinds: Mapping[str, Kind],
        extractor: Extractor | None,
        *,
        stop: Callable[[], bool] = never,
    ) -> None:
        self._folder, self._manifest, self._batch, self._stop = folder, manifest, batch, stop
        self._campaign, self._kinds, self._extractor = campaign, kinds, extractor
        self._cells = self._read_cells()
        self._numbers = list(batch.rows)
        index = manifest.table.index or (RETRY_INDEX if batch.entry.table is not None else None)
        self._ids = self._cells[index] if index is not None else list(map(str, self._numbers))

    def _read_cells(self) -> Mapping[str, Sequence[str]]:
        header, data = read_slice(self._folder, self._manifest, self._batch.entry)
        rows = csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True)
        columns = dict(zip(header, zip(*rows, strict=True), strict=True))
        if {len(column) for column in columns.values()} != {len(self._batch.rows)}:
            raise GenstudyError(f"batch {self._batch.entry.id} has other rows than the manifest tells")
        return columns

    def chunks(
        self, workspaces: Workspaces, entry: Entry, reasons: Reasons
    ) -> Iterator[list[tuple[Any, ...]]]:
        """Yield all rows, some at a time, and count in `entry` and `reasons` what is missing."""
        parameters = [CONVERTERS[kind](self._cells[name]) for name, kind in self._kinds.items()]
        states, steps = self._states()
        for study, ran in self._studies():
            if self._extractor is not None and self._batch.done & ran and not workspaces.has(study):
                raise GenstudyError(f"the study {study} is missing, and rows of it were done")
            record = workspaces.record(study)
            times = row_times(self._folder, self._manifest, self._batch.entry, record)
            for piece in workspaces.pieces(study, self._step_places(record), self._places(ran)):
                at = piece.places
                ids = _picked(self._ids, at)
                errors, results = self._extracted(piece, entry, reasons)
                fixed = (ids, _picked(self._numbers, at), repeat(self._batch.entry.id))
                told = (repeat(self._batch.entry.attempt), _picked(states, at), _picked(steps, at))
                spans = zip(*(times.get(row_id, NO_TIMES) for row_id in ids), strict=True)
                values = (_picked(column, at) for column in parameters)
                # Those that repeat have no end, so nothing can be strict here.
                columns = (repeat(self._campaign), *fixed, *told, *spans, errors, *values, *results)
                yield list(zip(*columns))  # noqa: B905

    def _studies(self) -> Iterator[tuple[str, Rows]]:
        """Yield the studies in which rows ended, and these rows; then those that a lost job never began."""
        never_begun = self._batch.rows
        for study, ran in self._batch.study_of:
            never_begun -= ran
            yield study, ran
        if never_begun:
            yield f"{self._batch.entry.name}.0", never_begun  # studies are counted from 1

    def _places(self, ran: Rows) -> Sequence[int]:
        """Return the places of rows in the batch."""
        if len(ran) == len(self._numbers):
            return range(len(self._numbers))
        return [place for place, number in enumerate(self._numbers) if number in ran]

    def _states(self) -> tuple[list[str], list[str | None]]:
        """Return each row's state, and the step that failed."""
        failed = {
            number: (failure.state, failure.step or None)
            for failure in self._batch.failures
            for number in Rows.parse(failure.rows)
        }
        found = [failed.get(number, (FINISHED, None)) for number in self._numbers]
        return [state for state, _ in found], [step for _, step in found]

    def _step_places(self, record: Path) -> list[StepPlaces]:
        """Return where the workspaces of the steps are that results are taken from."""
        if self._extractor is None:
            return []
        cells = {name: self._cells[name] for name in self._kinds}
        return step_places(
            self._folder,
            self._manifest,
            self._batch.entry,
            steps=self._extractor.steps,
            ids=self._ids,
            cells=cells,
            record=record,
        )

    def _extracted(
        self, piece: Piece, entry: Entry, reasons: Reasons
    ) -> tuple[Sequence[str | None], list[tuple[Any, ...]]]:
        """Return the column of errors, and the columns of results."""
        extractor = self._extractor
        if extractor is None:
            return [None] * len(piece.places), []
        names = [step.name for step in self._manifest.steps if step.name in extractor.steps]
        extract = extractor.extract
        errors: list[str | None] = []
        values = []
        stop = self._stop
        for paths in zip(*piece.paths, strict=True):
            if stop():
                raise Interrupted(f"batch {self._batch.entry.id} was not collected: asked to stop")
            found = extract(dict(zip(names, paths)))  # noqa: B905 - for each row
            values.append(found.values)
            errors.append(None if not found.errors else _counted(found.errors, entry, reasons))
        return errors, list(zip(*values, strict=True))


def _counted(errors: dict[str, str], entry: Entry, reasons: Reasons) -> str:
    """Count the errors of a row, and return them as they are written."""
    entry.faulty += 1
    for column in errors:
        entry.missing[column] = entry.missing.get(column, 0) + 1
    reasons.add(errors)
    return json.dumps(errors)


def _picked(column: Sequence[Any], places: Sequence[int]) -> Sequence[Any]:
    if isinstance(places, range):
        return column[places.start : places.stop]
    return [column[place] for place in places]

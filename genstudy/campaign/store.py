"""Where a campaign's studies are, and where they go once their batch has ended."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from genstudy.archives.saving import clear, save
from genstudy.archives.trees import Changed, count_entries
from genstudy.batches.places import ARCHIVE, BESIDE_STUDIES, RUNS
from genstudy.batches.rows import LABEL, RowFinder, batch_rows
from genstudy.campaign.hooks import HOOK_VARIABLES, run_hook
from genstudy.campaign.study_process import kill_orphans
from genstudy.errors import RunError, UserError
from genstudy.files import whole_file
from genstudy.ledger.ranges import Rows
from genstudy.ledger.records import Cleared, Saved
from genstudy.maestro.specs import folder_name
from genstudy.maestro.status import read_status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genstudy.batches.rows import BatchRows
    from genstudy.campaign.stop import Stop
    from genstudy.ledger.state import BatchState
    from genstudy.specs.manifest import Manifest
    from genstudy.specs.running import RunSettings


def new_study_folder(folder: Path, batch: BatchState) -> Path:
    """Return where the next study of a batch will be.

    What is there that no record names is passed by: a process that was cut off may be at work on it.
    """
    runs, number = folder / RUNS, len(batch.studies) + 1
    while True:
        name = f"{batch.entry.name}.{number}"
        there = os.path.lexists(runs / name) or os.path.lexists(runs / f"{name}.log")
        if not there and name not in batch.studies:
            return runs / name
        number += 1


class Store:
    """The studies of one campaign on disk, and their saving."""

    def __init__(self, folder: Path, manifest: Manifest, settings: RunSettings, stop: Stop) -> None:
        """Take a campaign's folder and how its studies are to be saved. Makes the folder of studies."""
        self._folder, self._manifest, self._settings, self._stop = folder, manifest, settings, stop
        runs = folder / RUNS
        if runs.is_symlink():
            raise UserError(
                "this is a symbolic link, and nothing outside of the campaign's folder is ever deleted",
                where=str(runs),
                hint="put the whole campaign there instead, or take the link away",
            )
        runs.mkdir(exist_ok=True)

    def fixed_entries(self) -> int:
        """Return how many files and folders the campaign has that belong to no batch's run."""
        return 1 + sum(
            count_entries(Path(entry))[0]
            for entry in os.scandir(self._folder)
            if entry.name not in {RUNS, ARCHIVE}
        )

    def parts(self, batch: BatchState) -> list[Path]:
        """Return what there is of a batch's studies: their folders, logs and lists of rows."""
        runs = self._folder / RUNS
        paths = (runs / (study + ending) for study in batch.studies for ending in BESIDE_STUDIES)
        return [path for path in paths if os.path.lexists(path)]

    def write_rows(self, study: Path, rows: BatchRows, wanted: Rows) -> Path:
        """Write the list of the rows that a study runs, as the pgen counts them, and return its path."""
        path = study.with_name(study.name + ".rows")
        places = Rows.of(rows.position_in_table(number) for number in wanted)
        with whole_file(path, force=True) as stream:
            stream.write(f"{places}\n".encode())
        return path

    def hook_variables(self, batch: BatchState, study: Path) -> dict[str, str]:
        """Return what commands before and after a batch get to know of it."""
        told = (
            batch.entry.id,
            str(self._folder / batch.entry.spec),
            str(study),
            str(len(batch.done)),
            str(len(batch.failed)),
        )
        return dict(zip(HOOK_VARIABLES, told, strict=True))

    def save(self, batch: BatchState) -> Saved:
        """Run the command after a batch, and bring its studies to where they shall be.

        What its steps left running is ended first, unless everything stays: it would write to files that are
        being saved and deleted.
        """
        settings = self._settings
        if settings.save != "keep":
            for name in batch.studies:
                kill_orphans(self._folder / RUNS / name)
        if settings.after and batch.studies:
            study = self._folder / RUNS / batch.studies[-1]
            variables = self.hook_variables(batch, study)
            run_hook("after", settings.after, self._folder, variables, lambda: self._stop.now)
        began = time.monotonic()
        saved = save(
            self.parts(batch),
            mode=settings.save,
            target=Path(settings.to).absolute() if settings.to else self._folder / ARCHIVE,
            name=batch.entry.name,
            own=settings.to is None,
            stop=lambda: self._stop.now,
        )
        path = saved.path
        if path is not None and path.is_relative_to(self._folder):
            path = path.relative_to(self._folder)
        return Saved(
            t=time.time(),
            batch=batch.entry.id,
            mode=settings.save,
            path=str(path or RUNS),
            sha256=saved.sha256,
            nbytes=saved.nbytes,
            entries=saved.entries,
            content=saved.content,
            seconds=time.monotonic() - began,
        )

    def clear(self, batch: BatchState) -> Cleared:
        """Delete what was saved of a batch, but for the workspaces of failed rows if these are to stay."""
        assert batch.saved is not None
        try:
            left = clear(
                self._folder / RUNS,
                self.parts(batch),
                mode=batch.saved.mode,
                saved=self._folder / batch.saved.path,
                sha256=batch.saved.sha256,
                stop=lambda: self._stop.now,
                keep=frozenset(self._failed_workspaces(batch)) if self._settings.keep_failed else frozenset(),
            )
        except Changed as problem:
            raise RunError(f"{problem}\n  move it away from there; then genstudy run goes on") from problem
        return Cleared(t=time.time(), batch=batch.entry.id, left=left)

    def _failed_workspaces(self, batch: BatchState) -> Iterator[str]:
        """Yield the workspaces of failed rows: `study/step/row_7`."""
        rows = batch_rows(self._folder, self._manifest, batch.entry)
        for study, ran in batch.study_of:
            failed = batch.failed & ran
            if failed and rows.values:  # inline: workspaces are named by values
                yield from _named_by_values(self._folder / RUNS, study, rows, failed)
            elif failed:
                for step in self._manifest.steps:
                    if step.runs == "row":
                        folder = f"{study}/{folder_name(step.name)}/{LABEL}"
                        yield from (folder + rows.id_of(number) for number in failed)


def _named_by_values(runs: Path, study: str, rows: BatchRows, failed: Rows) -> Iterator[str]:
    status = read_status(runs / study)
    finder = RowFinder(rows)
    for run in status.runs if status else ():
        if any(number in failed for number in finder.find(run.label, run.params)):
            yield f"{study}/{run.folder}/{run.label}"

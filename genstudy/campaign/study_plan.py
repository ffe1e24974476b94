"""What the next study of a batch will run, worked out and checked before it is begun."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genstudy.batches.rows import batch_rows
from genstudy.campaign.environment import for_scheduler, scrubbed
from genstudy.campaign.store import new_study_folder
from genstudy.campaign.unchanged import check_unchanged
from genstudy.maestro.process import scheduler_of
from genstudy.maestro.specs import job_scripts, load_spec
from genstudy.specs.manifest import PGEN_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from genstudy.batches.rows import BatchRows
    from genstudy.campaign.store import Store
    from genstudy.ledger.ranges import Rows
    from genstudy.ledger.state import BatchState
    from genstudy.specs.manifest import Manifest
    from genstudy.specs.running import RunSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPlan:
    """What a study runs. folder: where it shall be; wanted: its rows, of those of the batch.

    whole: whether the batch's rows have to be run together. before: the command that comes first, with
    `variables` in its environment. last_step: the last step that runs once a row, if it leaves a done mark.
    canary: whether it is a trial.
    """

    batch: str
    folder: Path
    spec: Path
    pgen: Path | None
    rows: BatchRows
    wanted: Rows
    whole: bool
    options: Sequence[str]
    environ: Mapping[str, str]
    sleep: int | None
    before: str | None
    variables: Mapping[str, str]
    last_step: str | None
    canary: bool = False


class Planner:
    """Plans a campaign's studies. whole: whether batches have to be run as a whole, never in parts.

    withheld: names of environment variables that steps do not get.
    """

    def __init__(self, folder: Path, manifest: Manifest, settings: RunSettings, store: Store) -> None:
        self._folder, self._manifest, self._settings, self._store = folder, manifest, settings, store
        self.whole = manifest.whole_batches
        per_row = [step for step in manifest.steps if step.runs == "row"]
        marked = bool(per_row) and per_row[-1].mark and manifest.pgen_sha256 is not None
        self._last_step = per_row[-1].name if marked else None
        self._environ, self.withheld = scrubbed(os.environ, settings.pass_env)
        spec = folder / manifest.batches[0].spec
        kind = scheduler_of(spec)
        if kind != "local":
            # Batches differ in their rows alone.
            scripts = (
                job_scripts(load_spec(spec.read_text(encoding="utf-8"), str(spec))) if kind != "flux" else ""
            )
            self._environ = for_scheduler(self._environ, scripts)

    def plan(self, batch: BatchState, wanted: Rows, *, canary: bool) -> StudyPlan:
        """Return what a study of these rows of a batch runs.

        Raises UserError where the campaign has changed since it was made.
        """
        entry, settings = batch.entry, self._settings
        check_unchanged(self._folder, self._manifest, entry)
        study = new_study_folder(self._folder, batch)
        rows = batch_rows(self._folder, self._manifest, entry)
        options = maestro_options(settings)
        if wanted != batch.rows:
            options += ["--pargs", f"ROWS:@{self._store.write_rows(study, rows, wanted)}"]
        return StudyPlan(
            batch=entry.id,
            folder=study,
            spec=self._folder / entry.spec,
            pgen=self._folder / PGEN_NAME if self._manifest.pgen_sha256 else None,
            rows=rows,
            wanted=wanted,
            whole=self.whole,
            options=options,
            environ=self._environ,
            sleep=settings.sleep,
            before=settings.before,
            variables=self._store.hook_variables(batch, study),
            last_step=self._last_step,
            canary=canary,
        )


def maestro_options(settings: RunSettings) -> list[str]:
    """Return the options of `maestro run` that are handed on."""
    given = {
        "--throttle": settings.throttle,
        "--attempts": settings.attempts,
        "--rlimit": settings.rlimit,
    }
    return [text for name, value in given.items() if value is not None for text in (name, str(value))]

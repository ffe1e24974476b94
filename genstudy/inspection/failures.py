"""The rows of a campaign that failed, and the end of what each of them printed."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict, Field

from genstudy.archives.format import ArchiveError
from genstudy.batches.known import read_campaign
from genstudy.batches.places import RUNS
from genstudy.batches.rows import LABEL, batch_rows
from genstudy.batches.stored import open_stored
from genstudy.campaign.logs import OUTPUT_BYTES, StudyRuns, failed_step_output, last_words
from genstudy.errors import UserError
from genstudy.ledger.ranges import Rows
from genstudy.ledger.state import LOST, Contradiction
from genstudy.maestro.specs import folder_name
from genstudy.maestro.status import STATUS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from genstudy.archives.format import Member
    from genstudy.batches.known import Known
    from genstudy.batches.rows import BatchRows
    from genstudy.batches.stored import Stored
    from genstudy.campaign.logs import StepOutput
    from genstudy.ledger.state import BatchState

KEPT = 4 * OUTPUT_BYTES
"""So many bytes at the end of a file are taken out of an archive."""

TAKEN = "its job ended before the row did"


class FailedRow(BaseModel):
    """A row that failed in its last try."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    row: int = Field(description="The row's number in the campaign's table.")
    id: str = Field(description="The row's id, which names its folder: row_<id>.")
    batch: str = Field(description="The batch's id.")
    attempt: int = Field(description="How many times the row was tried.")
    study: str = Field(description="The study that ran it; empty where none did.")
    step: str = Field(description="The step that failed first; empty where none can be named.")
    state: str = Field(description="Maestro's word for it, or the scheduler's; LOST: there is none.")
    stderr: str = Field(description="The end of what the step printed, or why there is nothing.")


class FailedRows:
    """The failed rows of a campaign as it was when this was made. count: how many they are."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self.count = known.state.tally.failed

    def __iter__(self) -> Iterator[FailedRow]:
        """Yield each row and the end of what its step printed, batch by batch."""
        return self.among(None)

    def among(self, wanted: Rows | None) -> Iterator[FailedRow]:
        """Yield those that are among these row numbers; None: all."""
        batches = self._known.state.batches.values()
        again = [batch for batch in batches if batch.entry.attempt > 1]
        last = {row: batch.entry.id for batch in again for row in batch.rows}
        for batch in batches:
            if batch.failures and (wanted is None or batch.failed & wanted):
                yield from _failed_of(self._known, batch, last, wanted)


def failed_rows(folder: str | Path) -> FailedRows:
    """Return the rows that failed in their last try; iterating over them gives a FailedRow each.

    Rows that are being tried again, or went well when they were, are left out. Raises UserError where the
    folder is no campaign.
    """
    return FailedRows(read_campaign(Path(folder)))


def _failed_of(
    known: Known, batch: BatchState, last: dict[int, str], wanted: Rows | None
) -> Iterator[FailedRow]:
    """Yield the wanted failed rows of a batch. last: {row: the batch of its last try} of rows tried again."""
    rows = None
    steps = {step.name for step in known.manifest.steps}
    with _Outputs(known.folder, batch) as outputs:
        for failure in batch.failures:
            failed = Rows.parse(failure.rows)
            for number in failed if wanted is None else failed & wanted:
                if last.get(number, batch.entry.id) != batch.entry.id:
                    continue
                rows = rows or batch_rows(known.folder, known.manifest, batch.entry)
                study = next((name for name, ran in batch.study_of if number in ran), "")
                text = outputs.last_words(study) if failure.state == LOST else ""
                if failure.step in steps and not text:
                    text = outputs.end_of(study, failure.step, rows.id_of(number), rows)
                elif not text and batch.taken is not None and number in batch.taken:
                    text = TAKEN
                yield FailedRow(
                    row=number,
                    id=rows.id_of(number),
                    batch=batch.entry.id,
                    attempt=batch.entry.attempt,
                    study=study,
                    step=failure.step,
                    state=failure.state,
                    stderr=text or batch.note,
                )


class _Outputs:
    """Finds what the steps of a batch printed: in its workspaces, else in its archive."""

    def __init__(self, folder: Path, batch: BatchState) -> None:
        mode = batch.saved and batch.saved.mode
        self._folder, self._batch = folder, batch
        self._runs = folder / batch.saved.path if batch.saved and mode == "move" else folder / RUNS
        self._in_archive = mode == "archive"
        self._archive: Stored | None = None
        self._stack = ExitStack()
        self._copied: set[str] = set()
        self._recorded: dict[Path, StudyRuns] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def end_of(self, study: str, step: str, row_id: str, rows: BatchRows) -> str:
        """Return the end of what a row's step printed, or why there is nothing to be shown."""
        if Path(study).name != study or study == "..":
            raise Contradiction(f"the ledger names the study {study!r}, which is no folder's name")
        workspace = self._runs / study / folder_name(step) / f"{LABEL}{row_id}"
        if not self._in_archive or workspace.is_dir():
            place = self._runs / study
            return failed_step_output(place, step, row_id, recorded=self._recorded_in(place, rows)).text
        try:
            return self._archived(study, step, row_id, rows).text
        except (ArchiveError, UserError) as problem:  # which rows failed is known all the same
            return str(problem)

    def last_words(self, study: str) -> str:
        """Return why Maestro itself came to its end, as far as its log tells."""
        if not self._in_archive or not study:
            return last_words(self._runs / study) if study else ""
        try:
            self._open()
            self._copy(f"{study}.log")
        except (ArchiveError, UserError) as problem:
            return str(problem)
        return last_words(self._copies / study)

    def _recorded_in(self, study: Path, rows: BatchRows) -> StudyRuns:
        """Return what Maestro recorded of a study; that of the last one is kept."""
        if study not in self._recorded:
            self._recorded = {study: StudyRuns(study, rows)}
        return self._recorded[study]

    def _open(self) -> None:
        if self._archive is None:
            self._archive = self._stack.enter_context(open_stored(self._folder, self._batch))
            self._copies = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))

    def _archived(self, study: str, step: str, row_id: str, rows: BatchRows) -> StepOutput:
        """Copy what is wanted of the archive, and look there."""
        self._open()
        workspace = f"{study}/{folder_name(step)}/{LABEL}{row_id}"
        if self._copy(workspace):
            return failed_step_output(self._copies / study, step, row_id, rows)
        # Inline, and for steps that many rows share, the status tells which workspace it is.
        self._copy(f"{study}/{STATUS}")
        self._copy(f"{study}/{folder_name(step)}")
        place = self._copies / study
        return failed_step_output(place, step, row_id, recorded=self._recorded_in(place, rows))

    def _copy(self, prefix: str) -> bool:
        """Copy the ends of the files at or below a path; tell whether there are any."""
        assert self._archive is not None
        if prefix not in self._copied:
            for member in self._archive.members(prefix):
                self._copied.add(prefix)
                if member.kind == "f" and member.path.endswith((".out", ".err", ".log", STATUS)):
                    self._copy_end(member)
        return prefix in self._copied

    def _copy_end(self, member: Member) -> None:
        assert self._archive is not None
        parts = member.path.split("/")
        if any(part in {"", ".", ".."} for part in parts):
            raise Contradiction(f"{self._archive.path}: {member.path!r} leads elsewhere")
        target = self._copies.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        kept = b""
        for data in self._archive.chunks(member):
            kept = kept + data if parts[-1] == STATUS else (kept + data)[-KEPT:]
        target.write_bytes(kept)
        os.utime(target, ns=(member.mtime_ns, member.mtime_ns))

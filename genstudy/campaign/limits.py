"""When a run had better end: too many rows failed, or Maestro makes no headway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genstudy.errors import RunError

if TYPE_CHECKING:
    from genstudy.ledger.records import Ended
    from genstudy.ledger.state import BatchState
    from genstudy.ledger.tally import Tally
    from genstudy.specs.running import RunSettings

TOO_OFTEN = 3
"""So many deaths of Maestro in one batch with no row done, or batches without a study, end the run."""

SEE = "genstudy status --failed shows them; genstudy retry, then genstudy run, tries them again"


class Limits:
    """Looks at each study that ended. `settings` say how many failed rows are put up with."""

    def __init__(self, settings: RunSettings) -> None:
        self._settings = settings
        self._deaths: dict[str, int] = {}
        self._no_study = 0

    def crossed(self, batch: BatchState, ended: Ended, tally: Tally) -> RunError | None:
        """Return why the run shall end after this study of a batch, if it shall."""
        return self._dying(batch.entry.id, ended) or self._nothing_made(ended) or self.failing(tally)

    def _dying(self, batch: str, ended: Ended) -> RunError | None:
        died = ended.how == "killed" and not ended.done and not ended.failed
        self._deaths[batch] = self._deaths.get(batch, 0) + 1 if died else 0
        if self._deaths[batch] < TOO_OFTEN:
            return None
        return RunError(
            f"Maestro was killed {self._deaths[batch]} times in batch {batch} before a row was done\n"
            "  is there enough memory? its rows are pending: genstudy run goes on with them"
        )

    def _nothing_made(self, ended: Ended) -> RunError | None:
        self._no_study = self._no_study + 1 if ended.note and not ended.done else 0
        if self._no_study < TOO_OFTEN:
            return None
        return RunError(
            f"Maestro made no study of the last {self._no_study} batches: {ended.note}\n"
            "  mend that, then: genstudy retry, genstudy run"
        )

    def failing(self, tally: Tally) -> RunError | None:
        """Return why the run shall end for its failed rows, if it shall."""
        limit, rate = self._settings.max_failures, self._settings.max_failure_rate
        ended = tally.done + tally.failed
        if limit is not None and tally.failed > limit:
            rows = "1 row" if tally.failed == 1 else f"{tally.failed:,} rows"
            return RunError(f"{rows} failed, and --max-failures is {limit}\n  {SEE}")
        if rate is not None and ended and tally.failed / ended > rate:
            share = f"{tally.failed:,} of {ended:,} rows failed"
            return RunError(f"{share}, and --max-failure-rate is {rate:g}\n  {SEE}")
        return None

"""The canary: a few rows first, what they cost, and what all the others will by that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from genstudy.archives.trees import count_entries
from genstudy.ledger.ranges import Rows
from genstudy.maestro.process import exit_meaning
from genstudy.units import counted, size_text, time_text

if TYPE_CHECKING:
    from genstudy.campaign.batch_study import RunningStudy
    from genstudy.ledger.records import Ended
    from genstudy.ledger.tally import Tally
    from genstudy.specs.running import RunSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a canary came to. record: what goes into the ledger; stop: why the run ends here, if it does."""

    lines: tuple[str, ...]
    record: Ended
    stop: str = ""


def judge_canary(study: RunningStudy, ended: Ended, tally: Tally, settings: RunSettings) -> Verdict:
    """Return what the canary tells: its cost and the projection, or that the run had better end."""
    plan = study.plan
    count = len(plan.wanted)
    failures = [f"rows {failure.rows}: {failure.step} {failure.state}".strip() for failure in ended.failed]
    # Where a step waits for all rows of its batch, rows that ran without the others do not count.
    record = ended.model_copy(update={"done": "", "failed": ()}) if plan.whole else ended
    if failures or len(Rows.parse(ended.done)) < count:
        reason = "; ".join(failures) or ended.note or _meaning(ended.code)
        stop = f"the canary failed: {reason}\n  its study is {plan.folder}, its log {plan.folder.name}.log"
        return Verdict(lines=(), record=record, stop=stop)
    entries, nbytes = count_entries(plan.folder)
    seconds = ended.seconds or 0.0
    left = tally.pending - (0 if plan.whole else count)
    per_row = (
        f"{time_text(seconds / count)}, {entries / count:.1f} files and {size_text(nbytes / count)} a row"
    )
    flight = min(settings.jobs + (settings.save != "keep"), -(-left // len(plan.rows.numbers))) or 1
    peak = min(flight * len(plan.rows.numbers), left) if settings.save != "keep" else left
    time_left = time_text(left * seconds / count / settings.jobs)
    will = f"make {left * entries / count:,.0f} files and {size_text(left * nbytes / count)}"
    at_once = f"{peak * entries / count:,.0f} files at a time"
    took = f"canary: {counted(count, 'row')} took {time_text(seconds)}: {per_row}"
    will_take = f"canary: {counted(left, 'row')} left will take about {time_left} with --jobs {settings.jobs}"
    return Verdict(lines=(took, f"{will_take}, {will}, {at_once}"), record=record)


def _meaning(code: int | None) -> str:
    return exit_meaning(code) if code is not None else "it was stopped"

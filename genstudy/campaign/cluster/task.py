"""A task of a scheduler: one batch of a campaign, run where the scheduler put it.

It takes the batch's own ledger over from an earlier try of the same task, which a node that died or a requeue
cut short, and goes on where that was. Whoever was there before can record nothing any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from genstudy.campaign.cluster.wave import read_task
from genstudy.campaign.keeping import Keeper
from genstudy.campaign.runner import Runner
from genstudy.campaign.stop import Stop
from genstudy.errors import one_line
from genstudy.ledger.lease import Fenced
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.state import CampaignState
from genstudy.ledger.tasks import tasks_folder
from genstudy.maestro.version import check_version

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from genstudy.campaign.progress import RunReport


def run_task(
    wave: Path, index: int, *, stop: Stop | None = None, tell: Callable[[str], None] = lambda _: None
) -> RunReport | None:
    """Run a task's batch, save it and clear it; results are left to those who follow the wave.

    None where nobody wants it done any more. Raises as run_campaign does; Fenced where the task was started
    once more elsewhere, or its batch was taken back.
    """
    check_version()
    task = read_task(wave, index)
    campaign, entry = wave.parent.parent, task.batch
    ledger = Ledger(campaign).task(task.wave, entry.id)
    try:
        owner = ledger.take_over({"task": index, "wave": task.wave})
    except FileNotFoundError:
        owner = None
    if owner is None:
        tell(f"batch {entry.id}: wave {task.wave} is over, or has given this batch up: nothing is done")
        return None
    with owner:
        try:
            state = CampaignState(task.manifest, [*task.records, *ledger.batch_records()])
            settings = task.settings.model_copy(
                update={"jobs": 1, "max_files": None, "max_failures": None, "max_failure_rate": None}
            )
            keeper = Keeper(campaign, task.manifest, owner, state, settings, stop=stop or Stop(), tell=tell)
            report = Runner(keeper, settings, parts=task.settings.jobs).run()
            owner.reason = report.reason
        except Fenced as problem:
            if tasks_folder(campaign, task.wave).exists():
                raise
            text = f"batch {entry.id} was taken back, and wave {task.wave} is over: this task does no more"
            raise Fenced(text) from problem
        except Exception as problem:
            owner.reason = one_line(problem) or type(problem).__name__
            raise
    return report

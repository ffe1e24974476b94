"""A campaign's batches handed to a scheduler, as one call: submitted, followed, or cancelled."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genstudy.batches.slices import plain_name
from genstudy.campaign.cluster.dispatcher import SLOW, Dispatcher
from genstudy.campaign.cluster.submission import Submitter, job_plan
from genstudy.campaign.cluster.wave import last_scheduler
from genstudy.campaign.limits import Limits
from genstudy.campaign.opening import keeping
from genstudy.campaign.settings import choose_settings
from genstudy.campaign.stop import Stop
from genstudy.errors import UserError
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.state import CampaignState
from genstudy.maestro.process import scheduler_of
from genstudy.maestro.version import check_version
from genstudy.schedulers.cluster import ByHand, OnSlurm
from genstudy.schedulers.slurm import Slurm
from genstudy.specs.manifest import read_manifest
from genstudy.specs.scheduler import SchedulerSettings, choose_scheduler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from genstudy.campaign.progress import Progress, RunReport
    from genstudy.ledger.state import Wave
    from genstudy.schedulers.cluster import Cluster
    from genstudy.specs.manifest import Manifest
    from genstudy.specs.running import RunSettings


def submit_campaign(
    folder: str | Path,
    settings: Mapping[str, Any] | None = None,
    *,
    scheduler: str | None = None,
    job: Sequence[str] = (),
    follow: bool = False,
    max_batches: int | None = None,
    stop: Stop | None = None,
    tell: Callable[[str], None] = lambda _: None,
    watch: Callable[[Progress], None] | None = None,
) -> RunReport:
    """Hand the pending batches of a campaign to a scheduler, each as one task of a job array.

    folder, settings, max_batches, stop, tell, watch: as in run_campaign; `jobs` is how many studies a task
    runs side by side. scheduler, job: as `--scheduler` and `--job KEY=VALUE`; they win over what the campaign
    says. follow: stay until nothing is left, and hand over more as room comes; otherwise return at once. What
    tasks that ended have recorded is taken either way.

    Raises UserError where the campaign cannot be handed over, and RunError where the scheduler refuses it.
    """
    folder = Path(folder).absolute()
    if max_batches is not None and max_batches < 1:
        raise UserError(f"max_batches must be at least 1, not {max_batches}")
    manifest = read_manifest(folder)
    chosen = choose_settings(folder, manifest, settings or {})
    wanted = _wanted(folder, manifest, scheduler, job)
    check_version()
    cluster = _cluster(wanted)
    cluster.check()
    if follow and not cluster.asked:
        raise UserError(
            f"genstudy cannot ask {wanted.type.capitalize()} how its jobs are, so it cannot follow them",
            hint="genstudy submit writes the script; call it again to take up what has ended; "
            "--scheduler local runs the rest from here",
        )
    asked = {"submit": not follow, "scheduler": scheduler, "job": list(job)}
    asked = {key: value for key, value in asked.items() if value}
    with _dispatching(
        folder, chosen, wanted, cluster, stop or Stop(), tell, asked, watch=watch, max_batches=max_batches
    ) as dispatcher:
        return dispatcher.run(follow=follow)


def next_script(
    folder: str | Path,
    settings: Mapping[str, Any] | None = None,
    *,
    scheduler: str | None = None,
    job: Sequence[str] = (),
) -> str:
    """Return the script of the job that `submit_campaign` would hand over next; nothing is written.

    It has all pending batches for its tasks, whatever room the scheduler has.
    """
    folder = Path(folder).absolute()
    manifest = read_manifest(folder)
    chosen = choose_settings(folder, manifest, settings or {})
    wanted = _wanted(folder, manifest, scheduler, job)
    state = CampaignState(manifest, Ledger(folder).records())
    waiting = sum(not batch.ended and batch.wave is None for batch in state.batches.values())
    if not waiting:
        raise UserError("no batch is waiting to be handed over", where=str(folder))
    wave = state.last_wave + 1
    token = f"genstudy-TOKEN-{wave}"  # drawn when it is handed over
    plan = job_plan(folder, manifest, chosen, wanted, wave=wave, tasks=waiting, token=token)
    return _cluster(wanted).script(plan)


def cancel_waves(folder: Path, tell: Callable[[str], None]) -> RunReport:
    """Cancel the jobs that have batches of a campaign, which nobody follows, and take what they recorded."""
    manifest = read_manifest(folder)
    state = CampaignState(manifest, Ledger(folder).own_records())
    kinds = {wave.scheduler for wave in state.waves.values()}
    cluster: Cluster = ByHand() if kinds == {"flux"} else OnSlurm(Slurm())
    chosen = choose_settings(folder, manifest, {})
    wanted = SchedulerSettings.model_validate({"type": cluster.name})
    cluster.check()
    with _dispatching(folder, chosen, wanted, cluster, Stop(), tell, {"cancel": True}) as dispatcher:
        return dispatcher.cancel()


def batches_as_jobs(
    folder: Path, manifest: Manifest, scheduler: str | None, job: Sequence[str]
) -> SchedulerSettings | None:
    """Return how a campaign's batches are jobs of a scheduler; None where they are not.

    Where neither this call nor the campaign names a scheduler, it is that of the last wave, if there was one.
    Raises UserError where that cannot be.
    """
    said = manifest.scheduler or last_scheduler(folder)
    kind = scheduler_of(folder / plain_name(manifest.batches[0].spec))
    if kind != "local":
        if scheduler is not None or job:
            raise UserError(
                f"the steps of this campaign are jobs of {kind} themselves",
                where=str(folder),
                hint="run it without --scheduler and --job; or make it anew with --job submit=batches",
            )
        return None
    wanted = choose_scheduler(said, scheduler, job)
    if wanted is not None and wanted.type == "lsf":
        raise UserError(
            "batches are handed to Slurm and Flux only",
            hint="for LSF make the campaign with --scheduler lsf: each step of each row is a job then",
        )
    return wanted


def named(waves: Iterable[Wave]) -> str:
    """Return the schedulers of waves, in words."""
    return " and ".join(sorted({wave.scheduler.capitalize() for wave in waves}))


def _wanted(folder: Path, manifest: Manifest, scheduler: str | None, job: Sequence[str]) -> SchedulerSettings:
    wanted = batches_as_jobs(folder, manifest, scheduler, job)
    if wanted is None:
        raise UserError(
            "the batches of this campaign are no jobs",
            where=str(folder),
            hint="pass --scheduler slurm; genstudy run runs it from here",
        )
    return wanted


def _cluster(wanted: SchedulerSettings) -> Cluster:
    return ByHand() if wanted.type == "flux" else OnSlurm(Slurm())


@contextmanager
def _dispatching(
    folder: Path,
    chosen: RunSettings,
    wanted: SchedulerSettings,
    cluster: Cluster,
    stop: Stop,
    tell: Callable[[str], None],
    asked: Mapping[str, Any],
    *,
    watch: Callable[[Progress], None] | None = None,
    max_batches: int | None = None,
) -> Iterator[Dispatcher]:
    """Own a campaign, and give what hands its batches over. asked: what else was, for the ledger."""
    if chosen.to is not None:  # tasks are started in another folder
        chosen = chosen.model_copy(update={"to": str(Path(chosen.to).absolute())})
    with keeping(folder, chosen, stop, tell, asked=asked) as keeper:
        others = [wave for wave in keeper.state.waves.values() if wave.scheduler != cluster.name]
        if others:
            raise UserError(
                f"batches of this campaign are in the hands of {named(others)}",
                where=str(folder),
                hint="genstudy cancel takes them back",
            )
        ledger = Ledger(folder)
        yield Dispatcher(
            keeper,
            ledger,
            Submitter(keeper, ledger, cluster, chosen, wanted),
            Limits(chosen),
            asked=cluster.asked,
            watch=watch,
            max_batches=max_batches,
            pause=SLOW if chosen.sleep is None else float(chosen.sleep),
        )

"""A campaign run, as one call."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genstudy.campaign.cluster.submit import batches_as_jobs, named, submit_campaign
from genstudy.campaign.opening import keeping
from genstudy.campaign.runner import Runner
from genstudy.campaign.scheduler_checks import check_scheduler
from genstudy.campaign.settings import choose_settings
from genstudy.campaign.stop import Stop
from genstudy.campaign.study_process import study_command
from genstudy.errors import UserError
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.state import CampaignState
from genstudy.maestro.version import check_version
from genstudy.specs.manifest import read_manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from genstudy.campaign.progress import Progress, RunReport


def run_campaign(
    folder: str | Path,
    settings: Mapping[str, Any] | None = None,
    *,
    scheduler: str | None = None,
    job: Sequence[str] = (),
    max_batches: int | None = None,
    canary: int | None = None,
    stop: Stop | None = None,
    tell: Callable[[str], None] = lambda _: None,
    watch: Callable[[Progress], None] = lambda _: None,
) -> RunReport:
    """Run every pending batch of a campaign with Maestro: judge it, record it, save it and clear it.

    Where the campaign has results, those of a batch are collected once it is saved, and before it is cleared.

    folder: made by make_specs or build_study. settings: keys of RunSettings, which win over what the study
    file said. scheduler, job: as `--scheduler` and `--job KEY=VALUE`: with a scheduler each batch is a job of
    it, and this follows the jobs until nothing is left. max_batches: begin no more than these. canary: run so
    many rows first, and say what all will take. stop: through which others ask the run to end. tell: gets a
    line for people at each event. watch: gets the state of things every second or so.

    Whatever ends it, the next call goes on where it was. Raises UserError where the campaign is not as it was
    made, or somebody else runs it, and RunError where it had to be ended.
    """
    folder = Path(folder).absolute()
    for name, value in (("max_batches", max_batches), ("canary", canary)):
        if value is not None and value < 1:
            raise UserError(f"{name} must be at least 1, not {value}")
    manifest = read_manifest(folder)
    if batches_as_jobs(folder, manifest, scheduler, job) is not None:
        if canary:
            raise UserError(
                "a canary runs on this machine, and the batches are jobs",
                hint="pass --scheduler local too; or --max-batches 1, for one job first",
            )
        return submit_campaign(
            folder,
            settings,
            scheduler=scheduler,
            job=job,
            follow=True,
            max_batches=max_batches,
            stop=stop,
            tell=tell,
            watch=watch,
        )
    chosen = choose_settings(folder, manifest, settings or {})
    check_version()
    check_scheduler(folder, manifest, chosen, tell)
    if canary and manifest.settings.mode == "inline":
        raise UserError(
            "a canary needs a pgen, and these specifications are inline", hint="run without --canary"
        )
    with keeping(folder, chosen, stop or Stop(), tell) as keeper:
        if keeper.state.waves:
            raise UserError(
                f"batches of this campaign are in the hands of {named(keeper.state.waves.values())}",
                where=str(folder),
                hint="without --scheduler local they are taken up as they end; genstudy cancel ends them",
            )
        return Runner(keeper, chosen, watch=watch, max_batches=max_batches, canary=canary).run()


def planned_commands(
    folder: str | Path,
    settings: Mapping[str, Any] | None = None,
    *,
    scheduler: str | None = None,
    job: Sequence[str] = (),
) -> Iterator[str]:
    """Yield the command line of each study that a run would start next, a batch each, as a shell takes it.

    With a scheduler these are what the batches' jobs start.
    """
    from genstudy.campaign.store import new_study_folder
    from genstudy.campaign.study_plan import maestro_options

    folder = Path(folder).absolute()
    manifest = read_manifest(folder)
    batches_as_jobs(folder, manifest, scheduler, job)
    chosen = choose_settings(folder, manifest, settings or {})
    state = CampaignState(manifest, Ledger(folder).records())
    for batch in state.batches.values():
        if not batch.ended and batch.wave is None:
            study = new_study_folder(folder, batch)
            command = study_command(
                folder / batch.entry.spec,
                folder / "pgen.py" if manifest.pgen_sha256 else None,
                study,
                options=maestro_options(chosen),
                sleep=chosen.sleep,
            )
            rows = "" if batch.pending == batch.rows else f"  # rows {batch.pending}"
            yield shlex.join(["maestro", *command]) + rows

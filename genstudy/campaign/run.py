"""A campaign run, as one call."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from genstudy.campaign.collecting import open_collecting
from genstudy.campaign.keeping import Keeper
from genstudy.campaign.runner import Runner
from genstudy.campaign.stop import Stop
from genstudy.campaign.study_process import study_command
from genstudy.errors import UserError
from genstudy.files import check_new_folder
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.state import CampaignState
from genstudy.maestro.version import check_version
from genstudy.specs.manifest import Manifest, read_manifest
from genstudy.specs.running import RunSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from genstudy.campaign.progress import Progress, RunReport


def run_campaign(
    folder: str | Path,
    settings: Mapping[str, Any] | None = None,
    *,
    max_batches: int | None = None,
    canary: int | None = None,
    stop: Stop | None = None,
    tell: Callable[[str], None] = lambda _: None,
    watch: Callable[[Progress], None] = lambda _: None,
) -> RunReport:
    """Run every pending batch of a campaign with Maestro: judge it, record it, save it and clear it.

    Where the campaign has results, those of a batch are collected once it is saved, and before it is cleared.

    folder: made by make_specs or build_study. settings: keys of RunSettings, which win over what the study
    file said. max_batches: begin no more than these. canary: run so many rows first, and say what all will
    take. stop: through which others ask the run to end. tell: gets a line for people at each event. watch:
    gets the state of things every second or so.

    Whatever ends it, the next call goes on where it was. Raises UserError where the campaign is not as it was
    made, or somebody else runs it, and RunError where it had to be ended.
    """
    folder = Path(folder).absolute()
    for name, value in (("max_batches", max_batches), ("canary", canary)):
        if value is not None and value < 1:
            raise UserError(f"{name} must be at least 1, not {value}")
    chosen = choose_settings(folder, read_manifest(folder), settings or {})
    check_version()
    ledger = Ledger(folder)
    with ledger.own({**chosen.model_dump(exclude_unset=True)}, tell) as owner:
        manifest = read_manifest(folder)  # nobody else changes it from here on
        state = CampaignState(manifest, ledger.records())
        if canary and manifest.settings.mode == "inline":
            raise UserError(
                "a canary needs a pgen, and these specifications are inline", hint="run without --canary"
            )
        stop = stop or Stop()
        try:
            with open_collecting(folder, manifest, owner, stop, tell) as collecting:
                keeper = Keeper(
                    folder, manifest, owner, state, chosen, stop=stop, tell=tell, collecting=collecting
                )
                runner = Runner(keeper, chosen, watch=watch, max_batches=max_batches, canary=canary)
                report = runner.run()
            owner.reason = report.reason
        except BaseException as problem:
            owner.reason = str(problem) or type(problem).__name__
            raise
    return report


def choose_settings(folder: Path, manifest: Manifest, given: Mapping[str, Any]) -> RunSettings:
    """Join what is given and what the study file said; the first wins."""
    said = manifest.run.model_dump(exclude_unset=True) if manifest.run else {}
    try:
        chosen = RunSettings.model_validate({**said, **given})
    except ValidationError as problem:
        first = problem.errors()[0]
        name = str(first["loc"][0]).replace("_", "-")
        raise UserError(f"--{name}: {first['msg'].removeprefix('Value error, ')}") from None
    if chosen.save == "move" and chosen.to is None:
        raise UserError("--save move needs a folder to move to", hint="pass --to FOLDER")
    if chosen.to is not None and chosen.save != "keep":
        _check_to(folder, chosen.to)
    return chosen


def _check_to(folder: Path, to: str) -> None:
    """Refuse a place for archives that is none before hours of work end there."""
    place = Path(to)
    if place.exists() and not place.is_dir():
        raise UserError("this is a file, not a folder", where=to, hint="pass --to FOLDER")
    for name, what in (("runs", "the runs of the campaign are"), ("ledger", "the ledger of the campaign is")):
        if place.resolve().is_relative_to((folder / name).resolve()):
            raise UserError(f"{what} there", where=to, hint="pass --to FOLDER, another one")
    if not place.exists():
        check_new_folder(place)


def planned_commands(folder: str | Path, settings: Mapping[str, Any] | None = None) -> Iterator[str]:
    """Yield the command line of each study that a run would start next, a batch each, as a shell takes it."""
    from genstudy.campaign.store import new_study_folder
    from genstudy.campaign.study_plan import maestro_options

    folder = Path(folder).absolute()
    manifest = read_manifest(folder)
    chosen = choose_settings(folder, manifest, settings or {})
    state = CampaignState(manifest, Ledger(folder).records())
    for batch in state.batches.values():
        if not batch.ended:
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

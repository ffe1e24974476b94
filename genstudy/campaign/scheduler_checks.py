"""Whether Maestro can hand in jobs here, and see them: looked at before steps that are jobs are run."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from typing import TYPE_CHECKING

from genstudy.campaign.environment import scrubbed
from genstudy.errors import UserError
from genstudy.maestro.process import SLEEP, scheduler_of
from genstudy.schedulers.answers import Unreachable
from genstudy.schedulers.folders import slurm_config
from genstudy.units import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from genstudy.specs.manifest import Manifest
    from genstudy.specs.running import RunSettings

PROGRAMS = {"slurm": ("sbatch", "squeue", "scancel"), "lsf": ("bsub", "bjobs", "bkill"), "flux": ()}
NOT_IN_PATHS = re.compile(r"[%\s;&|<>()$`\"'\\*?\[\]{}!\ud800-\udfff]")
"""What a shell would take for something else in a path: Maestro puts it into a command as it is.

After a % the scheduler fills in a job's number or the like.
"""

TOKEN = "SLURM_JWT"  # noqa: S105 - its name
"""What tells Slurm who asks, where munge does not."""

NUMBER = re.compile(r"\d+")
LOOKS = 2
"""Times that Maestro has to look at its jobs before Slurm forgets one."""


def check_scheduler(
    folder: Path, manifest: Manifest, settings: RunSettings, tell: Callable[[str], None]
) -> None:
    """Check that this machine can run a campaign's steps as jobs; nothing where Maestro runs them itself.

    tell: gets what a person should know. Raises UserError for what would leave rows behind or never end, and
    RunError where Slurm does not answer.
    """
    kind = scheduler_of(folder / manifest.batches[0].spec)
    if kind not in PROGRAMS:
        return
    missing = [name for name in PROGRAMS[kind] if shutil.which(name) is None]
    if missing:
        raise UserError(
            f"the steps are jobs of {kind}, and this machine has no {', '.join(missing)} on PATH",
            hint="run it on a machine that hands in jobs, or make the campaign anew: --scheduler local",
        )
    if kind == "flux":
        if importlib.util.find_spec("flux") is None:
            raise UserError(
                "the steps are jobs of flux, and Maestro's Python has no module 'flux'",
                hint="install flux-python of this machine's version into it: pip install flux-python",
            )
        tell("jobs of flux stay in its queue where a run is ended: flux cancel takes them out")
        return
    if found := NOT_IN_PATHS.search(str(folder)):
        raise UserError(
            f"the path has {found.group()!r}, and Maestro hands it to {kind} through a shell, unquoted",
            where=str(folder),
            hint="move the campaign's folder to a path of letters, digits, dots, dashes and underscores",
        )
    if kind == "lsf":
        tell("jobs of lsf stay in its queue where a run is ended: bkill takes them out")
        return
    _check_slurm(_config(settings), manifest, settings, tell)


def _config(settings: RunSettings) -> dict[str, str]:
    """Return the controller's settings, told as Maestro would be told: without what looks like a secret."""
    environ, withheld = scrubbed(os.environ, settings.pass_env)
    try:
        return slurm_config(environ)
    except Unreachable:
        if TOKEN not in withheld:
            raise
        slurm_config()
    raise UserError(
        f"this Slurm wants {TOKEN}, and Maestro writes its environment into a file that all can read: "
        "meta/environment.yaml of each study, which is archived too",
        hint=f"log in to a machine where squeue works without it; or pass --pass-env {TOKEN}, if nobody else "
        "reads this folder",
    )


def _check_slurm(
    config: Mapping[str, str], manifest: Manifest, settings: RunSettings, tell: Callable[[str], None]
) -> None:
    sleep = SLEEP if settings.sleep is None else settings.sleep
    age = _number(config, "MinJobAge")
    if config.get("AccountingStorageType", "").endswith("none") and 0 < age < LOOKS * sleep:
        raise UserError(
            f"this Slurm forgets a job {age} s after its end and keeps no accounts, and Maestro would look "
            f"at its jobs every {sleep} s: it would wait for forgotten ones for ever",
            hint=f"pass --sleep {max(age // (2 * LOOKS), 1)}",
        )
    most = _number(config, "MaxJobCount")
    rows = settings.jobs * manifest.settings.batch_size
    if 0 < most < rows and (not settings.throttle or settings.throttle * settings.jobs > most):
        raise UserError(
            f"up to {counted(rows, 'row')} would be handed in at a time, and this Slurm takes {most:,} jobs "
            "of all its users: the others would fail",
            hint=f"pass --throttle {max(most // (2 * settings.jobs), 1)}, or make smaller batches",
        )
    if config.get("EnforcePartLimits") == "NO":
        tell(
            "this Slurm takes jobs that no node can ever run, and keeps them waiting: if nothing moves, look "
            "at what squeue gives as the reason"
        )


def _number(config: Mapping[str, str], key: str) -> int:
    found = NUMBER.match(config.get(key, ""))
    return int(found.group()) if found else 0

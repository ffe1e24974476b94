"""A campaign stopped from outside, on whatever machine it runs: by a file that its owner looks for."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genstudy.campaign.cluster.submit import cancel_waves
from genstudy.errors import RunError
from genstudy.inspection.status import campaign_status
from genstudy.ledger.generations import BEAT, RECORDS, Generations
from genstudy.ledger.ledger import PATIENCE, Ledger

if TYPE_CHECKING:
    from collections.abc import Callable

    from genstudy.inspection.status_format import Status
    from genstudy.ledger.records import Owned

LOOK = 0.5
"""Seconds between looks whether the owner has stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """What became of a request to stop. owner: who was asked; None: nobody runs the campaign.

    before, after: the campaign's state when it was asked, and once the owner had stopped; after: None if
    that was not waited for.
    """

    owner: Owned | None
    before: Status
    after: Status | None


def cancel_campaign(
    folder: str | Path,
    *,
    wait: bool = True,
    patience: float = PATIENCE,
    tell: Callable[[str], None] = lambda _: None,
) -> Cancelled:
    """Ask the process that runs a campaign to stop at once, and wait until it has.

    Jobs of a scheduler are cancelled, whether a process follows them or not, and waited for in any case.
    What runs is ended, what finished is recorded; the next genstudy run goes on from there. patience: seconds
    without a sign of life after which the owner counts as dead: RunError. tell: gets a line while waiting.
    Raises UserError where the folder is no campaign.
    """
    folder = Path(folder)
    before = campaign_status(folder)
    owned = Ledger(folder).request_cancel()
    if owned is None and before.waves:
        cancel_waves(folder.absolute(), tell)
        return Cancelled(owner=None, before=before, after=campaign_status(folder))
    if owned is None:
        return Cancelled(owner=None, before=before, after=before)
    if not wait:
        return Cancelled(owner=owned, before=before, after=None)
    tell(f"asked process {owned.pid} of {owned.user} on {owned.host} to stop; waiting for its end")
    _wait(folder, owned, patience)
    return Cancelled(owner=owned, before=before, after=campaign_status(folder))


def _wait(folder: Path, owned: Owned, patience: float) -> None:
    """Return once the owner has given the campaign up, or another has taken it over."""
    ledger, files = Ledger(folder), Generations(folder)
    seen: object = None
    since = time.monotonic()
    while (now := ledger.owner()) is not None and now.generation == owned.generation:
        # Only what we see change counts: clocks of two machines need not agree.
        life = [files.read(kind, owned.generation) for kind in (BEAT, RECORDS)]
        if life != seen:
            seen, since = life, time.monotonic()
        elif time.monotonic() - since > patience:
            raise RunError(
                f"{folder}: process {owned.pid} of {owned.user} on {owned.host} has shown no sign of life "
                f"for {patience:g} s\n"
                "  it stops if it lives after all; if it is dead, genstudy run takes the campaign over"
            )
        time.sleep(LOOK)

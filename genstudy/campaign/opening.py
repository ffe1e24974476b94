"""A campaign taken over by this process, with what keeps its records and files."""

from __future__ import annotations

from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from genstudy.campaign.collecting import open_collecting
from genstudy.campaign.keeping import Keeper
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.state import CampaignState
from genstudy.specs.manifest import read_manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from genstudy.campaign.stop import Stop
    from genstudy.specs.running import RunSettings

NOTHING: Mapping[str, Any] = MappingProxyType({})


@contextmanager
def keeping(
    folder: Path,
    settings: RunSettings,
    stop: Stop,
    tell: Callable[[str], None],
    *,
    asked: Mapping[str, Any] = NOTHING,
) -> Iterator[Keeper]:
    """Own a campaign while this lasts, and give what keeps its records and files.

    asked: what else was asked for, for people to read in the ledger. Its state is what the campaign's own
    ledger tells, without what tasks have recorded that still have batches. Raises UserError where somebody
    else owns it.
    """
    ledger = Ledger(folder)
    with ledger.own({**asked, **settings.model_dump(exclude_unset=True)}, tell) as owner:
        manifest = read_manifest(folder)  # nobody else changes it from here on
        state = CampaignState(manifest, ledger.own_records())
        try:
            with open_collecting(folder, manifest, owner, stop, tell) as collecting:
                keeper = Keeper(
                    folder, manifest, owner, state, settings, stop=stop, tell=tell, collecting=collecting
                )
                try:
                    yield keeper
                finally:
                    keeper.close()
            owner.reason = stop.reason
        except BaseException as problem:
            owner.reason = str(problem) or type(problem).__name__
            raise

"""A campaign's manifest and state, read by anybody, while others may change both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genstudy.ledger.ledger import Ledger
from genstudy.ledger.state import CampaignState, Contradiction
from genstudy.specs.manifest import read_manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from genstudy.ledger.records import Record
    from genstudy.specs.manifest import Manifest


def read_state(
    folder: Path, notice: Callable[[Record], None] = lambda _: None
) -> tuple[Manifest, CampaignState]:
    """Return a campaign's manifest, and the sum of its records, none of which is kept besides.

    notice: gets each record; all of them a second time where batches were added to the manifest meanwhile.
    Raises UserError where the folder is no campaign, and GenstudyError where its ledger is damaged.
    """
    manifest = read_manifest(folder)
    while True:
        try:
            return manifest, CampaignState(manifest, _noticed(Ledger(folder).records(), notice))
        except Contradiction:
            # The records may be of batches that genstudy retry added just now.
            newer = read_manifest(folder)
            if newer == manifest:
                raise
            manifest = newer


def _noticed(records: Iterator[Record], notice: Callable[[Record], None]) -> Iterator[Record]:
    for record in records:
        notice(record)
        yield record

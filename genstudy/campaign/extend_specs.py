"""What the specifications of a campaign's batches have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genstudy.batches.showing import difference
from genstudy.batches.slices import plain_name
from genstudy.campaign.extend_rows import OF_NEW_ROWS
from genstudy.campaign.unchanged import check_spec_unchanged, check_unchanged
from genstudy.errors import UserError
from genstudy.specs.rebake import BATCH, common_text

if TYPE_CHECKING:
    from pathlib import Path

    from genstudy.batches.known import Known
    from genstudy.specs.manifest import BatchEntry

SHOWN_LINES = 10


def common_spec(known: Known) -> str:
    """Return the specification of a campaign's first batch, from which all others differ in their rows alone.

    Raises UserError where one does not: what the template would write for a further batch is not known then.
    It raises it for a specification, or a pgen, that is not as it was made.
    """
    first, *others = known.originals
    check_unchanged(known.folder, known.manifest, first)
    text = _read(known.folder, first)
    common = common_text(text, first.name)
    for batch in others:
        check_spec_unchanged(known.folder, known.manifest, batch)
        found = common_text(_read(known.folder, batch), batch.name)
        if found != common:
            raise _differs(known, first, common, batch, found)
    return text


def _read(folder: Path, batch: BatchEntry) -> str:
    return (folder / plain_name(batch.spec)).read_bytes().decode()


def _differs(known: Known, first: BatchEntry, common: str, batch: BatchEntry, found: str) -> UserError:
    lines = (text.replace(BATCH, "BATCH").splitlines() for text in (common, found))
    shown = difference(*lines, lines=SHOWN_LINES)
    return UserError(
        "\n    ".join([f"it differs from {first.spec} in more than its rows:", *shown]),
        where=str(known.folder / batch.spec),
        hint=f"what the template has for new batches is not known; {OF_NEW_ROWS} {known.manifest.table.rows}",
    )

"""What is kept of a campaign besides its table and its archives, and how often a scheduler is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from genstudy.planning.plan import OWN
from genstudy.schedulers.waves import MOST_TASKS

if TYPE_CHECKING:
    from genstudy.planning.plan import Budget, Needs

MANIFEST_BYTES = 280
"""Of a batch's entry in the manifest."""

LEDGER_BYTES = 650
"""Of a batch's records in the ledger, if no row of it failed and no study of it was cut short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What grows with the batches.

    waves: jobs of a scheduler, where each batch is a task of one. files: files and folders in the end,
    workspaces of failed rows not counted. manifest, ledger: their bytes, about.
    """

    waves: int
    files: int
    manifest: int
    ledger: int


def scale_of(needs: Needs, budget: Budget) -> Scale:
    """Return what a campaign of such batches comes to in the end."""
    # A specification, and an archive or a folder to which the files were moved.
    kept = needs.files if budget.save == "keep" else OWN + 2 * needs.batches
    return Scale(
        waves=-(-needs.batches // MOST_TASKS),
        files=kept,
        manifest=MANIFEST_BYTES * needs.batches,
        ledger=LEDGER_BYTES * needs.batches,
    )

"""The rows of a campaign as a design: its table summed up, and how well it fills its space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from genstudy.plots.campaign import summarize_campaign
from genstudy.plots.coverage import coverage_lines, coverage_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genstudy.batches.known import Known
    from genstudy.plots.summary import DesignSummary

COVERED = 40
"""Coverage is told of so many parameters: every pair of them is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """Parameters summed up. coverage: in words, how well the rows fill their box; of `covered` of these."""

    summary: DesignSummary
    coverage: Sequence[str]
    covered: int


def design_of(known: Known) -> Design:
    """Sum up the rows of a campaign: those of its table that are in its batches.

    Raises UserError where the table is missing, or is not what it was when the campaign was made.
    """
    summary = summarize_campaign(known.folder, known.manifest)
    names = summary.names[:COVERED]
    coverage = coverage_lines(coverage_of(summary, names), summary.rows)
    return Design(summary=summary, coverage=coverage, covered=len(names))

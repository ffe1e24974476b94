"""A report as one HTML page: no script, no network, every value escaped."""

from __future__ import annotations

import shlex
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

import genstudy
from genstudy.plots.timeline import APART
from genstudy.reports.data import Missing
from genstudy.reports.links import links_of
from genstudy.reports.outputs import Outcomes
from genstudy.reports.pictures import FIRST, draw, shown
from genstudy.reports.words import FILTERS, harmless, width
from genstudy.units import counted, time_text

if TYPE_CHECKING:
    from genstudy.plots.columns import ColumnSummary
    from genstudy.plots.summary import DesignSummary
    from genstudy.reports.data import Report

GENERATOR = "genstudy report"
TITLES = {
    "timeline": "Timeline of the batches",
    "states": "What became of the rows",
    "failures": "Failures",
    "design": "The design",
    "results": "Results against parameters",
    "disk": "Disk and files",
    "record": "For the record",
}
KINDS = ("done", "failed", "pending")
RESULTS = 30
"""So many results are described at once; the others are behind a fold."""


def page_of(report: Report) -> str:
    """Return the page of a report, its pictures drawn."""
    status = report.status
    place = shlex.quote(report.folder)
    first, folded = shown(report.order)
    results = report.results if isinstance(report.results, Outcomes) else None
    return _template().render(
        report=report,
        status=status,
        history=report.history,
        pictures=draw(report),
        titles=TITLES,
        lead=lead_of(report),
        first=first,
        folded=folded,
        columns={} if isinstance(report.design, Missing) else _by_name(report.design.summary),
        most=FIRST,
        results_first=RESULTS,
        apart=APART,
        links=links_of(results.found, report.order) if results else None,
        bar=[(kind, width(getattr(status.rows, kind), status.rows.total)) for kind in KINDS],
        commands={word: f"genstudy {word} {place}" for word in ("run", "collect", "why", "query", "analyze")},
        generator=GENERATOR,
        version=genstudy.__version__,
        zone=time.strftime("%Z", time.localtime(report.made)) or "local",
    )


def _by_name(design: DesignSummary) -> dict[str, ColumnSummary]:
    return {column.name: column for column in design.columns}


def lead_of(report: Report) -> str:
    """Return the report's first sentence: the state, and how far the campaign is."""
    status = report.status
    rows = status.rows
    said = f"{rows.done:,} of {counted(rows.total, 'row')} done"
    said += f", {rows.failed:,} failed" if rows.failed else ", none failed"
    match status.state:
        case "new":
            return f"Not run yet: {counted(rows.total, 'row')} in {counted(status.batches.total, 'batch')}."
        case "running":
            left = f", about {time_text(status.left)} left" if status.left else ""
            return f"Running when this was written: {said}, {rows.pending:,} pending{left}."
        case "submitted":
            return f"In the scheduler's hands when this was written: {said}, {rows.pending:,} pending."
        case "finished":
            return f"Finished: {said}."
        case "died":
            return f"Not running; its last process ended without a word: {said}, {rows.pending:,} pending."
        case "stopped":
            reason = f" ({' '.join(status.reason.split())})" if status.reason else ""
            return f"Stopped before its end{reason}: {said}, {rows.pending:,} pending."


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=harmless,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(FILTERS)
    return environment.get_template("page.html.jinja")

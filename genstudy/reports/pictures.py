"""The pictures of a report, each an SVG element that stands in the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from genstudy.plots.histogram import histogram_svg
from genstudy.plots.history import lines_svg, states_svg
from genstudy.plots.pairs import pairs_svg
from genstudy.plots.result import result_svg
from genstudy.plots.timeline import Span, timeline_svg
from genstudy.reports.data import Missing
from genstudy.reports.outputs import strongest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from genstudy.plots.summary import DesignSummary
    from genstudy.reports.correlation import Association, Column
    from genstudy.reports.data import Report
    from genstudy.reports.outputs import Outcomes

FIRST = 12
"""So many parameters are shown at once; the others are behind a fold."""

FOLDED = 60
"""With more than these behind the fold, there are no pictures of them."""

PAIRS = 6
SCATTERS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """The pictures; None where there is nothing to be drawn.

    histograms: {parameter: picture}. scatters: the strongest associations, the strongest first.
    """

    states: Markup
    timeline: Markup | None
    histograms: Mapping[str, Markup]
    pairs: Markup | None
    scatters: Sequence[tuple[Association, Markup]]
    files: Markup | None
    content: Markup | None


def draw(report: Report) -> Pictures:
    """Draw the pictures of a report."""
    spans = report.history.spans
    disk = report.history.disk
    design = None if isinstance(report.design, Missing) else report.design.summary
    results = None if isinstance(report.results, Missing) else report.results
    files = {"on disk": disk.files, "made so far": disk.made}
    content = {"in workspaces": disk.workspaces, "in archives": disk.saved}
    return Pictures(
        states=_svg(states_svg(report.states, prefix="states")),
        timeline=_timeline(report) if spans else None,
        histograms=_histograms(design, report.order) if design else {},
        pairs=_pairs(design, report.order) if design else None,
        scatters=_scatters(results) if results else (),
        files=_svg(lines_svg(disk.times, files, prefix="files", unit="files")) if disk.times else None,
        content=_svg(lines_svg(disk.times, content, prefix="bytes", unit="bytes")) if disk.times else None,
    )


def _svg(text: str) -> Markup:
    return Markup(text)  # noqa: S704 - whatever texts are in it, genstudy.plots has escaped them


def shown(order: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Return the parameters that are shown at once, and those behind the fold."""
    return order[:FIRST], order[FIRST:]


def _timeline(report: Report) -> Markup:
    spans = [
        Span(batch=span.batch, began=span.began, ended=span.ended, state=span.state)
        for span in report.history.spans
    ]
    return _svg(timeline_svg(spans, prefix="timeline"))


def _histograms(design: DesignSummary, order: Sequence[str]) -> dict[str, Markup]:
    first, folded = shown(order)
    names = [*first, *(folded if len(folded) <= FOLDED else ())]
    columns = {column.name: column for column in design.columns}
    return {
        name: _svg(histogram_svg(columns[name], prefix=f"histogram-{place}"))
        for place, name in enumerate(names)
    }


def _pairs(design: DesignSummary, order: Sequence[str]) -> Markup | None:
    return _svg(pairs_svg(design, order[:PAIRS], prefix="pairs")) if len(order) > 1 else None


def _scatters(results: Outcomes) -> list[tuple[Association, Markup]]:
    found = []
    for place, one in enumerate(strongest(results.found, SCATTERS)):
        x, y = results.parameters[one.parameter], results.results[one.result]
        found.append((one, _scatter(one, x, y, f"scatter-{place}")))
    return found


def _scatter(one: Association, x: Column, y: Column, prefix: str) -> Markup:
    places = ~np.isnan(x.numbers) & ~np.isnan(y.numbers)
    values = x.numbers[places]
    texts = None if x.levels is None else [x.levels[int(code)] for code in values]
    rho = one.strength if one.measure == "rho" else None
    return _svg(
        result_svg(
            values if texts is None else texts,
            y.numbers[places],
            x_name=one.parameter,
            y_name=one.result,
            rho=rho,
            prefix=prefix,
        )
    )

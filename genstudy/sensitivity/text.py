"""Sensitivity indices as lines of text, and as rows of a table."""

from __future__ import annotations

import math
import shlex
from typing import TYPE_CHECKING, Any

from genstudy.batches.showing import visible
from genstudy.databases.url import parse_url
from genstudy.sensitivity.ways_out import ways_out
from genstudy.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from genstudy.sensitivity.format import Analysis, Estimate, ResultIndices

PROBLEMS = {
    "text": "it is text: there are no indices",
    "no values": "no row has it yet",
    "constant": "it is the same in every row that has it: there is no variance to account for",
}
ROUNDING = 1e-6
"""An interval that is a smaller share of the largest number is not worth more digits."""

MOST_PAIRS = 10
MOST_RANGES = 60
"""Characters of row numbers that are shown at most."""

BAR, LEAST_BAR = 24, 6
"""Characters of the longest bar, and how many there must be room for."""

ROUNDING = 1e-6
"""An interval that is a smaller share of the largest number is not worth more digits."""

MOST_PAIRS = 10
MOST_RANGES = 60
"""Characters of row numbers that are shown at most."""

BAR, LEAST_BAR = 24, 6
"""Characters of the longest bar, and how many there must be room for."""

FEW_BLOCKS = 20
"""Of fewer blocks, intervals of 95 % hold the truth in some 80 to 90 % of studies."""

COLUMNS = ("result", "index", "parameter", "other", "value", "confidence", "blocks")
"""Of the rows of table_rows."""


def analysis_lines(
    analysis: Analysis, folder: str, *, width: int | None, db: str | None = None, table: str | None = None
) -> Iterator[str]:
    """Yield what there is to tell, for people.

    folder: as it was named. width: of the terminal, where bars show the sizes of indices; None: no bars.
    db, table: where the results are, if that was said; no password is shown.
    """
    replicates = f", each combination {analysis.replicates} times" if analysis.replicates > 1 else ""
    yield (
        f"{visible(folder)}: {analysis.design}, {counted(len(analysis.parameters), 'parameter')}, "
        f"{counted(analysis.blocks, 'block')} of {counted(analysis.block, 'row')}{replicates}"
    )
    few = "; of so few blocks it comes out too narrow" if analysis.of_few else ""
    yield (
        f"± is {100 * analysis.confidence:g} % confidence, of {analysis.resamples} resamples of blocks{few}"
    )
    for one in analysis.results:
        yield ""
        yield from _result(one, analysis, width)
    place = parse_url(db).shown if db is not None else None
    yield from ways_out(analysis, shlex.quote(visible(folder)), place, table)


def _result(one: ResultIndices, analysis: Analysis, width: int | None) -> Iterator[str]:
    name = visible(one.result)
    if one.problem is not None:
        yield f"{name}: {PROBLEMS[one.problem]}"
    else:
        figures = (("mean", one.mean), ("variance", one.variance))
        told = ", ".join(f"{word} {value:.4g}" for word, value in figures if value is not None)
        yield f"{name}: {told}".rstrip()
    rows = _cells(one)
    if rows:
        plain = list(_aligned(rows[0], rows[1:], _blocks(one, analysis)))
        yield from plain if width is None else _with_bars(plain, _sizes(one), width, share=bool(one.indices))
    if one.pairs:
        shown = one.pairs[:MOST_PAIRS]
        cells = [[f"{pair.parameter}, {pair.other}", _text(pair.second, ".3f")] for pair in shown]
        blocks = [[pair.second.blocks] for pair in shown]
        yield from _aligned(["", "second order"], cells, _lacking(blocks, analysis))
        if len(one.pairs) > MOST_PAIRS:
            yield f"  ... and {counted(len(one.pairs) - MOST_PAIRS, 'more pair')}: --csv and --json give all"
    yield from _missing(one)


def _cells(one: ResultIndices) -> list[list[str]]:
    """Return the head and the lines of the main table of a result, as texts."""
    if one.indices:
        lines = [[i.parameter, _text(i.total, ".3f"), _text(i.first, ".3f")] for i in one.indices]
        return [["", "total", "first order"], *lines]
    if one.effects:
        form = _form([figure for e in one.effects for figure in (e.mu_star, e.mu, e.sigma)])
        lines = [
            [e.parameter, *(_text(figure, form) for figure in (e.mu_star, e.mu, e.sigma))]
            for e in one.effects
        ]
        return [["", "mu*", "mu", "sigma"], *lines]
    return []


def _form(figures: Sequence[Estimate]) -> str:
    """Return the format that gives the largest number four digits, the least interval one, the others alike.

    Intervals that are nothing but rounding do not count.
    """
    most = max((abs(figure.value) for figure in figures if figure.value is not None), default=0.0)
    if not most:
        return ".3f"
    widths = [figure.confidence for figure in figures if figure.confidence is not None]
    least = min((width for width in widths if width > ROUNDING * most), default=most)
    exponent = math.floor(math.log10(most))
    decimals = max(0, 3 - exponent, -math.floor(math.log10(least)))
    return f".{decimals}f" if -4 <= exponent <= 6 else ".3e"


def _sizes(one: ResultIndices) -> list[float]:
    estimates = [i.total for i in one.indices] or [e.mu_star for e in one.effects]
    return [max(0.0, estimate.value or 0.0) for estimate in estimates]


def _blocks(one: ResultIndices, analysis: Analysis) -> list[str] | None:
    of_indices = [[i.total.blocks, i.first.blocks] for i in one.indices]
    return _lacking(of_indices or [[e.mu.blocks] for e in one.effects], analysis)


def _lacking(counts: Sequence[Sequence[int]], analysis: Analysis) -> list[str] | None:
    """Return of how many blocks indices are, where any is not of all."""
    if all(count == analysis.blocks for line in counts for count in line):
        return None
    return [", ".join(str(count) for count in dict.fromkeys(line)) for line in counts]


def _aligned(
    head: Sequence[str], lines: Sequence[Sequence[str]], blocks: Sequence[str] | None
) -> Iterator[str]:
    columns = [[*head], *([visible(line[0]), *line[1:]] for line in lines)]
    if blocks is not None:
        columns = [[*line, text] for line, text in zip(columns, ["blocks", *blocks], strict=True)]
    widths = [max(map(len, column)) for column in zip(*columns, strict=True)]
    for line in columns:
        texts = [f"{line[0]:{widths[0]}}", *(f"{t:>{w}}" for t, w in zip(line[1:], widths[1:], strict=True))]
        yield "  " + "  ".join(texts)


def _with_bars(lines: Sequence[str], sizes: Sequence[float], width: int, *, share: bool) -> Iterator[str]:
    """Yield lines, the head first, with bars behind them as far as a terminal of this width has room.

    share: sizes are shares of 1, so that the longest bar is 1 at least.
    """
    room = min(BAR, width - max(map(len, lines)) - 2)
    most = max([1.0 if share else 0.0, *sizes]) or 1.0
    bars = ["█" * round(room * size / most) for size in sizes] if room >= LEAST_BAR else [""] * len(sizes)
    for line, bar in zip(lines, ["", *bars], strict=True):
        yield f"{line}  {bar}".rstrip()


def _text(estimate: Estimate, form: str) -> str:
    if estimate.value is None:
        return "-"
    width = "-" if estimate.confidence is None else format(estimate.confidence, form)
    return f"{estimate.value:z{form}} ± {width}"


def _missing(one: ResultIndices) -> Iterator[str]:
    """Say which rows lack, and why."""
    lack = one.missing
    kinds = (
        (lack.failed, "failed"),
        (lack.pending, "not run yet"),
        (lack.uncollected, "done and not collected"),
        (lack.without, f"done without {visible(one.result)}"),
    )
    told = [f"{rows.rows:,} {what} ({_ranges(rows.ranges)})" for rows, what in kinds if rows.rows]
    if told:
        yield f"  {counted(lack.rows, 'row')} missing: {', '.join(told)}"


def _ranges(text: str) -> str:
    if len(text) <= MOST_RANGES:
        return text
    return text[:MOST_RANGES].rpartition(",")[0] + ",..."


def table_rows(analysis: Analysis) -> Iterator[tuple[Any, ...]]:
    """Yield a row of COLUMNS for each index of each result."""
    for one in analysis.results:
        for index in one.indices:
            for name in ("first", "total"):
                yield _row(one.result, name, index.parameter, None, getattr(index, name))
        for pair in one.pairs:
            yield _row(one.result, "second", pair.parameter, pair.other, pair.second)
        for effect in one.effects:
            for name in ("mu", "mu_star", "sigma"):
                yield _row(one.result, name, effect.parameter, None, getattr(effect, name))


def _row(result: str, index: str, parameter: str, other: str | None, found: Estimate) -> tuple[Any, ...]:
    return result, index, parameter, other, found.value, found.confidence, found.blocks

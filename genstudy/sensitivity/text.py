"""Sensitivity indices as lines of text, and as rows of a table."""

from __future__ import annotations

import math
import shlex
from typing import TYPE_CHECKING, Any

from genstudy.batches.showing import visible
from genstudy.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from genstudy.sensitivity.format import Analysis, Estimate, ResultIndices

PROBLEMS = {
    "text": "it is text: there are no indices",
    "no values": "no row has it yet",
    "constant": "it is the same in every row: there is no variance to account for",
}
MOST_PAIRS = 10
MOST_RANGES = 60
"""Characters of row numbers that are shown at most."""

BAR = 24
COLUMNS = ("result", "index", "parameter", "other", "value", "confidence", "blocks")
"""Of the rows of table_rows."""


def analysis_lines(analysis: Analysis, folder: str, *, bars: bool) -> Iterator[str]:
    """Yield what there is to tell, for people. folder: as it was named. bars: draw the sizes of indices."""
    replicates = f", each combination {analysis.replicates} times" if analysis.replicates > 1 else ""
    yield (
        f"{visible(folder)}: {analysis.design}, {counted(len(analysis.parameters), 'parameter')}, "
        f"{counted(analysis.blocks, 'block')} of {counted(analysis.block, 'row')}{replicates}"
    )
    yield f"± is {100 * analysis.confidence:g} % confidence, of {analysis.resamples} resamples of blocks"
    for one in analysis.results:
        yield ""
        yield from _result(one, analysis, bars=bars)
    yield from _ways_out(analysis, folder)


def _result(one: ResultIndices, analysis: Analysis, *, bars: bool) -> Iterator[str]:
    name = visible(one.result)
    if one.problem is not None:
        yield f"{name}: {PROBLEMS[one.problem]}"
    elif one.mean is not None and one.variance is not None:
        yield f"{name}: mean {one.mean:.4g}, variance {one.variance:.4g}"
    else:
        yield f"{name}:"
    rows = _cells(one)
    if rows:
        head, sizes = rows[0], [_size(value) for value in _sizes(one)]
        yield from _aligned(head, rows[1:], _blocks(one, analysis), sizes if bars else None)
    if one.pairs:
        shown = one.pairs[:MOST_PAIRS]
        cells = [[f"{pair.parameter}, {pair.other}", _text(pair.second, ".3f")] for pair in shown]
        blocks = [[pair.second.blocks] for pair in shown]
        yield from _aligned(["", "second order"], cells, _lacking(blocks, analysis), None)
        if len(one.pairs) > MOST_PAIRS:
            yield f"  ... and {counted(len(one.pairs) - MOST_PAIRS, 'more pair')}: --csv and --json give all"
    yield from _missing(one)


def _cells(one: ResultIndices) -> list[list[str]]:
    """Return the head and the lines of the main table of a result, as texts."""
    if one.indices:
        lines = [[i.parameter, _text(i.total, ".3f"), _text(i.first, ".3f")] for i in one.indices]
        return [["", "total", "first order"], *lines]
    if one.effects:
        form = _form([figure.value for e in one.effects for figure in (e.mu_star, e.mu, e.sigma)])
        lines = [
            [e.parameter, *(_text(figure, form) for figure in (e.mu_star, e.mu, e.sigma))]
            for e in one.effects
        ]
        return [["", "mu*", "mu", "sigma"], *lines]
    return []


def _form(values: Sequence[float | None]) -> str:
    """Return the format that gives the largest of numbers four digits, and the others as many decimals."""
    most = max((abs(value) for value in values if value is not None), default=0.0)
    exponent = math.floor(math.log10(most)) if most else 0
    return f".{max(0, 3 - exponent)}f" if -4 <= exponent <= 6 else ".3e"


def _sizes(one: ResultIndices) -> list[Estimate]:
    return [i.total for i in one.indices] or [e.mu_star for e in one.effects]


def _size(estimate: Estimate) -> float:
    return max(0.0, estimate.value or 0.0)


def _blocks(one: ResultIndices, analysis: Analysis) -> list[str] | None:
    of_indices = [[i.total.blocks, i.first.blocks] for i in one.indices]
    return _lacking(of_indices or [[e.mu.blocks] for e in one.effects], analysis)


def _lacking(counts: Sequence[Sequence[int]], analysis: Analysis) -> list[str] | None:
    """Return of how many blocks indices are, where any is not of all."""
    if all(count == analysis.blocks for line in counts for count in line):
        return None
    return [", ".join(str(count) for count in dict.fromkeys(line)) for line in counts]


def _aligned(
    head: Sequence[str],
    lines: Sequence[Sequence[str]],
    blocks: Sequence[str] | None,
    sizes: Sequence[float] | None,
) -> Iterator[str]:
    columns = [[*head], *([visible(line[0]), *line[1:]] for line in lines)]
    if blocks is not None:
        columns = [[*line, text] for line, text in zip(columns, ["blocks", *blocks], strict=True)]
    widths = [max(map(len, column)) for column in zip(*columns, strict=True)]
    most = max([1.0 if head[1] == "total" else 0.0, *(sizes or ())])
    bars = ["", *("█" * round(BAR * size / most) if most else "" for size in sizes or [0.0] * len(lines))]
    for line, bar in zip(columns, bars, strict=True):
        texts = [f"{line[0]:{widths[0]}}", *(f"{t:>{w}}" for t, w in zip(line[1:], widths[1:], strict=True))]
        yield ("  " + "  ".join(texts) + "  " + bar).rstrip()


def _text(estimate: Estimate, form: str) -> str:
    if estimate.value is None:
        return "-"
    width = "-" if estimate.confidence is None else format(estimate.confidence, form)
    return f"{estimate.value:{form}} ± {width}"


def _missing(one: ResultIndices) -> Iterator[str]:
    """Say which rows lack, and why."""
    lack = one.missing
    kinds = (
        (lack.failed, "failed"),
        (lack.pending, "not run yet"),
        (lack.uncollected, "done and not collected"),
        (lack.without, f"done without {visible(one.result)}"),
    )
    told = [f"{rows.rows} {what} ({_ranges(rows.ranges)})" for rows, what in kinds if rows.rows]
    if told:
        yield f"  {counted(lack.rows, 'row')} missing: {', '.join(told)}"


def _ranges(text: str) -> str:
    if len(text) <= MOST_RANGES:
        return text
    return text[:MOST_RANGES].rpartition(",")[0] + ",..."


def _ways_out(analysis: Analysis, folder: str) -> Iterator[str]:
    """Say what to do about missing rows, and what to beware of."""
    where = shlex.quote(visible(folder))
    lacks = [one.missing for one in analysis.results]
    lines: list[str] = []
    if any(lack.failed.rows for lack in lacks):
        lines += _about_failed(analysis, where)
    if any(lack.pending.rows for lack in lacks):
        lines.append(f"rows that are not run yet: genstudy run {where}")
    if any(lack.uncollected.rows for lack in lacks):
        lines.append(f"rows that are not collected: genstudy collect {where}")
    if any(lack.without.rows for lack in lacks):
        sql = f"SELECT row_id, errors FROM {analysis.view} WHERE errors IS NOT NULL"  # noqa: S608 - to be read
        lines.append(f"rows without a result say why: genstudy query {where} {shlex.quote(sql)}")
    if lines:
        yield ""
        yield from lines


def _about_failed(analysis: Analysis, where: str) -> Iterator[str]:
    if analysis.causes:
        yield (
            f"failing goes with {', '.join(map(visible, analysis.causes))}: indices of the blocks that are "
            f"left are biased (genstudy why {where})"
        )
    else:
        yield (
            "indices are of the blocks that are left: biased, should failing go with values "
            f"(genstudy why {where})"
        )
    yield (
        f"to have all blocks, run the {counted(analysis.failed.rows, 'failed row')} again: "
        f"genstudy retry {where} && genstudy run {where}"
    )
    fewer = [one for one in analysis.waiting if 0 < one.failed.rows < analysis.failed.rows]
    for one in fewer[:MOST_PAIRS]:
        name = shlex.quote(visible(one.parameter))
        rows = counted(one.failed.rows, "row")
        command = f"genstudy retry {where} --for {name}"
        yield f"  for the indices of {visible(one.parameter)} alone, {rows}: {command}"


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

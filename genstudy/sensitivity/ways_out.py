"""What to do about rows that indices lack, and what to beware of meanwhile, as lines of text."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from genstudy.batches.showing import visible
from genstudy.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from genstudy.sensitivity.format import Analysis

MOST_WAITING = 10
"""Parameters whose failed rows are told of at most."""


def ways_out(analysis: Analysis, where: str, db: str | None, table: str | None) -> Iterator[str]:
    """Say what to do about missing rows, and what to beware of.

    where: the folder as a word of a shell. db, table: where the results are, if that was said, to be shown.
    """
    lacks = [one.missing for one in analysis.results]
    lines: list[str] = []
    if any(lack.failed.rows for lack in lacks):
        lines += _about_failed(analysis, where)
    if any(one.missing.without.rows and one.problem is None for one in analysis.results):
        lines.append(
            "indices leave out rows that are done without a result: biased, should lacking it go with values"
        )
    if any(lack.pending.rows for lack in lacks):
        lines.append(f"rows that are not run yet: genstudy run {where}")
    if any(lack.uncollected.rows for lack in lacks):
        place = _options({"--into": db, "--table": table})
        lines.append(f"rows that are not collected: genstudy collect {where}{place}")
    if any(lack.without.rows for lack in lacks):
        place = _options({"--db": db, "--table": table})
        told = "state = 'FINISHED' AND errors IS NOT NULL"
        # In double quotes, as it has single ones; the name of a view has nothing that acts there.
        sql = f'"SELECT row_id, errors FROM {analysis.view} WHERE {told}"'  # noqa: S608 - to be read
        lines.append(f"rows without a result say why: genstudy query {where}{place} {sql}")
    if lines:
        yield ""
        yield from lines


def _options(options: Mapping[str, str | None]) -> str:
    """Return options of a command for where results are."""
    return "".join(f" {name} {shlex.quote(visible(value))}" for name, value in options.items() if value)


def _about_failed(analysis: Analysis, where: str) -> Iterator[str]:
    some = any(one.missing.failed.rows and one.problem is None for one in analysis.results)
    if some and analysis.causes:
        yield (
            f"failing goes with {', '.join(map(visible, analysis.causes))}: indices of the blocks that are "
            f"left are biased (genstudy why {where})"
        )
    elif some:
        yield (
            "indices are of the blocks that are left: biased, should failing go with values "
            f"(genstudy why {where})"
        )
    yield (
        f"to have all blocks, run the {counted(analysis.failed.rows, 'failed row')} again: "
        f"genstudy retry {where} && genstudy run {where}"
    )
    fewer = [one for one in analysis.waiting if 0 < one.failed.rows < analysis.failed.rows]
    for one in fewer[:MOST_WAITING]:
        name = shlex.quote(visible(one.parameter))
        rows = counted(one.failed.rows, "row")
        command = f"genstudy retry {where} --for {name}"
        yield f"  for the indices of {visible(one.parameter)} alone, {rows}: {command}"

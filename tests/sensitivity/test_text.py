"""What is told of sensitivity indices: numbers, bars, warnings and ways out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from genstudy.sensitivity.format import (
    Analysis,
    ElementaryEffects,
    Estimate,
    Missing,
    ResultIndices,
    RowSet,
    VarianceIndices,
)
from genstudy.sensitivity.text import analysis_lines

NONE = RowSet(rows=0, ranges="")
WHY = (
    "genstudy query c \"SELECT row_id, errors FROM results WHERE state = 'FINISHED' AND errors IS NOT NULL\""
)
LACKING = RowSet(rows=2, ranges="3-4")


def estimate(value: float | None, confidence: float | None = 0.25, blocks: int = 64) -> Estimate:
    return Estimate(value=value, confidence=confidence, blocks=blocks)


def result(
    *indices: VarianceIndices, name: str = "y", effects: Sequence[ElementaryEffects] = (), **missing: RowSet
) -> ResultIndices:
    lack = {"failed": NONE, "pending": NONE, "uncollected": NONE, "without": NONE, **missing}
    return ResultIndices(
        result=name,
        problem=None if indices or effects else "no values",
        mean=None if effects else 1.5,
        variance=None if effects else 0.25,
        missing=Missing(**lack),
        indices=indices,
        pairs=(),
        effects=tuple(effects),
    )


def index(total: float | None, first: float | None, name: str = "a", blocks: int = 64) -> VarianceIndices:
    return VarianceIndices(
        parameter=name, total=estimate(total, blocks=blocks), first=estimate(first, blocks=blocks)
    )


def analysis(*results: ResultIndices, failed: RowSet = NONE, **more: Any) -> Analysis:
    settings: dict[str, Any] = {"format": 1, "name": "c", "folder": "/c", "view": "results"}
    settings |= {"parameters": ("a",), "blocks": 64, "block": 3, "replicates": 1, "confidence": 0.95}
    settings |= {"design": "saltelli", "resamples": 1000, "seed": 0, "waiting": (), "causes": ()}
    return Analysis(**{**settings, "failed": failed, "results": results, **more})


def lines(*results: ResultIndices, width: int | None = None, **more: Any) -> list[str]:
    return list(analysis_lines(analysis(*results, **more), "c", width=width))


def test_what_is_nothing_but_rounding_has_no_sign() -> None:
    shown = lines(result(index(0.0004, -0.0004)))
    assert shown[-1] == "  a  0.000 ± 0.250  0.000 ± 0.250"
    effect = ElementaryEffects(
        parameter="a", mu=estimate(-1e-9), mu_star=estimate(1.0), sigma=estimate(2.0, None)
    )
    assert lines(result(effects=[effect]))[-1].split() == [
        *("a", "1.000", "±", "0.250", "0.000", "±", "0.250", "2.000", "±", "-")
    ]


@pytest.mark.parametrize(("width", "bar"), [(None, 0), (120, 24), (80, 24), (60, 24), (50, 14), (40, 0)])
def test_bars_take_the_room_that_there_is(width: int | None, bar: int) -> None:
    shown = lines(result(index(1.0, -0.5), index(0.5, 0.5, "b")), width=width)
    assert [line.count("█") for line in shown[-2:]] == [bar, bar // 2]
    assert all(len(line) <= (width or 80) for line in shown[-3:])


def test_few_blocks_are_said_to_make_intervals_too_narrow() -> None:
    said = "± is 95 % confidence, of 1000 resamples of blocks"
    assert lines(result(index(1.0, 1.0)))[1] == said
    assert lines(result(index(1.0, 1.0, blocks=19)))[1] == f"{said}; of so few blocks it comes out too narrow"
    assert lines(result(name="z"))[1] == said


def test_rows_that_are_left_out_for_their_values_would_bias_indices() -> None:
    shown = lines(result(index(1.0, 1.0, blocks=62), without=LACKING))
    assert shown[-4:] == [
        "  2 rows missing: 2 done without y (3-4)",
        "",
        "indices leave out rows that are done without a result: biased, should lacking it go with values",
        f"rows without a result say why: {WHY}",
    ]


def test_where_there_are_no_indices_nothing_is_biased() -> None:
    shown = lines(result(failed=LACKING, without=LACKING), failed=LACKING)
    assert not any("biased" in line for line in shown)
    assert "to have all blocks, run the 2 failed rows again: genstudy retry c && genstudy run c" in shown


def test_ways_out_name_the_place_of_the_results() -> None:
    found = analysis(result(index(1.0, 1.0), without=LACKING, uncollected=LACKING))
    shown = list(
        analysis_lines(found, "c", width=None, db="postgresql://lab:secret@db.example/x", table="runs")
    )
    assert shown[-2] == (
        "rows that are not collected: genstudy collect c --into postgresql://lab@db.example/x --table runs"
    )
    assert shown[-1].startswith(
        "rows without a result say why: "
        'genstudy query c --db postgresql://lab@db.example/x --table runs "SELECT '
    )


def test_a_small_interval_has_a_digit_and_many_rows_have_commas() -> None:
    effects = [
        ElementaryEffects(parameter="a", mu=estimate(-1e4, 0.21), mu_star=estimate(1e4), sigma=estimate(0.0)),
        ElementaryEffects(
            parameter="b", mu=estimate(34.0, 1e-12), mu_star=estimate(34.0, 12.0), sigma=estimate(0.0)
        ),
    ]
    shown = lines(result(effects=effects, pending=RowSet(rows=1234, ranges="0-1233")))
    assert shown[-6:-2] == [
        "               mu*              mu      sigma",
        "  a  10000.0 ± 0.2  -10000.0 ± 0.2  0.0 ± 0.2",
        "  b    34.0 ± 12.0      34.0 ± 0.0  0.0 ± 0.2",
        "  1,234 rows missing: 1,234 not run yet (0-1233)",
    ]
    largest = ElementaryEffects(
        parameter="a", mu=estimate(1e9), mu_star=estimate(-1e-12, None), sigma=estimate(None)
    )
    assert lines(result(effects=[largest]))[-1] == "  a  -1.000e-12 ± -  1.000e+09 ± 2.500e-01      -"

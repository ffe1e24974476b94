"""Coverage: figures against their definitions, and what is said of them."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest

from genstudy.parameters.grammar import parse_law
from genstudy.plots.coverage import Coverage, coverage_lines, coverage_of
from genstudy.plots.summary import summarize_rows

if TYPE_CHECKING:
    from collections.abc import Sequence


def coverage(columns: dict[str, Sequence[object]], laws: dict[str, str] | None = None) -> Coverage:
    rows = list(zip(*columns.values(), strict=True))
    return coverage_of(summarize_rows(lambda: rows, list(columns), laws=laws), list(columns))


def centred_discrepancy(points: np.ndarray) -> float:
    """Return the squared centred L2 discrepancy as Hickernell (1998) writes it, term by term."""
    number, dimensions = points.shape
    away = np.abs(points - 0.5)
    single = np.prod(1 + away / 2 - away**2 / 2, axis=1).sum()
    double = sum(
        np.prod(1 + away[i] / 2 + away[k] / 2 - np.abs(points[i] - points[k]) / 2)
        for i in range(number)
        for k in range(number)
    )
    return float((13 / 12) ** dimensions - 2 / number * single + double / number**2)


UNIT = {"a": "uniform(0, 1)", "b": "uniform(0, 1)", "c": "uniform(0, 1)"}


def test_discrepancy_and_distances_are_what_their_formulas_say() -> None:
    points = np.random.default_rng(1).random((60, 3))
    found = coverage(dict(zip("abc", points.T.tolist(), strict=True)), UNIT)
    distances = np.linalg.norm(points[:, None] - points[None], axis=2) + 9 * np.eye(60)
    assert found.discrepancy == pytest.approx(centred_discrepancy(points))
    assert found.nearest == pytest.approx(np.median(distances.min(axis=1)))
    assert found.least == pytest.approx(distances.min())
    assert (found.dimensions, found.points) == (3, 60)


def test_random_points_have_the_ratio_one_on_average() -> None:
    random = np.random.default_rng(2)
    ratios = [
        coverage({"a": random.random(50).tolist(), "b": random.random(50).tolist()}, UNIT).ratio
        for _ in range(200)
    ]
    assert np.mean(np.array(ratios, dtype=float)) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    "law",
    ["normal(0, 1)", "loguniform(1e-3, 10)", "lognormal(0, 2)", "triangular(0, 1, 5)", "gamma(2, scale=3)"],
)
def test_a_design_is_judged_by_the_probability_that_laws_give_to_its_parts(law: str) -> None:
    points = np.random.default_rng(5).random((64, 2))
    values = [parse_law(law).sample(points[:, place]).tolist() for place in (0, 1)]
    even = coverage(dict(zip("ab", points.T.tolist(), strict=True)), UNIT)
    found = coverage(dict(zip("ab", values, strict=True)), {"a": law, "b": law})
    assert found.discrepancy == pytest.approx(even.discrepancy, rel=0.05)
    assert found.nearest == pytest.approx(even.nearest, rel=0.05)
    assert (found.single, found.pairs) == (even.single, even.pairs)


def test_shares_of_parts_agree_with_a_naive_count() -> None:
    points = np.random.default_rng(3).random((40, 2))
    found = coverage(dict(zip("ab", points.T.tolist(), strict=True)), UNIT)
    parts = (points * 10).astype(int)
    assert found.single == {"a": len({*parts[:, 0]}) / 10, "b": len({*parts[:, 1]}) / 10}
    assert found.pairs == len({tuple(pair) for pair in parts.tolist()}) / 100
    assert found.expected == pytest.approx(1 - 0.99**40)


def test_a_full_grid_of_levels_fills_everything() -> None:
    rows = list(product([1, 2, 3], ["x", "y"], [0.0, 0.5, 1.0]))
    columns: dict[str, Sequence[object]] = dict(zip("abc", zip(*rows, strict=True), strict=True))
    for laws in (None, {"a": "int(1, 3)", "b": "choice(x, y)", "c": "linspace(0, 1, 3)"}):
        found = coverage(columns, laws)
        assert found.single == {"a": 1, "b": 1, "c": 1}
        assert found.pairs == 1
        assert (found.dimensions, found.discrepancy) == (0, None)


def test_distances_are_not_told_where_something_else_tells_rows_apart() -> None:
    values = np.random.default_rng(1).random(30).tolist()
    found = coverage({"a": values, "b": ["x", "y"] * 15}, UNIT)
    assert (found.dimensions, found.nearest, found.least) == (1, None, None)
    assert found.discrepancy is not None


def test_values_beyond_the_law_count_as_levels() -> None:
    found = coverage({"a": [1, 2, 3, 4] * 5, "b": [1.5, 2.5] * 10}, {"a": "int(1, 2)"})
    assert found.single == {"a": 1, "b": 1}
    assert found.pairs == 0.5


def test_levels_that_the_law_has_and_no_row_took_count_as_empty() -> None:
    found = coverage({"a": [1, 2] * 5, "b": ["x"] * 10}, {"a": "int(1, 5)", "b": "choice(x, y)"})
    assert found.single == {"a": 0.4, "b": 0.5}
    assert found.pairs == 0.2


def test_a_log_law_is_even_by_its_logarithms() -> None:
    even = [10 ** (n / 100) for n in range(100)]
    log = coverage({"a": even}, {"a": "loguniform(1, 10)"})
    plain = coverage({"a": even}, {"a": "uniform(1, 10)"})
    assert log.ratio is not None
    assert plain.ratio is not None
    assert log.ratio < 0.1 < plain.ratio


def test_what_cannot_be_told_is_not_told() -> None:
    nothing = coverage({"a": [f"t{n}" for n in range(300)], "b": [None] * 300})
    assert nothing == Coverage(points=300, single={}, pairs=None, expected=None, dimensions=0)
    assert coverage_lines(nothing, 300) == []
    assert coverage({"a": [1.0]}).discrepancy is None
    assert coverage({f"c{n}": [0.1, 0.2] for n in range(21)}).discrepancy is None
    assert coverage({"a": [1, None, 3]}).single == {}


def test_constant_columns_do_not_count() -> None:
    values = np.random.default_rng(1).random(30).tolist()
    with_constants = coverage({"a": values, "b": [3] * 30, "c": ["x"] * 30}, {"a": "uniform(0, 1)"})
    alone = coverage({"a": values}, {"a": "uniform(0, 1)"})
    assert with_constants.discrepancy == alone.discrepancy
    assert with_constants.nearest == alone.nearest is not None


def test_the_words() -> None:
    found = Coverage(
        points=2000,
        single={"a": 1.0, "b": 0.5},
        pairs=0.5,
        expected=0.634,
        dimensions=2,
        discrepancy=0.00123,
        ratio=0.5,
        nearest=0.12,
        least=0.011,
    )
    assert coverage_lines(found, 5000) == [
        "each range cut into 10 parts: 75 % of them hold a row, 50 % where it is least",
        "squares of two parameters' parts: 50 % hold a row, 63.4 % if rows were random",
        "centred L2 discrepancy of 2 parameters, squared: 0.00123, 0.5 times what uniform random points have",
        "from a row to the nearest other, in a cube of side 1: 0.12 in the median, 0.011 at least",
        "these figures are those of 2,000 rows, drawn at random",
    ]
    assert len(coverage_lines(found, 2000)) == 4

"""Ranks and what they tell, against scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from genstudy.reports import correlation
from genstudy.reports.correlation import Association, Column, associations, influence

NAN = float("nan")


def numbers(name: str, values: list[float]) -> Column:
    return Column(name=name, numbers=np.array(values, dtype=float))


CELL = st.sampled_from([0.0, 1.0, 2.0, -3.5, 1e300, NAN]) | st.floats(-10, 10)
PAIRS = st.lists(st.tuples(CELL, CELL), min_size=1, max_size=40)


@given(PAIRS)
def test_rho_is_that_of_scipy(pairs: list[tuple[float, float]]) -> None:
    x, y = (list(column) for column in zip(*pairs, strict=True))
    [found] = associations([numbers("x", x)], [numbers("y", y)])
    both = [(a, b) for a, b in pairs if a == a and b == b]
    assert (found.parameter, found.result, found.measure, found.rows) == ("x", "y", "rho", len(both))
    ours, theirs = {a for a, _ in both}, {b for _, b in both}
    if len(both) < 3 or len(ours) < 2 or len(theirs) < 2:
        assert (found.strength, found.p) == (None, None)
        return
    expected = stats.spearmanr([a for a, _ in both], [b for _, b in both])
    assert found.strength == pytest.approx(expected.statistic, abs=1e-12)
    if len(both) < 10:
        assert found.p is None
    else:
        least = 2 / math.factorial(len(both))
        assert found.p == pytest.approx(max(expected.pvalue, least), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("rows", [10, 12, 90])
@pytest.mark.parametrize("sign", [1, -1])
def test_no_p_is_smaller_than_that_of_the_two_orders_that_agree_best(rows: int, sign: int) -> None:
    values = [float(row) for row in range(rows)]
    [found] = associations([numbers("x", values)], [numbers("y", [sign * value**3 for value in values])])
    assert found.strength == sign
    assert found.p == pytest.approx(2 / math.factorial(rows), rel=1e-6)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), min_size=10, max_size=60))
def test_categories_are_tested_by_kruskal_and_wallis(pairs: list[tuple[int, int]]) -> None:
    column = Column(
        name="x", numbers=np.array([float(code) for code, _ in pairs]), levels=("a", "b", "c", "d")
    )
    [found] = associations([column], [numbers("y", [float(value) for _, value in pairs])])
    groups = [[value for code, value in pairs if code == wanted] for wanted in range(4)]
    there = [group for group in groups if group]
    if len(there) < 2 or len({value for _, value in pairs}) < 2:
        assert (found.strength, found.p) == (None, None)
        return
    expected = stats.kruskal(*there)
    share = (expected.statistic - len(there) + 1) / (len(pairs) - len(there))
    assert found.measure == "eta"
    assert found.p == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)
    assert found.strength == pytest.approx(max(0.0, share) ** 0.5, abs=1e-6)


def test_each_result_counts_the_rows_that_it_has() -> None:
    x = numbers("x", [1, 2, 3, 4, 5, 6])
    found = associations([x], [numbers("up", [1, 2, 3, 4, 5, 6]), numbers("few", [NAN, 3, NAN, 2, NAN, 1])])
    assert [(one.result, one.rows, one.strength) for one in found] == [("up", 6, 1.0), ("few", 3, -1.0)]
    assert influence(found) == {"x": 1.0}


def test_what_cannot_be_told() -> None:
    constant = numbers("c", [1, 1, 1, 1])
    found = associations([constant], [numbers("y", [1, 2, 3, 4])])
    assert found == [
        Association(parameter="c", result="y", measure="rho", rows=4, strength=None, p=None),
    ]
    assert influence(found) == {"c": -1.0}
    assert associations([constant], []) == []


def test_many_pairs_are_told_from_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correlation, "RANKED", 20_000)
    random = np.random.default_rng(1)
    x = random.random(5000)
    parameters = [Column(name=f"x{place}", numbers=x + place) for place in range(10)]
    found = associations(parameters, [Column(name="y", numbers=x + random.normal(0, 0.1, 5000))])
    assert {one.rows for one in found} == {2000}
    assert all(one.strength is not None and one.strength > 0.8 for one in found)

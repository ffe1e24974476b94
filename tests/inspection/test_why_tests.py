"""The statistics of failed rows, against plain computations with scipy over all data."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, chi2_contingency, fisher_exact

from genstudy.inspection.why import findings
from genstudy.inspection.why_bins import edges_between
from genstudy.inspection.why_columns import count_columns
from genstudy.inspection.why_rows import Spans, union
from genstudy.inspection.why_scan import Table, best_range, best_values
from genstudy.inspection.why_tests import holm, independence, smallest_p
from genstudy.ledger.ranges import Rows
from genstudy.tables.read import open_table

CELLS = st.integers(1, 30).flatmap(lambda rows: st.tuples(st.just(rows), st.integers(0, rows)))


def table(cells: list[tuple[int, int]]) -> Table:
    rows, failed = (np.array(part, dtype=np.int64) for part in zip(*cells, strict=True))
    return Table(rows, failed)


def both_kinds(cells: list[tuple[int, int]]) -> bool:
    rows, failed = table(cells).whole
    return 0 < failed < rows


TABLES = st.lists(CELLS, min_size=2, max_size=8).filter(both_kinds)


def fisher(cells: list[tuple[int, int]], inside: list[int]) -> float:
    """Return the one-sided p-value of these bins by Fisher's exact test."""
    rows, failed = np.array(cells).T
    mask = np.isin(np.arange(len(cells)), inside)
    counts = [[failed[part].sum(), (rows - failed)[part].sum()] for part in (mask, ~mask)]
    return float(fisher_exact(np.array(counts), alternative="greater").pvalue)


def more(cells: list[tuple[int, int]], inside: list[int]) -> bool:
    rows, failed = np.array(cells).T
    return bool(failed[inside].sum() * rows.sum() > rows[inside].sum() * failed.sum())


@given(TABLES)
def test_the_best_range_is_the_surest_of_all(cells: list[tuple[int, int]]) -> None:
    count = len(cells)
    ranges = [list(range(*ends)) for ends in combinations(range(count + 1), 2)]
    ranges = [bins for bins in ranges if len(bins) < count]
    ends = sum(bins[0] == 0 or bins[-1] == count - 1 for bins in ranges)
    inner = len(ranges) - ends
    prices = [
        (1 + (inner > 0)) * (ends if bins[0] == 0 or bins[-1] == count - 1 else inner) for bins in ranges
    ]
    tails = [
        min(1.0, price * fisher(cells, bins))
        for price, bins in zip(prices, ranges, strict=True)
        if more(cells, bins)
    ]
    found = best_range(table(cells), special=0)
    if found is None:
        assert tails == []
        return
    assert found.tried == len(ranges)
    assert list(found.bins) == list(range(found.bins[0], found.bins[-1] + 1))
    assert more(cells, list(found.bins))
    assert found.p == pytest.approx(min(tails), rel=1e-6)


@given(TABLES)
def test_the_best_values_are_the_surest(cells: list[tuple[int, int]]) -> None:
    count = len(cells)
    tails = [min(1.0, count * fisher(cells, [place])) for place in range(count) if more(cells, [place])]
    found = best_values(table(cells), count, alpha=0.0)
    if found is None:
        assert tails == []
        return
    assert (found.tried, len(found.bins)) == (count, 1)
    assert found.p == pytest.approx(min(tails), rel=1e-6)


@given(TABLES, st.integers(1, 2))
def test_bins_that_are_no_numbers_are_tried_alone(cells: list[tuple[int, int]], special: int) -> None:
    found = best_range(table(cells), special=min(special, len(cells) - 1))
    if found is not None and found.bins[-1] >= len(cells) - min(special, len(cells) - 1):
        assert len(found.bins) == 1


@given(TABLES, st.booleans())
def test_independence_as_scipy_has_it(cells: list[tuple[int, int]], ordered: bool) -> None:
    found = independence(table(cells), ordered=ordered)
    assert found is not None
    rows, failed = np.array(cells).T
    whole, bad = rows.sum(), failed.sum()
    least = 5 * whole / min(bad, whole - bad)
    assert 0 <= found.p <= 1
    if found.test == "chi2":
        assert min(bad, whole - bad) >= 10
    if not ordered and rows.min() >= least:
        plain = chi2_contingency(np.stack([failed, rows - failed]))
        assert (found.test, found.groups) == ("chi2", len(cells))
        assert (found.statistic, found.p) == pytest.approx((plain.statistic, plain.pvalue))
    if len(cells) == 2 and rows.min() < least:
        plain_p = fisher_exact(np.stack([failed, rows - failed])).pvalue
        assert found.test == "fisher"
        assert found.p == pytest.approx(plain_p)


def test_one_bin_has_nothing_to_be_tested() -> None:
    assert independence(table([(9, 3)]), ordered=True) is None
    assert best_range(table([(9, 3)]), special=0) is None


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm(ps: list[float]) -> None:
    adjusted = holm(ps)
    for alpha in (0.001, 0.01, 0.2, 0.9):
        rejected = set()
        for rank, place in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
            if min(1.0, (len(ps) - rank) * ps[place]) > alpha:
                break
            rejected.add(place)
        assert {place for place, p in enumerate(adjusted) if p <= alpha} == rejected


@pytest.mark.parametrize(("rows", "failed"), [(10, 3), (200, 1), (50, 49), (1000, 20)])
def test_the_smallest_p(rows: int, failed: int) -> None:
    cells = [(failed, failed), (rows - failed, 0)]
    assert smallest_p(rows, failed) == pytest.approx(fisher(cells, [0]), rel=1e-6)


# Chance alone


def columns_by_chance(random: np.random.Generator, rows: int) -> dict[str, list[object]]:
    """Return 20 columns of different kinds."""
    columns: dict[str, list[object]] = {}
    for place in range(4):
        columns[f"float{place}"] = random.random(rows).tolist()
        columns[f"int{place}"] = random.integers(0, 4, rows).tolist()
        columns[f"word{place}"] = random.choice(["a", "b", "c", "d"], rows, p=[0.7, 0.2, 0.06, 0.04]).tolist()
        columns[f"round{place}"] = np.round(random.normal(size=rows), 1).tolist()
        columns[f"many{place}"] = [f"k{number}" for number in random.integers(0, 60, rows)]
    return columns


def test_chance_is_hardly_ever_called_a_cause(tmp_path: Path) -> None:
    random = np.random.default_rng(11)
    campaigns, calls = 200, 0
    for _ in range(campaigns):
        rows = int(random.integers(30, 600))
        columns = columns_by_chance(random, rows)
        failed = np.flatnonzero(random.random(rows) < random.choice([0.02, 0.1, 0.3, 0.5, 0.9]))
        if not 2 <= len(failed) <= rows - 2:
            continue
        path = tmp_path / "t.csv"
        lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
        path.write_text("\n".join(lines) + "\n")
        spans = Spans(Rows.of(failed.tolist())), Spans(Rows.span(0, rows))
        counted = count_columns(open_table(path), list(columns), *spans)
        calls += any(parameter.called for parameter in findings(counted, enough=True))
    # One in a hundred is what is promised; so many more would come by chance once in 10,000 times.
    assert calls <= binom.isf(1e-4, campaigns, 0.01)


# Sets of rows


SETS = st.sets(st.integers(0, 60), max_size=40).map(Rows.of)


@given(SETS, st.integers(0, 70), st.integers(0, 30))
def test_a_block_of_a_set(rows: Rows, first: int, count: int) -> None:
    members = set(rows)
    assert Spans(rows).mask(first, count).tolist() == [row in members for row in range(first, first + count)]


@given(SETS, st.integers(1, 50), st.integers(0, 5))
def test_rows_chosen_out_of_a_set(rows: Rows, most: int, seed: int) -> None:
    spans = Spans(rows)
    chosen = spans.chosen(most, np.random.default_rng(seed)).tolist()
    assert len(chosen) == min(most, len(rows))
    assert chosen == sorted(set(chosen))
    assert set(chosen) <= set(rows)
    members = list(rows)
    for place, row in enumerate(chosen):
        part = members[place * len(rows) // len(chosen) : (place + 1) * len(rows) // len(chosen)]
        assert row in part


@given(st.lists(SETS, max_size=9))
def test_sets_joined(sets: list[Rows]) -> None:
    assert union(sets) == Rows.of({row for rows in sets for row in rows})


# Edges


@given(st.lists(st.floats(allow_nan=False), min_size=2, max_size=30, unique=True))
def test_edges_lie_between_the_values(values: list[float]) -> None:
    levels = np.unique(np.array(values))
    edges = edges_between(levels[:-1], levels[1:])
    assert (edges > levels[:-1]).all()
    assert (edges <= levels[1:]).all()
    assert np.searchsorted(edges, levels, side="right").tolist() == list(range(len(levels)))


@pytest.mark.parametrize(
    ("low", "high", "edge"),
    [
        (1.8293, 1.8312, 1.83),
        (1.2, 1.8399, 1.83),
        (7, 13, 13),
        (0.1, 0.10049, 0.1004),
        (-1.5, -1.23456, -1.24),
        (123456, 123999, 123900),
        (-5e-324, 0, 0),
        (1e22, 1.23456e30, 1.23456e30),
        (1, float("inf"), float("inf")),
    ],
)
def test_edges_are_short(low: float, high: float, edge: float) -> None:
    assert edges_between(np.array([low]), np.array([high], dtype=float)).tolist() == [edge]

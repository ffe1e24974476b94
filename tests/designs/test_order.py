"""Orders: every row once, and stretches that stand for the whole."""

from __future__ import annotations

from collections import Counter
from math import gcd, prod
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudy.designs.order import ORDERS, even_stride, make_order
from genstudy.parameters.grammar import parse_parameter
from genstudy.tables.make import make_table
from tests.designs.opening import drawn, opened

if TYPE_CHECKING:
    from pathlib import Path

RADICES = st.lists(st.integers(1, 12), min_size=1, max_size=5).filter(lambda radices: prod(radices) <= 5000)
NAMES = st.sampled_from([None, *ORDERS])


@given(NAMES, RADICES, st.integers(0, 2**64))
def test_every_row_comes_once(name: str | None, radices: list[int], seed: int) -> None:
    total = prod(radices)
    rows = make_order(name, radices, seed)(0, total)
    assert rows.dtype == np.int64
    assert np.array_equal(np.sort(rows), np.arange(total))
    assert name is not None or np.array_equal(rows, np.arange(total))


@given(NAMES, RADICES, st.integers(0, 9), st.data())
def test_an_order_is_the_same_wherever_it_is_cut(
    name: str | None, radices: list[int], seed: int, data: st.DataObject
) -> None:
    total = prod(radices)
    order = make_order(name, radices, seed)
    cut = data.draw(st.integers(0, total))
    assert np.array_equal(np.concatenate([order(0, cut), order(cut, total - cut)]), order(0, total))


HUGE = [[2**62 - 57], [2] * 62, [10] * 18, [3, 10**9, 10**9]]


@pytest.mark.parametrize("radices", HUGE, ids=str)
@pytest.mark.parametrize("name", ORDERS)
def test_a_huge_design_is_ordered_without_being_held(name: str, radices: list[int]) -> None:
    total = prod(radices)
    order = make_order(name, radices, 1)
    for first in (0, 12345, total - 3000):
        rows = order(first, 3000)
        assert len(set(rows.tolist())) == 3000
        assert rows.min() >= 0
        assert rows.max() < total
    if name == "stratified":
        stride = even_stride(radices)
        assert gcd(stride, total) == 1
        assert order(total - 5, 5).tolist() == [place * stride % total for place in range(total - 5, total)]


def test_a_shuffle_depends_on_its_seed_and_looks_random() -> None:
    first = Counter(tuple(make_order("shuffle", [4], seed)(0, 4).tolist()) for seed in range(6000))
    assert len(first) == 24
    # 250 are expected of each; chi square of 23 degrees of freedom is below 60 but once in 40,000 times.
    assert sum((count - 250) ** 2 / 250 for count in first.values()) < 60
    rows = make_order("shuffle", [100_000], 3)(0, 100_000)
    assert abs(float(np.corrcoef(rows, np.arange(100_000))[0, 1])) < 0.015
    assert abs(float(np.corrcoef(rows[1:], rows[:-1])[0, 1])) < 0.015


GRIDS = [
    [3, 3, 3],
    [10, 10, 10],
    [5, 7, 3, 2],
    [2] * 10,
    [100, 100],
    [4, 3, 2, 5, 6],
    [10] * 6,
    [2] * 20,
    [6] * 8,
]


def levels_of(radices: list[int], rows: np.ndarray) -> np.ndarray:
    strides = [prod(radices[place + 1 :]) for place in range(len(radices))]
    return np.column_stack([rows // stride % radix for stride, radix in zip(strides, radices, strict=True)])


@pytest.mark.parametrize("radices", GRIDS, ids=str)
@pytest.mark.parametrize("length", [8, 20, 64, 250, 1000])
def test_each_level_is_in_each_stretch_nearly_equally_often(radices: list[int], length: int) -> None:
    order = make_order("stratified", radices, 0)
    total = prod(radices)
    length = min(length, total)
    for first in (0, total // 3, total // 2, total - length):
        found = levels_of(radices, order(min(first, total - length), length))
        for column, radix in zip(found.T, radices, strict=True):
            counts = np.bincount(column, minlength=radix)
            # Of random rows, such counts are apart by several times the root of length / radix.
            assert np.abs(counts - length / radix).max() <= 1.5 + 0.35 * np.log2(length)


def test_the_first_batches_of_a_grid_stand_for_the_whole() -> None:
    laws = [f"{name}=linspace(0, 1, 10)" for name in "abcd"]

    def means(order: str | None, size: int) -> np.ndarray:
        a, b, c, d = drawn(opened("grid", laws, order=order)).T
        smooth = np.exp(a) * np.sin(3 * b + 1) + a * c - d**2
        return np.asarray(smooth.reshape(-1, size).mean(axis=1))

    for size in (50, 200, 1000):
        away = {order: np.abs(means(order, size) - means(None, 10_000)) for order in (None, *ORDERS)}
        assert away["stratified"].max() < 0.5 * away["shuffle"].max() < 0.5 * away[None].max()
        assert away["stratified"][0] < 0.02


@pytest.mark.parametrize("design", ["random", "lhs", "sobol", "saltelli"])
def test_rows_that_are_in_no_order_stay_as_they_are(design: str, tmp_path: Path) -> None:
    tables = tmp_path / "plain.csv", tmp_path / "ordered.csv"
    notes: list[str] = []
    for table, order in zip(tables, (None, "stratified"), strict=True):
        make_table(
            [parse_parameter(f"{name}=uniform(0, 1)") for name in "ab"],
            output=table,
            design=design,
            seed=1,
            rows=32,
            order=order,
            note=notes.append,
        )
    assert tables[0].read_bytes() == tables[1].read_bytes()
    assert notes == [f"any rows of the design {design} are as good as others: --order changes nothing"]


def test_the_order_of_a_classical_design_keeps_its_parts_in_each_stretch() -> None:
    laws = [f"p{number}=uniform(-1, 1)" for number in range(6)]
    rows = drawn(opened("ccd(center=20, face=faced)", laws, order="stratified"))
    centres = (rows == 0).all(axis=1)
    assert len(rows) == 96
    assert all(3 <= centres[first : first + 24].sum() <= 7 for first in range(96 - 24))
    assert np.abs([rows[first : first + 24].mean(axis=0) for first in range(96 - 24)]).max() < 0.35

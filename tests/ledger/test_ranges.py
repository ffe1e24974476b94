"""Sets of row numbers behave as Python's sets do, whatever is done with them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudy.errors import UserError
from genstudy.ledger.ranges import Rows

BIG = 10**18 - 2
SETS = st.sets(st.integers(0, 40)) | st.sets(st.sampled_from([0, 1, 2, 9, 10, 11, BIG - 1, BIG]))


@given(SETS)
def test_a_set_comes_back(numbers: set[int]) -> None:
    rows = Rows.of(numbers)
    assert set(rows) == numbers
    assert list(rows) == sorted(numbers)
    assert len(rows) == len(numbers)
    assert bool(rows) == bool(numbers)
    assert rows == Rows.parse(str(rows))
    assert hash(rows) == hash(Rows.parse(str(rows)))


@given(st.lists(st.integers(0, 20)))
def test_neither_order_nor_repetition_matters(numbers: list[int]) -> None:
    assert Rows.of(numbers) == Rows.of(iter(set(numbers)))
    assert Rows.parse(",".join(map(str, numbers))) == Rows.of(numbers)


@given(SETS, SETS)
def test_the_algebra_of_sets(one: set[int], two: set[int]) -> None:
    a, b = Rows.of(one), Rows.of(two)
    for rows, numbers in ((a | b, one | two), (a & b, one & two), (a - b, one - two)):
        assert rows == Rows.of(numbers)
    assert (a == b) == (one == two)


@given(SETS, st.integers(-2, 50))
def test_membership_and_the_lowest(numbers: set[int], number: int) -> None:
    rows = Rows.of(numbers)
    assert (number in rows) == (number in numbers)
    assert list(rows.first(number)) == sorted(numbers)[: max(number, 0)]
    assert rows.first(number) == Rows.of(rows.first(number))


@given(SETS)
def test_ranges_are_as_few_as_can_be(numbers: set[int]) -> None:
    starts = sum(number - 1 not in numbers for number in numbers)
    assert len(Rows.of(numbers).spans) == starts
    assert len(str(Rows.of(numbers)).split(",")) == max(starts, 1)


@given(st.integers(0, 50), st.integers(0, 50))
def test_a_span(start: int, stop: int) -> None:
    assert Rows.span(start, stop) == Rows.of(range(start, stop))


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", ""),
        ("7", "7"),
        ("0-99,105", "0-99,105"),
        ("105,0-99", "0-99,105"),
        ("0-5,3-9", "0-9"),
        ("1,2,3", "1-3"),
        ("4-4", "4"),
        ("007", "7"),
    ],
)
def test_texts_of_rows(text: str, rows: str) -> None:
    assert str(Rows.parse(text)) == rows


@pytest.mark.parametrize(
    "text",
    [",", "1,", "1,,2", "-1", "1-", "5-3", "a", " 1", "1\n", "1 - 2", "1-2-3", "٣", "1" * 19, "+1", "1.0"],
)
def test_texts_that_are_no_rows(text: str) -> None:
    with pytest.raises(UserError, match="is no range of rows\n  write rows as 0-99,105"):
        Rows.parse(text)


def test_rows_are_compared_with_rows_alone() -> None:
    rows = Rows.parse("0-2,7")
    assert rows.spans == ((0, 3), (7, 8))
    assert repr(rows) == "Rows.parse('0-2,7')"
    assert rows != rows.spans
    assert rows != Rows.parse("0-2,8")


def test_a_large_batch_is_a_few_characters() -> None:
    rows = Rows.span(0, 10**12) - Rows.of([10**6])
    assert str(rows) == "0-999999,1000001-999999999999"
    assert len(rows) == 10**12 - 1

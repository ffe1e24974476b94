"""Rows cut into batches."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudy.specs.batches import batch_ids, equal_batches
from tests.specs.support import make, names, refusal

pytestmark = pytest.mark.usefixtures("in_tmp")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [(0, 4)]),
        ({"batch_size": 1}, [(0, 1), (1, 1), (2, 1), (3, 1)]),
        ({"batch_size": 3}, [(0, 3), (3, 1)]),
        ({"batch_size": 9}, [(0, 4)]),
        ({"batches": 1}, [(0, 4)]),
        ({"batches": 3}, [(0, 2), (2, 1), (3, 1)]),
        ({"batches": 4}, [(0, 1), (1, 1), (2, 1), (3, 1)]),
        ({"start": 1}, [(1, 3)]),
        ({"start": 3}, [(3, 1)]),
        ({"rows": 2}, [(0, 2)]),
        ({"start": 1, "rows": 3, "batch_size": 2}, [(1, 2), (3, 1)]),
        ({"start": 1, "rows": 3, "batches": 2}, [(1, 2), (3, 1)]),
    ],
)
def test_batches(options: dict[str, Any], expected: list[tuple[int, int]]) -> None:
    manifest = make(**options).manifest
    assert [(batch.start, batch.nrows) for batch in manifest.batches] == expected
    assert manifest.settings.rows == sum(nrows for _, nrows in expected)
    assert manifest.settings.batch_size == max(nrows for _, nrows in expected)
    assert manifest.settings.start == expected[0][0]
    assert manifest.table.rows == 4


PAST = "is past the end: the table has 4 rows\n  rows are counted from 0, so the last is 3"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": -1}, "t.csv: --start must be at least 0, not -1"),
        ({"start": 4}, f"t.csv: --start 4 {PAST}"),
        ({"start": 9, "batches": 2}, f"t.csv: --start 9 {PAST}"),
        ({"rows": 0}, "t.csv: --rows must be at least 1, not 0"),
        ({"rows": -1}, "t.csv: --rows must be at least 1, not -1"),
        (
            {"rows": 5},
            "t.csv: --start 0 and --rows 5 go past the end: the table has 4 rows\n  ask for at most 4 rows",
        ),
        (
            {"start": 2, "rows": 3, "batches": 1},
            "t.csv: --start 2 and --rows 3 go past the end: the table has 4 rows\n  ask for at most 2 rows",
        ),
        ({"batch_size": 0}, "--batch-size must be at least 1, not 0"),
        ({"batches": 0}, "--batches must be at least 1, not 0"),
        ({"batches": 5}, "--batches 5 is more than there are rows, 4"),
        (
            {"batches": 2, "batch_size": 2},
            "--batch-size and --batches exclude each other\n  give one of them",
        ),
    ],
)
def test_batches_that_cannot_be(options: dict[str, Any], message: str) -> None:
    assert refusal(lambda: make(**options)) == message
    assert names() == ["t.csv"]


@given(st.integers(1, 5000), st.data())
def test_equal_batches_cover_all_rows(rows: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, rows))
    size = equal_batches(rows, count)
    sizes = [size(number) for number in range(count)]
    assert sum(sizes) == rows
    assert max(sizes) - min(sizes) <= 1
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("count", [1, 10, 9999, 10_000, 10_001])
def test_ids_sort_as_their_numbers_do(count: int) -> None:
    ids = batch_ids(count)
    assert len(set(map(len, ids))) == 1
    assert [int(name) for name in sorted(ids)] == list(range(count))
    assert len(ids[0]) == (5 if count > 10_000 else 4)


@pytest.mark.parametrize("name", ["a b", "a/b", ".hidden", "-x", "é", "x" * 101, "$(x)"])
def test_names_that_cannot_be(name: str) -> None:
    assert refusal(lambda: make(name=name)) == (
        f"'{name}' cannot name a campaign\n"
        "  --name takes letters, digits, dots, dashes, underscores, a letter or digit first"
    )
    assert names() == ["t.csv"]


def test_a_name() -> None:
    campaign = make(name="my-study.1", batch_size=2)
    assert [batch.spec for batch in campaign.manifest.batches] == [
        "my-study.1_0000.yaml",
        "my-study.1_0001.yaml",
    ]
    assert campaign.command(campaign.manifest.batches[1]) == (
        "maestro run out/my-study.1_0001.yaml --pgen out/pgen.py"
    )

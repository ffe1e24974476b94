"""Saltelli's design: the rows of SALib, in any pieces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from SALib.sample import sobol
from scipy.stats import qmc

from genstudy.designs.axes import make_axes
from genstudy.designs.kinds import KINDS, Request
from genstudy.designs.saltelli import SaltelliPoints
from genstudy.designs.source import BELOW_ONE
from genstudy.errors import UserError
from genstudy.parameters.grammar import parse_parameter
from genstudy.parameters.groups import parse_groups

CELL = 2.0**-30


def axes_of(count: int):  # type: ignore[no-untyped-def]
    return make_axes([parse_parameter(f"p{place}=uniform(0, 1)") for place in range(count)])


def points(axes: int, blocks: int, *, second_order: bool, seed: int = 7) -> SaltelliPoints:
    return SaltelliPoints(axes_of(axes), seed, blocks=blocks, second_order=second_order)


def drawn(source: SaltelliPoints, *counts: int) -> np.ndarray:
    parts = [np.column_stack(list(source.draw(count))) for count in counts]
    return np.concatenate(parts)


def problem(axes: int) -> dict[str, object]:
    return {"num_vars": axes, "names": [f"p{p}" for p in range(axes)], "bounds": [[0, 1]] * axes}


@pytest.mark.parametrize("second_order", [False, True])
@pytest.mark.parametrize("axes", [1, 2, 5])
def test_the_rows_are_those_of_salib_for_the_same_base(axes: int, second_order: bool) -> None:
    theirs = sobol.sample(problem(axes), 16, calc_second_order=second_order, seed=np.random.default_rng(7))
    source = points(axes, 16, second_order=second_order)
    assert len(theirs) == source.total == 16 * source.block
    ours = drawn(source, source.total)
    assert np.array_equal(ours, np.minimum(theirs + CELL / 2, BELOW_ONE))


def test_the_base_is_a_scrambled_sobol_sequence_of_twice_the_dimensions() -> None:
    base = qmc.Sobol(6, scramble=True, rng=np.random.default_rng(7)).random(8) + CELL / 2
    rows = drawn(points(3, 8, second_order=False), 40)
    assert np.array_equal(np.hstack([rows[::5], rows[4::5]]), base)


@given(st.data(), st.integers(1, 4), st.booleans())
def test_pieces_and_skips_change_nothing(data: st.DataObject, axes: int, second_order: bool) -> None:
    source = points(axes, 4, second_order=second_order)
    whole = drawn(source, source.total)
    again = points(axes, 4, second_order=second_order)
    at = 0
    while at < again.total:
        count = data.draw(st.integers(1, again.total - at))
        if data.draw(st.booleans()):
            again.skip(count)
        else:
            assert np.array_equal(drawn(again, count), whole[at : at + count])
        at += count


def test_more_blocks_leave_the_first_as_they_are() -> None:
    few, many = points(2, 4, second_order=False), points(2, 9, second_order=False)
    assert np.array_equal(drawn(few, 16), drawn(many, 36)[:16])


def test_a_group_is_one_axis() -> None:
    parameters = [parse_parameter(f"{name}=uniform(0, 1)") for name in "abc"]
    axes = make_axes(parameters, parse_groups(["zip(a, c)"], "abc"))
    request = Request(axes=axes, seed=1, rows=None, arguments={"blocks": 3, "second_order": False})
    source = KINDS["saltelli"].open(request)
    assert (source.block, source.total) == (4, 12)


def asked(rows: int | None, blocks: int | None) -> int | None:
    arguments = {"blocks": blocks, "second_order": False}
    request = Request(axes=axes_of(2), seed=1, rows=rows, arguments=arguments)
    return KINDS["saltelli"].open(request).total


def test_how_many_rows_there_are() -> None:
    assert asked(None, None) == 64 * 4
    assert asked(None, 10) == 40
    assert asked(40, None) == 40
    assert asked(40, 10) == 40
    for rows, blocks, told in (
        (42, None, "42 rows are no whole number of blocks: 4 rows belong together\n  pass -n 40 or 44"),
        (3, None, "3 rows are no whole number of blocks: 4 rows belong together\n  pass -n 4,"),
        (44, 10, "blocks=10 are 40 rows, and -n says 44"),
    ):
        with pytest.raises(UserError) as found:
            asked(rows, blocks)
        assert str(found.value).startswith(told)


def test_more_than_a_sobol_sequence_has() -> None:
    with pytest.raises(UserError, match="10600 parameters at most, not 10601"):
        points(10601, 1, second_order=False)
    with pytest.raises(UserError, match="1073741824 blocks at most"):
        points(1, 2**30 + 1, second_order=False)


def test_blocks_that_are_no_power_of_2_are_noted() -> None:
    told: list[str] = []
    arguments = {"blocks": None, "second_order": False}
    for rows in (16, 40):
        KINDS["saltelli"].open(
            Request(axes=axes_of(2), seed=1, rows=rows, arguments=arguments, note=told.append)
        )
    assert told == ["saltelli is balanced where its blocks are a power of 2; 10 is none"]

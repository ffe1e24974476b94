"""Morris' design: what every trajectory is like."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from SALib.analyze import morris as salib

from genstudy.designs.axes import make_axes
from genstudy.designs.kinds import KINDS, Request
from genstudy.designs.morris import MorrisPoints, step_size
from genstudy.errors import UserError
from genstudy.parameters.grammar import parse_parameter


def morris(*laws: str, trajectories: int = 10, levels: int = 4, seed: int = 3) -> MorrisPoints:
    axes = make_axes([parse_parameter(f"p{place}={law}") for place, law in enumerate(laws)])
    return MorrisPoints(axes, seed, trajectories=trajectories, levels=levels)


def drawn(source: MorrisPoints, *counts: int) -> np.ndarray:
    """Draw rows, as points of [0, 1]."""
    parts = [np.column_stack(list(source.draw(count))) for count in counts]
    return (np.concatenate(parts) + 1) / 2


UNIT = "uniform(0, 1)"


@given(st.integers(1, 6), st.sampled_from([2, 4, 6, 10]), st.integers(0, 2**32))
def test_each_trajectory_moves_each_axis_once_by_a_step(axes: int, levels: int, seed: int) -> None:
    source = morris(*[UNIT] * axes, trajectories=5, levels=levels, seed=seed)
    rows = drawn(source, 10**6)
    assert rows.shape == (source.total, axes) == (5 * (axes + 1), axes)
    assert np.allclose(rows * (levels - 1), np.rint(rows * (levels - 1)))
    assert rows.min() >= 0
    assert rows.max() <= 1
    moves = np.diff(rows.reshape(5, axes + 1, axes), axis=1)
    assert np.array_equal(np.count_nonzero(moves, axis=1), np.ones((5, axes)))
    assert np.array_equal(np.count_nonzero(moves, axis=2), np.ones((5, axes)))
    assert np.allclose(np.abs(moves).max(axis=2), step_size(levels))


def test_levels_directions_and_turns_are_equally_likely() -> None:
    rows = drawn(morris(UNIT, UNIT, UNIT, trajectories=20_000), 10**6).reshape(-1, 4, 3)
    moves = np.diff(rows, axis=1)
    assert np.allclose((moves > 0).sum(axis=(0, 1)) / 20_000, 0.5, atol=0.02)
    assert np.allclose((moves != 0).mean(axis=0), 1 / 3, atol=0.02)
    levels, counts = np.unique(np.rint(rows[:, :, 1] * 3), return_counts=True)
    assert levels.tolist() == [0, 1, 2, 3]
    assert np.allclose(counts / counts.sum(), 0.25, atol=0.02)


@given(st.data(), st.integers(1, 4))
def test_pieces_and_skips_change_nothing(data: st.DataObject, axes: int) -> None:
    laws = [UNIT] * axes
    whole = drawn(morris(*laws, trajectories=4), 10**6)
    again = morris(*laws, trajectories=4)
    at = 0
    while at < again.total:
        count = data.draw(st.integers(1, again.total - at))
        if data.draw(st.booleans()):
            again.skip(count)
        else:
            assert np.array_equal(drawn(again, count), whole[at : at + count])
        at += count


def test_more_trajectories_leave_the_first_as_they_are() -> None:
    few, many = morris(UNIT, UNIT, trajectories=3), morris(UNIT, UNIT, trajectories=9)
    assert np.array_equal(drawn(few, 9), drawn(many, 27)[:9])


def test_salib_takes_our_rows() -> None:
    rows = drawn(morris(UNIT, UNIT, UNIT, trajectories=30), 120)
    problem: dict[str, Any] = {"num_vars": 3, "names": ["a", "b", "c"], "bounds": [[0, 1]] * 3}
    found = salib.analyze(problem, rows, rows @ np.array([1.0, -2.0, 0.0]), num_levels=4)
    assert np.allclose(np.array(found["mu"], dtype=float), [1, -2, 0])
    assert np.allclose(np.array(found["sigma"], dtype=float), 0)


@pytest.mark.parametrize("levels", [2, 4, 6, 12])
def test_values_go_to_the_ends_of_laws_and_every_step_changes_them(levels: int) -> None:
    laws = ("uniform(1, 3)", "choice(a, b)", "int(1, 3)", "loguniform(1e-3, 10)", "linspace(5, 1, 8)")
    axes = make_axes([parse_parameter(f"p{place}={law}") for place, law in enumerate(laws)])
    source = MorrisPoints(axes, 1, trajectories=60, levels=levels)
    columns = [axis.coded(column)[0] for axis, column in zip(axes, source.draw(10**6), strict=True)]
    ends = [(column.min(), column.max()) for column in columns]
    assert ends == [(1, 3), (0, 1), (1, 3), (1e-3, 10), (1, 5)]
    for axis, column in enumerate(columns):
        steps = np.diff(column.reshape(60, 6), axis=1)
        assert np.array_equal(np.count_nonzero(steps, axis=1), np.ones(60)), laws[axis]


def test_what_is_refused() -> None:
    with pytest.raises(UserError, match="an even number of levels, not 5"):
        morris(UNIT, levels=5)
    axes = make_axes([parse_parameter("p=normal(0, 1)")])
    source = MorrisPoints(axes, 1, trajectories=2, levels=4)
    with pytest.raises(UserError, match=r"the parameter p follows normal\(0, 1\), which has no ends"):
        axes[0].coded(next(iter(source.draw(4))))


def test_more_levels_than_floats_can_count_are_refused() -> None:
    with pytest.raises(UserError, match=r"^the design morris takes 1073741824 levels at most, not 10{400}"):
        morris("uniform(0, 1)", levels=10**400)


def test_how_many_rows_there_are() -> None:
    axes = make_axes([parse_parameter(f"p{place}={UNIT}") for place in range(4)])

    def total(rows: int | None, trajectories: int | None) -> int | None:
        arguments = {"trajectories": trajectories, "levels": 4}
        return KINDS["morris"].open(Request(axes=axes, seed=1, rows=rows, arguments=arguments)).total

    assert (total(None, None), total(None, 7), total(20, None)) == (50, 35, 20)
    with pytest.raises(UserError, match="5 rows belong together"):
        total(21, None)

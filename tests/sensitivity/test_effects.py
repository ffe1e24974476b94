"""Elementary effects: those of SALib, and what is left where rows are missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from SALib.analyze import morris as salib

from genstudy.designs.axes import make_axes
from genstudy.designs.choose import parse_design
from genstudy.parameters.grammar import parse_parameter
from genstudy.sensitivity.effects import Effects, elementary_effects, morris_effects
from genstudy.sensitivity.layout import Layout, drawn, moves_of
from tests.sensitivity.models import Model, ishigami, problem, sobol_g


def layout(*laws: str, trajectories: int = 20, levels: int = 4, seed: int = 2) -> Layout:
    axes = make_axes([parse_parameter(f"p{place}={law}") for place, law in enumerate(laws)])
    block = len(axes) + 1
    return Layout(
        design=parse_design(f"morris(levels={levels})"),
        axes=tuple(axes),
        seed=seed,
        order=None,
        parts=(trajectories * block,),
        block=block,
        replicates=1,
        first=0,
        blocks=trajectories,
    )


def points(one: Layout) -> np.ndarray:
    return (np.column_stack(drawn(one.open(), one.rows)) + 1) / 2


def effects(one: Layout, results: np.ndarray, **options: Any) -> list[Effects]:
    settings = {"confidence": 0.95, "resamples": 200, "seed": 0, **options}
    return morris_effects(results.reshape(one.blocks, -1), moves_of(one), **settings)


UNIT = "uniform(0, 1)"


@pytest.mark.parametrize(("model", "axes"), [(ishigami, 3), (sobol_g, 5)])
@pytest.mark.parametrize("levels", [2, 4, 8])
def test_they_are_those_of_salib(model: Model, axes: int, levels: int) -> None:
    one = layout(*[UNIT] * axes, levels=levels)
    rows = points(one)
    ours = effects(one, model(rows), resamples=5000)
    theirs = salib.analyze(problem(axes), rows, model(rows), num_levels=levels, num_resamples=5000, seed=1)
    for figure in ("mu", "mu_star", "sigma"):
        values = [getattr(each, figure).value for each in ours]
        assert np.allclose(values, np.array(theirs[figure], dtype=float), rtol=0, atol=1e-10)
    widths = [each.mu_star.confidence for each in ours]
    assert np.allclose(widths, np.array(theirs["mu_star_conf"], dtype=float), rtol=0.08, atol=1e-9)


def test_a_straight_model_has_its_slopes_whatever_the_levels_are() -> None:
    one = layout(UNIT, "choice(a, b)", "int(0, 2)", "int(1, 10)", trajectories=30)
    columns = [axis.coded(column)[0] for axis, column in zip(one.axes, drawn(one.open(), 150), strict=True)]
    results = 2 * columns[0] - 3 * columns[1] + 4 * columns[2] / 2 + (columns[3] - 1) / 9
    found = effects(one, results)
    slopes = [2, -3, 4, 1]
    assert np.allclose([each.mu.value for each in found], slopes)
    assert np.allclose([each.mu_star.value for each in found], np.abs(slopes))
    assert np.allclose([each.sigma.value for each in found], 0, atol=1e-12)
    assert np.allclose([each.sigma.confidence for each in found], 0, atol=1e-12)


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.floats(0.01, 0.6))
def test_an_effect_needs_its_two_rows(seed: int, share: float) -> None:
    one = layout(UNIT, UNIT, UNIT, trajectories=12)
    rows = points(one)
    whole = ishigami(rows)
    lost = np.where(np.random.default_rng(seed).random(len(whole)) < share, np.nan, whole)
    found = elementary_effects(lost.reshape(12, 4), moves_of(one))
    for trajectory in range(12):
        for step in range(3):
            low, high = 4 * trajectory + step, 4 * trajectory + step + 1
            moved = rows[high] - rows[low]
            axis = int(np.flatnonzero(moved)[0])
            effect = (lost[high] - lost[low]) / moved[axis]
            assert found[trajectory, axis] == pytest.approx(effect, rel=1e-9, nan_ok=True)


def test_what_cannot_be_told_is_nan() -> None:
    one = layout(UNIT, UNIT, trajectories=1)
    (first, _) = effects(one, np.array([1.0, 2.0, 4.0]))
    assert first.mu.blocks == 1
    assert np.isfinite(first.mu.value)
    assert np.isnan([first.mu.confidence, first.sigma.value]).all()
    none = effects(layout(UNIT, UNIT, trajectories=3), np.full(9, np.nan))
    assert np.isnan([figure.value for each in none for figure in (each.mu, each.mu_star, each.sigma)]).all()


def test_rows_made_in_several_calls_and_a_part_of_the_table() -> None:
    whole = layout(UNIT, UNIT, trajectories=9)
    part = Layout(
        **{name: getattr(whole, name) for name in ("design", "axes", "seed", "order", "block", "replicates")},
        parts=(6, 21),
        first=4,
        blocks=3,
    )
    assert np.array_equal(moves_of(part).before, moves_of(whole).before[4:7])
    assert np.array_equal(moves_of(part).change, moves_of(whole).change[4:7])

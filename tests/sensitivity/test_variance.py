"""Variance-based indices: those of SALib, those of the theory, and what is left where rows are missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from SALib.analyze import sobol

from genstudy.sensitivity.variance import Found, Term, all_terms, mean_and_variance, variance_indices
from tests.sensitivity.models import (
    Model,
    ishigami,
    ishigami_indices,
    problem,
    saltelli_results,
    sobol_g,
    sobol_g_indices,
)


def indices(
    results: np.ndarray, axes: int, *, second_order: bool = False, **options: Any
) -> dict[Term, Found]:
    settings = {"confidence": 0.95, "resamples": 200, "seed": 0, **options}
    return variance_indices(results, all_terms(axes, second_order=second_order), **settings)


def of_kind(found: dict[Term, Found], kind: str, what: str = "value") -> list[float]:
    return [getattr(one, what) for term, one in found.items() if term.kind == kind]


@pytest.mark.parametrize("second_order", [False, True])
@pytest.mark.parametrize(("model", "axes"), [(ishigami, 3), (sobol_g, 5)])
@pytest.mark.parametrize("blocks", [2, 37, 1024])
def test_estimates_are_those_of_salib(model: Model, axes: int, blocks: int, second_order: bool) -> None:
    results = saltelli_results(model, axes, blocks, second_order=second_order)
    ours = indices(results, axes, second_order=second_order)
    theirs = sobol.analyze(problem(axes), results.reshape(-1), calc_second_order=second_order, seed=1)
    assert np.allclose(of_kind(ours, "first"), theirs["S1"], rtol=0, atol=1e-10)
    assert np.allclose(of_kind(ours, "total"), theirs["ST"], rtol=0, atol=1e-10)
    if second_order:
        pairs = theirs["S2"][np.triu_indices(axes, 1)]
        assert np.allclose(of_kind(ours, "second"), pairs, rtol=0, atol=1e-10)
    assert {one.blocks for one in ours.values()} == {blocks}


def test_intervals_are_those_of_salib_within_sampling_error() -> None:
    results = saltelli_results(ishigami, 3, 512, second_order=True)
    ours = indices(results, 3, second_order=True, resamples=4000)
    theirs = sobol.analyze(problem(3), results.reshape(-1), num_resamples=4000, seed=1)
    assert np.allclose(of_kind(ours, "first", "confidence"), theirs["S1_conf"], rtol=0.08)
    assert np.allclose(of_kind(ours, "total", "confidence"), theirs["ST_conf"], rtol=0.08)
    pairs = theirs["S2_conf"][np.triu_indices(3, 1)]
    assert np.allclose(of_kind(ours, "second", "confidence"), pairs, rtol=0.08)


def test_ishigami_is_within_its_intervals() -> None:
    first, total, pair = ishigami_indices()
    found = indices(saltelli_results(ishigami, 3, 2048, second_order=True), 3, second_order=True)
    for kind, truth in (("first", first), ("total", total), ("second", [0, pair, 0])):
        miss = np.abs(np.array(of_kind(found, kind)) - truth)
        assert (miss <= np.array(of_kind(found, kind, "confidence")) + 1e-3).all(), kind


def test_sobols_g_is_within_its_intervals() -> None:
    first, total = sobol_g_indices()
    found = indices(saltelli_results(sobol_g, 5, 2048), 5)
    for kind, truth in (("first", first), ("total", total)):
        miss = np.abs(np.array(of_kind(found, kind)) - truth)
        assert (miss <= np.array(of_kind(found, kind, "confidence")) + 1e-3).all(), kind


def test_the_same_seed_gives_the_same_intervals_and_more_confidence_wider_ones() -> None:
    results = saltelli_results(ishigami, 3, 64)
    assert indices(results, 3) == indices(results, 3)
    other, wide = indices(results, 3, seed=1), indices(results, 3, confidence=0.99)
    for term, one in indices(results, 3).items():
        assert one.value == other[term].value == wide[term].value
        assert one.confidence != other[term].confidence
        assert wide[term].confidence == pytest.approx(one.confidence * 2.5758293 / 1.9599640)


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.floats(0.01, 0.3), st.booleans())
def test_each_index_is_of_the_blocks_that_are_whole_for_it(
    seed: int, share: float, second_order: bool
) -> None:
    results = saltelli_results(ishigami, 3, 40, second_order=second_order)
    lost = np.where(np.random.default_rng(seed).random(results.shape) < share, np.nan, results)
    found = indices(lost, 3, second_order=second_order, resamples=20)
    mean = np.nanmean(lost)
    a, b = lost[:, 0] - mean, lost[:, -1] - mean
    for term, one in found.items():
        ab = lost[:, 1 + term.axis] - mean
        if term.kind == "first":
            given = b * (ab - a)
        elif term.kind == "total":
            given = (a - ab) ** 2 / 2
        else:
            other, ba = lost[:, 1 + term.other] - mean, lost[:, 4 + term.axis] - mean
            given = ba * other - a * b - b * (ab - a) - b * (other - a)
        whole = np.isfinite(given)
        sides = np.concatenate([a[whole], b[whole]])
        value = given[whole].mean() / np.var(sides[np.isfinite(sides)])
        assert one.blocks == whole.sum()
        assert one.value == pytest.approx(value, rel=1e-9, abs=1e-9)


def test_blocks_without_any_result_change_nothing() -> None:
    results = saltelli_results(ishigami, 3, 32)
    longer = np.vstack([results, np.full((10, 5), np.nan)])
    assert indices(longer, 3) == indices(results, 3)


@given(st.sampled_from([1e-300, 1e-9, 1.0, 1e9, 1e300]), st.sampled_from([0.0, 1.0, -3.0]))
@settings(max_examples=15)
def test_units_do_not_matter(unit: float, shift: float) -> None:
    results = saltelli_results(ishigami, 3, 32)
    for one, other in zip(
        indices(results, 3).values(), indices((results + shift) * unit, 3).values(), strict=True
    ):
        assert other.value == pytest.approx(one.value, abs=1e-9)
        assert other.confidence == pytest.approx(one.confidence, rel=1e-6)


def test_what_cannot_be_told_is_nan() -> None:
    one = indices(saltelli_results(ishigami, 3, 1), 3)
    assert {found.blocks for found in one.values()} == {1}
    assert np.isnan(of_kind(one, "first", "confidence")).all()
    none = np.full((4, 5), np.nan)
    none[:, 1] = 1.0
    found = indices(none, 3)
    assert np.isnan([(one.value, one.confidence) for one in found.values()]).all()
    assert {one.blocks for one in found.values()} == {0}
    flat = np.ones((6, 5))
    flat[2, 1] = 2.0
    assert np.isnan(of_kind(indices(flat, 3), "first")).all()


@pytest.mark.parametrize("unit", [1.0, 1e-100, 1e100])
def test_mean_and_variance_are_those_of_the_rows_that_follow_the_laws(unit: float) -> None:
    results = saltelli_results(ishigami, 3, 32)
    results[3, 0] = np.nan
    sides = results[:, [0, -1]]
    mean, variance = mean_and_variance(results * unit)
    assert mean == pytest.approx(np.nanmean(sides) * unit, rel=1e-12)
    assert variance == pytest.approx(np.nanvar(sides) * unit * unit, rel=1e-12)


@pytest.mark.parametrize("unit", [1e-300, 1e300])
def test_a_variance_beyond_all_floats_is_none(unit: float) -> None:
    results = saltelli_results(ishigami, 3, 32)
    mean, variance = mean_and_variance(results * unit)
    assert mean == pytest.approx(results[:, [0, -1]].mean() * unit, rel=1e-12)
    assert variance is None
    assert mean_and_variance(np.full((4, 5), np.nan)) == (None, None)
    assert mean_and_variance(np.ones((4, 5))) == (1.0, 0.0)

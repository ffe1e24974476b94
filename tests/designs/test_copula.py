"""Correlated inputs: the correlation that is wanted, and nothing else touched."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, spearmanr

from genstudy.errors import UserError
from tests.designs.opening import UNIT, drawn, opened

DESIGNS = ("random", "lhs", "sobol", "halton")


@settings(max_examples=20, deadline=None)
@given(st.floats(-0.99, 0.99), st.sampled_from(DESIGNS))
def test_a_pair_has_the_rank_correlation_that_is_wanted(wanted: float, design: str) -> None:
    rows = 2**14
    found = drawn(opened(design, rows=rows, correlate=[("a", "c", wanted)]), rows)
    plain = drawn(opened(design, rows=rows), rows)
    assert spearmanr(found[:, 0], found[:, 2]).statistic == pytest.approx(wanted, abs=0.03)
    assert abs(spearmanr(found[:, 0], found[:, 1]).statistic) < 0.03
    assert np.array_equal(found[:, :2], plain[:, :2])
    assert kstest(found[:, 2], "uniform").pvalue > 1e-4
    assert found.min() >= 0
    assert found.max() < 1


@pytest.mark.parametrize("design", DESIGNS)
def test_the_size_of_chunks_changes_nothing(design: str) -> None:
    pairs = [("a", "b", 0.7), ("b", "c", -0.3)]
    whole = drawn(opened(design, rows=100, correlate=pairs), 100)
    assert np.array_equal(drawn(opened(design, rows=100, correlate=pairs), 1, 30, 69), whole)


def test_all_pairs_of_a_matrix_are_met_and_the_first_of_each_stays() -> None:
    laws = [f"{name}=uniform(0, 1)" for name in "abcdef"]
    pairs = [("d", "a", 0.8), ("d", "b", -0.5), ("a", "b", -0.2), ("e", "f", 0.4)]
    found = drawn(opened("random", laws, correlate=pairs), 40_000)
    plain = drawn(opened("random", laws), 40_000)
    wanted = np.eye(6)
    for first, second, value in pairs:
        at, to = "abcdef".index(first), "abcdef".index(second)
        wanted[at, to] = wanted[to, at] = value
    # c is in no pair; a and b are in none with e and f.
    assert spearmanr(found).statistic == pytest.approx(wanted, abs=0.02)
    assert [np.array_equal(*both) for both in zip(found.T, plain.T, strict=True)] == [
        name in "cde" for name in "abcdef"
    ]


def test_laws_do_not_change_the_rank_correlation() -> None:
    laws = ("a=loguniform(1e-3, 1e3)", "b=normal(0, 1)", "c=gamma(2)")
    found = drawn(opened("lhs", laws, rows=5000, correlate=[("a", "b", 0.6), ("a", "c", -0.4)]), 5000)
    assert spearmanr(found[:, 0], found[:, 1]).statistic == pytest.approx(0.6, abs=0.02)
    assert spearmanr(found[:, 0], found[:, 2]).statistic == pytest.approx(-0.4, abs=0.02)


def test_the_first_column_of_a_latin_hypercube_stays_one() -> None:
    found = drawn(opened("lhs", rows=200, correlate=[("a", "b", 0.9)]), 200)
    strata = [len(np.unique(np.floor(column * 200))) for column in found.T]
    assert strata[0] == strata[2] == 200
    assert strata[1] < 200


def test_a_parameter_of_a_zip_stands_for_the_zip() -> None:
    rows = 5000
    found = drawn(
        opened("random", rows=rows, groups=["zip(a, b)"], correlate=[("c", "b", 0.7)]),
        rows,
    )
    assert np.array_equal(found[:, 0], found[:, 1])
    assert spearmanr(found[:, 0], found[:, 2]).statistic == pytest.approx(0.7, abs=0.03)


def test_a_zip_of_other_numbers_of_levels_correlates() -> None:
    columns = ("a=choice(x, y)", "b=choice(p, q, r)", "c=uniform(0, 1)")
    found = drawn(opened("random", columns, groups=["zip(a, b)"], correlate=[("a", "c", 0.8)]), 1000)
    assert spearmanr(found[:, 1], found[:, 2]).statistic > 0.6


def test_levels_correlate_too() -> None:
    found = drawn(opened("random", ("a=int(1, 4)", "b=choice(x, y, z)"), correlate=[("a", "b", 0.8)]), 20_000)
    assert 0.65 < spearmanr(found[:, 0], found[:, 1]).statistic < 0.8


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        ([("a", "a", 0.5)], "--correlate a a 0.5: a parameter cannot be correlated with itself"),
        (
            [("a", "b", 1.0)],
            (
                "--correlate a b 1: a rank correlation is between -1 and 1, both left out\n"
                "  what always rises together is a group: --group 'zip(a, b)'"
            ),
        ),
        (
            [("a", "b", float("nan"))],
            (
                "--correlate a b nan: a rank correlation is between -1 and 1, both left out\n"
                "  what always rises together is a group: --group 'zip(a, b)'"
            ),
        ),
        ([("a", "b", 0.5), ("b", "a", 0.4)], "--correlate b a 0.4: this pair is there twice\n  say it once"),
        (
            [("a", "b", 0.9), ("b", "c", 0.9), ("a", "c", -0.5)],
            (
                "--correlate: no parameters have all of these correlations at once: "
                "a b 0.9, b c 0.9, a c -0.5\n"
                "  bring them nearer to 0: with 0.62 times each of them it can be done"
            ),
        ),
    ],
)
def test_pairs_that_cannot_be(pairs: list[tuple[str, str, float]], told: str) -> None:
    with pytest.raises(UserError) as caught:
        opened("random", correlate=pairs)
    assert str(caught.value) == told


@pytest.mark.parametrize(
    ("laws", "groups", "message"),
    [
        (UNIT, ["zip(a, b)"], "a and b move together already, in zip(a, b)"),
        (
            ("a=int(1, 2)", "b=int(1, 2)", "c=int(1, 3)"),
            ["product(b, c)"],
            "b is in product(b, c), whose combinations have no order to be correlated with",
        ),
        (("a=int(1, 2)", "b=const(1)"), [], "the parameter b has one value, and correlates with nothing"),
    ],
)
def test_axes_that_cannot_be(laws: tuple[str, ...], groups: list[str], message: str) -> None:
    with pytest.raises(UserError) as caught:
        opened("random", laws, groups=groups, correlate=[("a", "b", 0.5)])
    assert caught.value.message == message

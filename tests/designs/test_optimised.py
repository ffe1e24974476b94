"""Designs that are optimised: what they promise of their points, and what they refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import qmc

from genstudy.errors import UserError
from genstudy.parameters.grammar import parse_parameter
from genstudy.tables.make import make_table
from tests.designs.opening import UNIT, drawn, opened

if TYPE_CHECKING:
    from pathlib import Path

CD, LLOYD = "lhs(optimize=random-cd)", "lhs(optimize=lloyd)"


def laws(count: int) -> tuple[str, ...]:
    return tuple(f"p{number}=uniform(0, 1)" for number in range(count))


@pytest.mark.parametrize("design", [CD, LLOYD, "poisson"])
def test_the_seed_gives_the_same_points_in_chunks_of_any_size(design: str) -> None:
    whole = drawn(opened(design, rows=40), 40)
    assert whole.shape == (40, 3)
    assert np.array_equal(drawn(opened(design, rows=40), 1, 9, 30), whole)
    assert not np.array_equal(drawn(opened(design, rows=40, seed=6), 40), whole)
    assert whole.min() >= 0
    assert whole.max() < 1


@pytest.mark.parametrize("design", [CD, LLOYD, "poisson"])
def test_rows_are_passed_over(design: str) -> None:
    whole = drawn(opened(design, rows=40), 40)
    later = opened(design, rows=40)
    later.skip(15)
    assert np.array_equal(drawn(later, 25), whole[15:])


def test_random_cd_lowers_the_discrepancy_of_a_latin_hypercube() -> None:
    found, plain = (drawn(opened(design, rows=100), 100) for design in (CD, "lhs"))
    for column in found.T:
        assert np.array_equal(np.sort(np.floor(column * 100)), np.arange(100))
    assert qmc.discrepancy(found) < 0.5 * qmc.discrepancy(plain)


def test_lloyd_moves_points_apart() -> None:
    found, plain = (drawn(opened(design, UNIT[:2], rows=100), 100) for design in (LLOYD, "lhs"))
    assert pdist(found).min() > 2 * pdist(plain).min()


def test_further_rows_come_in_further_blocks() -> None:
    design = opened(CD, rows=30)
    first, second = (np.column_stack(design.draw(99)) for _ in range(2))
    assert first.shape == second.shape == (30, 3)
    assert not np.array_equal(first, second)


@pytest.mark.parametrize(("axes", "rows"), [(1, 20), (2, 5), (2, 200), (3, 100), (4, 60), (5, 50), (6, 40)])
def test_poisson_finds_a_radius_for_as_many_points_as_are_wanted(axes: int, rows: int) -> None:
    found = drawn(opened("poisson", laws(axes), rows=rows))
    assert found.shape == (rows, axes)
    # As good as a radius that was tuned: few more disks than wanted would have fitted.
    assert pdist(found).min() > 0.6 * rows ** (-1 / axes)


def test_poisson_points_are_as_far_apart_as_the_radius() -> None:
    found = drawn(opened("poisson(radius=0.1)", laws(2)))
    assert pdist(found).min() > 0.1 - 1e-6
    # Nowhere is there room for one more of scipy's tries, so there are about as many as can be.
    assert 55 < len(found) < 80
    assert len(drawn(opened("poisson(radius=0.1)", laws(2), rows=30))) == 30
    assert len(drawn(opened("poisson", laws(2)))) == 20


@pytest.mark.parametrize("design", ["poisson", "poisson(radius=0.2)", CD, LLOYD])
def test_parameters_with_one_value_are_in_no_design(design: str) -> None:
    alone = drawn(opened(design, laws(2), rows=15), 15)
    found = drawn(opened(design, ["k=const(9)", *laws(2), "m=int(4, 4)"], rows=15), 15)
    assert np.array_equal(found, np.column_stack([np.zeros(15), alone, np.full(15, 4)]))


@pytest.mark.parametrize("design", ["poisson", CD, LLOYD])
def test_of_constants_alone_there_is_no_design(design: str) -> None:
    with pytest.raises(UserError, match="parameter"):
        opened(design, ["k=const(9)", "m=const(4)"], rows=15)


def test_a_zip_of_other_numbers_of_levels_is_one_axis() -> None:
    columns = ["a=choice(x, y)", "b=choice(p, q, r)", "c=uniform(0, 1)"]
    found = drawn(opened("poisson", columns, rows=15, groups=["zip(a, b)"]), 15)
    assert found.shape == (15, 3)


def test_any_part_of_poisson_points_is_spread_over_the_whole_cube() -> None:
    found = drawn(opened("poisson(radius=0.05)", laws(2)))
    assert np.abs(found[:60].mean(axis=0) - 0.5).max() < 0.12
    assert found[:60].std(axis=0).min() > 0.2


@pytest.mark.parametrize(
    ("design", "axes", "rows", "told"),
    [
        (LLOYD, 1, 20, "--design 'lhs(optimize=lloyd)': lloyd takes 2 to 7 parameters, not 1"),
        (LLOYD, 8, 20, "--design 'lhs(optimize=lloyd)': lloyd takes 2 to 7 parameters, not 8"),
        (LLOYD, 5, 6, "--design 'lhs(optimize=lloyd)': lloyd takes 7 rows or more of 5 parameters, not 6"),
        (
            LLOYD,
            7,
            101,
            "--design 'lhs(optimize=lloyd)': 101 rows of 7 parameters would take long: 100 is the most",
        ),
        (
            CD,
            2,
            10_001,
            "'lhs(optimize=random-cd)': 10001 rows of 2 parameters would take long: 10000 is the most",
        ),
        ("poisson", 7, 20, "poisson takes 6 parameters at most, not 7"),
        ("poisson", 2, 5001, "poisson makes 5000 rows of 2 parameters at most, not 5001"),
        ("poisson(radius=0.2)", 2, 90, "points fit with 0.2 between them, and 90 rows are wanted"),
        (
            "poisson(radius=0.001)",
            2,
            None,
            "with the radius 0.001 about 640000 points fit, and that would take long",
        ),
        ("poisson(radius=0.01)", 6, None, "with the radius 0.01 about 1000000000000 points fit"),
        ("poisson(radius=wide)", 2, None, "'wide' is no radius"),
        ("poisson(radius=1e-300)", 2, None, "'1e-300' is no radius"),
        ("poisson(radius=-1)", 2, None, "'-1' is no radius"),
    ],
)
def test_what_is_refused(design: str, axes: int, rows: int | None, told: str) -> None:
    with pytest.raises(UserError) as caught:
        opened(design, laws(axes), rows=rows)
    assert told in str(caught.value)
    assert caught.value.hint


def test_conditions_take_rows_away_that_poisson_cannot_replace(tmp_path: Path) -> None:
    parameters = [parse_parameter(text) for text in UNIT[:2]]
    kept = make_table(
        parameters, output=tmp_path / "a.csv", design="poisson(radius=0.1)", seed=1, where=["a < b"]
    )
    assert 20 < kept.rows < 50
    with pytest.raises(UserError) as caught:
        make_table(parameters, output=tmp_path / "b.csv", design="poisson", seed=1, rows=30, where=["a < b"])
    assert str(caught.value) == (
        "the design poisson has 30 rows before conditions, and -n says 30\n"
        "  leave -n away: the conditions say how many of its rows are left"
    )
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.csv", "a.json"]


def test_the_record_has_the_versions_of_what_made_the_points(tmp_path: Path) -> None:
    parameters = [parse_parameter(text) for text in UNIT]
    needed = {
        name: set(make_table(parameters, output=tmp_path / "t.csv", design=name, seed=1, force=True).versions)
        - {"python", "numpy", "polars"}
        for name in ("lhs", CD, "poisson", "ccd", "oat")
    }
    assert needed == {"lhs": set(), CD: {"scipy"}, "poisson": {"scipy"}, "ccd": {"pydoe"}, "oat": set()}


def test_an_optimised_hypercube_cannot_be_extended() -> None:
    with pytest.raises(UserError, match="a Latin hypercube that was optimised cannot be extended"):
        opened(CD, rows=40, parts=(20, 20))

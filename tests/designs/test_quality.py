"""Figures of a design against scipy's, and what is told of it."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import pdist
from scipy.stats import qmc, spearmanr

from genstudy.designs.axes import make_axes
from genstudy.designs.choose import open_design, parse_design
from genstudy.designs.quality import (
    QualitySample,
    most_points,
    pairs_of,
    quality_line,
    random_discrepancy,
    rank_correlation,
)
from genstudy.designs.scale import UnitScale
from genstudy.parameters.grammar import parse_law, parse_parameter
from genstudy.parameters.groups import parse_groups
from genstudy.tables.extend import extend_table
from genstudy.tables.make import make_table
from genstudy.tables.record import read_record

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

SHAPES = st.tuples(st.integers(2, 60), st.integers(1, 8))


@settings(deadline=None)
@given(SHAPES.flatmap(lambda shape: arrays(float, shape, elements=st.floats(0, 1))))
def test_discrepancy_and_distance_are_those_of_scipy(points: np.ndarray) -> None:
    discrepancy, nearest = pairs_of(points)
    assert discrepancy == pytest.approx(qmc.discrepancy(points, method="CD"), rel=1e-9, abs=1e-12)
    assert nearest.min() == pytest.approx(pdist(points).min(), abs=1e-12)


def test_many_points_are_looked_at_block_by_block() -> None:
    points = np.random.default_rng(1).random((3000, 2))
    discrepancy, nearest = pairs_of(points)
    assert discrepancy == pytest.approx(qmc.discrepancy(points, method="CD"), rel=1e-6)
    assert nearest.min() == pytest.approx(pdist(points).min())


LAWS = (
    "uniform(2, 5)",
    "loguniform(1, 1e6)",
    "normal(0, 3)",
    "triangular(0, 0, 2)",
    "gamma(2, scale=3)",
    "int(0, 1e9)",
    "beta(2, 5)",
)


@pytest.mark.parametrize("law", LAWS)
def test_values_become_the_points_that_they_were(law: str) -> None:
    points = np.random.default_rng(3).random(1000)
    found = UnitScale(parse_law(law), 1000)(parse_law(law).sample(points))
    assert np.abs(found - points).max() < 2e-3


@pytest.mark.parametrize(
    ("law", "middles", "shares"),
    [
        ("int(1, 4)", [0.125, 0.375, 0.625, 0.875], [0.25] * 4),
        ("choice(x:1, y:3)", [0.125, 0.625], [0.25, 0.75]),
        ("range(3, 0, -1)", [1 / 6, 0.5, 5 / 6], [1 / 3] * 3),
        ("linspace(0, 1, 5)", [0.1, 0.3, 0.5, 0.7, 0.9], [0.2] * 5),
        ("binom(2, 0.5)", [0.125, 0.5, 0.875], [0.25, 0.5, 0.25]),
    ],
)
def test_levels_become_the_middles_of_their_parts(
    law: str, middles: list[float], shares: list[float]
) -> None:
    parsed = parse_law(law)
    scale = UnitScale(parsed, 50)
    # Shares of equally likely levels are exact; others are as fine as the law was looked at.
    near = 1e-9 if len(set(shares)) == 1 else 0.005
    assert scale(parsed.at(np.arange(len(middles)))) == pytest.approx(middles, abs=near)
    assert scale.levels == pytest.approx(middles, abs=near)
    assert scale.shares == pytest.approx(shares, abs=near)


def test_an_unbounded_discrete_law_has_its_middles_too() -> None:
    law = parse_law("poisson(3)")
    points = np.random.default_rng(3).random(2000)
    found = UnitScale(law, 2000)(law.sample(points))
    assert len(np.unique(found)) == len(np.unique(law.sample(points)))
    assert np.abs(found - points).max() < 0.15


@pytest.mark.parametrize(
    "laws", [("uniform(0, 1)",) * 3, ("int(1, 3)", "choice(x:1, y:4)"), ("uniform(0, 1)", "int(1, 5)")]
)
def test_the_comparison_is_the_mean_of_random_rows(laws: tuple[str, ...]) -> None:
    parsed = [parse_law(law) for law in laws]
    scales = [UnitScale(law, 20) for law in parsed]
    random = np.random.default_rng(1)
    found = [
        pairs_of(
            np.column_stack(
                [scale(law.sample(random.random(20))) for law, scale in zip(parsed, scales, strict=True)]
            )
        )[0]
        for _ in range(3000)
    ]
    assert np.mean(found) == pytest.approx(random_discrepancy(list(scales), 20), rel=0.03)
    dimensions = len(laws)
    if set(laws) == {"uniform(0, 1)"}:
        formula = ((5 / 4) ** dimensions - (13 / 12) ** dimensions) / 20
        assert random_discrepancy(list(scales), 20) == pytest.approx(formula)


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(-9, 9)), min_size=3, max_size=50))
def test_rank_correlation_is_that_of_scipy(pairs: list[tuple[int, float]]) -> None:
    first, second = (np.array(column) for column in zip(*pairs, strict=True))
    found = rank_correlation(first, second)
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert found is None
    else:
        assert found == pytest.approx(spearmanr(first, second).statistic, abs=1e-9)


def facts(columns: dict[str, str], groups: tuple[str, ...] = (), rows: int = 50) -> dict[str, Any]:
    parameters = [parse_parameter(f"{name}={law}") for name, law in columns.items()]
    sample = QualitySample(make_axes(parameters, parse_groups(groups, list(columns))))
    points = np.random.default_rng(1).random(rows)
    sample.add({parameter.name: parameter.law.sample(points) for parameter in parameters})
    found = sample.facts(even=True)
    assert found is not None
    return found


def test_parameters_that_do_not_vary_on_their_own_do_not_count() -> None:
    unit = "uniform(0, 1)"
    alone = facts({"a": unit})
    assert alone["parameters"] == 1
    assert facts({"a": unit, "b": "const(x)"}) == alone
    assert facts({"a": unit, "b": unit}, ("zip(a, b)",)) == alone
    assert facts({"a": "int(1, 2)", "b": "int(1, 3)"}, ("product(a, b)",))["parameters"] == 2
    assert facts({"a": "choice(x, y)", "b": unit})["parameters"] == 2


def test_what_cannot_be_told_is_not_told() -> None:
    parameters = [parse_parameter(f"p{number}=uniform(0, 1)") for number in range(21)]
    many = QualitySample(make_axes(parameters), [("p0", "p1", 0.5)])
    many.add({parameter.name: np.random.default_rng(2).random(50) for parameter in parameters})
    assert many.facts(even=True) == {
        "points": 50,
        "parameters": 21,
        "discrepancy": None,
        "random": None,
        "distance": None,
        "correlation": [["p0", "p1", pytest.approx(1)]],
    }
    assert QualitySample(make_axes(parameters)).facts(even=True) is None
    constant = QualitySample(make_axes([parse_parameter("a=const(x)")]))
    constant.add({"a": np.zeros(9, dtype=np.int64)})
    assert constant.facts(even=True) is None


def test_as_many_rows_are_judged_as_is_cheap() -> None:
    assert [most_points(dimensions) for dimensions in (1, 4, 5, 16, 20)] == [2048, 1024, 1024, 512, 512]


@pytest.mark.parametrize(
    ("found", "rows", "line"),
    [
        (
            {"discrepancy": 0.00123, "random": 0.021, "distance": 0.05, "correlation": [], "points": 1000},
            1000,
            "discrepancy 0.00123 (random: 0.021), least distance 0.05, of 1000 rows",
        ),
        (
            {
                "discrepancy": None,
                "distance": 0.051,
                "correlation": [["a", "b", 0.691], ["a", "c", None]],
                "points": 10,
            },
            99,
            (
                "least distance 0.051, correlation of a and b 0.69, correlation of a and c unknown, "
                "of the first 10 rows"
            ),
        ),
    ],
)
def test_the_line(found: dict[str, Any], rows: int, line: str) -> None:
    assert quality_line(found, rows) == line


def quality_of(folder: Path, *laws: str, **options: Any) -> dict[str, Any] | None:
    table = folder / "t.csv"
    made = make_table([parse_parameter(law) for law in laws], output=table, force=True, **options)
    record = read_record(table)
    assert record == made
    return None if record.quality is None else dict(record.quality)


UNIT = ("a=uniform(0, 1)", "b=uniform(0, 1)")


def test_a_table_is_judged_by_the_rows_that_it_has(tmp_path: Path) -> None:
    found = quality_of(tmp_path, *UNIT, design="sobol", seed=1, rows=64)
    assert found is not None
    points = np.loadtxt(tmp_path / "t.csv", delimiter=",", skiprows=1)
    assert found == {
        "points": 64,
        "parameters": 2,
        "discrepancy": pytest.approx(qmc.discrepancy(points)),
        "random": pytest.approx(((5 / 4) ** 2 - (13 / 12) ** 2) / 64),
        "distance": pytest.approx(pdist(points).min()),
        "correlation": [],
    }
    assert quality_of(tmp_path, *UNIT, design="sobol", seed=1, rows=64, replicates=3) == found


@pytest.mark.parametrize("design", ["random", "sobol", "halton"])
def test_a_longer_table_is_judged_as_if_made_at_once(design: str, tmp_path: Path) -> None:
    options: dict[str, Any] = {"design": design, "seed": 1, "correlate": [("a", "b", 0.4)]}
    for first, more in ((30, 40), (4200, 100)):
        at_once = quality_of(tmp_path, *UNIT, rows=first + more, **options)
        quality_of(tmp_path, *UNIT, rows=first, **options)
        assert extend_table(tmp_path / "t.csv", rows=more).record.quality == at_once


def test_rows_that_are_not_meant_to_be_even_are_not_judged_so(tmp_path: Path) -> None:
    for options in (
        {"where": ["a < b"]},
        {"exclude": ["a < b"]},
        {"correlate": [("a", "b", 0.5)]},
        {"design": "ccd", "rows": None, "seed": None},
    ):
        found = quality_of(tmp_path, *UNIT, **{"seed": 1, "rows": 64, **options})
        assert found is not None
        assert found["discrepancy"] > 0
        assert found["random"] is None
        assert found["distance"] > 0
    found = quality_of(tmp_path, *UNIT, seed=1, rows=2000, correlate=[("a", "b", 0.5)])
    assert found is not None
    assert found["correlation"] == [["a", "b", pytest.approx(0.5, abs=0.05)]]


@pytest.mark.parametrize(
    "laws",
    [
        ("a=int(1, 3)", "b=int(1, 3)"),
        ("a=choice(x:1, y:3, z:1)", "b=linspace(0, 1, 7)", "c=const(q)", "d=binom(4, 0.3)"),
        ("a=range(9, 1, -1)",),
    ],
)
def test_a_grid_is_judged_by_its_levels(tmp_path: Path, laws: tuple[str, ...]) -> None:
    found = quality_of(tmp_path, *laws, design="grid")
    assert found is not None
    axes = make_axes([parse_parameter(law) for law in laws])
    sample = QualitySample(axes)
    design = open_design(
        parse_design("grid"), axes, [parse_parameter(law) for law in laws], seed=0, rows=None
    )
    rows = design.draw(10**6)
    sample.add({parse_parameter(law).name: column for law, column in zip(laws, rows, strict=True)})
    expected = sample.facts(even=True)
    assert expected is not None
    assert found == {key: pytest.approx(value) for key, value in expected.items()}


def test_a_large_grid_is_judged_as_a_whole(tmp_path: Path) -> None:
    laws = ("a=int(1, 100)", "b=int(1, 100)")
    for order in (None, "stratified", "shuffle"):
        found = quality_of(tmp_path, *laws, design="grid", order=order, seed=1)
        assert found is not None
        assert found["points"] == 10_000
        assert found["distance"] == pytest.approx(0.01)
        middles = (np.arange(100) + 0.5) / 100
        points = np.array(list(product(middles, repeat=2)))
        assert found["discrepancy"] == pytest.approx(qmc.discrepancy(points))


def test_the_first_rows_of_a_grid_with_conditions_are_a_corner(tmp_path: Path) -> None:
    laws = ("a=int(1, 100)", "b=int(1, 100)")
    assert quality_of(tmp_path, *laws, design="grid", where=["a != b"]) is None
    assert quality_of(tmp_path, *laws, design="grid", where=["a != b"], order="shuffle", seed=1) is not None

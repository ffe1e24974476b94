"""What each design promises about its points."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.stats import qmc

from genstudy.designs.axes import make_axes
from genstudy.designs.choose import DESIGNS, open_design, parse_design
from genstudy.designs.grid import GridPoints, grid_size
from genstudy.designs.latin import LatinPoints, latin_column
from genstudy.designs.order import as_they_are
from genstudy.designs.points import RandomPoints, SequencePoints, stream
from genstudy.errors import UserError
from genstudy.parameters.grammar import parse_parameter
from genstudy.parameters.groups import Group

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from genstudy.designs.design import Design
    from genstudy.designs.source import PointSource
    from genstudy.parameters.laws import Parameter


def parameters(*texts: str) -> list[Parameter]:
    return [parse_parameter(text) for text in texts]


UNIT = parameters("a=uniform(0, 1)", "b=uniform(0, 1)", "c=uniform(0, 1)")


def drawn(design: Design, *counts: int) -> np.ndarray:
    """Draw chunks and return them below each other, shape (rows, parameters)."""
    parts = [np.column_stack(design.draw(count)) for count in counts]
    design.close()
    return np.concatenate(parts)


def opened(
    name: str, rows: int = 100, seed: int = 5, columns: Sequence[Parameter] = UNIT, **more: Any
) -> Design:
    return open_design(parse_design(name), make_axes(columns), columns, seed=seed, rows=rows, **more)


def points_of(source: PointSource, count: int) -> np.ndarray:
    points = np.column_stack(list(source.draw(count)))
    source.close()
    return points


def grid(*texts: str) -> GridPoints:
    return GridPoints(make_axes(parameters(*texts)), as_they_are)


def grid_design(*texts: str) -> Design:
    return opened("grid", columns=parameters(*texts))


ENDLESS = ("random", "lhs", "sobol", "halton")


@pytest.mark.parametrize("name", ENDLESS)
def test_the_size_of_chunks_changes_nothing(name: str) -> None:
    whole = drawn(opened(name), 100)
    assert np.array_equal(drawn(opened(name), 1, 30, 69), whole)
    assert not np.array_equal(drawn(opened(name, seed=6), 100), whole)
    assert (whole >= 0).all()
    assert (whole < 1).all()


@pytest.mark.parametrize("name", ["random", "lhs"])
def test_other_parameters_move_no_column(name: str) -> None:
    all_three = drawn(opened(name), 100)
    two = drawn(opened(name, columns=[UNIT[2], UNIT[0]]), 100)
    assert np.array_equal(two, all_three[:, [2, 0]])
    assert len({tuple(column) for column in all_three.T}) == 3


def test_a_stream_belongs_to_seed_name_and_block() -> None:
    keys = [(1, "a", 0), (2, "a", 0), (1, "A", 0), (1, "a", 1), (2**40, "a", 0)]
    first = [stream(*key).random() for key in keys]
    assert len(set(first)) == len(keys)
    assert stream(1, "a").random() == first[0]


@pytest.mark.parametrize("rows", [1, 2, 7, 1000])
def test_a_latin_hypercube_has_one_row_in_each_stratum(rows: int) -> None:
    points = drawn(opened("lhs", rows), rows)
    for column in points.T:
        assert np.array_equal(np.sort(np.floor(column * rows)), np.arange(rows))


def test_each_block_of_a_latin_hypercube_is_one_of_its_own(tmp_path: Path) -> None:
    design = LatinPoints(make_axes(UNIT), 5, (50,), tmp_path)
    first, second = (np.column_stack(list(design.draw(99))) for _ in range(2))
    design.close()
    assert first.shape == second.shape == (50, 3)
    assert not np.array_equal(first, second)
    assert np.array_equal(np.sort(np.floor(second[:, 0] * 50)), np.arange(50))


def test_the_spool_of_a_latin_hypercube_has_no_name(tmp_path: Path) -> None:
    design = LatinPoints(make_axes(UNIT), 5, (50,), tmp_path)
    list(design.draw(10))
    assert list(tmp_path.iterdir()) == []
    design.close()


def test_latin_points_stay_below_one() -> None:
    class Top:
        def shuffle(self, points: np.ndarray) -> None:
            points[:] = points[::-1]

        def random(self, count: int) -> np.ndarray:
            return np.full(count, 1 - 2.0**-53)

    column = latin_column(Top(), 1000)  # type: ignore[arg-type]
    assert column.max() == 1 - 2.0**-53


@pytest.mark.parametrize("kind", ["sobol", "halton"])
def test_sequences_are_those_of_scipy(kind: str) -> None:
    engine = {"sobol": qmc.Sobol, "halton": qmc.Halton}[kind](3, rng=np.random.default_rng(5))
    middle = 2.0**-31 if kind == "sobol" else 0.0
    assert np.array_equal(drawn(opened(kind), 50, 78), engine.random(128) + middle)


def test_sobol_points_stand_in_the_middle_of_their_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    class Corners:
        def random(self, _: int) -> np.ndarray:
            return np.array([[0.0], [1 - 2.0**-30]])

    design = SequencePoints("sobol", make_axes(UNIT[:1]), 5)
    monkeypatch.setattr(design, "_engine", Corners())
    assert points_of(design, 2).tolist() == [[2.0**-31], [1 - 2.0**-31]]


@pytest.mark.parametrize("rows", [10**14, 10**17, 9999999999999999999])
def test_a_latin_hypercube_past_memory_is_refused(rows: int) -> None:
    with pytest.raises(UserError) as caught:
        opened("lhs", rows).draw(1)
    assert str(caught.value) == (
        f"lhs holds one column in memory, 8 bytes a row: {rows} rows are too many\n"
        "  take fewer rows, or --design random or sobol"
    )


def test_a_sequence_has_a_most_number_of_parameters() -> None:
    with pytest.raises(UserError, match="the design sobol takes 21201 parameters at most, not 21202"):
        SequencePoints("sobol", make_axes(UNIT[:1]) * 21202, 0)


def test_a_grid_is_the_product_of_its_levels() -> None:
    texts = ("a=int(1, 3)", "b=linspace(0, 1, 3)", "c=range(0, 4, 2)", "d=binom(1, 0.5)")
    design = grid_design(*texts)
    assert design.total == grid_size(make_axes(parameters(*texts))) == 36
    rows = drawn(design, 5, 1, 99)
    expected = itertools.product([1, 2, 3], [0, 0.5, 1], [0, 2], [0, 1])
    assert rows.tolist() == [list(row) for row in expected]


def test_a_grid_of_words_has_their_indices() -> None:
    rows = drawn(grid_design("a=choice(x, y)", "b=const(z)"), 2)
    assert rows.tolist() == [[0, 0], [1, 0]]


def test_a_huge_grid_is_never_in_memory() -> None:
    design = grid("a=int(0, 1e9)", "b=int(0, 1e9)")
    assert design.total == (10**9 + 1) ** 2
    assert [column[-1] for column in design.draw(3)] == [0, 2]


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        (("a=uniform(0, 1)",), "a follows uniform(0, 1), which has no levels"),
        (("a=poisson(3)",), "a follows poisson(3), which has no levels"),
        (("a=int(0, 1e15)", "b=int(0, 1e15)"), "which is past any table"),
    ],
)
def test_what_cannot_be_a_grid(texts: tuple[str, ...], problem: str) -> None:
    with pytest.raises(UserError) as caught:
        grid(*texts)
    assert problem in caught.value.message


def test_an_unknown_design_is_refused_with_a_near_one() -> None:
    with pytest.raises(UserError) as caught:
        opened("sobl")
    assert str(caught.value) == (
        "there is no design 'sobl' (did you mean 'sobol'?)\n  designs: " + ", ".join(DESIGNS)
    )


def test_random_columns_may_have_any_length() -> None:
    design = RandomPoints(make_axes(UNIT), 1)
    assert [len(next(design.draw(count))) for count in (3, 3, 1)] == [3, 3, 1]


@pytest.mark.parametrize("name", ENDLESS)
def test_rows_that_are_passed_over_are_as_if_drawn(name: str) -> None:
    whole = drawn(opened(name), 100)
    design = opened(name)
    design.skip(37)
    assert np.array_equal(drawn(design, 63), whole[37:])


@pytest.mark.parametrize("more", [50, 100, 1, 333])
def test_a_nested_latin_hypercube_keeps_its_rows_and_fills_empty_parts(more: int) -> None:
    first = drawn(opened("lhs", 50), 50)
    source = LatinPoints(make_axes(UNIT), 5, (50, more), None)
    rows = 50 + more
    points = points_of(source, rows)
    assert np.array_equal(points[:50], first)
    filled = [len(np.unique(np.floor(column * rows))) for column in points.T]
    assert source.filled == min(filled)
    for column in points.T:
        parts = np.floor(column * rows)
        assert len(np.unique(parts[50:])) == more
        assert not set(parts[50:]) & set(parts[:50])
    if more in {50, 100}:  # a multiple: a Latin hypercube again
        assert filled == [rows] * 3


def test_a_latin_hypercube_may_grow_again_and_again() -> None:
    twice = points_of(LatinPoints(make_axes(UNIT), 5, (10, 10, 20), None), 40)
    once = points_of(LatinPoints(make_axes(UNIT), 5, (10, 10), None), 20)
    assert np.array_equal(twice[:20], once)
    assert all(len(np.unique(np.floor(column * 40))) == 40 for column in twice.T)


def test_a_wider_grid_leaves_out_what_was_there() -> None:
    axes = make_axes(parameters("a=int(1, 3)", "b=int(1, 2)"))
    known = [np.array([True, True, False]), np.array([True, False])]
    source = GridPoints(axes, as_they_are, known)
    assert source.total == 4
    rows: list[tuple[int, ...]] = []
    while len(rows) < 4:
        rows += [(int(a), int(b)) for a, b in zip(*source.draw(1), strict=True)]
    assert rows == [(0, 1), (1, 1), (2, 0), (2, 1)]


def test_a_wider_grid_passes_over_what_was_there_in_long_steps() -> None:
    axes = make_axes(parameters("a=int(1, 1000000)"))
    steps: list[int] = []

    def order(first: int, count: int) -> np.ndarray:
        steps.append(count)
        return as_they_are(first, count)

    source = GridPoints(axes, order, [np.arange(1_000_000) < 999_999])
    assert [column.tolist() for column in source.draw(1)] == [[999_999]]
    assert len(steps) < 20


@pytest.mark.parametrize("name", ENDLESS)
def test_a_zip_shares_its_points(name: str) -> None:
    zipped = [Group(kind="zip", members=("a", "c"))]
    design = open_design(parse_design(name), make_axes(UNIT, zipped), UNIT, seed=5, rows=100)
    rows = drawn(design, 100)
    assert np.array_equal(rows[:, 0], rows[:, 2])
    assert not np.array_equal(rows[:, 0], rows[:, 1])


def test_a_group_of_random_parameters_follows_the_stream_of_its_first() -> None:
    zipped = [Group(kind="zip", members=("a", "c"))]
    design = open_design(parse_design("random"), make_axes(UNIT, zipped), UNIT, seed=5, rows=100)
    assert np.array_equal(drawn(design, 100)[:, :2], drawn(opened("random"), 100)[:, :2])


def test_groups_are_nested() -> None:
    columns = parameters("a=choice(p, q, r, s)", "b=int(1, 2)", "c=int(5, 6)", "d=int(8, 9)")
    group = Group(kind="zip", members=("a", Group(kind="product", members=("b", "c"))))
    axes = make_axes(columns, [group])
    assert [axis.count for axis in axes] == [4, 2]
    rows = drawn(open_design(parse_design("grid"), axes, columns, seed=0, rows=None), 99)
    zipped = [(0, 1, 5), (1, 1, 6), (2, 2, 5), (3, 2, 6)]
    assert [tuple(row) for row in rows.tolist()] == [(*row, d) for row in zipped for d in (8, 9)]


def test_a_zip_of_other_numbers_of_levels_is_refused_in_a_grid() -> None:
    columns = parameters("a=int(1, 3)", "b=int(1, 2)")
    axes = make_axes(columns, [Group(kind="zip", members=("a", "b"))])
    with pytest.raises(UserError) as caught:
        open_design(parse_design("grid"), axes, columns, seed=0, rows=None)
    assert str(caught.value) == (
        "in zip(a, b) the levels do not go together: a has 3, b has 2\n"
        "  a zip needs as many levels of each of its members"
    )


def test_coded_points_reach_the_ends_of_a_law() -> None:
    texts = ("a=uniform(0.1, 0.3)", "b=loguniform(1, 100)", "c=int(1, 5)", "d=choice(x, y, z)", "e=const(k)")
    x = np.array([-1.0, 0.0, 1.0])
    a, b, c, d, e = (axis.coded(x)[0].tolist() for axis in make_axes(parameters(*texts)))
    assert [a[0], a[2]] == [0.1, 0.3]
    assert a[1] == pytest.approx(0.2)
    assert b == pytest.approx([1, 10, 100])
    assert (c, d, e) == ([1, 3, 5], [0, 1, 2], [0, 0, 0])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a=normal(0, 1)", "the parameter a follows normal(0, 1), which has no ends"),
        ("a=gamma(2)", "the parameter a follows gamma(2), which has no ends"),
        ("a=choice(x, y)", "a has two levels, and the design needs one between them"),
    ],
)
def test_what_has_no_ends_or_no_middle(text: str, problem: str) -> None:
    with pytest.raises(UserError, match=re.escape(problem)):
        make_axes(parameters(text))[0].coded(np.array([0.0]))

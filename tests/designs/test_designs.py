"""What each design promises about its points."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import qmc

from genstudy.designs.choose import DESIGNS, open_design
from genstudy.designs.factorial import GridDesign, grid_size
from genstudy.designs.latin import LatinDesign, latin_column
from genstudy.designs.points import Design, RandomDesign, SequenceDesign, stream
from genstudy.errors import UserError
from genstudy.parameters.grammar import parse_parameter
from genstudy.parameters.laws import Parameter


def parameters(*texts: str) -> list[Parameter]:
    return [parse_parameter(text) for text in texts]


UNIT = parameters("a=uniform(0, 1)", "b=uniform(0, 1)", "c=uniform(0, 1)")


def drawn(design: Design, *counts: int) -> np.ndarray:
    """Draw chunks and return them below each other, shape (rows, parameters)."""
    parts = [np.column_stack(design.draw(count)) for count in counts]
    design.close()
    return np.concatenate(parts)


def opened(name: str, rows: int = 100, seed: int = 5) -> Design:
    return open_design(name, UNIT, seed=seed, rows=rows, folder=None)


@pytest.mark.parametrize("name", [name for name in DESIGNS if name != "grid"])
def test_the_size_of_chunks_changes_nothing(name: str) -> None:
    whole = drawn(opened(name), 100)
    assert np.array_equal(drawn(opened(name), 1, 30, 69), whole)
    assert not np.array_equal(drawn(opened(name, seed=6), 100), whole)
    assert (whole >= 0).all()
    assert (whole < 1).all()


@pytest.mark.parametrize("name", ["random", "lhs"])
def test_other_parameters_move_no_column(name: str) -> None:
    all_three = drawn(opened(name), 100)
    two = drawn(open_design(name, [UNIT[2], UNIT[0]], seed=5, rows=100, folder=None), 100)
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
    design = LatinDesign(UNIT, 5, 50, tmp_path)
    first, second = (np.column_stack(design.draw(99)) for _ in range(2))
    design.close()
    assert first.shape == second.shape == (50, 3)
    assert not np.array_equal(first, second)
    assert np.array_equal(np.sort(np.floor(second[:, 0] * 50)), np.arange(50))


def test_the_spool_of_a_latin_hypercube_has_no_name(tmp_path: Path) -> None:
    design = LatinDesign(UNIT, 5, 50, tmp_path)
    design.draw(10)
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

    design = SequenceDesign("sobol", UNIT[:1], 5)
    monkeypatch.setattr(design, "_engine", Corners())
    assert drawn(design, 2).tolist() == [[2.0**-31], [1 - 2.0**-31]]


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
        SequenceDesign("sobol", UNIT[:1] * 21202, 0)


def test_a_grid_is_the_product_of_its_levels() -> None:
    grid = parameters("a=int(1, 3)", "b=linspace(0, 1, 3)", "c=range(0, 4, 2)", "d=binom(1, 0.5)")
    design = GridDesign(grid)
    assert design.total == grid_size(grid) == 36
    rows = drawn(design, 5, 1, 99)
    expected = itertools.product([1, 2, 3], [0, 0.5, 1], [0, 2], [0, 1])
    assert rows.tolist() == [list(row) for row in expected]


def test_a_grid_of_words_has_their_indices() -> None:
    rows = drawn(GridDesign(parameters("a=choice(x, y)", "b=const(z)")), 2)
    assert rows.tolist() == [[0, 0], [1, 0]]


def test_a_huge_grid_is_never_in_memory() -> None:
    design = GridDesign(parameters("a=int(0, 1e9)", "b=int(0, 1e9)"))
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
        GridDesign(parameters(*texts))
    assert problem in caught.value.message


def test_an_unknown_design_is_refused_with_a_near_one() -> None:
    with pytest.raises(UserError) as caught:
        opened("sobl")
    assert str(caught.value) == (
        "there is no design 'sobl' (did you mean 'sobol'?)\n  designs: random, lhs, sobol, halton, grid"
    )


def test_random_columns_may_have_any_length() -> None:
    design = RandomDesign(UNIT, 1)
    assert [len(design.draw(count)[0]) for count in (3, 3, 1)] == [3, 3, 1]

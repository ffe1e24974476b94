"""Classical designs against textbook tables, and by what they promise."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest

from genstudy.designs.aliases import alias_note, aliases_of
from genstudy.designs.classical import plackett_burman
from genstudy.errors import UserError
from tests.designs.opening import CODED, drawn, opened


def coded(design: str, axes: int) -> np.ndarray:
    return drawn(opened(design, CODED[:axes]))


def as_set(matrix: np.ndarray) -> set[tuple[float, ...]]:
    return {tuple(row) for row in np.round(matrix, 9).tolist()}


def test_plackett_burman_of_12_rows_is_that_of_the_tables() -> None:
    # Plackett and Burman, Biometrika 33 (1946): the first row, shifted eleven times, and a row of low levels.
    first = [1, 1, -1, 1, 1, 1, -1, -1, -1, 1, -1]
    table = np.array([np.roll(first, shift) for shift in range(11)] + [[-1] * 11])
    found = coded("plackett-burman", 11)
    assert found.shape == (12, 11)
    # The same design, but for the order and the signs of rows and columns: each two rows agree in 5 places.
    agree = [int((one == other).sum()) for one, other in combinations(found, 2)]
    assert agree == [int((one == other).sum()) for one, other in combinations(table, 2)] == [5] * 66


@pytest.mark.parametrize("axes", [1, 2, 3, 4, 7, 8, 11, 12, 19, 20, 23, 24, 27, 31, 32, 39, 50, 90])
def test_plackett_burman_is_balanced_and_orthogonal_in_few_rows(axes: int) -> None:
    found = plackett_burman(axes)
    sizes = sorted(2**power * factor for power in range(2, 9) for factor in (1, 3, 5))
    sizes = [size for size in sizes if size % 12 == 0 or size % 20 == 0 or size & (size - 1) == 0]
    assert len(found) == next(size for size in sizes if size > axes)
    assert np.array_equal(found.T @ found, len(found) * np.eye(axes))
    assert not found.sum(axis=0).any()


def test_box_behnken_of_three_factors_is_that_of_the_tables() -> None:
    edges = [row for row in product([-1, 0, 1], repeat=3) if row.count(0) == 1]
    found = coded("box-behnken(center=3)", 3)
    assert found.shape == (15, 3)
    assert as_set(found) == {*edges, (0, 0, 0)}
    assert int((found == 0).all(axis=1).sum()) == 3
    assert coded("box-behnken", 4).shape == (25, 4)


def test_a_central_composite_design_has_its_corners_where_it_is_rotatable() -> None:
    found = coded("ccd(center=2)", 2)
    side = round(2**-0.5, 9)
    corners = set(product([-side, side], repeat=2))
    assert as_set(found) == corners | {(-1, 0), (1, 0), (0, -1), (0, 1), (0, 0)}
    assert found.shape == (10, 2)
    # alpha = 2 ** (k / 4): all corners and stars are as far from the centre for k = 2, and not for k = 3.
    assert np.allclose(np.linalg.norm(found[:8], axis=1), 1)
    assert np.abs(coded("ccd", 3)[:8]) == pytest.approx(2**-0.75)


@pytest.mark.parametrize("axes", [2, 3, 4])
def test_a_rotatable_design_is_one(axes: int) -> None:
    # Box and Hunter (1957): sums of fourth powers are three times those of products of squares.
    found = coded("ccd", axes)
    assert (found[:, 0] ** 4).sum() == pytest.approx(3 * (found[:, 0] ** 2 * found[:, 1] ** 2).sum())


def test_a_faced_design_has_all_at_the_ends() -> None:
    found = coded("ccd(face=faced, center=0)", 3)
    stars = {row for row in product([-1, 0, 1], repeat=3) if row.count(0) == 2}
    assert as_set(found) == set(product([-1, 1], repeat=3)) | stars
    assert len(found) == 14


@pytest.mark.parametrize(
    ("axes", "resolution", "rows"),
    # Montgomery, Design and Analysis of Experiments, table 8.14.
    [(3, 3, 4), (5, 3, 8), (7, 3, 8), (15, 3, 16), (4, 4, 8), (8, 4, 16), (5, 5, 16), (8, 5, 64), (6, 6, 32)],
)
def test_a_fraction_has_its_resolution(axes: int, resolution: int, rows: int) -> None:
    found = coded(f"fractional(resolution={resolution})", axes)
    assert found.shape == (rows, axes)
    assert set(found.ravel()) == {-1, 1}
    # No product of fewer columns than the resolution is constant.
    for length in range(1, resolution):
        for columns in combinations(found.T, length):
            assert not np.prod(columns, axis=0).sum()


def test_a_fraction_of_one_parameter_or_of_all_is_the_whole() -> None:
    assert coded("fractional", 1).tolist() == [[-1], [1]]
    assert as_set(coded("fractional(resolution=4)", 3)) == set(product([-1, 1], repeat=3))


def test_generators() -> None:
    found = coded("fractional(generators='a b -ab c +abc')", 5)
    a, b, third, c, fifth = found.T
    assert as_set(np.column_stack([a, b, c])) == set(product([-1, 1], repeat=3))
    assert np.array_equal(third, -a * b)
    assert np.array_equal(fifth, a * b * c)


@pytest.mark.parametrize(
    ("generators", "problem"),
    [
        ("a b", "there are 2 generators for 3 parameters"),
        ("a  b ab", "these are no generators"),
        ("a b ab;", "these are no generators"),
        ("a b z", "Use the letters `a b c` for the main factors"),
        ("a b -a", "Main factors are confounded with each other"),
        ("a b aab", "two parameters would always change together"),
        ("a b aa", "a parameter would never change"),
        ("a b -aabb", "a parameter would never change"),
    ],
)
def test_generators_that_will_not_do(generators: str, problem: str) -> None:
    with pytest.raises(UserError) as caught:
        coded(f"fractional(generators='{generators}')", 3)
    assert caught.value.message == problem
    assert caught.value.where == f"--design 'fractional(generators=...)': {generators!r}"


@pytest.mark.parametrize(
    ("design", "axes", "rows"),
    [
        ("oat(levels=1000000000000)", 3, 3 * 10**12 + 1),
        ("ccd(center=1000000000000000000000)", 2, 10**21 + 8),
        ("box-behnken(center=1000000000000)", 3, 10**12 + 12),
        ("box-behnken", 1000, 1_998_001),
    ],
)
def test_what_does_not_fit_into_memory_is_refused(design: str, axes: int, rows: int) -> None:
    with pytest.raises(UserError) as caught:
        opened(design, [f"p{number}=uniform(0, 1)" for number in range(axes)])
    name = design.partition("(")[0]
    assert str(caught.value) == (
        f"--design {name}: of {axes} parameters it would have {rows} rows, which are held in memory: "
        "too many\n"
        "  take fewer levels, centres or parameters, or the design lhs or sobol"
    )


def test_aliases_are_told() -> None:
    notes: list[str] = []
    drawn(opened("fractional", CODED[:3], notes=notes))
    assert notes == [
        "4 of 8 combinations; parameters are mixed up with pairs: a = b*c, b = a*c, c = a*b",
    ]
    fraction = coded("fractional(resolution=4)", 4)
    assert aliases_of(fraction, list("abcd")) == [["a*b", "c*d"], ["a*c", "b*d"], ["a*d", "b*c"]]
    assert alias_note(fraction, list("abcd")).startswith(
        "8 of 16 combinations; pairs are mixed up with pairs: "
    )
    clear = alias_note(coded("fractional(resolution=5)", 5), list("abcde"))
    assert clear == "16 of 32 combinations; no two effects of single parameters or pairs are mixed up"
    many = alias_note(coded("fractional", 15), [f"p{number}" for number in range(15)])
    assert many.endswith(" and 7 more")


def test_one_at_a_time() -> None:
    assert coded("oat", 2).tolist() == [[0, 0], [-1, 0], [1, 0], [0, -1], [0, 1]]
    assert coded("oat(levels=5)", 1).tolist() == [[0], [-1], [-0.5], [0.5], [1]]
    assert coded("oat(levels=4)", 1) == pytest.approx(np.array([[0], [-1], [-1 / 3], [1 / 3], [1]]))


def test_one_at_a_time_goes_through_levels() -> None:
    laws = ("a=choice(x, y, z, w)", "b=choice(no, yes)", "c=int(1, 3)", "d=int(1, 9)", "e=const(k)")
    found = drawn(opened("oat", laws)).tolist()
    base = [2, 0, 2, 5, 0]
    moved = {0: [0, 1, 3], 1: [1], 2: [1, 3], 3: [1, 9]}
    expected = [base]
    for place, values in moved.items():
        expected += [[value if at == place else other for at, other in enumerate(base)] for value in values]
    assert found == expected


def test_parameters_with_one_value_are_in_no_design() -> None:
    found = drawn(opened("plackett-burman", ("a=const(x)", *CODED[1:4])))
    assert found.shape == (4, 4)
    assert not found[:, 0].any()


def test_ends_are_those_of_the_laws() -> None:
    laws = ("a=loguniform(1, 100)", "b=triangular(0, 1, 4)", "c=int(3, 7)", "d=choice(x, y, z)")
    found = drawn(opened("ccd", laws))
    assert found.min(axis=0).tolist() == [1, 0, 3, 0]
    assert found.max(axis=0).tolist() == [100, 4, 7, 2]
    assert found[-1] == pytest.approx([10, 4 - 6**0.5, 5, 1])


@pytest.mark.parametrize(
    ("design", "laws", "message"),
    [
        ("ccd", CODED[:1], "the design ccd needs 2 parameters or more that vary, and there are 1"),
        (
            "box-behnken",
            CODED[:2],
            "the design box-behnken needs 3 parameters or more that vary, and there are 2",
        ),
        ("oat", ("a=const(1)",), "the design oat needs one parameter or more that vary, and there are 0"),
        ("ccd", CODED[:20], "a central composite design of 20 parameters has 1048576 corners"),
        ("fractional(resolution=21)", CODED[:20], "of 20 parameters, no fraction of resolution 21 is made"),
        (
            "fractional(resolution=8, generators='a b ab')",
            CODED[:3],
            "the generators say which fraction it is, and the resolution too",
        ),
        ("ccd", ("a=choice(x, y)", *CODED[1:3]), "a has two levels, and the design needs one between them"),
        (
            "fractional",
            ("a=normal(0, 1)", *CODED[1:3]),
            "the parameter a follows normal(0, 1), which has no ends, and the design goes to the ends",
        ),
    ],
)
def test_what_they_do_not_take(design: str, laws: tuple[str, ...], message: str) -> None:
    with pytest.raises(UserError) as caught:
        drawn(opened(design, laws))
    assert caught.value.message == message
    assert caught.value.hint


@pytest.mark.parametrize("order", ["stratified", "shuffle"])
def test_their_rows_come_in_another_order(order: str) -> None:
    rows = coded("ccd(center=3)", 3)
    mixed = drawn(opened("ccd(center=3)", CODED[:3], order=order))
    assert mixed.tolist() != rows.tolist()
    assert sorted(mixed.tolist()) == sorted(rows.tolist())
    assert np.array_equal(drawn(opened("ccd(center=3)", CODED[:3], order=order), 1, 7, 9), mixed)

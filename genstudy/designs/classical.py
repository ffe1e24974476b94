"""Classical designs of experiments: a few chosen levels of each axis, in coded numbers from -1 to 1.

Their matrices are made by pydoe, which takes most of a second to import. An axis with one level is in none of
them. A matrix is in memory: 8 bytes a value.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from genstudy.designs.aliases import alias_note
from genstudy.designs.axes import varies, with_constants
from genstudy.designs.order import make_order
from genstudy.designs.source import MatrixPoints
from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from genstudy.designs.axes import Axis
    from genstudy.designs.kinds import Request

    Matrix = NDArray[np.float64]

MOST_CORNERS = 2**17
"""Rows of the cube in a design that is held in memory."""

MOST_VALUES = 2**26
"""Rows times axes of such a design: half a gigabyte."""

HIGH_RESOLUTION = 8
"""Of more than 17 axes, a higher one is not looked for: it takes minutes, and most of all rows."""

FEWEST_BOX_BEHNKEN = 3
GENERATORS = re.compile(r"[+-]?[A-Za-z]+( [+-]?[A-Za-z]+)*")


def open_fractional(request: Request) -> MatrixPoints:
    """Two levels, the ends: a fraction of all combinations, by its resolution or its generators."""
    resolution, generators = request.arguments["resolution"], request.arguments["generators"]
    axes = _varied(request, "fractional", 1)
    if generators is not None:
        if resolution is not None:
            raise UserError(
                "the generators say which fraction it is, and the resolution too",
                where="--design fractional",
                hint="say one of them",
            )
        matrix = generated(str(generators), len(axes))
    else:
        matrix = of_resolution(len(axes), 3 if resolution is None else int(resolution))
    request.note(alias_note(matrix, [axis.name for axis in axes]))
    return _points(request, matrix)


def open_plackett_burman(request: Request) -> MatrixPoints:
    """Two levels, the ends: main effects in as few rows as can be."""
    return _points(request, plackett_burman(len(_varied(request, "plackett-burman", 1))))


def open_ccd(request: Request) -> MatrixPoints:
    """Central composite: corners, stars and centres, for a full quadratic model."""
    axes = _varied(request, "ccd", 2)
    center, face = int(request.arguments["center"]), str(request.arguments["face"])
    return _points(request, central_composite(len(axes), center, face))


def open_box_behnken(request: Request) -> MatrixPoints:
    """Middles of the cube's edges and centres, for a full quadratic model without corners."""
    axes = _varied(request, "box-behnken", FEWEST_BOX_BEHNKEN)
    return _points(request, box_behnken(len(axes), int(request.arguments["center"])))


def open_oat(request: Request) -> MatrixPoints:
    """One at a time: a centre, and each axis alone moved away from it."""
    return _points(request, one_at_a_time(_varied(request, "oat", 1), int(request.arguments["levels"])))


def of_resolution(axes: int, resolution: int) -> Matrix:
    """Return the fraction with the fewest rows of this resolution or a higher one; shape (rows, axes)."""
    from pydoe import fracfact_by_res

    if axes == 1:
        return np.array([[-1.0], [1.0]])
    if 2**axes > MOST_CORNERS and resolution > min(axes, HIGH_RESOLUTION):
        raise _too_many(f"of {axes} parameters, no fraction of resolution {resolution} is made")
    try:
        return np.asarray(fracfact_by_res(axes, resolution))
    except ValueError:
        raise _too_many(f"no fraction of resolution {resolution} was found for {axes} parameters") from None


def _too_many(problem: str) -> UserError:
    return UserError(problem, where="--design fractional", hint="take a lower resolution: 3, 4 or 5")


def generated(generators: str, axes: int) -> Matrix:
    """Return the fraction of these generators, as `a b c ab -abc`: a word an axis; shape (rows, axes)."""
    from pydoe import fracfact

    where = f"--design 'fractional(generators=...)': {generators!r}"
    hint = "one word an axis, single letters from a on, and products of them: 'a b c ab -abc'"
    words = generators.split(" ")
    if not GENERATORS.fullmatch(generators):
        raise UserError("these are no generators", where=where, hint=hint)
    if len(words) != axes:
        raise UserError(f"there are {len(words)} generators for {axes} parameters", where=where, hint=hint)
    if 2 ** sum(len(word.strip("+-")) == 1 for word in words) > MOST_CORNERS:
        raise UserError("there are too many single letters", where=where, hint="take products of letters")
    try:
        matrix = np.asarray(fracfact(generators))
    except ValueError as problem:
        raise UserError(str(problem).rstrip("."), where=where, hint=hint) from None
    if (matrix == matrix[0]).all(axis=0).any():
        raise UserError("a parameter would never change", where=where, hint=hint)
    if len(np.unique(matrix[0] * matrix, axis=1).T) < axes:
        raise UserError("two parameters would always change together", where=where, hint=hint)
    return matrix


def plackett_burman(axes: int) -> Matrix:
    """Return the design of the fewest rows above `axes` that pydoe knows; shape (rows, axes).

    Those are 4, 8, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96 and so on: 2, 12 and 20 times powers of 2.
    """
    from pydoe import pbdesign

    for rows in range(axes // 4 * 4 + 4, 4 * axes + 5, 4):
        try:
            # Its columns are the first ones of a larger design, of as many rows.
            return np.asarray(pbdesign(rows - 1)[:, :axes])
        except ValueError:
            continue
    raise AssertionError(axes)


def central_composite(axes: int, center: int, face: str) -> Matrix:
    """Return a central composite design: corners, then stars, then centres; shape (rows, axes).

    inscribed: rotatable, with stars at the ends and corners at 1 / alpha, alpha = 2 ** (axes / 4). faced:
    both at the ends.
    """
    from pydoe import ccdesign

    if 2**axes > MOST_CORNERS:
        raise UserError(
            f"a central composite design of {axes} parameters has {2**axes} corners",
            where="--design ccd",
            hint="take fewer parameters, or box-behnken, lhs or sobol",
        )
    _check_size("ccd", axes, 2**axes + 2 * axes + center)
    return np.asarray(ccdesign(axes, center=(0, center), alpha="rotatable", face=face))


def box_behnken(axes: int, center: int) -> Matrix:
    """Return the combinations of the ends of each two axes, then centres; shape (rows, axes)."""
    from pydoe import bbdesign

    _check_size("box-behnken", axes, 2 * axes * (axes - 1) + center)
    return np.asarray(bbdesign(axes, center=center))


def one_at_a_time(axes: Sequence[Axis], levels: int) -> Matrix:
    """Return the centre, and then each axis alone at its other levels; shape (rows, axes).

    They are `levels` equally probable steps from end to end; of an axis with no more levels than one beside
    these, or with texts, all of its own. The centre is 0, or of two levels the first.
    """
    base = np.array([-1.0 if axis.count == 2 else 0.0 for axis in axes])
    rows = [base]
    steps = [_steps(axis, levels) for axis in axes]
    _check_size("oat", len(axes), sum(steps) + 1)
    for place, axis in enumerate(axes):
        count = axis.count
        for step in np.linspace(-1, 1, steps[place]):
            same = step == base[place] if count is None else _level(step, count) == _level(base[place], count)
            if not same:
                rows.append(base.copy())
                rows[-1][place] = step
    return np.array(rows)


def _steps(axis: Axis, levels: int) -> int:
    texts = any(parameter.law.words for parameter in axis.parameters)
    own = axis.count is not None and (texts or axis.count <= levels + 1)
    return axis.count if own and axis.count else levels


def _level(coded: float, count: int) -> int:
    return int(np.rint((coded + 1) / 2 * (count - 1)))


def _check_size(design: str, axes: int, rows: int) -> None:
    if rows * axes > MOST_VALUES:
        raise UserError(
            f"of {axes} parameters it would have {rows} rows, which are held in memory: too many",
            where=f"--design {design}",
            hint="take fewer levels, centres or parameters, or the design lhs or sobol",
        )


def _varied(request: Request, design: str, fewest: int) -> list[Axis]:
    """Return the axes with more than one level."""
    axes = [axis for axis in request.axes if varies(axis)]
    if len(axes) < fewest:
        things = "one parameter" if fewest == 1 else f"{fewest} parameters"
        raise UserError(
            f"the design {design} needs {things} or more that vary, and there are {len(axes)}",
            hint="take another design, such as grid or lhs",
        )
    return axes


def _points(request: Request, matrix: Matrix) -> MatrixPoints:
    """Return the rows of a matrix of the axes that vary, with the others at their one level."""
    whole = with_constants(matrix, request.axes)
    return MatrixPoints(whole, "coded", make_order(request.order, [len(whole)], request.seed))

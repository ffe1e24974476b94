"""All designs there are. A design is added here: its name, its arguments, and what makes its points."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from genstudy.designs.axes import Axis
    from genstudy.designs.source import PointSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """An argument of a design.

    kind: `int`, `float`, `bool` or `str`. default: None where nothing is said unless it is given.
    choices: the words that it may be; least: the smallest number that it may be. needs: packages that a
    design with it depends on. counts: whether it says how many rows there are, which holds until there are
    more.
    """

    kind: type
    about: str
    default: Any = None
    choices: tuple[str, ...] = ()
    least: float | None = None
    needs: tuple[str, ...] = ()
    counts: bool = False


def untold(_: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What points are asked for.

    axes: what is varied, a column each. rows: how many points, or None if nothing was said; where rows are
    dropped later, more are drawn. arguments: all of the design's, with defaults.
    order: of the rows, one of order.ORDERS, or None for the design's own. folder: where temporary files may
    be, None for the system's own. parts: rows that were asked for one after the other, `rows` in all.
    known: for a grid which levels of each axis were there before. note: called with what is worth telling.
    """

    axes: Sequence[Axis]
    seed: int
    rows: int | None
    arguments: Mapping[str, Any]
    order: str | None = None
    folder: Path | None = None
    parts: tuple[int, ...] = ()
    known: Sequence[NDArray[np.bool_]] | None = None
    note: Callable[[str], None] = untold


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignKind:
    """A design.

    about: what it is, in a line. open: makes its points; a UserError there says what cannot be.
    rows: "any" number (DEFAULT_ROWS if nothing is said), "own" numbers (it has a number of its own if nothing
    is said, and refuses what it cannot have), or "fixed" by the parameters.
    seeded: whether it depends on a seed. correlates: whether its axes may be correlated. ordered: whether its
    rows have an order of their own, which --order may change. extends: whether rows can be added later.
    needs: packages that the points depend on, besides numpy.
    """

    about: str
    open: Callable[[Request], PointSource]
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    rows: Literal["any", "own", "fixed"] = "any"
    seeded: bool = True
    correlates: bool = False
    ordered: bool = False
    extends: bool = False
    needs: tuple[str, ...] = ()


def _in(module: str, name: str) -> Callable[[Request], PointSource]:
    """Return a function of a module here, which is imported when it is called: numpy takes long."""

    def open_points(request: Request) -> PointSource:
        found: PointSource = getattr(import_module(f"genstudy.designs.{module}"), name)(request)
        return found

    return open_points


KINDS: Mapping[str, DesignKind] = {
    "random": DesignKind(
        about="independent rows", open=_in("points", "open_random"), correlates=True, extends=True
    ),
    "lhs": DesignKind(
        about="Latin hypercube: cut a parameter's range into as many equal parts as rows, and each has one",
        open=_in("latin", "open_lhs"),
        arguments={
            "optimize": Argument(
                kind=str,
                about="random-cd lowers the discrepancy, lloyd moves points apart; in memory",
                choices=("random-cd", "lloyd"),
                needs=("scipy",),
            )
        },
        correlates=True,
        extends=True,
    ),
    "sobol": DesignKind(
        about="scrambled Sobol sequence; balanced where the rows are a power of 2",
        open=_in("points", "open_sobol"),
        correlates=True,
        extends=True,
        needs=("scipy",),
    ),
    "halton": DesignKind(
        about="scrambled Halton sequence",
        open=_in("points", "open_halton"),
        correlates=True,
        extends=True,
        needs=("scipy",),
    ),
    "grid": DesignKind(
        about="every combination of all levels, once; the last parameter changes fastest",
        open=_in("grid", "open_grid"),
        rows="fixed",
        seeded=False,
        ordered=True,
        extends=True,
    ),
    "fractional": DesignKind(
        about="a fraction of all combinations of the two ends",
        open=_in("classical", "open_fractional"),
        arguments={
            "resolution": Argument(
                kind=int, about="the shortest word of its defining relation: 3 if nothing is said", least=3
            ),
            "generators": Argument(kind=str, about="one word a parameter, such as 'a b c ab'"),
        },
        rows="fixed",
        seeded=False,
        ordered=True,
        needs=("pydoe",),
    ),
    "plackett-burman": DesignKind(
        about="the two ends, for main effects in as few rows as can be",
        open=_in("classical", "open_plackett_burman"),
        rows="fixed",
        seeded=False,
        ordered=True,
        needs=("pydoe",),
    ),
    "ccd": DesignKind(
        about="central composite: corners, stars and centres, for a quadratic model",
        open=_in("classical", "open_ccd"),
        arguments={
            "center": Argument(kind=int, about="how often the centre comes", default=1, least=0),
            "face": Argument(
                kind=str,
                about="corners inscribed, with stars at the ends (rotatable); faced, with both there",
                default="inscribed",
                choices=("inscribed", "faced"),
            ),
        },
        rows="fixed",
        seeded=False,
        ordered=True,
        needs=("pydoe",),
    ),
    "box-behnken": DesignKind(
        about="the ends of each two parameters with the others in the middle, and the centre",
        open=_in("classical", "open_box_behnken"),
        arguments={"center": Argument(kind=int, about="how often the centre comes", default=1, least=0)},
        rows="fixed",
        seeded=False,
        ordered=True,
        needs=("pydoe",),
    ),
    "oat": DesignKind(
        about="one at a time: the centre, then each parameter alone away from it",
        open=_in("classical", "open_oat"),
        arguments={
            "levels": Argument(kind=int, about="of each parameter, from end to end", default=2, least=2)
        },
        rows="fixed",
        seeded=False,
        ordered=True,
    ),
    "poisson": DesignKind(
        about="Poisson disks: random points, each two as far apart as the radius or more",
        open=_in("poisson", "open_poisson"),
        arguments={
            "radius": Argument(
                kind=str,
                about="1 is the range of a parameter; auto: the largest for -n points",
                default="auto",
            )
        },
        rows="own",
        needs=("scipy",),
    ),
    "saltelli": DesignKind(
        about="blocks of rows for variance-based sensitivity indices, over a scrambled Sobol sequence",
        open=_in("saltelli", "open_saltelli"),
        arguments={
            "blocks": Argument(
                kind=int, about="the number of blocks: 64 if nothing is said", least=1, counts=True
            ),
            "second_order": Argument(
                kind=bool, about="rows for indices of pairs too: 2 d + 2 a block, not d + 2", default=False
            ),
        },
        rows="own",
        extends=True,
        needs=("scipy",),
    ),
    "morris": DesignKind(
        about="trajectories along which one parameter moves at a time, for screening",
        open=_in("morris", "open_morris"),
        arguments={
            "trajectories": Argument(kind=int, about="how many: 10 if nothing is said", least=1, counts=True),
            "levels": Argument(kind=int, about="of the grid, an even number", default=4, least=2),
        },
        rows="own",
        extends=True,
    ),
}

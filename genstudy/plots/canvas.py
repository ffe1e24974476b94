"""A picture that is collected piece by piece and then drawn by matplotlib, as PNG or as SVG.

Lengths are CSS pixels, 96 to the inch, counted from the left and from the top. matplotlib gets no axes, only
shapes at places: so no value, however large, can upset its scales, and a picture of 300 parameters is quick.
"""

from __future__ import annotations

import io
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from genstudy.plots.labels import font_file, shortened
from genstudy.plots.style import (
    INK,
    NORMAL,
    PIXELS_PER_INCH,
    POINTS_PER_PIXEL,
    SETTINGS,
    SHARPNESS,
    quiet_matplotlib,
)
from genstudy.plots.svg import small_svg

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.figure import Figure
    from matplotlib.transforms import Transform
    from numpy.typing import ArrayLike, NDArray

    Points = NDArray[np.float64]

Align = Literal["left", "center", "right"]
MOVE, LINE, CLOSE = 1, 2, 79
DOT_LENGTH = 1e-3
"""A dot is a line with round ends, of no length to speak of: a renderer may leave out one of none at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """A path. codes: of matplotlib. fill, or else a line of this width with butt or round ends."""

    vertices: Points
    codes: NDArray[np.uint8]
    colour: str
    width: float = 0.0
    round_ends: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    text: str
    x: float
    y: float
    size: float
    align: Align
    upright: bool
    colour: str


class Canvas:
    """A picture, `width` x `height` pixels, on white."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self._shapes: list[_Shape] = []
        self._words: list[_Words] = []

    def boxes(
        self, left: ArrayLike, top: ArrayLike, right: ArrayLike, bottom: ArrayLike, colour: str
    ) -> None:
        """Fill rectangles, one or, given arrays of shape (n,), n."""
        x0, y0, x1, y1 = (np.atleast_1d(np.asarray(side, dtype=float)) for side in (left, top, right, bottom))
        x0, y0, x1, y1 = np.broadcast_arrays(x0, y0, x1, y1)
        corners = np.stack([x0, y0, x1, y0, x1, y1, x0, y1, x0, y0], axis=1).reshape(-1, 2)
        self._shape(corners, [MOVE, LINE, LINE, LINE, CLOSE], colour)

    def lines(self, ends: ArrayLike, colour: str, width: float = 1.0) -> None:
        """Draw straight lines; ends: (x0, y0, x1, y1) of each, shape (n, 4)."""
        vertices = np.asarray(ends, dtype=float).reshape(-1, 2)
        self._shape(vertices, [MOVE, LINE], colour, width=width)

    def curve(self, x: ArrayLike, y: ArrayLike, colour: str, width: float = 1.5) -> None:
        """Draw one line through points of shape (n,)."""
        vertices = np.column_stack([np.asarray(x, dtype=float), np.asarray(y, dtype=float)])
        if len(vertices):
            self._shape(vertices, [MOVE, *[LINE] * (len(vertices) - 1)], colour, width=width)

    def dots(self, x: ArrayLike, y: ArrayLike, colour: str, size: float = 3.0) -> None:
        """Draw round dots of this diameter at points of shape (n,)."""
        x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        vertices = np.column_stack([x, y, x + DOT_LENGTH, y]).reshape(-1, 2)
        self._shape(vertices, [MOVE, LINE], colour, width=size, round_ends=True)

    def text(
        self,
        text: str,
        x: float,
        y: float,
        room: float,
        *,
        size: float = NORMAL,
        align: Align = "left",
        upright: bool = False,
        colour: str = INK,
    ) -> None:
        """Write one line, its base at y, shortened to `room` pixels.

        upright: it runs upwards, its base at x. What the text is made of is data: nothing in it is markup.
        """
        shown = shortened(text, room, size)
        if shown:
            self._words.append(
                _Words(text=shown, x=x, y=y, size=size, align=align, upright=upright, colour=colour)
            )

    def svg(self, *, title: str, prefix: str) -> str:
        """Return the picture as an SVG element; see small_svg."""
        stream = io.BytesIO()
        with _drawing():
            nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
            self._figure().savefig(stream, format="svg", metadata=nothing)
        return small_svg(stream.getvalue(), title=title, prefix=prefix, width=self.width, height=self.height)

    def png(self) -> bytes:
        """Return the picture as a PNG, SHARPNESS of its pixels for one of the picture's."""
        stream = io.BytesIO()
        with _drawing():
            figure = self._figure()
            figure.savefig(stream, format="png", dpi=PIXELS_PER_INCH * SHARPNESS, metadata={"Software": None})
        return stream.getvalue()

    def _shape(self, vertices: Points, pattern: Sequence[int], colour: str, **kind: Any) -> None:
        codes = np.tile(np.array(pattern, dtype=np.uint8), len(vertices) // len(pattern))
        if len(vertices):
            self._shapes.append(_Shape(vertices=vertices, codes=codes, colour=colour, **kind))

    def _figure(self) -> Figure:
        from matplotlib.figure import Figure
        from matplotlib.transforms import Affine2D

        size = (self.width / PIXELS_PER_INCH, self.height / PIXELS_PER_INCH)
        figure = Figure(figsize=size, dpi=PIXELS_PER_INCH, facecolor="white", edgecolor="none")
        place = Affine2D().scale(1 / self.width, -1 / self.height).translate(0, 1) + figure.transFigure
        for shape in self._shapes:
            figure.add_artist(_patch(shape, place))
        for words in self._words:
            figure.add_artist(_text(words, place))
        return figure


def _patch(shape: _Shape, place: Transform) -> Any:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    path = Path(shape.vertices, shape.codes)
    if not shape.width:
        return PathPatch(path, transform=place, facecolor=shape.colour, edgecolor="none", snap=False)
    return PathPatch(
        path,
        transform=place,
        fill=False,
        edgecolor=shape.colour,
        linewidth=shape.width * POINTS_PER_PIXEL,
        capstyle="round" if shape.round_ends else "butt",
        joinstyle="round",
        snap=False,
    )


def _text(words: _Words, place: Transform) -> Any:
    from matplotlib.font_manager import FontProperties
    from matplotlib.text import Text

    return Text(
        words.x,
        words.y,
        words.text,
        transform=place,
        color=words.colour,
        horizontalalignment=words.align,
        verticalalignment="baseline",
        rotation=90 if words.upright else 0,
        rotation_mode="anchor",
        fontproperties=FontProperties(fname=font_file(), size=words.size * POINTS_PER_PIXEL),
        parse_math=False,
        usetex=False,
    )


@contextmanager
def _drawing() -> Iterator[None]:
    """Draw with our settings, and let matplotlib say nothing of what a font lacks."""
    with quiet_matplotlib(), warnings.catch_warnings():
        import matplotlib as mpl

        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        settings: Any = SETTINGS
        with mpl.rc_context(settings):
            yield

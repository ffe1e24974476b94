"""Where the points of a design come from: the protocol, and the source whose points are in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from genstudy.designs.order import Order

    Kind = Literal["unit", "level", "coded"]
    Column = NDArray[Any]

BELOW_ONE = 1 - 2.0**-53
"""The largest float below 1: points are in [0, 1), also where rounding would give 1."""


class PointSource(Protocol):
    """Gives the points of a design, a column an axis.

    kind: what the columns hold. unit: float64 in [0, 1), probabilities that laws turn into values; level:
    int64, numbers of levels; coded: float64 in [-1, 1], from the lower end of a law to its upper end.
    """

    @property
    def kind(self) -> Kind:
        """What the columns hold."""

    @property
    def total(self) -> int | None:
        """How many points there are before the design ends; None where it never does."""

    @property
    def block(self) -> int:
        """How many consecutive points belong together; 1 where each stands for itself."""

    def draw(self, count: int) -> Iterable[Column]:
        """Return the next points, `count` at most and at least one: one column an axis, of one length."""

    def skip(self, count: int) -> None:
        """Pass over so many points, as if they had been drawn."""

    def close(self) -> None:
        """Let go of temporary files."""


class MatrixPoints:
    """Points that are all in memory, in an order of their rows."""

    def __init__(self, matrix: Column, kind: Kind, order: Order, *, block: int = 1) -> None:
        """Take a matrix of shape (points, axes)."""
        self.kind: Kind = kind
        self.total = len(matrix)
        self.block = block
        self._matrix = matrix
        self._order = order
        self._next = 0

    def draw(self, count: int) -> list[Column]:
        """Return the next points in the order."""
        count = min(count, self.total - self._next)
        rows = self._order(self._next, count)
        self._next += count
        return [column[rows] for column in self._matrix.T]

    def skip(self, count: int) -> None:
        """Pass over points."""
        self._next += count

    def close(self) -> None:
        """Nothing is open."""

"""A design: the points of a source, turned into the values of parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genstudy.designs.axes import Axis
    from genstudy.designs.copula import Transform
    from genstudy.designs.source import Column, PointSource
    from genstudy.parameters.laws import Parameter, Values


class Design:
    """What fills a table: `draw(count)` gives the next rows, `total` is the number after which it ends."""

    def __init__(
        self,
        source: PointSource,
        axes: Sequence[Axis],
        parameters: Sequence[Parameter],
        copula: Transform | None = None,
    ) -> None:
        """Take a source of points, a column an axis; copula: turns points of the unit cube into others."""
        self.source = source
        self._axes, self._copula = axes, copula
        names = [parameter.name for axis in axes for parameter in axis.parameters]
        self._places = [names.index(parameter.name) for parameter in parameters]

    @property
    def total(self) -> int | None:
        """How many rows there are before the design ends; None where it never does."""
        return self.source.total

    @property
    def block(self) -> int:
        """How many consecutive rows belong together."""
        return self.source.block

    def draw(self, count: int) -> list[Values]:
        """Return the next rows, `count` at most and at least one, as one array a parameter."""
        columns = self.source.draw(count)
        if self._copula is not None:
            columns = self._copula(list(columns))
        values = [
            value
            for axis, column in zip(self._axes, columns, strict=True)
            for value in self._of(axis, column)
        ]
        return [values[place] for place in self._places]

    def _of(self, axis: Axis, column: Column) -> list[Values]:
        match self.source.kind:
            case "unit":
                return axis.sample(column)
            case "level":
                return axis.at(column)
            case "coded":
                return axis.coded(column)

    def skip(self, count: int) -> None:
        """Pass over so many rows, as if they had been drawn."""
        if count:
            self.source.skip(count)

    def close(self) -> None:
        """Let go of temporary files."""
        self.source.close()

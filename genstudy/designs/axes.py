"""Axes: what a design varies. An axis is a parameter, or a group of parameters that move together."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Protocol

import numpy as np

from genstudy.designs.source import BELOW_ONE
from genstudy.errors import UserError
from genstudy.parameters.levels import EXACT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from genstudy.parameters.groups import Group
    from genstudy.parameters.laws import Law, Parameter, Points, Values

    Levels = NDArray[np.int64]

FEWEST_WITH_MIDDLE = 3


class Axis(Protocol):
    """What a design varies. Each method returns one array of values for each parameter of the axis."""

    @property
    def name(self) -> str:
        """The parameter's name, or the group as it is written."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters, in the order of what the methods return."""

    @property
    def count(self) -> int | None:
        """How many levels there are; None where there are none."""

    def sample(self, u: Points) -> list[Values]:
        """Return the values at points in [0, 1)."""

    def at(self, index: Levels) -> list[Values]:
        """Return the levels with these numbers, 0 to count - 1."""

    def coded(self, x: Points) -> list[Values]:
        """Return the values at points in [-1, 1], from the lower end (or first level) to the upper one.

        Between the ends it goes by probability: x is the quantile (x + 1) / 2, or the level nearest to it.
        UserError where a law has no ends, or a point between two levels is asked for and there is none.
        """


@dataclass(frozen=True, slots=True)
class ParameterAxis:
    """One parameter."""

    parameter: Parameter

    @property
    def name(self) -> str:
        """The parameter's name."""
        return self.parameter.name

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameter alone."""
        return (self.parameter,)

    @property
    def count(self) -> int | None:
        """The levels of its law."""
        return self.parameter.law.count

    def sample(self, u: Points) -> list[Values]:
        """Return what its law makes of the points."""
        return [self.parameter.law.sample(u)]

    def at(self, index: Levels) -> list[Values]:
        """Return the law's levels."""
        return [self.parameter.law.at(index)]

    def coded(self, x: Points) -> list[Values]:
        """Return the law's levels or quantiles."""
        law = self.parameter.law
        if law.count is not None:
            return [law.at(_coded_levels(self.name, law.count, x))]
        return [_coded_quantiles(self.name, law, x)]


@dataclass(frozen=True, slots=True)
class GroupAxis:
    """A group, and the axes that its members would be."""

    group: Group
    members: tuple[Axis, ...]

    @property
    def name(self) -> str:
        """The group as it is written."""
        return self.group.text

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Those of all members."""
        return tuple(parameter for member in self.members for parameter in member.parameters)


@dataclass(frozen=True, slots=True)
class ZipAxis(GroupAxis):
    """Members that move together."""

    @property
    def count(self) -> int | None:
        """The levels, of which all members have the same number; None where one has none."""
        counts = [member.count for member in self.members]
        if any(count is None for count in counts):
            return None
        if len(set(counts)) > 1:
            told = ", ".join(f"{member.name} has {member.count}" for member in self.members)
            raise UserError(
                f"in {self.name} the levels do not go together: {told}",
                hint="a zip needs as many levels of each of its members",
            )
        return counts[0]

    def sample(self, u: Points) -> list[Values]:
        """Return the values of all members at the same points."""
        return [values for member in self.members for values in member.sample(u)]

    def at(self, index: Levels) -> list[Values]:
        """Return the same level of all members."""
        return [values for member in self.members for values in member.at(index)]

    def coded(self, x: Points) -> list[Values]:
        """Return the values of all members at the same points."""
        return [values for member in self.members for values in member.coded(x)]


@dataclass(frozen=True, slots=True)
class ProductAxis(GroupAxis):
    """All combinations of members with levels, the last one fastest, counted as levels of one axis."""

    @property
    def count(self) -> int:
        """How many combinations there are."""
        return prod(levels_of(member) for member in self.members)

    def sample(self, u: Points) -> list[Values]:
        """Return the combination that each point falls into. UserError where they are not equally likely."""
        for parameter in self.parameters:
            if not parameter.law.even:
                raise UserError(
                    f"the combinations of {self.name} are equally likely, and the values of "
                    f"{parameter.law.text} are not",
                    hint=f"take {parameter.name} out of the product, or give it a law without weights",
                )
        return self.at((u * self.count).astype(np.int64))

    def at(self, index: Levels) -> list[Values]:
        """Return the combinations with these numbers."""
        found: list[Values] = []
        for member in reversed(self.members):
            index, level = np.divmod(index, levels_of(member))
            found[:0] = member.at(level)
        return found

    def coded(self, x: Points) -> list[Values]:
        """Return the combinations from the first to the last."""
        return self.at(_coded_levels(self.name, self.count, x))


def make_axes(parameters: Sequence[Parameter], groups: Sequence[Group] = ()) -> list[Axis]:
    """Return the axes of a design: parameters and groups, in the order of their first parameters."""
    by_name = {parameter.name: parameter for parameter in parameters}
    group_of = {name: group for group in groups for name in group.names()}
    axes: list[Axis] = []
    made: set[str] = set()
    for parameter in parameters:
        group = group_of.get(parameter.name)
        if group is None:
            axes.append(ParameterAxis(parameter))
        elif group.text not in made:
            made.add(group.text)
            axes.append(_axis(group, by_name))
    return axes


def _axis(member: str | Group, parameters: Mapping[str, Parameter]) -> Axis:
    if isinstance(member, str):
        return ParameterAxis(parameters[member])
    members = tuple(_axis(inner, parameters) for inner in member.members)
    if member.kind == "zip":
        return ZipAxis(member, members)
    count = prod(levels_of(inner) for inner in members)
    if count > EXACT:
        raise UserError(
            f"{member.text} has {count} combinations, and {EXACT} is the most",
            hint="take a parameter out of the product",
        )
    return ProductAxis(member, members)


def varies(axis: Axis) -> bool:
    """Tell whether a parameter of an axis has more than one value."""
    return any(parameter.law.count != 1 for parameter in axis.parameters)


def with_constants(points: Points, axes: Sequence[Axis]) -> Points:
    """Return a matrix of the axes that vary, shape (n, those), with columns of 0 for the others."""
    whole = np.zeros((len(points), len(axes)))
    whole[:, [place for place, axis in enumerate(axes) if varies(axis)]] = points
    return whole


def levels_of(axis: Axis) -> int:
    """Return how many levels an axis has. UserError where it has none."""
    count = axis.count
    if count is None:
        lacking = next(p for p in axis.parameters if p.law.count is None)
        raise UserError(
            f"the parameter {lacking.name} follows {lacking.law.text}, which has no levels",
            hint=f"give it levels: {lacking.name}=linspace(a, b, n), or take another design",
        )
    return count


def _coded_levels(name: str, count: int, x: Points) -> Levels:
    inner = np.abs(x) < 1
    if 1 < count < FEWEST_WITH_MIDDLE and inner.any():
        raise UserError(
            f"{name} has two levels, and the design needs one between them",
            hint="give it three levels or more, or take a design of two: fractional, plackett-burman, grid",
        )
    return np.rint((x + 1) / 2 * (count - 1)).astype(np.int64)


def _coded_quantiles(name: str, law: Law, x: Points) -> Values:
    if law.ends is None:
        raise UserError(
            f"the parameter {name} follows {law.text}, which has no ends, and the design goes to the ends",
            hint=f"bound it: {name}=uniform(a, b), or truncnormal(mu, sigma, lo, hi)",
        )
    values = law.sample(np.clip((x + 1) / 2, 0.0, BELOW_ONE))
    low, high = law.ends
    return np.where(x <= -1, low, np.where(x >= 1, high, values))

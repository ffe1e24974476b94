"""A design as it is written, `lhs` or `morris(levels=6)`, and the design that this opens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from genstudy.designs.kinds import KINDS, Argument, DesignKind, Request, untold
from genstudy.errors import UserError, near
from genstudy.parameters.reading import Reader, Token

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from genstudy.designs.axes import Axis
    from genstudy.designs.copula import Correlation
    from genstudy.designs.design import Design
    from genstudy.parameters.laws import Parameter

DESIGNS = tuple(KINDS)
TRUTHS = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignChoice:
    """A design that was chosen. given: the arguments that were said; arguments: all of them."""

    name: str
    given: Mapping[str, Any]

    @property
    def kind(self) -> DesignKind:
        """What is known of the design."""
        return KINDS[self.name]

    @property
    def arguments(self) -> dict[str, Any]:
        """All arguments, with defaults."""
        return {name: self.given.get(name, known.default) for name, known in self.kind.arguments.items()}

    @property
    def needs(self) -> list[str]:
        """The packages that its points depend on, besides numpy."""
        given = {package for name in self.given for package in self.kind.arguments[name].needs}
        return sorted({*self.kind.needs, *given})

    @property
    def grown(self) -> DesignChoice:
        """The same design without what it said of the number of its rows, now that there are more."""
        arguments = self.kind.arguments
        return replace(self, given={k: v for k, v in self.given.items() if not arguments[k].counts})

    @property
    def text(self) -> str:
        """The canonical spelling, which `parse_design` reads back as an equal choice."""
        if not self.given:
            return self.name
        words = [f"{name}={_shown(self.given[name])}" for name in self.kind.arguments if name in self.given]
        return f"{self.name}({', '.join(words)})"


def _shown(value: Any) -> str:
    from genstudy.parameters.laws import number_text
    from genstudy.parameters.levels import quoted

    if isinstance(value, bool):
        return str(value).lower()
    return quoted(value) if isinstance(value, str) else number_text(value)


def parse_design(text: str) -> DesignChoice:
    """Read a design such as `sobol` or `lhs(optimize=lloyd)`. UserError with the place of a mistake."""
    return _DesignReader(text, where="--design").whole()


class _DesignReader(Reader):
    def whole(self) -> DesignChoice:
        word = self.take()
        if word.kind != "bare" or word.text not in KINDS:
            raise UserError(
                f"there is no design '{word.text}'{near(word.text, KINDS)}",
                hint=f"designs: {', '.join(KINDS)}",
            )
        given: dict[str, Any] = {}
        if self.at_mark("("):
            self.take()
            while not self.at_mark(")"):
                place = self.token.start
                name, value = self._argument(word.text)
                if name in given:
                    self.fail(f"'{name}' comes twice", place)
                given[name] = value
                if self.at_mark(","):
                    self.take()
                elif not self.at_mark(")"):
                    self.fail(
                        f"a comma or a closing bracket belongs here, not {self.token.shown()}",
                        self.token.start,
                    )
            self.take()
        self.end("design")
        return DesignChoice(name=word.text, given=given)

    def _argument(self, design: str) -> tuple[str, Any]:
        known = KINDS[design].arguments
        how = f"its arguments: {', '.join(known)}" if known else f"write: {design}"
        name = self.take()
        if name.text not in known:
            self.fail(
                f"the design {design} has no argument '{name.text}'{near(name.text, known)}", name.start, how
            )
        if not self.at_mark("="):
            self.fail(f"= belongs here, not {self.token.shown()}", self.token.start, f"write {name.text}=...")
        self.take()
        return name.text, self._typed(name.text, known[name.text], self.value())

    def _typed(self, name: str, argument: Argument, token: Token) -> Any:
        value: Any = token.text
        if argument.choices and value not in argument.choices:
            hint = f"{name} is one of: {', '.join(argument.choices)}"
            self.fail(f"there is no '{value}'{near(value, argument.choices)}", token.start, hint)
        if argument.kind is bool:
            value = TRUTHS.get(token.text.lower())
            if value is None:
                self.fail(f"{token.shown()} is neither true nor false", token.start)
        elif argument.kind is not str and not argument.choices:
            value = self._number(argument, token)
        return value

    def _number(self, argument: Argument, token: Token) -> Any:
        try:
            value = argument.kind(token.text)
        except ValueError:
            what = "whole number" if argument.kind is int else "number"
            self.fail(f"{token.shown()} is no {what}", token.start)
        if value != value or abs(value) == float("inf"):
            self.fail(f"{token.shown()} is not finite", token.start)
        if argument.least is not None and value < argument.least:
            self.fail(f"{token.shown()} is too small: {argument.least} is the least", token.start)
        return value


def open_design(
    choice: DesignChoice,
    axes: Sequence[Axis],
    parameters: Sequence[Parameter],
    *,
    seed: int,
    rows: int | None,
    order: str | None = None,
    correlate: Sequence[Correlation] = (),
    folder: Path | None = None,
    parts: tuple[int, ...] = (),
    known: Sequence[NDArray[np.bool_]] | None = None,
    note: Callable[[str], None] = untold,
) -> Design:
    """Open a design: the values of `parameters`, which are those of the axes in another order.

    rows: how many, or None if nothing was said; what the design does with it says its kind. The rest is as
    in kinds.Request; correlate: pairs of parameters and their rank correlation.
    """
    from genstudy.designs.design import Design

    copula = None
    if correlate:
        from genstudy.designs.copula import make_copula

        copula = make_copula(axes, correlate)
    request = Request(
        axes=axes,
        seed=seed,
        rows=rows,
        arguments=choice.arguments,
        order=order,
        folder=folder,
        parts=parts,
        known=known,
        note=note,
    )
    return Design(choice.kind.open(request), axes, parameters, copula)

"""Options that say how the rows of a table come about, the same for `csv` and `build`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from genstudy.cli.completion import designs, orders
from genstudy.cli.plain import PlainCommand, pass_through
from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genstudy.designs.copula import Correlation

DesignOption = Annotated[
    str | None,
    typer.Option(
        "--design",
        help="random, lhs, sobol, grid, ..., with arguments as in 'morris(levels=6)'.",
        autocompletion=designs,
    ),
]
GroupOption = Annotated[
    list[str] | None,
    typer.Option("--group", metavar="GROUP", help="As 'zip(a, b)': they move together. Repeatable."),
]
CorrelateOption = Annotated[
    list[str] | None,
    typer.Option("--correlate", metavar="A B R", help="As a b 0.7: their rank correlation. Repeatable."),
]
OrderOption = Annotated[
    str | None,
    typer.Option(
        "--order",
        metavar="ORDER",
        help="stratified (each batch a fair sample) or shuffle.",
        autocompletion=orders,
    ),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="TEST", help='As "a > b": no row meets it. Repeatable.'),
]


class CsvCommand(PlainCommand):
    """A plain command one option of which takes three values."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, `--correlate` with three values."""
        return _with_triples(super().get_params(ctx))


class BuildCommand(TyperCommand):
    """A command one option of which takes three values."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, `--correlate` with three values."""
        return _with_triples(super().get_params(ctx))


def _with_triples(parameters: list[Any]) -> list[Any]:
    """Let --correlate take three values at a time, which Typer has no type for if it can be repeated."""
    for parameter in parameters:
        if parameter.name == "correlate":
            parameter.nargs = 3
            pass_through(parameter)
    return parameters


def correlations(triples: Sequence[Sequence[str]] | None) -> list[Correlation]:
    """Return what --correlate was given, the third value as a number."""
    found = []
    for first, second, text in triples or ():
        try:
            found.append((first, second, float(text)))
        except ValueError:
            raise UserError(
                f"'{text}' is no correlation",
                where=f"--correlate {first} {second}",
                hint="two parameters and a number between -1 and 1: --correlate a b 0.7",
            ) from None
    return found

"""Commands whose options arrive as they were typed."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand, TyperGroup

from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer import Context


class PlainCommand(TyperCommand):
    """A command of flags, texts and lists of texts, none of them required.

    Typer builds a pydantic model for each option, whatever its type. That takes 0.07 s, a fifth of what a
    table of a million rows takes, so here no value is converted.
    """

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, `--help` too."""
        return _plain(super().get_params(ctx))


class PlainGroup(TyperGroup):
    """A group whose own options are flags; see PlainCommand."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, `--help` too."""
        return _plain(super().get_params(ctx))


def _plain(parameters: list[Any]) -> list[Any]:
    for parameter in parameters:
        pass_through(parameter)
    return parameters


def pass_through(parameter: Any) -> None:
    """Let a parameter's value arrive as it was typed."""
    parameter.process_value = partial(_as_typed, parameter)


def _as_typed(parameter: Any, ctx: Context, value: Any) -> Any:
    if parameter.multiple or parameter.nargs != 1:
        value = list(value or ())
    return value if parameter.callback is None else parameter.callback(ctx, parameter, value)


@contextmanager
def large_imports() -> Iterator[None]:
    """Import large packages in the block with the garbage collector out of the way.

    It would go through their objects several times while they come, and once more at exit: 0.05 s in all.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


def whole(text: str | None, option: str) -> int | None:
    """Return an option's value as a whole number, or None where it was not given."""
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        raise UserError(f"{option} takes a whole number, not '{text}'") from None

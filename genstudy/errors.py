"""The one error family: what is wrong, where it stands, and the way out."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class GenstudyError(Exception):
    """Something that genstudy can name. `exit_code` is what the command line ends with."""

    exit_code = 1


class UserError(GenstudyError):
    """A mistake in what was given: a value, a file, an option.

    message: what is wrong, naming the value.
    where: the place, such as `params.csv, row 3, column width`.
    hint: the way out, in words or as a command.
    """

    exit_code = 2

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        """Return the whole text, as the command line prints it."""
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text}\n  {self.hint}" if self.hint else text


class RunError(GenstudyError):
    """Maestro ran and did not do what was asked; the message says what it left behind."""


def one_line(problem: Exception) -> str:
    """Return an error's message in one line, without its way out."""
    text = str(problem)
    if isinstance(problem, UserError):
        text = f"{problem.where}: {problem.message}" if problem.where else problem.message
    return "; ".join(line.strip() for line in text.splitlines())


def near(name: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'low'?)` for the known name nearest to this one, or an empty text."""
    by_folded = {option.casefold(): option for option in known}
    found = get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return f" (did you mean '{by_folded[found[0]]}'?)" if found else ""

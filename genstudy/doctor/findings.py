"""What was found: fit, worth knowing, or broken; and a check that fails is a finding, too."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from genstudy.errors import GenstudyError, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PIP = f"{sys.executable} -m pip install"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. about: a word or two for what; hint: how to mend it, or empty.

    level: `ok`; `note`: worth knowing, or wrong for some uses; `problem`: something will not work.
    """

    about: str
    level: Literal["ok", "note", "problem"]
    text: str
    hint: str = ""


def ok(about: str, text: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(about=about, level="ok", text=text)


def note(about: str, text: str, hint: str = "") -> Finding:
    """Return a finding that is worth knowing."""
    return Finding(about=about, level="note", text=text, hint=hint)


def problem(about: str, text: str, hint: str = "") -> Finding:
    """Return a finding that something will not work."""
    return Finding(about=about, level="problem", text=text, hint=hint)


def of_error(about: str, error: Exception, level: Literal["note", "problem"] = "problem") -> Finding:
    """Return what an error tells as a finding, with its way out."""
    if isinstance(error, UserError):
        text = f"{error.where}: {error.message}" if error.where else error.message
        return Finding(about=about, level=level, text=_line(text), hint=_line(error.hint or ""))
    if isinstance(error, GenstudyError):
        text, _, hint = str(error).partition("\n")
        return Finding(about=about, level=level, text=text, hint=_line(hint))
    text = str(error) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
    return Finding(about=about, level=level, text=_line(text))


def tried(about: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Yield what a check finds; where it fails itself, a problem with the reason is the last."""
    try:
        yield from check()
    except Exception as error:  # noqa: BLE001 - what is broken here is what was asked for, and it is told
        yield of_error(about, error)


def _line(text: str) -> str:
    return "; ".join(line.strip() for line in text.splitlines() if line.strip())

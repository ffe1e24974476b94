"""The values of results: strict types, and a short reason for what is none.

A reason's first words, up to a colon, are always the same for one kind of fault, so that faults can be
counted; what may follow is a piece of the file's text.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from genstudy.specs.result_sources import Type

LEAST, MOST = -(2**63), 2**63 - 1
LONGEST = 2**20
"""Bytes of a text that is a result."""

SHOWN = 60
MOST_DIGITS = 1000
NUMBER = re.compile(
    r"([+-]?)(?:([0-9]+)|(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eEdD]))(?:[eEdD][+-]?[0-9]+)?)", re.ASCII
)
SPECIAL = re.compile(r"[+-]?(?:(nan)|inf|infinity)", re.IGNORECASE | re.ASCII)
WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
NAMES = {dict: "an object", list: "a list", str: "text", bool: "a bool", int: "a number", float: "a number"}
ARTICLES = {"float": "a float", "int": "an int", "bool": "a bool", "text": "text"}


class Missing(Exception):
    """A result that is missing or malformed; the message is the reason."""


def shown(text: str, most: int = SHOWN) -> str:
    """Return a piece of a file's text as it may stand in a reason: short, and nothing but printable."""
    cut = text if len(text) <= most else f"{text[: most - 3]}..."
    return cut if cut.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in cut)


def _wrong(value: Any, wanted: Type) -> Missing:
    if value is None:
        return Missing("null")
    if isinstance(value, str):
        return Missing(f"not {ARTICLES[wanted]}: '{shown(value)}'")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Missing(f"not {ARTICLES[wanted]}: {_figure(value)}")
    return Missing(f"not {ARTICLES[wanted]}: {NAMES.get(type(value), type(value).__name__)}")


def _figure(value: float) -> str:
    return "a huge number" if abs(value) > 1e300 else repr(value)


def as_float(value: Any) -> float:
    """Return a number as a finite float: a float, or an int, which a bool is not."""
    if type(value) is float:
        if value - value == 0:
            return value
        raise Missing("NaN" if math.isnan(value) else "infinite")
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise Missing("infinite") from None
    raise _wrong(value, "float")


def as_int(value: Any) -> int:
    """Return a whole number of 64 bits: an int, or a float such as 3.0."""
    if type(value) is float:
        if not math.isfinite(value):
            raise Missing("NaN" if math.isnan(value) else "infinite")
        if not value.is_integer():
            raise _wrong(value, "int")
        value = int(value)
    if type(value) is not int:
        raise _wrong(value, "int")
    if not LEAST <= value <= MOST:
        raise Missing("beyond 64 bits")
    return value


def as_bool(value: Any) -> bool:
    """Return a bool that is one."""
    if type(value) is bool:
        return value
    raise _wrong(value, "bool")


def as_text(value: Any) -> str:
    """Return a text that every database takes: Unicode without NUL, of at most 1 MiB as UTF-8."""
    if type(value) is not str:
        raise _wrong(value, "text")
    if "\0" in value:
        raise Missing("a NUL character in the text")
    try:
        size = len(value) if value.isascii() else len(value.encode())
    except UnicodeEncodeError:
        raise Missing("not UTF-8") from None
    if size > LONGEST:
        raise Missing("longer than 1 MiB")
    return value


CONVERTERS: dict[Type, Callable[[Any], Any]] = {
    "float": as_float,
    "int": as_int,
    "bool": as_bool,
    "text": as_text,
}
"""What makes a result of a value that has a type of its own, as in JSON; it raises Missing."""


def parsed(text: str, wanted: Type) -> Any:
    """Return the result that a piece of a text file is, spaces around it not counted. Raises Missing."""
    text = text.strip()
    if not text:
        raise Missing("empty")
    if wanted == "text":
        return as_text(text)
    if wanted == "bool":
        if text.lower() not in WORDS:
            raise _wrong(text, wanted)
        return WORDS[text.lower()]
    return CONVERTERS[wanted](_number(text, wanted))


def _number(text: str, wanted: Type) -> int | float:
    found = NUMBER.fullmatch(text) if len(text) <= MOST_DIGITS else None
    if found is None:
        special = SPECIAL.fullmatch(text)
        if special is not None:
            raise Missing("NaN" if special[1] else "infinite")
        raise _wrong(text, wanted)
    if found[2] is not None and wanted == "int":
        digits = found[2].lstrip("0") or "0"
        if len(digits) > 20:
            raise Missing("beyond 64 bits")
        return int(found[1] + digits)
    return float(text.replace("d", "e").replace("D", "e"))

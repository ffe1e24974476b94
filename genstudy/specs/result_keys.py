"""How a result is named in its file: paths, keys and expressions, checked before anything runs."""

from __future__ import annotations

import json
import re
import warnings
from functools import lru_cache
from pathlib import PurePosixPath
from typing import NamedTuple

FUNCTION = re.compile(r"(?P<module>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):(?P<name>[A-Za-z_]\w*)", re.ASCII)
SEGMENT = re.compile(r'(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<bare>[^."]+)', re.DOTALL)
INDEX = re.compile(r"-?[0-9]{1,9}", re.ASCII)
WILD = re.compile(r"[*?\[]")
MOST_NAME = 255


class Segment(NamedTuple):
    """A step into a JSON document: a key of an object, or where it is a number, the index in a list too."""

    key: str
    number: int | None


def check_path(path: str) -> None:
    """Refuse what is no file's path, or pattern of one, inside a workspace: a ValueError."""
    parts = PurePosixPath(path).parts
    if path.startswith("/") or ".." in parts or "\0" in path or not parts or path.endswith("/"):
        raise ValueError(f"'{path}' is no file's path in a workspace")
    if "**" in path:
        raise ValueError(f"'{path}': ** is not known; name each folder, or write * for any one")
    if any(len(part.encode(errors="replace")) > MOST_NAME for part in parts):
        raise ValueError("a file's name has at most 255 bytes")


def is_pattern(path: str) -> bool:
    """Tell whether a path names files by a pattern."""
    return WILD.search(path) is not None


@lru_cache
def segment_form(pattern: str) -> re.Pattern[str]:
    """Return what the names are that one part of a pattern stands for, as in a shell: `*.out`, `run_[0-9]`.

    A name that begins with a dot is meant only where the pattern begins with one.
    """
    import fnmatch

    form = re.compile(fnmatch.translate(pattern))
    return form if pattern.startswith(".") else re.compile(rf"(?!\.){form.pattern}")


def json_path(text: str) -> tuple[Segment, ...]:
    """Return the steps of a path such as `forces.0.lift`; a key that has a dot or quote stands in quotes, as
    JSON writes it: `a."b.c"`. A ValueError for what is no path.
    """
    steps: list[Segment] = []
    place = 0
    while True:
        found = SEGMENT.match(text, place)
        if found is None:
            raise ValueError(f"'{text}' is no path: keys with dots between them, or in quotes as a.\"b.c\"")
        steps.append(_segment(found, text))
        place = found.end()
        if place == len(text):
            return tuple(steps)
        if text[place] != ".":
            raise ValueError(f"'{text}' is no path: a dot belongs behind {found[0]}")
        place += 1


def _segment(found: re.Match[str], text: str) -> Segment:
    if found["quoted"] is None:
        return Segment(found[0], int(found[0]) if INDEX.fullmatch(found[0]) else None)
    try:
        return Segment(json.loads(found[0]), None)
    except ValueError:
        raise ValueError(f"'{text}' is no path: {found[0]} is no JSON text") from None


def check_expression(pattern: str) -> None:
    """Refuse what is no regular expression, or marks more than one value: a ValueError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)
            groups = re.compile(pattern, re.MULTILINE).groups
    except FutureWarning as problem:
        raise ValueError(
            f"'{pattern}' is no clear regular expression: {problem}; a backslash makes marks plain"
        ) from None
    except (re.error, RecursionError, OverflowError) as problem:
        raise ValueError(f"'{pattern}' is no regular expression: {problem}") from None
    if groups > 1:
        raise ValueError(
            f"'{pattern}' has {groups} groups; mark the value with one, and write (?:...) for the others"
        )


def check_header(name: str) -> None:
    """Refuse what cannot be the name of a CSV file's column, from which spaces are stripped: a ValueError."""
    if name != name.strip() or "\n" in name:
        raise ValueError(
            f"'{name}' is no name of a column: it begins or ends with a space, or has a line end"
        )


def check_key(key: str) -> None:
    """Refuse what cannot be the key of a line `key = value`: a ValueError."""
    if key != key.strip() or re.search(r"[=:\n]", key) or key.startswith("#"):
        raise ValueError(f"'{key}' is no key of a line: it has a = or : in it, or a space at an end")


def check_function(text: str) -> None:
    """Refuse what is no `module:function`: a ValueError."""
    module, _, name = text.partition(":")
    if not FUNCTION.fullmatch(text):
        raise ValueError(f"'{text}' is no module:function")
    if module.endswith(".py"):
        raise ValueError(f"'{text}' is no module:function: write {module.removesuffix('.py')}:{name}")


def function_of(text: str) -> tuple[str, str]:
    """Return module and function of `module:function`."""
    module, _, name = text.partition(":")
    return module, name

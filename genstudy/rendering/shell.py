"""Text that stands in a shell script byte for byte, with parameters' values between it."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from genstudy.parameters.names import ROW_ID

if TYPE_CHECKING:
    from collections.abc import Collection

PIECE = re.compile(r"(\$\(([^\W\d][\w-]*)(?:\.(\w+))?\))")


def quote(text: str) -> str:
    """Return the text as one shell word in which Maestro finds no token."""
    return shlex.quote(text).replace("$(", "$''(")


def quote_with_tokens(text: str, tokens: Collection[str]) -> str:
    """Return the text as one shell word, the tokens of these parameters in it left for Maestro.

    A value then stands quoted between quoted text, whatever it holds: `width = $(WIDTH)` becomes
    `'width = '$(WIDTH.quoted)`. The forms `.json`, `.name` and the row's label hold no quote and stay inside.
    """
    parts: list[str] = []
    literal = ""
    pieces = PIECE.split(text)
    for start in range(0, len(pieces), 4):
        literal += pieces[start]
        if start + 1 >= len(pieces):
            break
        whole, token, form = pieces[start + 1 : start + 4]
        if token not in tokens:
            literal += whole
            continue
        if form == "label" and token != ROW_ID:
            literal += f"{token}."
        if literal:
            parts.append(quote(literal))
            literal = ""
        stays = form in {"json", "name"} or (token == ROW_ID and form == "label")
        parts.append(f"'{whole}'" if stays else f"$({token}.quoted)")
    if literal or not parts:
        parts.append(quote(literal))
    return "".join(parts)

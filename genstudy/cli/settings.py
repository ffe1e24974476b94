"""`--set key=value`, as several commands take it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def parse_settings(items: Sequence[str]) -> dict[str, Any]:
    """Return {key: value}. A value that is JSON is taken as that, any other as text.

    A number stays text where JSON would not write it the same way, such as 1.10.
    """
    settings: dict[str, Any] = {}
    for item in items:
        key, equals, text = item.partition("=")
        if not equals or not key.strip().isidentifier():
            raise UserError(
                f"--set '{item}' is not key=value", hint="for instance: --set command='python3 model.py'"
            )
        settings[key.strip()] = _value(text)
        check_utf8(item, json.dumps(settings[key.strip()], ensure_ascii=False))
    return settings


def check_utf8(*texts: str | Path | None) -> None:
    """Refuse what the shell gave in another encoding: no file of ours could hold it."""
    for text in texts:
        try:
            str(text).encode()
        except UnicodeEncodeError:
            raise UserError(
                f"{str(text)!a} is not UTF-8 text", hint="give it as UTF-8; rename a file that is not"
            ) from None


def _no_json(word: str) -> None:
    """Python reads NaN and Infinity as JSON, which they are not."""
    raise ValueError(word)


def _value(text: str) -> Any:
    try:
        value = json.loads(text, parse_constant=_no_json)
    except ValueError:
        return text
    if isinstance(value, int | float) and json.dumps(value) != text:
        return text
    return value

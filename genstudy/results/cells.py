"""Values of databases as text, as CSV and as JSON."""

from __future__ import annotations

import csv
import datetime as dt
import json
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TextIO


def as_text(value: Any) -> str:
    """Return a value as a cell of a table; NULL is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, list | tuple | dict):
        return json.dumps(as_json(value), ensure_ascii=False)
    return str(value)


class _Lines:
    """Takes lines that end in a carriage return and a line feed, and writes them without the former."""

    def __init__(self, stream: TextIO) -> None:
        self._write = stream.write

    def write(self, line: str) -> int:
        return self._write(line[:-2] + "\n")


def csv_writer(stream: TextIO) -> Any:
    """Return a csv.writer of lines that end in a line feed.

    csv quotes a carriage return only where it is a part of what lines end in.
    """
    return csv.writer(_Lines(stream), lineterminator="\r\n")


def as_json(value: Any) -> Any:
    """Return a value as JSON takes it; a number that is none there, such as NaN, is null."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [as_json(part) for part in value]
    if isinstance(value, dict):
        return {str(key): as_json(part) for key, part in value.items()}
    return as_text(value)


def json_object(columns: Sequence[str], values: Iterable[Any]) -> str:
    """Return a row as a JSON object on one line; nothing in it can act on a terminal."""
    row = {name: as_json(value) for name, value in zip(columns, values, strict=True)}
    text = json.dumps(row, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(row)

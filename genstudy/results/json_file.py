"""Results out of a JSON file."""

from __future__ import annotations

import json
from math import isfinite
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from genstudy.results.lines import BOM
from genstudy.results.values import CONVERTERS, Missing, shown
from genstudy.results.workspace import whole
from genstudy.specs.result_keys import json_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from genstudy.results.workspace import Content
    from genstudy.specs.result_keys import Segment
    from genstudy.specs.result_sources import Source


class JsonFile:
    """Takes columns out of a JSON file, each by its path."""

    def __init__(self, source: Source) -> None:
        self.columns = tuple(source.columns)
        self._paths = [json_path(source.key_of(name)) for name in self.columns]
        self._convert = [CONVERTERS[source.type_of(name)] for name in self.columns]
        self._get = _flat_getter(self._paths)
        types: set[str] = {source.type_of(name) for name in self.columns}
        self._floats = (float,) * len(self.columns) if types == {"float"} else None

    def take(self, content: Content, errors: dict[str, str]) -> tuple[Any, ...]:
        """Return the columns' values, and note why some are None. Raises Missing for the file as a whole."""
        data = content if type(content) is bytes else whole(content)
        try:
            document = from_json(data)
            # Each key has a colon: with no more colons than keys, none of them stood there twice.
            colons = data.count(b":")
            if (type(document) is not dict or colons != len(document)) and colons != _keys(document):
                document = _parsed(data)
        except (ValueError, TypeError):
            document = _parsed(data)
        if self._get is not None:
            try:
                values = self._get(document)
                if self._floats == tuple(map(type, values)) and isfinite(sum(values)):
                    return values
                return tuple([convert(value) for convert, value in zip(self._convert, values, strict=True)])
            except (KeyError, TypeError, IndexError, Missing):
                pass
        return tuple([self._one(document, place, errors) for place in range(len(self.columns))])

    def _one(self, document: Any, place: int, errors: dict[str, str]) -> Any:
        try:
            return self._convert[place](found(document, self._paths[place]))
        except Missing as reason:
            errors[self.columns[place]] = str(reason)
            return None


def _keys(document: dict[str, Any] | list[Any]) -> int:
    """Return how many keys a document has, with all that is in it."""
    found, parts = (len(document), document.values()) if isinstance(document, dict) else (0, document)
    for part in parts:
        if type(part) is dict or type(part) is list:
            found += _keys(part)
    return found


def _flat_getter(paths: list[tuple[Segment, ...]]) -> Callable[[Any], tuple[Any, ...]] | None:
    """Return what gets all values of an object at once, where they are right there in it."""
    if any(len(path) > 1 for path in paths):
        return None
    keys = [path[0].key for path in paths]
    get = itemgetter(*keys)
    return get if len(keys) > 1 else lambda document: (get(document),)


def found(document: Any, path: tuple[Segment, ...]) -> Any:
    """Return what stands at a path in a document; Missing where there is nothing."""
    for depth, (key, number) in enumerate(path):
        try:
            if type(document) is dict:
                document = document[key]
            elif type(document) is list and number is not None:
                document = document[number]
            else:
                raise KeyError(key)
        except (KeyError, IndexError):
            way = ".".join(segment.key for segment in path[: depth + 1])
            raise Missing(f"no key {shown(way)}") from None
    return document


def _parsed(data: bytes) -> Any:
    """Return a document read with care: it tells what is wrong, and refuses an object with a key twice."""
    if not data.strip():
        raise Missing("an empty file")
    if data.startswith(BOM):
        raise Missing("not JSON: it begins with a byte order mark")
    try:
        return json.loads(data.decode(), object_pairs_hook=_once)
    except UnicodeDecodeError:
        raise Missing("not UTF-8") from None
    except json.JSONDecodeError as problem:
        raise Missing(f"not JSON: {problem.msg}, line {problem.lineno} column {problem.colno}") from None
    except RecursionError:
        raise Missing("nested too deeply") from None
    except ValueError:
        raise Missing("not JSON: a number of thousands of digits") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise Missing(f"a key stands twice: {shown(key)}")
            seen.add(key)
    return found

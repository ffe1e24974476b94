"""Mistakes in a study file told by file, line and key."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from genstudy.errors import UserError, near
from genstudy.specs.results_check import ResultsMistake
from genstudy.studies.model import Study

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pydantic import ValidationError

RESULTS = "results"
PLAIN = {
    "model_type": "Input should be a mapping, of keys and what they are",
    "dict_type": "Input should be a mapping, of keys and what they are",
    "list_type": "Input should be a list",
}


def explained(
    problem: ValidationError, path: Path, lines: Mapping[str, int], above: Sequence[str] = ()
) -> UserError:
    """Return the first mistake of a study file as a person reads it.

    lines: the line of each key, as the reader has them. above: the keys above what was validated.
    """
    first = problem.errors()[0]
    error = first.get("ctx", {}).get("error")
    keys = [*above, *map(str, first["loc"]), *map(str, getattr(error, "keys", ()))]
    name, where = ".".join(keys), place_of(path, lines, keys)
    if first["type"] == "extra_forbidden":
        return _unknown(keys, where)
    if first["type"] == "missing":
        return UserError(f"the key '{name}' is missing", where=where, hint="genstudy init shows all keys")
    if first["type"] == "value_error":
        return UserError(f"{name}: {error}", where=where)
    # The URL of a database may have a password in it.
    shown = "" if keys[0] == "db" or "://" in str(first["input"]) else f", not {first['input']!r}"
    return UserError(f"{name}: {PLAIN.get(first['type'], first['msg'])}{shown}", where=where)


def place_of(path: Path, lines: Mapping[str, int], keys: Sequence[str]) -> str:
    """Return file and line of a key, or of the nearest one above that has a line."""
    for count in range(len(keys), 0, -1):
        line = lines.get(".".join(keys[:count]))
        if line:
            return f"{path}, line {line}"
    return str(path)


def _unknown(keys: list[str], where: str) -> UserError:
    known = [field.alias or name for name, field in _model_of(keys[:-1]).model_fields.items()]
    of = f" of {'.'.join(keys[:-1])}" if len(keys) > 1 else ""
    return UserError(
        f"there is no key '{'.'.join(keys)}'{near(keys[-1], known)}",
        where=where,
        hint=f"keys{of} are: {', '.join(known)}",
    )


def _model_of(keys: Sequence[str]) -> type[BaseModel]:
    """Return the model of what stands below these keys; numbers of a list and names of a mapping are none."""
    model: type[BaseModel] = Study
    for key in keys:
        for name, field in model.model_fields.items():
            if key == (field.alias or name):
                model = _model_in(field.annotation) or model
                break
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part))), None)


@contextmanager
def results_places(path: Path, lines: Mapping[str, int]) -> Iterator[None]:
    """Name file and line in a mistake about results."""
    try:
        yield
    except ResultsMistake as problem:
        keys = (RESULTS, *problem.keys)
        problem.where = f"{place_of(path, lines, keys)}, {'.'.join(keys)}"
        raise

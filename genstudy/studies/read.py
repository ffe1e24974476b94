"""A study file read: plain YAML, in which text stays the text that was written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError
from yaml.reader import ReaderError

from genstudy.errors import UserError
from genstudy.studies.mistakes import explained
from genstudy.studies.model import Study, StudyFile
from genstudy.studies.nodes import TOO_DEEP, Reader
from genstudy.studies.origin import origin_mistake

if TYPE_CHECKING:
    from pathlib import Path


def read_study(path: Path) -> StudyFile:
    """Read a study file. UserError names the file, the line and the nearest known key."""
    try:
        root = _compose(path)
    except FileNotFoundError:
        raise UserError(
            "there is no such study file", where=str(path), hint="genstudy init writes one to start from"
        ) from None
    if not isinstance(root, yaml.MappingNode):
        raise UserError(
            "a study file has keys such as `parameters:`", where=str(path), hint="genstudy init writes one"
        )
    reader = Reader(path)
    values = reader.mapping(root, "")
    for name in ("run", "scheduler"):
        if isinstance(said := values.get(name), dict):
            values[name] = {key: value for key, value in said.items() if value is not None}
    empty = {key for key in Study.model_fields if key != "parameters" and values.get(key) is None}
    try:
        study = Study.model_validate({key: value for key, value in values.items() if key not in empty})
    except ValidationError as problem:
        raise explained(problem, path, reader.lines) from None
    mistake = origin_mistake(study)
    if mistake is not None:
        key, error = mistake
        error.where = f"{path}, line {reader.lines[key]}" if key else str(path)
        raise error
    return StudyFile(path, study, reader.lines)


def read_key(path: Path, key: str) -> tuple[Any, dict[str, int]]:
    """Return what a YAML file says under one key, and the lines of the keys there; None if nothing.

    The rest of the file does not matter, as long as it is YAML. FileNotFoundError where there is no file.
    """
    root = _compose(path)
    if not isinstance(root, yaml.MappingNode):
        return None, {}
    root.value = [(name, value) for name, value in root.value if name.value == key]
    reader = Reader(path)
    return reader.mapping(root, "").get(key), reader.lines


def _compose(path: Path) -> yaml.Node | None:
    """Return a YAML file as nodes, which know their lines; None where there is nothing in it."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UserError("not UTF-8 text", where=str(path), hint="save it as UTF-8") from None
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except ReaderError as problem:
        line = text.count("\n", 0, problem.position) + 1
        raise UserError("not YAML: a control character", where=f"{path}, line {line}") from None
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        place = f"{path}, line {mark.line + 1}, column {mark.column + 1}" if mark else str(path)
        raise UserError(f"not YAML: {getattr(problem, 'problem', problem)}", where=place) from None
    except RecursionError:
        raise UserError(TOO_DEEP, where=str(path)) from None

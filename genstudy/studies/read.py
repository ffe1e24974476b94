"""A study file read: plain YAML, in which text stays the text that was written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from genstudy.errors import UserError
from genstudy.studies.mistakes import explained
from genstudy.studies.model import Study
from genstudy.studies.origin import origin_mistake

if TYPE_CHECKING:
    from pathlib import Path

INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
LAW_FORM = re.compile(r"\s*[A-Za-z_]\w*\s*\(.*", re.DOTALL)
MOST_LEVELS = 50
TOO_DEEP = "nested too deeply, or an anchor that holds itself"
QUOTED_ITEM = re.compile(r"[\s(),:='\"]")


@dataclass(frozen=True, slots=True)
class StudyFile:
    """A study file: where it is, what it says, and the line of each key (`set.command`, `where.0`)."""

    path: Path
    study: Study
    lines: dict[str, int]


def read_study(path: Path) -> StudyFile:
    """Read a study file. UserError names the file, the line and the nearest known key."""
    root = _compose(_text_of(path), path)
    reader = _Reader(path)
    values = reader.mapping(root, "")
    run = values.get("run")
    if isinstance(run, dict):
        values["run"] = {key: value for key, value in run.items() if value is not None}
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

    The rest of the file does not matter, as long as it is YAML.
    """
    root = _compose(_text_of(path), path)
    root.value = [(name, value) for name, value in root.value if name.value == key]
    reader = _Reader(path)
    return reader.mapping(root, "").get(key), reader.lines


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError(
            "there is no such study file", where=str(path), hint="genstudy init writes one to start from"
        ) from None
    except UnicodeDecodeError:
        raise UserError("not UTF-8 text", where=str(path), hint="save it as UTF-8") from None


def _compose(text: str, path: Path) -> yaml.MappingNode:
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        place = f"{path}, line {mark.line + 1}, column {mark.column + 1}" if mark else str(path)
        raise UserError(f"not YAML: {getattr(problem, 'problem', problem)}", where=place) from None
    except RecursionError:
        raise UserError(TOO_DEEP, where=str(path)) from None
    if not isinstance(node, yaml.MappingNode):
        raise UserError(
            "a study file has keys such as `parameters:`", where=str(path), hint="genstudy init writes one"
        )
    return node


class _Reader:
    """Turns YAML nodes into values. Only true, false, null and plain JSON numbers are not text."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[str, int] = {}
        self.level = 0

    def mapping(self, node: yaml.MappingNode, prefix: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in values:
                raise UserError(
                    f"the key '{name}' stands in line {self.lines[prefix + name]} already",
                    where=f"{self.path}, line {line}",
                    hint="take one of them out",
                )
            self.lines[prefix + name] = line
            values[name] = (
                self._law(value, name) if prefix == "parameters." else self._value(value, prefix + name)
            )
        return values

    def _value(self, node: yaml.Node, name: str) -> Any:
        if not isinstance(node, yaml.CollectionNode):
            return _scalar(node)
        self.level += 1
        if self.level > MOST_LEVELS:
            raise UserError(TOO_DEEP, where=f"{self.path}, line {node.start_mark.line + 1}")
        value = self._collection(node, name)
        self.level -= 1
        return value

    def _collection(self, node: yaml.CollectionNode, name: str) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, f"{name}.")
        for place, item in enumerate(node.value):
            self.lines[f"{name}.{place}"] = item.start_mark.line + 1
        return [self._value(item, f"{name}.{place}") for place, item in enumerate(node.value)]

    def _law(self, node: yaml.Node, name: str) -> str:
        """Return the text of a law; a list is a choice, a bare value a constant, nothing the default."""
        if isinstance(node, yaml.SequenceNode) and all(
            isinstance(item, yaml.ScalarNode) for item in node.value
        ):
            return f"choice({', '.join(_item(item.value) for item in node.value)})"
        if not isinstance(node, yaml.ScalarNode):
            raise UserError(
                f"the parameter '{name}' has no law",
                where=f"{self.path}, line {node.start_mark.line + 1}",
                hint="write a law such as uniform(1, 2), a list of values, or one value",
            )
        if node.style is None and WORDS.get(node.value, 0) is None:
            return ""
        return str(node.value) if LAW_FORM.fullmatch(node.value) else f"const({_item(node.value)})"


def _item(text: str) -> str:
    """Return text as an item of a choice, quoted where the grammar of laws asks for it."""
    if text and not QUOTED_ITEM.search(text):
        return text
    return "'" + text.replace("'", "''") + "'"


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    if not isinstance(node, yaml.ScalarNode) or node.style is not None:
        return text
    if text in WORDS:
        return WORDS[text]
    if INTEGER.fullmatch(text):
        return int(text)
    if NUMBER.fullmatch(text) and repr(float(text)) == text:
        return float(text)
    return text

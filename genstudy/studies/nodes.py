"""Nodes of YAML turned into values, in which text stays the text that was written, and lines are kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from genstudy.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
LAW_FORM = re.compile(r"\s*[A-Za-z_]\w*\s*\(.*", re.DOTALL)
MOST_LEVELS = 50
TOO_DEEP = "nested too deeply, or an anchor that holds itself"
MOST_VALUES = 100_000
LONGEST_NUMBER = 4000
"""Digits: more are text, and Python would refuse to read them."""

QUOTED_ITEM = re.compile(r"[\s(),:='\"]")


class Reader:
    """Turns YAML nodes into values. Only true, false, null and plain JSON numbers are not text.

    lines: the line of each key and item that was read, such as `set.command` and `where.0`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[str, int] = {}
        self.level = 0
        self.count = 0

    def mapping(self, node: yaml.MappingNode, prefix: str) -> dict[str, Any]:
        """Return what a mapping says. prefix: of its keys' names in `lines`.

        UserError for a key that stands twice, and for what is nested or repeated without end.
        """
        values: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise UserError("a key is one word", where=f"{self.path}, line {line}")
            name = str(key.value)
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
        self.count += 1
        if self.count > MOST_VALUES:
            raise UserError(
                f"more than {MOST_VALUES:,} values, or anchors that repeat each other",
                where=f"{self.path}, line {node.start_mark.line + 1}",
            )
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
    if len(text) < LONGEST_NUMBER and INTEGER.fullmatch(text):
        return int(text)
    if NUMBER.fullmatch(text) and repr(float(text)) == text:
        return float(text)
    return text

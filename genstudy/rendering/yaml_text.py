"""Values written as YAML that every reader takes the same way, and YAML text that YAML 1.1 would change.

Maestro reads YAML 1.1: an unquoted `010` is 8, `no` is False and `1:30:00` is 5400.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NoReturn

import yaml

from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

LOADER: Any = getattr(yaml, "CFullLoader", yaml.FullLoader)
"""The loader that Maestro uses, or its twin over libyaml, several times faster."""

PLAIN_WORD = re.compile(r"(?!\.\.\.)[A-Za-z_./$(][A-Za-z0-9_./$()+-]*")
ESCAPED = re.compile("[\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")
NOT_FINITE = {"NaN": ".nan", "Infinity": ".inf", "-Infinity": "-.inf"}
STRING = "tag:yaml.org,2002:str"
CHANGING = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "bool", "timestamp"))
"""Kinds whose text is not what was written, once it is put into a script."""


def yaml_value(value: Any) -> str:
    """Return a value as YAML text in one line: plain where that is safe, else in double quotes.

    Takes what JSON has: text, numbers, booleans, None, lists and mappings.
    """
    if isinstance(value, str):
        if PLAIN_WORD.fullmatch(value) and _plain_tag(value) == STRING:
            return value
        return in_quotes(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{yaml_value(str(k))}: {yaml_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(yaml_value, value)) + "]"
    text = json.dumps(value, default=_no_value)
    if text in NOT_FINITE:
        return NOT_FINITE[text]
    if isinstance(value, float) and "e" in text and "." not in text:
        # YAML 1.1 reads 1e-05 as text, 1.0e-05 as a number.
        text = text.replace("e", ".0e")
    return text


def _no_value(value: Any) -> NoReturn:
    # An undefined name, put into text, says itself which one it is.
    raise TypeError(f"{value} is neither text, a number, true, false, null, a list nor a mapping")


def in_quotes(value: str) -> str:
    """Return text as a YAML scalar in double quotes."""

    def escape(found: re.Match[str]) -> str:
        return f"\\u{ord(found.group()):04x}"

    return '"' + ESCAPED.sub(escape, value.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def _plain_tag(text: str) -> str:
    return str(
        yaml.resolver.Resolver().resolve(  # type: ignore[no-untyped-call]
            yaml.ScalarNode, text, (True, False)
        )
    )


def compose(text: str, where: str) -> yaml.MappingNode:
    """Return the YAML document's nodes, with their places. Raises UserError with line and column."""
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=LOADER)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        place = f"{where}, line {mark.line + 1}, column {mark.column + 1}" if mark else where
        reason = getattr(problem, "problem", None) or str(problem)
        line = text.splitlines()[mark.line].strip() if mark and mark.line < len(text.splitlines()) else ""
        raise UserError(
            f"not YAML: {reason}", where=place, hint=f"the rendered line reads: {line}" if line else None
        ) from None
    if not isinstance(node, yaml.MappingNode):
        raise UserError("not a study specification: YAML with keys is needed", where=where)
    return node


def check_unchanged(node: yaml.Node, text: str, where: str) -> None:
    """Refuse keys given twice, and plain values that YAML 1.1 reads as something else."""
    lines = text.splitlines()
    for found in _walk(node):
        if isinstance(found, yaml.MappingNode):
            _check_keys(found, where)
        elif isinstance(found, yaml.ScalarNode) and not found.style and found.tag in CHANGING:
            read = _read_as(found)
            if read is not None:
                line = found.start_mark.line
                raise UserError(
                    f"YAML 1.1 reads {found.value} as {read}",
                    where=f"{where}, line {line + 1}: {lines[line].strip()}",
                    hint=f'put it in quotes: "{found.value}" (in a template: {{{{ value | yaml }}}})',
                )


def _check_keys(node: yaml.MappingNode, where: str) -> None:
    seen: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if key.value in seen:
            raise UserError(
                f"the key '{key.value}' stands in line {seen[key.value]} already",
                where=f"{where}, line {line}",
                hint="of two equal keys YAML keeps the last, without a word: take one out",
            )
        if isinstance(key.value, str):
            seen[key.value] = line


def _read_as(node: yaml.ScalarNode) -> str | None:
    """Return what YAML 1.1 makes of a plain scalar, where its text would change."""
    value = yaml.load(node.value, Loader=LOADER)  # noqa: S506 - a scalar, by Maestro's own loader
    if isinstance(value, bool) and node.value.lower() in {"true", "false"}:
        return None
    return None if str(value) == node.value else repr(value)


def _walk(node: yaml.Node) -> Iterator[yaml.Node]:
    yield node
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _walk(key)
            yield from _walk(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _walk(value)

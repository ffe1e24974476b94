"""The pgen's arguments baked into a rendered specification, without touching another line of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from genstudy.errors import UserError
from genstudy.maestro.specs import load_spec
from genstudy.parameters.names import PARG_PREFIX
from genstudy.rendering.yaml_text import in_quotes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from genstudy.tables.freeze import Slice

REMARK = "# the rows of this batch, for pgen.py"
INDENT = 4
STRANGE_LINE_ENDS = re.compile("\r(?!\n)|[\x85\u2028\u2029]")


def pargs_of(
    cut: Slice, *, csv: str, index: str | None, shared: Sequence[str], unsafe: bool
) -> dict[str, str | int]:
    """Return the variables that carry the pgen's arguments for a batch."""
    pargs: dict[str, str | int] = {
        "CSV": csv,
        "START": cut.start,
        "NROWS": cut.nrows,
        "OFFSET": cut.offset,
        "BYTES": cut.nbytes,
        "SHA256": cut.sha256,
    }
    if index is not None:
        pargs["INDEX"] = index
    if shared:
        pargs["SHARED"] = ",".join(shared)
    if unsafe:
        pargs["UNSAFE"] = "yes"
    return {PARG_PREFIX + name: value for name, value in pargs.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Insertion:
    """Where variables go into a text: at a character, between `before` and `after`, at an indentation.

    flow: the mapping there is written in braces.
    """

    at: int
    before: str = ""
    after: str = ""
    indent: int = 0
    flow: bool = False

    def insert(self, text: str, variables: Mapping[str, str | int]) -> str:
        """Return the text with the variables in it."""
        if self.flow:
            items = "".join(f"{name}: {parg_text(value)}, " for name, value in variables.items())
        else:
            margin = " " * self.indent
            lines = [REMARK, *(f"{name}: {parg_text(value)}" for name, value in variables.items())]
            items = "".join(f"{margin}{line}\n" for line in lines)
        return text[: self.at] + self.before + items + self.after + text[self.at :]


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """Where a study's name stands in a text, and the name, if each batch needs one of its own.

    Maestro names a study's folder by its name and the second it started: two batches of one name that start
    in the same second would run in one folder.
    """

    start: int
    end: int
    name: str | None

    def apply(self, text: str, batch_id: str) -> str:
        """Return the text with the batch's number behind the study's name."""
        if self.name is None:
            return text
        return text[: self.start] + in_quotes(f"{self.name}_{batch_id}") + text[self.end :]


def study_name(node: yaml.MappingNode) -> str | None:
    """Return the study's name as the template gives it."""
    name = _name_node(node)
    return str(name.value) if name else None


def find_naming(text: str, node: yaml.MappingNode, *, wanted: bool, where: str) -> Naming:
    """Return where the study's name stands; with `wanted` not set, that nothing is put behind it."""
    name = _name_node(node)
    if not wanted or name is None:
        return Naming(start=0, end=0, name=None)
    span = name_span(text, node)
    if span is None:
        raise UserError(
            "the study's name gets each batch's number behind it, and is not written as one plain text",
            where=f"{where}, line {name.start_mark.line + 1}",
            hint=f"write it in one line: name: {name.value.split()[0]}",
        )
    return Naming(start=span[0], end=span[1], name=name.value)


def name_span(text: str, node: yaml.MappingNode) -> tuple[int, int] | None:
    """Return where the study's name begins and ends in a text, where it is written as one plain text."""
    name = _name_node(node)
    if name is None or name.style in {"|", ">"}:
        return None
    start = place_of(text, name.start_mark)
    return None if text[start] in "&!" else (start, place_of(text, name.end_mark))


def check_line_ends(text: str, *, where: str) -> None:
    """Refuse line ends that only YAML takes for such."""
    if found := STRANGE_LINE_ENDS.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise UserError(
            f"the character U+{ord(found.group()):04X} ends a line in YAML, and nowhere else",
            where=f"{where}, line {line}",
            hint="write a line feed, or take it out",
        )


def check_env(node: yaml.MappingNode, *, where: str) -> None:
    """Refuse an env block, or variables in it, that are not a mapping."""
    environment = value_of(node, "env")
    if environment is not None:
        _check_mapping(environment, "env", where)
        variables = value_of(environment, "variables")
        if variables is not None:
            _check_mapping(variables, "env: variables", where)


def _name_node(node: yaml.MappingNode) -> yaml.ScalarNode | None:
    description = value_of(node, "description")
    name = value_of(description, "name") if isinstance(description, yaml.MappingNode) else None
    return name if isinstance(name, yaml.ScalarNode) and name.value else None


def parg_text(value: str | int) -> str:
    """Return an argument as YAML."""
    # Always in quotes: a hash such as 1234e56 would be a number, an index column could be called `no`.
    return str(value) if isinstance(value, int) else in_quotes(value)


def find_insertion(text: str, node: yaml.MappingNode) -> Insertion:
    """Return where the first of `env: variables:` stands, or where these keys have to be made."""
    environment = value_of(node, "env")
    if environment is None:
        if node.flow_style:
            return Insertion(
                at=_after_brace(text, node), before="env: {variables: {", after="}}, ", flow=True
            )
        # At the top: what ends the text may be a block of text, a comment or an end mark.
        line, column = _first_key(node)
        margin = " " * column
        return Insertion(
            at=line_start(text, line),
            before=f"{margin}env:\n{margin}{' ' * INDENT}variables:\n",
            indent=column + 2 * INDENT,
        )
    variables = value_of(environment, "variables")
    if variables is None:
        if environment.flow_style:
            return Insertion(
                at=_after_brace(text, environment), before="variables: {", after="}, ", flow=True
            )
        line, column = _first_key(environment)
        margin = " " * column
        return Insertion(at=line_start(text, line), before=f"{margin}variables:\n", indent=column + INDENT)
    if variables.flow_style:
        return Insertion(at=_after_brace(text, variables), flow=True)
    line, column = _first_key(variables)
    return Insertion(at=line_start(text, line), indent=column)


def value_of(node: yaml.MappingNode, key: str) -> Any:
    """Return the node under a key of a mapping, or None."""
    return next((value for name, value in node.value if name.value == key), None)


def _check_mapping(node: yaml.Node, name: str, where: str) -> None:
    if not isinstance(node, yaml.MappingNode):
        raise UserError(
            f"'{name}:' holds no variables",
            where=f"{where}, line {node.start_mark.line + 1}",
            hint="take the empty key out, or give it a variable",
        )


def _first_key(node: yaml.MappingNode) -> tuple[int, int]:
    mark = node.value[0][0].start_mark
    return mark.line, mark.column


def line_start(text: str, line: int) -> int:
    """Return where a line begins in a text, lines counted from 0."""
    at = 1 if text.startswith("\ufeff") else 0
    for _ in range(line):
        at = text.index("\n", at) + 1
    return at


def place_of(text: str, mark: yaml.Mark) -> int:
    """Return the place of a mark in a text, in characters."""
    return line_start(text, mark.line) + mark.column


def _after_brace(text: str, node: yaml.MappingNode) -> int:
    return text.index("{", place_of(text, node.start_mark)) + 1


def check_baked(text: str, plain: Mapping[str, Any], pargs: Mapping[str, Any], *, where: str) -> None:
    """Compare what Maestro reads in the baked text with what it read before, and the arguments.

    plain: the data before. Raises UserError where anything else changed.
    """
    try:
        after = load_spec(text, where).data
    except UserError:
        after = {"env": {}}
    variables = {**pargs, **(plain["env"].get("variables") or {})}
    expected = {**plain, "env": {**_filled(plain["env"]), "variables": variables}}
    if {**after, "env": _filled(after["env"])} != expected:
        raise UserError(
            "the specification could not take up the pgen's arguments: its env block is written in a way "
            "that genstudy does not understand",
            where=where,
            hint="write env: and variables: as indented lines",
        )


def _filled(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the environment without its empty parts, which Maestro makes up where there is no env block."""
    return {key: value for key, value in environment.items() if value}

"""A batch's specification made over for another batch: other rows under another name, the same steps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from genstudy.errors import UserError
from genstudy.maestro.specs import load_spec
from genstudy.parameters.names import PARG_PREFIX, ROW_ID
from genstudy.rendering.checks import uses_by_step
from genstudy.rendering.yaml_text import LOADER, compose, in_quotes
from genstudy.specs.bake import (
    check_line_ends,
    line_start,
    name_span,
    parg_text,
    place_of,
    study_name,
    value_of,
)
from genstudy.specs.inline import BLOCK, InlineRows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

OWN = frozenset(
    PARG_PREFIX + name for name in ("CSV", "START", "NROWS", "OFFSET", "BYTES", "SHA256", "INDEX")
)
"""The variables that say which rows of which table a batch has."""

BATCH = "\0"
"""What stands for a batch's name in a text; no specification can hold it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some rows of an inline specification: its text, its batch's name, and the rows' places from 0."""

    text: str
    name: str
    places: Sequence[int]


def rebake(text: str, *, old_name: str, new_name: str, pargs: Mapping[str, str | int]) -> str:
    """Return a batch's specification made over for another batch.

    old_name, new_name: `<campaign>_<batch id>`; the name is replaced wherever it stands as a word. A study's
    name without it gets the new batch's id behind it, if it is written in one line.
    pargs: the variables `PARG_...` that get these values, whether they are there or not.
    Raises UserError where Maestro would read anything else than that.
    """
    return Rebaker(text, old_name).text(new_name, pargs)


class Rebaker:
    """A batch's specification, made over for many other batches, see rebake.

    The first text is read back with Maestro's loader and compared, and so is each whose name is of another
    length, or that has other arguments. Of the others it is proven by these: they differ from one of them in
    digits, and in text between quotes, alone.
    """

    def __init__(self, text: str, name: str) -> None:
        """Take a specification and its batch's name. Raises UserError where it has no arguments of a pgen."""
        self._source = _Source(text, name)
        if not self._source.entries:
            raise UserError("the specification has no arguments for a pgen", where=self._source.where)
        self._proven: set[tuple[int, tuple[str, ...]]] = set()

    def text(self, new_name: str, pargs: Mapping[str, str | int]) -> str:
        """Return the specification of another batch."""
        form = len(new_name), tuple(pargs)
        if form in self._proven:
            return self._source.edited(new_name, pargs)
        made = self._source.made_over(new_name, pargs)
        self._proven.add(form)
        return made


def common_text(text: str, name: str) -> str:
    """Return a batch's specification without what is its own: which rows it has, and its name.

    Batches of one campaign for which this is the same can be put together. What it returns is no YAML.
    Raises UserError where the text is none.
    """
    text = text.rpartition(BLOCK)[0] or text
    check_line_ends(text, where=f"{name}.yaml")
    node = compose(text, f"{name}.yaml")
    edits, kept = [], []
    for entry in _pargs_in(text, node):
        edits.append((entry.begin, entry.end, ""))
        if entry.name not in OWN:
            kept.append(f"{entry.name}: {text[entry.value[0] : entry.value[1]]}\n")
    edits += _study_edit(text, node, name, BATCH)
    return _word(name).sub(BATCH, _edited(text, edits)) + "".join(sorted(kept))


def inline_subset(parts: Sequence[Part], *, name: str, shared: Sequence[str]) -> str:
    """Return an inline specification of chosen rows, in the order of the parts, for the batch `name`.

    shared: the steps that may run once for several rows. Raises UserError where the parts differ in more than
    rows, where Maestro would not run every row in a folder of its own, or would read anything else.
    """
    first = parts[0]
    return inline_spec(first.text, _rows_of(parts), old_name=first.name, new_name=name, shared=shared)


def inline_spec(text: str, rows: InlineRows, *, old_name: str, new_name: str, shared: Sequence[str]) -> str:
    """Return an inline specification made over for another batch, with these rows in place of its own.

    old_name, new_name, shared: as above. Raises UserError where Maestro would not run every row in a folder
    of its own, or would read anything else.
    """
    where = f"{new_name}.yaml"
    base = _Source(text.rpartition(BLOCK)[0], old_name).made_over(new_name, {})
    spec = load_spec(base, where)
    rows.check_workspaces(spec, uses_by_step(spec, rows.columns), shared, where=where)
    whole = base + rows.parameters_block()
    rows.check_written(load_spec(whole, where), spec, where=where)
    return whole


def inline_values(text: str) -> dict[str, list[str]]:
    """Return {token: the rows' values} of an inline specification, in its order."""
    found = yaml.load(text.rpartition(BLOCK)[2], Loader=LOADER)  # noqa: S506 - Maestro's own loader
    return {token: entry["values"] for token, entry in found.items()}


def _rows_of(parts: Sequence[Part]) -> InlineRows:
    """Return the rows of the parts, which must have the same steps and parameters."""
    texts: set[tuple[str, tuple[str, ...]]] = set()
    columns: dict[str, list[str]] = {}
    ids: list[str] = []
    for part in parts:
        found = inline_values(part.text)
        texts.add((common_text(part.text, part.name), tuple(found)))
        if len(texts) > 1:
            raise UserError(
                f"it differs from that of {parts[0].name} in more than its rows", where=f"{part.name}.yaml"
            )
        for token, values in found.items():
            columns.setdefault(token, []).extend(values[place] for place in part.places)
        ids += [f"{place} of {part.name}" for place in part.places]
    return InlineRows(row_ids=columns.get(ROW_ID, ids), names={}, columns=columns)


class _Source:
    """A specification that others are made of. entries: the pgen's arguments in it."""

    def __init__(self, text: str, name: str) -> None:
        self.where = f"{name}.yaml"
        self._text, self._name, self._word = text, name, _word(name)
        self._node = compose(text, self.where)
        self.entries = _pargs_in(text, self._node)
        self._names = [
            found.span()
            for found in self._word.finditer(text)
            if not any(entry.value[0] <= found.start() < entry.value[1] for entry in self.entries)
        ]

    def edited(self, new_name: str, pargs: Mapping[str, str | int]) -> str:
        """Return the text with another name and other arguments."""
        edits = _parg_edits(self._text, self.entries, pargs)
        edits += _study_edit(self._text, self._node, self._name, new_name)
        edits += [(*span, new_name) for span in self._names]
        return _edited(self._text, edits)

    def made_over(self, new_name: str, pargs: Mapping[str, str | int]) -> str:
        """Return the text with another name and other arguments, read back and compared."""
        made = self.edited(new_name, pargs)
        expected = _expected(load_spec(self._text, self.where).data, self._word, new_name, pargs)
        expected["description"]["name"] = study_name(compose(made, self.where))
        if load_spec(made, self.where).data != expected:
            raise UserError(
                f"it cannot be made over for {new_name}: genstudy does not understand how it is written",
                where=self.where,
            )
        return made


def _expected(
    data: Mapping[str, Any], word: re.Pattern[str], new_name: str, pargs: Mapping[str, str | int]
) -> dict[str, Any]:
    """Return what Maestro must read: all as before, but for the name and the arguments."""

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {renamed(key): renamed(item) for key, item in value.items()}
        if isinstance(value, list):
            return [renamed(item) for item in value]
        return word.sub(new_name, value) if isinstance(value, str) else value

    expected: dict[str, Any] = renamed(dict(data))
    variables = data["env"].get("variables") or {}
    kept = {name: value for name, value in variables.items() if name.startswith(PARG_PREFIX)}
    if kept:
        expected["env"]["variables"].update({**kept, **pargs})
    return expected


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A variable `PARG_...` in a text: where its value stands, and what to cut to take the variable out."""

    name: str
    value: tuple[int, int]
    begin: int
    end: int
    joint: str


def _pargs_in(text: str, node: yaml.MappingNode) -> list[_Entry]:
    """Return the pgen's arguments in a specification, in its order."""
    environment = value_of(node, "env")
    variables = value_of(environment, "variables") if isinstance(environment, yaml.MappingNode) else None
    if not isinstance(variables, yaml.MappingNode):
        return []
    entries = []
    pairs = variables.value
    for (key, value), behind in zip(pairs, [*pairs[1:], None], strict=True):
        if not isinstance(key, yaml.ScalarNode) or not key.value.startswith(PARG_PREFIX):
            continue
        begin, stop = place_of(text, value.start_mark), place_of(text, value.end_mark)
        if variables.flow_style:
            cut = place_of(text, key.start_mark), place_of(text, behind[0].start_mark) if behind else stop
        else:
            cut = line_start(text, key.start_mark.line), (text.find("\n", stop) + 1) or len(text)
        joint = ", " if variables.flow_style else "\n" + " " * key.start_mark.column
        entries.append(_Entry(name=key.value, value=(begin, stop), begin=cut[0], end=cut[1], joint=joint))
    return entries


def _parg_edits(
    text: str, entries: Sequence[_Entry], pargs: Mapping[str, str | int]
) -> list[tuple[int, int, str]]:
    """Return the edits that give the arguments their values; new ones stand behind the last of the old."""
    edits = [(*entry.value, parg_text(pargs[entry.name])) for entry in entries if entry.name in pargs]
    known = {entry.name for entry in entries}
    new = [name for name in pargs if name not in known]
    if new:
        last = entries[-1]
        value = parg_text(pargs[last.name]) if last.name in pargs else text[slice(*last.value)]
        edits = [edit for edit in edits if edit[:2] != last.value]
        edits.append((*last.value, last.joint.join([value, *(f"{n}: {parg_text(pargs[n])}" for n in new)])))
    return edits


def _study_edit(
    text: str, node: yaml.MappingNode, old_name: str, new_name: str
) -> list[tuple[int, int, str]]:
    """Return the edit that puts the new batch's number behind a study's name without the batch's in it."""
    name, span = study_name(node), name_span(text, node)
    if name is None or span is None or _word(old_name).search(name):
        return []
    stem = name.removesuffix("_" + old_name.rpartition("_")[2])
    return [(*span, in_quotes(f"{stem}_{new_name.rpartition('_')[2]}"))]


def _word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])")


def _edited(text: str, edits: Iterable[tuple[int, int, str]]) -> str:
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text

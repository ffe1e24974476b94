"""The second form of a specification: the values stand in global.parameters, and no pgen is needed.

Here Maestro names the workspaces itself, by the values of the parameters that a step uses. So the names of
all workspaces are worked out first, and what Maestro would merge, mangle or choke on is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from genstudy.errors import UserError
from genstudy.maestro.specs import LONGEST_NAME, Spec, folder_name
from genstudy.parameters.names import ROW_ID, token_of
from genstudy.rendering.shell import PIECE
from genstudy.rendering.yaml_text import in_quotes
from genstudy.specs.pgen import JSON_NUMBER
from genstudy.tables.checks import is_shell_active

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from genstudy.rendering.tokens import Use

WAY_OUT = "leave --inline out: then workspaces are named by the row id, and any value is fine"
BLOCK = "\nglobal.parameters:\n"
"""What the rows of a batch begin with, at the end of its specification."""

UNUSABLE = re.compile(r"[/,]")


@dataclass(frozen=True, slots=True, kw_only=True)
class InlineRows:
    """The rows of a batch for an inline specification.

    names: {token: column}; columns: {token: values}, ROW_ID among them where a step uses it.
    """

    row_ids: Sequence[str]
    names: Mapping[str, str]
    columns: Mapping[str, Sequence[str]]

    @classmethod
    def of(
        cls,
        rows: Sequence[Sequence[str]],
        header: Sequence[str],
        index: str | None,
        start: int,
        *,
        with_ids: bool,
    ) -> Self:
        """Take the rows of a batch that begins at row `start` of its table."""
        by_name = dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))
        numbers = [str(start + place) for place in range(len(rows))]
        row_ids = numbers if index is None else by_name.pop(index)
        columns = {token_of(name): values for name, values in by_name.items()}
        names = {token_of(name): name for name in by_name}
        if with_ids:
            columns[ROW_ID] = row_ids
        return cls(row_ids=row_ids, names=names, columns=columns)

    def check_values(self, table: str) -> None:
        """Refuse values that Maestro cannot put into a folder's name, a script or its status file."""
        for token, name in self.names.items():
            for row_id, value in zip(self.row_ids, self.columns[token], strict=True):
                if not value or is_shell_active(value) or UNUSABLE.search(value):
                    raise UserError(
                        f"{value!r} cannot stand in an inline specification: Maestro makes names of folders "
                        "and lines of its status file from it, unquoted",
                        where=f"{table}, row {row_id}, column {name}",
                        hint=WAY_OUT,
                    )

    def check_workspaces(
        self, spec: Spec, uses: Mapping[str, Iterable[Use]], shared: Sequence[str], *, where: str
    ) -> None:
        """Work out every workspace that Maestro will make, and refuse what would not be one a row.

        uses: each step's own uses of parameters. shared: the steps that may run once for several rows.
        """
        for step, used in _used_by_step(spec, uses).items():
            seen: dict[str, tuple[str, str]] = {}
            for row_id, label in zip(self.row_ids, self._labels(used), strict=False):
                place = f"{where}, step '{step}', row {row_id}"
                if len(f"{step}{label}".encode()) > LONGEST_NAME:
                    raise UserError(
                        f"the workspace's name has {len(step) + len(label)} characters, of {LONGEST_NAME}",
                        where=place,
                        hint=WAY_OUT,
                    )
                other, other_label = seen.setdefault(folder_name(label), (row_id, label))
                if other != row_id and (other_label != label or step not in shared):
                    raise _merged(label, other, same=other_label == label, place=place)

    def _labels(self, used: set[str]) -> Iterator[str]:
        """Yield the label that Maestro makes of these parameters for each row."""
        ordered = sorted(used)
        for values in zip(*(self.columns[token] for token in ordered), strict=True):
            yield ".".join(
                f"{label_prefix(token)}{value}" for token, value in zip(ordered, values, strict=True)
            )

    def plain_tokens(self, text: str, *, where: str) -> str:
        """Replace our own token forms by Maestro's bare one.

        A quoted value is the value itself, as only values that need no quotes are allowed. A JSON value is a
        number where all of the column are in this batch, text in quotes where none is.
        """

        def plain(found: re.Match[str]) -> str:
            whole, token, form = found.groups()
            if token not in self.columns or form not in {"quoted", "json"}:
                return str(whole)
            if form == "quoted":
                return f"$({token})"
            numbers = {JSON_NUMBER.fullmatch(value) is not None for value in self.columns[token]}
            if len(numbers) > 1:
                raise UserError(
                    f"$({token}.json): some values of the batch are numbers and some are not",
                    where=where,
                    hint=WAY_OUT,
                )
            return f"$({token})" if numbers.pop() else f'"$({token})"'

        return PIECE.sub(plain, text)

    def parameters_block(self) -> str:
        """Return the `global.parameters:` block: every value in quotes, labels as the how-to writes them."""
        lines = [BLOCK.rstrip("\n")]
        for token, values in self.columns.items():
            lines += [f"    {in_quotes(token)}:", "        values:"]
            lines += [f"            - {in_quotes(value)}" for value in values]
            lines.append(f"        label: {in_quotes(label_prefix(token) + '%%')}")
        return "\n".join(lines) + "\n"

    def check_written(self, written: Spec, plain: Spec, *, where: str) -> None:
        """Compare what Maestro reads with the table's values and with the steps that were rendered."""
        expected = {token: list(values) for token, values in self.columns.items()}
        found = {token: entry["values"] for token, entry in written.data["global.parameters"].items()}
        steps = self._plain_data(plain.data["study"], where)
        if found != expected or written.data["study"] != steps:
            raise UserError("Maestro reads something else than what was written", where=where, hint=WAY_OUT)

    def _plain_data(self, data: Any, where: str) -> Any:
        if isinstance(data, dict):
            return {key: self._plain_data(value, where) for key, value in data.items()}
        if isinstance(data, list):
            return [self._plain_data(value, where) for value in data]
        return self.plain_tokens(data, where=where) if isinstance(data, str) else data


def label_prefix(token: str) -> str:
    """Return what stands before a value in the name of a workspace."""
    return "row_" if token == ROW_ID else f"{token}."


def _merged(label: str, other: str, *, same: bool, place: str) -> UserError:
    problem = "is the same as that of" if same else "gives the same folder as that of"
    return UserError(
        f"the label '{label}' {problem} row {other}: Maestro would run one of them only",
        where=place,
        hint=f"use $({ROW_ID}) in the step, or leave --inline out",
    )


def _used_by_step(spec: Spec, uses: Mapping[str, Iterable[Use]]) -> dict[str, set[str]]:
    """Return the tokens whose values name each step's workspaces: its own and those of steps it follows."""
    used = {step: {use.token for use in own} for step, own in uses.items()}
    for _ in spec.steps:
        for step in spec.steps:
            used[step.name].update(*(used[parent] for parent in step.follows(used)))
    return used

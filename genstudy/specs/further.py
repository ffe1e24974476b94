"""Specifications of further batches of a campaign, made over from one that it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genstudy.errors import UserError
from genstudy.maestro.specs import load_spec
from genstudy.parameters.names import PARG_PREFIX, ROW_ID, known_tokens, token_of
from genstudy.rendering.checks import check_lengths, exposed_parameters, uses_by_step
from genstudy.specs.bake import pargs_of
from genstudy.specs.inline import InlineRows
from genstudy.specs.pgen import JSON_NUMBER
from genstudy.specs.rebake import Rebaker, inline_spec, inline_values
from genstudy.specs.writer import ROW_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from genstudy.specs.manifest import BatchEntry, Manifest
    from genstudy.tables.freeze import Slice

KEPT = frozenset({PARG_PREFIX + "CSV"})
"""What a further batch has as the others: its table is theirs."""

WORDS = {True: "numbers", False: "text"}


class FurtherSpecs:
    """Makes the specifications of batches that have the same steps as one that is there."""

    def __init__(self, manifest: Manifest, batch: BatchEntry, text: str) -> None:
        """Take a batch's specification. Raises UserError where it cannot be understood."""
        self._manifest, self._name, self._text = manifest, batch.name, text
        self._inline = manifest.settings.mode == "inline"
        self._parameters = [name for name in manifest.table.columns if name != manifest.table.index]
        self._spec = load_spec(text, f"{batch.name}.yaml")
        self._shared = [step.name for step in manifest.steps if step.runs == "shared"]
        self._values = inline_values(text) if self._inline else {}
        if not self._inline:
            self._rebaker = Rebaker(text, batch.name)

    def exposed(self) -> dict[str, str]:
        """Return the columns whose values must be plain text to a shell, and how each is used.

        None of an inline specification: there all values have to be.
        """
        if self._inline or self._manifest.settings.allow_unsafe_values:
            return {}
        uses = uses_by_step(self._spec, known_tokens(self._parameters))
        return exposed_parameters(self._spec, uses, self._parameters)

    def check_lengths(self, longest_id: int) -> None:
        """Refuse row ids that are too long to name workspaces; inline, values do that."""
        if not self._inline:
            check_lengths(self._spec, ROW_PREFIX + longest_id, where=f"{self._name}.yaml")

    def text(self, name: str, cut: Slice, rows: Iterable[Sequence[str]]) -> str:
        """Return the specification of the batch `name`. rows: the cells of its rows, read if it is inline."""
        if self._inline:
            return self._inline_text(name, cut, list(rows))
        table = self._manifest.table
        pargs = pargs_of(cut, csv="", index=table.index, shared=(), unsafe=False)
        own = {key: value for key, value in pargs.items() if key not in KEPT}
        return self._rebaker.text(name, own)

    def _inline_text(self, name: str, cut: Slice, cells: Sequence[Sequence[str]]) -> str:
        table = self._manifest.table
        rows = InlineRows.of(cells, table.columns, table.index, cut.start, with_ids=ROW_ID in self._values)
        rows.check_values("the table")
        self._check_forms(rows, name)
        return inline_spec(self._text, rows, old_name=self._name, new_name=name, shared=self._shared)

    def _check_forms(self, rows: InlineRows, name: str) -> None:
        """Refuse numbers where the other batch has text, and the other way round.

        As JSON, text is written in quotes; in the specification nothing tells any more which token was that.
        """
        for column in self._parameters:
            token = token_of(column)
            was, now = _forms(self._values[token]), _forms(rows.columns[token])
            if len(was) == 1 and now != was:
                raise UserError(
                    f"the values of {column} are {WORDS[was.pop()]} in {self._name}.yaml, and others here: "
                    "what the template does with them may differ",
                    where=f"{name}.yaml",
                    hint="make a campaign of the new rows: genstudy specs TABLE --inline --start "
                    f"{self._manifest.table.rows}",
                )


def _forms(values: Iterable[str]) -> set[bool]:
    return {JSON_NUMBER.fullmatch(value) is not None for value in values}

"""The text of each batch's specification, every one of them checked.

The first text is checked in full, and so is each that is not the first with another batch's name in it.
Where it is just that, what was proven of the first holds for it: the name has the same letters and length.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genstudy.errors import UserError
from genstudy.maestro.specs import load_spec
from genstudy.rendering.checks import Checked, check_lengths, check_spec
from genstudy.rendering.context import BatchView, StudyView, TableView, parameter_views
from genstudy.rendering.engine import StudyTemplate
from genstudy.rendering.yaml_text import compose
from genstudy.specs.bake import (
    Insertion,
    Naming,
    check_baked,
    check_env,
    check_line_ends,
    find_insertion,
    find_naming,
    pargs_of,
    study_name,
)
from genstudy.specs.batches import check_campaign_name
from genstudy.specs.jobs import check_handed_on, check_said_once, job_view
from genstudy.tables.freeze import Slice
from genstudy.tables.read import parameters_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from genstudy.rendering.steps import StepPlan
    from genstudy.rendering.templates import TemplateSource
    from genstudy.specs.options import Options
    from genstudy.tables.checks import CellCheck
    from genstudy.tables.freeze import Frozen
    from genstudy.tables.read import Table

ROW_PREFIX = len("row_")
TABLE_NAME = "table.csv"
SHOWN = 5
NO_HASH = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proven:
    """A rendered text that passed all checks, for a batch of this name, and what is put into it."""

    text: str
    name: str
    study: str
    shared: list[str]
    naming: Naming
    insertion: Insertion

    def holds_for(self, text: str, name: str, shared: list[str]) -> bool:
        if len(name) != len(self.name) or shared != self.shared or f"$({self.name}" in self.text:
            return False
        return text == self.text.replace(self.name, name)

    def study_of(self, name: str, batch_id: str) -> str:
        """Return the name of the study, for a batch that this holds for."""
        if self.naming.name is None:
            return self.study.replace(self.name, name)
        return f"{self.naming.name.replace(self.name, name)}_{batch_id}"


class SpecWriter:
    """Renders and checks the specifications of one campaign."""

    def __init__(
        self,
        source: TemplateSource,
        *,
        table: Table,
        index: str | None,
        laws: Mapping[str, str],
        options: Options,
    ) -> None:
        """Compile the template for a table. laws: {column: law}, as far as they are known."""
        names = parameters_of(table, index)
        self.name = options.name or table.path.name.split(".")[0]
        check_campaign_name(self.name)
        views = parameter_views(names, table.columns, table.preview, laws)
        check_said_once(options.scheduler, options.variables)
        self._jobs = job_view(options.scheduler)
        self.template = StudyTemplate(
            source, views, options.variables, folder=options.folder, jobs=self._jobs
        )
        self._table, self._names, self._index = table, names, index
        self._options = options
        self._csv = str(table.path.resolve()) if options.reference else f"$(SPECROOT)/{TABLE_NAME}"
        self._study = StudyView(name=self.name, inline=options.inline)
        self._frozen: Frozen | None = None
        self._cells: CellCheck | None = None
        self._rows: Iterator[list[str]] = iter(())
        self._count = 1
        self._append = True
        self._studies: set[str] = set()
        self._proven: _Proven | None = None
        self.steps: list[StepPlan] = []

    def trial(self) -> Checked:
        """Render and check a first specification, before the table is read."""
        nrows = len(self._table.preview)
        batch, second = (
            BatchView(name=f"{self.name}_{n:04d}", id=f"{n:04d}", number=n, count=2, start=0, nrows=nrows)
            for n in (0, 1)
        )
        names = {
            study_name(compose(self._render(probe, rows=nrows), self._where(probe)))
            for probe in (batch, second)
        }
        self._append = len(names) == 1
        _, named, checked = self._checked(self._render(batch, rows=nrows), batch)
        if not self._options.inline:
            cut = Slice(start=0, nrows=nrows, offset=0, nbytes=1, sha256=NO_HASH)
            self._bake(named, checked, self._pargs(cut), where=self._where(batch))
        return checked

    def warnings(self, checked: Checked) -> tuple[str, ...]:
        """Return what a person should know about a checked specification."""
        warnings = [
            f"the step '{step}' waits for all rows, and still runs once a row: it looks at the workspace "
            "of a step that it does not wait for as `name_*`"
            for step in checked.funnels_per_row
        ]
        unused = checked.unused(self._names)
        if unused:
            shown = ", ".join(unused[:SHOWN])
            more = f" and {len(unused) - SHOWN} more" if len(unused) > SHOWN else ""
            warnings.append(f"no step uses the parameter{'s' if len(unused) > 1 else ''} {shown}{more}")
        return (*warnings, *checked.notes)

    def exposed(self, checked: Checked) -> dict[str, str]:
        """Return the columns whose values must be plain text to a shell, and how each is used."""
        return {} if self._options.allow_unsafe_values else checked.exposed(self._names)

    def plan(self, frozen: Frozen, cells: CellCheck) -> None:
        """Take the frozen table and what was seen in its cells; the texts follow in the table's order."""
        self._frozen, self._cells, self._count = frozen, cells, len(frozen.slices)
        self._rows = itertools.islice(self._table.rows(), self._options.start, None)

    def text(self, number: int, batch_id: str, name: str, cut: Slice) -> str:
        """Return one batch's specification."""
        assert self._frozen is not None
        batch = BatchView(
            name=name, id=batch_id, number=number, count=self._count, start=cut.start, nrows=cut.nrows
        )
        text = self._render(batch, rows=self._frozen.rows)
        if self._options.inline:
            return self._inline(text, batch, cut)
        pargs = self._pargs(cut)
        if self._proven is None or not self._proven.holds_for(text, name, self.template.shared_steps):
            self._proven = self._prove(text, batch, pargs)
        self._check_study(self._proven.study_of(name, batch_id), self._where(batch))
        return self._proven.insertion.insert(self._proven.naming.apply(text, batch_id), pargs)

    def _prove(self, text: str, batch: BatchView, pargs: Mapping[str, str | int]) -> _Proven:
        assert self._frozen is not None
        assert self._cells is not None
        where = self._where(batch)
        naming, named, checked = self._checked(text, batch)
        self._check_steps(checked, batch, where)
        self._cells.refuse_exposed(self.exposed(checked))
        check_lengths(checked.spec, ROW_PREFIX + self._frozen.longest_id, where=where)
        return _Proven(
            text=text,
            name=batch.name,
            study=checked.spec.name,
            shared=self.template.shared_steps,
            naming=naming,
            insertion=self._bake(named, checked, pargs, where=where),
        )

    def _pargs(self, cut: Slice) -> dict[str, str | int]:
        return pargs_of(
            cut,
            csv=self._csv,
            index=self._index,
            shared=self.template.shared_steps,
            unsafe=self._options.allow_unsafe_values,
        )

    def _bake(self, text: str, checked: Checked, pargs: Mapping[str, str | int], *, where: str) -> Insertion:
        insertion = find_insertion(text, checked.node)
        check_baked(insertion.insert(text, pargs), checked.spec.data, pargs, where=where)
        return insertion

    def _inline(self, text: str, batch: BatchView, cut: Slice) -> str:
        from genstudy.specs import inline

        where = self._where(batch)
        _, text, checked = self._checked(text, batch)
        self._check_steps(checked, batch, where)
        self._check_study(checked.spec.name, where)
        rows = list(itertools.islice(self._rows, cut.nrows))
        batch_rows = inline.InlineRows.of(
            rows, self._table.columns, self._index, cut.start, with_ids=checked.uses_row_id
        )
        batch_rows.check_values(self._table.title)
        shared = self.template.shared_steps
        batch_rows.check_workspaces(checked.spec, checked.uses, shared, where=where)
        whole = batch_rows.plain_tokens(text, where=where) + batch_rows.parameters_block()
        batch_rows.check_written(load_spec(whole, where), checked.spec, where=where)
        return whole

    def _check_study(self, study: str, where: str) -> None:
        if study in self._studies:
            raise UserError(
                f"another batch has a study named '{study}' too: Maestro could run both in one folder",
                where=where,
                hint="write name: {{ batch.name | yaml }}, or give all batches one name",
            )
        self._studies.add(study)

    def _check_steps(self, checked: Checked, batch: BatchView, where: str) -> None:
        if any(batch.name in step.name for step in checked.steps):
            raise UserError(
                "a step has the batch's name in its own",
                where=where,
                hint="a campaign's batches differ in their rows alone: give all of them the same steps",
            )
        self.steps = self.steps or checked.steps
        if checked.steps != self.steps:
            raise UserError(
                f"the steps are {_named(checked.steps)}, and those of the first batch {_named(self.steps)}",
                where=where,
                hint="a campaign's batches differ in their rows alone: give all of them the same steps",
            )

    def _render(self, batch: BatchView, *, rows: int) -> str:
        view = TableView(rows=rows, columns=self._table.columns, index=self._index)
        text = self.template.render(self._study, batch, view)
        check_line_ends(text, where=self._where(batch))
        return text

    def _checked(self, text: str, batch: BatchView) -> tuple[Naming, str, Checked]:
        """Name a rendered text after its batch and check it; return the naming, the text and the findings."""
        where = self._where(batch)
        node = compose(text, where)
        check_env(node, where=where)
        naming = find_naming(text, node, wanted=self._append, where=where)
        named = naming.apply(text, batch.id)
        template = self.template
        checked = check_spec(named, self._names, template.shared_steps, template.literals, where=where)
        check_handed_on(checked.spec, self._options.scheduler, self._jobs, where=where)
        return naming, named, checked

    def _where(self, batch: BatchView) -> str:
        return f"{self.template.source.name} rendered for {batch.name}"


def _named(steps: list[StepPlan]) -> str:
    return ", ".join(map(str, steps))

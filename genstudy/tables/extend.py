"""More rows for a table that was made: they go on where its design ended, under the next row ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genstudy.designs.axes import levels_of
from genstudy.designs.choose import parse_design
from genstudy.errors import UserError, near
from genstudy.parameters.grammar import parse_law
from genstudy.parameters.laws import Parameter
from genstudy.tables.draft import Before, Draft
from genstudy.tables.make import grow_file, named_errors, target, write_file
from genstudy.tables.plan import make_plan
from genstudy.tables.record import check_replaceable, read_record
from genstudy.tables.write import suffix_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from genstudy.designs.axes import Axis
    from genstudy.designs.choose import DesignChoice
    from genstudy.tables.plan import Plan
    from genstudy.tables.record import TableRecord

MOST_LEVELS = 10**6
"""So many levels of an axis at most are compared with those that it had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extended:
    """A table that got more rows. added: how many; record: of the whole; note: what a person should know."""

    record: TableRecord
    added: int
    note: str | None = None


def extend_table(
    table: Path,
    *,
    rows: int | None = None,
    parameters: Sequence[Parameter] = (),
    output: Path | None = None,
    record: TableRecord | None = None,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
    show: Callable[[str], None] | None = None,
) -> Extended:
    """Add rows to a table that was made, and repeat none; the rows that are there stay as they are.

    table: a file that `make_table` wrote, with its record beside it. rows: how many more of the design.
    parameters: for a grid in place of `rows`, laws with more levels: the combinations that become possible.
    output: where the longer table goes; None: in place of the table. record: the table's, where it is not
    beside it. force: replace an output that exists. progress, show: as in make_table.

    random, sobol, halton, saltelli and morris go on exactly: the table is what it would be had it been made
    with all rows at once. lhs gets a nested design, see LatinPoints. Raises UserError where the design has no
    more rows, or the table is not what its record says.
    """
    record = record or read_record(table)
    if record is None and not table.is_file():
        raise UserError("there is no such table", where=str(table), hint="genstudy csv makes one")
    if record is None:
        raise UserError(
            "it has no record of how it was made, or another table's",
            where=str(table),
            hint="only tables that genstudy csv wrote, and that were not changed, can be extended",
        )
    choice = parse_design(record.design)
    if not choice.kind.extends:
        raise UserError(
            f"the design {record.design} cannot be extended: it is whole as it is",
            where=str(table),
            hint="take replicates, or make another table",
        )
    grow = _wider if choice.name == "grid" else _longer
    before, plan = grow(table, record, choice, rows, parameters)
    draft = Draft(plan=plan, before=before, progress=progress, show=show)
    in_place = output is None or output == table
    with named_errors(output or table, draft):
        place = target(output or table, force=force or in_place)
        _check_format(table, place)
        if in_place:
            made = grow_file(draft, place, record)
        else:
            check_replaceable(place, force=force)
            made = write_file(draft, place, force=force)
    return Extended(record=made, added=made.rows - record.rows, note=_note(draft, made))


def _check_format(table: Path, output: Path) -> None:
    suffix = suffix_of(table.resolve().name)
    if suffix_of(output.name) != suffix:
        raise UserError(
            "a longer table begins with the old one, so it is of the same format",
            where=str(output),
            hint=f"end its name with {suffix}",
        )


def _plan(
    record: TableRecord, choice: DesignChoice, parameters: Sequence[Parameter], rows: int | None
) -> Plan:
    return make_plan(
        parameters,
        choice,
        rows=rows,
        seed=record.seed,
        groups=record.groups,
        correlate=record.correlate,
        order=record.order,
        replicates=record.replicates,
        index=record.index,
        digits=record.digits,
        where=record.where,
        exclude=record.exclude,
        derive=[f"{name} = {text}" for name, text in record.derive],
        unique=record.unique,
    )


def _laws(record: TableRecord) -> list[Parameter]:
    return [Parameter(name=name, law=parse_law(law)) for name, law in record.parameters]


def _longer(
    table: Path,
    record: TableRecord,
    choice: DesignChoice,
    rows: int | None,
    parameters: Sequence[Parameter],
) -> tuple[Before, Plan]:
    """Return the plan of a design that goes on for `rows` more rows."""
    if parameters:
        raise UserError(
            f"the laws of a table of the design {choice.name} stay what they are",
            where=f"parameter {parameters[0].name}",
            hint="say how many rows more: -n 500; only a grid can get more levels",
        )
    if rows is None or rows < 1:
        raise UserError("it is not said how many rows more", where=str(table), hint="as in: -n 500")
    block = record.block // record.replicates if record.block > 1 else 1
    if rows % block:
        below = rows - rows % block
        raise UserError(
            f"{rows} rows are no whole blocks: a block of this table has {block}",
            where=str(table),
            hint=f"pass -n {f'{below} or ' if below else ''}{below + block}",
        )
    done = sum(record.parts)
    plan = _plan(record, choice.grown, _laws(record), done + rows)
    if choice.name == "lhs" and plan.filtered:
        raise UserError(
            "a Latin hypercube of which conditions took rows away cannot be extended",
            where=str(table),
            hint="random, sobol and halton can",
        )
    return Before(table=table, record=record, passed=done), plan


def _wider(
    table: Path,
    record: TableRecord,
    choice: DesignChoice,
    rows: int | None,
    parameters: Sequence[Parameter],
) -> tuple[Before, Plan]:
    """Return the plan of a grid whose parameters have more levels."""
    if rows is not None or not parameters:
        raise UserError(
            "a grid grows by levels, not by a number of rows",
            where=str(table),
            hint="give a parameter more of them, as in 'speed=range(1, 9)'",
        )
    laws = {parameter.name: parameter for parameter in _laws(record)}
    for parameter in parameters:
        if parameter.name not in laws:
            raise UserError(f"there is no parameter '{parameter.name}'{near(parameter.name, laws)}")
    old = _plan(record, choice, list(laws.values()), None)
    laws.update({parameter.name: parameter for parameter in parameters})
    plan = _plan(record, choice, list(laws.values()), None)
    known = [_known(before, axis) for before, axis in zip(old.axes, plan.axes, strict=True)]
    if all(levels.all() for levels in known):
        raise UserError("no parameter has a level that is new", where=str(table))
    return Before(table=table, record=record, passed=0, known=known), plan


def _known(old: Axis, axis: Axis) -> NDArray[np.bool_]:
    """Return which levels of an axis the old one has. UserError where one of the old is missing."""
    there = _levels(old)
    levels = _levels(axis)
    missing = set(there) - set(levels)
    if missing:
        gone = next(level for level in there if level in missing)
        told = ", ".join(str(part) for part in gone)
        raise UserError(
            f"{axis.name} has lost the level {told}", hint="a grid that grows keeps the levels that it has"
        )
    found = set(there)
    return np.array([level in found for level in levels], dtype=np.bool_)


def _levels(axis: Axis) -> list[tuple[object, ...]]:
    count = levels_of(axis)
    if count > MOST_LEVELS:
        raise UserError(f"{axis.name} has {count} levels, too many to compare", hint="make a new table")
    columns = []
    for parameter, values in zip(axis.parameters, axis.at(np.arange(count)), strict=True):
        words = parameter.law.words
        columns.append([words[value] for value in values.tolist()] if words else values.tolist())
    return list(zip(*columns, strict=True))


def _note(draft: Draft, record: TableRecord) -> str | None:
    """Say what a Latin hypercube keeps when it is extended."""
    if draft.filled is None:
        return None
    rows = sum(record.parts)
    if draft.filled == rows:
        return f"with {rows} rows it is a Latin hypercube again: each of {rows} equal parts has a row"
    return (
        f"of {rows} equal parts of a parameter's range, {draft.filled} or more have a row; "
        "all would, had the rows become a multiple of what they were"
    )

"""What rows a table is made of, checked before the first one is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, TypedDict

from genstudy.designs.factorial import grid_size
from genstudy.errors import UserError
from genstudy.parameters.expressions import parse_derivation, parse_expression
from genstudy.parameters.levels import Choice
from genstudy.parameters.names import check_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genstudy.parameters.expressions import Derivation, Expression
    from genstudy.parameters.laws import Parameter

DEFAULT_ROWS = 20
MOST_DIGITS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What rows are made of.

    rows: how many are wanted, or None for all that the design has.
    where: conditions over parameters; late: conditions that use derived columns too.
    """

    parameters: Sequence[Parameter]
    rows: int | None
    digits: int | None = None
    where: Sequence[Expression] = ()
    derive: Sequence[Derivation] = ()
    late: Sequence[Expression] = ()
    conditions: tuple[str, ...] = ()
    unique: bool = False
    index: str | None = None

    @property
    def filtered(self) -> bool:
        """Whether rows that the design draws may be dropped."""
        return bool(self.where or self.late or self.unique)


def make_plan(
    parameters: Sequence[Parameter],
    *,
    rows: int | None,
    grid: bool,
    index: str | None,
    digits: int | None,
    where: Sequence[str],
    derive: Sequence[str],
    unique: bool,
) -> Plan:
    """Check what is asked for and return it as a plan; see `make_table` for the arguments."""
    if not parameters:
        raise UserError("there is no parameter", hint="name one, such as width=uniform(0, 1)")
    names = [parameter.name for parameter in parameters]
    check_names(names if index is None else [index, *names])
    if digits is not None and not 0 <= digits <= MOST_DIGITS:
        raise UserError(f"--round takes 0 to {MOST_DIGITS} decimals, not {digits}")
    if rows is not None and rows < 1:
        raise UserError(f"a table has 1 row or more, not {rows}", hint="pass -n with 1 or more")
    if grid:
        _check_grid_rows(rows, parameters, filtered=bool(where))
        rows = None
    else:
        rows = DEFAULT_ROWS if rows is None else rows
        if unique:
            _check_distinct(rows, parameters)
    return Plan(
        parameters=parameters,
        rows=rows,
        digits=digits,
        unique=unique,
        index=index,
        **_expressions(names, where, derive, index),
    )


def _check_grid_rows(rows: int | None, parameters: Sequence[Parameter], *, filtered: bool) -> None:
    total = grid_size(parameters)
    if rows is not None and (filtered or rows != total):
        raise UserError(
            f"the grid has {total} rows{' before --where' if filtered else ''}, and -n says {rows}",
            hint="leave -n away: a grid has every combination once",
        )


def _check_distinct(rows: int, parameters: Sequence[Parameter]) -> None:
    distinct = distinct_rows(parameters)
    if distinct is not None and rows > distinct:
        raise UserError(
            f"the laws give {distinct} distinct rows, and {rows} are wanted",
            hint=f"pass -n {distinct} or less, or give the parameters wider laws",
        )


def distinct_rows(parameters: Sequence[Parameter]) -> int | None:
    """Return how many distinct rows the laws can give, or None where one has no levels."""
    counts: list[int] = []
    for parameter in parameters:
        law = parameter.law
        count = law.count
        if count is None:
            return None
        if isinstance(law, Choice) and law.weights is not None:
            count = sum(weight > 0 for weight in law.weights)
        counts.append(count)
    return prod(counts)


class _Expressions(TypedDict):
    where: list[Expression]
    late: list[Expression]
    conditions: tuple[str, ...]
    derive: list[Derivation]


def _expressions(
    known: Sequence[str], where: Sequence[str], derive: Sequence[str], index: str | None
) -> _Expressions:
    """Read derivations and conditions; conditions that use derived columns come after them."""
    taken = known if index is None else [index, *known]
    derivations: list[Derivation] = []
    for text in derive:
        derivation = parse_derivation(text, [*known, *(d.name for d in derivations)])
        derivations.append(derivation)
        check_names([*taken, *(d.name for d in derivations)], where=f"--derive {text!r}")
    derived = {derivation.name for derivation in derivations}
    conditions = [parse_expression(text, [*known, *sorted(derived)]) for text in where]
    return {
        "conditions": tuple(condition.text for condition in conditions),
        "where": [condition for condition in conditions if not condition.names & derived],
        "late": [condition for condition in conditions if condition.names & derived],
        "derive": derivations,
    }

"""What rows a table is made of, checked before the first one is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from genstudy.designs.axes import make_axes
from genstudy.designs.order import ORDERS
from genstudy.errors import UserError, near
from genstudy.parameters.expressions import parse_derivation, parse_expression
from genstudy.parameters.groups import parse_groups
from genstudy.parameters.names import check_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genstudy.designs.axes import Axis
    from genstudy.designs.choose import DesignChoice
    from genstudy.designs.copula import Correlation
    from genstudy.parameters.expressions import Derivation, Expression
    from genstudy.parameters.groups import Group
    from genstudy.parameters.laws import Parameter

DEFAULT_ROWS = 20
MOST_DIGITS = 15
MOST_REPLICATES = 10**9
REPLICATE = "replicate"
"""The column that numbers the rows of one combination, from 1."""


class Condition(NamedTuple):
    """What a row must meet, or with `holds` False must not."""

    expression: Expression
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What rows are made of.

    asked: how many rows of the design were asked for, if any were said. rows: how many are wanted, or None
    for all that the design has. early: conditions over parameters; late: those that use derived columns too.
    replicates: rows of the table for each row of the design.
    """

    design: DesignChoice
    parameters: Sequence[Parameter]
    groups: Sequence[Group] = ()
    axes: Sequence[Axis]
    asked: int | None
    rows: int | None
    seed: int | None
    correlate: tuple[Correlation, ...] = ()
    order: str | None = None
    replicates: int = 1
    digits: int | None = None
    where: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    early: Sequence[Condition] = ()
    derive: Sequence[Derivation] = ()
    late: Sequence[Condition] = ()
    unique: bool = False
    index: str | None = None

    @property
    def filtered(self) -> bool:
        """Whether rows that the design draws may be dropped."""
        return bool(self.early or self.late or self.unique)

    @property
    def columns(self) -> list[str]:
        """The names of all columns of the table, in order."""
        names = [] if self.index is None else [self.index]
        names += [parameter.name for parameter in self.parameters]
        if self.replicates > 1:
            names.append(REPLICATE)
        return [*names, *(derivation.name for derivation in self.derive)]


def make_plan(
    parameters: Sequence[Parameter],
    design: DesignChoice,
    *,
    rows: int | None = None,
    seed: int | None = None,
    groups: Sequence[str] = (),
    correlate: Sequence[Correlation] = (),
    order: str | None = None,
    replicates: int = 1,
    index: str | None = None,
    digits: int | None = None,
    where: Sequence[str] = (),
    exclude: Sequence[str] = (),
    derive: Sequence[str] = (),
    unique: bool = False,
) -> Plan:
    """Check what is asked for and return it as a plan; see `make_table` for the arguments."""
    if not parameters:
        raise UserError("there is no parameter", hint="name one, such as width=uniform(0, 1)")
    names = [parameter.name for parameter in parameters]
    _check_numbers(digits, rows, replicates)
    taken = [*([] if index is None else [index]), *names, *([REPLICATE] if replicates > 1 else [])]
    check_names(taken)
    found = parse_groups(groups, names)
    axes = make_axes(parameters, found)
    _check_design(design, correlate, order)
    wanted = (DEFAULT_ROWS if rows is None else rows) if design.kind.rows == "any" else None
    if unique and wanted is not None:
        _check_distinct(wanted, parameters)
    derivations = _derivations(names, derive, taken)
    early, late = _conditions(names, derivations, where, exclude)
    return Plan(
        design=design,
        parameters=parameters,
        groups=found,
        axes=axes,
        asked=rows,
        rows=wanted,
        seed=seed,
        correlate=tuple(correlate),
        order=order,
        replicates=replicates,
        digits=digits,
        where=tuple(condition.strip() for condition in where),
        exclude=tuple(condition.strip() for condition in exclude),
        early=early,
        derive=derivations,
        late=late,
        unique=unique,
        index=index,
    )


def _check_numbers(digits: int | None, rows: int | None, replicates: int) -> None:
    if digits is not None and not 0 <= digits <= MOST_DIGITS:
        raise UserError(f"--round takes 0 to {MOST_DIGITS} decimals, not {digits}")
    if rows is not None and rows < 1:
        raise UserError(f"a table has 1 row or more, not {rows}", hint="pass -n with 1 or more")
    if not 1 <= replicates <= MOST_REPLICATES:
        raise UserError(
            f"--replicates takes 1 to {MOST_REPLICATES}, not {replicates}",
            hint="5 gives five rows for each combination",
        )


def _check_design(
    design: DesignChoice,
    correlate: Sequence[Correlation],
    order: str | None,
) -> None:
    """Refuse what does not go with the design."""
    kind = design.kind
    if order is not None and order not in ORDERS:
        raise UserError(
            f"there is no order '{order}'{near(order, ORDERS)}", hint=f"orders: {', '.join(ORDERS)}"
        )
    if correlate and not kind.correlates:
        raise UserError(
            f"the design {design.name} takes no correlated parameters",
            where="--correlate",
            hint="take the design random, lhs, sobol or halton",
        )


def check_rows(plan: Plan, total: int | None, block: int) -> None:
    """Refuse numbers of rows that an opened design does not have, and conditions that cut its blocks."""
    name = plan.design.name
    if plan.design.kind.rows == "fixed" and plan.asked is not None and (plan.filtered or plan.asked != total):
        before = " before conditions" if plan.filtered else ""
        raise UserError(
            f"the design {name} has {total} rows{before}, and -n says {plan.asked}",
            hint="leave -n away: the parameters say how many rows there are",
        )
    if plan.rows is not None and total is not None and plan.rows > total:
        raise UserError(
            f"the design {name} has {total} points, and {plan.rows} rows are wanted",
            hint="take the design random or lhs",
        )
    if plan.design.kind.rows == "own" and block == 1 and plan.asked is not None and plan.filtered:
        raise UserError(
            f"the design {name} has {total} rows before conditions, and -n says {plan.asked}",
            hint="leave -n away: the conditions say how many of its rows are left",
        )
    if block > 1 and plan.filtered:
        raise UserError(
            f"conditions would take rows out of the blocks of the design {name}, which belong together",
            hint="leave --where, --exclude and --unique away, and give the parameters other laws",
        )


def _check_distinct(rows: int, parameters: Sequence[Parameter]) -> None:
    distinct = distinct_rows(parameters)
    if distinct is not None and rows > distinct:
        raise UserError(
            f"the laws give {distinct} distinct rows, and {rows} are wanted",
            hint=f"pass -n {distinct} or less, or give the parameters wider laws",
        )


def distinct_rows(parameters: Sequence[Parameter]) -> int | None:
    """Return how many distinct rows the laws can give, or None where one has no levels.

    Parameters of a group move together, so theirs may be fewer.
    """
    counts: list[int] = []
    for parameter in parameters:
        count = parameter.law.count
        if count is None:
            return None
        counts.append(count)
    return prod(counts)


def _derivations(known: Sequence[str], derive: Sequence[str], taken: Sequence[str]) -> list[Derivation]:
    """Read the derived columns, each over the parameters and those before it."""
    derivations: list[Derivation] = []
    for text in derive:
        derivation = parse_derivation(text, [*known, *(d.name for d in derivations)])
        derivations.append(derivation)
        check_names([*taken, *(d.name for d in derivations)], where=f"--derive {text!r}")
    return derivations


def _conditions(
    known: Sequence[str], derivations: Sequence[Derivation], where: Sequence[str], exclude: Sequence[str]
) -> tuple[list[Condition], list[Condition]]:
    """Read conditions: those over parameters alone, and those that use derived columns."""
    derived = {derivation.name for derivation in derivations}
    names = [*known, *sorted(derived)]
    found = [Condition(parse_expression(text, names), holds=True) for text in where]
    found += [Condition(parse_expression(text, names), holds=False) for text in exclude]
    return (
        [condition for condition in found if not condition.expression.names & derived],
        [condition for condition in found if condition.expression.names & derived],
    )

"""What was found about failed rows, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genstudy.inspection.why_ranges import shown
from genstudy.units import counted, percent_text

if TYPE_CHECKING:
    from genstudy.inspection.why_format import FailureGroup, FailureKind, ParameterFindings, Range, WhyFailed

SMALLEST = 1e-300
"""Smaller p-values are no longer exact in floating point."""


def verdict_text(why: WhyFailed) -> str:
    """Return in a sentence whether a parameter tells failed rows from done ones, or why that is not known."""
    match why.verdict:
        case "none ended":
            return "no row has ended yet"
        case "none failed":
            like = "" if why.step is None and why.state is None else " like that"
            return f"no row failed{like} by itself" if why.apart else f"no row failed{like}"
        case "none done":
            return "no row is done, so there is nothing to compare the failed ones with"
        case "too few":
            few = "failed" if why.failed <= why.done else "done"
            return f"{counted(min(why.failed, why.done), f'{few} row')}: too few to tell chance from cause"
        case "no cause":
            return f"no parameter tells the failed rows from the done ones{_smallest(why)}"
        case "causes":
            return f"{counted(len(why.causes), 'parameter')} of {len(why.parameters):,} {_tells(why)}"


def apart_text(why: WhyFailed) -> str:
    """Return in a sentence which failed rows were not compared; empty if all were."""
    if not why.apart:
        return ""
    whose = "whatever its values" if why.apart == 1 else "whatever their values"
    return f"not compared: {counted(why.apart, 'row')} whose job was taken away, {whose}"


def _tells(why: WhyFailed) -> str:
    return f"{'tells' if len(why.causes) == 1 else 'tell'} failed rows from done ones"


def _smallest(why: WhyFailed) -> str:
    tested = [parameter for parameter in why.parameters if parameter.independence]
    if not tested:
        return ": each has one value only"
    best = min(tested, key=lambda parameter: parameter.adjusted)
    return f" (the smallest p {p_text(best.adjusted)}, of {shown(best.name)})"


def kind_text(kind: FailureKind | FailureGroup) -> str:
    """Return how rows failed, such as `step simulate FAILED`."""
    return " ".join(part for part in (f"step {kind.step}" if kind.step else "", kind.state) if part)


def cause_text(cause: ParameterFindings) -> tuple[str, ...]:
    """Return the lines that tell of a parameter that is called a cause; the first one says which rows."""
    found, independent = cause.range, cause.independence
    if found is not None:
        return found.text, shares_text(found), f"p {p_text(cause.adjusted)}"
    assert independent is not None
    word = "chi-squared" if independent.test == "chi2" else "odds ratio"
    statistic = "infinite" if independent.statistic is None else f"{independent.statistic:.3g}"
    depends = f"failing depends on it ({word} {statistic}, {counted(independent.groups, 'group')}), "
    where = "and no one range or value stands out"
    return shown(cause.name), depends + where, f"p {p_text(cause.adjusted)}"


def shares_text(found: Range) -> str:
    """Return how many rows failed in a range and elsewhere."""
    inside, outside = found.failed / found.rows, found.failed_elsewhere / found.rows_elsewhere
    times = f": {_times(found.ratio)} as often" if found.ratio is not None else ""
    return (
        f"{found.failed:,} of {counted(found.rows, 'row')} failed there ({percent_text(inside)}), "
        f"{found.failed_elsewhere:,} of {found.rows_elsewhere:,} elsewhere ({percent_text(outside)}){times}"
    )


def _times(ratio: float) -> str:
    return f"{ratio:.3g} times" if ratio < 1000 else f"{ratio:,.0f} times"


def p_text(p: float) -> str:
    """Return a p-value with its sign, such as `= 0.031` or `< 1e-300`."""
    return f"< {SMALLEST:g}" if p < SMALLEST else f"= {p:.2g}"

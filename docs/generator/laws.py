"""The page of laws, designs and what formulas may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docs.generator.markdown import code, doc, page, prose, table
from genstudy.designs.kinds import KINDS
from genstudy.parameters.expressions import CONSTANTS, FUNCTIONS
from genstudy.parameters.grammar import LAWS
from genstudy.parameters.laws import signature

if TYPE_CHECKING:
    from genstudy.designs.kinds import Argument, DesignKind

ABOUT = """\
What a parameter may follow, how rows may fill the space of the parameters, and what conditions and derived
columns may use. With examples: [tables](../csv.md)."""
WRITTEN = {"choice": "choice(x, y, z), choice(x:0.7, y:0.3)", "const": "const(v)"}
"""Laws whose arguments have no names."""

LAWS_ABOUT = """\
u is a number in [0, 1) from the design. With levels: the law works in a grid. Any other name is a
distribution of `scipy.stats`, with scipy's own arguments: `gamma(2, scale=3)`."""
ROWS = {
    "any": "as many as asked for",
    "own": "a multiple of its block, or its own number",
    "fixed": "follow from the parameters",
}


def laws_page() -> str:
    """Return the page."""
    laws = [
        [code(WRITTEN.get(name) or signature(law)), prose(doc(law)), _levels(law)]
        for name, law in LAWS.items()
    ]
    designs = [_design(name, kind) for name, kind in KINDS.items()]
    calls = [
        [code(name), str(few) if few == most else f"{few} to {most}"]
        for name, (few, most) in FUNCTIONS.items()
    ]
    constants = " and ".join(code(name) for name in CONSTANTS)
    return page(
        "Laws and designs",
        ABOUT,
        f"## Laws\n\n{table(['law', 'gives', 'with levels'], laws)}\n\n{prose(LAWS_ABOUT)}",
        f"## Designs\n\n{table(['design', 'is', 'rows', 'may be'], designs)}\n\n{_arguments()}",
        f"## Functions of formulas\n\n{table(['function', 'values'], calls)}\n\nConstants: {constants}.",
    )


def _levels(law: type) -> str:
    return "yes" if "count" in vars(law) else "no"


def _design(name: str, kind: DesignKind) -> list[str]:
    may = [word for word, holds in (("correlated", kind.correlates), ("ordered", kind.ordered)) if holds]
    if kind.extends:
        may.append("extended")
    return [code(name), prose(kind.about), ROWS[kind.rows], ", ".join(may)]


def _arguments() -> str:
    """Return the table of all designs' arguments."""
    rows = [
        [code(design), code(name), prose(known.about), _takes(known), _default(known)]
        for design, kind in KINDS.items()
        for name, known in kind.arguments.items()
    ]
    if not rows:
        return ""
    head = ["design", "argument", "is", "takes", "default"]
    return (
        f"### Arguments of designs\n\nWritten {code('design(argument=value, ...)')}:\n\n{table(head, rows)}"
    )


def _takes(argument: Argument) -> str:
    if argument.choices:
        return ", ".join(map(code, argument.choices))
    words = {int: "whole number", float: "number", bool: "`true` or `false`", str: "text"}
    least = "" if argument.least is None else f", {argument.least:g} or more"
    return words[argument.kind] + least


def _default(argument: Argument) -> str:
    if argument.default is None:
        return ""
    return code(str(argument.default).lower() if argument.kind is bool else str(argument.default))

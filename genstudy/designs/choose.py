"""Which designs there are, and how one is opened by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genstudy.errors import UserError, near

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from genstudy.designs.points import Design
    from genstudy.parameters.laws import Parameter

DESIGNS = ("random", "lhs", "sobol", "halton", "grid")
NEEDS_SCIPY = frozenset({"sobol", "halton"})


def check_design(name: str) -> None:
    """Refuse a name that no design has."""
    if name not in DESIGNS:
        raise UserError(
            f"there is no design '{name}'{near(name, DESIGNS)}", hint=f"designs: {', '.join(DESIGNS)}"
        )


def open_design(
    name: str, parameters: Sequence[Parameter], *, seed: int, rows: int, folder: Path | None
) -> Design:
    """Open a design by name.

    rows: the size of a Latin hypercube block; others go on for as long as rows are drawn.
    folder: where temporary files may be; None for the system's own.
    """
    check_design(name)
    if name == "random":
        from genstudy.designs.points import RandomDesign

        return RandomDesign(parameters, seed)
    if name == "lhs":
        from genstudy.designs.latin import LatinDesign

        return LatinDesign(parameters, seed, rows, folder)
    if name == "grid":
        from genstudy.designs.factorial import GridDesign

        return GridDesign(parameters)
    from genstudy.designs.points import SequenceDesign

    return SequenceDesign(name, parameters, seed)

"""Opens designs as they are written, of parameters as they are written, and draws their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genstudy.designs.axes import make_axes
from genstudy.designs.choose import open_design, parse_design
from genstudy.parameters.grammar import parse_parameter
from genstudy.parameters.groups import parse_groups

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genstudy.designs.copula import Correlation
    from genstudy.designs.design import Design

UNIT = ("a=uniform(0, 1)", "b=uniform(0, 1)", "c=uniform(0, 1)")
CODED = tuple(f"{name}=uniform(-1, 1)" for name in "abcdefghijklmnopqrstuvwxyz")


def opened(
    design: str,
    parameters: Sequence[str] = UNIT,
    *,
    rows: int | None = None,
    seed: int = 5,
    groups: Sequence[str] = (),
    correlate: Sequence[Correlation] = (),
    order: str | None = None,
    parts: tuple[int, ...] = (),
    notes: list[str] | None = None,
) -> Design:
    laws = [parse_parameter(text) for text in parameters]
    axes = make_axes(laws, parse_groups(groups, [law.name for law in laws]))
    return open_design(
        parse_design(design),
        axes,
        laws,
        seed=seed,
        rows=rows,
        correlate=correlate,
        order=order,
        parts=parts,
        note=([] if notes is None else notes).append,
    )


def drawn(design: Design, *counts: int) -> np.ndarray:
    """Draw chunks, or all rows, and return them below each other, shape (rows, parameters)."""
    parts = [np.column_stack(design.draw(count)) for count in counts or (design.total or 0,)]
    design.close()
    return np.concatenate(parts)

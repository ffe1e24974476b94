"""What the law of a parameter tells of its axis: the ends, the levels, whether it is one of logarithms."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genstudy.errors import UserError
from genstudy.parameters import levels
from genstudy.parameters.grammar import parse_law
from genstudy.parameters.laws import Beta, LogUniform, Triangular, TruncNormal, Uniform

if TYPE_CHECKING:
    from genstudy.parameters.laws import Law

LOGARITHMIC = frozenset({"loguniform", "lognormal", "lognorm", "reciprocal"})
"""Laws whose values are spread over powers of ten; the last two are scipy's."""

MOST_LEVELS = 1000
"""A law of more levels counts as a continuous one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What is known of a parameter before its values are seen.

    low, high: the ends, None where there are none or they are not known. count: of its levels.
    words: its levels where they are texts. law: as it is written.
    """

    low: float | None = None
    high: float | None = None
    count: int | None = None
    words: tuple[str, ...] = ()
    log: bool = False
    law: str | None = None


def range_of(text: str | None) -> Range:
    """Return what a law tells, as its record spells it; nothing where there is none that can be read."""
    if text is None:
        return Range()
    try:
        law = parse_law(text)
    except UserError:
        return Range(law=text)
    low, high = _ends(law)
    count = law.count
    return Range(
        low=low,
        high=high,
        count=count if count is not None and count <= MOST_LEVELS else None,
        words=law.words or (),
        log=text.partition("(")[0] in LOGARITHMIC,
        law=text,
    )


def number_law(text: str | None) -> Law | None:
    """Return the law of this spelling, if its values are numbers."""
    try:
        law = parse_law(text) if text is not None else None
    except UserError:
        return None
    return law if law is not None and law.words is None else None


def _ends(law: Law) -> tuple[float | None, float | None]:
    """Return the lowest and the highest value, where the law has such; not those of a scipy law."""
    if isinstance(law, Uniform | LogUniform):
        return _finite(law.a, law.b)
    if isinstance(law, levels.Int | TruncNormal | Triangular | Beta):
        return _finite(law.lo, law.hi)
    if isinstance(law, levels.Range | levels.Linspace):
        ends = law.at(np.array([0, law.count - 1]))
        return _finite(float(ends.min()), float(ends.max()))
    return None, None


def _finite(low: float, high: float) -> tuple[float | None, float | None]:
    return (float(low), float(high)) if math.isfinite(low) and math.isfinite(high) else (None, None)

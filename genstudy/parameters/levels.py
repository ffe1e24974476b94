"""Laws with levels: whole numbers, choices, ranges and constants. A grid goes through their levels."""

# ruff: noqa: D102 - what overrides keeps the contract written in Law.

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from genstudy.errors import UserError
from genstudy.parameters.laws import Law, number_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from genstudy.parameters.laws import Points, Values

EXACT = 2**53
"""Whole numbers up to here are exact as float64."""
_NEEDS_QUOTES = re.compile(r"[\s(),:='\"]|^$")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def _index(u: Points, count: int) -> NDArray[np.int64]:
    """Return the level that each point falls into, of `count` equal parts of [0, 1)."""
    return (u * count).astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Int(Law):
    """Whole numbers from lo to hi, both included, equally likely: lo + floor(u (hi - lo + 1))."""

    keyword = "int"
    lo: int
    hi: int

    def __post_init__(self) -> None:
        if self.lo > self.hi:
            raise UserError(
                f"{self.text}: {self.lo} is above {self.hi}", hint=f"write int({self.hi}, {self.lo})"
            )
        if max(abs(self.lo), abs(self.hi)) >= 2**63 or self.hi - self.lo >= EXACT:
            raise UserError(
                f"{self.text}: whole numbers reach to 2**63 - 1, and hi - lo to 2**53 - 1",
                hint="take a narrower interval, or uniform(a, b) where decimals do",
            )

    @property
    def count(self) -> int:
        return self.hi - self.lo + 1

    def sample(self, u: Points) -> Values:
        return self.at(_index(u, self.count))

    def at(self, index: NDArray[np.int64]) -> Values:
        return index + self.lo if self.lo else index


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Law):
    """One of the given texts, as it was typed: equally likely, or by weight.

    Its values are indices of `words`. Its levels are the items that can come: those with a weight above 0.
    """

    keyword = "choice"
    items: tuple[str, ...]
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        _check_items(self.text, self.items)
        if self.weights is None:
            return
        if len(self.weights) != len(self.items):
            raise UserError(f"{self.text}: some items have a weight and some have none")
        if min(self.weights) < 0 or not 0 < sum(self.weights) < float("inf"):
            raise UserError(
                f"{self.text}: weights are 0 or more, and one at least is above 0",
                hint="write choice(x:0.7, y:0.3); weights need not add up to 1",
            )

    @property
    def text(self) -> str:
        words = [quoted(item) for item in self.items]
        if self.weights is not None:
            words = [
                f"{word}:{number_text(weight)}" for word, weight in zip(words, self.weights, strict=False)
            ]
        return f"choice({', '.join(words)})"

    @property
    def count(self) -> int:
        return len(self.items) if self.weights is None else int(np.count_nonzero(self.weights))

    @property
    def even(self) -> bool:
        return self.weights is None or len({weight for weight in self.weights if weight}) == 1

    @property
    def words(self) -> tuple[str, ...]:
        return self.items

    def sample(self, u: Points) -> Values:
        if self.weights is None:
            return _index(u, self.count)
        cumulative = np.cumsum(self.weights)
        last = int(np.flatnonzero(self.weights)[-1])
        found = np.searchsorted(cumulative / cumulative[-1], u, side="right")
        return np.minimum(found, last).astype(np.int64)

    def at(self, index: NDArray[np.int64]) -> Values:
        return index if self.weights is None else np.flatnonzero(self.weights)[index]


@dataclass(frozen=True, slots=True, kw_only=True)
class Const(Law):
    """One text for every row, as it was typed."""

    keyword = "const"
    value: str

    def __post_init__(self) -> None:
        _check_items(self.text, (self.value,))

    @property
    def text(self) -> str:
        return f"const({quoted(self.value)})"

    @property
    def count(self) -> int:
        return 1

    @property
    def words(self) -> tuple[str, ...]:
        return (self.value,)

    def sample(self, u: Points) -> Values:
        return np.zeros(len(u), dtype=np.int64)

    def at(self, index: NDArray[np.int64]) -> Values:
        return index


@dataclass(frozen=True, slots=True, kw_only=True)
class Range(Law):
    """start, start + step, ... up to stop, which is excluded as in Python; decimals are exact.

    Level i is (start + i step) in whole multiples of a power of ten, divided once: the nearest float to the
    decimal, so range(0, 1, 0.1) has 0.3 and no 0.30000000000000004.
    """

    keyword = "range"
    start: Decimal
    stop: Decimal
    step: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        hint = "write range(start, stop, step) as in Python: stop is excluded"
        if self.step == 0:
            raise UserError(f"{self.text}: the step is 0", hint=hint)
        _check_decimals(self.text, self.start, self.stop, self.step)
        if self.count < 1:
            raise UserError(f"{self.text}: no value lies in this range", hint=hint)
        first, step, scale = self._whole()
        limit = 2**63 if scale == 1 else EXACT
        if max(abs(first), abs(first + step * (self.count - 1)), scale) >= limit or self.count >= EXACT:
            raise UserError(
                f"{self.text}: the numbers have too many digits to be exact",
                hint="take fewer digits, or linspace(a, b, n)",
            )

    @property
    def count(self) -> int:
        start, stop, step = (x.as_integer_ratio() for x in (self.start, self.stop, self.step))
        width = stop[0] * start[1] - start[0] * stop[1]
        return -(-width * step[1] // (step[0] * start[1] * stop[1]))

    def _whole(self) -> tuple[int, int, int]:
        """Return start and step in whole multiples of 1 / scale, and scale."""
        scale = 10 ** max(0, _places(self.start), _places(self.step))
        return _times(self.start, scale), _times(self.step, scale), scale

    def sample(self, u: Points) -> Values:
        return self.at(_index(u, self.count))

    def at(self, index: NDArray[np.int64]) -> Values:
        first, step, scale = self._whole()
        whole = index * step + first
        return whole if scale == 1 else whole / scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Linspace(Law):
    """n values from a to b, both included, equally far apart; decimals are exact where they fit."""

    keyword = "linspace"
    a: Decimal
    b: Decimal
    n: int

    def __post_init__(self) -> None:
        if not 1 <= self.n < EXACT:
            raise UserError(f"{self.text}: n is {self.n}", hint="write linspace(a, b, n) with n >= 1")
        if self.n == 1 and self.a != self.b:
            raise UserError(f"{self.text}: one value cannot be both ends", hint="take n = 2 or more")
        if self.n > 1 and self.a == self.b:
            raise UserError(f"{self.text}: both ends are equal", hint=f"write const({number_text(self.a)})")
        _check_decimals(self.text, self.a, self.b)

    @property
    def count(self) -> int:
        return self.n

    def sample(self, u: Points) -> Values:
        return self.at(_index(u, self.n))

    def at(self, index: NDArray[np.int64]) -> Values:
        parts = max(self.n - 1, 1)
        whole = _shared_scale(self.a, self.b)
        if whole and max(abs(whole[0]), abs(whole[1]), whole[2]) * parts < EXACT:
            first, last, scale = whole
            return (first * (parts - index) + last * index) / (scale * parts)
        a, b = float(self.a), float(self.b)
        return np.where(index == parts, b, a + (b / parts - a / parts) * index)


def _check_decimals(text: str, *numbers: Decimal) -> None:
    # Decimal arithmetic rounds to 28 digits: within these bounds nothing here is rounded.
    for number in numbers:
        if len(number.as_tuple().digits) > 25 or abs(number.adjusted()) > 300:
            raise UserError(
                f"{text}: {number} has too many digits, or is too large or too small",
                hint="take at most 25 digits, within 1e-300 and 1e300",
            )


def _places(number: Decimal) -> int:
    """Return how many decimal places a number has once trailing zeros are dropped."""
    exponent = number.normalize().as_tuple().exponent
    return -int(exponent)


def _shared_scale(a: Decimal, b: Decimal) -> tuple[int, int, int] | None:
    """Return both numbers as whole multiples of 1 / scale, and scale; None where that is out of reach."""
    places = max(0, _places(a), _places(b))
    if places > 15 or max(a.adjusted(), b.adjusted()) > 15:
        return None
    return _times(a, 10**places), _times(b, 10**places), 10**places


def _times(number: Decimal, scale: int) -> int:
    """Return number x scale, which is whole."""
    numerator, denominator = number.as_integer_ratio()
    return numerator * scale // denominator


def quoted(item: str) -> str:
    """Return an item as the grammar reads it back: in quotes where it has marks or blanks of its own."""
    if not _NEEDS_QUOTES.search(item):
        return item
    quote = '"' if "'" in item and '"' not in item else "'"
    return quote + item.replace(quote, quote * 2) + quote


def _check_items(text: str, items: tuple[str, ...]) -> None:
    if not items:
        raise UserError(f"{text}: there is nothing to choose from", hint="write choice(x, y, z)")
    for item in items:
        if not item.isprintable():
            raise UserError(
                f"{text!r}: the item {item!r} has a character that cannot be printed",
                hint="a value ends up in a shell script: take plain text",
            )
    if len(set(items)) < len(items):
        twice = next(item for item in items if items.count(item) > 1)
        raise UserError(f"{text}: '{twice}' is there twice", hint=f"give it a weight: choice({twice}:2, ...)")


@lru_cache(maxsize=1024)
def word_numbers(words: tuple[str, ...]) -> NDArray[np.int64] | NDArray[np.float64] | None:
    """Return texts as numbers, int64 where all are whole, or None where one is no finite number."""
    if all(re.fullmatch(r"[+-]?[0-9]{1,18}", word) for word in words):
        return np.array([int(word) for word in words], dtype=np.int64)
    if not all(_DECIMAL.fullmatch(word) for word in words):
        return None
    numbers = np.array([float(word) for word in words], dtype=np.float64)
    return numbers if np.isfinite(numbers).all() else None


LEVELLED: Mapping[str, type[Law]] = {law.keyword: law for law in (Int, Choice, Range, Linspace, Const)}

"""Scales: where on an axis a value is, from 0 to 1, and which ticks the axis has."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import numpy as np

from genstudy.units import PREFIXES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Places = NDArray[np.float64]

Ticks = list[tuple[float, str]]
"""Places from 0 to 1 with their labels."""

EXACT = 2.0**52
PLAIN = (1e-4, 1e6)
"""Ticks of a size in here are written without an exponent."""

LONG = 1e12
"""And so are larger ones up to here, where they need decimals."""

PLAIN_POWERS = (1e-2, 1e4)
"""The same of an axis of logarithms, where there are many labels of different lengths."""

CROWD = 1.25
"""An axis gets so many times the ticks that are asked for at most, as long as they are round."""


class Scale(Protocol):
    """What an axis needs to know."""

    def place(self, values: ArrayLike) -> Places:
        """Return places from 0 to 1, shape (n,); NaN for what has no place."""
        ...

    def ticks(self, most: int) -> Ticks:
        """Return about `most` ticks, and no more than that by much."""
        ...


@dataclass(frozen=True, slots=True)
class NumberScale:
    """Numbers from low to high, both finite; log: by their logarithm, where low is above 0.

    With low = high, all of them are in the middle. whole: ticks are at whole numbers only.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def place(self, values: ArrayLike) -> Places:
        """Return the places of numbers."""
        numbers = np.asarray(values, dtype=float)
        low, high = self.low, self.high
        if self.log:
            with np.errstate(divide="ignore", invalid="ignore"):
                numbers = np.log(numbers)
            low, high = math.log(low), math.log(high)
        # Halves, as the difference of two floats can be too large for one.
        width = high / 2 - low / 2
        if width == 0:
            return np.where(np.isnan(numbers), np.nan, 0.5)
        return (numbers / 2 - low / 2) / width

    def ticks(self, most: int) -> Ticks:
        """Return round numbers, or the ends where there are none between them."""
        found = self._powers(most) if self.log else []
        if len(found) < 2:
            found = self._even(most)
        if not found:
            ends = [self.low] if self.low == self.high else [self.low, self.high]
            found = [(end, short_number(end)) for end in ends]
        places = self.place([number for number, _ in found])
        return [(float(place), label) for place, (_, label) in zip(places, found, strict=True)]

    def _even(self, most: int) -> list[tuple[float, str]]:
        """Return multiples of 1, 2 or 5 times a power of ten, with as many digits as they need.

        They are two at least, if there are two round numbers at all: one alone does not tell the scale.
        """
        least = max((self.high / 2 - self.low / 2) / (most * CROWD) * 2, float(self.whole))
        found = self._multiples(least)
        return self._multiples(least / 2) if len(found) == 1 and not self.whole else found

    def _multiples(self, least: float) -> list[tuple[float, str]]:
        """Return the multiples of the first step of 1, 2 or 5 times a power of ten from `least` on."""
        if not (0 < least < math.inf) or max(abs(self.low), abs(self.high)) / least > EXACT:
            return []
        exponent = math.floor(math.log10(least))
        for factor, power in ((1, exponent), (2, exponent), (5, exponent), (1, exponent + 1)):
            step = float(f"{factor}e{power}")
            if step >= least:
                break
        if not step or self.high / step - self.low / step < 1:
            return []
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        numbers = [float(f"{count * factor}e{power}") for count in range(first, last + 1)]
        largest = max(map(abs, numbers), default=0)
        return [(number, _label(number, largest, power)) for number in numbers]

    def _powers(self, most: int) -> list[tuple[float, str]]:
        """Return 1, 2 and 5 times powers of ten, or as there is room powers of ten, or some of them."""
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        every = max(1, -(-(last - first) // most))
        few = 3 * (last - first) <= 2 * most
        found = [
            float(f"{factor}e{power}")
            for power in range(-(-first // every) * every, last + 1, every)
            for factor in ((1, 2, 5) if few else (1,))
        ]
        return [(number, _power_label(number)) for number in found if self.low <= number <= self.high]


@dataclass(frozen=True, slots=True)
class LevelScale:
    """Levels side by side, each with a share of the axis. Values are texts; others have no place."""

    levels: Sequence[str]

    def place(self, values: ArrayLike) -> Places:
        """Return the places of the middles of levels."""
        order = {level: place for place, level in enumerate(self.levels)}
        found = [order.get(str(value), math.nan) for value in np.asarray(values, dtype=object).ravel()]
        return (np.array(found, dtype=float) + 0.5) / max(1, len(self.levels))

    def ticks(self, most: int) -> Ticks:
        """Return the levels, or every second, third and so on."""
        every = max(1, -(-len(self.levels) // most))
        return [((place + 0.5) / len(self.levels), self.levels[place]) for place in range(len(self.levels))][
            ::every
        ]


def short_number(number: float) -> str:
    """Return a number of six digits at most, such as 0.25, 1500 or 1e-300."""
    mantissa, mark, exponent = f"{number:.6g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if mark else mantissa


def _power_label(number: float) -> str:
    """Return the text of a tick at 1, 2 or 5 times a power of ten."""
    if PLAIN_POWERS[0] <= number < PLAIN_POWERS[1]:
        return f"{number:g}"
    mantissa, _, exponent = f"{number:.0e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


def _label(number: float, largest: float, power: int) -> str:
    """Return the text of a tick: a multiple of 10 ** power, beside others up to `largest`."""
    if not number:
        return "0"
    if PLAIN[0] <= largest < PLAIN[1] or (PLAIN[1] <= largest < LONG and power < 0):
        return f"{number:.{max(0, -power)}f}"
    digits = max(0, math.floor(math.log10(abs(number)) + 1e-9) - power)
    mantissa, _, exponent = f"{number:.{digits}e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


UNITS = ((2 * 86400, 86400, "days"), (2 * 3600, 3600, "hours"), (2 * 60, 60, "minutes"), (0, 1, "seconds"))


@dataclass(frozen=True, slots=True)
class TimeScale:
    """Moments from began to ended, in seconds since 1970; ticks count days, hours, minutes or seconds."""

    began: float
    ended: float

    @property
    def _unit(self) -> tuple[int, str]:
        return next((size, name) for least, size, name in UNITS if self.ended - self.began >= least)

    @property
    def label(self) -> str:
        """What the ticks count, and from when."""
        start = datetime.fromtimestamp(self.began, UTC)
        return f"{self._unit[1]} since {start:%Y-%m-%d %H:%M:%S} UTC"

    def place(self, values: ArrayLike) -> Places:
        """Return the places of moments."""
        return NumberScale(self.began, self.ended).place(values)

    def ticks(self, most: int) -> Ticks:
        """Return round numbers of the unit."""
        return NumberScale(0.0, (self.ended - self.began) / self._unit[0]).ticks(most)


@dataclass(frozen=True, slots=True)
class ByteScale:
    """Bytes from 0 to `high`; ticks are told in a power of 1024."""

    high: float

    def place(self, values: ArrayLike) -> Places:
        """Return the places of numbers of bytes."""
        return NumberScale(0.0, self.high).place(values)

    def ticks(self, most: int) -> Ticks:
        """Return round numbers of B, KB, MB and so on."""
        prefix = max((place for place in range(len(PREFIXES)) if 1024**place <= self.high), default=0)
        unit = f"{PREFIXES[prefix].strip()}B"
        found = NumberScale(0.0, self.high / 1024**prefix, whole=not prefix).ticks(most)
        return [(place, f"{label} {unit}") for place, label in found]

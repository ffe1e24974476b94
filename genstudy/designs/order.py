"""In which order the rows of a design with an order of its own come."""

from __future__ import annotations

from collections.abc import Callable
from math import gcd, isqrt, prod
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]
    Unsigned = NDArray[np.uint64]

Order = Callable[[int, int], "NDArray[np.int64]"]
"""Gives the numbers of the rows that come at places first, first + 1, ..., first + count - 1."""

ORDERS = ("shuffle", "stratified")

GOLDEN = (5**0.5 - 1) / 2
ROUNDS = 8
"""Of the shuffle: after each two of them, each half has been mixed with the other."""

TRIED = 64
"""Digits that are tried for each axis: all of them, or around so many multiples of the golden ratio."""

KEPT = 16
"""The best strides that are kept from one axis to the next."""

LONGEST = 256
"""Stretches of 4, 8, 16, ... up to so many rows are made even."""


def as_they_are(first: int, count: int) -> Numbers:
    """Return the rows in the design's own order."""
    return np.arange(first, first + count, dtype=np.int64)


def make_order(name: str | None, radices: Sequence[int], seed: int) -> Order:
    """Return the order of this name for all rows; None is the design's own.

    radices: how rows are numbered, the product of which is less than 2**63: those of a grid by the levels of
    its axes, the last of which changes fastest. Rows without such a structure: their number alone.
    Each row comes once. The seed is what a shuffle depends on. Nothing of the size of the design is held.
    """
    total = prod(radices)
    if name is None or total < 2:
        return as_they_are
    return Shuffled(total, seed) if name == "shuffle" else Strided(total, even_stride(radices))


class Strided:
    """Row i * stride mod total comes at place i: each once, as the stride shares no factor with total.

    Of a grid, that is a rank-1 lattice: any stretch of it is as even as any other of its length
    (Niederreiter, Random Number Generation and Quasi-Monte Carlo Methods, 1992, chapter 5).
    """

    def __init__(self, total: int, stride: int) -> None:
        self.total, self.stride = total, stride

    def __call__(self, first: int, count: int) -> Numbers:
        """Return the rows at these places, by additions alone: products could be too large for 64 bits."""
        rows = np.empty(count, dtype=np.uint64)
        if count:
            rows[0] = first * self.stride % self.total
        total, made = np.uint64(self.total), 1
        while made < count:
            more = min(made, count - made)
            rows[made : made + more] = rows[:more] + np.uint64(made * self.stride % self.total)
            rows[made : made + more] %= total
            made += more
        return rows.astype(np.int64)


class Shuffled:
    """A permutation of the rows that looks random, computed place by place.

    A number is written with two digits l, r of the radices a and b, a * b >= total; each round adds a hash
    of one digit to the other (a Feistel network: Black and Rogaway, Ciphers with arbitrary finite domains,
    2002). What comes out at `total` or above goes through again.
    """

    def __init__(self, total: int, seed: int) -> None:
        self.total = total
        self._left = isqrt(total - 1) + 1
        self._right = -(-total // self._left)
        self._keys = np.random.SeedSequence(seed).generate_state(ROUNDS, np.uint64)

    def __call__(self, first: int, count: int) -> Numbers:
        """Return the rows at these places."""
        rows = self._once(np.arange(first, first + count, dtype=np.uint64))
        beyond = np.flatnonzero(rows >= self.total)
        while len(beyond):
            rows[beyond] = self._once(rows[beyond])
            beyond = beyond[rows[beyond] >= self.total]
        return rows.astype(np.int64)

    def _once(self, numbers: Unsigned) -> Unsigned:
        a, b = np.uint64(self._left), np.uint64(self._right)
        left, right = np.divmod(numbers, b)
        for number, key in enumerate(self._keys):
            if number % 2:
                right = (right + _hash(left + key) % b) % b
            else:
                left = (left + _hash(right + key) % a) % a
        return left * b + right


def _hash(numbers: Unsigned) -> Unsigned:
    """Return 64 bits that depend on all bits of each number (splitmix64: Steele, Lea and Flood, 2014)."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def even_stride(radices: Sequence[int]) -> int:
    """Return a stride with which stretches of rows are even in every axis and in all pairs of axes.

    Row i * stride is at the place i * z mod 1 of an axis, z = (stride mod m) / m, where m is the product of
    its radix and those after it. So the stride's digit of an axis can be chosen once those after it are:
    component by component, as lattice rules are made (Sloan and Reztsov, Math. Comp. 71, 2002), keeping the
    best few. Single axes count as much as all of their pairs together.
    """
    distance = np.arange(1, LONGEST)
    weights = sum(
        2 * np.maximum(length - distance, 0) / length for length in 2 ** np.arange(2, LONGEST.bit_length())
    )
    share = 1 / max(1, sum(radix > 1 for radix in radices))
    kept = [(0.0, 0, np.zeros(len(distance)))]
    unit = 1
    for radix in reversed(radices):
        found = {}
        for score, stride, kernels in kept:
            for digit in _digits(radix):
                longer = _coprime(stride, digit, unit, radix)
                kernel = _kernel(np.asarray(distance * (longer / (unit * radix)) % 1))
                added = float((weights * kernel * (1 + share * kernels)).sum())
                # Rounded: which of two equally good ones is taken shall not depend on the last bits.
                found[longer] = (round(score + added, 6), longer, kernels + kernel)
        kept = sorted(found.values(), key=itemgetter(0, 1))[:KEPT]
        unit *= radix
    return kept[0][1]


def _kernel(away: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the kernel of the wrap-around discrepancy for two points at this distance, its mean being 0."""
    return 2 * np.pi**2 * (away * away - away + 1 / 6)


def _digits(radix: int) -> Sequence[int]:
    if radix <= TRIED:
        return range(radix)
    return sorted({int(radix * (multiple * GOLDEN % 1)) for multiple in range(1, TRIED + 1)})


def _coprime(stride: int, digit: int, unit: int, radix: int) -> int:
    """Put the first digit from this one on before the stride that leaves no factor shared with the total."""
    while gcd(stride + digit * unit, unit * radix) != 1:
        digit = (digit + 1) % radix
    return stride + digit * unit

"""Laws that parameters follow, each sampled through its inverse cumulative distribution function.

A design gives points of the unit cube; `law.sample(u)` turns a column of them into values. So one law serves
every design, and a value depends on its own point alone. Formulas not cited otherwise are those of
Devroye, Non-Uniform Random Variate Generation (1986), chapter II.2, inversion.
"""

# ruff: noqa: D102 - what overrides keeps the contract written in Law.

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import MISSING, dataclass, fields
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from genstudy.errors import UserError
from genstudy.parameters.names import check_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Points = NDArray[np.float64]
    Values = NDArray[np.float64] | NDArray[np.int64]

NARROW = 1e-6
"""In sigmas: over a narrower interval, a normal law is exponential to 12 digits."""
TINY = 2.0**-53
"""What 0 becomes before an inverse CDF with an unbounded tail; 1 becomes 1 - TINY."""


def number_text(number: float | Decimal) -> str:
    """Return the shortest text that reads back as this number: `3` for 3.0, `0.1`, `1e-07`."""
    if isinstance(number, Decimal):
        return format(number.normalize(), "f") if abs(number.adjusted()) < 20 else str(number.normalize())
    text = repr(number)
    return text.removesuffix(".0")


def inside(u: Points) -> Points:
    """Return the points with 0 and 1 moved to the nearest inner ones, where unbounded laws are finite."""
    return np.clip(u, TINY, 1 - TINY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Law(ABC):
    """A law of one parameter. Its fields are its arguments, checked at construction."""

    keyword: ClassVar[str]
    needs_scipy: ClassVar[bool] = False

    @property
    def text(self) -> str:
        """The canonical spelling, which `parse_law` reads back as an equal law."""
        arguments = (number_text(getattr(self, field.name)) for field in fields(self))
        return f"{self.keyword}({', '.join(arguments)})"

    @property
    def count(self) -> int | None:
        """How many levels the law has; None where it is continuous or unbounded."""
        return None

    @property
    def even(self) -> bool:
        """Whether its levels are equally likely."""
        return True

    @property
    def ends(self) -> tuple[float, float] | None:
        """The lowest and the highest value of a continuous law; None where it is unbounded or has levels."""
        return None

    @property
    def words(self) -> tuple[str, ...] | None:
        """The texts that values of this law stand for as indices, or None where values are numbers."""
        return None

    @abstractmethod
    def sample(self, u: Points) -> Values:
        """Return the values at points in [0, 1), shape (n,).

        int64 for a law of whole numbers, or of indices of `words`; float64 for any other.
        """

    def at(self, index: NDArray[np.int64]) -> Values:  # noqa: ARG002 - overridden where there are levels
        """Return the levels with these numbers, 0 to count - 1, lowest or first given first."""
        raise TypeError(f"{self.text} has no levels")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A named law: one column of a table."""

    name: str
    law: Law

    def __post_init__(self) -> None:
        """Refuse a name that cannot be a Maestro token."""
        check_name(self.name)


def signature(law: type[Law]) -> str:
    """Return how a law is written, such as `beta(a, b, lo=0, hi=1)`."""
    words = [
        field.name if field.default is MISSING else f"{field.name}={number_text(field.default)}"
        for field in fields(law)
    ]
    return f"{law.keyword}({', '.join(words)})"


def _demand(law: Law, holds: bool, problem: str, hint: str) -> None:
    if not holds:
        raise UserError(f"{law.text}: {problem}", hint=hint)


def _check_order(law: Law, lo: float, hi: float, names: str = "lo and hi") -> None:
    _demand(
        law,
        lo < hi,
        f"{number_text(lo)} is not below {number_text(hi)}",
        f"write {signature(type(law))} with {names} in rising order, or const({number_text(lo)})",
    )
    _demand(law, math.isfinite(hi - lo), "the interval is too wide for a float", "take bounds nearer to 0")


def _check_positive(law: Law, **values: float) -> None:
    for name, value in values.items():
        _demand(
            law, value > 0, f"{name} is {number_text(value)}", f"write {signature(type(law))} with {name} > 0"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Uniform(Law):
    """Uniform on [a, b): a + u (b - a)."""

    keyword = "uniform"
    a: float
    b: float

    def __post_init__(self) -> None:
        _check_order(self, self.a, self.b, "a and b")

    @property
    def ends(self) -> tuple[float, float]:
        return self.a, self.b

    def sample(self, u: Points) -> Values:
        return self.a + u * (self.b - self.a)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogUniform(Law):
    """Uniform in the logarithm, on [a, b]: exp(ln a + u ln(b/a))."""

    keyword = "loguniform"
    a: float
    b: float

    def __post_init__(self) -> None:
        _check_positive(self, a=self.a)
        _check_order(self, self.a, self.b, "a and b")

    @property
    def ends(self) -> tuple[float, float]:
        return self.a, self.b

    def sample(self, u: Points) -> Values:
        low, high = math.log(self.a), math.log(self.b)
        return np.clip(np.exp(low + u * (high - low)), self.a, self.b)


@dataclass(frozen=True, slots=True, kw_only=True)
class Normal(Law):
    """Normal with mean mu and standard deviation sigma: mu + sigma ndtri(u), as in Cephes."""

    keyword = "normal"
    needs_scipy = True
    mu: float
    sigma: float

    def __post_init__(self) -> None:
        _check_positive(self, sigma=self.sigma)
        largest = abs(self.mu) + 9 * self.sigma
        _demand(self, math.isfinite(largest), "values would overflow a float", "take a smaller mu or sigma")

    def sample(self, u: Points) -> Values:
        from scipy.special import ndtri

        return self.mu + self.sigma * np.asarray(ndtri(inside(u)), dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogNormal(Law):
    """The exponential of a normal law; mu and sigma are those of the logarithm."""

    keyword = "lognormal"
    needs_scipy = True
    mu: float
    sigma: float

    def __post_init__(self) -> None:
        _check_positive(self, sigma=self.sigma)
        _demand(
            self,
            abs(self.mu) + 8.5 * self.sigma < 700,
            "values would overflow a float",
            "mu and sigma are those of the logarithm: take the logarithm of what is meant",
        )

    def sample(self, u: Points) -> Values:
        from scipy.special import ndtri

        return np.exp(self.mu + self.sigma * np.asarray(ndtri(inside(u)), dtype=np.float64))


@dataclass(frozen=True, slots=True, kw_only=True)
class TruncNormal(Law):
    """A normal law cut to [lo, hi], which are values and not multiples of sigma.

    F(x) = (1 - u) F(lo) + u F(hi) is solved in logarithms (log_ndtr, ndtri_exp), on whichever side of mu
    keeps both bounds in the lower tail, so an interval 30 sigmas out is as accurate as one at the centre. In
    one far narrower than sigma the logarithms would run out of digits: there the law is exponential.
    """

    keyword = "truncnormal"
    needs_scipy = True
    mu: float
    sigma: float
    lo: float
    hi: float

    def __post_init__(self) -> None:
        _check_positive(self, sigma=self.sigma)
        _check_order(self, self.lo, self.hi)
        widest = max(abs(self.lo - self.mu), abs(self.hi - self.mu)) / self.sigma
        _demand(
            self, widest < 1e150, "lo or hi is too many sigmas from mu", "take bounds within reach of the law"
        )

    @property
    def ends(self) -> tuple[float, float]:
        return self.lo, self.hi

    def sample(self, u: Points) -> Values:
        from scipy.special import log_ndtr, ndtri_exp

        low, high = (self.lo - self.mu) / self.sigma, (self.hi - self.mu) / self.sigma
        if (self.hi - self.lo) / self.sigma < NARROW:
            return self._narrow(u, low * ((self.hi - self.lo) / self.sigma))
        side = 1.0
        if low > 0:
            low, high, u, side = -high, -low, 1 - u, -1.0
        with np.errstate(divide="ignore"):
            log_cdf = np.logaddexp(np.log1p(-u) + log_ndtr(low), np.log(u) + log_ndtr(high))
        deviates = side * np.asarray(ndtri_exp(np.minimum(log_cdf, 0.0)), dtype=np.float64)
        return np.clip(self.mu + self.sigma * deviates, self.lo, self.hi)

    def _narrow(self, u: Points, fall: float) -> Values:
        """Return values whose density falls (rises below mu) by the factor exp(-fall) from lo to hi."""
        share = 1 - u if fall < 0 else u
        if abs(fall) > NARROW**2:
            with np.errstate(divide="ignore"):
                share = -np.log1p(share * math.expm1(-abs(fall))) / abs(fall)
        share = 1 - share if fall < 0 else share
        return np.clip(self.lo + share * (self.hi - self.lo), self.lo, self.hi)


@dataclass(frozen=True, slots=True, kw_only=True)
class Triangular(Law):
    """Triangular on [lo, hi] with its peak at mode (Devroye 1986, II.2)."""

    keyword = "triangular"
    lo: float
    mode: float
    hi: float

    def __post_init__(self) -> None:
        _check_order(self, self.lo, self.hi)
        _demand(
            self,
            self.lo <= self.mode <= self.hi,
            f"the mode {number_text(self.mode)} is outside [{number_text(self.lo)}, {number_text(self.hi)}]",
            "write triangular(lo, mode, hi) with lo <= mode <= hi",
        )

    @property
    def ends(self) -> tuple[float, float]:
        return self.lo, self.hi

    def sample(self, u: Points) -> Values:
        width = self.hi - self.lo
        peak = (self.mode - self.lo) / width
        rising = self.lo + width * np.sqrt(u * peak)
        falling = self.hi - width * np.sqrt((1 - u) * (1 - peak))
        return np.clip(np.where(u < peak, rising, falling), self.lo, self.hi)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beta(Law):
    """Beta with shapes a and b, stretched to [lo, hi]: lo + (hi - lo) betaincinv(a, b, u)."""

    keyword = "beta"
    needs_scipy = True
    a: float
    b: float
    lo: float = 0.0
    hi: float = 1.0

    def __post_init__(self) -> None:
        _check_positive(self, a=self.a, b=self.b)
        _check_order(self, self.lo, self.hi)

    @property
    def ends(self) -> tuple[float, float]:
        return self.lo, self.hi

    def sample(self, u: Points) -> Values:
        from scipy.special import betaincinv

        unit = np.asarray(betaincinv(self.a, self.b, u), dtype=np.float64)
        return np.clip(self.lo + (self.hi - self.lo) * unit, self.lo, self.hi)


CONTINUOUS: Mapping[str, type[Law]] = {
    law.keyword: law for law in (Uniform, LogUniform, Normal, TruncNormal, LogNormal, Triangular, Beta)
}

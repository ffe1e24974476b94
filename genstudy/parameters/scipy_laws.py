"""Laws of scipy.stats. Importing this imports scipy.stats, so it is imported when a law asks for it."""

# ruff: noqa: D102 - what overrides keeps the contract written in Law.

from __future__ import annotations

import inspect
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from genstudy.errors import UserError, near
from genstudy.parameters.laws import Law, number_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from genstudy.parameters.laws import Points, Values

EDGES = tuple(2.0**-bits for bits in range(53, 40, -1))
"""How near to 0 and 1 a law is sampled: the first of these at which scipy has finite values at both ends.

Some formulas round to infinity at 2**-53, or at 1 - 2**-53, where the law itself is finite.
"""
MOST_LEVELS = 2**40
"""A discrete support wider than this counts as unbounded: no grid of it could be written."""


@lru_cache(maxsize=1)
def names() -> frozenset[str]:
    """Return the names of the univariate distributions of scipy.stats."""
    kinds = (stats.rv_continuous, stats.rv_discrete)
    return frozenset(name for name in dir(stats) if isinstance(getattr(stats, name), kinds))


def is_discrete(name: str) -> bool:
    """Return whether the distribution of this name gives integers."""
    return isinstance(getattr(stats, name), stats.rv_discrete)


def signature(name: str) -> str:
    """Return how scipy wants a distribution's arguments, such as `gamma(a, loc=0, scale=1)`."""
    shapes = getattr(stats, name).shapes
    common = ["loc=0"] if is_discrete(name) else ["loc=0", "scale=1"]
    return f"{name}({', '.join(([shapes] if shapes else []) + common)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScipyLaw(Law):
    """A distribution of scipy.stats under its own name, sampled with its `ppf`."""

    needs_scipy = True
    name: str
    arguments: tuple[float, ...] = ()
    keywords: tuple[tuple[str, float], ...] = ()

    @property
    def text(self) -> str:
        words = [number_text(value) for value in self.arguments]
        words += [f"{name}={number_text(value)}" for name, value in self.keywords]
        return f"{self.name}({', '.join(words)})"

    def __post_init__(self) -> None:
        """Refuse what scipy cannot sample; a law whose extreme points are finite is finite everywhere."""
        _check(self)

    @property
    def count(self) -> int | None:
        support = finite_support(self)
        return support and support[1] - support[0] + 1

    @property
    def even(self) -> bool:
        return not is_discrete(self.name) or self.name == "randint"

    @property
    def ends(self) -> tuple[float, float] | None:
        lowest, highest = _of(self).support()
        bounded = not is_discrete(self.name) and np.isfinite(lowest) and np.isfinite(highest)
        return (float(lowest), float(highest)) if bounded else None

    def sample(self, u: Points) -> Values:
        edge = _edge(self)
        values = ppf(self, np.clip(u, edge, 1 - edge))
        return values.astype(np.int64) if is_discrete(self.name) else values

    def at(self, index: NDArray[np.int64]) -> Values:
        support = finite_support(self)
        if support is None:
            raise TypeError(f"{self.text} has no finite levels")
        return index + support[0]


@lru_cache(maxsize=4096)
def _frozen(name: str, arguments: tuple[float, ...], keywords: tuple[tuple[str, float], ...]) -> Any:
    distribution = getattr(stats, name)
    bound = inspect.signature(distribution._parse_args).bind(*arguments, **dict(keywords))  # noqa: SLF001
    return distribution(*bound.args, **bound.kwargs)


def _of(law: ScipyLaw) -> Any:
    return _frozen(law.name, law.arguments, law.keywords)


def _check(law: ScipyLaw) -> None:
    """Refuse an unknown distribution, arguments that do not fit it, and values that are not finite."""
    if law.name not in names():
        raise UserError(
            f"there is no law '{law.name}' in scipy.stats{near(law.name, names())}",
            hint="laws of scipy.stats go by their own names",
        )
    hint = f"scipy.stats writes it {signature(law.name)}"
    try:
        frozen = _of(law)
    except TypeError as error:
        raise UserError(f"{law.text}: {error}", hint=hint) from None
    except Exception as error:  # noqa: BLE001 - scipy raises whatever its formulas come to
        raise _failed(law, error) from None
    if not np.isfinite(_quiet_ppf(frozen, law, [0.5])).all():
        raise UserError(f"{law.text}: an argument is outside what the law allows", hint=hint)
    edge = _edge(law)
    ends = _quiet_ppf(frozen, law, [edge, 1 - edge])
    if is_discrete(law.name) and np.abs(ends).max() >= 2**53:
        raise _overflow(law)
    if is_discrete(law.name) and (ends != np.rint(ends)).any():
        raise UserError(f"{law.text}: its values are not whole", hint="take a whole loc")


@lru_cache(maxsize=4096)
def _edge(law: ScipyLaw) -> float:
    """Return how near to 0 and 1 the law is sampled. UserError where nothing does; the last reason counts."""
    failure = _overflow(law)
    for edge in EDGES:
        try:
            ends = _quiet_ppf(_of(law), law, [edge, 1 - edge])
        except UserError as error:
            failure = error
            continue
        if np.isfinite(ends).all():
            return edge
    raise failure


def _overflow(law: ScipyLaw) -> UserError:
    return UserError(f"{law.text}: its values would overflow", hint="take arguments nearer to 1")


def _failed(law: ScipyLaw, reason: object) -> UserError:
    hint = f"scipy.stats writes it {signature(law.name)}; take other arguments, or another law"
    return UserError(f"{law.text}: scipy cannot sample it: {reason}", hint=hint)


def _quiet_ppf(frozen: Any, law: ScipyLaw, u: Any) -> NDArray[np.float64]:
    """Return the inverse CDF. UserError for whatever scipy raises."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.asarray(frozen.ppf(u), dtype=np.float64)
    except Exception as error:  # noqa: BLE001 - scipy raises whatever its formulas come to
        raise _failed(law, error) from None


def ppf(law: ScipyLaw, u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the inverse CDF at points inside (0, 1). UserError where scipy has no finite value."""
    values = _quiet_ppf(_of(law), law, u)
    if not np.isfinite(values).all():
        raise _failed(law, "a value is not finite")
    return values


@lru_cache(maxsize=4096)
def finite_support(law: ScipyLaw) -> tuple[int, int] | None:
    """Return the lowest and highest value of a discrete law, or None where there is none or no such."""
    if not is_discrete(law.name):
        return None
    lowest, highest = _of(law).support()
    if not (np.isfinite(lowest) and np.isfinite(highest)) or highest - lowest >= MOST_LEVELS:
        return None
    return int(lowest), int(highest)

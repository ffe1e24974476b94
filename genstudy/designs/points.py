"""Designs that fill the unit cube point by point: independent random columns, and low-discrepancy sequences.

Every design has the same two parts: `draw(count)` gives the next `count` rows as one array of values a
parameter (fewer where a block ends), and `total` is the number of rows after which it ends, or None.
"""

from __future__ import annotations

import hashlib
import warnings
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scipy.stats.qmc import QMCEngine

    from genstudy.parameters.laws import Parameter, Points, Values

BELOW_ONE = 1 - 2.0**-53
"""The largest float below 1: points are in [0, 1), also where rounding would give 1."""


SOBOL_CELL = 2.0**-30
"""How fine Sobol points are: scipy makes them of 30 bits."""


class Design(Protocol):
    """What fills a table."""

    @property
    def total(self) -> int | None:
        """How many rows there are before the design ends; None where it never does."""

    def draw(self, count: int) -> list[Values]:
        """Return the next rows, `count` at most and at least one, as one array a parameter."""

    def close(self) -> None:
        """Let go of temporary files."""


def stream(seed: int, name: str, block: int = 0) -> np.random.Generator:
    """Return the random stream of one parameter.

    It depends on the seed, the name and the block alone, so a parameter that comes, goes or moves changes no
    other column: PCG64 on SeedSequence(seed, spawn_key=(the 8 words of the name's SHA-256, block)).
    """
    digest = hashlib.sha256(name.encode()).digest()
    words = (int.from_bytes(digest[at : at + 4], "big") for at in range(0, 32, 4))
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(*words, block))))


class RandomDesign:
    """Independent uniform points, a stream of its own for every column."""

    total = None

    def __init__(self, parameters: Sequence[Parameter], seed: int) -> None:
        self._columns = [(parameter.law, stream(seed, parameter.name)) for parameter in parameters]
        self._points = np.empty(0)

    def draw(self, count: int) -> list[Values]:
        """Return the next rows, each column from where its stream stands."""
        if len(self._points) != count:
            self._points = np.empty(count)
        return [law.sample(generator.random(out=self._points)) for law, generator in self._columns]

    def close(self) -> None:
        """Nothing is open."""


class SequenceDesign:
    """A scrambled Sobol or Halton sequence: columns belong together, so they change with the parameters.

    Sobol points are multiples of 2**-30. Half of that is added: at 0 itself a normal law has a value of -8
    sigma, a thousand million times as often as it should.
    """

    LIMITS: ClassVar = {"sobol": (21201, 2**30), "halton": (2**16, 2**53)}
    """The most parameters and rows: Sobol direction numbers end there, and its points have 30 bits."""

    def __init__(self, kind: str, parameters: Sequence[Parameter], seed: int) -> None:
        most, self.total = self.LIMITS[kind]
        if len(parameters) > most:
            raise UserError(
                f"the design {kind} takes {most} parameters at most, not {len(parameters)}",
                hint="take the design random or lhs",
            )
        self._middle = SOBOL_CELL / 2 if kind == "sobol" else 0.0
        self._laws = [parameter.law for parameter in parameters]
        self._engine = _engine(kind, len(parameters), seed)

    def draw(self, count: int) -> list[Values]:
        """Return the next points of the sequence."""
        with warnings.catch_warnings():
            # scipy warns of every first draw that is no power of 2: here a chunk, not the whole table.
            warnings.simplefilter("ignore", UserWarning)
            points = np.minimum(self._engine.random(count) + self._middle, BELOW_ONE)
        columns: list[Points] = [np.ascontiguousarray(points[:, place]) for place in range(len(self._laws))]
        return [law.sample(column) for law, column in zip(self._laws, columns, strict=True)]

    def close(self) -> None:
        """Nothing is open."""


def _engine(kind: str, dimensions: int, seed: int) -> QMCEngine:
    from scipy.stats import qmc

    engine = qmc.Sobol if kind == "sobol" else qmc.Halton
    return engine(dimensions, scramble=True, rng=np.random.default_rng(seed))

"""Points that fill the unit cube one by one: independent random columns, and low-discrepancy sequences."""

from __future__ import annotations

import hashlib
import warnings
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from genstudy.designs.source import BELOW_ONE
from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scipy.stats.qmc import QMCEngine

    from genstudy.designs.axes import Axis
    from genstudy.designs.kinds import Request
    from genstudy.parameters.laws import Points

SOBOL_CELL = 2.0**-30
"""How fine Sobol points are: scipy makes them of 30 bits."""


def stream(seed: int, name: str, block: int = 0) -> np.random.Generator:
    """Return the random stream of one parameter.

    It depends on the seed, the name and the block alone, so a parameter that comes, goes or moves changes no
    other column: PCG64 on SeedSequence(seed, spawn_key=(the 8 words of the name's SHA-256, block)).
    """
    digest = hashlib.sha256(name.encode()).digest()
    words = (int.from_bytes(digest[at : at + 4], "big") for at in range(0, 32, 4))
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(*words, block))))


def axis_stream(seed: int, axis: Axis, block: int = 0) -> np.random.Generator:
    """Return the random stream of an axis: that of its first parameter."""
    return stream(seed, axis.parameters[0].name, block)


class RandomPoints:
    """Independent uniform points, a stream of its own for every axis."""

    kind: Literal["unit"] = "unit"
    total = None
    block = 1

    def __init__(self, axes: Sequence[Axis], seed: int) -> None:
        self._streams = [axis_stream(seed, axis) for axis in axes]

    def draw(self, count: int) -> Iterator[Points]:
        """Yield the next points, each column from where its stream stands. All columns must be taken."""
        for generator in self._streams:
            yield generator.random(count)

    def skip(self, count: int) -> None:
        """Pass over points: each takes one number of PCG64."""
        for generator in self._streams:
            bits = generator.bit_generator
            assert isinstance(bits, np.random.PCG64)
            bits.advance(count)

    def close(self) -> None:
        """Nothing is open."""


class SequencePoints:
    """A scrambled Sobol or Halton sequence: columns belong together, so they change with the axes.

    Sobol points are multiples of 2**-30. Half of that is added: at 0 itself a normal law has a value of -8
    sigma, a thousand million times as often as it should.
    """

    LIMITS: ClassVar = {"sobol": (21201, 2**30), "halton": (2**16, 2**53)}
    """The most axes and points: Sobol direction numbers end there, and its points have 30 bits."""

    kind: Literal["unit"] = "unit"
    block = 1

    def __init__(self, name: str, axes: Sequence[Axis], seed: int) -> None:
        most, self.total = self.LIMITS[name]
        if len(axes) > most:
            raise UserError(
                f"the design {name} takes {most} parameters at most, not {len(axes)}",
                hint="take the design random or lhs",
            )
        self._middle = SOBOL_CELL / 2 if name == "sobol" else 0.0
        self._engine = _engine(name, len(axes), seed)

    def draw(self, count: int) -> list[Points]:
        """Return the next points of the sequence."""
        with warnings.catch_warnings():
            # scipy warns of every first draw that is no power of 2: here a chunk, not the whole table.
            warnings.simplefilter("ignore", UserWarning)
            points = np.minimum(self._engine.random(count) + self._middle, BELOW_ONE)
        return [np.ascontiguousarray(column) for column in points.T]

    def skip(self, count: int) -> None:
        """Pass over points of the sequence."""
        self._engine.fast_forward(count)

    def close(self) -> None:
        """Nothing is open."""


def _engine(kind: str, dimensions: int, seed: int) -> QMCEngine:
    from scipy.stats import qmc

    engine = qmc.Sobol if kind == "sobol" else qmc.Halton
    return engine(dimensions, scramble=True, rng=np.random.default_rng(seed))


def open_random(request: Request) -> RandomPoints:
    """Open the design that a request asks for."""
    return RandomPoints(request.axes, request.seed)


def open_sobol(request: Request) -> SequencePoints:
    """Open the design that a request asks for."""
    return SequencePoints("sobol", request.axes, request.seed)


def open_halton(request: Request) -> SequencePoints:
    """Open the design that a request asks for."""
    return SequencePoints("halton", request.axes, request.seed)

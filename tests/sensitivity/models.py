"""Models whose indices are known, and Saltelli's rows for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genstudy.designs.axes import make_axes
from genstudy.designs.saltelli import SaltelliPoints
from genstudy.parameters.grammar import parse_parameter

Numbers = NDArray[np.float64]
Model = Callable[[Numbers], Numbers]

G_WEIGHTS = np.array([0.0, 1.0, 4.5, 9.0, 99.0])


def ishigami(u: Numbers) -> Numbers:
    """Ishigami's function with a = 7, b = 0.1 of points of the unit cube."""
    x = np.pi * (2 * u - 1)
    return np.asarray(np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0]))


def ishigami_indices() -> tuple[list[float], list[float], float]:
    """Return its first-order indices, its total ones, and S_13 (Ishigami and Homma, 1990)."""
    a, b = 7.0, 0.1
    one = 0.5 * (1 + b * np.pi**4 / 5) ** 2
    two = a**2 / 8
    both = b**2 * np.pi**8 * (1 / 18 - 1 / 50)
    whole = one + two + both
    shares = [one / whole, two / whole, both / whole]
    return [shares[0], shares[1], 0.0], [shares[0] + shares[2], shares[1], shares[2]], shares[2]


def sobol_g(u: Numbers) -> Numbers:
    """Sobol's g function of five axes."""
    return np.asarray(np.prod((np.abs(4 * u - 2) + G_WEIGHTS) / (1 + G_WEIGHTS), axis=1))


def sobol_g_indices() -> tuple[list[float], list[float]]:
    """Return its first-order and total indices (Saltelli and Sobol, 1995)."""
    parts = 1 / (3 * (1 + G_WEIGHTS) ** 2)
    whole = np.prod(1 + parts) - 1
    others = np.array([np.prod(1 + np.delete(parts, place)) for place in range(len(parts))])
    return (parts / whole).tolist(), (parts * others / whole).tolist()


def unit_axes(count: int) -> list[Any]:
    return make_axes([parse_parameter(f"p{place}=uniform(0, 1)") for place in range(count)])


def saltelli_results(
    model: Model, axes: int, blocks: int, *, second_order: bool = False, seed: int = 1
) -> Numbers:
    """Return a model's results, shape (blocks, rows of a block)."""
    source = SaltelliPoints(unit_axes(axes), seed, blocks=blocks, second_order=second_order)
    return model(np.column_stack(list(source.draw(source.total)))).reshape(blocks, -1)


def problem(axes: int) -> dict[str, Any]:
    """Return what SALib calls a problem."""
    return {"num_vars": axes, "names": [f"p{p}" for p in range(axes)], "bounds": [[0, 1]] * axes}

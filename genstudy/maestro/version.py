"""The installed Maestro's version."""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from genstudy.errors import GenstudyError

OLDEST = (1, 2, 1)
"""Earlier versions sleep seconds after each local step and misread parameter names."""


@cache
def check_version() -> str:
    """Return Maestro's version. Raises GenstudyError where there is none, or one that is too old."""
    wanted = ".".join(map(str, OLDEST))
    try:
        found = version("maestrowf")
    except PackageNotFoundError:
        raise GenstudyError(
            f"Maestro is not installed for {sys.executable}\n  pip install 'maestrowf>={wanted}'"
        ) from None
    numbers = tuple(int(part) for part in found.split(".")[:3] if part.isdigit())
    if numbers < OLDEST:
        raise GenstudyError(
            f"maestrowf {found} is too old: pip install 'maestrowf>={wanted}'\n"
            "  earlier versions sleep after every step and mix up parameters such as P1 and P10"
        )
    return found

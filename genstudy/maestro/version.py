"""The installed Maestro: its version, and whether a shell finds it."""

from __future__ import annotations

import shutil
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

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


def missing_commands() -> str:
    """Return what keeps a `maestro run` from a shell here, with the way out; empty where nothing does.

    Maestro starts `conductor` by its name, and tells success where there is none.
    """
    missing = [name for name in ("maestro", "conductor") if shutil.which(name) is None]
    if not missing:
        return ""
    what = "there is no `maestro` on PATH"
    if "maestro" not in missing:
        what = "there is no `conductor` on PATH: `maestro run` would run nothing, and tell nobody"
    folder = Path(sys.executable).parent
    found = (folder / "conductor").exists()
    way_out = f'export PATH="$PATH:{folder}"' if found else "activate the environment that has Maestro"
    return f"{what}\n  {way_out}; genstudy run needs neither"

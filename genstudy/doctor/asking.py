"""Programs that are asked something, and may not answer."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def ask(command: Sequence[str], *, seconds: float) -> subprocess.CompletedProcess[str]:
    """Run a program with nothing to read, and return what it said and how it ended.

    Raises OSError where it does not start, subprocess.TimeoutExpired where it takes longer.
    """
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=seconds,
        check=False,
    )

"""The commands that a campaign runs before and after each batch."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from genstudy.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SHOWN = 800


def run_hook(word: str, command: str, folder: Path, variables: Mapping[str, str]) -> None:
    """Run a command of the user's with the shell, in the campaign's folder.

    word: what to call it, `before` or `after`. variables: are added to its environment. Raises RunError with
    the end of what it printed where its exit code is not 0.
    """
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=folder,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        check=False,
    )
    if done.returncode:
        printed = done.stdout.decode(errors="backslashreplace").strip()[-SHOWN:]
        raise RunError(
            f"the command {word} a batch ended with exit code {done.returncode}: {command}"
            + (f"\n{printed}" if printed else "")
        )

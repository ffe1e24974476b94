"""The commands that a campaign runs before and after each batch."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from genstudy.archives.trees import Interrupted
from genstudy.campaign.processes import VARIABLE, Family, place_of, processes_are_visible
from genstudy.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HOOK_VARIABLES: Mapping[str, str] = {
    "GENSTUDY_BATCH": "the batch's number, as in the manifest",
    "GENSTUDY_SPEC": "the path of its specification",
    "GENSTUDY_STUDY": "the folder of its study: the one that begins, or the last one that ran",
    "GENSTUDY_DONE": "how many of its rows are done so far",
    "GENSTUDY_FAILED": "how many of its rows failed so far",
}
"""What is added to the environment of these commands."""

SHOWN = 800
LOOK = 0.2
"""Seconds between looks at whether a command shall end."""

GRACE = 10.0
"""Seconds that a command has to end in good order."""


def run_hook(
    word: str, command: str, folder: Path, variables: Mapping[str, str], stop: Callable[[], bool]
) -> None:
    """Run a command of the user's with the shell, in the campaign's folder.

    word: what to call it, `before` or `after`. variables: are added to its environment. stop: asked again and
    again; where it says so, the command and all that it started are ended. Raises RunError with the end of
    what it printed where its exit code is not 0, Interrupted where it was ended.
    """
    variables = {**variables, VARIABLE: place_of(Path(variables[VARIABLE]))}
    # Not a pipe: it would be waited for as long as anything that the command left running holds it.
    with tempfile.TemporaryFile() as printed:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd=folder,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = _wait(process, stop)
        except BaseException:
            _end(process, Path(variables[VARIABLE]))
            raise
        if code is None:
            _end(process, Path(variables[VARIABLE]))
            raise Interrupted(f"the command {word} a batch was stopped: {command}")
        if code:
            printed.seek(0)
            shown = printed.read().decode(errors="backslashreplace").strip()[-SHOWN:]
            raise RunError(
                f"the command {word} a batch ended with exit code {code}: {command}"
                + (f"\n{shown}" if shown else "")
            )


def _wait(process: subprocess.Popen[bytes], stop: Callable[[], bool]) -> int | None:
    """Return a process's exit code; None if it shall end before it did."""
    while not stop():
        with suppress(subprocess.TimeoutExpired):
            return process.wait(LOOK)
    return None


def _end(process: subprocess.Popen[bytes], study: Path) -> None:
    """End a command, and where processes can be seen all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
    if processes_are_visible():
        Family(study).end(GRACE)
    elif process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()

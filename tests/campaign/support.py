"""What the tests of campaigns share: genstudy as a user calls it, and the processes of its studies."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

GENSTUDY = (sys.executable, "-m", "genstudy")


def genstudy(folder: Path, *arguments: object, code: int = 0) -> str:
    """Run a command of genstudy to its end, in a folder, and return what it printed."""
    done = subprocess.run(
        [*GENSTUDY, *map(str, arguments)],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def study_processes(campaign: Path) -> Iterator[int]:
    """Yield the ids of all processes that belong to a study of a campaign."""
    mark = b"GENSTUDY_STUDY=" + str(campaign).encode() + b"/"
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            entries = (folder / "environ").read_bytes().split(b"\0")
            if any(entry.startswith(mark) for entry in entries):
                yield int(folder.name)


def is_maestro(pid: int) -> bool:
    """Tell whether a process is Maestro itself, and not one that its steps started."""
    with suppress(OSError):
        return b"maestro/child.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False

"""What ends a lab once its owner is gone, whatever ended it: `python guard.py FOLDER`.

At the end of its standard input it kills all processes of the lab and removes its folder. A process belongs
to the lab whose environment has SLURM_CONF in this folder, and so do those that it started.
This file is run by its path and imports nothing of the tests.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE = 20.0
PAUSE = 0.02
PROC = Path("/proc")

Choice = Callable[[set[bytes]], bool]
"""Tells by its environment whether a process is meant."""


def find(choice: Choice) -> set[int]:
    """Return the processes whose environment is meant and those below them; never this one or its parents."""
    parents: dict[int, int] = {}
    found: set[int] = set()
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, parent = (entry / "stat").read_bytes().rpartition(b")")[2].split()[:2]
            if state in {b"Z", b"X"}:
                continue
            parents[int(entry.name)] = int(parent)
            if choice(set((entry / "environ").read_bytes().split(b"\0"))):
                found.add(int(entry.name))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    below = {pid for pid in parents if found.intersection(lineage(pid, parents))}
    return (found | below) - set(lineage(os.getpid(), parents))


def lineage(pid: int, parents: dict[int, int]) -> list[int]:
    """Return a process and those that it descends from."""
    line: list[int] = []
    while pid > 0 and pid not in line:
        line.append(pid)
        pid = parents.get(pid, 0)
    return line


def kill(choice: Choice) -> None:
    """Kill the processes that are meant, with what they start meanwhile, and wait until they are gone."""
    end = time.monotonic() + PATIENCE
    # Twice, as one that starts another and ends meanwhile can be overlooked, with the other.
    while (pids := find(choice) or find(choice)) and time.monotonic() < end:
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(PAUSE)


def of_lab(folder: Path) -> Choice:
    """Return what tells the processes of a lab."""
    start = b"SLURM_CONF=" + os.fsencode(folder) + b"/"
    return lambda environ: any(entry.startswith(start) for entry in environ)


def main() -> None:
    folder = Path(sys.argv[1])
    sys.stdin.buffer.read()
    kill(of_lab(folder))
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

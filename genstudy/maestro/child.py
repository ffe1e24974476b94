"""Maestro as a process that does not outlive the one that started it.

`python child.py PARENT ARGUMENTS...` runs `maestro ARGUMENTS...` as long as the process PARENT, which
started it, lives (more exactly: the thread that did). Needs Linux for that; elsewhere it just runs Maestro.
This file is run by its path and imports nothing of genstudy.
"""

from __future__ import annotations

import importlib.util
import os
import runpy
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends."""
    if sys.platform != "linux" or importlib.util.find_spec("_ctypes") is None:
        return
    import ctypes

    # SIGKILL: Maestro shall not take our end for the end of a step, and go on with the next one.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        raise SystemExit("the process that started Maestro has ended")


def main() -> None:
    """Run Maestro with the arguments behind the parent's number."""
    die_with(int(sys.argv[1]))
    sys.argv = ["maestro", *sys.argv[2:]]
    runpy.run_module("maestrowf.maestro", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

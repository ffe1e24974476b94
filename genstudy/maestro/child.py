"""Maestro as a process that does not outlive the one that started it.

`python child.py PARENT ARGUMENTS...` runs `maestro ARGUMENTS...` as long as the process PARENT, which
started it, lives (more exactly: the thread that did). Needs Linux for that; elsewhere it just runs Maestro.
Jobs that Slurm prepares, suspends or runs again are waited for: Maestro alone would take them for failed.
This file is run by its path and imports nothing of genstudy.
"""

from __future__ import annotations

import importlib.util
import os
import runpy
import signal
import sys
from typing import Any

PR_SET_PDEATHSIG = 1

WAITING = "CF CONFIGURING RD RESV_DEL_HOLD RF REQUEUE_FED RH REQUEUE_HOLD RQ REQUEUED SE SPECIAL_EXIT"
AT_WORK = "RS RESIZING S SUSPENDED SI SIGNALING SO STAGE_OUT ST STOPPED"
STATES = {**dict.fromkeys(WAITING.split(), "PENDING"), **dict.fromkeys(AT_WORK.split(), "RUNNING")}
"""Slurm's words, short and long, for jobs that have not ended, and a word for each that Maestro knows."""


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


def know_states() -> None:
    """Have Maestro take jobs in states that it does not know for what they are."""
    from maestrowf.interfaces.script.slurmscriptadapter import SlurmScriptAdapter

    state_of = getattr(SlurmScriptAdapter, "_state", None)
    if state_of is None:  # a later Maestro, which has its own way
        return

    def state(adapter: SlurmScriptAdapter, word: str) -> Any:
        return state_of(adapter, STATES.get(word, word))

    SlurmScriptAdapter._state = state  # noqa: SLF001 - there is no other way in


def main() -> None:
    """Run Maestro with the arguments behind the parent's number."""
    die_with(int(sys.argv[1]))
    know_states()
    sys.argv = ["maestro", *sys.argv[2:]]
    runpy.run_module("maestrowf.maestro", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

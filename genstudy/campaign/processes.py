"""A study's processes: found by what their environment says, wherever they went, and ended."""

from __future__ import annotations

import errno
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from genstudy.errors import RunError
from genstudy.maestro.process import CHILD

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

VARIABLE = "GENSTUDY_STUDY"
"""The environment variable of all processes of a study: the study's folder."""

PROC = Path("/proc")
PAUSE = 0.02
PATIENCE = 60.0
"""Seconds in which the system must have ended a process that was killed."""

SCRIPT_PLACES = 3
"""A step's script is among so many first words of a command line: behind its shell and an option."""

STOPPING = 5.0
RUNNING = frozenset({b"R", b"S"})
DEAD = frozenset({b"Z", b"X"})
GONE = (FileNotFoundError, ProcessLookupError)


def place_of(study: Path) -> str:
    """Return the one name of a study's folder, which need not exist."""
    return str(study.parent.resolve() / study.name)


def processes_are_visible() -> bool:
    """Tell whether this system shows the processes' environment, as Linux does."""
    return (PROC / "self" / "environ").is_file()


class Family:
    """The processes of a study. session: that of its Maestro, as long as this number is surely its own."""

    def __init__(self, study: Path, *, session: int | None = None) -> None:
        self._study, self._session = study, session
        self._entry = os.fsencode(f"{VARIABLE}={place_of(study)}")

    def pids(self) -> list[int]:
        """Return the numbers of those that live, without this process and those that it descends from."""
        own = set(_lineage())
        found = (int(entry.name) for entry in os.scandir(PROC) if entry.name.isdigit())
        return sorted(pid for pid in found if pid not in own and self.has(pid))

    def has(self, pid: int) -> bool:
        """Tell whether a process is one of the study's, and this user's."""
        folder = PROC / str(pid)
        try:
            if folder.stat().st_uid != os.geteuid():
                return False
            return self._entry in _environ(folder) or (
                self._session is not None and self._session == _session(folder)
            )
        except GONE:
            return False

    def maestros(self) -> list[int]:
        """Return the numbers of those that are Maestro itself, which leads its session."""
        name = os.fsencode(CHILD.name)
        # Right after its start the system does not tell a process's words yet.
        return [
            pid
            for pid in self.pids()
            if pid == self._session or any(word.endswith(name) for word in _words(pid))
        ]

    def send(self, pid: int, number: signal.Signals) -> None:
        """Signal a process if it still is one of the study's at that moment."""
        handle = None
        try:
            handle = _handle(pid)
            if not self.has(pid):
                return
            if handle is None:
                os.kill(pid, number)
            else:
                signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            return
        finally:
            if handle is not None:
                os.close(handle)

    def end(self, grace: float) -> set[int]:
        """End all of them, with SIGTERM and after `grace` seconds with SIGKILL; return their numbers.

        Maestro is stopped first and goes last: stopped, it cannot record the end of a step as the step's
        failure, nor go on with the next row, and the steps can still print while they end in good order.
        Returns when all are gone. Raises RunError where the system does not end them.
        """
        maestros = self.maestros()
        for pid in maestros:
            self.send(pid, signal.SIGSTOP)
        _wait_for_stop(maestros)
        told = set(maestros)
        start = time.monotonic()
        # Twice, as one that starts another and ends meanwhile can be overlooked, with the other.
        while pids := self.pids() or self.pids():
            waited = time.monotonic() - start
            if waited > grace + PATIENCE:
                raise RunError(
                    f"processes of {self._study.name} do not end: {', '.join(map(str, pids))}\n"
                    "  they hang in the system, perhaps on a file system that does not answer\n"
                    "  do not run their batch again before they are gone"
                )
            others = [pid for pid in pids if pid not in maestros]
            for pid in others or pids:
                if waited >= grace or not others:
                    self.send(pid, signal.SIGKILL)
                elif pid not in told:
                    self.send(pid, signal.SIGTERM)
            told.update(pids)
            time.sleep(PAUSE)
        return told

    def workspaces(self) -> set[str]:
        """Return the workspaces, as `step/label`, in which a process works or whose script it runs."""
        roots = {Path(place_of(self._study)), self._study.absolute()}
        found = set()
        for pid in self.pids():
            for folder in _folders(pid):
                for root in roots:
                    if folder.is_relative_to(root) and folder != root:
                        found.add("/".join(folder.relative_to(root).parts[:2]))
        return found


def end_group(group: int, grace: float) -> None:
    """End a process group, with SIGTERM and after `grace` seconds with SIGKILL: where no more can be seen."""
    start = time.monotonic()
    number = signal.SIGTERM
    try:
        os.killpg(group, number)
        while True:
            if number == signal.SIGTERM and time.monotonic() - start >= grace:
                number = signal.SIGKILL
                os.killpg(group, number)
            os.killpg(group, 0)
            time.sleep(PAUSE)
    except (ProcessLookupError, PermissionError):  # macOS has the second for a group of zombies
        return


def _wait_for_stop(pids: Sequence[int]) -> None:
    """Wait until none of these processes runs; one that waits for the system stops before it runs again."""
    end = time.monotonic() + STOPPING
    while any(_state(PROC / str(pid)) in RUNNING for pid in pids) and time.monotonic() < end:
        time.sleep(PAUSE)


def _handle(pid: int) -> int | None:
    """Return a name of a process that never becomes another's, as its number can; None if there is none."""
    if not hasattr(os, "pidfd_open") or not hasattr(signal, "pidfd_send_signal"):
        return None
    try:
        return os.pidfd_open(pid)
    except PermissionError:  # in some containers
        return None
    except OSError as problem:
        if problem.errno == errno.ENOSYS:  # kernels before 5.3
            return None
        raise


def _lineage() -> Iterator[int]:
    """Yield this process and those that it descends from."""
    pid = os.getpid()
    try:
        while pid > 0:
            yield pid
            pid = int(_stat(PROC / str(pid))[1])
    except (*GONE, PermissionError):  # the processes of other users may be hidden
        return


def _environ(folder: Path) -> list[bytes]:
    try:
        return (folder / "environ").read_bytes().split(b"\0")
    except PermissionError:  # of a program that may not be looked into
        return []


def _stat(folder: Path) -> list[bytes]:
    """Return what stands behind a process's name: state, parent, group, session, ..."""
    return (folder / "stat").read_bytes().rpartition(b")")[2].split()


def _state(folder: Path) -> bytes:
    """Return the letter of a process's state; X for one that is gone."""
    try:
        return _stat(folder)[0]
    except GONE:
        return b"X"


def _session(folder: Path) -> int | None:
    """Return a process's session; None for one that has ended and is only not yet waited for."""
    state, _, _, session = _stat(folder)[:4]
    return None if state in DEAD else int(session)


def _words(pid: int) -> list[bytes]:
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except (*GONE, PermissionError):
        return []


def _folders(pid: int) -> Iterator[Path]:
    """Yield the folder in which a process works, and that of the script that it runs."""
    try:
        yield (PROC / str(pid) / "cwd").readlink()
    except (*GONE, PermissionError):
        return
    for word in _words(pid)[:SCRIPT_PLACES]:
        if word.endswith(b".sh"):
            yield Path(os.fsdecode(word)).parent

"""Whether the process that owns a campaign still lives, as far as that can be known from here."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genstudy.ledger.records import Owned

PROC = Path("/proc")
MACHINE_ID = Path("/etc/machine-id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where process numbers mean something. A text that cannot be known here is empty.

    host: its name, which others may have too; machine: a hash of its id; boot: the id of its kernel's boot;
    namespace: of process numbers.
    """

    host: str
    machine: str
    boot: str
    namespace: str

    @property
    def known(self) -> bool:
        """Whether another process here can be looked at."""
        return bool(self.boot and self.namespace)


def this_place() -> Place:
    """Return the place of this process."""
    machine = _text(MACHINE_ID).strip()
    return Place(
        host=os.uname().nodename,
        # The id itself is not for others to see, says machine-id(5), and a campaign's folder gets copied.
        machine=hashlib.sha256(f"genstudy {machine}".encode()).hexdigest()[:16] if machine else "",
        boot=_text(PROC / "sys/kernel/random/boot_id").strip(),
        namespace=_namespace(),
    )


def pid_start() -> int | None:
    """Return when this process was started, in the kernel's ticks; None where that cannot be known."""
    found = _state_and_start("self")
    return found and found[1]


def is_alive(owned: Owned) -> bool | None:
    """Tell whether an owner's process lives; None if that cannot be known from here."""
    here = this_place()
    there = Place(host=owned.host, machine=owned.machine, boot=owned.boot, namespace=owned.namespace)
    if there == here and here.known and owned.pid_start is not None:
        return _is_running(owned.pid, owned.pid_start)
    same_machine = bool(here.machine) and (there.host, there.machine) == (here.host, here.machine)
    if same_machine and here.boot and there.boot and there.boot != here.boot:
        return False
    return None


def _is_running(pid: int, start: int) -> bool | None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is there, and another user's
    found = _state_and_start(str(pid))
    if found is None:
        return None  # /proc may be mounted so that it hides what other users run
    return found[0] not in "ZXx" and found[1] == start


def _state_and_start(process: str) -> tuple[str, int] | None:
    # A process may have any name, brackets and blanks included.
    fields = _text(PROC / process / "stat").rpartition(")")[2].split()
    return (fields[0], int(fields[19])) if len(fields) > 19 else None


def _namespace() -> str:
    try:
        # A /proc of another namespace counts processes in another way than os.kill does.
        own = (PROC / "self").readlink().name == str(os.getpid())
        return str((PROC / "self/ns/pid").readlink()) if own else ""
    except OSError:
        return ""


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""

"""Processes that own a campaign's ledger, and do what they are told over a pipe, a word at a time.

Run as a program, this file is such a process: it reads words and answers each with a line.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest

from genstudy.errors import UserError
from genstudy.ledger.lease import Fenced, Ownership
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.records import Cleared, Record

BEAT = 0.02
NEVER = 1e6
"""Patience that no test has: with it, whoever waits hangs."""
SOON = 0.3
LONG = 15.0
CONTAINER = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")


def unshare_works() -> bool:
    """Tell whether containers can be made here."""
    if not shutil.which(CONTAINER[0]):
        return False
    return subprocess.run([*CONTAINER, "true"], capture_output=True, check=False).returncode == 0


linux = pytest.mark.skipif(not Path("/proc/self/ns/pid").exists(), reason="needs /proc")
containers = pytest.mark.skipif(not unshare_works(), reason="needs the right to make namespaces")


def events(campaign: Path) -> list[str]:
    """Return the kinds of all records that count."""
    return [type(record).__name__ for record in Ledger(campaign).records()]


def cleared(left: int = 0) -> Cleared:
    """Return a record to write; `left` tells one from another."""
    return Cleared(t=time.time(), batch="0000", left=left)


def no_news(text: str) -> None:
    """Take the place of `tell` where nothing is to be waited for."""
    raise AssertionError(text)


class Owner:
    """Another process that can own the ledger of a campaign."""

    def __init__(self, campaign: Path, *before: str, clock: str = "right", patience: float = NEVER) -> None:
        """Start it. before: a command that it is started by. clock: `right` or `jumping`."""
        self.process = subprocess.Popen(
            [*before, sys.executable, "-m", __name__, str(campaign), clock, str(patience)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            cwd=Path(__file__).parents[2],
        )

    def __enter__(self) -> Self:
        assert self.answer() == "ready"
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def tell(self, word: str) -> None:
        """Hand it a word, and do not wait."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")

    def answer(self) -> str:
        """Wait for a line."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def ask(self, word: str) -> str:
        """Hand it a word, and wait for the answer."""
        self.tell(word)
        return self.answer()

    def kill(self) -> None:
        """End it with SIGKILL, and take note of its death."""
        self.process.kill()
        self.process.wait()

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Stop it as Ctrl-Z does, and let it go on at the end."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)
        yield
        self.process.send_signal(signal.SIGCONT)


def rewrite_owner(campaign: Path, generation: int = 1, **changes: Any) -> None:
    """Make an owner file say something else, such as another host."""
    path = campaign / f"ledger/owner-{generation:06}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes) + "\n")


def lefts(folder: Path) -> list[int]:
    """Return what tells the records that were added from each other."""
    return [record.left for record in Ledger(folder).records() if isinstance(record, Cleared)]


def killed_after(folder: Path, *records: Record) -> Path:
    """Leave a ledger as an owner does that is killed after these records; return their file."""
    owner = Ledger(folder, beat=NEVER).own({}, no_news)
    for record in records:
        owner.add(record)
    owner._heartbeat.stop()
    owner._records.close()
    rewrite_owner(folder, owner.generation, pid=2**30)
    return folder / f"ledger/records-{owner.generation:06}.jsonl"


def _obey(ledger: Ledger) -> None:
    owner: Ownership | None = None
    for number, line in enumerate(sys.stdin):
        word = line.strip()
        try:
            if word == "own":
                owner = ledger.own({}, no_news)
                answer = f"owned {owner.generation}"
            else:
                assert owner is not None
                answer = _do(owner, word, number)
        except (Fenced, UserError) as problem:
            answer = f"{type(problem).__name__}: {problem}".replace("\n", " ")
        _say(answer)


def _say(answer: str) -> None:
    sys.stdout.write(f"{answer}\n")
    sys.stdout.flush()


def _do(owner: Ownership, word: str, number: int) -> str:
    match word:
        case "add":
            owner.add(cleared(number))
        case "check":
            owner.check()
        case "cancelled":
            return str(owner.cancelled())
        case "leave":
            with owner:
                pass
    return "done"


if __name__ == "__main__":
    if sys.argv[2] == "jumping":
        time.time = lambda: random.uniform(0, 4e9)
    _say("ready")
    _obey(Ledger(Path(sys.argv[1]), beat=BEAT, patience=float(sys.argv[3])))

"""The process that runs user code and regular expressions: started, asked, killed and started again."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

PROGRAM = Path(__file__).with_name("worker.py")
START = 60.0
"""Seconds that starting and importing may take at least."""

LONGEST = 2**26
"""Bytes of an answer: more is nonsense."""

BLOCK = 2**16
LOOK = 0.01
ENDING_LOOKS = 100
"""A process that closed its socket is about to end, mostly: so often it is looked whether it has, and why."""


class NoAnswer(Exception):
    """A request was not answered; the message says why. The process is gone then."""


class WorkerProcess:
    """A process that answers requests. It is started with the first of them, and again after it ended.

    task: the first request that each new process gets. A context manager: at its end the process is killed,
    with all that it started; so it is when the thread ends that started it (on Linux).
    """

    def __init__(self, task: Mapping[str, Any], *, timeout: float) -> None:
        self._task, self._timeout = task, timeout
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the process, if there is none. UserError where it does not take its task."""
        if self._process is not None:
            return
        ours, theirs = socket.socketpair()
        self._socket = ours
        with theirs:
            # -P: no file of the user's is taken for Python's own. -B: nothing is written beside his module.
            command = [sys.executable, "-P", "-B", "-X", "utf8", str(PROGRAM)]
            self._process = subprocess.Popen(
                [*command, str(os.getpid()), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        try:
            answer = self._exchange(self._task, b"", max(START, self._timeout))
        except NoAnswer as reason:
            raise UserError(f"it {reason}") from None
        if "fault" in answer:
            self.close()
            raise UserError(answer["fault"])

    def ask(self, request: Mapping[str, Any], data: bytes = b"") -> Mapping[str, Any]:
        """Return the answer to a request; NoAnswer where the process ended, or took too long."""
        if self._has_ended():
            self.close()
        self.start()
        return self._exchange(request, data, self._timeout)

    def close(self) -> int:
        """Kill the process and all that it started; return its exit code, which one that had ended keeps."""
        if self._socket is not None:
            self._socket.close()
        code = 0
        if self._process is not None:
            # Before it is waited for: its number cannot belong to another process yet.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            code = self._process.wait()
        self._process = self._socket = None
        return code

    def _has_ended(self) -> bool:
        """Tell whether the process ended since its last answer: that is not the next row's fault."""
        if self._socket is None:
            return False
        try:
            self._socket.settimeout(0)
            return not self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _exchange(self, request: Mapping[str, Any], data: bytes, timeout: float) -> Mapping[str, Any]:
        end = time.monotonic() + timeout
        line = json.dumps({**request, "size": len(data)} if data else dict(request)).encode() + b"\n"
        try:
            assert self._socket is not None
            self._socket.settimeout(timeout)
            self._socket.sendall(line + data)
            answer = json.loads(self._receive(end))
        except TimeoutError:
            self.close()
            raise NoAnswer(f"took longer than {timeout:g} s") from None
        except (OSError, EOFError):
            raise NoAnswer(self._ending()) from None
        except ValueError:
            self.close()
            raise NoAnswer("gave no sensible answer") from None
        return answer if isinstance(answer, dict) else {}

    def _receive(self, end: float) -> bytes:
        assert self._socket is not None
        parts: list[bytes] = []
        size = 0
        while not parts or not parts[-1].endswith(b"\n"):
            self._socket.settimeout(max(end - time.monotonic(), 0.001))
            part = self._socket.recv(BLOCK)
            if not part:
                raise EOFError
            parts.append(part)
            size += len(part)
            if size > LONGEST:
                raise ValueError
        return b"".join(parts)

    def _ending(self) -> str:
        """Return how the process ended, whose end of the socket is closed."""
        if not self._ends():
            self.close()
            return "closed the connection to its process"
        code = self.close()
        if code < 0:
            return f"was killed by signal {-code}, {signal.strsignal(-code) or 'unknown'}"
        return f"ended its process with exit code {code}"

    def _ends(self) -> bool:
        """Wait a moment for the process to end by itself; its number stays its own until `close`."""
        assert self._process is not None
        for _ in range(ENDING_LOOKS):
            if os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                return True
            time.sleep(LOOK)
        return False

"""What the system allows this process, and how it talks to people."""

from __future__ import annotations

import locale
import os
import resource
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from genstudy.doctor.findings import note, ok
from genstudy.units import size_text, time_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genstudy.doctor.findings import Finding

FEW_FILES = 256
FEW_PROCESSES = 200
LITTLE_MEMORY = 4 * 1024**3
"""Of address space: libraries for tables map much more of it than they use."""


def limits() -> Iterator[Finding]:
    """Tell the limits of this process, which Maestro and every row's step inherit."""
    files, processes = _soft(resource.RLIMIT_NOFILE), _soft(resource.RLIMIT_NPROC)
    shown = [f"{_count(files)} open files", f"{_count(processes)} processes", f"{_cores()} cores"]
    yield ok("limits", ", ".join(shown))
    if files is not None and files < FEW_FILES:
        yield note("limits", f"{files} open files are few; each batch that runs needs some", "ulimit -n 1024")
    if processes is not None and processes < FEW_PROCESSES:
        text = f"{processes} processes are few for all that this user runs here"
        yield note("limits", text, "ask for more; keep --jobs small")
    if (cpu := _soft(resource.RLIMIT_CPU)) is not None:
        text = f"a process is killed after {time_text(cpu)} of computing, as login nodes have it"
        yield note("limits", text, "run long campaigns in a job, or hand batches over: genstudy submit")
    if (size := _soft(resource.RLIMIT_FSIZE)) is not None:
        yield note(
            "limits", f"a file may have {size_text(size)}; an archive may need more", "ulimit -f unlimited"
        )
    if (memory := _soft(resource.RLIMIT_AS)) is not None and memory < LITTLE_MEMORY:
        yield note(
            "limits", f"a process may have {size_text(memory)} of address space", "ulimit -v unlimited"
        )


def temporary() -> Iterator[Finding]:
    """Tell whether TMPDIR names a folder that can be used. Raises OSError where no other can, either."""
    asked = os.environ.get("TMPDIR")
    taken = tempfile.gettempdir()
    if asked and Path(asked).absolute() != Path(taken).absolute():
        text = f"{asked} cannot be used; genstudy takes {taken}, but programs that steps call may fail"
        yield note("TMPDIR", text, "export TMPDIR=FOLDER, one with room that you may write to")


def locale_found() -> Iterator[Finding]:
    """Tell the encodings, and whether the locale that is asked for exists here."""
    encodings = {
        "names of files": sys.getfilesystemencoding(),
        "text": locale.getpreferredencoding(do_setlocale=False),
        "output": getattr(sys.stdout, "encoding", None) or "utf-8",
    }
    asked = next((os.environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(name)), "C")
    other = [f"{what} {code}" for what, code in encodings.items() if code.lower().replace("-", "") != "utf8"]
    if other:
        text = f"{asked}: {', '.join(other)}; what is not ASCII may be shown as escapes"
        yield note("locale", text, "export LC_ALL=C.UTF-8")
    elif not _exists():
        text = f"{asked} is not installed: bash warns of it in the errors of every step"
        yield note("locale", text, "export LC_ALL=C.UTF-8")
    else:
        yield ok("locale", f"{asked}, UTF-8")


def terminal() -> Iterator[Finding]:
    """Tell whether progress can be drawn."""
    streams = {"input": sys.stdin, "output": sys.stdout, "errors": sys.stderr}
    closed = [name for name, stream in streams.items() if stream is None]
    if closed:
        yield note("terminal", f"closed: {', '.join(closed)}")
    elif sys.stdout.isatty():
        size = shutil.get_terminal_size()
        yield ok("terminal", f"{os.environ.get('TERM', 'unknown')}, {size.columns} columns")
    else:
        yield ok("terminal", "none: commands print plain lines, and no bars")


def _exists() -> bool:
    before = locale.setlocale(locale.LC_ALL)
    try:
        locale.setlocale(locale.LC_ALL, "")
    except locale.Error:
        return False
    finally:
        locale.setlocale(locale.LC_ALL, before)
    return True


def _soft(kind: int) -> int | None:
    """Return a limit; None where there is none."""
    found = resource.getrlimit(kind)[0]
    return None if found == resource.RLIM_INFINITY else found


def _count(limit: int | None) -> str:
    return "any number of" if limit is None else f"{limit:,}"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

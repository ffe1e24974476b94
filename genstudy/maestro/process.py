"""Maestro's command line, and Maestro as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genstudy.errors import UserError
from genstudy.maestro.version import check_version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CHILD = Path(__file__).with_name("child.py")
SLEEP = 60
"""Seconds between Maestro's looks at jobs that a scheduler runs, as Maestro itself has it."""


def run_command(spec: Path, pgen: Path | None, *options: str) -> list[str]:
    """Return the arguments of `maestro` that run a specification."""
    return ["run", str(spec), *(["--pgen", str(pgen)] if pgen else []), *options]


def foreground_command(
    spec: Path, pgen: Path | None, out: Path, *, options: Sequence[str] = (), sleep: int | None = None
) -> list[str]:
    """Return the arguments of `maestro` that run a specification to its end, asking nothing.

    out: the study's folder. sleep: seconds between looks at the jobs; None: no pause where the steps run
    here, and Maestro's own where a scheduler runs them.
    """
    if sleep is None:
        sleep = 0 if scheduler_of(spec) == "local" else SLEEP
    fixed = ("-fg", "-y", "-s", str(sleep), "-o", str(out.absolute()))
    return run_command(spec.absolute(), pgen and pgen.absolute(), *fixed, *options)


def scheduler_of(spec: Path) -> str:
    """Return what runs the steps of a specification: `local`, or a scheduler's name."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    node = yaml.compose(spec.read_text(encoding="utf-8"), Loader=loader)
    for key in ("batch", "type"):
        entries = (
            {name.value: value for name, value in node.value} if isinstance(node, yaml.MappingNode) else {}
        )
        node = entries.get(key)
    return str(node.value) if isinstance(node, yaml.ScalarNode) else "local"


def start_in_foreground(
    command: Sequence[str], out: Path, *, log: Path, environ: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start the installed Maestro with these arguments, in a session of its own, standard input closed.

    out: the study's folder, which must not exist (Maestro would delete it). log: gets what Maestro prints.
    Maestro is killed when the calling thread ends, so that it never outlives genstudy (on Linux).
    """
    check_version()
    if out.exists() or out.is_symlink():
        raise UserError("the output folder exists, and Maestro would delete it", where=str(out))
    # -P: a file of the user's such as random.py is never taken for Python's own. UTF-8: values reach scripts
    # as they are, whatever the locale.
    python = [sys.executable, "-P", "-u", "-X", "utf8", str(CHILD), str(os.getpid())]
    with log.open("ab") as stream:
        return subprocess.Popen(
            [*python, *command],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=environ,
            start_new_session=True,
        )


def exit_meaning(code: int) -> str:
    """Say what an exit code of Maestro in the foreground means; a negative one is a signal."""
    if code < 0:
        return f"Maestro was killed by signal {-code} ({signal.strsignal(-code)})"
    meanings = ("every step finished", "Maestro ended in an error", "a step failed", "it was cancelled")
    return meanings[code] if code < len(meanings) else f"Maestro ended with exit code {code}"

"""Maestro: the one that genstudy runs, and the commands that a shell finds, which may be another's."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

from genstudy.doctor.asking import ask
from genstudy.doctor.findings import note, ok, problem
from genstudy.maestro.version import OLDEST, check_version, missing_commands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genstudy.doctor.findings import Finding

SECONDS = 30.0
"""The longest that `maestro --version` may take; over a network file system it takes some."""

VERSION = re.compile(r"\b(\d+)\.(\d+)(?:\.(\d+))?")
ACTIVATE = "activate the environment that has genstudy, or put its folder first on PATH: {}"


def installed() -> Iterator[Finding]:
    """Tell which Maestro genstudy runs: that of its own Python, whatever PATH is."""
    yield ok("Maestro", f"{check_version()}, which genstudy run uses")


def on_path() -> Iterator[Finding]:
    """Tell which `maestro` and `conductor` a shell finds, for those who run a specification by hand."""
    maestro, conductor = shutil.which("maestro"), shutil.which("conductor")
    lack, _, hint = missing_commands().partition("\n  ")
    if maestro is None:
        yield note("maestro", lack, hint)
        return
    own = _own("maestro")
    if own is not None and Path(maestro).resolve() == own:
        yield ok("maestro", maestro)
    else:
        yield _other(maestro, own)
    if conductor is None:
        yield problem("conductor", lack, hint)
    elif Path(conductor).resolve().parent != Path(maestro).resolve().parent:
        text = f"`maestro run` starts {conductor} by its name, and that belongs to another Maestro"
        way_out = (
            "have one folder with both first on PATH; maestro run -fg, and genstudy run, need no conductor"
        )
        yield problem("conductor", text, way_out)
    else:
        yield ok("conductor", conductor)


def _own(name: str) -> Path | None:
    """Return where the Maestro of this Python has a command; None where its installer did not tell."""
    try:
        files = distribution("maestrowf").files or []
    except PackageNotFoundError:
        return None
    places = (Path(str(file.locate())) for file in files if Path(file).name == name and ".." in file.parts)
    return next((place.resolve() for place in places), None)


def _other(command: str, own: Path | None) -> Finding:
    """Return what is to be said of a `maestro` that is not this environment's."""
    hint = ACTIVATE.format(own.parent) if own is not None else ""
    try:
        done = ask([command, "--version"], seconds=SECONDS)
    except subprocess.TimeoutExpired:
        return problem("maestro", f"{command} --version does not answer within {SECONDS:g} s", hint)
    except OSError as error:
        return problem("maestro", f"{command} does not start: {error.strerror or error}", hint)
    found = VERSION.search(done.stdout)
    if done.returncode or found is None:
        said = " ".join((done.stderr or done.stdout).split())[-200:]
        return problem("maestro", f"{command} does not tell its version: {said or done.returncode}", hint)
    wanted = ".".join(map(str, OLDEST))
    if tuple(int(part or 0) for part in found.groups()) < OLDEST:
        text = f"{command} is not this environment's, and too old: {found[0]}, and {wanted} is needed"
        return problem("maestro", text, hint)
    return note("maestro", f"{command} is not this environment's, but fit: {found[0]}", hint)

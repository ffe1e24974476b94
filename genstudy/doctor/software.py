"""The installed software: Python, genstudy, and the packages and programs that it uses."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING

import genstudy
from genstudy.doctor.asking import ask
from genstudy.doctor.findings import PIP, note, ok, problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.requirements import Requirement

    from genstudy.doctor.findings import Finding

NAME = "genstudy"
SECONDS = 20.0


def python() -> Iterator[Finding]:
    """Tell which Python this is."""
    numbers = ".".join(map(str, sys.version_info[:3]))
    yield ok("Python", f"{numbers}, {sys.executable}")


def itself() -> Iterator[Finding]:
    """Tell which genstudy this is, and whether another one is on PATH."""
    yield ok(NAME, f"{genstudy.__version__}, {genstudy.__path__[0]}")
    found = shutil.which(NAME)
    if found is None:
        return
    said = _version_said(found)
    if said != f"says {NAME} {genstudy.__version__}":
        hint = f"put this one's folder first on PATH: {Path(sys.executable).parent}"
        yield note(NAME, f"the one on PATH is another: {found} {said}", hint)


def _version_said(program: str) -> str:
    """Return what a genstudy answers to `--version`, as the end of a sentence."""
    try:
        asked = ask([program, "--version"], seconds=SECONDS)
    except subprocess.TimeoutExpired:
        return f"does not answer within {SECONDS:g} s"
    except OSError as error:
        return f"does not start: {error.strerror or error}"
    return "says " + (" ".join(asked.stdout.split()[:2]) or f"nothing, and ends with {asked.returncode}")


def packages() -> Iterator[Finding]:
    """Compare the packages that genstudy needs with what is installed."""
    try:
        wanted = list(needed(""))
    except PackageNotFoundError:
        yield note("packages", "genstudy is not installed: nothing tells what it needs", f"{PIP} genstudy")
        return
    fit = []
    for requirement in wanted:
        found = installed(requirement.name)
        if found is None:
            yield problem("packages", f"{requirement} is needed and not installed", f"{PIP} '{requirement}'")
        elif not requirement.specifier.contains(found, prereleases=True):
            text = f"{requirement} is needed, and {found} is installed"
            yield problem("packages", text, f"{PIP} '{requirement}'")
        else:
            fit.append(f"{requirement.name} {found}")
    if fit:
        yield ok("packages", ", ".join(fit))


def postgresql() -> Iterator[Finding]:
    """Tell whether databases of PostgreSQL can be used, which is optional."""
    for requirement in needed("postgresql"):
        found = installed(requirement.name)
        if found is None:
            text = f"{requirement.name} is not installed: SQLite works, PostgreSQL does not"
            yield note("PostgreSQL", text, f"{PIP} 'genstudy[postgresql]'")
        elif not requirement.specifier.contains(found, prereleases=True):
            text = f"{requirement} is needed, and {found} is installed"
            yield note("PostgreSQL", text, f"{PIP} 'genstudy[postgresql]'")
        else:
            yield ok("PostgreSQL", f"{requirement.name} {found}")


def zstd() -> Iterator[Finding]:
    """Tell whether archives can be unpacked by hand, too."""
    found = shutil.which("zstd")
    if found is None:
        text = "there is no zstd command; genstudy needs none, but tar does to unpack an archive by hand"
        yield note("zstd", text, "install the package zstd; genstudy fetch works without it")
    else:
        yield ok("zstd", f"{found}, for unpacking archives by hand")


def needed(extra: str) -> Iterator[Requirement]:
    """Yield what genstudy needs here, or what an extra adds to that.

    Raises PackageNotFoundError where genstudy is not installed, but runs from its files.
    """
    from packaging.requirements import Requirement

    for text in requires(NAME) or ():
        requirement = Requirement(text)
        marker = requirement.marker
        always = marker is None or marker.evaluate({"extra": ""})
        if always if not extra else (not always and marker is not None and marker.evaluate({"extra": extra})):
            requirement.marker = None
            yield requirement


def installed(name: str) -> str | None:
    """Return a package's version; None where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None

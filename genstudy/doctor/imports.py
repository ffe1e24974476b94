"""Whether the installed packages can be imported: a library made for another machine ends Python at once."""

from __future__ import annotations

import signal
import subprocess
import sys
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING

from genstudy.doctor.asking import ask
from genstudy.doctor.findings import PIP, ok, problem
from genstudy.doctor.software import installed, needed
from genstudy.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genstudy.doctor.findings import Finding

SECONDS = 120.0
"""The longest that an import may take; the first one over a network file system takes many."""


def all_import() -> Iterator[Finding]:
    """Import each package that genstudy needs and that is there, in a process of its own."""
    names = [requirement.name for requirement in needed("") if installed(requirement.name) is not None]
    modules = _modules()
    fit = 0
    for name in names:
        failed = _failed_import(modules.get(_normal(name), name))
        if failed:
            hint = f"{PIP} --force-reinstall {name}"
            yield problem("packages", f"{name} is installed, and cannot be imported: {failed}", hint)
        else:
            fit += 1
    if fit:
        yield ok("packages", f"{counted(fit, 'package')} can be imported")


def _modules() -> dict[str, str]:
    """Return the module of each distribution: of several the one named like it, or the first public one."""
    found: dict[str, str] = {}
    for module, distributions in sorted(packages_distributions().items()):
        for name in map(_normal, distributions):
            if _normal(module) == name or (name not in found and not module.startswith("_")):
                found[name] = module
    return found


def _normal(name: str) -> str:
    return name.lower().replace("_", "-")


def _failed_import(module: str) -> str:
    """Return why a module cannot be imported; empty where it can."""
    # -P: a file of the user's such as random.py is never taken for Python's own.
    command = [sys.executable, "-P", "-c", f"import {module}"]
    try:
        done = ask(command, seconds=SECONDS)
    except subprocess.TimeoutExpired:
        return f"it takes more than {SECONDS:g} s"
    if done.returncode < 0:
        return f"Python was killed by signal {-done.returncode} ({signal.strsignal(-done.returncode)})"
    said = [line for line in done.stderr.splitlines() if line.strip()]
    return (said[-1] if said else f"it ended with {done.returncode}") if done.returncode else ""

"""What a shell offers for values, and the argument that most commands have.

Where nothing is offered, the shell completes names of files. All this is called at each press of the tab key:
it imports nothing large, and looks at few folders.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEDULERS = {
    "local": "this machine",
    "slurm": "Slurm",
    "flux": "Flux",
    "lsf": "LSF",
}
ORDERS = {"stratified": "each batch is a fair sample", "shuffle": "by chance"}
PLAIN = re.compile(r"[\w./~+,%@-]+")
"""Names that every shell takes as they are: what is offered is typed without quotes."""

MOST = 1000
"""Entries of a folder that are looked at."""


def designs(incomplete: str) -> list[tuple[str, str]]:
    """Return the designs."""
    from genstudy.designs.kinds import KINDS

    return [(name, kind.about) for name, kind in KINDS.items() if name.startswith(incomplete)]


def orders(incomplete: str) -> list[tuple[str, str]]:
    """Return the orders that rows may come in."""
    return [(name, about) for name, about in ORDERS.items() if name.startswith(incomplete)]


def templates(incomplete: str) -> list[str]:
    """Return the built-in templates; a template may be a file, too."""
    from genstudy.rendering.templates import builtin_names

    return [name for name in builtin_names() if name.startswith(incomplete)]


def schedulers(incomplete: str) -> list[tuple[str, str]]:
    """Return the schedulers."""
    return [(name, about) for name, about in SCHEDULERS.items() if name.startswith(incomplete)]


def campaigns(incomplete: str) -> list[str]:
    """Return the campaigns that begin so: in the folder that is typed, and in the folders of it."""
    typed, slash, start = incomplete.rpartition("/")
    typed += slash
    found = []
    for name, path in _folders(Path(typed or ".").expanduser()):
        if not name.startswith(start):
            continue
        if _is_campaign(path):
            found.append(name)
        else:
            found += [f"{name}/{inner}" for inner, place in _folders(path) if _is_campaign(place)]
    return sorted(typed + name for name in found if PLAIN.fullmatch(name))


def _folders(path: Path) -> Iterator[tuple[str, Path]]:
    """Yield folders in a folder, by name, hidden ones left out; none where it cannot be read."""
    try:
        with os.scandir(path) as entries:
            for _, entry in zip(range(MOST), entries, strict=False):
                if not entry.name.startswith(".") and entry.is_dir():
                    yield entry.name, path / entry.name
    except OSError:
        return


def _is_campaign(folder: Path) -> bool:
    return (folder / "manifest.json").is_file()


FolderArgument = Annotated[
    Path, typer.Argument(help="The campaign's folder.", show_default=False, autocompletion=campaigns)
]

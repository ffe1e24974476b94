"""All that is looked at, in order: the software, the machine, a folder, and the campaign in it."""

from __future__ import annotations

from importlib import import_module
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from genstudy.doctor.findings import tried
from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from genstudy.doctor.findings import Finding

NO_DATABASES: Mapping[str, str] = MappingProxyType({})
SOFTWARE = (
    ("Python", "software", "python"),
    ("genstudy", "software", "itself"),
    ("packages", "software", "packages"),
    ("PostgreSQL", "software", "postgresql"),
    ("zstd", "software", "zstd"),
    ("Maestro", "commands", "installed"),
    ("maestro", "commands", "on_path"),
)
LONG = (
    ("packages", "imports", "all_import"),
    ("study", "study", "tiny_study"),
)
"""Those that take seconds."""

SESSION = (
    ("limits", "session", "limits"),
    ("TMPDIR", "session", "temporary"),
    ("locale", "session", "locale_found"),
    ("terminal", "session", "terminal"),
)
FOLDER = (
    ("folder", "storage", "space"),
    ("folder", "storage", "file_system"),
    ("folder", "trials", "try_out"),
    ("campaign", "campaign", "campaign"),
)
"""What each check is about, and the module and function of it."""


def diagnose(
    folder: str | Path | None = None,
    *,
    quick: bool = False,
    databases: Mapping[str, str] = NO_DATABASES,
) -> Iterator[Finding]:
    """Look at what is installed, found and reachable, and return each finding as it is made.

    folder: a campaign, or where one is to be; the working folder if nothing is said. quick: import no
    packages, and have Maestro run no study of one row. databases: {what names it: URL}, to connect to.

    Nothing stays on disk. A check that fails is a finding. Raises UserError where there is no such folder.
    """
    place = Path(folder if folder is not None else ".").absolute()
    if folder is not None and not place.is_dir():
        what = "this is a file, not a folder" if place.exists() else "there is no such folder"
        raise UserError(what, where=str(folder), hint="name a campaign's folder, or one to make campaigns in")
    machine = (*SOFTWARE, *(() if quick else LONG), *SESSION)
    return chain(
        *(_check(*names) for names in machine),
        *(_check(*names, place) for names in FOLDER),
        *(_check("database", "databases", "reached", name, url) for name, url in databases.items()),
    )


def _check(about: str, module: str, function: str, *arguments: str | Path) -> Iterator[Finding]:
    def found() -> Iterator[Finding]:
        # Imported here: where a package is missing or broken, only the checks that use it fail.
        yield from getattr(import_module(f"genstudy.doctor.{module}"), function)(*arguments)

    return tried(about, found)

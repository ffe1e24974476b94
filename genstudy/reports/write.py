"""A campaign's report written to a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from genstudy.batches.slices import plain_name
from genstudy.errors import UserError
from genstudy.files import whole_file
from genstudy.reports.data import gather_report
from genstudy.reports.page import GENERATOR, page_of
from genstudy.specs.manifest import read_manifest

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD = 4096
"""So many bytes of a file are looked at to see whether it is a report of ours."""


def write_report(
    folder: str | Path, output: str | Path | None = None, *, note: Callable[[str], None] = lambda _: None
) -> Path:
    """Write the report of a campaign, in whatever state it is, as one HTML file; return its path.

    output: the file; None: `<campaign's name>_report.html` in the working directory. An older report is
    replaced, any other file is refused. note: gets a line for each part that could not be told, and why.
    The campaign is only read. Raises UserError where the folder is none, or the file cannot be written.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    target = Path(plain_name(f"{manifest.name}_report.html") if output is None else output)
    replaces = _check_target(target)  # before the work, and not only behind it
    report = gather_report(folder)
    for title, reason in report.missing:
        note(f"{title}: {reason}")
    page = page_of(report)
    with whole_file(target, force=replaces) as stream:
        stream.write(page.encode())
    return target


def _check_target(target: Path) -> bool:
    """Refuse a place that no report can go to; tell whether an older report is there."""
    if target.name in {"", ".."} or target.is_dir():
        raise UserError("this is a folder, not a file", where=str(target), hint="pass -o FILE.html")
    if not target.parent.is_dir():
        raise UserError(f"the folder {target.parent} does not exist", where=str(target))
    if not target.exists():
        return False
    if not _is_report(target):
        raise UserError(
            "the file exists already, and is no report", where=str(target), hint="choose another -o"
        )
    return True


def _is_report(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return f'<meta name="generator" content="{GENERATOR} '.encode() in stream.read(HEAD)

"""`genstudy fetch`: a row's files by its id, out of the archive or from where they are."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from genstudy.cli.completion import FolderArgument  # noqa: TC001 - Typer reads the annotations
from genstudy.cli.settings import check_utf8
from genstudy.errors import UserError

if TYPE_CHECKING:
    from genstudy.inspection.fetch import Fetched, Files

STREAM = "-"
SHOWN = 5


def fetch_command(
    folder: FolderArgument,
    row: Annotated[
        str | None, typer.Argument(help="The row's id; with --batch, the path.", show_default=False)
    ] = None,
    path: Annotated[
        str | None,
        typer.Argument(help="step/file, a step, or a file of one step; all if none.", show_default=False),
    ] = None,
    output: Annotated[
        str | None, typer.Option("-o", "--output", help="The new file or folder; - for standard output.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="Print the files and their sizes.")] = False,
    attempt: Annotated[
        int | None, typer.Option("--attempt", help="Of this try of the row, 1 for the first.")
    ] = None,
    batch: Annotated[
        str | None, typer.Option("--batch", help="Any file of this batch instead of a row's.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what was fetched before.")] = False,
) -> None:
    """Fetch a row's files by its id.

    A file, a step's files, or all of them, into ./row_<id>. The batch's archive is not unpacked: only what is
    wanted is read from it, and checked against its hash.
    """
    check_utf8(folder, row if batch is None else batch)
    if batch is not None:
        if path is not None or attempt is not None:
            raise UserError("with --batch, there is a path and neither a row nor an attempt")
        row, path = None, row
    elif row is None:
        raise UserError("which row?", hint="name a row by its id, or a batch: --batch 0000")
    if listed:
        if path is not None or output is not None or force:
            raise UserError("--list takes a row or a batch alone, and prints all files of it")
        _print_list(folder, row, batch, attempt)
        return
    _fetch(folder, row, path, batch, output, attempt, force=force)


def _print_list(folder: Path, row: str | None, batch: str | None, attempt: int | None) -> None:
    from genstudy.inspection.fetch import batch_files, row_files

    files = row_files(folder, row, attempt=attempt) if row is not None else batch_files(folder, batch or "")
    _print_note(files)
    for file in files.files:
        if file.kind != "d":
            typer.echo(f"{file.nbytes:>12}  {_shown(file.path)}")


def _fetch(
    folder: Path,
    row: str | None,
    path: str | None,
    batch: str | None,
    output: str | None,
    attempt: int | None,
    *,
    force: bool,
) -> None:
    from genstudy.inspection.fetch import fetch_batch, fetch_row

    if output == STREAM and sys.stdout is None:  # it was closed from the start
        raise UserError("standard output is closed", hint="name a file: -o FILE")
    to: str | BinaryIO | None = sys.stdout.buffer if output == STREAM else output
    if row is not None:
        fetched = fetch_row(folder, row, path, to=to, attempt=attempt, force=force)
    else:
        fetched = fetch_batch(folder, batch or "", path, to=to, force=force)
    _print_note(fetched)
    for name in fetched.refused[:SHOWN]:
        typer.echo(f"genstudy: {_shown(name)} leads out of the folder or is no file: not made", err=True)
    if len(fetched.refused) > SHOWN:
        typer.echo(f"genstudy: ... and {len(fetched.refused) - SHOWN} more", err=True)
    if fetched.target is not None:
        from genstudy.units import size_text

        count = "1 file" if fetched.files == 1 else f"{fetched.files:,} files"
        size = size_text(fetched.nbytes)
        typer.echo(f"{_shown(str(fetched.target))}: {count}, {size}, of {fetched.what} from {fetched.where}")


def _print_note(found: Files | Fetched) -> None:
    if found.note:
        typer.echo(f"genstudy: {found.what}: {found.note}", err=True)


def _shown(name: str) -> str:
    from genstudy.archives.trees import shown

    return shown(name)

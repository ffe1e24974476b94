"""`genstudy verify`: whether a campaign and all that was saved of it is whole."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from genstudy.cli.completion import FolderArgument  # noqa: TC001 - Typer reads the annotations
from genstudy.cli.settings import check_utf8
from genstudy.units import counted

if TYPE_CHECKING:
    from genstudy.inspection.verify import Places, Verification


def verify_command(
    folder: FolderArgument,
    quick: Annotated[
        bool, typer.Option("--quick", help="Look at sizes and the archives' indexes, read no contents.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object, as docs/fetch.md tells.")] = False,
) -> None:
    """Check a campaign's files, archives and rows.

    Every archive is read back, and every row of the table accounted for. The exit code is 1 if anything is
    wrong: a changed file, a damaged archive, a row without its files.
    """
    from genstudy.cli.progress import Progress
    from genstudy.inspection.verify import verify_campaign

    check_utf8(folder)
    with Progress() as bar:
        found = verify_campaign(folder, quick=quick, progress=bar.update if bar.possible else lambda *_: None)
    if as_json:
        typer.echo(json.dumps({"format": 1, "ok": found.ok, **asdict(found)}, indent=2))
    else:
        _print(found)
    if not found.ok:
        raise typer.Exit(1)


def _print(found: Verification) -> None:
    typer.echo(_summary(found))
    for text in found.problems:
        typer.echo(f"problem: {text}")
    for text in found.notes:
        typer.echo(f"note: {text}")
    if found.ok:
        typer.echo("nothing wrong" + (", as far as sizes and indexes tell" if found.quick else ""))


def _summary(found: Verification) -> str:
    rows = found.rows
    if rows is None:
        return "what became of the rows cannot be told"
    parts = [f"{rows.done:,} done" + _places(found.places)]
    parts += [
        f"{count:,} {word}" for count, word in ((rows.failed, "failed"), (rows.pending, "pending")) if count
    ]
    return f"{counted(rows.total, 'row')}: {', '.join(parts)}"


def _places(places: Places) -> str:
    parts = []
    if places.archived:
        parts.append(f"{places.archived:,} in {counted(places.archives, 'archive')}")
    if places.moved:
        parts.append(f"{places.moved:,} in {counted(places.folders, 'folder')}")
    if places.workspaces:
        parts.append(f"{places.workspaces:,} in workspaces")
    return f" ({', '.join(parts)})" if parts else ""

"""`genstudy status`: how far a campaign is, while it runs and after."""

from __future__ import annotations

import os
import sys
import time
from itertools import islice
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from genstudy.cli.completion import FolderArgument  # noqa: TC001 - Typer reads the annotations
from genstudy.cli.progress import is_terminal
from genstudy.cli.settings import check_utf8
from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genstudy.inspection.failures import FailedRow
    from genstudy.inspection.status import StatusReader
    from genstudy.inspection.status_format import Status

SECONDS = 2.0
DAY = 86_400
SHOWN = 20
INTERRUPTED = 130


def status_command(
    folder: FolderArgument,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object, as docs/status.md tells.")] = False,
    failed: Annotated[
        bool, typer.Option("--failed", help="The rows that failed, and what they printed.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", help="The most failed rows to show (20; with --json all).")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on showing it until all is done.")] = False,
    every: Annotated[float, typer.Option("--every", help="Seconds between looks with --watch.")] = SECONDS,
) -> None:
    """Show how far a campaign is, and which rows failed.

    It only reads, so it can be called at any time, from any machine that sees the folder.
    """
    from genstudy.inspection.status import StatusReader

    check_utf8(folder)
    if failed and watch:
        raise UserError("--failed and --watch exclude each other")
    if limit is not None and (limit < 0 or not failed):
        raise UserError("--limit takes the number of failed rows to show", hint="pass --failed with it")
    if not 0 < every <= DAY:
        raise UserError(f"--every takes seconds, more than 0 and at most {DAY:,}, not {every:g}")
    if failed:
        _show_failed(folder, as_json=as_json, limit=limit)
        return
    reader = StatusReader(folder)
    if watch:
        _watch(reader, str(folder), every, as_json=as_json)
        return
    status = reader.read()
    _print(status.model_dump_json(indent=2) if as_json else _text(status, str(folder)))


def _text(status: Status, folder: str) -> str:
    from genstudy.cli.status_text import status_lines

    return "\n".join(status_lines(status, folder))


def _print(text: str) -> None:
    print(text, flush=True)


def _watch(reader: StatusReader, folder: str, every: float, *, as_json: bool) -> None:
    """Show the state until no row is pending and nobody runs the campaign."""
    on_screen = is_terminal(sys.stdout) and os.environ.get("TERM") not in {"dumb", "unknown"}
    try:
        if on_screen and not as_json:
            _watch_on_screen(reader, folder, every)
        else:
            _watch_in_lines(reader, every, as_json=as_json)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def _states(reader: StatusReader, every: float) -> Iterator[Status]:
    """Yield the state again and again; the last one is the end."""
    while True:
        status = reader.read()
        yield status
        if not status.rows.pending and status.state != "running":
            return
        time.sleep(every)


def _watch_in_lines(reader: StatusReader, every: float, *, as_json: bool) -> None:
    """Print a line each time that something has changed."""
    from genstudy.cli.status_text import change_line

    last = ""
    for status in _states(reader, every):
        line = status.model_dump_json() if as_json else change_line(status)
        if line != last:
            _print(line)
        last = line


def _watch_on_screen(reader: StatusReader, folder: str, every: float) -> None:
    """Show the state in place; what it was at the end stays."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    last = ""
    with Live(console=Console(highlight=False), transient=True, auto_refresh=False) as live:
        for status in _states(reader, every):
            text = _text(status, folder)
            if text != last:
                live.update(Text(text, no_wrap=True, overflow="ellipsis"), refresh=True)
            last = text
    _print(last)


def _show_failed(folder: Path, *, as_json: bool, limit: int | None) -> None:
    from genstudy.inspection.failures import failed_rows

    found = failed_rows(folder)
    if as_json:
        separator = "["
        for row in islice(found, limit):
            typer.echo(f"{separator}\n{row.model_dump_json()}", nl=False)
            separator = ","
        typer.echo("\n]" if separator == "," else "[]")
        return
    if not found.count:
        typer.echo(f"{folder}: no row failed")
    shown = SHOWN if limit is None else limit
    for row in islice(found, shown):
        typer.echo(_failed_text(row))
    if found.count > shown:
        typer.echo(f"... and {found.count - shown:,} more: --limit {found.count} shows all")


def _failed_text(row: FailedRow) -> str:
    again = f", attempt {row.attempt}" if row.attempt > 1 else ""
    step = f"step {row.step} " if row.step else ""
    head = f"row {row.id}: {step}{row.state}, batch {row.batch}{again}"
    return "\n".join([head, *(f"    {line}" for line in row.stderr.splitlines())])

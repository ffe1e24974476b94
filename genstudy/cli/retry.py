"""`genstudy retry`: failed rows put into new batches."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from genstudy.cli.completion import FolderArgument  # noqa: TC001 - Typer reads the annotations
from genstudy.cli.settings import check_utf8
from genstudy.errors import UserError
from genstudy.units import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genstudy.campaign.retry import Retry


def retry_command(
    folder: FolderArgument,
    batch_size: Annotated[
        int | None, typer.Option("-b", "--batch-size", help="Rows of a new batch (the campaign's).")
    ] = None,
    rows: Annotated[
        str | None, typer.Option("--rows", help="Only the failed among these row numbers: 0-99,105.")
    ] = None,
    ids: Annotated[
        list[str] | None,
        typer.Option("--ids", help="Only the rows with these ids: a,b or the option more than once."),
    ] = None,
    parameters: Annotated[
        list[str] | None,
        typer.Option(
            "--for",
            metavar="PARAMETER",
            help="Only the failed that sensitivity indices of this parameter need; repeatable.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and write nothing.")
    ] = False,
) -> None:
    """Put failed rows into new batches, to be run again.

    The next `genstudy run` takes them up. They keep their row ids, and so the names of their workspaces.
    """
    from genstudy.campaign.retry import retry_failed

    check_utf8(folder, rows, *(ids or ()), *(parameters or ()))
    if parameters:
        rows = _rows_for(folder, parameters, others=rows is not None or bool(ids))
    named = [row_id.strip() for item in ids or () for row_id in item.split(",") if row_id.strip()]
    retry = retry_failed(
        folder,
        rows=rows,
        ids=named,
        batch_size=batch_size,
        dry_run=dry_run,
        tell=lambda line: print(f"genstudy: {line}", file=sys.stderr),
    )
    if not retry.rows:
        among = " among these" if rows is not None or named else ""
        typer.echo(f"{folder}: no row{among} failed: there is nothing to try again")
        return
    _print(retry, folder, dry_run=dry_run)


def _rows_for(folder: Path, parameters: Sequence[str], *, others: bool) -> str:
    from genstudy.sensitivity.waiting import rows_waited_for

    if others:
        raise UserError("--for excludes --rows and --ids", hint="give one of them")
    return str(rows_waited_for(folder, parameters))


def _print(retry: Retry, folder: Path, *, dry_run: bool) -> None:
    batches = retry.batches
    attempts = sorted({batch.attempt for batch in batches})
    head = (
        f"{counted(retry.rows, 'row')} of {counted(retry.sources, 'batch')} in "
        f"{counted(len(batches), 'new batch')} "
        f"({'attempt' if len(attempts) == 1 else 'attempts'} {_list(list(map(str, attempts)))}): "
        f"{_span([batch.id for batch in batches])}"
    )
    typer.echo(f"{head}; nothing was written" if dry_run else f"{head}; next: {_run(folder)}")
    one = f"see the {counted(retry.rows, 'row')} of the new batch only"
    many = "run once for each new batch, and see the rows of that one only"
    for step in retry.funnels:
        typer.echo(f"step '{step}' will {one if len(batches) == 1 else many}")


def _run(folder: Path) -> str:
    return shlex.join(["genstudy", "run", str(folder)])


def _list(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _span(ids: Sequence[str]) -> str:
    return ids[0] if len(ids) == 1 else f"{ids[0]} to {ids[-1]}"

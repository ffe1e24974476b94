"""`genstudy extend`: rows that a campaign's table got, put into new batches."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from genstudy.cli.completion import FolderArgument  # noqa: TC001 - Typer reads the annotations
from genstudy.cli.settings import check_utf8
from genstudy.cli.source import DbOption, QueryOption, table_source
from genstudy.units import counted

if TYPE_CHECKING:
    from genstudy.campaign.extend import Extension


def extend_command(
    folder: FolderArgument,
    table: Annotated[
        Path | None,
        typer.Argument(help="A table that begins with the campaign's rows.", show_default=False),
    ] = None,
    rows: Annotated[
        int | None,
        typer.Option("-n", "--rows", "--num-values", help="Make so many rows more, by the table's design."),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter",
            metavar="NAME=LAW",
            help="Of a grid: more levels for a parameter. Repeatable.",
            show_default=False,
        ),
    ] = None,
    query: QueryOption = None,
    db: DbOption = None,
    batch_size: Annotated[
        int | None, typer.Option("-b", "--batch-size", help="Rows of a new batch (the campaign's).")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and write nothing.")
    ] = False,
) -> None:
    """Give a campaign more rows, in new batches.

    The next `genstudy run` takes them up. The batches that are there stay as they are, done or not.
    """
    from genstudy.campaign.extend import extend_campaign
    from genstudy.cli.progress import Progress
    from genstudy.parameters.grammar import parse_parameter

    check_utf8(folder, table, query, *(parameter or ()))
    # With neither a table nor a query, and none needed, the call itself says what is missing.
    source = table_source(table, query, db) if table or query is not None or db is not None else None
    with Progress() as bar:
        extension = extend_campaign(
            folder,
            source,
            rows=rows,
            parameters=[parse_parameter(text) for text in parameter or ()],
            batch_size=batch_size,
            dry_run=dry_run,
            tell=lambda line: print(f"genstudy: {line}", file=sys.stderr),
            progress=bar.update if bar.possible else None,
            note=lambda text: print(f"note: {text}", file=sys.stderr),
        )
    if not extension.rows:
        typer.echo(f"{folder}: there are no rows behind the campaign's: there is nothing to add")
        return
    _print(extension, folder, dry_run=dry_run)


def _print(extension: Extension, folder: Path, *, dry_run: bool) -> None:
    batches = extension.batches
    first, last = batches[0].start, batches[-1].start + batches[-1].nrows - 1
    head = (
        f"{counted(extension.rows, 'new row')} ({first if first == last else f'{first} to {last}'}) in "
        f"{counted(len(batches), 'new batch')}: {_span(batches[0].id, batches[-1].id)}"
    )
    run = shlex.join(["genstudy", "run", str(folder)])
    typer.echo(f"{head}; nothing was written" if dry_run else f"{head}; next: {run}")
    for step in extension.funnels:
        typer.echo(f"step '{step}' will run once for each new batch, and see the rows of that one only")


def _span(first: str, last: str) -> str:
    return first if first == last else f"{first} to {last}"

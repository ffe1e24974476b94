"""`genstudy export`: the results of a campaign as a file."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from genstudy.cli.completion import FolderArgument  # noqa: TC001 - Typer reads the annotations
from genstudy.cli.settings import check_utf8
from genstudy.cli.source import query_text


def export_command(
    folder: FolderArgument,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The file: .csv, .csv.gz, .parquet or .jsonl.")
    ],
    attempts: Annotated[
        bool, typer.Option("--attempts", help="A row for each attempt, not only the last ones.")
    ] = False,
    query: Annotated[
        str | None, typer.Option("--query", metavar="SQL", help="The rows of this query; @FILE reads it.")
    ] = None,
    db: Annotated[
        str | None, typer.Option("--db", metavar="URL", help="Where the results are, if elsewhere.")
    ] = None,
    table: Annotated[str | None, typer.Option("--table", help="The table's name, if another.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
) -> None:
    """Write the results of a campaign to a file.

    It has a row for each combination, and appears whole or not at all.
    """
    from genstudy.batches.showing import visible
    from genstudy.results.export import export_results
    from genstudy.units import counted

    check_utf8(folder, output, query, db, table)
    rows = export_results(
        folder,
        output,
        attempts=attempts,
        query=query_text(query) if query is not None else None,
        db=db,
        table=table,
        force=force,
    )
    typer.echo(f"{visible(str(output))}: {counted(rows, 'row')}")

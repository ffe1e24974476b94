"""`genstudy plan`: how many rows a batch may have."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, cast

import typer

from genstudy.cli.completion import templates
from genstudy.cli.settings import check_utf8, parse_settings
from genstudy.cli.source import DbOption, QueryOption, table_source
from genstudy.errors import UserError

if TYPE_CHECKING:
    from genstudy.planning.proposal import Save

SAVES = ("keep", "archive", "move")


def plan_command(
    source: Annotated[
        Path | None,
        typer.Argument(metavar="[TABLE|DIR]", help="A table, or a campaign's folder.", show_default=False),
    ] = None,
    query: QueryOption = None,
    db: DbOption = None,
    rows: Annotated[
        int | None, typer.Option("--rows", help="So many rows, of a table that is not there yet.")
    ] = None,
    template: Annotated[
        str | None,
        typer.Option(
            "-t", "--template", help="What a table's rows will run (echo).", autocompletion=templates
        ),
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="A variable of the template, key=value.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", help="The steps of a row, instead of a template.")
    ] = None,
    max_files: Annotated[
        int | None,
        typer.Option("--max-files", help="Files and folders at a time (100000 if no limit is given)."),
    ] = None,
    max_bytes: Annotated[
        str | None, typer.Option("--max-bytes", help="Bytes at a time, such as 50G, archives not counted.")
    ] = None,
    max_jobs: Annotated[
        int | None, typer.Option("--max-jobs", help="Jobs that the scheduler takes at a time.")
    ] = None,
    walltime: Annotated[
        str | None, typer.Option("--walltime", help="The longest that a batch may take: 90m, 2h.")
    ] = None,
    jobs: Annotated[int | None, typer.Option("-j", "--jobs", help="Batches at a time (1).")] = None,
    save: Annotated[
        str | None, typer.Option("--save", help="keep, archive (default) or move, as for genstudy run.")
    ] = None,
    files_per_row: Annotated[
        float | None,
        typer.Option("--files-per-row", help="Files that your code writes a row, in all its steps."),
    ] = None,
    bytes_per_row: Annotated[
        str | None, typer.Option("--bytes-per-row", help="Bytes that a row writes, such as 1.5M.")
    ] = None,
    seconds_per_row: Annotated[
        str | None, typer.Option("--seconds-per-row", help="The time of a row: 0.5, 90s, 10m.")
    ] = None,
) -> None:
    """Propose how many rows a batch should have.

    By what disk, scheduler and time allow, with the sum line by line. A campaign that has run, a canary even,
    is measured by what it took.
    """
    from genstudy.planning.proposal import plan_batches

    check_utf8(source, query, template)
    if save is not None and save not in SAVES:
        raise UserError(f"--save takes {', '.join(SAVES)}, not '{save}'")
    if rows is not None and (source, query, db) != (None, None, None):
        raise UserError("--rows is for a table that is not there yet", hint="leave --rows out")
    proposal = plan_batches(
        table_source(source, query, db) if rows is None else rows,
        template=template,
        variables=parse_settings(settings or []),
        steps=steps,
        max_files=max_files,
        max_bytes=max_bytes,
        max_jobs=max_jobs,
        walltime=walltime,
        jobs=jobs,
        save=cast("Save | None", save),
        files_per_row=files_per_row,
        bytes_per_row=bytes_per_row,
        seconds_per_row=seconds_per_row,
    )
    for line in (*proposal.lines, "", *proposal.commands):
        typer.echo(line)

"""`genstudy analyze`: sensitivity indices of a campaign's results."""

from __future__ import annotations

import io
import shutil
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from genstudy.cli.completion import FolderArgument  # noqa: TC001 - Typer reads the annotations
from genstudy.cli.progress import is_terminal
from genstudy.cli.settings import check_utf8
from genstudy.errors import UserError

if TYPE_CHECKING:
    from genstudy.sensitivity.format import Analysis


def analyze_command(
    folder: FolderArgument,
    results: Annotated[
        list[str] | None, typer.Argument(help="The results to look at; none: all.", show_default=False)
    ] = None,
    confidence: Annotated[
        float, typer.Option("--confidence", help="How sure the intervals are, between 0 and 1.")
    ] = 0.95,
    resamples: Annotated[
        int, typer.Option("--resamples", help="Samples of blocks that the intervals come from.")
    ] = 1000,
    seed: Annotated[int, typer.Option("--seed", help="Seed of these samples.")] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="A JSON object, as docs/sensitivity.md tells.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV: a line for each index.")] = False,
    db: Annotated[
        str | None, typer.Option("--db", metavar="URL", help="Where the results are, if elsewhere.")
    ] = None,
    table: Annotated[str | None, typer.Option("--table", help="The table's name, if another.")] = None,
) -> None:
    """Tell how sensitive results are to each parameter.

    For a table of the design saltelli it prints first-order and total indices, for one of morris what
    elementary effects add up to. It only reads, so the campaign may run meanwhile.
    """
    from genstudy.sensitivity.analyze import analyze_campaign
    from genstudy.sensitivity.text import analysis_lines

    check_utf8(folder, db, table, *(results or ()))
    if as_csv and as_json:
        raise UserError("--csv and --json exclude each other")
    found = analyze_campaign(
        folder, results or (), confidence=confidence, resamples=resamples, seed=seed, db=db, table=table
    )
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    elif as_csv:
        typer.echo(_csv(found), nl=False)
    else:
        width = shutil.get_terminal_size().columns if is_terminal(sys.stdout) else None
        for line in analysis_lines(found, str(folder), width=width, db=db, table=table):
            typer.echo(line)


def _csv(found: Analysis) -> str:
    from genstudy.results.cells import as_text, csv_writer
    from genstudy.sensitivity.text import COLUMNS, table_rows

    text = io.StringIO(newline="")
    writer = csv_writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(map(as_text, row) for row in table_rows(found))
    return text.getvalue()

"""`genstudy plot`: a picture of a design."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from genstudy.cli.settings import check_utf8
from genstudy.cli.source import DbOption, QueryOption, table_source
from genstudy.errors import UserError
from genstudy.units import counted


def plot_command(
    source: Annotated[
        Path | None,
        typer.Argument(metavar="TABLE|DIR", help="A table, or a campaign's folder.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="A .png or .svg file; the table's name with .png if not given."),
    ] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", metavar="A,B,...", help="Draw these columns, in this order.")
    ] = None,
    query: QueryOption = None,
    db: DbOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what stands at the output.")] = False,
) -> None:
    """Draw how the rows of a table fill the space of its parameters.

    A histogram of each parameter, every two against each other, and figures that tell how even the design
    is. Of more than 8 columns the first 8 are drawn against each other.
    """
    from genstudy.batches.showing import visible
    from genstudy.cli.plain import large_imports
    from genstudy.cli.progress import Progress

    check_utf8(source, output)
    rows = table_source(source, query, db)
    with large_imports():
        from genstudy.plots.plot import plot_design
    with Progress() as bar:
        found = plot_design(
            rows,
            output,
            columns=_names(columns),
            force=force,
            progress=bar.update if bar.possible else None,
        )
    width = counted(len(found.summary.columns), "column")
    typer.echo(f"{visible(str(found.path))}: {counted(found.summary.rows, 'row')}, {width}")
    for line in found.lines:
        typer.echo(f"  {line}")
    for note in found.notes:
        typer.echo(f"note: {visible(note)}", err=True)


def _names(text: str | None) -> list[str] | None:
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise UserError(
            "--columns has an empty name", hint="write the names with commas between: --columns a,b"
        )
    return names

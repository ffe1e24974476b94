"""`genstudy demo`: the main job at small size, for real."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genstudy.cli.settings import check_utf8


def demo_command(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The folder for all of it; it must not exist.")
    ] = Path("genstudy-demo"),
) -> None:
    """Run a campaign of 12 rows, from the table to its check.

    Makes a table, renders batch specs, runs the campaign with Maestro here, and shows what ran and where.
    """
    from genstudy.demo import run_demo

    check_utf8(output)
    runs = run_demo(output, typer.echo)
    typer.echo("\nrow  batch  values                                       workspace")
    for run in runs:
        values = "  ".join(line.replace(": ", "=", 1).lower() for line in run.printed)
        typer.echo(f"{run.row_id:>3}  {run.batch:5}  {values:43}  {run.workspace}")
    typer.echo(f"\n{len(runs)} of {len(runs)} rows ran, each once, each with the values of the table.")
    specs = output / "specs"
    typer.echo(f"look around: {specs} holds the campaign, {specs}/runs the studies that Maestro ran")

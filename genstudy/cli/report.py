"""`genstudy report`: a campaign on one page."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from genstudy.cli.completion import FolderArgument  # noqa: TC001 - Typer reads the annotations
from genstudy.cli.settings import check_utf8


def report_command(
    folder: FolderArgument,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="The HTML file (<name>_report.html if nothing is said).",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write a report of a campaign: one page of HTML.

    The file needs no network and has no script in it. The campaign is only read, so it may run meanwhile. An
    older report is replaced.
    """
    from genstudy.batches.showing import visible
    from genstudy.cli.plain import large_imports
    from genstudy.units import size_text

    check_utf8(folder, output)
    with large_imports():
        from genstudy.reports.write import write_report
    path = write_report(
        folder, output, note=lambda text: print(f"note: {visible(text)}", file=sys.stderr, flush=True)
    )
    typer.echo(f"{visible(str(path))}: {size_text(path.stat().st_size)}")

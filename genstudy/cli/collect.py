"""`genstudy collect`: the results of a campaign brought into a database."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from genstudy.cli.completion import FolderArgument  # noqa: TC001 - Typer reads the annotations
from genstudy.cli.progress import Progress
from genstudy.cli.settings import check_utf8

if TYPE_CHECKING:
    from genstudy.results.collect import CollectReport

SHOWN = 5
"""Columns and reasons that are named, of each the most frequent."""


def collect_command(
    folder: FolderArgument,
    into: Annotated[
        str | None, typer.Option("--into", metavar="URL", help="The database; results.db in the campaign.")
    ] = None,
    table: Annotated[str | None, typer.Option("--table", help="The table's name.")] = None,
    results: Annotated[
        Path | None, typer.Option("--results", help="A YAML file with `results:`: what is taken.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Also batches that were collected already.")] = False,
) -> None:
    """Collect the results of ended batches into a database.

    A row for each attempt of each combination: its parameters, what became of it, and what its files tell.
    It can be called at any time, also while the campaign runs; what is there already is passed over.
    """
    from genstudy.results.collect import collect_results

    check_utf8(folder, into, table, results)
    with Progress() as bar:
        report = collect_results(
            folder, into=into, table=table, results=results, again=again, progress=bar.update
        )
    _print_report(folder, report)
    for problem in report.problems:
        _complain(problem)
    if report.problems:
        raise typer.Exit(1)


def place_text(folder: Path, shown: str) -> str:
    """Return what to call a database: the campaign's own as the campaign was called."""
    from genstudy.batches.places import RESULTS_FILE

    own = folder.absolute() / RESULTS_FILE
    return str(folder / RESULTS_FILE) if shown == str(own) else shown


def _print_report(folder: Path, report: CollectReport) -> None:
    from genstudy.campaign.progress import missing_text
    from genstudy.units import counted

    wrote = f"{counted(report.rows, 'row')} of {counted(report.batches, 'batch')}"
    passed = f"; {counted(report.passed, 'batch')} there already" if report.passed else ""
    pending = f"; {counted(report.pending, 'batch')} not ended yet" if report.pending else ""
    typer.echo(f"{place_text(folder, report.shown)}, table {report.table}: {wrote}{passed}{pending}")
    if report.faulty:
        rows = counted(report.faulty, "row")
        typer.echo(f"{rows} with something missing: {missing_text(report.missing)}")
    by_column: dict[str, Counter[str]] = {}
    for (column, reason), count in report.reasons.items():
        by_column.setdefault(column, Counter())[reason] += count
    order = sorted(by_column, key=lambda column: (-by_column[column].total(), column))
    for column in order[:SHOWN]:
        reasons = by_column[column].most_common(SHOWN)
        typer.echo(f"  {column}: {', '.join(f'{reason} ({count:,})' for reason, count in reasons)}")


def _complain(problem: str) -> None:
    from genstudy.batches.showing import visible

    print(f"genstudy: {visible(problem)}", file=sys.stderr)

"""`genstudy specs`: a study specification a batch from a table and a template."""

from __future__ import annotations

import shlex
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genstudy.cli.completion import templates
from genstudy.cli.scheduling import JobOption, SchedulerOption  # noqa: TC001 - Typer reads the annotations
from genstudy.cli.settings import check_utf8, parse_settings
from genstudy.cli.source import DbOption, QueryOption, table_source

if TYPE_CHECKING:
    from genstudy.specs.make import Campaign
    from genstudy.studies.results import ResultsFile

OUTPUT = Path("specs")
SHOWN = 10


def specs_command(
    table: Annotated[
        Path | None,
        typer.Argument(
            help="The table: .csv, .parquet or .jsonl (.csv.gz, .ndjson too).", show_default=False
        ),
    ] = None,
    query: QueryOption = None,
    db: DbOption = None,
    template: Annotated[
        str,
        typer.Option(
            "-t",
            "--template",
            help="A built-in template's name, or the path of your own.",
            autocompletion=templates,
        ),
    ] = "echo",
    batch_size: Annotated[
        int | None, typer.Option("-b", "--batch-size", help="Rows a batch (1000 if nothing is said).")
    ] = None,
    batches: Annotated[int | None, typer.Option("--batches", help="The number of batches instead.")] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="The campaign's folder.")] = OUTPUT,
    index: Annotated[
        str | None,
        typer.Option("-i", "--index", help="The column of row ids (found from the table's record)."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="The campaign's name (the table's if nothing is said).")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A variable of the template, key=value; JSON values are understood."),
    ] = None,
    scheduler: SchedulerOption = None,
    job: JobOption = None,
    start: Annotated[int, typer.Option("--start", help="The first row to use, counted from 0.")] = 0,
    rows: Annotated[int | None, typer.Option("--rows", help="How many rows to use.")] = None,
    inline: Annotated[
        bool, typer.Option("--inline", help="Write the values into global.parameters; no pgen is needed.")
    ] = False,
    reference: Annotated[
        bool, typer.Option("--reference", help="Leave the table where it is instead of copying it.")
    ] = False,
    results: Annotated[
        Path | None,
        typer.Option(
            "--results", metavar="FILE", help="A YAML file that says under `results:` what rows give."
        ),
    ] = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Let empty and NaN cells pass.")
    ] = False,
    allow_unsafe_values: Annotated[
        bool,
        typer.Option("--allow-unsafe-values", help="Let shell-active values stand under a bare $(NAME)."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, print the plan, write nothing.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a campaign that exists.")] = False,
) -> None:
    """Make a campaign of a table: a Maestro specification a batch.

    The folder is a campaign: the table frozen, a pgen, the specifications and a manifest. It can be moved and
    copied, and runs where genstudy is not installed.
    """
    from genstudy.cli.progress import Progress
    from genstudy.specs.make import make_specs
    from genstudy.specs.options import Options
    from genstudy.specs.scheduler import choose_scheduler

    check_utf8(table, query, template, output, index, name, results, *(job or ()))
    source = table_source(table, query, db)
    found = _results_of(results)
    options = Options(
        template=template,
        batch_size=batch_size,
        batches=batches,
        index=index,
        name=name,
        variables=parse_settings(settings or []),
        start=start,
        rows=rows,
        inline=inline,
        reference=reference,
        allow_missing=allow_missing,
        allow_unsafe_values=allow_unsafe_values,
        scheduler=choose_scheduler(None, scheduler, job or ()),
        results=found.settings if found else None,
        functions=results.parent if results else None,
    )
    with Progress() as bar, found.places() if found else nullcontext():
        campaign = make_specs(
            source,
            output,
            options,
            force=force,
            dry_run=dry_run,
            progress=bar.update if bar.possible else None,
        )
    print_campaign(campaign, dry_run=dry_run)


def _results_of(path: Path | None) -> ResultsFile | None:
    if path is None:
        return None
    from genstudy.studies.results import read_results

    return read_results(path)


def print_campaign(campaign: Campaign, *, dry_run: bool) -> None:
    """Print what was made, or would be, and the command that runs it."""
    from genstudy.maestro.version import missing_commands

    manifest = campaign.manifest
    for warning in campaign.warnings:
        typer.echo(f"genstudy: warning: {warning}", err=True)
    settings, count = manifest.settings, len(manifest.batches)
    verb = "would hold" if dry_run else "holds"
    size = _counted(settings.batch_size, "row")
    batches = f"{count} batches of at most {size}" if count > 1 else f"1 batch of {size}"
    typer.echo(
        f"{campaign.folder} {verb} {batches}: {_span(settings.start, settings.rows)} of "
        f"{manifest.table.source}, template {manifest.template.name}"
    )
    if dry_run:
        for batch in manifest.batches[:SHOWN]:
            typer.echo(f"  {batch.spec}  {_span(batch.start, batch.nrows)}")
        if count > SHOWN:
            typer.echo(f"  ... and {count - SHOWN} more")
        return
    if lack := missing_commands():
        typer.echo(f"genstudy: warning: {lack}", err=True)
    typer.echo(f"run one:  {campaign.command(manifest.batches[0])}")
    as_batches = manifest.scheduler is not None and manifest.scheduler.submit == "batches"
    command = "submit" if as_batches else "run"
    typer.echo(f"run all:  {shlex.join(['genstudy', command, str(campaign.folder)])}")


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _span(start: int, count: int) -> str:
    return f"row {start}" if count == 1 else f"rows {start} to {start + count - 1}"

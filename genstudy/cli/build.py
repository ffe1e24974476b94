"""`genstudy build` and `genstudy init`: a campaign from a study file, and a study file to start from."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from genstudy.cli.completion import templates
from genstudy.cli.scheduling import JobOption, SchedulerOption  # noqa: TC001 - Typer reads the annotations
from genstudy.cli.settings import check_utf8, parse_settings
from genstudy.cli.source import query_text
from genstudy.cli.table_options import (
    CorrelateOption,
    DesignOption,
    ExcludeOption,
    GroupOption,
    OrderOption,
    correlations,
)
from genstudy.errors import UserError


def build_command(
    study: Annotated[Path, typer.Argument(help="The study file.", show_default=False)],
    parameters: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME | NAME=LAW]...", show_default=False, help="Parameters besides or in place of it."
        ),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="The campaign's name (the file's).")] = None,
    table: Annotated[Path | None, typer.Option("--table", help="A table with the rows, instead.")] = None,
    query: Annotated[
        str | None,
        typer.Option("--query", metavar="SQL", help="A query for the rows, instead; @FILE reads it."),
    ] = None,
    db: Annotated[str | None, typer.Option("--db", metavar="URL", help="The query's database.")] = None,
    design: DesignOption = None,
    rows: Annotated[
        int | None, typer.Option("-n", "--rows", "--num-values", help="How many rows (20).")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="The seed; drawn where not given.")] = None,
    index: Annotated[str | None, typer.Option("-i", "--index", help="A column of row ids, from 0.")] = None,
    digits: Annotated[
        int | None, typer.Option("--round", metavar="DIGITS", help="Decimals of floats.")
    ] = None,
    where: Annotated[list[str] | None, typer.Option("--where", help='As "a < b": rows meet it.')] = None,
    exclude: ExcludeOption = None,
    group: GroupOption = None,
    correlate: CorrelateOption = None,
    replicates: Annotated[int | None, typer.Option("--replicates", help="Rows a combination.")] = None,
    order: OrderOption = None,
    derive: Annotated[list[str] | None, typer.Option("--derive", help="NAME=FORMULA, a column more.")] = None,
    unique: Annotated[bool | None, typer.Option("--unique/--no-unique", help="Distinct rows only.")] = None,
    template: Annotated[
        str | None,
        typer.Option(
            "-t", "--template", help="A built-in template's name, or a path.", autocompletion=templates
        ),
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="A template variable, key=value.")
    ] = None,
    scheduler: SchedulerOption = None,
    job: JobOption = None,
    batch_size: Annotated[int | None, typer.Option("-b", "--batch-size", help="Rows a batch (1000).")] = None,
    batches: Annotated[int | None, typer.Option("--batches", help="The number of batches instead.")] = None,
    output: Annotated[
        str | None, typer.Option("-o", "--output", help="The campaign's folder (the name).")
    ] = None,
    inline: Annotated[bool | None, typer.Option("--inline/--no-inline", help="Values in the specs.")] = None,
    allow_missing: Annotated[
        bool | None,
        typer.Option("--allow-missing/--refuse-missing", help="Empty and NaN cells pass, or do not."),
    ] = None,
    allow_unsafe_values: Annotated[
        bool | None,
        typer.Option(
            "--allow-unsafe-values/--refuse-unsafe-values",
            help="Shell-active values may stand under a bare $(NAME), or may not.",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check, print the plan, write nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a campaign that exists.")] = False,
) -> None:
    """Make a campaign of a study file: csv and specs at once.

    Table and specs in one go. Every key of the file is an option too, and the option wins.
    """
    from genstudy.cli.progress import Progress
    from genstudy.cli.specs import print_campaign
    from genstudy.studies.build import build_study

    check_utf8(study, name, table, query, design, index, template, output)
    check_utf8(
        *(parameters or ()), *(where or ()), *(exclude or ()), *(derive or ()), *(group or ()), *(job or ())
    )
    given: dict[str, Any] = {
        "name": name,
        "table": str(table) if table else None,
        "query": query if query is None else query_text(query),
        "db": db,
        "design": design,
        "rows": rows,
        "seed": seed,
        "index": index,
        "round": digits,
        "where": where,
        "exclude": exclude,
        "groups": group,
        "correlate": correlations(correlate) or None,
        "replicates": replicates,
        "order": order,
        "derive": _formulas(derive),
        "unique": unique,
        "template": template,
        "set": parse_settings(settings) if settings else None,
        "batch_size": batch_size,
        "batches": batches,
        "output": output,
        "inline": inline,
        "allow_missing": allow_missing,
        "allow_unsafe_values": allow_unsafe_values,
    }
    with Progress(shown=True) as bar:
        campaign = build_study(
            study,
            parameters=parameters or (),
            settings={key: value for key, value in given.items() if value is not None},
            scheduler=scheduler,
            job=job or (),
            force=force,
            dry_run=dry_run,
            progress=bar.update if bar.possible else None,
            note=lambda text: print(f"note: {text}", file=sys.stderr),
        )
    print_campaign(campaign, dry_run=dry_run)


def _formulas(texts: list[str] | None) -> dict[str, str] | None:
    from genstudy.parameters.names import is_name

    if texts is None:
        return None
    formulas: dict[str, str] = {}
    for text in texts:
        name, equals, formula = text.partition("=")
        name = name.strip()
        if not equals or formula.startswith("=") or not is_name(name):
            raise UserError(
                f"'{text}' is no derivation",
                where=f"--derive {text!r}",
                hint="write NAME = EXPRESSION, as area = width * height",
            )
        if name in formulas:
            raise UserError(
                f"the name '{name}' is given twice", where=f"--derive {text!r}", hint="rename one"
            )
        formulas[name] = formula.strip()
    return formulas


def init_command(
    path: Annotated[Path, typer.Argument(help="The file to write.")] = Path("study.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Write a commented study file to start from."""
    from genstudy.studies.build import init_study

    init_study(path, force=force)
    typer.echo(f"{path}: a study file to change; then: genstudy build {path}")

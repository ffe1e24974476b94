"""`genstudy templates`: list, show, copy and check study templates."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genstudy.cli.completion import templates
from genstudy.cli.settings import parse_settings
from genstudy.cli.source import DbOption, QueryOption, table_source

TemplateArgument = Annotated[
    str, typer.Argument(help="A built-in template's name, or a path.", autocompletion=templates)
]

app = typer.Typer(
    help="List, show, copy and check study templates.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("list")
def list_command() -> None:
    """List the built-in templates."""
    from genstudy.rendering.templates import builtin_names, find_template

    for name in builtin_names():
        typer.echo(f"{name:12}  {find_template(name).summary()}")


@app.command("show")
def show_command(
    template: TemplateArgument,
) -> None:
    """Print a template."""
    from genstudy.rendering.templates import find_template

    typer.echo(find_template(template).text(), nl=False)


@app.command("copy")
def copy_command(
    template: Annotated[str, typer.Argument(help="A built-in template's name.", autocompletion=templates)],
    target: Annotated[Path, typer.Argument(help="The file to write, or a folder.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Copy a built-in template, to change it."""
    from genstudy.rendering.templates import copy_template

    file = copy_template(template, target, force=force)
    typer.echo(f"{file}: a copy of the template {template}; use it with genstudy specs TABLE -t {file}")


@app.command("check")
def check_command(
    template: TemplateArgument,
    table: Annotated[
        Path | None, typer.Option("--table", help="Check it against this table's parameters and values.")
    ] = None,
    params: Annotated[
        list[str] | None, typer.Option("-p", "--param", help="Or against parameters of these names.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="A variable of the template, key=value.")
    ] = None,
    query: QueryOption = None,
    db: DbOption = None,
) -> None:
    """Render a template once and check what comes out, with Maestro's own loader and beyond it."""
    from genstudy.specs.check import check_template

    given = table is not None or query is not None or db is not None
    warnings = check_template(
        template,
        table=table_source(table, query, db) if given else None,
        names=params or None,
        variables=parse_settings(settings or []),
    )
    for warning in warnings:
        typer.echo(f"genstudy: warning: {warning}", err=True)
    typer.echo(f"{template}: nothing wrong")

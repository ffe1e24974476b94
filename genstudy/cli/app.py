"""The command line's entry: the commands put together, and every error turned into output once."""

from __future__ import annotations

import os
import signal
import sys

import typer

import genstudy
from genstudy.cli import templates
from genstudy.cli.build import build_command, init_command
from genstudy.cli.csv import csv_command
from genstudy.cli.demo import demo_command
from genstudy.cli.plain import PlainCommand, PlainGroup
from genstudy.cli.schema import schema_command
from genstudy.cli.specs import specs_command
from genstudy.errors import GenstudyError

app = typer.Typer(
    name="genstudy",
    cls=PlainGroup,
    help="Parameter tables and batched study specifications for Maestro, for any number of parameters.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"genstudy {genstudy.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Parameter tables and batched study specifications for Maestro, for any number of parameters."""


app.command("csv", cls=PlainCommand)(csv_command)
app.command("specs")(specs_command)
app.command("build")(build_command)
app.command("init")(init_command)
app.add_typer(templates.app, name="templates")
app.command("schema")(schema_command)
app.command("demo")(demo_command)


def main() -> None:
    """Run the command line; a user's mistake ends in one message on stderr and exit code 2."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        app(prog_name="genstudy")
    except GenstudyError as error:
        print(f"genstudy: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing is left to say, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"genstudy: {place}{error.strerror or error}", file=sys.stderr)
        sys.exit(2)

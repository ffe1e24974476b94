"""The command line's entry: the commands put together, and every error turned into output once."""

from __future__ import annotations

import io
import os
import signal
import sys

import typer

import genstudy
from genstudy.cli import templates
from genstudy.cli.analyze import analyze_command
from genstudy.cli.build import build_command, init_command
from genstudy.cli.cancel import cancel_command
from genstudy.cli.collect import collect_command
from genstudy.cli.csv import csv_command
from genstudy.cli.demo import demo_command
from genstudy.cli.doctor import doctor_command
from genstudy.cli.export import export_command
from genstudy.cli.extend import extend_command
from genstudy.cli.fetch import fetch_command
from genstudy.cli.plain import PlainGroup
from genstudy.cli.plan import plan_command
from genstudy.cli.plot import plot_command
from genstudy.cli.query import query_command
from genstudy.cli.report import report_command
from genstudy.cli.retry import retry_command
from genstudy.cli.run import run_command, submit_command
from genstudy.cli.schema import schema_command
from genstudy.cli.specs import specs_command
from genstudy.cli.status import status_command
from genstudy.cli.table_options import BuildCommand, CsvCommand
from genstudy.cli.verify import verify_command
from genstudy.cli.why import why_command
from genstudy.errors import GenstudyError

ABOUT = """Make tables of parameter values, run a code for each row with Maestro, collect the results.

A campaign is a folder: a table cut into batches that Maestro can run. csv and specs make one, or build does
of a study file; then come run, status, collect. New to it? demo runs a small one, and doctor tells what is
missing here.
"""

app = typer.Typer(
    name="genstudy",
    cls=PlainGroup,
    help=ABOUT,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(_versions())
        raise typer.Exit


def _versions() -> str:
    from importlib.metadata import PackageNotFoundError, version
    from platform import python_version

    try:
        maestro = f"Maestro {version('maestrowf')}"
    except PackageNotFoundError:
        maestro = "no Maestro"
    return f"genstudy {genstudy.__version__} ({maestro}, Python {python_version()})"


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the versions."
    ),
) -> None:
    """Have the options that stand before a command."""


app.command("csv", cls=CsvCommand)(csv_command)
app.command("plot")(plot_command)
app.command("specs")(specs_command)
app.command("init")(init_command)
app.command("build", cls=BuildCommand)(build_command)
app.command("plan")(plan_command)
app.command("run")(run_command)
app.command("submit")(submit_command)
app.command("status")(status_command)
app.command("why")(why_command)
app.command("cancel")(cancel_command)
app.command("retry")(retry_command)
app.command("extend")(extend_command)
app.command("fetch")(fetch_command)
app.command("verify")(verify_command)
app.command("collect")(collect_command)
app.command("query")(query_command)
app.command("export")(export_command)
app.command("analyze")(analyze_command)
app.command("report")(report_command)
app.command("demo")(demo_command)
app.command("doctor")(doctor_command)
app.command("schema")(schema_command)
app.add_typer(templates.app, name="templates")


def _prepare() -> None:
    """Set up the process: its end on signals, its output, and its threads."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup has SIGHUP ignored
            signal.signal(number, lambda number, _: sys.exit(128 + number))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # Before numpy is imported: its arrays are small here, and the threads would only burn time.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def main() -> None:
    """Run the command line; a user's mistake ends in one message on stderr and exit code 2."""
    _prepare()
    try:
        app(prog_name="genstudy")
    except GenstudyError as error:
        _complain(str(error))
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing is left to say, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        _complain(f"{place}{error.strerror or error}")
        sys.exit(2)


def _complain(text: str) -> None:
    """Print an error. Names of files in it must not act on a terminal."""
    from genstudy.batches.showing import visible

    print(f"genstudy: {visible(text)}", file=sys.stderr)

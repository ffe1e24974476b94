"""Commands whose options pass through as typed, without Typer's conversion."""

import gc
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from genstudy.cli.plain import PlainCommand, PlainGroup, large_imports, whole
from genstudy.errors import UserError

SEEN: list[Any] = []
app = typer.Typer(cls=PlainGroup)


def _told(wanted: bool) -> None:
    if wanted:
        typer.echo("told")
        raise typer.Exit


@app.callback()
def _options(told: Annotated[bool, typer.Option("--told", callback=_told, is_eager=True)] = False) -> None:
    """A group."""


@app.command("show", cls=PlainCommand)
def _show(
    names: Annotated[list[str] | None, typer.Argument()] = None,
    size: Annotated[str | None, typer.Option("-s")] = None,
    tags: Annotated[list[str] | None, typer.Option("--tag")] = None,
    loud: Annotated[bool, typer.Option("--loud")] = False,
    word: Annotated[str, typer.Option("--word")] = "w",
) -> None:
    """A command."""
    SEEN.append((names, size, tags, loud, word))


@app.command("other")
def _other() -> None:
    """Another command, so that the group stays one."""


@pytest.mark.parametrize(
    ("arguments", "seen"),
    [
        ([], (None, None, None, False, "w")),
        (["a", "b", "-s", "3", "--tag", "x", "--tag", "y", "--loud", "--word", ""],
         (["a", "b"], "3", ["x", "y"], True, "")),
    ],
)  # fmt: skip
def test_values_arrive_as_typed(arguments: list[str], seen: tuple[Any, ...]) -> None:
    result = CliRunner().invoke(app, ["show", *arguments])
    assert (result.exit_code, result.output) == (0, "")
    assert SEEN.pop() == seen


@pytest.mark.parametrize("arguments", [["--help"], ["show", "--help"]])
def test_help_is_still_there(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_callbacks_are_still_called() -> None:
    result = CliRunner().invoke(app, ["--told", "show"])
    assert (result.exit_code, result.output) == (0, "told\n")


def test_whole_numbers() -> None:
    assert (whole(None, "-n"), whole("12", "-n"), whole("-3", "-n")) == (None, 12, -3)
    with pytest.raises(UserError, match="-n takes a whole number, not '1e3'"):
        whole("1e3", "-n")


def test_the_collector_runs_again_after_large_imports() -> None:
    with large_imports():
        running = gc.isenabled()
    assert not running
    assert gc.isenabled()
    gc.unfreeze()

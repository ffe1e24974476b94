"""When a progress bar appears."""

import io
import sys

import pytest

from genstudy.cli import progress
from genstudy.cli.progress import Progress


class Terminal(io.StringIO):
    """A terminal that keeps what is drawn on it."""

    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Make stderr a terminal. No fixture: pytest puts its own stderr back before the test begins."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    return screen


def test_a_closed_stderr_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert not Progress().possible


def test_no_terminal_no_bar() -> None:
    assert not Progress().possible


def test_a_bar_may_be_unwanted(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal(monkeypatch)
    assert Progress().possible
    assert not Progress(shown=False).possible


def test_a_terminal_that_cannot_draw_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal(monkeypatch)
    monkeypatch.setenv("TERM", "dumb")
    assert not Progress().possible


def test_a_short_job_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    with Progress() as bar:
        bar.update(1, 2)
        bar.update(2, 2)
    assert screen.getvalue() == ""


@pytest.mark.parametrize(("patience", "total"), [(progress.PATIENCE, progress.LONG), (-1.0, 2)])
def test_a_long_job_has_one(patience: float, total: int, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    monkeypatch.setattr(progress, "PATIENCE", patience)
    with Progress() as bar:
        bar.update(1, total)
        bar.update(total, total)
    assert "100%" in screen.getvalue()

"""What `genstudy run` shows while it runs."""

from __future__ import annotations

import io
import os
import pty
import sys

import pytest

from genstudy.campaign.progress import Progress, Running
from genstudy.campaign.summary import Counts
from genstudy.cli.live import QUIET, Display
from genstudy.errors import RunError

EVIL = "[red]a[/red] [/bad] \x1b]0;title\x07"


def progress(*, seconds: float, held: str = "", running: tuple[Running, ...] = ()) -> Progress:
    return Progress(
        rows=Counts(total=1500, done=500, failed=1, pending=999),
        batches=Counts(total=3, done=0, failed=1, pending=2),
        running=running,
        saving=0,
        held=held,
        files=7,
        seconds=seconds,
        ended_rows=120,
        left=3600.0,
    )


AT_WORK = (Running(batch="0001", rows=500, seen=120, seconds=60.0),)


def test_a_long_batch_gives_signs_of_life_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    with Display() as display:
        for seconds in (0, QUIET - 1, QUIET, QUIET + 1, 2 * QUIET, 2 * QUIET + 1):
            display.show(progress(seconds=seconds, running=AT_WORK))
    line = "running: 0001 (120 of 500 rows); 621 of 1,500 in all, about 1 h left\n"
    assert capsys.readouterr().out == 2 * line


def test_lines_that_are_told_are_signs_of_life_too(capsys: pytest.CaptureFixture[str]) -> None:
    with Display() as display:
        display.show(progress(seconds=QUIET - 1, running=AT_WORK))
        display.tell("batch 0000: done")
        display.show(progress(seconds=QUIET, running=AT_WORK))
        display.show(progress(seconds=2 * QUIET - 2, running=AT_WORK))
    assert capsys.readouterr().out == "batch 0000: done\n"


def test_many_batches_at_a_time_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    many = tuple(Running(batch=f"{i:04}", rows=500, seen=i, seconds=1.0) for i in range(10))
    with Display() as display:
        display.show(progress(seconds=QUIET, running=many))
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("running: 0000 (0 of 500 rows), 0001 (1 of 500 rows), ")
    assert " and 2 more; " in line


def test_a_batch_that_is_held_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    with Display() as display:
        for seconds in (1, 2):
            display.show(progress(seconds=seconds, held=EVIL))
    assert capsys.readouterr().out == "held: [red]a[/red] [/bad] \\x1b]0;title\\x07\n"


def test_names_do_not_act_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    with Display() as display:
        display.tell(EVIL)
    assert capsys.readouterr().out == "[red]a[/red] [/bad] \\x1b]0;title\\x07\n"


def test_names_do_not_act_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    master, terminal = pty.openpty()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with os.fdopen(terminal, "w") as screen:
        monkeypatch.setattr(sys, "stdout", screen)
        with Display() as display:
            display.tell(EVIL)
            display.show(
                progress(seconds=2, held=EVIL, running=(Running(batch=EVIL, rows=1, seen=0, seconds=1),))
            )
        screen.flush()
        shown = os.read(master, 65536)
    os.close(master)
    assert b"[red]a[/red] [/bad] \\x1b]0;title\\x07" in shown
    assert b"\x1b]0" not in shown


class Full(io.StringIO):
    def write(self, _: str) -> int:
        raise OSError(28, "No space left on device")


def test_an_output_that_takes_nothing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Full())
    with Display() as display, pytest.raises(RunError, match="standard output: No space left on device"):
        display.tell("a line")

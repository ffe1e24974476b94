"""`genstudy doctor`: what is installed, found and reachable, and what will not work."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from dataclasses import asdict
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from genstudy.cli.completion import campaigns
from genstudy.cli.progress import is_terminal
from genstudy.cli.settings import check_utf8
from genstudy.cli.source import DB_VARIABLE
from genstudy.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genstudy.doctor.findings import Finding

INDENT = " " * 20


def doctor_command(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="A campaign, or where one is to be: here if nothing is said.",
            show_default=False,
            autocompletion=campaigns,
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Import no packages, and run no study.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object, as docs/doctor.md tells.")] = False,
) -> None:
    """Check what is installed, found and reachable.

    A line for each thing: ok, a note, or a problem, with what it means and how to mend it. The exit code is 1
    if something will not work. Nothing is changed.
    """
    from genstudy.doctor.diagnose import diagnose

    check_utf8(folder)
    url = os.environ.get(DB_VARIABLE)
    findings = diagnose(folder, quick=quick, databases={DB_VARIABLE: url} if url else {})
    found = list(findings) if as_json else list(_printed(findings))
    problems = sum(finding.level == "problem" for finding in found)
    if as_json:
        answer = {"format": 1, "ok": not problems, "findings": [asdict(finding) for finding in found]}
        typer.echo(json.dumps(answer, indent=2))
    else:
        notes = sum(finding.level == "note" for finding in found)
        typer.echo(
            (counted(problems, "problem") if problems else "nothing wrong")
            + (f"; {counted(notes, 'note')}" if notes else "")
        )
    if problems:
        raise typer.Exit(1)


def _printed(findings: Iterator[Finding]) -> Iterator[Finding]:
    """Print each finding as it comes, and yield it."""
    from genstudy.batches.showing import visible

    # In a pipe a finding is a line, and its hint another.
    width = shutil.get_terminal_size().columns if is_terminal(sys.stdout) else sys.maxsize
    for finding in findings:
        head = f"{finding.level:8} {finding.about:10} "
        for first, text in ((head, finding.text), (INDENT, finding.hint)):
            if text:
                typer.echo(_wrapped(visible(text), first, width))
        yield finding


def _wrapped(text: str, first: str, width: int) -> str:
    lines = textwrap.wrap(
        text,
        max(width, 40),
        initial_indent=first,
        subsequent_indent=INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines)

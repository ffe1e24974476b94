"""`genstudy cancel`: stops a campaign, on whatever machine it runs."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from genstudy.cli.completion import FolderArgument  # noqa: TC001 - Typer reads the annotations
from genstudy.cli.settings import check_utf8


def cancel_command(
    folder: FolderArgument,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Ask it to stop, and do not wait until it has.")
    ] = False,
) -> None:
    """Stop the run of a campaign, wherever it is, and its jobs.

    The process is asked to stop at once, and its end is waited for.
    What finished is recorded: genstudy run goes on from there.
    """
    from genstudy.cli.status_text import names, rows_text, state_text
    from genstudy.inspection.cancel import cancel_campaign

    check_utf8(folder)
    found = cancel_campaign(folder, wait=not no_wait, tell=lambda line: typer.echo(line, err=True))
    if found.owner is None and not found.before.waves:
        typer.echo(f"{folder}: nothing runs it, so there is nothing to stop: {state_text(found.before)}")
        return
    if found.after is None:
        owner = found.owner
        assert owner is not None
        typer.echo(f"{folder}: asked process {owner.pid} of {owner.user} on {owner.host} to stop")
        return
    running = list(dict.fromkeys(run.batch for run in found.before.running))
    word = "batch" if len(running) == 1 else "batches"
    stopped = f"; stopped {word} {names(running)}" if running else ""
    typer.echo(f"{folder}: {state_text(found.after)}{stopped}")
    typer.echo(f"rows     {rows_text(found.after)}")
    if found.after.state == "stopped":
        typer.echo(f"next     genstudy run {shlex.quote(str(folder))}")

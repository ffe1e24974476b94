"""`genstudy run`: every batch of a campaign, one after the other."""

from __future__ import annotations

import os
import shlex
import signal
from contextlib import contextmanager, suppress
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genstudy.cli.collect import place_text
from genstudy.cli.settings import check_utf8
from genstudy.errors import RunError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genstudy.campaign.progress import RunReport
    from genstudy.campaign.stop import Stop
    from genstudy.campaign.summary import ResultCounts


def run_command(
    folder: Annotated[Path, typer.Argument(help="The campaign's folder.", show_default=False)],
    jobs: Annotated[
        int | None, typer.Option("-j", "--jobs", help="Batches at a time (1). A local batch uses one core.")
    ] = None,
    max_batches: Annotated[
        int | None, typer.Option("--max-batches", help="Begin no more than these, then end.")
    ] = None,
    canary: Annotated[
        int | None,
        typer.Option("--canary", help="Run these many rows first, and show what all of them will take."),
    ] = None,
    save: Annotated[
        str | None,
        typer.Option("--save", help="keep, archive (default) or move: what becomes of a batch's files."),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", help="The folder of the archives, or of what is moved.")
    ] = None,
    keep_failed: Annotated[
        bool | None,
        typer.Option("--keep-failed/--clear-failed", help="Failed rows' workspaces stay, or go too."),
    ] = None,
    before: Annotated[str | None, typer.Option("--before", help="A command before each batch.")] = None,
    after: Annotated[
        str | None, typer.Option("--after", help="A command after each batch, before it is saved.")
    ] = None,
    timeout: Annotated[
        str | None, typer.Option("--timeout", help="The longest a study of a batch may take: 90s, 15m, 2h.")
    ] = None,
    max_files: Annotated[
        int | None, typer.Option("--max-files", help="The most files and folders the campaign may have.")
    ] = None,
    min_free: Annotated[
        str | None, typer.Option("--min-free", help="What stays free on the disk, such as 10G.")
    ] = None,
    min_free_files: Annotated[
        int | None, typer.Option("--min-free-files", help="Inodes that stay free on the disk.")
    ] = None,
    max_failures: Annotated[
        int | None, typer.Option("--max-failures", help="End once more rows than these failed.")
    ] = None,
    max_failure_rate: Annotated[
        float | None, typer.Option("--max-failure-rate", help="End once a larger share failed, 0 to 1.")
    ] = None,
    throttle: Annotated[
        int | None, typer.Option("--throttle", help="Maestro's: jobs in the queue at a time.")
    ] = None,
    attempts: Annotated[
        int | None, typer.Option("--attempts", help="Maestro's: tries to submit a step.")
    ] = None,
    rlimit: Annotated[int | None, typer.Option("--rlimit", help="Maestro's: restarts of a step.")] = None,
    sleep: Annotated[
        int | None, typer.Option("--sleep", help="Seconds between Maestro's looks at its jobs.")
    ] = None,
    pass_env: Annotated[
        list[str] | None,
        typer.Option("--pass-env", help="A variable that reaches the steps though it looks like a secret."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the command of each batch; run nothing.")
    ] = False,
) -> None:
    """Run the pending batches of a campaign, and save each.

    It goes on where an earlier run stopped.

    Ctrl-C once: finish the batches that run, then stop. Twice: stop now. Nothing is lost either way.
    """
    from genstudy.campaign.run import planned_commands, run_campaign
    from genstudy.campaign.stop import Stop
    from genstudy.cli.live import Display

    for option, number in (("--max-batches", max_batches), ("--canary", canary)):
        if number is not None and number < 1:
            raise UserError(f"{option} takes a whole number from 1, not {number}")
    check_utf8(folder, to, before, after, *(pass_env or ()))
    given: dict[str, Any] = {
        "jobs": jobs,
        "save": save,
        "to": to,
        "keep_failed": keep_failed,
        "before": before,
        "after": after,
        "timeout": timeout,
        "max_files": max_files,
        "min_free": min_free,
        "min_free_files": min_free_files,
        "max_failures": max_failures,
        "max_failure_rate": max_failure_rate,
        "throttle": throttle,
        "attempts": attempts,
        "rlimit": rlimit,
        "sleep": sleep,
        "pass_env": pass_env,
    }
    settings = {key: value for key, value in given.items() if value is not None}
    if dry_run:
        for command in planned_commands(folder, settings):
            typer.echo(command)
        return
    stop = Stop()
    with _signals(stop), Display() as display:
        report = run_campaign(
            folder,
            settings,
            max_batches=max_batches,
            canary=canary,
            stop=stop,
            tell=display.tell,
            watch=display.show,
        )
    _finish(folder, report, stop)


@contextmanager
def _signals(stop: Stop) -> Iterator[None]:
    """Take Ctrl-C and requests to end as such while a campaign runs."""

    def end(number: int, _: object) -> None:
        stop.signal = number
        stop.at_once(signal.Signals(number).name)

    def interrupt(number: int, _: object) -> None:
        word = "finishing the batches that run; Ctrl-C again stops them" if not stop.finishing else "stopping"
        with suppress(OSError):  # Written as one: print may be at work already where the signal comes.
            os.write(2, f"\ngenstudy: {word}\n".encode())
        stop.interrupt(number)

    handlers = {signal.SIGINT: interrupt, signal.SIGTERM: end, signal.SIGHUP: end}
    before = {
        number: signal.signal(number, handler)
        for number, handler in handlers.items()
        if signal.getsignal(number) is not signal.SIG_IGN  # nohup, or a shell's background job
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _finish(folder: Path, report: RunReport, stop: Stop) -> None:
    rows, place = report.rows, shlex.quote(str(folder))
    idle = "" if report.started or rows.pending else "nothing left to run; "
    left = f", {rows.pending:,} pending" if rows.pending else ""
    failed = f", {rows.failed:,} failed" if rows.failed else ""
    typer.echo(f"{folder}: {idle}{rows.done:,} of {rows.total:,} rows done{failed}{left}")
    if report.results is not None:
        typer.echo(_results_text(folder, report.results))
    if rows.failed:
        typer.echo(f"see them: genstudy status {place} --failed")
        typer.echo(f"try them again: genstudy retry {place} && genstudy run {place}")
    if stop.signal is not None:
        raise typer.Exit(128 + stop.signal)
    if report.reason:
        raise RunError(f"{report.reason}; genstudy run {place} goes on")
    if rows.failed:
        raise typer.Exit(1)


def _results_text(folder: Path, results: ResultCounts) -> str:
    """Return what was collected, and where it is."""
    from genstudy.campaign.progress import missing_text
    from genstudy.units import counted

    place = place_text(folder, results.shown)
    faulty = f", {results.faulty:,} with something missing ({missing_text(results.missing)})"
    return f"results: {counted(results.rows, 'row')} in {place}{faulty if results.faulty else ''}"

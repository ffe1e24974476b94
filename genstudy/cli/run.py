"""`genstudy run`: every batch of a campaign, one after the other."""

from __future__ import annotations

import os
import shlex
import signal
from contextlib import contextmanager, suppress
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genstudy.cli import run_options as options  # noqa: TC001 - Typer reads the annotations
from genstudy.cli.collect import place_text
from genstudy.cli.completion import FolderArgument  # noqa: TC001 - Typer reads the annotations
from genstudy.cli.scheduling import JobOption, SchedulerOption  # noqa: TC001 - Typer reads the annotations
from genstudy.cli.settings import check_utf8
from genstudy.errors import RunError, UserError
from genstudy.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from genstudy.campaign.progress import RunReport
    from genstudy.campaign.stop import Stop
    from genstudy.campaign.summary import ResultCounts


def run_command(
    folder: FolderArgument,
    scheduler: SchedulerOption = None,
    job: JobOption = None,
    jobs: options.Jobs = None,
    max_batches: options.MaxBatches = None,
    canary: options.Canary = None,
    save: options.Save = None,
    to: options.To = None,
    keep_failed: options.KeepFailed = None,
    before: options.Before = None,
    after: options.After = None,
    timeout: options.Timeout = None,
    max_files: options.MaxFiles = None,
    min_free: options.MinFree = None,
    min_free_files: options.MinFreeFiles = None,
    max_failures: options.MaxFailures = None,
    max_failure_rate: options.MaxFailureRate = None,
    throttle: options.Throttle = None,
    attempts: options.Attempts = None,
    rlimit: options.Rlimit = None,
    sleep: options.Sleep = None,
    pass_env: options.PassEnv = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the command of each batch; run nothing.")
    ] = False,
) -> None:
    """Run the pending batches of a campaign, and save each.

    It goes on where an earlier run stopped. With --scheduler slurm each batch is a job, which this follows.

    Ctrl-C once: finish the batches that run, then stop. Twice: stop now. Batches that are jobs go on.
    Nothing is lost either way.
    """
    from genstudy.campaign.run import planned_commands, run_campaign
    from genstudy.campaign.stop import Stop
    from genstudy.cli.live import Display

    _check_whole(("--max-batches", max_batches), ("--canary", canary))
    check_utf8(folder, to, before, after, *(pass_env or ()), *(job or ()))
    settings = _settings(locals())
    if dry_run:
        for command in planned_commands(folder, settings, scheduler=scheduler, job=job or ()):
            typer.echo(command)
        return
    stop = Stop()
    with _signals(stop), Display() as display:
        report = run_campaign(
            folder,
            settings,
            scheduler=scheduler,
            job=job or (),
            max_batches=max_batches,
            canary=canary,
            stop=stop,
            tell=display.tell,
            watch=display.show,
        )
    _finish(folder, report, stop)


def submit_command(
    folder: FolderArgument,
    scheduler: SchedulerOption = None,
    job: JobOption = None,
    jobs: options.Jobs = None,
    max_batches: options.MaxBatches = None,
    save: options.Save = None,
    to: options.To = None,
    keep_failed: options.KeepFailed = None,
    before: options.Before = None,
    after: options.After = None,
    timeout: options.Timeout = None,
    max_files: options.MaxFiles = None,
    max_failures: options.MaxFailures = None,
    max_failure_rate: options.MaxFailureRate = None,
    pass_env: options.PassEnv = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the next job's script; hand over nothing.")
    ] = False,
) -> None:
    """Hand the pending batches of a campaign to a scheduler.

    Each batch is a task of a job array; --jobs is how many studies a task runs side by side.
    Call it again to take up what has ended, and to hand over more.
    genstudy run --scheduler slurm does that until nothing is left.
    """
    from genstudy.campaign.cluster.submit import next_script, submit_campaign
    from genstudy.campaign.stop import Stop

    _check_whole(("--max-batches", max_batches))
    check_utf8(folder, to, before, after, *(pass_env or ()), *(job or ()))
    settings = _settings(locals())
    if dry_run:
        typer.echo(next_script(folder, settings, scheduler=scheduler, job=job or ()), nl=False)
        return
    stop = Stop()
    with _signals(stop):
        report = submit_campaign(
            folder,
            settings,
            scheduler=scheduler,
            job=job or (),
            max_batches=max_batches,
            stop=stop,
            tell=typer.echo,
        )
    _finish(folder, report, stop, submitted=True)


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a run among a command's options, which have their names."""
    from genstudy.specs.running import RunSettings

    return {name: given[name] for name in RunSettings.model_fields if given.get(name) is not None}


def _check_whole(*given: tuple[str, int | None]) -> None:
    for option, number in given:
        if number is not None and number < 1:
            raise UserError(f"{option} takes a whole number from 1, not {number}")


@contextmanager
def _signals(stop: Stop) -> Iterator[None]:
    """Take Ctrl-C and requests to end as such while a campaign runs."""

    def end(number: int, _: object) -> None:
        stop.signal = number
        stop.at_once(signal.Signals(number).name)

    def interrupt(number: int, _: object) -> None:
        word = "stopping" if stop.finishing else "finishing the batches that run; Ctrl-C again stops them"
        if stop.leaves:
            word = "leaving; the jobs go on, and genstudy run follows them again"
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


def _finish(folder: Path, report: RunReport, stop: Stop, *, submitted: bool = False) -> None:
    rows, place = report.rows, shlex.quote(str(folder))
    idle = "" if report.started or rows.pending else "nothing left to run; "
    queued = f" ({counted(report.queued, 'batch')} in the queue)" if report.queued else ""
    left = f", {rows.pending:,} pending{queued}" if rows.pending else ""
    failed = f", {rows.failed:,} failed" if rows.failed else ""
    typer.echo(f"{folder}: {idle}{rows.done:,} of {rows.total:,} rows done{failed}{left}")
    if report.results is not None:
        typer.echo(_results_text(folder, report.results))
    if rows.failed:
        typer.echo(f"see them: genstudy status {place} --failed")
        typer.echo(f"try them again: genstudy retry {place} && genstudy run {place}")
    if stop.signal is not None:
        if report.queued:
            typer.echo(
                f"the jobs go on; genstudy {'submit' if submitted else 'run'} {place} takes up what they do"
            )
        raise typer.Exit(128 + stop.signal)
    if report.reason:
        raise RunError(f"{report.reason}; genstudy {'submit' if submitted else 'run'} {place} goes on")
    if submitted and report.queued:
        typer.echo(f"how they are: genstudy status {place}")
    elif rows.failed:
        raise typer.Exit(1)


def _results_text(folder: Path, results: ResultCounts) -> str:
    """Return what was collected, and where it is."""
    from genstudy.campaign.progress import missing_text

    place = place_text(folder, results.shown)
    faulty = f", {results.faulty:,} with something missing ({missing_text(results.missing)})"
    return f"results: {counted(results.rows, 'row')} in {place}{faulty if results.faulty else ''}"

"""A campaign's status as lines of text: few enough for a screen, whatever the campaign's size."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING

from genstudy.batches.showing import visible
from genstudy.planning.text import row_time
from genstudy.units import counted, size_text, time_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from genstudy.inspection.status_format import BatchAgain, Status, WaveStatus

SHOWN = 5
WIDTH = 8


def status_lines(status: Status, folder: str) -> list[str]:
    """Return the status for people. folder: what the campaign's folder is called in commands."""
    found = [("", f"{folder}: {_owner(status)}"), ("rows", rows_text(status)), ("batches", _batches(status))]
    found += _cost(status)
    found += _results(status)
    found.append(("files", f"{status.files:,} in use, {size_text(status.bytes)} saved"))
    found += [("wave", text) for text in _waves(status.waves)]
    found += _running(status)
    found += [("again", text) for text in _again(status.again)]
    if status.unsaved:
        found.append(("unsaved", names(status.unsaved)))
    found += [("next", command) for command in _next(status, folder)]
    return [f"{label:{WIDTH}} {text}" if label else text for label, text in found]


def change_line(status: Status) -> str:
    """Return the counts in one line, for a pipe."""
    batches = status.batches
    word = "" if status.state == "running" else f"; {state_text(status)}"
    ended = batches.done + batches.failed
    return (
        f"rows {rows_text(status)}; batches {ended:,} ended, {batches.running:,} running, "
        f"{batches.saved:,} saved of {batches.total:,}{word}"
    )


def rows_text(status: Status) -> str:
    """Return how many rows are done, failed and pending."""
    rows = status.rows
    return f"{rows.done:,} done, {rows.failed:,} failed, {rows.pending:,} pending of {rows.total:,}"


def state_text(status: Status) -> str:
    """Return in words whether a campaign runs."""
    match status.state:
        case "new":
            return "not run yet"
        case "running":
            return "running"
        case "submitted":
            if all(wave.ended == wave.batches for wave in status.waves):
                return "its jobs are over, and nobody has taken up yet what they did"
            return "in the scheduler's hands, and followed by nobody"
        case "finished":
            return "finished"
        case "died":
            return "not running; its last process ended without a word"
        case "stopped":
            return f"not running: {_one_line(status.reason)}" if status.reason else "not running"


def names(ids: Sequence[str]) -> str:
    """Return the first ids, and how many more there are."""
    more = f" and {len(ids) - SHOWN:,} more" if len(ids) > SHOWN else ""
    return ", ".join(ids[:SHOWN]) + more


def _owner(status: Status) -> str:
    owner = status.owner
    if owner is None:
        return state_text(status)
    who = f"process {owner.pid} of {owner.user} on {owner.host}"
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(owner.since))
    if status.state == "running":
        unseen = "; whether it lives cannot be seen from here" if owner.alive is None else ""
        return f"{who} runs it since {since}{unseen}"
    return f"{state_text(status)} ({who}, started {since})"


def _batches(status: Status) -> str:
    batches = status.batches
    running = f"{batches.running:,} running, " if status.state == "running" else ""
    return (
        f"{batches.done:,} done, {batches.failed:,} with failures, {batches.pending:,} pending of "
        f"{batches.total:,}; {running}{batches.saved:,} saved, {batches.cleared:,} cleared"
    )


def _results(status: Status) -> Iterator[tuple[str, str]]:
    found = status.results
    if found is not None:
        faulty = f", {found.faulty:,} with something missing" if found.faulty else ""
        yield "results", f"{found.rows:,} rows of {found.batches:,} batches collected{faulty}"


def _cost(status: Status) -> Iterator[tuple[str, str]]:
    cost = status.cost
    if cost is not None:
        text = f"{row_time(cost.seconds)}, {cost.files:.1f} files, {size_text(cost.bytes)}"
        yield "a row", f"{text} (mean of {cost.rows:,})"
    if status.rate:
        left = f", about {time_text(status.left)} left" if status.left else ""
        yield "rate", f"{status.rate:.3g} rows/s{left}"


def _running(status: Status) -> Iterator[tuple[str, str]]:
    for run in status.running[:SHOWN]:
        since = time.strftime("%H:%M:%S", time.localtime(run.since))
        yield "running", f"{run.batch}: {run.rows:,} rows since {since}, in runs/{run.study}"
    if len(status.running) > SHOWN:
        yield "", f"{'':{WIDTH}} ... and {len(status.running) - SHOWN:,} more"


def _waves(waves: Sequence[WaveStatus]) -> Iterator[str]:
    for wave in waves:
        job = f"job {wave.job} of {wave.scheduler.capitalize()}" if wave.job else wave.scheduler.capitalize()
        waiting = wave.batches - wave.ended - wave.running
        yield (
            f"{wave.wave}: {job}, {wave.ended:,} ended, {wave.running:,} running, {waiting:,} waiting of "
            f"{counted(wave.batches, 'batch')}"
        )


def _again(again: Sequence[BatchAgain]) -> Iterator[str]:
    whole = [batch for batch in again if batch.whole]
    if whole:
        yield f"{whole[0].reason}: {_counted(whole)} as a whole: {names([b.batch for b in whole])}"
    for judged in (True, False):
        part = [batch for batch in again if not batch.whole and batch.judged is judged]
        if not part:
            continue
        ids = names([batch.batch for batch in part])
        if judged:
            rows = sum(batch.rows for batch in part)
            yield f"{rows:,} rows of {_counted(part)} that were cut short: {ids}"
        else:
            yield f"{_counted(part)} cut short: {ids}; {part[0].reason}"


def _counted(batches: Sequence[BatchAgain]) -> str:
    return counted(len(batches), "batch")


def _next(status: Status, folder: str) -> Iterator[str]:
    place = shlex.quote(folder)
    if status.rows.failed:
        yield f"genstudy status {place} --failed"
    if status.state == "running":
        return
    if status.waves:
        yield f"genstudy {'run' if status.waves[-1].scheduler == 'slurm' else 'submit'} {place}"
        return
    if status.rows.failed and not status.rows.pending:
        yield f"genstudy retry {place} && genstudy run {place}"
    elif status.state != "finished":
        yield f"genstudy run {place}"


def _one_line(text: str) -> str:
    return visible(" ".join(text.replace("\n  ", "; ").split()))

"""Runs of a campaign that something happens to at a chosen moment: right before they touch the n-th file.

Run as a program, `python -m tests.campaign.dying CAMPAIGN FATE FIRST STEP [SCHEDULER | tasks]`, it copies a
campaign for each of the moments FIRST, FIRST + STEP, ..., has its fate overtake a run of the copy at that
moment, runs the copy again to its end, and prints a line for whatever is wrong then. The last line says how
many moments it tried. With `tasks` the campaign has a wave, whose tasks are run, one after the other.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
import threading
import traceback
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from genstudy.campaign.cluster.submit import submit_campaign
from genstudy.campaign.cluster.task import run_task
from genstudy.campaign.run import run_campaign
from genstudy.inspection.fetch import fetch_row
from genstudy.inspection.verify import verify_campaign
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.ranges import Rows
from genstudy.ledger.records import Ended
from genstudy.ledger.state import CampaignState
from genstudy.specs.manifest import read_manifest
from tests.campaign.support import study_processes

EVENTS = frozenset({"open", "subprocess.Popen"})
REACHED, SPARED = 9, 0
"""Exit codes of a run: whether it came to its moment at all."""
PATIENCE = 120.0


def die() -> None:
    """As SIGKILL does it."""
    os._exit(REACHED)


def fail() -> None:
    """As a disk does it."""
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def interrupt() -> None:
    """As Ctrl-C in a notebook does it."""
    if threading.current_thread() is threading.main_thread():
        raise KeyboardInterrupt


FATES: dict[str, Callable[[], None]] = {"die": die, "fail": fail, "interrupt": interrupt}


def run(campaign: Path) -> None:
    """Run a campaign as the command line says."""
    if sys.argv[5:] == ["tasks"]:
        wave = campaign / "waves" / "0001"
        for index in range(len((wave / "tasks.jsonl").read_bytes().splitlines())):
            run_task(wave, index)
    elif len(sys.argv) > 5:
        run_campaign(campaign, {"sleep": 1}, scheduler=sys.argv[5])
    else:
        run_campaign(campaign)


def concerns(event: str, arguments: tuple[Any, ...], campaign: str) -> bool:
    """Tell whether an event is something that a run does to its campaign's files, or a process it starts."""
    if not (event in EVENTS or event.startswith("os.")) or event == "os.putenv":
        return False
    texts = [os.fsdecode(part) for part in arguments if isinstance(part, str | bytes)]
    relative = any(not text.startswith("/") for text in texts[:1]) and event != "open"
    return relative or event == "subprocess.Popen" or any(text.startswith(campaign) for text in texts)


def overtaken(campaign: Path, fate: str, moment: int) -> int:
    """Run a campaign in a process that something happens to; return its exit code."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    left = moment
    lock = threading.Lock()

    def listen(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if left > 0 and concerns(event, arguments, str(campaign)):
            with lock:
                left -= 1
                due = left == 0
            if due:
                FATES[fate]()

    code = 1
    try:
        sys.addaudithook(listen)
        watchdog = threading.Timer(PATIENCE, die_of_hanging)
        watchdog.daemon = True
        watchdog.start()
        run(campaign)
        code = SPARED
    except (Exception, KeyboardInterrupt) as problem:  # noqa: BLE001 - all of them end a run
        code = REACHED
        if not isinstance(problem, OSError | KeyboardInterrupt) and "Input/output" not in str(problem):
            traceback.print_exc()
    finally:
        os._exit(REACHED if left <= 0 else code)
    raise AssertionError


def die_of_hanging() -> None:
    """End a run that has not ended in time."""
    os._exit(77)


def problems_of(campaign: Path) -> list[str]:
    """Run a campaign to its end in this process, and return what is wrong with it."""
    try:
        run(campaign)
        if sys.argv[5:] == ["tasks"]:
            submit_campaign(campaign)
    except Exception:  # noqa: BLE001 - it is what this looks for
        return [traceback.format_exc()]
    state = CampaignState(read_manifest(campaign), Ledger(campaign).records())
    total = state.tally.rows
    done = [
        row for one in Ledger(campaign).records() if isinstance(one, Ended) for row in Rows.parse(one.done)
    ]
    problems = [] if sorted(done) == list(range(total)) else [f"the ledger has rows {done} done"]
    problems += [f"{batch.entry.id} not finished" for batch in state.batches.values() if not batch.finished]
    for row in range(total):
        fetched = BytesIO()
        fetch_row(campaign, str(row), "out.txt", to=fetched)
        if fetched.getvalue() != f"out {row}\n".encode():
            problems.append(f"row {row} has {fetched.getvalue()!r}")
    verified = verify_campaign(campaign)
    problems += [*verified.problems, *verified.notes]
    problems += [f"left: {path}" for path in (campaign / "runs").iterdir()]
    problems += [f"process {pid} left" for pid in study_processes(campaign)]
    return problems


def main() -> None:
    """Try every chosen moment."""
    campaign, fate = Path(sys.argv[1]).resolve(), sys.argv[2]
    moment, step = map(int, sys.argv[3:5])
    tried = 0
    while True:
        copy = campaign.with_name(f"{fate}-{moment}")
        shutil.copytree(campaign, copy)
        code = overtaken(copy, fate, moment)
        for problem in problems_of(copy) + (["it hung"] if code == 77 else []):
            sys.stdout.write(f"{fate} at {moment}: {problem}\n")
        shutil.rmtree(copy)
        if code == SPARED:
            break
        tried += 1
        moment += step
    sys.stdout.write(f"{tried}\n")


if __name__ == "__main__":
    main()

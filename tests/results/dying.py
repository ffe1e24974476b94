"""Processes that are killed right before they touch the n-th file of a campaign, while they collect.

Run as a program, `python -m tests.results.dying CAMPAIGN FIRST STEP`, it copies a campaign whose studies have
ended for each of the moments FIRST, FIRST + STEP, ..., kills a run of the copy at that moment, runs it again
to its end, and prints a line for whatever is wrong then. The last line says how many moments it tried.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from genstudy.campaign.run import run_campaign
from genstudy.inspection.verify import verify_campaign
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.state import CampaignState
from genstudy.results.collect import collect_results
from genstudy.specs.manifest import read_manifest
from tests.campaign.dying import concerns
from tests.results.lab import attempts


def killed(act: Callable[[], object], campaign: Path, moment: int) -> bool:
    """Do something in a process of its own that is killed at a moment; tell whether it came to that."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    left = moment

    def listen(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if concerns(event, arguments, str(campaign)) or event == "sqlite3.connect":
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    code = 1
    try:
        sys.addaudithook(listen)
        act()
        code = 0
    finally:
        os._exit(code)
    raise AssertionError


def kill_collecting(campaign: Path, moments: list[int], into: str | None) -> list[int]:
    """Kill the collecting of a campaign at one moment after the other; return those that came."""
    return [
        moment
        for moment in moments
        if killed(lambda: collect_results(campaign, into=into, again=True), campaign, moment)
    ]


def problems_of(campaign: Path, whole: Path) -> list[str]:
    """Return what is wrong with a campaign that was run to its end. whole: one that nobody killed."""
    state = CampaignState(read_manifest(campaign), Ledger(campaign).records())
    problems = [f"{batch.entry.id} not finished" for batch in state.batches.values() if not batch.finished]
    if attempts(campaign) != attempts(whole):
        problems.append("the table is another")
    verified = verify_campaign(campaign)
    return [*problems, *verified.problems, *verified.notes, *map(str, (campaign / "runs").iterdir())]


def main() -> None:
    """Try every chosen moment. All runs are children: threads of polars do not outlive a fork."""
    campaign, moment, step = Path(sys.argv[1]).resolve(), int(sys.argv[2]), int(sys.argv[3])
    whole = campaign.with_name("whole")
    shutil.copytree(campaign, whole)
    killed(lambda: run_campaign(whole), whole, 0)
    tried = 0
    while True:
        copy = campaign.with_name(f"at-{moment}")
        shutil.copytree(campaign, copy)
        came = killed(partial(run_campaign, copy), copy, moment)
        killed(partial(run_campaign, copy), copy, 0)
        for problem in problems_of(copy, whole):
            sys.stdout.write(f"at {moment}: {problem}\n")
        shutil.rmtree(copy)
        if not came:
            break
        tried += 1
        moment += step
    sys.stdout.write(f"{tried}\n")


if __name__ == "__main__":
    main()

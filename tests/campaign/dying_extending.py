"""Extensions of a campaign that something happens to at a chosen moment: right before they touch a file.

Run as a program, `python -m tests.campaign.dying_extending CAMPAIGN FATE FIRST STEP TABLE | ROWS`, it copies
the campaign for each of the moments FIRST, FIRST + STEP, ..., has its fate overtake an extension of the copy
there, extends the copy again, and prints a line for whatever is wrong. The last line says how many moments it
tried.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

from genstudy.campaign.extend import extend_campaign
from genstudy.files import sha256_of
from genstudy.inspection.verify_made import batch_problems, made_problems, retry_problems
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.state import BatchState, CampaignState
from genstudy.specs.manifest import Manifest, read_manifest
from tests.campaign.dying import FATES, REACHED, SPARED, concerns


def extend(campaign: Path) -> None:
    """Extend a campaign as the command line says."""
    source = sys.argv[5]
    if source.isdecimal():
        extend_campaign(campaign, rows=int(source))
    else:
        extend_campaign(campaign, source)


def states_of(campaign: Path, manifest: Manifest) -> dict[str, BatchState]:
    """Return what is known of each batch of a manifest, by the ledger of a campaign."""
    return CampaignState(manifest, Ledger(campaign).records()).batches


def extended(campaign: Path) -> None:
    """Extend a campaign in a process of its own: what threads polars has must not be there at a fork."""
    child = os.fork()
    if not child:
        code = 1
        try:
            extend(campaign)
            code = 0
        except Exception:  # noqa: BLE001 - it is what this looks for
            traceback.print_exc()
        finally:
            os._exit(code)
    os.waitpid(child, 0)


def overtaken(campaign: Path, fate: str, moment: int) -> int:
    """Extend a campaign in a process that something happens to; return its exit code."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    left = moment
    main = threading.main_thread()

    def listen(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        # The heartbeat of the owner goes its own ways.
        own = threading.current_thread() is main and concerns(event, arguments, str(campaign))
        if left > 0 and own:
            left -= 1
            if left == 0:
                FATES[fate]()

    code = 1
    try:
        sys.addaudithook(listen)
        extend(campaign)
        code = SPARED
    except (Exception, KeyboardInterrupt) as problem:  # noqa: BLE001 - all of them end it
        code = REACHED
        if not isinstance(problem, KeyboardInterrupt) and "Input/output" not in str(problem):
            traceback.print_exc()
    finally:
        os._exit(REACHED if left <= 0 else code)
    raise AssertionError


def problems_of(campaign: Path, old: Manifest, new: Manifest) -> list[str]:
    """Return what is wrong with a campaign whose extension was cut off, also once it is extended again."""
    problems = []
    before = states_of(campaign, old)
    found = read_manifest(campaign)
    if found not in (old, new):
        problems.append("the manifest is neither the old one nor the new one")
    problems += _faults(campaign, found)
    if found == old:
        extended(campaign)
    if read_manifest(campaign) != new:
        problems.append("extended again, the manifest is another one")
    if sha256_of(campaign / "table.csv") != new.table.sha256:
        problems.append("extended again, the table is another one")
    after = states_of(campaign, new)
    problems += [f"batch {name} changed" for name in before if before[name] != after[name]]
    return [*problems, *_faults(campaign, new)]


def _faults(campaign: Path, manifest: Manifest) -> list[str]:
    state = CampaignState(manifest, Ledger(campaign).records())
    made = made_problems(campaign, manifest, quick=False)
    return [*made, *batch_problems(manifest), *retry_problems(state)]


def main() -> None:
    """Try every chosen moment."""
    campaign, fate = Path(sys.argv[1]).resolve(), sys.argv[2]
    moment, step = map(int, sys.argv[3:5])
    whole = campaign.with_name("whole")
    shutil.copytree(campaign, whole)
    extended(whole)
    old, new = read_manifest(campaign), read_manifest(whole)
    tried = 0
    while True:
        copy = campaign.with_name(f"{fate}-{moment}")
        shutil.copytree(campaign, copy)
        code = overtaken(copy, fate, moment)
        for problem in problems_of(copy, old, new):
            sys.stdout.write(f"{fate} at {moment}: {problem}\n")
        shutil.rmtree(copy)
        if code == SPARED:
            break
        tried += 1
        moment += step
    sys.stdout.write(f"{tried}\n")


if __name__ == "__main__":
    main()

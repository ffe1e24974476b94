"""Kill genstudy, Maestro or both, again and again at random: nothing is lost, nothing is done twice.

The suite runs a short form; `nox -s chaos` the long one (`--kills`, `--chaos-rows`, `--chaos-seed`).
"""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest

from genstudy.inspection.fetch import fetch_row
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.ranges import Rows
from genstudy.ledger.records import Ended
from tests.campaign.support import GENSTUDY, genstudy, is_maestro, study_processes
from tests.campaign.test_run import campaign_of

BATCH_SIZE = 10
VICTIMS = ("genstudy", "maestro", "both")


@pytest.fixture
def campaign(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    rows = request.config.getoption("--chaos-rows")
    genstudy(tmp_path, "csv", "width=uniform(1, 2)", "name=choice(steel, brass)", "-n", rows, "--seed", 1)
    command = """sh -c 'sleep 0.1; echo "$@" > output.txt' -"""
    genstudy(
        tmp_path, "specs", "params.csv", "-t", "command", "--set", f"command={command}", "-b", BATCH_SIZE
    )
    return tmp_path / "specs"


def test_whatever_is_killed_every_row_is_done_once(campaign: Path, request: pytest.FixtureRequest) -> None:
    kills = int(request.config.getoption("--kills"))
    seed = int(request.config.getoption("--chaos-seed"))
    chance = random.Random(seed)
    killed: Counter[str] = Counter()
    log = campaign.parent / "run.log"
    while killed.total() < kills:
        with log.open("ab") as stream:
            run = subprocess.Popen(
                [*GENSTUDY, "run", campaign], stdin=subprocess.DEVNULL, stdout=stream, stderr=stream
            )
        while run.poll() is None and killed.total() < kills:
            time.sleep(chance.uniform(0.0, 1.5))
            victim = chance.choice(VICTIMS)
            if hit(run, campaign, victim):
                killed[victim] += 1
        if run.poll() is None:
            run.kill()
        run.wait()
        if is_complete(campaign):
            break
    assert killed.total() == kills, f"all rows were done after {killed.total()} kills: give it more rows"
    final = subprocess.run([*GENSTUDY, "run", campaign], capture_output=True, text=True, check=False)
    assert final.returncode == 0, f"{final.stdout}\n{final.stderr}\n{log.read_text()[-3000:]}"
    check_all_done(campaign)


@pytest.mark.parametrize("fate", ["die", "fail", "interrupt"])
def test_whatever_happens_before_it_touches_a_file_the_next_run_goes_on(
    tmp_path: Path, request: pytest.FixtureRequest, fate: str
) -> None:
    # A run touches some 160 files; with --kills 120 or more, each of them is tried.
    step = max(1, 120 // int(request.config.getoption("--kills")))
    campaign = campaign_of(tmp_path, "echo out $1 > out.txt", rows=2, batch_size=1)
    tried = subprocess.run(
        [sys.executable, "-m", "tests.campaign.dying", campaign, fate, "1", str(step)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    (count,) = tried.stdout.splitlines()
    assert int(count) > 30 // step
    assert not list(study_processes(tmp_path))


def hit(run: subprocess.Popen[bytes], campaign: Path, victim: str) -> bool:
    """Kill what is chosen, if it is there; return whether anything was."""
    targets = [pid for pid in study_processes(campaign) if is_maestro(pid)] if victim != "genstudy" else []
    if victim == "maestro" and not targets:
        return False
    if victim != "maestro":
        if run.poll() is not None:
            return False
        run.kill()
    for pid in targets:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return True


def is_complete(campaign: Path) -> bool:
    return rows_of(campaign)["pending"] == 0


def rows_of(campaign: Path) -> dict[str, int]:
    rows: dict[str, int] = json.loads(genstudy(campaign.parent, "status", campaign, "--json"))["rows"]
    return rows


def check_all_done(campaign: Path) -> None:
    """Every row is done once in the ledger, its output is the table's, and all archives are as written."""
    with (campaign / "table.csv").open(newline="") as stream:
        table = list(csv.DictReader(stream))
    total = len(table)
    assert rows_of(campaign) == {"total": total, "done": total, "failed": 0, "pending": 0}
    done = [
        number
        for record in Ledger(campaign).records()
        if isinstance(record, Ended)
        for number in Rows.parse(record.done)
    ]
    assert sorted(done) == list(range(total))
    for number, row in enumerate(table):
        fetched = BytesIO()
        fetch_row(campaign, str(number), "output.txt", to=fetched)
        assert fetched.getvalue().decode() == f"--width={row['width']} --name={row['name']}\n"
    genstudy(campaign.parent, "verify", campaign)
    assert not list(study_processes(campaign))

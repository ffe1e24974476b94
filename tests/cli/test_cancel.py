"""`genstudy cancel`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from genstudy.ledger.ledger import Ledger
from tests.campaign.studies import wait_until
from tests.campaign.support import GENSTUDY
from tests.conftest import RunCli
from tests.inspection.test_status import all_of, campaign, ended, started, write
from tests.ledger.owners import NEVER, Owner, no_news


def test_it_says_what_was_stopped(in_tmp: Path) -> None:
    first, second, *_ = campaign(in_tmp).batches
    with Ledger(Path("c"), beat=NEVER).own({}, no_news) as owner:
        for record in (*all_of(first), started(second)):
            owner.add(record)
        process = subprocess.Popen(
            [*GENSTUDY, "cancel", "c"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        wait_until(owner.cancelled)
        assert process.poll() is None
        owner.add(ended(second, "10-12"))
        owner.reason = "cancelled"
    out, err = process.communicate()
    assert process.returncode == 0
    assert out == (
        "c: not running: cancelled; stopped batch 0001\n"
        "rows     13 done, 0 failed, 27 pending of 40\n"
        "next     genstudy run c\n"
    )
    assert err.startswith("asked process ")


def test_nobody_runs_it(run_cli: RunCli, in_tmp: Path) -> None:
    batches = campaign(in_tmp, rows=20).batches
    nothing = "c: nothing runs it, so there is nothing to stop: "
    assert run_cli("cancel", "c") == (0, f"{nothing}not run yet\n", "")
    write(Path("c"), *all_of(batches[0]), reason="interrupted")
    assert run_cli("cancel", "c") == (0, f"{nothing}not running: interrupted\n", "")
    write(Path("c"), *all_of(batches[1]))
    assert run_cli("cancel", "c", "--no-wait") == (0, f"{nothing}finished\n", "")


def test_its_process_died(run_cli: RunCli, in_tmp: Path) -> None:
    campaign(in_tmp)
    with Owner(in_tmp / "c") as owner:
        owner.ask("own")
        owner.kill()
    code, out, _ = run_cli("cancel", "c")
    assert code == 0
    assert out.endswith("nothing to stop: not running; its last process ended without a word\n")


def test_without_waiting(run_cli: RunCli, in_tmp: Path) -> None:
    campaign(in_tmp)
    with Ledger(Path("c"), beat=NEVER).own({}, no_news) as owner:
        code, out, err = run_cli("cancel", "c", "--no-wait")
        assert owner.cancelled()
    assert (code, err) == (0, "")
    assert out.startswith("c: asked process ")
    assert out.endswith(" to stop\n")


@pytest.mark.usefixtures("in_tmp")
def test_no_campaign(run_cli: RunCli) -> None:
    code, out, err = run_cli("cancel", ".")
    assert (code, out) == (2, "")
    assert err == "genstudy: .: not a campaign: it holds no manifest.json\n  genstudy specs makes one\n"

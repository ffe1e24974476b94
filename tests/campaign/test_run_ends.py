"""How a run ends when it is hurried, robbed of its campaign, or out of luck: soon, in order, nothing lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from genstudy.campaign.run import run_campaign
from genstudy.campaign.saver import Saver
from genstudy.campaign.stop import Stop
from genstudy.ledger.lease import Fenced
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.records import Ended, Started
from tests.campaign.support import study_processes
from tests.campaign.test_run import campaign_of, records_of, state_of
from tests.maestro.conftest import wait_until

SOON = 60.0
"""Seconds after which a run that should have ended by now counts as one that hangs."""


class Background:
    """A run in a thread of its own, which others can ask to stop."""

    def __init__(self, campaign: Path, **settings: object) -> None:
        self.stop = Stop()
        self.told: list[str] = []
        self._pool = ThreadPoolExecutor(1)
        self.run = self._pool.submit(run_campaign, campaign, settings, stop=self.stop, tell=self.told.append)
        self._pool.shutdown(wait=False)


def test_a_command_before_a_batch_that_hangs_does_not_hold_up_a_stop(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, "true")
    run = Background(campaign, before=f"touch {tmp_path}/here; sleep 1000 & sleep 1000")
    wait_until((tmp_path / "here").exists)
    run.stop.at_once("enough")
    assert run.run.result(SOON).reason == "enough"
    assert not list(study_processes(campaign))
    assert run_campaign(campaign).rows.done == 6


def test_a_command_after_a_batch_that_hangs_does_not_hold_up_a_stop(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, "true")
    run = Background(campaign, after=f"touch {tmp_path}/here; sleep 1000 & sleep 1000")
    wait_until((tmp_path / "here").exists)
    run.stop.at_once("enough")
    assert run.run.result(SOON).reason == "enough"
    assert not list(study_processes(campaign))
    assert not (campaign / "archive").exists()
    report = run_campaign(campaign)
    assert report.rows.done == 6
    assert all(batch.finished for batch in state_of(campaign).batches.values())


def test_what_a_command_leaves_running_is_not_waited_for(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, "true")
    leave = f"sleep 1000 & echo $! >> {tmp_path}/left"
    try:
        run = Background(campaign, before=leave, after=leave)
        assert run.run.result(SOON).rows.done == 6
    finally:
        for pid in (tmp_path / "left").read_text().split():
            os.kill(int(pid), signal.SIGKILL)


def test_a_command_that_outlived_its_run_is_ended_before_it_is_run_again(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, "true")
    after = f"echo $$ >> {tmp_path}/pids; [ -e {tmp_path}/go ] || sleep 1000"
    settings = {"after": after}
    code = f"from genstudy.campaign.run import run_campaign; run_campaign({str(campaign)!r}, {settings!r})"
    killed = subprocess.Popen([sys.executable, "-c", code])
    wait_until((tmp_path / "pids").exists)
    killed.kill()
    killed.wait()
    (tmp_path / "go").touch()
    state = "$(cut -d' ' -f3 /proc/$pid/stat 2>/dev/null)"  # Z: nobody has waited for it yet
    again = f"for pid in $(cat {tmp_path}/pids); do case \"{state}\" in ''|Z) ;; *) exit 1;; esac; done"
    assert run_campaign(campaign, {"after": again}).rows.done == 6


def test_the_time_of_the_command_before_a_batch_is_not_the_rows(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, "true", rows=1, batch_size=1)
    report = run_campaign(campaign, {"before": "sleep 3", "timeout": 2})
    assert (report.rows.done, report.rows.failed) == (1, 0)


def test_what_waits_to_be_saved_is_left_when_the_saver_is_closed() -> None:
    first, go = threading.Event(), threading.Event()
    saved: list[str] = []

    def save(batch: str) -> None:
        saved.append(batch)
        first.set()
        go.wait()

    saver = Saver(save, lambda _: None)
    for batch in ("0", "1", "2"):
        saver.add(batch)
    first.wait()
    closing = threading.Thread(target=saver.close)
    closing.start()
    wait_until(lambda: saver.closed)
    go.set()
    closing.join()
    assert saved == ["0"]


def test_a_campaign_that_was_taken_over_is_let_go_of_at_once(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, f"touch {tmp_path}/here; [ -e {tmp_path}/go ] || sleep 1000")
    run = Background(campaign)
    wait_until((tmp_path / "here").exists)
    before = (campaign / "ledger/records-000001.jsonl").read_bytes()
    owner = (campaign / "ledger/owner-000001.json").read_text()
    (campaign / "ledger/owner-000002.json").write_text(
        owner.replace('"generation":1', '"generation":2').replace('"previous":0', '"previous":2')
    )
    with pytest.raises(Fenced):
        run.run.result(SOON)
    assert not list(study_processes(campaign))
    assert (campaign / "ledger/records-000001.jsonl").read_bytes() == before


def test_a_cancelled_run_that_waits_does_not_spin(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, "true", rows=1, batch_size=1)
    looks = 0

    def look(_: object) -> None:
        nonlocal looks
        looks += 1

    after = f"trap '' TERM; touch {tmp_path}/here; n=0; while [ $n -lt 30 ]; do sleep 0.1; n=$((n+1)); done"
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(run_campaign, campaign, {"after": after}, watch=look)
        wait_until((tmp_path / "here").exists)
        before = looks
        Ledger(campaign).request_cancel()
        assert run.result(SOON).reason == "cancelled"
    assert looks - before < 50


def test_a_stopped_canary_did_not_fail(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, f"touch {tmp_path}/here; [ -e {tmp_path}/go ] || sleep 1000")
    stop = Stop()
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(run_campaign, campaign, canary=2, stop=stop)
        wait_until((tmp_path / "here").exists)
        stop.at_once("enough")
        assert run.result(SOON).reason == "enough"
    (tmp_path / "go").touch()
    assert run_campaign(campaign).rows.done == 6


def test_several_studies_are_ended_at_the_same_time(tmp_path: Path) -> None:
    # Each waits, when it is told to end, until the other one was told too.
    text = (
        f"trap 'touch {tmp_path}/told.$1; "
        f"while [ $(ls {tmp_path} | grep -c told) -lt 2 ]; do sleep 0.05; done; "
        f"touch {tmp_path}/met.$1; exit' TERM; touch {tmp_path}/here.$1; while :; do sleep 0.05; done"
    )
    campaign = campaign_of(tmp_path, text, rows=2, batch_size=1)
    run = Background(campaign, jobs=2)
    wait_until(lambda: len(list(tmp_path.glob("here.*"))) == 2)
    run.stop.at_once("enough")
    assert run.run.result(SOON).reason == "enough"
    assert len(list(tmp_path.glob("met.*"))) == 2
    assert [record.how for record in records_of(campaign, Ended)] == ["stopped", "stopped"]


def test_interrupted_in_a_notebook_everything_is_ended_and_told(tmp_path: Path) -> None:
    campaign = campaign_of(
        tmp_path, f'[ "$1" != 1 ] || [ -e {tmp_path}/go ] || {{ touch {tmp_path}/here; sleep 1000; }}'
    )
    code = (
        "from genstudy.campaign.run import run_campaign\n"
        "try:\n"
        f"    run_campaign({str(campaign)!r})\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted', flush=True)\n"
        f"    open({str(tmp_path / 'go')!r}, 'w').close()\n"
        f"    print(run_campaign({str(campaign)!r}).rows.done)\n"
    )
    run = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    wait_until((tmp_path / "here").exists)
    run.send_signal(signal.SIGINT)
    out, _ = run.communicate()
    assert out == "interrupted\n6\n"
    assert [record.rows for record in records_of(campaign, Started)] == ["0-2", "1-2", "3-5"]
    assert records_of(campaign, Ended)[0].how == "stopped"


def test_many_small_batches_leave_nothing_behind_in_the_process(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, "true", rows=24, batch_size=1)
    run_campaign(campaign, {"jobs": 4}, max_batches=4)
    handles, threads = len(list(Path("/proc/self/fd").iterdir())), threading.active_count()
    run_campaign(campaign, {"jobs": 4})
    assert (len(list(Path("/proc/self/fd").iterdir())), threading.active_count()) == (handles, threads)

"""Slurm with accounting, and with limits for users: a real slurmdbd."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from genstudy.campaign.cluster.submit import submit_campaign
from genstudy.schedulers.slurm import Full, Refused, Slurm, TaskState, Unreachable
from tests.campaign.waves import follow, jobs_of, problems_of, wave_campaign
from tests.slurm.accounted import AccountedLab, missing_for_accounting
from tests.slurm.lab import is_of_slurm, missing_programs


@pytest.fixture(scope="module")
def lab() -> Iterator[AccountedLab]:
    if missing := missing_programs() + missing_for_accounting():
        pytest.skip(f"Slurm's accounting is not installed: no {', '.join(missing)}")
    lab = AccountedLab()
    yield lab
    lab.close()


@pytest.fixture
def slurm(lab: AccountedLab, monkeypatch: pytest.MonkeyPatch) -> Iterator[AccountedLab]:
    for name in filter(is_of_slurm, list(os.environ)):
        monkeypatch.delenv(name)
    for name, value in lab.env.items():
        monkeypatch.setenv(name, value)
    yield lab
    lab.reset()


@pytest.fixture
def token() -> str:
    return f"genstudy-{os.urandom(5).hex()}-7"


def script_of(folder: Path, *options: str, run: str = "sleep 1000") -> Path:
    path = folder / "job.sh"
    path.write_text("".join(f"{line}\n" for line in ("#!/bin/bash", *(f"#SBATCH {o}" for o in options), run)))
    return path


def test_forgotten_tasks_are_known_from_accounting(slurm: AccountedLab, token: str, tmp_path: Path) -> None:
    run = "[ $SLURM_ARRAY_TASK_ID -lt 2 ] || sleep 1000; exit $SLURM_ARRAY_TASK_ID"
    slurm.reconfigure(MinJobAge=2)
    job = Slurm().submit(script_of(tmp_path, "--output=/dev/null", "--array=0-5%1", run=run), token)
    running, waits = TaskState("RUNNING", "", True), TaskState("PENDING", "JobArrayTaskLimit", True)
    slurm.wait(lambda: Slurm().look([job])[job].get(2) == running, "2 runs")
    assert Slurm().look([job])[job][5] == waits
    Slurm().cancel({job: token})
    slurm.wait(lambda: not slurm.call("squeue", "-h", "-t", "all"), "all are forgotten", seconds=90)
    done, failed = TaskState("COMPLETED", "", False), TaskState("FAILED", "", False)
    cancelled = TaskState("CANCELLED", "", False)
    expected = {job: {0: done, 1: failed, **dict.fromkeys(range(2, 6), cancelled)}}
    assert Slurm().look([job, "99999"]) == expected
    assert Slurm().look({job: token, "99999": token}) == expected
    assert Slurm().look({job: token + "7"}) == {}
    assert Slurm().find(token) is None


def test_a_users_limit_is_for_now_or_for_ever(slurm: AccountedLab, token: str, tmp_path: Path) -> None:
    limit = ("sacctmgr", "-i", "modify", "user", slurm.user, "set")
    hold = ("--output=/dev/null", "--hold")
    slurm.call(*limit, "maxsubmitjobs=5")
    first = Slurm().submit(script_of(tmp_path, *hold, "--array=0-2"), token)
    second = script_of(tmp_path, *hold, "--array=0-3")
    policy = "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)"
    with pytest.raises(Full) as full:
        Slurm().submit(second, token + "a")
    assert str(full.value) == (f"Slurm has no room for a job at present: AssocMaxSubmitJobLimit; {policy}")
    Slurm().cancel([first])
    job = Slurm().submit(second, token + "a")
    assert sorted(Slurm().look([job])[job]) == [0, 1, 2, 3]
    slurm.call(*limit, "maxsubmitjobs=-1")
    slurm.call("sacctmgr", "-i", "modify", "qos", "normal", "set", "maxwall=1", "flags=DenyOnLimit")
    with pytest.raises(Refused) as refused:
        Slurm().submit(script_of(tmp_path, *hold, "--time=10"), token + "b")
    assert str(refused.value) == (
        f"Slurm refuses the job: QOSMaxWallDurationPerJobLimit; {policy}\n"
        "  sacctmgr show qos, and show associations user=$USER, tell the limits; ask for less with --job"
    )


def test_a_campaign_has_as_many_tasks_as_its_user_may(slurm: AccountedLab, tmp_path: Path) -> None:
    campaign = wave_campaign(tmp_path, rows=20, batch_size=1)
    limit = ("sacctmgr", "-i", "modify", "user", slurm.user, "set")
    slurm.call(*limit, "maxsubmitjobs=4")
    report = submit_campaign(campaign, scheduler="slurm")
    assert 1 <= report.queued <= 4
    assert follow(campaign)[0].rows.done == 20
    slurm.call(*limit, "maxsubmitjobs=-1")
    assert problems_of(campaign, slurm) == []
    assert len(list((campaign / "waves").iterdir())) <= len(jobs_of(campaign)) + 1


@pytest.mark.usefixtures("slurm")
@pytest.mark.parametrize(
    ("option", "way"), [("--account=none", "say --job bank=NAME"), ("--qos=none", "say --job qos=NAME")]
)
def test_an_account_that_there_is_not(option: str, way: str, token: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=f"Invalid .*\n.*{way}"):
        Slurm().submit(script_of(tmp_path, "--output=/dev/null", option), token)


def test_accounting_that_is_away_is_no_empty_answer(slurm: AccountedLab) -> None:
    with slurm.frozen("slurmdbd"), pytest.raises(Unreachable, match="sacct: it did not answer within 2 s"):
        Slurm(seconds=2).look(["99999"])
    assert Slurm().look(["99999"]) == {}

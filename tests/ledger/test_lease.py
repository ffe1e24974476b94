"""Who owns a campaign: one process at a time, and the next one once it has ended or died."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from genstudy.errors import UserError
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.records import Owned, Stopped
from tests.ledger.owners import NEVER, SOON, Owner, cleared, events, linux, no_news, rewrite_owner

# One after the other


def test_an_owner_follows_the_one_that_stopped(tmp_path: Path) -> None:
    campaign = Ledger(tmp_path, patience=NEVER)
    for generation in (1, 2, 3):
        with campaign.own({"jobs": 2}, no_news) as owner:
            assert owner.generation == generation
            owner.add(cleared(generation))
            owner.reason = f"reason {generation}"
    found = list(campaign.records())
    assert [type(record).__name__ for record in found] == ["Owned", "Cleared", "Stopped"] * 3
    assert [record.reason for record in found if isinstance(record, Stopped)] == [
        "reason 1",
        "reason 2",
        "reason 3",
    ]
    assert [record.generation for record in found if isinstance(record, Owned)] == [1, 2, 3]
    assert sorted(path.name for path in (tmp_path / "ledger").iterdir()) == [
        *(f"owner-00000{number}.{kind}" for number in (1, 2, 3) for kind in ("beat", "json")),
        *(f"records-00000{number}.jsonl" for number in (1, 2, 3)),
    ]


def test_the_owner_file_says_what_the_first_record_says(tmp_path: Path) -> None:
    options = {"to": Path("/x"), "odd": "a\udcffb", "jobs": 2}
    with Ledger(tmp_path).own(options, no_news):
        first = next(Ledger(tmp_path).records())
        assert Owned.model_validate_json((tmp_path / "ledger/owner-000001.json").read_bytes()) == first
    assert isinstance(first, Owned)
    assert first.options == {"to": "/x", "odd": "a?b", "jobs": 2}
    assert (first.pid, first.host, first.previous) == (os.getpid(), os.uname().nodename, 0)


def test_it_is_given_up_whatever_ends_it(tmp_path: Path) -> None:
    owner = Ledger(tmp_path).own({}, no_news)
    owner.reason = "odd \udcff"
    with pytest.raises(ZeroDivisionError), owner:
        raise ZeroDivisionError
    last = list(Ledger(tmp_path).records())[-1]
    assert isinstance(last, Stopped)
    assert last.reason == "odd \\udcff"
    with pytest.raises(ValueError, match="closed"):
        owner.add(cleared())


def test_the_same_process_does_not_own_it_twice(tmp_path: Path) -> None:
    with Ledger(tmp_path).own({}, no_news), pytest.raises(UserError) as caught:
        Ledger(tmp_path).own({}, no_news)
    assert str(caught.value).startswith(f"{tmp_path}: process {os.getpid()} of ")
    assert str(caught.value).endswith(
        "runs this campaign\n  let it end, or stop it there; a campaign is run by one process at a time"
    )


@linux
def test_a_living_owner_is_named(tmp_path: Path) -> None:
    with Owner(tmp_path) as other:
        assert other.ask("own") == "owned 1"
        with pytest.raises(UserError, match=f"process {other.process.pid} of .* runs this"):
            Ledger(tmp_path, patience=NEVER).own({}, no_news)
        with other.suspended(), pytest.raises(UserError, match="runs this campaign"):
            Ledger(tmp_path, patience=NEVER).own({}, no_news)
        assert other.ask("add") == "done"


# Two at once


@linux
@pytest.mark.parametrize("clock", ["right", "jumping"])
def test_of_those_that_try_at_once_one_wins(tmp_path: Path, clock: str) -> None:
    rounds = 40
    with Owner(tmp_path, clock=clock) as one, Owner(tmp_path, clock=clock) as two, Owner(tmp_path) as three:
        racers = (one, two, three)
        for number in range(1, rounds + 1):
            for racer in racers:
                racer.tell("own")
            answers = [racer.answer() for racer in racers]
            (winner,) = [racer for racer, answer in zip(racers, answers, strict=True) if "owned" in answer]
            for racer, answer in zip(racers, answers, strict=True):
                if racer is winner:
                    assert answer == f"owned {number}"
                else:
                    assert f": process {winner.process.pid} of " in answer
            assert winner.ask("add") == "done"
            assert winner.ask("leave") == "done"
    assert events(tmp_path) == ["Owned", "Cleared", "Stopped"] * rounds


@linux
def test_of_those_that_find_a_dead_owner_one_wins(tmp_path: Path) -> None:
    with Owner(tmp_path) as one, Owner(tmp_path) as two, Owner(tmp_path) as dead:
        assert dead.ask("own") == "owned 1"
        dead.kill()
        one.tell("own")
        two.tell("own")
        assert Counter(answer.split(":")[0] for answer in (one.answer(), two.answer())) == {
            "owned 2": 1,
            "UserError": 1,
        }


# Dead owners


@linux
def test_a_killed_owner_is_followed_at_once(tmp_path: Path) -> None:
    with Owner(tmp_path) as other:
        assert other.ask("own") == "owned 1"
        assert other.ask("add") == "done"
        other.kill()
    assert Ledger(tmp_path).owner() is None
    with Ledger(tmp_path, patience=NEVER).own({}, no_news) as owner:
        assert owner.generation == 2
    assert events(tmp_path) == ["Owned", "Cleared", "Owned", "Stopped"]


@linux
def test_a_zombie_is_dead(tmp_path: Path) -> None:
    with Owner(tmp_path) as other:
        assert other.ask("own") == "owned 1"
        other.process.kill()
        os.waitid(os.P_PID, other.process.pid, os.WEXITED | os.WNOWAIT)
        with Ledger(tmp_path, patience=NEVER).own({}, no_news) as owner:
            assert owner.generation == 2


@linux
def test_a_process_that_got_the_number_of_the_dead_one_is_another(tmp_path: Path) -> None:
    with Owner(tmp_path) as other:
        assert other.ask("own") == "owned 1"
        other.kill()
    rewrite_owner(tmp_path, pid=os.getpid())
    with Ledger(tmp_path, patience=NEVER).own({}, no_news) as owner:
        assert owner.generation == 2


KILLED_AT_EACH_STEP = """
import os, signal, sys
from pathlib import Path
from genstudy.ledger.ledger import Ledger
from tests.ledger.owners import cleared, no_news
steps = ("open", "os.link", "os.remove", "os.mkdir", "os.scandir", "os.truncate", "_thread.start_new_thread")

def live(folder, limit):
    left = limit
    def count(event, _):
        nonlocal left
        if event in steps:
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
    sys.addaudithook(count)
    with Ledger(folder).own({}, no_news) as owner:
        owner.add(cleared())

for limit in range(1000):
    folder = Path(sys.argv[1], str(limit))
    folder.mkdir()
    child = os.fork()
    if child == 0:
        live(folder, limit)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
"""


@linux
def test_a_kill_at_any_step_leaves_what_the_next_owner_can_take(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", KILLED_AT_EACH_STEP, tmp_path], check=True, cwd=Path(__file__).parents[2]
    )
    folders = sorted(tmp_path.iterdir(), key=lambda path: int(path.name))
    assert len(folders) > 15
    ends = set()
    for folder in folders:
        ends.add(tuple(events(folder)))
        before = events(folder)
        with Ledger(folder, patience=NEVER).own({}, no_news) as owner:
            owner.add(cleared())
        assert events(folder) == [*before, "Owned", "Cleared", "Stopped"]
    assert ends == {(), ("Owned",), ("Owned", "Cleared"), ("Owned", "Cleared", "Stopped")}


@pytest.mark.parametrize("text", [b"", b'{"t": 1.0, "event": "ow', b"\0" * 40])
def test_an_owner_file_that_says_nothing_is_watched(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "ledger").mkdir()
    (tmp_path / "ledger/owner-000001.json").write_bytes(text)
    assert Ledger(tmp_path).owner() is None
    told: list[str] = []
    with Ledger(tmp_path, patience=SOON).own({}, told.append) as owner:
        assert owner.generation == 2
    unknown = "another process, which has not told its name,"
    assert told == [f"{unknown} had this campaign: looking 0.3 s whether it still lives"]


# Asking an owner to stop


@linux
def test_a_cancel_reaches_the_present_owner_alone(tmp_path: Path) -> None:
    here = Ledger(tmp_path, patience=NEVER)
    assert here.request_cancel() is None
    with Owner(tmp_path) as other:
        assert other.ask("own") == "owned 1"
        assert other.ask("cancelled") == "False"
        owned = here.request_cancel()
        assert owned is not None
        assert owned.pid == other.process.pid
        assert here.request_cancel() == owned
        assert other.ask("cancelled") == "True"
        assert other.ask("leave") == "done"
    assert here.request_cancel() is None
    with here.own({}, no_news) as owner:
        assert not owner.cancelled()


@linux
def test_the_owner_that_status_shows(tmp_path: Path) -> None:
    here = Ledger(tmp_path)
    assert here.owner() is None
    with Owner(tmp_path) as other:
        assert other.ask("own") == "owned 1"
        owned = here.owner()
        assert owned is not None
        assert (owned.pid, owned.generation) == (other.process.pid, 1)
        rewrite_owner(tmp_path, host="elsewhere")
        other.kill()
        owned = here.owner()
        assert owned is not None
        assert owned.host == "elsewhere"

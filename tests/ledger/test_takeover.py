"""Owners that cannot be looked at, and are watched; and those that wake up after they were taken for dead."""

from __future__ import annotations

import ast
import os
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from genstudy.errors import UserError
from genstudy.ledger import alive, generations, heartbeat, lease, ledger
from genstudy.ledger.lease import Fenced, Ownership
from genstudy.ledger.ledger import Ledger
from tests.ledger.owners import (
    BEAT,
    CONTAINER,
    LONG,
    NEVER,
    SOON,
    Owner,
    cleared,
    containers,
    events,
    linux,
    no_news,
    rewrite_owner,
)


def files_of(campaign: Path, generation: int) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in campaign.glob(f"ledger/*-{generation:06}.*")}


@linux
def test_an_owner_elsewhere_that_shows_no_life_is_fenced(tmp_path: Path) -> None:
    told: list[str] = []
    with Owner(tmp_path) as other:
        assert other.ask("own") == "owned 1"
        with other.suspended():
            rewrite_owner(tmp_path, host="elsewhere")
            owner = Ledger(tmp_path, patience=SOON).own({}, told.append)
            before = files_of(tmp_path, 1)
        assert other.ask("check").startswith(
            f"Fenced: {tmp_path}: another process has taken the campaign over"
        )
        assert other.ask("add").startswith("Fenced: ")
        assert other.ask("leave").startswith("Fenced: ")
        assert files_of(tmp_path, 1) == before
    with owner:
        owner.add(cleared())
    assert len(told) == 1
    assert " on elsewhere (since " in told[0]
    assert events(tmp_path) == ["Owned", "Owned", "Cleared", "Stopped"]


@linux
def test_an_owner_elsewhere_that_shows_life_is_left_alone(tmp_path: Path) -> None:
    told: list[str] = []
    with Owner(tmp_path) as other:
        assert other.ask("own") == "owned 1"
        rewrite_owner(tmp_path, host="elsewhere")
        with pytest.raises(UserError, match=r" on elsewhere .* runs this campaign"):
            Ledger(tmp_path, patience=LONG).own({}, told.append)
        assert len(told) == 1
        assert other.ask("add") == "done"
        assert other.ask("leave") == "done"
        with Ledger(tmp_path, patience=NEVER).own({}, no_news) as owner:
            assert owner.generation == 2


@linux
@pytest.mark.parametrize("clock", ["right", "jumping"])
@pytest.mark.parametrize("stamp", [0, 2**33])
def test_no_clock_and_no_date_of_a_file_decides(tmp_path: Path, clock: str, stamp: int) -> None:
    def set_dates() -> None:
        for path in (tmp_path / "ledger").iterdir():
            os.utime(path, (stamp, stamp))

    with Owner(tmp_path, clock=clock) as other:
        assert other.ask("own") == "owned 1"
        rewrite_owner(tmp_path, host="elsewhere", t=float(stamp))
        set_dates()
        with pytest.raises(UserError, match="runs this campaign"):
            Ledger(tmp_path, patience=LONG).own({}, lambda _: None)
        with other.suspended():
            set_dates()
            with Ledger(tmp_path, patience=SOON).own({}, lambda _: None) as owner:
                assert owner.generation == 2
        assert other.ask("add").startswith("Fenced: ")


def test_the_wall_clock_is_only_written_down() -> None:
    for module in (alive, generations, heartbeat, lease, ledger):
        source = Path(str(module.__file__)).read_text()
        tree = ast.parse(source)
        written = {
            id(node.value) for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "t"
        }
        used = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "time"
        ]
        assert {node.attr for node in used} <= {"time", "sleep", "strftime", "localtime"}
        calls = {
            id(node)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "time.time"
        }
        assert calls <= written
        assert not any(word in source for word in ("datetime", "st_mtime", "st_ctime", "getmtime"))


@containers
def test_an_owner_in_another_container_is_watched(tmp_path: Path) -> None:
    told: list[str] = []
    with Owner(tmp_path, *CONTAINER) as other:
        assert other.ask("own") == "owned 1"
        assert other.ask("add") == "done"
        with pytest.raises(UserError, match=r"process \d of .* runs this campaign"):
            Ledger(tmp_path, patience=LONG).own({}, told.append)
        other.kill()
    with Ledger(tmp_path, patience=SOON).own({}, told.append) as owner:
        assert owner.generation == 2
    assert len(told) == 2


# Fences


def test_what_is_written_past_the_fence_is_of_no_effect(tmp_path: Path) -> None:
    """A process may be suspended between its look at the fence and its write."""
    late = Ledger(tmp_path, beat=NEVER).own({}, no_news)
    late.add(cleared(1))
    rewrite_owner(tmp_path, host="elsewhere")
    with Ledger(tmp_path, patience=SOON).own({}, lambda _: None) as owner:
        owner.add(cleared(2))
        late._records.append(cleared(3))
        assert [record.left for record in Ledger(tmp_path).records() if hasattr(record, "left")] == [1, 2]
        with pytest.raises(Fenced):
            late.add(cleared(4))
    with pytest.raises(Fenced), late:
        pass
    with pytest.raises(Fenced) as caught, late:
        late.add(cleared(5))
    assert not hasattr(caught.value, "__notes__")
    assert [record.left for record in Ledger(tmp_path).records() if hasattr(record, "left")] == [1, 2]


def test_a_fenced_owner_says_what_ended_it_first(tmp_path: Path) -> None:
    late = Ledger(tmp_path, beat=NEVER).own({}, no_news)
    rewrite_owner(tmp_path, host="elsewhere")
    with Ledger(tmp_path, patience=SOON).own({}, lambda _: None):
        with pytest.raises(ZeroDivisionError) as caught, late:
            raise ZeroDivisionError
        assert "another process has taken" in caught.value.__notes__[0]


def test_a_ledger_that_is_taken_away_is_missed(tmp_path: Path) -> None:
    owner = Ledger(tmp_path, beat=BEAT).own({}, no_news)
    shutil.move(tmp_path / "ledger", tmp_path / "elsewhere")
    with pytest.raises(Fenced, match="taken away"), owner:
        owner.add(cleared())


# Signs of life


def test_the_heart_beats(tmp_path: Path) -> None:
    here = Ledger(tmp_path, beat=0.001)
    beat = tmp_path / "ledger/owner-000001.beat"
    with here.own({}, no_news) as owner:
        counts = {beat.read_bytes()}
        while len(counts) < 3:
            counts.add(beat.read_bytes())
        assert {len(count) for count in counts} == {21}
        assert owner.trouble is None


def is_troubled(owner: Ownership) -> bool:
    return owner.trouble is not None


def test_the_heart_beats_again_after_trouble(tmp_path: Path) -> None:
    beat = tmp_path / "ledger/owner-000001.beat"
    with Ledger(tmp_path, beat=0.001).own({}, no_news) as owner:
        while not beat.is_dir():
            beat.unlink(missing_ok=True)
            with suppress(FileExistsError):
                beat.mkdir()
        while not is_troubled(owner):
            pass
        assert str(beat) in str(owner.trouble)
        owner.add(cleared())
        beat.rmdir()
        while is_troubled(owner) or not beat.is_file():
            pass

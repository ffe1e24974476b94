"""A campaign stopped from outside, whoever runs it, and wherever."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from genstudy.errors import RunError
from genstudy.inspection.cancel import Cancelled, cancel_campaign
from tests.campaign.studies import wait_until
from tests.inspection.test_status import all_of, campaign, write
from tests.ledger.owners import NEVER, Owner, no_news, rewrite_owner
from tests.specs.support import refusal


class Waiting(threading.Thread):
    """A call of cancel_campaign in a thread."""

    def __init__(self, folder: Path, *, patience: float = NEVER) -> None:
        super().__init__(daemon=True)
        self.folder, self.patience = folder, patience
        self.told: list[str] = []
        self.found: Cancelled | None = None
        self.start()

    def run(self) -> None:
        self.found = cancel_campaign(self.folder, patience=self.patience, tell=self.told.append)


def test_the_owner_is_asked_and_waited_for(tmp_path: Path) -> None:
    campaign(tmp_path)
    with Owner(tmp_path / "c") as owner:
        owner.ask("own")
        assert owner.ask("cancelled") == "False"
        waiting = Waiting(tmp_path / "c")
        wait_until(lambda: owner.ask("cancelled") == "True")
        assert waiting.is_alive()
        owner.ask("leave")
        waiting.join()
    found = waiting.found
    assert found is not None
    assert found.owner is not None
    assert found.after is not None
    assert found.owner.pid == owner.process.pid
    assert (found.before.state, found.after.state) == ("running", "stopped")
    [told] = waiting.told
    assert told.startswith(f"asked process {owner.process.pid} of ")


def test_an_owner_that_dies_is_waited_for_no_longer(tmp_path: Path) -> None:
    campaign(tmp_path)
    with Owner(tmp_path / "c") as owner:
        owner.ask("own")
        waiting = Waiting(tmp_path / "c")
        wait_until(lambda: owner.ask("cancelled") == "True")
        owner.kill()
        waiting.join()
    assert waiting.found is not None
    assert waiting.found.after is not None
    assert waiting.found.after.state == "died"


def test_another_owner_is_left_alone(tmp_path: Path) -> None:
    campaign(tmp_path)
    with Owner(tmp_path / "c") as first, Owner(tmp_path / "c") as second:
        first.ask("own")
        waiting = Waiting(tmp_path / "c")
        wait_until(lambda: first.ask("cancelled") == "True")
        first.ask("leave")
        assert second.ask("own") == "owned 2"
        waiting.join()
        assert second.ask("cancelled") == "False"


def test_without_waiting(tmp_path: Path) -> None:
    campaign(tmp_path)
    with Owner(tmp_path / "c") as owner:
        owner.ask("own")
        found = cancel_campaign(tmp_path / "c", wait=False, tell=no_news)
        assert found.after is None
        assert owner.ask("cancelled") == "True"


def test_nobody_runs_it(tmp_path: Path) -> None:
    manifest = campaign(tmp_path, rows=10)
    found = cancel_campaign(tmp_path / "c", tell=no_news)
    assert (found.owner, found.before.state) == (None, "new")
    assert not (tmp_path / "c/ledger").exists()
    write(tmp_path / "c", *all_of(manifest.batches[0]))
    found = cancel_campaign(tmp_path / "c", tell=no_news)
    assert (found.owner, found.before.state) == (None, "finished")
    assert sorted(path.name.split("-")[0] for path in (tmp_path / "c/ledger").iterdir()) == [
        "owner",
        "owner",
        "records",
    ]


def test_an_owner_elsewhere_that_lives(tmp_path: Path) -> None:
    campaign(tmp_path)
    with Owner(tmp_path / "c") as owner:
        owner.ask("own")
        rewrite_owner(tmp_path / "c", host="node12", machine="other", boot="other")
        waiting = Waiting(tmp_path / "c")
        wait_until(lambda: owner.ask("cancelled") == "True")
        assert waiting.is_alive()
        owner.ask("leave")
        waiting.join()
    assert waiting.found is not None
    assert waiting.found.after is not None
    assert waiting.found.after.state == "stopped"


def test_an_owner_elsewhere_that_is_silent(tmp_path: Path) -> None:
    campaign(tmp_path)
    with Owner(tmp_path / "c") as owner:
        owner.ask("own")
        rewrite_owner(tmp_path / "c", host="node12", machine="other", boot="other")
        owner.kill()
    with pytest.raises(RunError, match=r"on node12 has shown no sign of life for 1 s") as caught:
        cancel_campaign(tmp_path / "c", patience=1)
    assert "if it is dead, genstudy run takes the campaign over" in str(caught.value)


def test_no_campaign(tmp_path: Path) -> None:
    assert refusal(lambda: cancel_campaign(tmp_path)).startswith(f"{tmp_path}: not a campaign")

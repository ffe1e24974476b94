"""Room on disk: a budget of files that is kept all the time, and disks that are full."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from genstudy.archives.trees import count_entries
from genstudy.campaign.progress import Progress
from genstudy.campaign.run import run_campaign
from genstudy.campaign.stop import Stop
from genstudy.errors import GenstudyError
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.state import CampaignState
from genstudy.specs.make import make_specs
from genstudy.specs.manifest import read_manifest
from genstudy.specs.options import Options
from tests.campaign.support import genstudy

BATCH_SIZE = 100


def state_of(campaign: Path) -> CampaignState:
    return CampaignState(read_manifest(campaign), Ledger(campaign).records())


class Watcher(threading.Thread):
    """Counts the files and folders of a campaign again and again, and keeps the largest number."""

    def __init__(self, campaign: Path) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._campaign = campaign
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.is_set():
            self.peak = max(self.peak, count_entries(self._campaign)[0])

    def stop(self) -> int:
        self._over.set()
        self.join()
        return self.peak


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_peak_of_files_stays_below_the_budget(
    tmp_path: Path, request: pytest.FixtureRequest, jobs: int
) -> None:
    rows = int(request.config.getoption("--room-rows"))
    genstudy(tmp_path, "csv", "a", "b", "-n", rows, "--seed", 1)
    campaign = make_specs(
        tmp_path / "params.csv", tmp_path / "campaign", Options(batch_size=BATCH_SIZE)
    ).folder
    budget = 1800 + rows // BATCH_SIZE * 2
    watcher = Watcher(campaign)
    watcher.start()
    report = run_campaign(campaign, {"max_files": budget, "jobs": jobs})
    peak = watcher.stop()
    assert report.rows.done == rows
    assert BATCH_SIZE * 5 < peak <= budget


MANY = """\
description:
    name: {{ batch.name | yaml }}
    description: d
study:
    - name: run
      description: d
      run:
          cmd: |
              for i in $(seq 20); do echo $(A) > file$i; done
"""


@pytest.mark.parametrize("before", ["a canary", "an earlier run"])
def test_what_rows_turned_out_to_need_is_reckoned_with(tmp_path: Path, before: str) -> None:
    (tmp_path / "t.yaml.j2").write_text(MANY)
    (tmp_path / "t.csv").write_text("a\n" + "".join(f"{row}\n" for row in range(180)))
    options = Options(template=tmp_path / "t.yaml.j2", batch_size=30)
    campaign = make_specs(tmp_path / "t.csv", tmp_path / "campaign", options).folder
    if before == "an earlier run":
        run_campaign(campaign, max_batches=1)
    budget = 1900  # two batches have room, and three have not
    watcher = Watcher(campaign)
    watcher.start()
    report = run_campaign(
        campaign, {"max_files": budget, "jobs": 3}, canary=5 if before == "a canary" else None
    )
    assert watcher.stop() <= budget
    assert report.rows.done == 180


@pytest.mark.parametrize("jobs", [1, 2])
def test_batches_do_not_pile_up_where_saving_is_slow(tmp_path: Path, jobs: int) -> None:
    genstudy(tmp_path, "csv", "a", "-n", 8, "--seed", 1)
    campaign = make_specs(tmp_path / "params.csv", tmp_path / "campaign", Options(batch_size=1)).folder
    most = 0

    def watch(_: Progress) -> None:
        nonlocal most
        most = max(most, len(list((campaign / "runs").glob("*.log"))))

    run_campaign(campaign, {"jobs": jobs, "after": "sleep 1"}, watch=watch)
    assert most == jobs + 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def noisy_campaign(folder: Path) -> Path:
    """Make a campaign whose rows write half a megabyte that does not compress."""
    genstudy(folder, "csv", "a", "-n", "6", "--seed", 1)
    command = "sh -c 'head -c 500000 /dev/urandom > noise' -"
    options = Options(template="command", batch_size=3, variables={"command": command})
    return make_specs(folder / "params.csv", folder / "campaign", options).folder


@pytest.mark.parametrize("save", ["archive", "move"])
def test_a_disk_that_fills_while_a_batch_is_saved_loses_nothing(
    tmp_path: Path, small_disk: Path, save: str
) -> None:
    campaign = noisy_campaign(tmp_path)
    (small_disk / "other").write_bytes(bytes(7_500_000))
    with pytest.raises(GenstudyError, match="No space left on device"):
        run_campaign(campaign, {"save": save, "to": str(small_disk / "far")})
    assert list((small_disk / "far").iterdir()) == []
    ended = [batch for batch in state_of(campaign).batches.values() if batch.ended]
    assert len(list(campaign.glob("runs/*/run/*/noise"))) == 3 * len(ended) > 0
    (small_disk / "other").unlink()
    report = run_campaign(campaign, {"save": save, "to": str(small_disk / "far")})
    assert report.rows.done == 6
    assert all(batch.finished for batch in state_of(campaign).batches.values())
    assert not list(campaign.glob("runs/*"))


def test_no_batch_starts_while_the_disk_is_nearly_full(tmp_path: Path, small_disk: Path) -> None:
    genstudy(tmp_path, "csv", "a", "-n", "6", "--seed", 1)
    campaign = make_specs(tmp_path / "params.csv", small_disk / "campaign", Options(batch_size=3)).folder
    (small_disk / "other").write_bytes(bytes(7_500_000))
    held: list[str] = []

    def watch(progress: Progress) -> None:
        if progress.held and not held:
            held.append(progress.held)
            (small_disk / "other").unlink()

    report = run_campaign(campaign, {"min_free": "1M"}, watch=watch)
    assert report.rows.done == 6
    assert len(held) == 1
    assert held[0].endswith("KB free, and --min-free is 1.0 MB")


def test_a_run_that_is_held_can_be_stopped(tmp_path: Path) -> None:
    genstudy(tmp_path, "csv", "a", "-n", "3", "--seed", 1)
    campaign = make_specs(tmp_path / "params.csv", tmp_path / "campaign", Options(batch_size=3)).folder
    stop = Stop()
    report = run_campaign(
        campaign,
        {"min_free": "1000P"},
        stop=stop,
        watch=lambda now: stop.finish("enough") if now.held else None,
    )
    assert (report.rows.pending, report.reason) == (3, "enough")


def test_inodes_are_counted_too(tmp_path: Path) -> None:
    genstudy(tmp_path, "csv", "a", "-n", "3", "--seed", 1)
    campaign = make_specs(tmp_path / "params.csv", tmp_path / "campaign", Options(batch_size=3)).folder
    stop, held = Stop(), []

    def watch(progress: Progress) -> None:
        if progress.held:
            held.append(progress.held)
            stop.finish("enough")

    report = run_campaign(campaign, {"min_free_files": 10**15}, stop=stop, watch=watch)
    assert report.rows.pending == 3
    assert held[0].endswith("inodes free, and --min-free-files is 1,000,000,000,000,000")

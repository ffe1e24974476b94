"""Campaigns run by real Maestro: what is done, what fails, how a run ends, and how it goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from genstudy.archives.trees import count_entries
from genstudy.campaign.run import run_campaign
from genstudy.errors import GenstudyError, RunError, UserError
from genstudy.inspection.failures import failed_rows
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.records import Ended, Saved, Started
from genstudy.ledger.state import CampaignState
from genstudy.specs.make import make_specs
from genstudy.specs.manifest import read_manifest
from genstudy.specs.options import Options
from tests.campaign.support import GENSTUDY, genstudy, is_maestro, study_processes
from tests.maestro.conftest import wait_until, write_table


def campaign_of(
    folder: Path,
    command: str,
    *,
    rows: int = 6,
    batch_size: int = 3,
    template: str = "command",
    inline: bool = False,
) -> Path:
    """Make a campaign whose rows run a shell command, given the row's number as $1."""
    table = write_table(folder / "numbers.csv", ["number"], [[str(row)] for row in range(rows)])
    script = folder / "step.sh"
    script.write_text(f"#!/bin/sh\n{command}\n")
    script.chmod(0o755)
    variables = {"command": f"{script} $(NUMBER.quoted) #"}
    if template == "pipeline":
        variables = {"simulate": f"{script} $(NUMBER.quoted)"}
    options = Options(template=template, batch_size=batch_size, variables=variables, inline=inline)
    return make_specs(table, folder / "campaign", options).folder


def state_of(campaign: Path) -> CampaignState:
    return CampaignState(read_manifest(campaign), Ledger(campaign).records())


def records_of(campaign: Path, kind: type) -> list[Any]:
    return [record for record in Ledger(campaign).records() if isinstance(record, kind)]


Start = Callable[[Path], subprocess.Popen[bytes]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start `genstudy run` in the background, printing to a file `log`; it is killed if it is left."""
    runs = []

    def begin(campaign: Path) -> subprocess.Popen[bytes]:
        with (tmp_path / "log").open("wb") as stream:
            run = subprocess.Popen(
                [*GENSTUDY, "run", campaign],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
        runs.append((run, campaign))
        return run

    yield begin
    for run, campaign in runs:
        run.kill()
        run.wait()
        for pid in study_processes(campaign):
            os.kill(pid, signal.SIGKILL)


def test_every_batch_is_run_judged_saved_and_cleared(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, "echo out $1")
    lines: list[str] = []
    report = run_campaign(campaign, tell=lines.append)
    assert (report.rows.done, report.rows.failed, report.rows.pending) == (6, 0, 0)
    assert (report.batches.done, report.started, report.reason) == (2, 2, "")
    assert list((campaign / "runs").iterdir()) == []
    names = ["numbers_0000.tar.zst", "numbers_0001.tar.zst"]
    assert sorted(path.name for path in (campaign / "archive").iterdir()) == names
    listed = subprocess.run(
        ["tar", "--zstd", "-tf", campaign / "archive" / names[1]], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "numbers_0001.1/run/row_3/.genstudy_done" in listed
    assert "numbers_0001.1.log" in listed
    assert [line.split(" in ")[0] for line in lines] == ["batch 0000: 3 rows done", "batch 0001: 3 rows done"]


def test_a_second_run_has_nothing_to_do(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, "true")
    run_campaign(campaign)
    before = sorted(campaign.rglob("*"))
    assert run_campaign(campaign).started == 0
    added = set(campaign.rglob("*")) - set(before)
    assert {path.parent.name for path in added} == {"ledger"}


def test_failed_rows_stop_neither_their_batch_nor_the_campaign(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, '[ "$1" != 1 ] || { echo no good >&2; exit 3; }')
    report = run_campaign(campaign)
    assert (report.rows.done, report.rows.failed, report.rows.pending) == (5, 1, 0)
    (failure,) = state_of(campaign).batches["0000"].failures
    assert (failure.step, failure.state, failure.rows) == ("run", "FAILED", "1")
    kept = sorted(path.relative_to(campaign).as_posix() for path in (campaign / "runs").rglob("row_*"))
    assert [path for path in kept if path.count("/") == 3] == ["runs/numbers_0000.1/run/row_1"]


def test_failed_rows_can_be_cleared_too(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, '[ "$1" != 1 ]')
    run_campaign(campaign, {"keep_failed": False})
    assert list((campaign / "runs").iterdir()) == []


def test_too_many_failures_end_the_run(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, '[ "$1" -gt 1 ]', rows=9)
    with pytest.raises(RunError, match="2 rows failed, and --max-failures is 1"):
        run_campaign(campaign, {"max_failures": 1})
    state = state_of(campaign)
    assert (state.tally.done, state.tally.failed, state.tally.pending) == (1, 2, 6)
    assert state.batches["0000"].finished
    with pytest.raises(RunError, match=r"2 of 6 rows failed, and --max-failure-rate is 0\.1"):
        run_campaign(campaign, {"max_failure_rate": 0.1})
    assert run_campaign(campaign).rows.done == 7


def test_the_command_line_tells_how_it_ended(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, '[ "$1" != 4 ]')
    out = genstudy(tmp_path, "run", "campaign", code=1)
    assert out.splitlines()[-3:] == [
        "campaign: 5 of 6 rows done, 1 failed",
        "see them: genstudy status campaign --failed",
        "try them again: genstudy retry campaign && genstudy run campaign",
    ]
    assert campaign.is_dir()


def test_max_batches_is_a_step_of_the_way(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, "true", rows=9)
    assert run_campaign(campaign, max_batches=1).rows.done == 3
    assert run_campaign(campaign, max_batches=1).rows.done == 6
    assert run_campaign(campaign, max_batches=5).rows.done == 9
    assert run_campaign(campaign, max_batches=1).started == 0


def test_several_batches_at_a_time(tmp_path: Path) -> None:
    meet = f'touch {tmp_path}/here.$1; while [ "$(ls {tmp_path} | grep -c here)" -lt 2 ]; do sleep 0.05; done'
    campaign = campaign_of(tmp_path, meet, rows=2, batch_size=1)
    assert run_campaign(campaign, {"jobs": 2, "timeout": 60}).rows.done == 2


def test_dry_run_prints_the_commands_and_runs_nothing(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, "true")
    out = genstudy(tmp_path, "run", "campaign", "--dry-run", "--attempts", "2")
    first, second = out.splitlines()
    assert first == (
        f"maestro run {campaign}/numbers_0000.yaml --pgen {campaign}/pgen.py -fg -y -s 0 "
        f"-o {campaign}/runs/numbers_0000.1 --attempts 2"
    )
    assert "numbers_0001.yaml" in second
    assert not (campaign / "runs").exists()
    assert not (campaign / "ledger").exists()


def test_what_is_handed_to_maestro(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, "true", rows=1, batch_size=1)
    run_campaign(campaign, {"attempts": 2, "rlimit": 3, "throttle": 4, "sleep": 1, "save": "keep"})
    log = (campaign / "runs" / "numbers_0000.1.log").read_text()
    assert "Submission attempts =       2" in log
    assert "Submission restart limit =  3" in log
    assert "Submission throttle limit = 4" in log


def test_keep_leaves_everything_where_it_is(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, "echo $1 > out.txt")
    run_campaign(campaign, {"save": "keep"})
    assert (campaign / "runs/numbers_0001.1/run/row_4/out.txt").read_text() == "4\n"
    (first, second) = records_of(campaign, Saved)
    assert (first.mode, first.entries) == (second.mode, second.entries)
    assert all(batch.finished for batch in state_of(campaign).batches.values())


def test_move_takes_everything_elsewhere(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, "echo $1 > out.txt")
    run_campaign(campaign, {"save": "move", "to": str(tmp_path / "far")})
    assert (tmp_path / "far/numbers_0001/numbers_0001.1/run/row_4/out.txt").read_text() == "4\n"
    assert list((campaign / "runs").iterdir()) == []
    subprocess.run(["sha256sum", "-c", "--quiet", "numbers_0001.sha256"], cwd=tmp_path / "far", check=True)


def test_move_without_a_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--save move needs a folder"):
        run_campaign(campaign_of(tmp_path, "true"), {"save": "move"})


def test_commands_before_and_after_a_batch(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, "echo $1 > out.txt")
    hooks = {
        "before": 'echo "before $GENSTUDY_BATCH" >> hooks.txt; test ! -e "$GENSTUDY_STUDY"',
        "after": 'echo "after $GENSTUDY_BATCH $GENSTUDY_DONE" $(cat "$GENSTUDY_STUDY"/run/*/out.txt) '
        ">> hooks.txt",
    }
    run_campaign(campaign, hooks)
    lines = (campaign / "hooks.txt").read_text().splitlines()
    assert [line for line in lines if line.startswith("before")] == ["before 0000", "before 0001"]
    assert [line for line in lines if line.startswith("after")] == [
        "after 0000 3 0 1 2",
        "after 0001 3 3 4 5",
    ]


@pytest.mark.parametrize("word", ["before", "after"])
def test_a_command_that_fails_ends_the_run_and_loses_nothing(tmp_path: Path, word: str) -> None:
    campaign = campaign_of(tmp_path, "true")
    with pytest.raises(RunError, match=rf"(?s)the command {word} a batch ended with exit code 7.*sorry"):
        run_campaign(campaign, {word: "echo sorry; exit 7"})
    assert not (campaign / "archive").exists()
    report = run_campaign(campaign, {word: "true"})
    assert report.rows.done == 6
    assert all(batch.finished for batch in state_of(campaign).batches.values())


def test_secrets_do_not_reach_the_studies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "abcdefgh1234")
    monkeypatch.setenv("LICENSE_TOKEN", "xyzxyzxyz")
    campaign = campaign_of(tmp_path, 'echo "${GITHUB_TOKEN-none} ${LICENSE_TOKEN-none}" > out.txt')
    lines: list[str] = []
    run_campaign(campaign, {"save": "keep", "pass_env": ["LICENSE_*"]}, tell=lines.append)
    assert (campaign / "runs/numbers_0000.1/run/row_0/out.txt").read_text() == "none xyzxyzxyz\n"
    written = (campaign / "runs/numbers_0000.1/meta/environment.yaml").read_text()
    assert "abcdefgh1234" not in written
    assert lines[0] == "not handed to the steps, as they look like secrets: GITHUB_TOKEN"


def test_a_campaign_that_changed_is_refused(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, "true")
    spec = campaign / "numbers_0001.yaml"
    spec.write_text(spec.read_text().replace("set -euo pipefail", "set -eu"))
    with pytest.raises(UserError, match=r"(?s)numbers_0001.*set -eu"):
        run_campaign(campaign)
    state = state_of(campaign)
    assert state.batches["0000"].finished
    assert state.batches["0001"].pending == state.batches["0001"].rows


@pytest.mark.parametrize("name", ["numbers_0000.1", "numbers_0000.1.log"])
def test_what_is_in_the_way_of_a_study_is_passed_by(tmp_path: Path, name: str) -> None:
    campaign = campaign_of(tmp_path, "true", rows=12)
    stray = campaign / "runs" / name
    stray.mkdir(parents=True)
    assert run_campaign(campaign).rows.done == 12
    assert records_of(campaign, Started)[0].study == "numbers_0000.2"
    assert stray.is_dir()


def test_a_hanging_row_is_put_aside_and_the_others_go_on(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, '[ "$1" != 1 ] || sleep 1000', rows=4, batch_size=4)
    report = run_campaign(campaign, {"timeout": 3})
    assert (report.rows.done, report.rows.failed, report.rows.pending) == (3, 1, 0)
    (failure,) = state_of(campaign).batches["0000"].failures
    assert (failure.step, failure.state, failure.rows) == ("run", "TIMEDOUT", "1")
    assert [record.how for record in records_of(campaign, Ended)] == ["timeout", "ended"]
    assert not list(study_processes(campaign))


def test_a_study_that_kills_maestro_loses_no_other_row(tmp_path: Path) -> None:
    # Maestro cannot decode this output, and dies.
    campaign = campaign_of(tmp_path, '[ "$1" != 1 ] || printf "\\\\377"', rows=4, batch_size=4)
    report = run_campaign(campaign)
    assert (report.rows.done, report.rows.failed, report.rows.pending) == (3, 1, 0)
    (failure,) = state_of(campaign).batches["0000"].failures
    assert (failure.step, failure.state, failure.rows) == ("run", "LOST", "1")
    (row,) = failed_rows(campaign)
    assert row.stderr.startswith("UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff")
    assert [record.code for record in records_of(campaign, Ended)] == [1, 0]


def test_a_canary_shows_what_all_will_take(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, "true", rows=6, batch_size=6)
    lines: list[str] = []
    report = run_campaign(campaign, canary=2, tell=lines.append)
    assert report.rows.done == 6
    assert lines[0].startswith("canary: 2 rows took ")
    assert lines[1].startswith("canary: 4 rows left will take about ")
    assert [record.rows for record in records_of(campaign, Started)] == ["0-1", "2-5"]


def test_a_canary_comes_first_or_not_at_all(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, "true")
    run_campaign(campaign, max_batches=1)
    lines: list[str] = []
    run_campaign(campaign, canary=1, tell=lines.append)
    assert lines[0] == "no canary: 3 rows of this campaign are done already"


def test_a_failing_canary_ends_the_run(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, "exit 1")
    with pytest.raises(RunError, match=r"the canary failed: rows 0-1: run FAILED"):
        run_campaign(campaign, canary=2)
    assert state_of(campaign).tally.failed == 2
    assert len(records_of(campaign, Started)) == 1


def test_a_canary_where_a_step_waits_for_all_rows(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, "true", rows=4, batch_size=4, template="pipeline")
    report = run_campaign(campaign, canary=1)
    assert report.rows.done == 4
    assert [record.rows for record in records_of(campaign, Started)] == ["0", "0-3"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_at_once_and_the_next_run_goes_on(
    tmp_path: Path, start: Start, number: signal.Signals
) -> None:
    wait = f'[ "$1" != 1 ] || [ -e {tmp_path}/go ] || {{ touch {tmp_path}/here; sleep 1000; }}'
    campaign = campaign_of(tmp_path, wait)
    run = start(campaign)
    wait_until((tmp_path / "here").exists)
    run.send_signal(number)
    assert run.wait(60) == 128 + number
    assert not list(study_processes(campaign))
    (ended,) = records_of(campaign, Ended)
    assert (ended.how, ended.done, ended.failed) == ("stopped", "0", ())
    (tmp_path / "go").touch()
    assert run_campaign(campaign).rows.done == 6
    assert [record.rows for record in records_of(campaign, Started)] == ["0-2", "1-2", "3-5"]


def test_interrupted_once_it_finishes_what_runs(tmp_path: Path, start: Start) -> None:
    wait = f"touch {tmp_path}/here; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done"
    campaign = campaign_of(tmp_path, wait)
    run = start(campaign)
    wait_until((tmp_path / "here").exists)
    run.send_signal(signal.SIGINT)
    wait_until(lambda: b"finishing" in (tmp_path / "log").read_bytes())
    (tmp_path / "go").touch()
    assert run.wait(60) == 130
    state = state_of(campaign)
    assert state.batches["0000"].finished
    assert not state.batches["0001"].studies
    assert state.stopped is not None
    assert state.stopped.reason == "interrupted"


def test_interrupted_twice_it_stops_at_once(tmp_path: Path, start: Start) -> None:
    campaign = campaign_of(tmp_path, f'[ "$1" != 1 ] || {{ touch {tmp_path}/here; sleep 1000; }}')
    run = start(campaign)
    wait_until((tmp_path / "here").exists)
    run.send_signal(signal.SIGINT)
    wait_until(lambda: b"finishing" in (tmp_path / "log").read_bytes())
    run.send_signal(signal.SIGINT)
    assert run.wait(60) == 130
    assert not list(study_processes(campaign))
    assert state_of(campaign).batches["0000"].done == state_of(campaign).batches["0000"].rows.first(1)


def test_a_killed_run_is_taken_up_again(tmp_path: Path, start: Start) -> None:
    wait = f'[ "$1" != 1 ] || [ -e {tmp_path}/go ] || {{ touch {tmp_path}/here; sleep 1000; }}'
    campaign = campaign_of(tmp_path, wait)
    run = start(campaign)
    wait_until((tmp_path / "here").exists)
    run.kill()
    run.wait()
    (tmp_path / "go").touch()
    lines: list[str] = []
    assert run_campaign(campaign, tell=lines.append).rows.done == 6
    assert lines[0] == "batch 0000: an earlier run was cut short, 1 row had finished"
    assert [record.rows for record in records_of(campaign, Started)] == ["0-2", "1-2", "3-5"]
    assert not list(study_processes(campaign))


def test_with_a_step_over_all_rows_a_batch_runs_again_as_a_whole(tmp_path: Path, start: Start) -> None:
    wait = f'[ "$1" != 1 ] || [ -e {tmp_path}/go ] || {{ touch {tmp_path}/here; sleep 1000; }}'
    campaign = campaign_of(tmp_path, wait, template="pipeline")
    run = start(campaign)
    wait_until((tmp_path / "here").exists)
    run.kill()
    run.wait()
    (tmp_path / "go").touch()
    assert run_campaign(campaign).rows.done == 6
    starts = records_of(campaign, Started)
    assert [(record.rows, record.whole) for record in starts] == [("0-2", True)] * 2 + [("3-5", True)]


def test_a_second_run_is_told_who_owns_the_campaign(tmp_path: Path, start: Start) -> None:
    campaign = campaign_of(
        tmp_path, f"touch {tmp_path}/here; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done"
    )
    run = start(campaign)
    wait_until((tmp_path / "here").exists)
    done = subprocess.run([*GENSTUDY, "run", campaign], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"process {run.pid} of " in done.stderr
    (tmp_path / "go").touch()
    assert run.wait(60) == 0


def test_maestro_killed_from_outside_is_started_again(tmp_path: Path, start: Start) -> None:
    wait = f'[ "$1" != 1 ] || [ -e {tmp_path}/go ] || {{ touch {tmp_path}/here; sleep 1000; }}'
    campaign = campaign_of(tmp_path, wait)
    run = start(campaign)
    wait_until((tmp_path / "here").exists)
    (tmp_path / "go").touch()
    for pid in study_processes(campaign):
        if is_maestro(pid):
            os.kill(pid, signal.SIGKILL)
    assert run.wait(60) == 0
    assert [record.how for record in records_of(campaign, Ended)] == ["killed", "ended", "ended"]
    assert state_of(campaign).tally.done == 6
    assert not list(study_processes(campaign))


def test_maestro_killed_again_and_again_ends_the_run(tmp_path: Path, start: Start) -> None:
    campaign = campaign_of(tmp_path, "sleep 1000", rows=1, batch_size=1)
    run = start(campaign)
    killed: set[int] = set()

    def fresh() -> set[int]:
        return {pid for pid in study_processes(campaign) if is_maestro(pid)} - killed

    for _ in range(3):
        wait_until(lambda: bool(fresh()))
        for pid in fresh():
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
    assert run.wait(60) == 1
    assert (
        b"Maestro was killed 3 times in batch 0000 before a row was done" in (tmp_path / "log").read_bytes()
    )
    state = state_of(campaign)
    assert (state.tally.done, state.tally.failed, state.tally.pending) == (0, 0, 1)


def test_what_steps_leave_running_is_ended_before_a_batch_is_saved(tmp_path: Path) -> None:
    busy = "(while :; do date +%N >> late.txt; sleep 0.01; done) > /dev/null 2>&1 &"
    campaign = campaign_of(tmp_path, busy, rows=3)
    assert run_campaign(campaign).rows.done == 3
    assert all(batch.finished for batch in state_of(campaign).batches.values())
    assert not list(study_processes(campaign))


def test_a_campaign_can_be_moved_between_runs(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, "true")
    run_campaign(campaign, max_batches=1)
    moved = tmp_path / "else, where"
    campaign.rename(moved)
    assert run_campaign(moved).rows.done == 6
    assert len(list((moved / "archive").iterdir())) == 2


def test_inline_campaigns_run_too(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, '[ "$1" != 1 ]', inline=True)
    report = run_campaign(campaign)
    assert (report.rows.done, report.rows.failed) == (5, 1)
    kept = {path.name for path in (campaign / "runs").glob("*/run/*")}
    assert len(kept) == 1


def test_files_stay_below_what_is_allowed(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, "touch a b c", rows=60, batch_size=10)
    peak = 0

    def count(_: object) -> None:
        nonlocal peak
        peak = max(peak, count_entries(campaign)[0])

    limit = 300
    report = run_campaign(campaign, {"max_files": limit}, watch=count)
    assert report.rows.done == 60
    assert peak <= limit


def test_a_batch_that_can_never_fit_ends_the_run(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, "true", rows=60, batch_size=30)
    with pytest.raises(RunError, match=r"(?s)no room for batch 0000: .* and --max-files is 100"):
        run_campaign(campaign, {"max_files": 100})


def test_a_link_in_place_of_the_runs_is_refused(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, "true")
    (tmp_path / "elsewhere").mkdir()
    (campaign / "runs").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="symbolic link"):
        run_campaign(campaign)


def test_no_campaign(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"it holds no manifest\.json"):
        run_campaign(tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"jobs": 0}, "--jobs: Input should be greater than or equal to 1"),
        ({"timeout": "soon"}, "--timeout: 'soon' is no time"),
        ({"min_free": "lots"}, "--min-free: 'lots' is no size"),
        ({"save": "burn"}, "--save: Input should be 'keep', 'archive' or 'move'"),
        ({"max_failure_rate": 2.0}, "--max-failure-rate: Input should be less than or equal to 1"),
    ],
)
def test_settings_that_make_no_sense(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    campaign = campaign_of(tmp_path, "true")
    with pytest.raises(UserError, match=message):
        run_campaign(campaign, settings)
    assert not (campaign / "ledger").exists()


def test_a_missing_maestro_is_told_before_anything_starts(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, "true")
    hide = (
        "import sys, importlib.metadata as m\n"
        "real = m.version\n"
        "def version(name):\n"
        "    if name == 'maestrowf':\n"
        "        raise m.PackageNotFoundError(name)\n"
        "    return real(name)\n"
        "m.version = version\n"
        f"sys.argv = ['genstudy', 'run', {str(campaign)!r}]\n"
        "from genstudy.cli.app import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", hide], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Maestro is not installed" in done.stderr
    assert not (campaign / "ledger").exists()


def test_what_is_told_of_errors_is_in_the_ledger(tmp_path: Path) -> None:
    campaign = campaign_of(tmp_path, "true")
    with pytest.raises(GenstudyError):
        run_campaign(campaign, {"before": "exit 1"})
    stopped = state_of(campaign).stopped
    assert stopped is not None
    assert stopped.reason.startswith("the command before a batch ended with exit code 1")
    assert json.loads((campaign / "ledger/owner-000001.json").read_text())["options"] == {"before": "exit 1"}

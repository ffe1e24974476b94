"""`genstudy status`: text, JSON, watching, failed rows."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from genstudy.inspection.failures import FailedRow, failed_rows
from genstudy.inspection.status import campaign_status
from genstudy.inspection.status_format import Status
from genstudy.ledger.ledger import Ledger
from genstudy.specs.manifest import Manifest
from tests.campaign.studies import Lab
from tests.campaign.support import GENSTUDY
from tests.conftest import RunCli
from tests.inspection.test_failures import CHAIN, run_and_record
from tests.inspection.test_status import all_of, campaign, ended, started, write
from tests.ledger.owners import NEVER, no_news


@pytest.fixture
def made(in_tmp: Path) -> Manifest:
    return campaign(in_tmp)


def test_text(run_cli: RunCli, made: Manifest) -> None:
    write(
        Path("c"), *all_of(made.batches[0]), started(made.batches[1]), ended(made.batches[1], "10-11", "12")
    )
    code, out, err = run_cli("status", "c")
    assert (code, err) == (0, "")
    assert out.splitlines()[1:] == [
        "rows     12 done, 1 failed, 27 pending of 40",
        "batches  1 done, 0 with failures, 3 pending of 4; 1 saved, 1 cleared",
        "a row    769 ms, 7.0 files, 300 B (mean of 13)",
        "files    91 in use, 1000 B saved",
        "again    7 rows of 1 batch that were cut short: 0001",
        "next     genstudy status c --failed",
        "next     genstudy run c",
    ]


def test_json(run_cli: RunCli, made: Manifest) -> None:
    write(Path("c"), *all_of(made.batches[0]))
    code, out, err = run_cli("status", "c", "--json")
    assert (code, err) == (0, "")
    assert Status.model_validate_json(out) == campaign_status("c")
    data = json.loads(out)
    assert data["rows"] == {"total": 40, "done": 10, "failed": 0, "pending": 30}


def test_a_folder_with_a_strange_name(run_cli: RunCli, made: Manifest) -> None:
    Path("c").rename("a 'b' [red]")
    _, out, _ = run_cli("status", "a 'b' [red]")
    assert out.startswith("a 'b' [red]: not run yet\n")
    assert out.endswith("next     genstudy run 'a '\"'\"'b'\"'\"' [red]'\n")
    assert len(made.batches) == 4


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["."], "genstudy: .: not a campaign: it holds no manifest.json\n  genstudy specs makes one\n"),
        (["none"], "not a campaign"),
        (["t.csv"], "not a campaign"),
        (["c", "--failed", "--watch"], "genstudy: --failed and --watch exclude each other\n"),
        (["c", "--limit", "3"], "genstudy: --limit takes the number of failed rows to show\n  pass --failed"),
        (["c", "--failed", "--limit", "-1"], "genstudy: --limit takes the number of failed rows to show\n"),
        (["c", "--watch", "--every", "0"], "genstudy: --every takes seconds, more than 0"),
        (["c", "--watch", "--every", "nan"], "and at most 86,400, not nan\n"),
    ],
)
def test_mistakes(run_cli: RunCli, arguments: list[str], message: str) -> None:
    code, out, err = run_cli("status", *arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_a_damaged_ledger(run_cli: RunCli, made: Manifest) -> None:
    write(Path("c"), *all_of(made.batches[0]))
    file = Path("c/ledger/records-000001.jsonl")
    file.write_text(file.read_text().replace('"event":"save"', '"event":"safe"'))
    code, out, err = run_cli("status", "c")
    assert (code, out) == (1, "")
    assert "records-000001.jsonl, line 4: not a record" in err


# Watching


@contextmanager
def watching(*options: str, stdout: int = subprocess.PIPE) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*GENSTUDY, "status", "c", "--watch", "--every", "0.05", *options],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"},
    )
    with process:
        yield process
        process.kill()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def test_watching_in_a_pipe_ends_when_all_is_done(made: Manifest) -> None:
    first, *others = made.batches
    with watching() as process:
        begin = "rows 0 done, 0 failed, 40 pending of 40; batches 0 ended, {} running, 0 saved of 4{}"
        assert line_of(process) == begin.format(0, "; not run yet")
        with Ledger(Path("c"), beat=NEVER).own({}, no_news) as owner:
            assert line_of(process) == begin.format(0, "")
            owner.add(started(first))
            assert line_of(process) == begin.format(1, "")
            for record in (ended(first, "0-8", "9"), *(one for batch in others for one in all_of(batch))):
                owner.add(record)
            while " 0 pending" not in line_of(process):
                pass
            assert process.poll() is None
        rest, problems = process.communicate()
    assert (process.returncode, problems) == (0, "")
    assert rest.splitlines()[-1] == (
        "rows 39 done, 1 failed, 0 pending of 40; batches 4 ended, 0 running, 3 saved of 4; not running"
    )


@pytest.mark.usefixtures("made")
def test_watching_ends_with_ctrl_c() -> None:
    with watching("--json") as process:
        assert Status.model_validate_json(line_of(process)) == campaign_status("c")
        process.send_signal(signal.SIGINT)
        assert process.communicate() == ("", "")
    assert process.returncode == 130


def test_watching_what_is_done(run_cli: RunCli, in_tmp: Path) -> None:
    [batch] = campaign(in_tmp, rows=10).batches
    write(Path("c"), *all_of(batch))
    code, out, _ = run_cli("status", "c", "--watch")
    assert (code, out) == (
        0,
        "rows 10 done, 0 failed, 0 pending of 10; batches 1 ended, 0 running, 1 saved of 1; finished\n",
    )


def test_watching_on_a_terminal(in_tmp: Path) -> None:
    [batch] = campaign(in_tmp, rows=10).batches
    master, terminal = pty.openpty()
    shown = b""
    with watching(stdout=terminal) as process:
        os.close(terminal)
        with Ledger(Path("c"), beat=NEVER).own({}, no_news) as owner:
            while b"runs it since" not in shown:
                shown += os.read(master, 4096)
            for record in all_of(batch):
                owner.add(record)
            while b"10 done" not in shown:
                shown += os.read(master, 4096)
        with suppress(OSError):  # the other side gets closed
            while data := os.read(master, 4096):
                shown += data
        assert process.wait() == 0
    os.close(master)
    assert b"\x1b[" in shown
    end = shown.decode().rpartition("c: finished (process ")[2].splitlines()
    assert end[1] == "rows     10 done, 0 failed, 0 pending of 10"
    assert end[-1] == "files    12 in use, 1000 B saved"


# Failed rows


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lab = Lab.make(tmp_path_factory.mktemp("ran"), CHAIN)
    run_and_record(lab)
    return lab.folder


FIRST = "row 1: step simulate FAILED, batch 0000\n    bad 1\n"
SECOND = "row 2: step check FAILED, batch 0000\n    only out\n"


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ([], FIRST + SECOND),
        (["--limit", "2"], FIRST + SECOND),
        (["--limit", "1"], FIRST + "... and 1 more: --limit 2 shows all\n"),
        (["--limit", "0"], "... and 2 more: --limit 2 shows all\n"),
    ],
)
def test_failed_rows(run_cli: RunCli, ran: Path, limit: list[str], expected: str) -> None:
    assert run_cli("status", ran, "--failed", *limit) == (0, expected, "")


@pytest.mark.parametrize(("limit", "count"), [([], 2), (["--limit", "1"], 1), (["--limit", "0"], 0)])
def test_failed_rows_as_json(run_cli: RunCli, ran: Path, limit: list[str], count: int) -> None:
    code, out, err = run_cli("status", ran, "--failed", "--json", *limit)
    assert (code, err) == (0, "")
    assert [FailedRow.model_validate(row) for row in json.loads(out)] == list(failed_rows(ran))[:count]


@pytest.mark.usefixtures("made")
def test_no_row_failed(run_cli: RunCli) -> None:
    assert run_cli("status", "c", "--failed") == (0, "c: no row failed\n", "")
    assert run_cli("status", "c", "--failed", "--json") == (0, "[]\n", "")


def test_what_steps_printed_cannot_act_on_a_terminal(run_cli: RunCli, ran: Path) -> None:
    [err] = (ran / "runs/lab_0000.1/simulate/row_1").glob("*.err")
    before = err.read_bytes()
    err.write_bytes(b"\x1b]0;title\x07 \xff\n")
    try:
        _, out, _ = run_cli("status", ran, "--failed", "--limit", "1")
    finally:
        err.write_bytes(before)
    assert out.splitlines()[1] == r"    \x1b]0;title\x07 \xff"


def test_it_starts_without_what_it_does_not_need() -> None:
    code = "import sys, genstudy.cli.app; print([n for n in ('rich', 'pydantic') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

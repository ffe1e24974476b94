"""The commands that take a campaign's folder: mistakes, and names that could act on a terminal."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from genstudy.campaign.run import run_campaign
from tests.campaign.failing import failing_campaign
from tests.campaign.support import GENSTUDY
from tests.conftest import RunCli

COMMANDS = (
    *(["run"], ["status"], ["cancel"], ["retry"], ["verify"], ["fetch", "0"]),
    *(["extend", "t.csv"], ["extend", "-n", "3"], ["analyze"]),
)


def call(command: list[str], folder: str) -> tuple[str, ...]:
    name, *rest = command
    return (name, folder, *rest)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign of four rows that ran; row 3 failed."""
    campaign = failing_campaign(tmp_path_factory.mktemp("ran"), [3], rows=4, batch_size=2)
    run_campaign(campaign)
    return campaign


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_a_file_is_no_campaign(run_cli: RunCli, in_tmp: Path, command: list[str]) -> None:
    (in_tmp / "study.yaml").write_text("rows: 3\n")
    code, out, err = run_cli(*call(command, "study.yaml"))
    assert (code, out) == (2, "")
    assert err.endswith("study.yaml: not a campaign: it holds no manifest.json\n  genstudy specs makes one\n")


@pytest.mark.parametrize("data", [b'{"name": "\xe9"}', b"", b"{", b"\0\0"])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_a_damaged_manifest(run_cli: RunCli, in_tmp: Path, command: list[str], data: bytes) -> None:
    (in_tmp / "c").mkdir()
    (in_tmp / "c/manifest.json").write_bytes(data)
    code, out, err = run_cli(*call(command, "c"))
    assert (code, out) == (2, "")
    assert "c/manifest.json: not a manifest: " in err
    assert ": :" not in err
    assert [path.name for path in (in_tmp / "c").iterdir()] == ["manifest.json"]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_a_name_cannot_act_on_a_terminal(run_cli: RunCli, in_tmp: Path, command: list[str]) -> None:
    code, out, err = run_cli(*call(command, "a\x1b]0;title\x07"))
    assert (code, out) == (2, "")
    assert r"a\x1b]0;title\x07: not a campaign" in err
    assert list(in_tmp.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--canary", "0"], "--canary takes a whole number from 1, not 0"),
        (["--max-batches", "-1"], "--max-batches takes a whole number from 1, not -1"),
    ],
)
def test_numbers_of_run(run_cli: RunCli, ran: Path, options: list[str], message: str) -> None:
    assert run_cli("run", ran, *options) == (2, "", f"genstudy: {message}\n")


def test_the_next_command_is_quoted(run_cli: RunCli, in_tmp: Path) -> None:
    campaign = failing_campaign(in_tmp, [1], rows=2, batch_size=2).rename("a b")
    code, out, _ = run_cli("run", campaign)
    assert code == 1
    assert out.splitlines()[-2:] == [
        "see them: genstudy status 'a b' --failed",
        "try them again: genstudy retry 'a b' && genstudy run 'a b'",
    ]


def test_a_run_with_nothing_to_do_says_so(run_cli: RunCli, ran: Path) -> None:
    code, out, err = run_cli("run", ran)
    assert (code, err) == (1, "")
    assert out.splitlines()[0] == f"{ran}: nothing left to run; 3 of 4 rows done, 1 failed"


def test_a_file_of_a_row_to_a_closed_output(ran: Path) -> None:
    command = " ".join([*GENSTUDY, "fetch", str(ran), "0", "values.bin", "-o", "-", ">&-"])
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "genstudy: standard output is closed\n  name a file: -o FILE\n"


def test_a_reason_of_several_lines_is_one_line_of_the_status(run_cli: RunCli, in_tmp: Path) -> None:
    campaign = failing_campaign(in_tmp, [], rows=2, batch_size=2)
    (campaign / "c_0000.yaml").write_text("changed")
    code, _, err = run_cli("run", campaign)
    assert code == 2
    message = err.removeprefix("genstudy: ").rstrip("\n").replace("\n  ", "; ")
    assert f": not running: {message} (process " in run_cli("status", campaign)[1].splitlines()[0]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("command", [["run"], ["retry"]], ids=lambda words: words[0])
def test_a_campaign_of_somebody_else(tmp_path_factory: pytest.TempPathFactory, command: list[str]) -> None:
    campaign = failing_campaign(tmp_path_factory.mktemp("mine"), [1], rows=2, batch_size=2)
    run_campaign(campaign)
    for folder in (campaign, *campaign.parents[:3]):
        folder.chmod(folder.stat().st_mode | 0o055)
    before = sorted(campaign.rglob("*"))
    done = subprocess.run(
        [
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            *GENSTUDY,
            *call(command, str(campaign)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if "ModuleNotFoundError" in done.stderr or "can't open" in done.stderr:
        pytest.skip("Python is nobody else's here")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("genstudy: ") == 1
    assert "Permission denied" in done.stderr
    assert sorted(campaign.rglob("*")) == before


@pytest.mark.parametrize(
    ("to", "message"),
    [
        ("t.csv", "t.csv: this is a file, not a folder\n  pass --to FOLDER"),
        ("no/such", "no/such: the folder no does not exist\n  make it first: mkdir -p no"),
        ("c/runs", "c/runs: the runs of the campaign are there\n  pass --to FOLDER, another one"),
        ("c/ledger/x", "c/ledger/x: the ledger of the campaign is there\n  pass --to FOLDER, another one"),
        ("", "--to: String should have at least 1 character"),
    ],
)
def test_a_place_for_archives_that_is_none(run_cli: RunCli, in_tmp: Path, to: str, message: str) -> None:
    failing_campaign(in_tmp, [], rows=2, batch_size=2)
    code, out, err = run_cli("run", "c", "--to", to)
    assert (code, out, err) == (2, "", f"genstudy: {message}\n")
    assert not Path("c/ledger").exists()


def test_every_command_is_told_in_a_line(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = run_cli("--help")
    commands = out.partition("Commands:\n")[2].splitlines()
    order = (
        "csv plot specs init build plan run submit status why cancel retry extend fetch verify collect query "
        "export analyze report demo doctor schema templates"
    )
    assert " ".join(line.split()[0] for line in commands) == order
    assert not [line for line in commands if "..." in line]

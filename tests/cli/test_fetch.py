"""`genstudy fetch`: what it prints, and where it writes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from genstudy.campaign.run import run_campaign
from tests.campaign.failing import failing_campaign
from tests.campaign.support import GENSTUDY
from tests.conftest import RunCli


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign of four rows that ran; row 3 failed."""
    place = tmp_path_factory.mktemp("ran")
    campaign = failing_campaign(place, [3], rows=4, batch_size=2)
    run_campaign(campaign)
    return campaign


def test_a_row(run_cli: RunCli, ran: Path, in_tmp: Path) -> None:
    code, out, err = run_cli("fetch", ran, 1)
    assert (code, err) == (0, "")
    assert out.startswith("row_1: ")
    assert out.endswith(f" of row 1 from {ran}/archive/c_0000.tar.zst\n")
    assert Path("row_1/run/values.bin").read_bytes() == b'1\0say "\xc3\xa9"\0'
    code, out, err = run_cli("fetch", ran, 1)
    assert (code, out) == (2, "")
    assert err == "genstudy: row_1: the folder exists already\n  pass --force to replace it, or another -o\n"
    assert run_cli("fetch", ran, 1, "--force")[0] == 0
    assert [path.name for path in in_tmp.iterdir()] == ["row_1"]


@pytest.mark.usefixtures("in_tmp")
def test_a_file(run_cli: RunCli, ran: Path) -> None:
    expected = (0, f"values.bin: 1 file, 10 B, of row 3 from {ran}/archive/c_0001.tar.zst\n", "")
    assert run_cli("fetch", ran, 3, "values.bin") == expected
    assert run_cli("fetch", ran, 3, "run/values.bin", "-o", "v")[0] == 0
    assert Path("v").read_bytes() == Path("values.bin").read_bytes() == b"3\0 plain \0"


def test_to_standard_output(ran: Path, in_tmp: Path) -> None:
    command = [*GENSTUDY, "fetch", str(ran), "0", "values.bin", "-o", "-"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"0\0x, y\0", b"")
    assert list(in_tmp.iterdir()) == []
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_list(run_cli: RunCli, ran: Path) -> None:
    code, out, err = run_cli("fetch", ran, 0, "--list")
    assert (code, err) == (0, "")
    assert "           7  run/values.bin" in out.splitlines()
    _, out, _ = run_cli("fetch", ran, "--batch", "0001", "--list")
    assert any(line.endswith("  c_0001.1/status.csv") for line in out.splitlines())


@pytest.mark.usefixtures("in_tmp")
def test_a_batch(run_cli: RunCli, ran: Path) -> None:
    assert run_cli("fetch", ran, "--batch", "0001", "c_0001.1/status.csv")[0] == 0
    assert "row_3" in Path("status.csv").read_text()
    assert run_cli("fetch", ran, "--batch", "0001", "-o", "all")[0] == 0
    assert Path("all/c_0001.1.log").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "which row?\n  name a row by its id, or a batch: --batch 0000"),
        (["--batch", "0000", "a", "b"], "with --batch, there is a path and neither a row nor an attempt"),
        (["0", "values.bin", "--list"], "--list takes a row or a batch alone"),
        (["17"], "there is no row '17'"),
        (["b\udcff"], "'b\\udcff' is not UTF-8 text"),
        (["0", "b\udcff"], "row 0 has no file 'b\\xff'"),
        (["0", "-o", "-"], "this is more than one file\n  name one: step/file, as --list shows them"),
        (["0", "--attempt", "2"], "row 0 has no attempt 2: there is 1"),
    ],
)
def test_mistakes(run_cli: RunCli, ran: Path, in_tmp: Path, arguments: list[str], message: str) -> None:
    code, out, err = run_cli("fetch", ran, *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert list(in_tmp.iterdir()) == []


@pytest.mark.usefixtures("in_tmp")
def test_what_is_not_made_is_named(run_cli: RunCli) -> None:
    campaign = failing_campaign(
        Path.cwd(), variables={"command": "ln -s /etc/passwd far; mkfifo pipe; true #"}
    )
    run_campaign(campaign, max_batches=1)
    _, out, err = run_cli("fetch", "c", 0)
    assert out.startswith("row_0: ")
    assert err.splitlines() == [
        "genstudy: run/far leads out of the folder or is no file: not made",
        "genstudy: run/pipe leads out of the folder or is no file: not made",
    ]

"""`genstudy report`: what it prints and writes, and what it refuses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.campaign.failing import failing_campaign, pretend
from tests.conftest import RunCli


@pytest.fixture(autouse=True)
def campaign(in_tmp: Path) -> Path:
    """The campaign `c`, whose rows have all ended."""
    folder = failing_campaign(in_tmp, [])
    pretend(folder, [4])
    return folder


def test_it_is_written_to_the_working_directory(run_cli: RunCli, campaign: Path) -> None:
    before = sorted(campaign.rglob("*"))
    code, out, err = run_cli("report", campaign)
    assert (code, err) == (0, "")
    page = Path("c_report.html")
    assert out == f"c_report.html: {page.stat().st_size / 1024:.1f} KB\n"
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>\n")
    assert sorted(campaign.rglob("*")) == before


def test_an_older_report_is_replaced(run_cli: RunCli) -> None:
    assert run_cli("report", "c", "-o", "r.html")[0] == 0
    Path("r.html").write_text(Path("r.html").read_text() + "old")
    assert run_cli("report", "c", "--output", "r.html")[0] == 0
    assert Path("r.html").read_text().endswith("</html>\n")


def test_what_cannot_be_told_is_noted(run_cli: RunCli) -> None:
    Path("c/table.csv").unlink()
    code, out, err = run_cli("report", "c")
    assert code == 0
    assert out.startswith("c_report.html: ")
    assert [line.split(": ")[:2] for line in err.splitlines()] == [
        ["note", "why rows failed"],
        ["note", "design"],
    ]
    assert "the file is missing" in Path("c_report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "nothing: not a campaign"),
        (["c", "-o", "no/r.html"], "no/r.html: the folder no does not exist"),
        (["c", "-o", "c"], "c: this is a folder, not a file"),
        (["c", "-o", "mine.html"], "mine.html: the file exists already, and is no report"),
        (["c", "-o", "empty"], "empty: the file exists already, and is no report"),
        (["c", "-o", "pipe"], "pipe: the file exists already, and is no report"),
        (["c", "-o", ""], ".: this is a folder, not a file"),
        (["c", "-o", "\udcff.html"], "is not UTF-8 text"),
    ],
)
def test_mistakes(run_cli: RunCli, in_tmp: Path, arguments: list[str], message: str) -> None:
    Path("mine.html").write_text("<p>genstudy report</p>")
    Path("empty").touch()
    os.mkfifo("pipe")
    before = sorted(in_tmp.rglob("*"))
    code, out, err = run_cli("report", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("genstudy: ")
    assert message in err
    assert sorted(in_tmp.rglob("*")) == before
    assert Path("mine.html").read_text() == "<p>genstudy report</p>"


def test_a_manifest_cannot_name_a_place_elsewhere(run_cli: RunCli) -> None:
    path = Path("c/manifest.json")
    path.write_text(path.read_text().replace('"name": "c"', '"name": "../c"', 1))
    code, _, err = run_cli("report", "c")
    assert code == 2
    assert "which is none of its folder" in err
    assert not Path("../c_report.html").exists()


def test_a_damaged_ledger_is_an_error(run_cli: RunCli) -> None:
    path = Path("c/ledger/records-000001.jsonl")
    path.write_text("no record\n" + path.read_text())
    code, out, err = run_cli("report", "c")
    assert (code, out) == (1, "")
    assert "line 1: not a record" in err
    assert not Path("c_report.html").exists()

"""`genstudy verify`: what it prints, and its exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from genstudy.campaign.run import run_campaign
from tests.campaign.failing import failing_campaign
from tests.conftest import RunCli


@pytest.fixture(autouse=True)
def campaign(in_tmp: Path) -> Path:
    """The campaign `c`, two batches of which ran."""
    folder = failing_campaign(in_tmp, [4])
    run_campaign(folder, max_batches=2)
    return folder


def test_nothing_wrong(run_cli: RunCli) -> None:
    summary = "9 rows: 5 done (5 in 2 archives), 1 failed, 3 pending\n"
    assert run_cli("verify", "c") == (0, f"{summary}nothing wrong\n", "")
    quick = f"{summary}nothing wrong, as far as sizes and indexes tell\n"
    assert run_cli("verify", "c", "--quick") == (0, quick, "")


def test_something_wrong(run_cli: RunCli, campaign: Path) -> None:
    Path("c/archive/c_0000.tar.zst").unlink()
    Path("c/retry_2.csv").touch()
    with Path("c/pgen.py").open("a") as stream:
        stream.write("#\n")
    code, out, err = run_cli("verify", "c")
    assert (code, err) == (1, "")
    assert out.splitlines() == [
        "9 rows: 5 done (5 in 2 archives), 1 failed, 3 pending",
        f"problem: {campaign}/pgen.py: it changed since it was made",
        f"problem: batch 0000: {campaign}/archive/c_0000.tar.zst: the archive of batch 0000 is missing",
        f"note: {campaign}/retry_2.csv: the manifest does not name it",
    ]


def test_json(run_cli: RunCli) -> None:
    code, out, _ = run_cli("verify", "c", "--json")
    assert code == 0
    assert json.loads(out) == {
        "format": 1,
        "ok": True,
        "quick": False,
        "rows": {"total": 9, "done": 5, "failed": 1, "pending": 3},
        "places": {"archived": 5, "archives": 2, "moved": 0, "folders": 0, "workspaces": 0},
        "problems": [],
        "notes": [],
    }
    Path("c/archive/c_0000.tar.zst").unlink()
    code, out, _ = run_cli("verify", "c", "--json")
    assert (code, json.loads(out)["ok"], len(json.loads(out)["problems"])) == (1, False, 1)


def test_where_the_ledger_makes_no_sense(run_cli: RunCli) -> None:
    path = Path("c/ledger/records-000001.jsonl")
    path.write_text(path.read_text().replace('"batch":"0000"', '"batch":"0017"', 1))
    code, out, _ = run_cli("verify", "c")
    assert code == 1
    assert out.splitlines() == [
        "what became of the rows cannot be told",
        "problem: the ledger names the batch 0017, and the manifest has none",
    ]


def test_no_campaign(run_cli: RunCli) -> None:
    code, out, err = run_cli("verify", "nowhere")
    assert (code, out) == (2, "")
    assert "not a campaign" in err

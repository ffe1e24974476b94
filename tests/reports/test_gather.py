"""What is gathered of campaigns of every fate; nothing of them is touched."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import make_url

from genstudy.campaign.retry import retry_failed
from genstudy.campaign.run import run_campaign
from genstudy.errors import UserError
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.ranges import Rows
from genstudy.ledger.records import Started
from genstudy.reports import sample
from genstudy.reports.data import Missing, Report, gather_report
from genstudy.reports.outputs import Outcomes
from genstudy.reports.page import lead_of, page_of
from genstudy.results.collect import collect_results
from genstudy.sensitivity.analyze import analyze_campaign
from genstudy.specs.make import make_specs
from genstudy.specs.options import Options
from genstudy.specs.results import ResultsSettings
from tests.campaign.failing import fail, failing_campaign, pretend
from tests.databases.postgres import PostgresServer
from tests.ledger.owners import NEVER, no_news
from tests.reports.support import campaign, record, records_of
from tests.sensitivity.campaigns import make_campaign, say
from tests.specs.support import refusal


def all_files(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return what is in a folder: time of change and content of every file."""
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
    }


def gathered(folder: Path) -> Report:
    """Gather a report, see that the campaign was only read, and that a page can be made of it."""
    before = all_files(folder)
    report = gather_report(folder)
    assert all_files(folder) == before
    assert page_of(report).endswith("</html>\n")
    return report


def test_never_run(in_tmp: Path) -> None:
    report = gathered(failing_campaign(in_tmp))
    assert (report.status.state, report.states, report.failures, report.results) == (
        "new",
        {"pending": 9},
        None,
        None,
    )
    assert (report.missing, report.commands, report.history.spans) == ([], (), [])
    assert lead_of(report) == "Not run yet: 9 rows in 3 batches."
    assert list(report.order) == ["number", "text"]


def test_run_to_its_end_with_failures_and_tried_again(in_tmp: Path) -> None:
    folder = failing_campaign(in_tmp, [1, 4, 5])
    run_campaign(folder)
    fail(in_tmp, [4])
    retry_failed(folder)
    report = gathered(folder)
    assert report.states == {"done": 6, "pending": 3}
    assert lead_of(report).startswith("Not running; ") or lead_of(report).startswith("Stopped before its end")
    run_campaign(folder, {"keep_failed": False})
    report = gathered(folder)
    assert report.states == {"done": 8, "FAILED": 1}
    assert lead_of(report) == "Finished: 8 of 9 rows done, 1 failed."
    some = "some rows failed"
    assert [span.state for span in report.history.spans] == [some, some, "done", some]
    assert [command.command for command in report.commands] == [
        "genstudy run c",
        "genstudy retry c",
        "genstudy run c --clear-failed",
    ]
    assert report.failures is not None
    assert not isinstance(report.failures.rows, Missing)
    assert [(row.id, row.attempt) for row in report.failures.rows] == [("4", 2)]
    assert not isinstance(report.failures.groups, Missing)
    assert [group.rows for group in report.failures.groups.groups] == [1]
    assert report.missing == []
    assert report.history.disk.made[-1] > report.history.disk.files[-1]


def test_archives_that_are_missing(in_tmp: Path) -> None:
    folder = failing_campaign(in_tmp, [1])
    run_campaign(folder, {"keep_failed": False})
    for path in (folder / "archive").iterdir():
        path.unlink()
    report = gathered(folder)
    assert report.states == {"done": 8, "FAILED": 1}
    assert report.failures is not None
    assert not isinstance(report.failures.rows, Missing)
    assert "is missing" in report.failures.rows[0].stderr


def test_a_table_that_changed_or_is_gone(in_tmp: Path) -> None:
    folder = failing_campaign(in_tmp)
    pretend(folder, [2, 3])
    table = folder / "table.csv"
    table.write_bytes(table.read_bytes().replace(b"0", b"7", 1))
    report = gathered(folder)
    assert report.states == {"done": 7, "FAILED": 2}
    assert isinstance(report.design, Missing)
    assert "it changed since the campaign was made" in report.design.reason
    table.unlink()
    report = gathered(folder)
    assert {"why rows failed", "design"} <= {name for name, _ in report.missing}
    assert all("table.csv: the file is missing" in reason for _, reason in report.missing)


def test_a_part_of_a_table(in_tmp: Path) -> None:
    (in_tmp / "t.csv").write_text("id,a,b\n" + "".join(f"r{n},{n},x{n % 2}\n" for n in range(20)))
    folder = make_specs("t.csv", "c", Options(index="id", start=5, rows=10, batch_size=4)).folder
    report = gathered(folder)
    assert not isinstance(report.design, Missing)
    a, b = report.design.summary.columns
    assert (a.count, a.minimum, a.maximum, b.levels) == (10, 5, 14, (("x0", 5), ("x1", 5)))


def test_one_row(in_tmp: Path) -> None:
    folder = in_tmp / "c"
    manifest = campaign(folder, ["a"], [["1"]])
    record(folder, list(records_of(manifest.batches[0])))
    report = gathered(folder)
    assert lead_of(report) == "Finished: 1 of 1 row done, none failed."
    assert report.states == {"done": 1}


def test_all_rows_failed(in_tmp: Path) -> None:
    folder = in_tmp / "c"
    manifest = campaign(folder, ["a"], [[str(n)] for n in range(12)])
    records = [one for batch in manifest.batches for one in records_of(batch, failed=Rows.span(0, 12))]
    record(folder, records)
    assert gathered(folder).states == {"FAILED": 12}


def test_running_at_this_moment(in_tmp: Path) -> None:
    folder = in_tmp / "c"
    manifest = campaign(folder, ["a"], [[str(n)] for n in range(20)])
    with Ledger(folder, beat=NEVER).own({}, no_news) as owner:
        for one in records_of(manifest.batches[0], failed=Rows.parse("3")):
            owner.add(one)
        owner.add(Started(t=1, batch="0001", study="c_0001.1", rows="10-19", whole=False))
        report = gathered(folder)
    assert report.status.state == "running"
    assert [span.state for span in report.history.spans] == ["some rows failed", "running"]
    assert lead_of(report).startswith(
        "Running when this was written: 9 of 20 rows done, 1 failed, 10 pending"
    )


def test_a_process_that_died(in_tmp: Path) -> None:
    folder = in_tmp / "c"
    campaign(folder, ["a"], [[str(n)] for n in range(20)])
    died = """
import os
from pathlib import Path
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.records import Started
with Ledger(Path("c")).own({}, print) as owner:
    owner.add(Started(t=1, batch="0000", study="c_0000.1", rows="0-9", whole=False))
    os._exit(0)
"""
    subprocess.run([sys.executable, "-c", died], check=True)
    report = gathered(folder)
    assert report.status.state == "died"
    assert [span.state for span in report.history.spans] == ["cut short"]
    assert lead_of(report).startswith("Not running; its last process ended without a word: 0 of 20 rows done")


RESULTS = "results: {sources: [{json: out.json, columns: [up, down, noise, gone]}]}\n"
STEP = """\
import json, sys
number, kind = sys.argv[1:]
x = float(number)
noise = hash((number, kind)) % 1000
json.dump({"up": x * x, "down": -x, "noise": noise, "gone": None if x > 3 else x}, open("out.json", "w"))
"""


@pytest.fixture
def with_results(in_tmp: Path) -> Path:
    """A campaign of 30 rows that ran."""
    return campaign_that_ran(in_tmp, None)


def campaign_that_ran(in_tmp: Path, results: ResultsSettings | None) -> Path:
    (in_tmp / "step.py").write_text(STEP)
    rows = [f"{(7 * n) % 30},{'ab'[n % 2]}\n" for n in range(30)]
    (in_tmp / "t.csv").write_text("number,kind\n" + "".join(rows))
    command = f"PYTHONHASHSEED=1 {sys.executable} {in_tmp}/step.py $(NUMBER) $(KIND) #"
    options = Options(
        template="command", variables={"command": command}, batch_size=10, name="c", results=results
    )
    folder = make_specs("t.csv", "c", options).folder
    run_campaign(folder)
    return folder


def test_results(with_results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = gathered(with_results)
    assert report.results is None
    Path("results.yaml").write_text(RESULTS)
    collect_results(with_results, results="results.yaml")
    report = gathered(with_results)
    results = report.results
    assert isinstance(results, Outcomes)
    assert (results.rows, results.sampled, results.view) == (30, 30, "results")
    told = {one.name: (one.kind, one.given, one.missing, one.reason) for one in results.columns}
    assert told["up"] == ("float", 30, 0, "")
    assert told["gone"][:3] == ("float", 4, 26)
    assert told["gone"][3]
    up = next(one for one in results.columns if one.name == "up")
    assert (up.low, up.median, up.high) == (0, np.median([n * n for n in range(30)]), 29 * 29)
    strength = {(one.parameter, one.result): one.strength for one in results.found}
    assert strength["number", "up"] == pytest.approx(1)
    assert strength["number", "down"] == pytest.approx(-1)
    assert (list(report.order), report.ordered) == (
        ["number", "kind"],
        "the ones that go most strongly with a result first",
    )
    monkeypatch.setattr(sample, "ROWS", 20)
    fewer = gathered(with_results)
    assert isinstance(fewer.results, Outcomes)
    assert (fewer.results.rows, fewer.results.sampled) == (30, 20)
    assert "from a sample of 20 of them, chosen at random" in page_of(fewer)


def test_results_that_cannot_be_read(with_results: Path) -> None:
    (with_results / "results.db").write_text("this is no database")
    report = gathered(with_results)
    [(part, reason)] = report.missing
    assert part == "results"
    assert "results.db" in reason


def test_results_on_a_server(in_tmp: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    database = make_url(postgres.new_database())
    monkeypatch.setenv("PGPASSWORD", postgres.password)
    into = f"postgresql://{postgres.user}@{postgres.host}:{postgres.port}/{database.database}"
    taken = {"into": into, "sources": [{"json": "out.json", "columns": ["up", "gone"]}]}
    folder = campaign_that_ran(in_tmp, ResultsSettings.model_validate(taken))
    results = gathered(folder).results
    assert isinstance(results, Outcomes)
    assert (results.rows, results.view, [one.given for one in results.columns]) == (30, "c", [30, 4])
    monkeypatch.setenv("PGPASSWORD", "wrong" + postgres.password)
    report = gathered(folder)
    [(part, reason)] = report.missing
    assert part == "results"
    assert postgres.password not in page_of(report) + reason


def test_no_campaign(in_tmp: Path) -> None:
    assert "not a campaign" in refusal(lambda: gather_report(in_tmp))
    with pytest.raises(UserError):
        gather_report(in_tmp / "nothing")


def test_parameters_that_tell_failed_rows_come_first(in_tmp: Path) -> None:
    folder = in_tmp / "c"
    rows: list[list[Any]] = [[str(n % 7), str(n % 5), str(n)] for n in range(200)]
    manifest = campaign(folder, ["a", "b", "cause"], rows, size=50)
    records = [one for batch in manifest.batches for one in records_of(batch, failed=Rows.span(150, 200))]
    record(folder, records)
    report = gathered(folder)
    assert report.order[0] == "cause"
    assert report.ordered == "the ones that tell failed rows most surely from the others first"


@pytest.mark.parametrize("design", ["saltelli(blocks=4)", "morris(trajectories=4)"])
def test_designs_that_give_indices(in_tmp: Path, design: str) -> None:
    folder = make_campaign(in_tmp, design, groups=["zip(x2, x3)"])
    assert gathered(folder).indices is None
    say(in_tmp, bad=(1,))
    run_campaign(folder)
    report = gathered(folder)
    assert report.indices == analyze_campaign(folder, ["y", "sum", "flat"])
    page = page_of(report)
    assert page.count("zip(x2, x3)") >= 2
    assert "1 row without it: indices are of the blocks that are left" in page
    assert ("first order" in page, "elementary" in page) == (design[0] == "s", design[0] == "m")
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"replicates": 1', '"replicates": 0'))
    report = gathered(folder)
    assert [name for name, _ in report.missing] == ["sensitivity indices"]
    assert "This cannot be told: " in page_of(report)

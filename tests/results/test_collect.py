"""Results collected: from wherever the files are, beside a run, twice, and into databases that go away."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from genstudy.campaign.retry import retry_failed
from genstudy.campaign.run import run_campaign
from genstudy.campaign.stop import Stop
from genstudy.errors import GenstudyError, RunError, UserError
from genstudy.inspection.verify import verify_campaign
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.records import Cleared, Collected
from genstudy.ledger.state import CampaignState
from genstudy.results.collect import collect_results
from genstudy.specs.make import make_specs
from genstudy.specs.manifest import read_manifest
from genstudy.specs.options import Options
from genstudy.specs.results import ResultsSettings
from tests.campaign.support import genstudy
from tests.conftest import RunCli
from tests.databases.postgres import PostgresServer
from tests.maestro.conftest import write_table
from tests.results.lab import (
    HOSTILE,
    RESULTS,
    SOURCES,
    attempts,
    collected,
    copy_of,
    make_lab,
    naive,
    number,
    table_rows,
)

ROWS = 120


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign that was run and keeps its workspaces; the row 66 failed twice."""
    campaign = make_lab(tmp_path_factory.mktemp("kept"), rows=ROWS, batch_size=50)
    run_campaign(campaign, {"save": "keep"})
    retry_failed(campaign)
    run_campaign(campaign, {"save": "keep"})
    return campaign


def state_of(campaign: Path) -> CampaignState:
    return CampaignState(read_manifest(campaign), Ledger(campaign).records())


def check(campaign: Path, kept: Path, *, db: str | None = None, table: str | None = None) -> None:
    """Every row is there once, as a naive reading of the kept workspaces has it."""
    assert collected(campaign, db=db, table=table) == naive(kept / "runs")


def test_a_run_collects_each_batch(kept: Path) -> None:
    check(kept, kept)
    rows = {(row[1], row[4]): row for row in attempts(kept)}
    assert len(rows) == ROWS + 1
    cells = table_rows(kept)
    for (row_id, attempt), row in rows.items():
        assert row[0] == attempts(kept)[0][0]
        assert row[2] == int(row_id)
        assert row[3] == ("0003" if attempt == 2 else f"{int(row_id) // 50:04}")
        failed = row_id == "66"
        assert row[5:7] == (("FAILED", "run") if failed else ("FINISHED", None))
        assert time.strptime(row[7], "%Y-%m-%d %H:%M:%S") <= time.strptime(row[8], "%Y-%m-%d %H:%M:%S")
        assert 0 <= row[9] <= 5
        assert (row[10] is None) == (None not in row[15:])
        if row[10] is not None:
            names = zip(RESULTS, row[15:], strict=True)
            assert [name for name, value in names if value is None] == [*json.loads(row[10])]
        n, width, note, group = cells[row_id]
        assert row[11:15] == (int(n), float(width), note, int(group))
    assert {row[13] for row in rows.values()} == set(HOSTILE)


def test_the_ledger_says_what_was_collected(kept: Path) -> None:
    records = [record for record in Ledger(kept).records() if isinstance(record, Collected)]
    assert [record.rows for record in records] == [50, 50, 20, 1]
    missing = [row for row in attempts(kept) if row[10] is not None]
    assert sum(record.faulty for record in records) == len(missing)
    found = naive(kept / "runs")
    energies = sum(values[0] is None for values in found.values())
    assert sum(record.missing.get("energy", 0) for record in records) == energies + 1  # 66, twice
    assert verify_campaign(kept).problems == ()
    status = json.loads(genstudy(kept.parent, "status", kept, "--json"))
    assert status["results"] == {"batches": 4, "rows": ROWS + 1, "faulty": len(missing)}


@pytest.mark.parametrize("save", ["archive", "move"])
def test_the_table_is_the_same_from_wherever_the_files_are(kept: Path, tmp_path: Path, save: str) -> None:
    campaign = copy_of(kept, tmp_path / "lab", "save", "collect", "clear")
    # Nothing is run: what has ended is saved, collected and cleared.
    run_campaign(campaign, {"save": save, **({"to": str(tmp_path / "far")} if save == "move" else {})})
    assert not any((campaign / "runs").glob("*/*/row_1"))
    assert attempts(campaign) == attempts(kept)
    (campaign / "results.db").unlink()
    report = collect_results(campaign)
    assert (report.rows, report.batches, report.passed, report.problems) == (ROWS + 1, 4, 0, ())
    assert attempts(campaign) == attempts(kept)
    assert verify_campaign(campaign).problems == ()


def test_archives_are_copied_in_pieces(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = copy_of(kept, tmp_path / "lab", "save", "collect", "clear")
    run_campaign(campaign, {"save": "archive"})
    (campaign / "results.db").unlink()
    monkeypatch.setattr("genstudy.results.archived_rows.COPIED_ROWS", 7)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    collect_results(campaign)
    assert attempts(campaign) == attempts(kept)
    assert not list(tmp_path.glob("genstudy-*"))


def test_batches_that_are_there_are_passed_over(kept: Path, tmp_path: Path) -> None:
    campaign = copy_of(kept, tmp_path / "lab")
    first = collect_results(campaign)
    before = (campaign / "results.db").read_bytes()
    report = collect_results(campaign)
    assert (report.rows, report.batches, report.passed, report.pending) == (0, 0, 4, 0)
    assert (report.faulty, report.missing) == (first.faulty, first.missing)
    assert (campaign / "results.db").read_bytes() == before
    assert collect_results(campaign, again=True).rows == ROWS + 1
    assert attempts(campaign) == attempts(kept)


def test_changed_definitions_are_collected_again(kept: Path, tmp_path: Path) -> None:
    campaign = copy_of(kept, tmp_path / "lab")
    collect_results(campaign)
    file = tmp_path / "other.yaml"
    file.write_text("results:\n  sources:\n    - json: out.json\n      columns: {power: energy}\n")
    with pytest.raises(UserError, match="have results that are not taken now: energy, drag, label") as caught:
        collect_results(campaign, results=file)
    assert "--again" in str(caught.value.hint)
    both = "results:\n  sources:\n    - json: out.json\n      columns: {power: energy, energy: , drag: }\n"
    file.write_text(both + "    - {json: out.json, type: text, columns: {label: name}}\n")
    assert collect_results(campaign, results=file).rows == ROWS + 1
    assert [row[15:18] for row in attempts(campaign)] == [row[15:] for row in attempts(kept)]
    assert [row[18] for row in attempts(campaign)] == [row[15] for row in attempts(kept)]
    collect_results(campaign, results=file, again=True)


def test_mistakes_in_definitions_name_file_and_line(kept: Path, tmp_path: Path) -> None:
    file = tmp_path / "results.yaml"
    file.write_text("results:\n  sources:\n    - json: out.json\n      step: rum\n      columns: [x]\n")
    with pytest.raises(UserError, match=r"results.yaml, line 4.*there is no step 'rum' \(did you mean 'run'"):
        collect_results(kept, results=file, into=f"sqlite:///{tmp_path}/x.db")


def test_without_definitions_there_are_parameters_states_and_times(kept: Path, tmp_path: Path) -> None:
    campaign = copy_of(kept, tmp_path / "lab")
    manifest = json.loads((campaign / "manifest.json").read_text())
    (campaign / "manifest.json").write_text(json.dumps({**manifest, "results": None}))
    report = collect_results(campaign)
    assert (report.rows, report.faulty, report.missing) == (ROWS + 1, 0, {})
    expected = [(*row[:10], None, *row[11:15]) for row in attempts(kept)]
    assert attempts(campaign) == expected


def test_two_campaigns_share_a_table(kept: Path, tmp_path: Path, postgres: PostgresServer) -> None:
    other = make_lab(tmp_path, rows=10, batch_size=5, name="other")
    run_campaign(other)
    url = postgres.new_database()
    for campaign in (kept, other, kept):
        collect_results(campaign, into=url, table="all_of_them")
    check(kept, kept, db=url, table="all_of_them")
    assert len(attempts(other, db=url, table="all_of_them")) == 10
    assert attempts(kept, db=url, table="all_of_them") == attempts(kept)


def test_a_run_tells_that_it_replaces_what_a_copy_of_the_campaign_wrote(tmp_path: Path) -> None:
    into = {"into": f"sqlite:///{tmp_path}/shared.db", "sources": SOURCES}
    first = make_lab(tmp_path, rows=4, batch_size=4, results=into)
    second = tmp_path / "copy"
    shutil.copytree(first, second)
    told: list[str] = []
    run_campaign(first, tell=told.append)
    assert not [line for line in told if "replaced" in line]
    run_campaign(second, tell=told.append)
    line = (
        f"batch 0000: sqlite:///{tmp_path}/shared.db has rows of it already, which are replaced; if they are "
    )
    line += "those of a copy of this campaign, make one of the two with another --name"
    assert [found for found in told if "replaced" in found] == [line]
    assert len(attempts(first, table="lab")) == 4


def test_a_damaged_archive_keeps_no_other_batch(kept: Path, tmp_path: Path, run_cli: RunCli) -> None:
    campaign = copy_of(kept, tmp_path / "lab", "save", "collect", "clear")
    run_campaign(campaign, {"save": "archive"})
    (campaign / "results.db").unlink()
    damaged, missing = campaign / "archive/lab_0001.tar.zst", campaign / "archive/lab_0002.tar.zst"
    whole, data = damaged.read_bytes(), missing.read_bytes()
    damaged.write_bytes(whole[: len(whole) // 2])
    missing.unlink()
    code, out, err = run_cli("collect", campaign)
    assert code == 1
    assert "51 rows of 2 batches" in out
    cut = "its end is missing: it was cut short, or is no archive of genstudy"
    assert [line for line in err.splitlines() if line.startswith("genstudy: batch")] == [
        f"genstudy: batch 0001: {damaged}: {cut}",
        f"genstudy: batch 0002: {missing}: the archive of batch 0002 is missing",
    ]
    report = collect_results(campaign)
    assert (report.rows, report.passed, report.passed_rows, len(report.problems)) == (0, 2, 51, 2)
    damaged.write_bytes(whole)
    missing.write_bytes(data)
    code, out, err = run_cli("collect", campaign)
    assert (code, err) == (0, "")
    assert attempts(campaign) == attempts(kept)


def test_collecting_beside_a_run_and_twice_at_once(tmp_path: Path, kept: Path) -> None:
    campaign = make_lab(tmp_path, rows=ROWS, batch_size=20)
    over = threading.Event()
    problems: list[Exception] = []

    def collect() -> None:
        while not over.is_set():
            try:
                collect_results(campaign, again=True)
            except GenstudyError as problem:
                problems.append(problem)

    threads = [threading.Thread(target=collect) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        run_campaign(campaign)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert problems == []
    check(campaign, kept)
    assert verify_campaign(campaign).problems == ()


def test_a_database_on_a_server_that_is_stopped_while_a_campaign_runs(
    tmp_path: Path, postgres: PostgresServer, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.new_database()
    bare = url.replace(url[url.index("://lab:") + 6 : url.index("@127")], "")
    monkeypatch.setenv("PGPASSWORD", postgres.password)
    campaign = make_lab(tmp_path, rows=ROWS, batch_size=20, results={"into": bare, "sources": SOURCES})
    lines: list[str] = []

    def tell(line: str) -> None:
        lines.append(line)
        if line.startswith("batch 0001: 20 rows done"):
            postgres.stop()

    with pytest.raises(RunError) as caught:
        run_campaign(campaign, tell=tell)
    try:
        assert "no workspace was deleted; once that is mended, genstudy run" in str(caught.value)
        state = state_of(campaign)
        waiting = [batch for batch in state.batches.values() if batch.ended and batch.collected is None]
        assert waiting
        assert all(batch.saved is not None and batch.cleared is None for batch in waiting)
        cleared = {one.batch for one in Ledger(campaign).records() if isinstance(one, Cleared)}
        assert not cleared & {batch.entry.id for batch in waiting}
        with pytest.raises(UserError, match="cannot open the table of results"):  # told at once
            run_campaign(campaign)
    finally:
        postgres.start()
    run_campaign(campaign)
    check(campaign, kept)
    assert all(batch.finished for batch in state_of(campaign).batches.values())
    secret = postgres.password
    texts = [str(caught.value), *lines, *(path.read_text(errors="replace") for path in files_of(campaign))]
    assert not [text for text in texts if secret in text]


def files_of(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".zst")


def test_secrets_of_the_database_reach_no_step(
    tmp_path: Path, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", postgres.password)
    monkeypatch.setenv("GENSTUDY_DB", postgres.url)
    campaign = make_lab(tmp_path, rows=2, batch_size=2)
    with (tmp_path / "step.sh").open("a") as stream:
        stream.write("env > environment.txt\n")
    run_campaign(campaign, {"save": "keep"})
    texts = [path.read_text(errors="replace") for path in files_of(campaign) if path.name != "results.db"]
    assert any("GENSTUDY_STUDY=" in text for text in texts)
    assert not [text for text in texts if postgres.password in text or "p%40ss" in text]


def test_a_run_that_was_killed_between_commit_and_record(kept: Path, tmp_path: Path) -> None:
    campaign = copy_of(kept, tmp_path / "lab", "collect")
    collect_results(campaign)
    before = (campaign / "results.db").read_bytes()
    run_campaign(campaign)
    assert (campaign / "results.db").read_bytes() == before  # found there, and only recorded
    assert [batch.collected.rows for batch in state_of(campaign).batches.values() if batch.collected] == [
        *(50, 50, 20, 1)
    ]
    assert attempts(campaign) == attempts(kept)


def test_what_was_collected_before_it_was_saved_is_collected_again(kept: Path, tmp_path: Path) -> None:
    campaign = copy_of(kept, tmp_path / "lab", "save", "collect", "clear")
    without = next((campaign / "runs").glob("*/run/row_7")) / "out.json"
    text = without.read_text()
    without.unlink()
    collect_results(campaign)
    assert collected(campaign)["7"] == (None, None, None)
    write = f"mkdir -p {without.parent} && printf '%s' '{text}' > {without}"
    run_campaign(campaign, {"save": "keep", "after": write})
    assert attempts(campaign) == attempts(kept)


def test_passwords_are_shown_nowhere(
    kept: Path, tmp_path: Path, postgres: PostgresServer, run_cli: RunCli
) -> None:
    campaign = copy_of(kept, tmp_path / "lab")
    good = postgres.new_database()
    name = good.rpartition("/")[2]
    bad = [
        postgres.url_of(name, password="wr0ng@p%w"),
        good.replace(f":{postgres.port}/", ":1/"),
        postgres.url_of("no_such_database"),
    ]
    for url, code in ((good, 0), *((url, 2) for url in bad)):
        for command in (
            ("collect", "--into"),
            ("query", "--db"),
            ("export", "-o", str(tmp_path / "x.csv"), "--db"),
        ):
            found, out, err = run_cli(command[0], campaign, *command[1:], url, "--table", "lab")
            assert found == code
            assert not [word for word in (postgres.password, "p%40ss", "wr0ng", "%25rd") if word in out + err]
            assert "Traceback" not in err
        (tmp_path / "x.csv").unlink(missing_ok=True)
    texts = [path.read_text(errors="replace") for path in files_of(tmp_path)]
    assert not [text for text in texts if postgres.password in text or "p%40ss" in text]


def test_a_table_of_another_study_ends_a_run_before_it_begins(tmp_path: Path) -> None:
    campaign = make_lab(tmp_path, rows=4, batch_size=2)
    with sqlite3.connect(campaign / "results.db") as connection:
        connection.execute("CREATE TABLE results (a)")
    with pytest.raises(UserError, match="there is a table results already"):
        run_campaign(campaign)
    assert not list((campaign / "runs").glob("*"))


def test_results_that_are_locked_end_the_run_in_good_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genstudy.databases.engine.BUSY_SECONDS", 0.2)
    campaign = make_lab(tmp_path, rows=4, batch_size=2)
    run_campaign(campaign, max_batches=1)
    connection = sqlite3.connect(campaign / "results.db", isolation_level=None)

    def tell(line: str) -> None:
        if line.startswith("batch 0001: 2 rows done"):
            connection.execute("BEGIN IMMEDIATE")

    with pytest.raises(RunError, match="database is locked"):
        run_campaign(campaign, tell=tell)
    assert (campaign / "runs/lab_0001.1").is_dir()
    connection.execute("ROLLBACK")
    connection.close()
    run_campaign(campaign)
    assert len(collected(campaign)) == 4
    assert verify_campaign(campaign).ok


def test_stopping_at_once_while_results_are_taken(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        "import time\ndef results(workspace):\n    time.sleep(0.5)\n    return {'energy': 1.0}\n"
    )
    campaign = make_lab(tmp_path, rows=20, batch_size=20)
    file = tmp_path / "slow.yaml"
    file.write_text("results:\n  sources:\n    - python: 'slow:results'\n      columns: [energy]\n")
    shutil.copy(tmp_path / "slow.py", campaign / "slow.py")
    manifest = json.loads((campaign / "manifest.json").read_text())
    manifest["results"] = {"sources": [{"python": "slow:results", "step": "run", "columns": ["energy"]}]}
    (campaign / "manifest.json").write_text(json.dumps(manifest))
    stop = Stop()

    def tell(line: str) -> None:
        if line.startswith("batch 0000: 20 rows done"):
            threading.Timer(1.5, stop.at_once, ["enough"]).start()

    began = time.monotonic()
    report = run_campaign(campaign, {"save": "keep"}, stop=stop, tell=tell)
    assert report.reason == "enough"
    assert time.monotonic() - began < 9
    assert state_of(campaign).batches["0000"].collected is None
    assert attempts(campaign) == []


def test_verify_tells_of_rows_that_are_missing(kept: Path, tmp_path: Path) -> None:
    campaign = copy_of(kept, tmp_path / "lab")
    shutil.copy(kept / "results.db", campaign / "results.db")
    assert verify_campaign(campaign).problems == ()
    with sqlite3.connect(campaign / "results.db") as connection:
        connection.execute("DELETE FROM results_attempts WHERE row_id = '7'")
    place = f"{campaign}/results.db, table results_attempts"
    assert verify_campaign(campaign).problems == (
        f"{place}: batch 0000 has 49 rows there, and should have 50",
    )
    (campaign / "results.db").unlink()
    assert verify_campaign(campaign).problems == (
        f"{campaign}/results.db: the file is missing, and 4 batches were collected into it",
    )
    (campaign / "results.db").write_bytes(b"\0" * 5000)
    (problem,) = verify_campaign(campaign).problems
    assert "file is not a database" in problem


def test_verify_looks_at_all_tables_of_a_campaign(kept: Path, tmp_path: Path) -> None:
    campaign = copy_of(kept, tmp_path / "lab", "collect")
    collect_results(campaign, table="other")
    assert verify_campaign(campaign).problems == ()
    collect_results(campaign)
    with sqlite3.connect(campaign / "results.db") as connection:
        connection.execute("DELETE FROM other_attempts WHERE row_id = '7'")
    assert verify_campaign(campaign).problems == (
        f"{campaign}/results.db, table other_attempts: batch 0000 has 49 rows there, and should have 50",
    )


def test_a_run_tells_of_results_that_are_gone(kept: Path, tmp_path: Path) -> None:
    campaign = copy_of(kept, tmp_path / "lab")
    told: list[str] = []
    report = run_campaign(campaign, tell=told.append)
    lost = f"the results of 4 batches are not in {campaign}/results.db any more"
    assert told == [f"{lost}: genstudy collect {campaign} writes them again"]
    assert report.results is not None
    assert (report.results.batches, report.results.rows) == (0, 0)
    collect_results(campaign)
    told.clear()
    report = run_campaign(campaign, tell=told.append)
    assert report.results is not None
    assert (told, report.results.batches, report.results.rows) == ([], 4, ROWS + 1)


SHARED = """
description:
    name: {{ batch.name | yaml }}
    description: d
study:
    - name: {{ shared("mesh") }}
      description: d
      run:
          cmd: |
              printf '{"cells": %s}' $(GROUP) > mesh.json
              {{ done_mark() | indent(14) }}
    - name: {{ shared("finer") }}
      description: d
      run:
          cmd: |
              sed s/cells/fine$(HALF)/ $(mesh.workspace)/mesh.json > finer.json
              {{ done_mark() | indent(14) }}
          depends: [mesh]
    - name: run
      description: d
      run:
          cmd: |
              printf '{"energy": %s.5}' $(NUMBER) > out.json
              {{ done_mark() | indent(14) }}
          depends: [finer]
    - name: mean
      description: d
      run:
          cmd: |
              echo mean = 4 > mean.txt
              {{ done_mark() | indent(14) }}
          depends: [run_*]
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign with steps that run once a row, once for several rows, and once a batch; it was run."""
    place = tmp_path_factory.mktemp("shared")
    (place / "shared.yaml.j2").write_text(SHARED)
    sources = [
        {"json": "mesh.json", "step": "mesh", "columns": {"cells": None}},
        {"json": "finer.json", "step": "finer", "columns": {"fine0": None, "fine1": None}},
        {"json": "out.json", "step": "run", "columns": {"energy": None}},
        {"keyvalue": "mean.txt", "step": "mean", "columns": {"mean": None}},
    ]
    cells = [[str(number), str(number % 3), str(number % 2)] for number in range(24)]
    options = Options(
        template=place / "shared.yaml.j2",
        batch_size=12,
        name="shared",
        results=ResultsSettings.model_validate({"sources": sources}),
    )
    table = write_table(place / "numbers.csv", ["number", "group", "half"], cells)
    campaign = make_specs(table, place / "shared", options).folder
    run_campaign(campaign, {"save": "keep"})
    return campaign


@pytest.mark.parametrize("save", ["keep", "archive", "move"])
def test_results_of_steps_that_many_rows_share(shared: Path, tmp_path: Path, save: str) -> None:
    campaign = copy_of(shared, tmp_path / "shared", "save", "collect", "clear")
    run_campaign(campaign, {"save": save, **({"to": str(tmp_path / "far")} if save == "move" else {})})
    groups = [float(number % 3) for number in range(24)]
    fine = [(None, group) if number % 2 else (group, None) for number, group in enumerate(groups)]
    expected = [
        (group, *both, n + 0.5, 4.0) for n, (group, both) in enumerate(zip(groups, fine, strict=True))
    ]
    assert [row[-5:] for row in attempts(campaign)] == expected
    collect_results(campaign, again=True)
    assert [row[-5:] for row in attempts(campaign)] == expected


@pytest.mark.parametrize("save", ["keep", "archive"])
def test_results_of_inline_specifications(tmp_path: Path, save: str) -> None:
    campaign = make_lab(tmp_path, rows=30, batch_size=10, inline=True)
    run_campaign(campaign, {"save": save})
    before = attempts(campaign)
    collect_results(campaign, again=True)
    assert attempts(campaign) == before
    assert len(before) == 30
    for row in before:
        n = int(row[1])
        assert row[7] is not None
        good = n not in {13, 21}
        assert row[15] == (n + 0.5 if good else None)


def test_workspaces_that_lead_elsewhere_are_none(kept: Path, tmp_path: Path) -> None:
    campaign = copy_of(kept, tmp_path / "lab")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "out.json").write_text('{"energy": 1e6, "drag": 1, "name": "x"}')
    workspace = campaign / "runs/lab_0000.1/run/row_3"
    shutil.rmtree(workspace)
    workspace.symlink_to(outside)
    collect_results(campaign)
    row = attempts(campaign)[3]
    assert row[15:] == (None, None, None)
    assert json.loads(row[10])["energy"] == "no workspace of run"


def test_studies_that_are_missing_empty_no_rows(kept: Path, tmp_path: Path) -> None:
    campaign = copy_of(kept, tmp_path / "lab")
    collect_results(campaign)
    shutil.rmtree(campaign / "runs/lab_0001.1")
    report = collect_results(campaign, again=True)
    assert report.problems == ("batch 0001: the study lab_0001.1 is missing, and rows of it were done",)
    assert attempts(campaign) == attempts(kept)


def test_links_in_an_archive(tmp_path: Path) -> None:
    campaign = make_lab(tmp_path, rows=4, batch_size=4)
    (tmp_path / "secret.json").write_text('{"energy": 1e6}')
    with (tmp_path / "step.sh").open("w") as stream:
        stream.write("#!/bin/sh\necho '{\"energy\": 1.5}' > real.json\n")
        stream.write("case $1 in 0) ln -s real.json out.json ;; 1) ln -s ../row_0/real.json out.json ;;\n")
        stream.write(f"2) ln -s {tmp_path}/secret.json out.json ;; 3) mkfifo out.json ;; esac\n")
    run_campaign(campaign)
    in_workspaces = [row[15] for row in attempts(campaign)]
    collect_results(campaign, again=True)
    assert in_workspaces == [1.5, None, None, None]
    # Of what a link leads to, only what is wanted is copied, and that is the link's own name.
    assert [row[15] for row in attempts(campaign)][1:] == [None, None, None]


def test_the_database_in_the_campaign_may_be_named_by_a_relative_path(tmp_path: Path) -> None:
    campaign = make_lab(
        tmp_path,
        rows=2,
        batch_size=2,
        results={"into": "sqlite:///own.db", "table": "flow", "sources": SOURCES},
    )
    run_campaign(campaign)
    assert (campaign / "own.db").exists()
    assert len(collected(campaign)) == 2


def test_numbers_as_they_are_read_naively() -> None:
    assert [number(value) for value in (1, 1.5, True, "1", float("nan"), None)] == [1.0, 1.5, *[None] * 4]


def test_what_is_printed(kept: Path, in_tmp: Path, run_cli: RunCli) -> None:
    copy_of(kept, in_tmp / "lab")
    code, out, err = run_cli("collect", "lab")
    assert (code, err) == (0, "")
    faulty = len([row for row in attempts(kept) if row[10] is not None])
    lines = out.splitlines()
    assert lines[0] == f"lab/results.db, table results: {ROWS + 1} rows of 4 batches"
    assert lines[1].startswith(f"{faulty} rows with something missing: ")
    assert "  energy: no file out.json (3), not JSON (2), " in out
    _, out, _ = run_cli("collect", "lab")
    assert (
        out.splitlines()[0] == "lab/results.db, table results: 0 rows of 0 batches; 4 batches there already"
    )


def test_a_campaign_that_was_not_run(tmp_path: Path, run_cli: RunCli) -> None:
    campaign = make_lab(tmp_path, rows=4, batch_size=2)
    code, out, _ = run_cli("collect", campaign)
    assert code == 0
    assert "0 rows of 0 batches; 2 batches not ended yet" in out
    code, _, err = run_cli("collect", tmp_path)
    assert code == 2
    assert "not a campaign" in err

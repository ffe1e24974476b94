"""A thousand rows, some without results, collected by processes that are killed again and again."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from genstudy.campaign.run import run_campaign
from genstudy.results.collect import collect_results
from genstudy.results.query import open_results
from tests.databases.postgres import PostgresServer
from tests.results.lab import RESULTS, attempts, collected, copy_of, make_lab, naive

ROWS = 1000
KILLS = 12


@pytest.fixture(scope="module")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    campaign = make_lab(tmp_path_factory.mktemp("thousand"), rows=ROWS, batch_size=100)
    run_campaign(campaign, {"save": "keep", "jobs": 2})
    return campaign


def test_a_thousand_rows_as_they_are_read_naively(thousand: Path) -> None:
    found = naive(thousand / "runs")
    assert len(found) == ROWS
    assert collected(thousand) == found
    report = collect_results(thousand)
    expected = {name: sum(values[at] is None for values in found.values()) for at, name in enumerate(RESULTS)}
    assert report.missing == expected
    assert report.faulty == sum(None in values for values in found.values())
    with open_results(thousand) as results, results.engine.connect() as connection:
        query = "SELECT count(*), count(energy), sum(energy), sum(drag) FROM results"
        totals = tuple(connection.exec_driver_sql(query).one())
    energies = [values[0] for values in found.values() if values[0] is not None]
    drags = [values[1] for values in found.values() if values[1] is not None]
    assert totals == (ROWS, len(energies), sum(energies), sum(drags))
    reasons = Counter(
        json.loads(row[10])["energy"].partition(":")[0] for row in attempts(thousand) if row[15] is None
    )
    assert reasons == {"no file out.json": 19, "not JSON": 10, "not a float": 10, "NaN": 10}


@pytest.mark.parametrize("system", ["sqlite", "postgresql"])
def test_killed_again_and_again(
    thousand: Path, tmp_path: Path, request: pytest.FixtureRequest, system: str
) -> None:
    url = None
    if system == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.new_database()
    campaign = copy_of(thousand, tmp_path / "lab")
    moments = [random.Random(1).randrange(1, 1100) for _ in range(KILLS)]
    program = (
        "import sys, json; from pathlib import Path; from tests.results.dying import kill_collecting; "
        "moments, into = map(json.loads, sys.argv[2:]); "
        "print(json.dumps(kill_collecting(Path(sys.argv[1]), moments, into)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, campaign, json.dumps(moments), json.dumps(url)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(json.loads(done.stdout)) > KILLS // 2
    report = collect_results(campaign, into=url)
    assert report.rows + report.passed_rows == ROWS
    assert report.passed > 0
    table = "lab" if url is not None else None
    assert attempts(campaign, db=url, table=table) == attempts(thousand)


def test_a_run_that_is_killed_while_it_saves_collects_and_clears(tmp_path: Path) -> None:
    campaign = make_lab(tmp_path / "made", rows=4, batch_size=2)
    run_campaign(campaign, {"save": "keep"})
    (tmp_path / "copies").mkdir()
    ended = copy_of(campaign, tmp_path / "copies/lab", "save", "collect", "clear")
    tried = subprocess.run(
        [sys.executable, "-m", "tests.results.dying", ended, "1", "7"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    (count,) = tried.stdout.splitlines()
    assert int(count) > 20

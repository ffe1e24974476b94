"""An extended campaign, run by real Maestro and looked at by every command: each row once, as any other."""

from __future__ import annotations

import json
import shlex
import shutil
import threading
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from genstudy.campaign.cluster.submit import submit_campaign
from genstudy.campaign.cluster.task import run_task
from genstudy.campaign.extend import extend_campaign
from genstudy.campaign.retry import retry_failed
from genstudy.campaign.run import run_campaign
from genstudy.errors import UserError
from genstudy.inspection.failures import failed_rows
from genstudy.inspection.fetch import fetch_row
from genstudy.inspection.status import campaign_status
from genstudy.inspection.verify import verify_campaign
from genstudy.inspection.why import why_failed
from genstudy.planning.proposal import plan_batches
from genstudy.plots.campaign import summarize_campaign
from genstudy.reports.write import write_report
from genstudy.results.collect import collect_results
from genstudy.specs.make import make_specs
from genstudy.specs.options import Options
from genstudy.tables.extend import extend_table
from tests.campaign.failing import fail, failing_campaign, manifest_of, rows_of_numbers, state_of
from tests.campaign.support import genstudy
from tests.campaign.test_extend import grow, made
from tests.campaign.waves import problems_of, ran, wave_campaign
from tests.maestro.conftest import Maestro, values_template, values_written, wait_until, write_table
from tests.results.lab import HOSTILE, attempts, collected, make_lab


def cells(campaign: Path, row: int) -> list[str]:
    """Return what a row's step was given."""
    fetched = BytesIO()
    fetch_row(campaign, str(row), "values.bin", to=fetched)
    return fetched.getvalue().decode().split("\0")[:-1]


@pytest.mark.parametrize("save", ["archive", "keep"])
def test_every_row_once(tmp_path: Path, save: str) -> None:
    campaign = failing_campaign(tmp_path, [1, 4], rows=6)
    settings = {"save": save}
    assert run_campaign(campaign, settings).rows.failed == 2
    retry_failed(campaign)
    extend_campaign(campaign, grow(tmp_path, 11), batch_size=4)
    fail(tmp_path, [4, 7])
    report = run_campaign(campaign, settings)
    assert (report.rows.total, report.rows.done, report.rows.failed, report.rows.pending) == (11, 9, 2, 0)
    assert [(batch.id, batch.attempt) for batch in manifest_of(campaign).batches] == [
        *(("0000", 1), ("0001", 1), ("0002", 2), ("0003", 1), ("0004", 1))
    ]
    extend_campaign(campaign, grow(tmp_path, 12))
    fail(tmp_path, [])
    retry = retry_failed(campaign)
    assert [(batch.id, batch.attempt, str(batch.rows)) for batch in retry.batches] == [
        *(("0006", 2, "7"), ("0007", 3, "4"))
    ]
    assert run_campaign(campaign, settings).rows.done == 12
    assert retry_failed(campaign).rows == 0
    assert [cells(campaign, row) for row in range(12)] == rows_of_numbers(12)
    verified = verify_campaign(campaign)
    assert (verified.problems, verified.notes) == ((), ())


def test_every_command_looks_at_all_rows(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path, [1], rows=6)
    run_campaign(campaign)
    extend_campaign(campaign, grow(tmp_path, 10))
    assert campaign_status(campaign).rows.pending == 4
    fail(tmp_path, [8])
    run_campaign(campaign)
    status = campaign_status(campaign)
    assert (status.rows.total, status.rows.done, status.rows.failed) == (10, 8, 2)
    assert [failure.row for failure in failed_rows(campaign)] == [1, 8]
    found = why_failed(campaign)
    assert (found.done, found.failed, found.pending) == (8, 2, 0)
    assert summarize_campaign(campaign, manifest_of(campaign)).rows == 10
    assert b"10" in write_report(campaign, tmp_path / "report.html").read_bytes()
    assert collect_results(campaign).rows == 10
    told = json.loads(genstudy(tmp_path, "status", "c", "--json"))
    assert told["rows"] == {"total": 10, "done": 8, "failed": 2, "pending": 0}


@pytest.mark.usefixtures("in_tmp")
def test_a_plan_makes_the_campaign_anew_with_all_rows() -> None:
    made(Path(), 4)
    genstudy(Path(), "specs", "m.csv", "-b", 2, "-o", "c")
    Path("s.yaml").write_text("parameters: {width: 'uniform(1, 2)'}\nrows: 4\nseed: 1\nbatch_size: 2\n")
    genstudy(Path(), "build", "s.yaml", "-o", "s")
    for campaign in ("c", "s"):
        extend_campaign(campaign, rows=3)
        [command] = plan_batches(campaign, max_jobs=1).commands
        words = shlex.split(command)
        genstudy(Path(), *words[1:])
        assert (
            Path(words[words.index("-o") + 1], "table.csv").read_bytes()
            == Path(campaign, "table.csv").read_bytes()
        )
    extend_table(Path("m.csv"), rows=3)
    extend_campaign("c", rows=1)
    extend_table(Path("m.csv"), rows=1)
    [command] = plan_batches("c", max_jobs=1).commands
    assert command.startswith("genstudy specs m.csv ")


def test_what_a_cut_off_extension_leaves_is_no_matter(tmp_path: Path) -> None:
    cells = [[str(row), "x", f"n{row}"] for row in range(4)]
    write_table(tmp_path / "t.csv", ["number", "text", "id"], cells)
    campaign = failing_campaign(tmp_path, [1], batch_size=2, index="id")
    run_campaign(campaign, max_batches=1)
    with (campaign / "table.csv").open("a") as stream:
        stream.write("4,y,n4\n5,y,n5\n")
    verified = verify_campaign(campaign)
    assert verified.problems == ()
    where = campaign / "table.csv"
    note = f"{where}: it goes on for 14 bytes behind the campaign's rows; genstudy extend takes rows"
    assert verified.notes == (note,)
    with pytest.raises(UserError, match=r"there is no row 'n4'\n.*the first is n0, the last n3"):
        retry_failed(campaign, ids=["n4"])
    assert retry_failed(campaign).rows == 1
    report = run_campaign(campaign)
    assert (report.rows.total, report.rows.failed) == (4, 1)
    assert summarize_campaign(campaign, manifest_of(campaign)).rows == 4
    found = why_failed(campaign)
    assert (found.done, found.failed, found.pending) == (3, 1, 0)
    collect_results(campaign)
    assert len(attempts(campaign)) == 5
    assert {kind for row in attempts(campaign) for kind in row if kind == "y"} == set()
    write_report(campaign, tmp_path / "report.html")


@pytest.mark.parametrize("reference", [False, True])
def test_plain_maestro_runs_old_and_new_batches(tmp_path: Path, reference: bool) -> None:
    rows = rows_of_numbers(9)
    table = write_table(tmp_path / "t.csv", ["a", "b"], rows[:4])
    options = Options(template=values_template(tmp_path), batch_size=2, name="c", reference=reference)
    campaign = make_specs(table, tmp_path / "c", options).folder
    extend_campaign(campaign, write_table(table, ["a", "b"], rows))
    for batch in manifest_of(campaign).batches:
        Maestro(tmp_path).run(campaign / batch.spec, campaign / "pgen.py", tmp_path / batch.id)
        expected = {str(row): rows[row] for row in range(batch.start, batch.start + batch.nrows)}
        assert values_written(tmp_path / batch.id) == expected


def test_maestro_runs_an_old_batch_meanwhile(tmp_path: Path) -> None:
    rows = rows_of_numbers(200)
    table = write_table(tmp_path / "t.csv", ["a", "b"], rows[:4])
    options = Options(template=values_template(tmp_path), batch_size=4, name="c")
    campaign = make_specs(table, tmp_path / "c", options).folder
    over = threading.Event()

    def extend() -> None:
        for count in range(5, 200):
            if over.is_set():
                break
            extend_campaign(campaign, write_table(table, ["a", "b"], rows[:count]))

    thread = threading.Thread(target=extend)
    thread.start()
    try:
        wait_until(lambda: len(manifest_of(campaign).batches) > 3)
        Maestro(tmp_path).run(campaign / "c_0000.yaml", campaign / "pgen.py", tmp_path / "out")
    finally:
        over.set()
        thread.join()
    assert values_written(tmp_path / "out") == {str(row): rows[row] for row in range(4)}
    assert len(manifest_of(campaign).batches) > 4


def test_a_funnel_sees_the_rows_of_its_batch(tmp_path: Path) -> None:
    variables = {
        "simulate": f"{tmp_path}/step.sh $(NUMBER)",
        "post": "cp $(simulate.workspace)/values.bin .",
        "gather": 'cat "$(post-process.workspace)"/*/values.bin > all.bin',
    }
    campaign = failing_campaign(tmp_path, rows=3, template="pipeline", variables=variables)
    assert extend_campaign(campaign, grow(tmp_path, 5)).funnels == ("gather",)
    assert run_campaign(campaign, {"save": "keep"}).rows.done == 5
    assert (campaign / "runs/c_0001.1/gather/all.bin").read_text().split("\0")[:-1] == ["3", "4"]


def test_batches_that_a_scheduler_has(tmp_path: Path) -> None:
    campaign = wave_campaign(tmp_path, rows=4)
    submit_campaign(campaign, scheduler="flux")
    wave = campaign / "waves" / "0001"
    run_task(wave, 0)
    table = write_table(tmp_path / "t.csv", ["number"], [[str(row)] for row in range(6)])
    assert [batch.id for batch in extend_campaign(campaign, table).batches] == ["0002"]
    assert state_of(campaign).batches["0001"].wave == 1
    run_task(wave, 1)
    submit_campaign(campaign, scheduler="flux")
    assert state_of(campaign).batches["0002"].wave == 2
    run_task(campaign / "waves" / "0002", 0)
    submit_campaign(campaign, scheduler="flux")
    assert ran(tmp_path) == Counter(range(6))
    assert problems_of(campaign) == []


# Results


def lab_table(place: Path, rows: int, **changes: str) -> Path:
    """Write the table of a lab anew, with other rows behind: {column: cell of the last row}."""
    columns = ["number", "width", "note", "group"]
    table = [[str(n), repr(1 + n / 7), HOSTILE[n % len(HOSTILE)], str(n % 3)] for n in range(rows)]
    for column, cell in changes.items():
        table[-1][columns.index(column)] = cell
    return write_table(place / "numbers.csv", columns, table)


def test_results_of_old_and_new_rows_are_in_one_table(tmp_path: Path) -> None:
    campaign = make_lab(tmp_path, rows=6, batch_size=3)
    whole = make_lab(tmp_path / "whole", rows=10, batch_size=3)
    run_campaign(campaign)
    before = attempts(campaign)
    extend_campaign(campaign, lab_table(tmp_path, 10))
    assert attempts(campaign) == before
    run_campaign(campaign)
    run_campaign(whole)
    assert attempts(campaign)[:6] == before
    assert collected(campaign) == collected(whole)
    assert len({row[0] for row in attempts(campaign)}) == 1
    assert verify_campaign(campaign).problems == ()
    (campaign / "results.db").unlink()
    assert collect_results(campaign).rows == 10
    assert collected(campaign) == collected(whole)


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("number", "high", "number has text now, and had whole numbers, for which the table of results"),
        ("group", "1.5", "group has numbers now, and had whole numbers"),
        ("width", "wide", "width has text now, and had numbers"),
    ],
)
def test_values_that_do_not_fit_into_the_table_of_results(
    tmp_path: Path, column: str, cell: str, message: str
) -> None:
    campaign = make_lab(tmp_path, rows=4, batch_size=2)
    table = lab_table(tmp_path, 6, **{column: cell})
    copy = shutil.copytree(campaign, tmp_path / "fresh")
    assert extend_campaign(copy, table).rows == 2  # nothing was collected yet, so any table will do
    run_campaign(campaign, max_batches=1)
    with pytest.raises(UserError) as refused:
        extend_campaign(campaign, table)
    assert message in str(refused.value)
    assert str(refused.value).endswith("genstudy specs TABLE --start 4")
    assert extend_campaign(campaign, lab_table(tmp_path, 6, note="7")).rows == 2


def test_a_table_that_others_collected_into_may_be_too_narrow(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path, rows=3)
    settings: dict[str, Any] = {"save": "keep"}
    run_campaign(campaign, settings)
    collect_results(campaign)
    write_table(tmp_path / "t.csv", ["number", "text"], [*rows_of_numbers(3), ["high", "x"]])
    extend_campaign(campaign, tmp_path / "t.csv")
    run_campaign(campaign, settings)
    with pytest.raises(UserError) as refused:
        collect_results(campaign)
    assert "has whole numbers in the column number, and this campaign has text" in str(refused.value)
    assert collect_results(campaign, table="wider").rows == 4

"""`genstudy retry`: what it prints, and which rows it takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from genstudy.specs.manifest import read_manifest
from tests.campaign.failing import failing_campaign, pretend
from tests.conftest import RunCli


@pytest.fixture(autouse=True)
def campaign(in_tmp: Path) -> Path:
    """The campaign `c` of nine rows in batches of three; rows 1, 4 and 5 failed."""
    folder = failing_campaign(in_tmp)
    pretend(folder, [1, 4, 5])
    return folder


def new() -> dict[str, str | None]:
    """Return {batch: rows} of the new batches."""
    return {batch.id: batch.rows for batch in read_manifest(Path("c")).batches[3:]}


def test_what_it_prints(run_cli: RunCli) -> None:
    assert run_cli("retry", "c") == (
        0,
        "3 rows of 2 batches in 1 new batch (attempt 2): 0003; next: genstudy run c\n",
        "",
    )
    assert new() == {"0003": "1,4-5"}
    assert run_cli("retry", "c") == (0, "c: no row failed: there is nothing to try again\n", "")


def test_more_than_one_batch_and_attempt(run_cli: RunCli) -> None:
    run_cli("retry", "c", "--ids", "1")
    pretend(Path("c"), [1])
    assert run_cli("retry", "c", "--batch-size", 1)[1] == (
        "3 rows of 2 batches in 3 new batches (attempts 2 and 3): 0004 to 0006; next: genstudy run c\n"
    )
    assert new() == {"0003": "1", "0004": "4", "0005": "5", "0006": "1"}


def test_the_folder_is_quoted_for_the_shell(run_cli: RunCli) -> None:
    Path("c").rename("my c")
    assert run_cli("retry", "my c")[1].endswith("next: genstudy run 'my c'\n")


def test_a_dry_run(run_cli: RunCli) -> None:
    code, out, err = run_cli("retry", "c", "--dry-run", "-b", 2)
    assert (code, err) == (0, "")
    assert out == "3 rows of 2 batches in 2 new batches (attempt 2): 0003 to 0004; nothing was written\n"
    assert new() == {}


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        (["--rows", "0-4"], "1,4"),
        (["--ids", "1,5"], "1,5"),
        (["--ids", "5", "--ids", "1"], "1,5"),
    ],
)
def test_chosen_rows(run_cli: RunCli, options: list[str], rows: str) -> None:
    assert run_cli("retry", "c", *options)[0] == 0
    assert new() == {"0003": rows}


def test_none_of_the_chosen_rows_failed(run_cli: RunCli) -> None:
    code, out, _ = run_cli("retry", "c", "--rows", "6-8")
    assert (code, out) == (0, "c: no row among these failed: there is nothing to try again\n")


def test_mistakes(run_cli: RunCli) -> None:
    for arguments, message in (
        (["--ids", "2"], "row 2 is done, in batch 0000"),
        (["--rows", "x"], "'x' is no range of rows\n  write rows as 0-99,105"),
        (["--rows", "1", "--ids", "1"], "--rows and --ids exclude each other"),
        (["-b", 0], "--batch-size must be at least 1, not 0"),
    ):
        code, out, err = run_cli("retry", "c", *arguments)
        assert (code, out) == (2, "")
        assert message in err
    assert run_cli("retry", "nowhere")[0] == 2
    assert new() == {}


def test_a_step_that_waits_for_all_rows(run_cli: RunCli, in_tmp: Path) -> None:
    (in_tmp / "other").mkdir()
    variables = {"simulate": "true", "gather": "true"}
    folder = failing_campaign(in_tmp / "other", template="pipeline", variables=variables)
    pretend(folder, range(6))
    _, out, _ = run_cli("retry", folder)
    many = "step 'gather' will run once for each new batch, and see the rows of that one only"
    assert out.splitlines()[1:] == [many]
    pretend(folder, [4])
    _, out, _ = run_cli("retry", folder)
    assert out.splitlines()[1:] == ["step 'gather' will see the 1 row of the new batch only"]

"""The rows that failed, and what they printed, wherever that is now."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from genstudy.archives.write import write_archive
from genstudy.inspection.failures import FailedRow, failed_rows
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.records import Cleared, Ended, Failure, Save, Saved, Started
from genstudy.ledger.state import Contradiction
from genstudy.specs.manifest import read_manifest
from tests.campaign.studies import Lab, step, template
from tests.ledger.owners import NEVER, no_news

CHAIN = template(
    step("simulate", "set -e", "echo $(A)", '[ $(A) != 1 ] || { echo "bad $(A)" >&2; exit 1; }', mark=True),
    step("check", "set -e", "[ $(A) != 2 ] || { echo only out; exit 3; }", depends=["simulate"], mark=True),
)
SETUP = template(
    step("setup", "echo no mesh >&2", "exit 4"), step("run", "echo $(A)", depends=["setup"], mark=True)
)


def run_and_record(lab: Lab) -> None:
    """Run the first batch with Maestro, and record what became of it."""
    code = lab.run()
    outcome = lab.judge(ended=True)
    rows = str(lab.rows.numbers)
    add(
        lab.folder,
        Started(t=1, batch="0000", study="lab_0000.1", rows=rows, whole=False),
        Ended(
            t=2,
            batch="0000",
            study="lab_0000.1",
            how="ended",
            code=code,
            done=str(outcome.done),
            failed=outcome.failed,
            seconds=1.0,
            note=outcome.note,
        ),
    )


def add(folder: Path, *records: Started | Ended | Saved | Cleared) -> None:
    with Ledger(folder, beat=NEVER).own({}, no_news) as owner:
        for record in records:
            owner.add(record)


def save(lab: Lab, mode: Save, *, clear: bool) -> Path:
    """Bring the batch's study to where the mode has it, and record that."""
    sources = [lab.study, lab.log]
    if mode == "archive":
        target = lab.folder / "archive/lab_0000.tar.zst"
        target.parent.mkdir()
        written = write_archive(sources, target)
        assert written.entries > 10
    else:
        target = lab.folder.parent / "moved" / "lab_0000"
        shutil.copytree(lab.study, target / lab.study.name)
    path = str(target.relative_to(lab.folder)) if mode == "archive" else str(target)
    saved = Saved(
        t=3, batch="0000", mode=mode, path=path, sha256="0" * 64, nbytes=1, entries=1, content=1, seconds=1
    )
    add(lab.folder, saved)
    if clear:
        shutil.rmtree(lab.study)
        add(lab.folder, Cleared(t=4, batch="0000", left=0))
    return target


def found(folder: Path) -> list[tuple[int, str, str, str]]:
    return [(row.row, row.step, row.state, row.stderr) for row in failed_rows(folder)]


BAD = [(1, "simulate", "FAILED", "bad 1"), (2, "check", "FAILED", "only out")]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where a campaign is whose only batch ran, and two rows failed."""
    lab = Lab.make(tmp_path_factory.mktemp("ran"), CHAIN)
    run_and_record(lab)
    return lab.folder.parent


@pytest.fixture
def lab(ran: Path, tmp_path: Path) -> Lab:
    shutil.copytree(ran, tmp_path / "place")
    folder = tmp_path / "place/lab"
    return Lab(folder, read_manifest(folder))


def test_before_it_is_saved(lab: Lab) -> None:
    assert found(lab.folder) == BAD
    assert failed_rows(lab.folder).count == 2
    assert next(iter(failed_rows(str(lab.folder)))) == FailedRow(
        row=1,
        id="1",
        batch="0000",
        attempt=1,
        study="lab_0000.1",
        step="simulate",
        state="FAILED",
        stderr="bad 1",
    )


@pytest.mark.parametrize("mode", ["archive", "move"])
@pytest.mark.parametrize("clear", [False, True])
def test_after_it_is_saved(lab: Lab, mode: Save, clear: bool) -> None:
    save(lab, mode, clear=clear)
    assert found(lab.folder) == BAD


def test_the_workspace_of_a_failed_row_comes_before_the_archive(lab: Lab) -> None:
    save(lab, "archive", clear=False)
    [err] = (lab.study / "simulate/row_1").glob("*.err")
    err.write_text("changed here\n")
    shutil.rmtree(lab.study / "check")
    assert found(lab.folder) == [(1, "simulate", "FAILED", "changed here"), BAD[1]]


def test_output_without_end_is_shown_by_its_end(tmp_path: Path) -> None:
    lines = 'for i in $(seq 30000 ); do echo "line $i" >&2; done'
    lab = Lab.make(tmp_path, template(step("run", lines, "[ $(A) != 1 ]", mark=True)))
    run_and_record(lab)
    live = found(lab.folder)
    assert live[0][3].splitlines()[-1] == "line 30000"
    assert len(live[0][3]) < 2500
    save(lab, "archive", clear=True)
    assert found(lab.folder) == live


@pytest.mark.parametrize("clear", [False, True])
def test_a_step_that_all_rows_share(tmp_path: Path, clear: bool) -> None:
    lab = Lab.make(tmp_path, SETUP)
    run_and_record(lab)
    save(lab, "archive", clear=clear)
    assert found(lab.folder) == [(row, "setup", "FAILED", "no mesh") for row in range(4)]


@pytest.mark.parametrize("clear", [False, True])
def test_inline(tmp_path: Path, clear: bool) -> None:
    lab = Lab.make(tmp_path, CHAIN, inline=True)
    run_and_record(lab)
    save(lab, "archive", clear=clear)
    assert found(lab.folder) == BAD


def test_row_ids(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, CHAIN, table="id,a\nr-b.1,0\nr_0,1\n10,2\n9,3\n", index="id")
    run_and_record(lab)
    save(lab, "archive", clear=True)
    assert [(row.row, row.id, row.stderr) for row in failed_rows(lab.folder)] == [
        (1, "r_0", "bad 1"),
        (2, "10", "only out"),
    ]


def lost(rows: str, *, note: str = "") -> Ended:
    failed = (Failure(step="", state="LOST", rows=rows),)
    return Ended(
        t=2,
        batch="0000",
        study="lab_0000.1",
        how="ended",
        code=1,
        done="",
        failed=failed,
        seconds=1.0,
        note=note,
    )


def test_where_no_step_can_be_named(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, CHAIN)
    start = Started(t=1, batch="0000", study="lab_0000.1", rows="0-3", whole=False)
    add(lab.folder, start, lost("0-3", note="no memory"))
    assert found(lab.folder) == [(row, "", "LOST", "no memory") for row in range(4)]


def test_rows_that_are_tried_again_are_left_out(lab: Lab) -> None:
    last = lab.manifest.batches[-1]
    more = {
        "id": "0001",
        "spec": "lab_0001.yaml",
        "attempt": 2,
        "rows": "1-2",
        "table": "again.csv",
        "nrows": 2,
        "start": 0,
    }
    entry = last.model_copy(update=more)
    changed = lab.manifest.model_copy(update={"batches": [*lab.manifest.batches, entry]})
    (lab.folder / "manifest.json").write_text(changed.to_text())
    assert (found(lab.folder), failed_rows(lab.folder).count) == ([], 0)


def test_a_study_that_names_no_folder_of_ours(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, CHAIN)
    start = Started(t=1, batch="0000", study="../..", rows="0-3", whole=False)
    failed = (Failure(step="simulate", state="FAILED", rows="0-3"),)
    add(lab.folder, start, lost("0-3").model_copy(update={"study": "../..", "failed": failed}))
    with pytest.raises(Contradiction, match=r"the study '\.\./\.\.', which is no folder's name"):
        found(lab.folder)


def test_an_archive_that_is_gone_or_damaged(lab: Lab) -> None:
    archive = save(lab, "archive", clear=True)
    archive.write_bytes(archive.read_bytes()[:-1])
    rows = [(1, "simulate", "FAILED"), (2, "check", "FAILED")]
    message = f"{lab.folder}/archive/lab_0000.tar.zst: its end is missing"
    assert [row[:3] for row in found(lab.folder)] == rows
    assert all(row[3].startswith(message) for row in found(lab.folder))
    archive.unlink()
    gone = f"{archive}: the archive of batch 0000 is missing\n  bring it back to that place"
    assert found(lab.folder) == [(*row, gone) for row in rows]


def test_the_fields_are_described() -> None:
    schema = json.loads(json.dumps(FailedRow.model_json_schema()))
    assert all("description" in field for field in schema["properties"].values())

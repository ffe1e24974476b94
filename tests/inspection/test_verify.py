"""A campaign looked through: every byte that is saved, every file that was made, every row."""

from __future__ import annotations

import json
import random
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genstudy.campaign.retry import retry_failed
from genstudy.campaign.run import run_campaign
from genstudy.campaign.summary import Counts
from genstudy.errors import UserError
from genstudy.inspection.verify import Places, Verification, verify_campaign
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.records import Ended, Started
from tests.campaign.failing import fail, failing_campaign, pretend, state_of
from tests.ledger.owners import Owner, no_news

ROWS = Counts(total=9, done=8, failed=1, pending=0)
PLACES = {
    "archive": Places(archived=8, archives=5),
    "move": Places(moved=8, folders=5),
    "keep": Places(workspaces=8),
}


@pytest.fixture(scope="module", params=["archive", "move", "keep"])
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a campaign `c` of nine rows is, in a folder with the mode's name; row 4 failed each time."""
    place: Path = tmp_path_factory.mktemp(request.param) / request.param
    place.mkdir()
    campaign = failing_campaign(place, [1, 4])
    settings = {"save": request.param, "to": str(place / "far") if request.param == "move" else None}
    for bad in ([1, 4], [4]):
        fail(place, bad)
        run_campaign(campaign, settings)
        retry_failed(campaign)
    run_campaign(campaign, settings)
    return place


@pytest.fixture
def copy(ran: Path, tmp_path: Path) -> Path:
    """A copy of that campaign."""
    place = shutil.copytree(ran, tmp_path / ran.name, symlinks=True)
    for path in (place / "c/ledger").glob("records-*"):
        path.write_text(path.read_text().replace(str(ran), str(place)))
    return place / "c"


def problems(campaign: Path, *, quick: bool = False) -> list[str]:
    """Return the problems; paths in them begin with the campaign's folder, or that of what was moved."""
    found = verify_campaign(campaign, quick=quick)
    return [text.replace(f"{campaign.parent}/", "") for text in found.problems]


@pytest.mark.parametrize("quick", [False, True])
def test_all_is_well(ran: Path, quick: bool) -> None:
    seen = []
    found = verify_campaign(
        str(ran / "c"), quick=quick, progress=lambda done, total: seen.append((done, total))
    )
    assert found == Verification(quick=quick, rows=ROWS, places=PLACES[ran.name], problems=(), notes=())
    assert found.ok
    assert seen == [(3, 12), (6, 12), (9, 12), (11, 12), (12, 12)]


def test_a_campaign_that_was_never_run(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path)
    found = verify_campaign(campaign)
    assert found.ok
    assert found.rows == Counts(total=9, done=0, failed=0, pending=9)
    assert found.places == Places()
    with pytest.raises(UserError, match="not a campaign"):
        verify_campaign(tmp_path)


def test_nothing_is_touched(copy: Path) -> None:
    def state() -> dict[str, Any]:
        return {str(path): (path.lstat().st_mtime_ns, path.lstat().st_ino) for path in copy.parent.rglob("*")}

    before = state()
    verify_campaign(copy)
    assert state() == before


@pytest.mark.parametrize("ran", ["archive"], indirect=True)
def test_any_byte_of_an_archive(copy: Path) -> None:
    archive = copy / "archive/c_0001.tar.zst"
    whole = bytearray(archive.read_bytes())
    chance = random.Random(1)
    for place in [0, len(whole) - 1, *(chance.randrange(len(whole)) for _ in range(25))]:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << chance.randrange(8)
        archive.write_bytes(damaged)
        found = problems(copy)
        assert found, f"byte {place}"
        assert all(text.startswith("batch 0001: ") for text in found)
    archive.write_bytes(whole)
    assert problems(copy) == []


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("ran", ["archive"], indirect=True)
def test_an_archive_that_is_cut_short_or_gone(copy: Path, quick: bool) -> None:
    archive = copy / "archive/c_0001.tar.zst"
    whole = archive.read_bytes()
    archive.write_bytes(whole[:-1])
    first, *_ = problems(copy, quick=quick)
    assert first.startswith("batch 0001: c/archive/c_0001.tar.zst: ")
    archive.unlink()
    (missing,) = problems(copy, quick=quick)
    assert missing == "batch 0001: c/archive/c_0001.tar.zst: the archive of batch 0001 is missing"


@pytest.mark.parametrize("ran", ["archive"], indirect=True)
def test_an_archive_of_another_batch(copy: Path) -> None:
    shutil.copyfile(copy / "archive/c_0001.tar.zst", copy / "archive/c_0002.tar.zst")
    found = problems(copy, quick=True)
    assert any("rows 6-8 are done, and" in text for text in found)
    assert all("batch 0002: " in text for text in found)


@pytest.mark.parametrize("ran", ["move"], indirect=True)
def test_files_that_were_moved(copy: Path) -> None:
    moved = copy.parent / "far/c_0001"
    values = moved / "c_0001.1/run/row_3/values.bin"
    values.write_bytes(values.read_bytes().replace(b"3", b"4"))
    assert problems(copy) == [
        "batch 0001: far/c_0001/c_0001.1/run/row_3/values.bin: it is not what was saved"
    ]
    assert problems(copy, quick=True) == []
    values.unlink()
    values.symlink_to("/etc/passwd")
    found = problems(copy)
    assert found[0] == "batch 0001: far/c_0001/c_0001.1/run/row_3/values.bin: the file is missing"
    assert "and had" in problems(copy, quick=True)[0]
    with (moved.parent / "c_0001.sha256").open("a") as stream:
        stream.write("0")
    assert problems(copy)[0] == "batch 0001: far/c_0001.sha256: it changed since it was made"
    (moved.parent / "c_0001.sha256").unlink()
    assert problems(copy)[0] == "batch 0001: far/c_0001.sha256: the list of checksums is missing"
    shutil.rmtree(moved)
    assert problems(copy) == ["batch 0001: far/c_0001: the folder of files of batch 0001 is missing"]


@pytest.mark.parametrize("ran", ["keep"], indirect=True)
def test_workspaces_that_are_gone(copy: Path) -> None:
    for row in (0, 1, 2):  # row 1 failed there
        shutil.rmtree(copy / f"runs/c_0000.1/run/row_{row}")
    assert problems(copy) == [
        "batch 0000: rows 0,2 are done, and c/runs has no workspaces of step 'run' for them"
    ]


@pytest.mark.parametrize("ran", ["archive"], indirect=True)
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pgen.py", "it changed since it was made"),
        ("c_0002.yaml", "it changed since it was made"),
        ("c_0003.yaml", "it changed since it was made"),
    ],
)
def test_files_that_changed(copy: Path, name: str, expected: str) -> None:
    with (copy / name).open("a") as stream:
        stream.write("\n")
    assert problems(copy, quick=True) == [f"c/{name}: {expected}"]
    (copy / name).unlink()
    (missing,) = [text for text in problems(copy) if not text.startswith("batch")]
    assert missing.startswith(f"c/{name}: the ")
    assert missing.endswith("missing")


@pytest.mark.parametrize("ran", ["archive"], indirect=True)
def test_a_table_that_ends_early_or_late(copy: Path) -> None:
    table = copy / "table.csv"
    data = table.read_bytes()
    table.write_bytes(data + b"9,x\n")
    verified = verify_campaign(copy)
    assert verified.problems == ()
    note = "it goes on for 4 bytes behind the campaign's rows; genstudy extend takes rows"
    assert verified.notes == (f"{copy}/table.csv: {note}",)
    table.write_bytes(data[:-1])
    assert problems(copy, quick=True) == ["c/table.csv: it has 107 bytes, and had 108"]
    table.unlink()
    assert "c/table.csv: the table is missing" in problems(copy, quick=True)


@pytest.mark.parametrize("ran", ["archive"], indirect=True)
def test_a_row_that_changed(copy: Path) -> None:
    table = copy / "table.csv"
    table.write_text(table.read_text().replace("\n7,", "\n8,"))
    first, second = problems(copy)
    assert first == "c/table.csv: it changed since it was made"
    assert second.startswith(
        "c/table.csv: it changed since the campaign was made; of batch 0002: rows 6 to 8"
    )
    assert problems(copy, quick=True) == []
    retried = copy / "retry_2.csv"
    retried.write_text(retried.read_text().replace("1,1,", "1,2,"))
    assert "of batch 0003" in problems(copy)[-1]


def rewrite_manifest(campaign: Path, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Change the batches in a manifest."""
    data = json.loads((campaign / "manifest.json").read_text())
    change(data["batches"])
    (campaign / "manifest.json").write_text(json.dumps(data))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda batches: batches.pop(1), "rows 3-5 are in no batch"),
        (lambda batches: batches.pop(0), "rows 0-2 are in no batch"),
        (lambda batches: batches.pop(), "rows 6-8 are in no batch"),
        (lambda batches: batches[2].update(nrows=4), "rows 9 of batch 0002 are none of the campaign's"),
    ],
)
def test_batches_that_do_not_hold_every_row_once(
    tmp_path: Path, change: Callable[[list[dict[str, Any]]], object], expected: str
) -> None:
    campaign = failing_campaign(tmp_path)
    rewrite_manifest(campaign, change)
    assert problems(campaign, quick=True)[0] == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("3", "rows 3 are tried again in batch 0003, and had not failed before"),
        ("4,9", "rows 9 of batch 0003 are none of the campaign's"),
    ],
)
def test_rows_that_should_not_be_tried_again(tmp_path: Path, rows: str, expected: str) -> None:
    campaign = failing_campaign(tmp_path)
    pretend(campaign, [4])
    retry_failed(campaign)
    rewrite_manifest(campaign, lambda batches: batches[3].update(rows=rows))
    assert expected in problems(campaign, quick=True)


def test_rows_that_are_tried_again_twice_at_a_time(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path)
    pretend(campaign, [4])
    retry_failed(campaign)
    rewrite_manifest(
        campaign, lambda batches: batches.append({**batches[3], "id": "0004", "spec": "c_0004.yaml"})
    )
    found = problems(campaign, quick=True)
    assert "rows 4 of batch 0004 are in another batch of attempt 2 too" in found


def test_a_ledger_that_contradicts_itself(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path)
    pretend(campaign, [4])
    with Ledger(campaign).own({}, no_news) as owner:
        owner.add(Started(t=1, batch="0001", study="c_0001.2", rows="3", whole=False))
        owner.add(Ended(t=2, batch="0001", study="c_0001.2", how="ended", code=0, done="3", seconds=1))
    found = verify_campaign(campaign)
    assert (found.rows, found.ok) == (None, False)
    assert found.problems[0].startswith("the ledger has rows 3 of batch 0001 done by c_0001.2, and they had")


def test_a_damaged_ledger(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path)
    pretend(campaign, [])
    path = campaign / "ledger/records-000001.jsonl"
    path.write_text(path.read_text().replace('"done"', '"dune"', 1))
    (found,) = verify_campaign(campaign).problems
    assert "records-000001.jsonl, line 3: not a record" in found


def test_what_lies_about_is_noted(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path)
    run_campaign(campaign, max_batches=1)
    for name in (
        "runs/c_0009.1/x",
        "archive/c_0007.tar.zst",
        "archive/mine.tar.zst",
        "retry_2.csv",
        "c_0003.yaml",
        ".manifest.json.part-17-0123abcd",
        "notes.txt",
    ):
        (campaign / name).parent.mkdir(exist_ok=True)
        (campaign / name).touch()
    found = verify_campaign(campaign)
    assert found.ok
    assert [text.removeprefix(f"{campaign}/") for text in found.notes] == [
        "runs/c_0009.1: no record names it",
        "archive/c_0007.tar.zst: no record names it",
        ".manifest.json.part-17-0123abcd: the manifest does not name it",
        "c_0003.yaml: the manifest does not name it",
        "retry_2.csv: the manifest does not name it",
    ]


def test_a_study_that_no_record_names_is_passed_by(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path)
    (campaign / "runs" / "c_0001.1").mkdir(parents=True)
    (campaign / "runs" / "c_0001.2.log").touch()
    assert run_campaign(campaign).rows.done == 9
    assert state_of(campaign).batches["0001"].studies == ["c_0001.3"]
    found = verify_campaign(campaign)
    assert found.ok
    assert found.notes == tuple(
        f"{campaign}/runs/c_0001.{name}: no record names it" for name in ("1", "2.log")
    )


def test_a_study_of_a_batch_that_is_over_is_noted(tmp_path: Path) -> None:
    # As of a process that was held up while another took its place, and goes on for a moment.
    campaign = failing_campaign(tmp_path)
    run_campaign(campaign)
    assert verify_campaign(campaign).notes == ()
    (campaign / "runs" / "c_0001.1").mkdir()
    assert verify_campaign(campaign).notes == (
        f"{campaign}/runs/c_0001.1: its batch was saved and cleared without it",
    )


def test_somebody_runs_it(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path)
    with Owner(campaign) as owner:
        assert owner.ask("own").startswith("owned")
        (note,) = verify_campaign(campaign).notes
    assert note.startswith(f"process {owner.process.pid} on ")


def test_again_and_again_while_it_runs(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path, [4], rows=12, batch_size=2)
    run = threading.Thread(target=run_campaign, args=(campaign,))
    run.start()
    looks = 0
    while run.is_alive():
        found = verify_campaign(campaign)
        assert found.problems == ()
        looks += 1
    run.join()
    assert looks > 1
    assert verify_campaign(campaign).rows == Counts(total=12, done=11, failed=1, pending=0)


@pytest.mark.parametrize("save", ["keep", "archive"])
def test_inline(tmp_path: Path, save: str) -> None:
    template = tmp_path / "t.yaml"
    template.write_text(
        "description: {name: n, description: d}\nstudy:\n    - name: one\n      description: d\n"
        "      run:\n          cmd: |\n              echo $(A)\n"
    )
    (tmp_path / "t.csv").write_text("a\n1\n2\n3\n4\n")
    campaign = failing_campaign(tmp_path, template=str(template), inline=True, batch_size=2)
    run_campaign(campaign, {"save": save})
    found = verify_campaign(campaign)
    assert (found.problems, found.rows) == ((), Counts(total=4, done=4, failed=0, pending=0))
    if save == "keep":
        shutil.rmtree(campaign / "runs/c_0001.1/one/A.3")
        assert problems(campaign) == [
            "batch 0001: rows 2 are done, and c/runs has no workspaces of step 'one' for them"
        ]


def test_an_archive_that_cannot_be_read(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path)
    run_campaign(campaign, max_batches=1)
    archive = campaign / "archive/c_0000.tar.zst"
    archive.unlink()
    archive.mkdir()
    (found,) = problems(campaign)
    assert found.startswith("batch 0000: c/archive/c_0000.tar.zst: ")

"""Failed rows in groups that printed the same."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudy.inspection.failures import failed_rows
from genstudy.inspection.groups import READ, group_failures
from genstudy.inspection.likeness import last_lines, likeness
from genstudy.ledger.ranges import Rows
from genstudy.ledger.records import Ended, Failure, Started
from tests.campaign.studies import Lab, step, template
from tests.inspection.test_failures import add, run_and_record, save
from tests.inspection.test_why import judged, made, text_of

ROW, STUDY = "17", "params_0003.1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ValueError: width 1.83 is too large", "ValueError: width <n> is too large"),
        ('  File "/home/x/m2.py", line 12, in f', '  File "/home/x/m2.py", line 12, in f'),
        ("a.sh: line 5: 12345 Segmentation fault", "a.sh: line 5: <n> Segmentation fault"),
        ("in line 5 of 7", "in line <n> of <n>"),
        ("took 12ms, 3.5GB, 1,234,567 bytes", "took <n>ms, <n>GB, <n> bytes"),
        ("at 0x7ffe12Ab, id deadbeef01", "at <hex>, id <hex>"),
        ("core.1a2b3c4d and 1.00000002e16, 10000000e16", "core.<hex> and <n> ..."),
        ("key 123e4567-e89b-12d3-a456-426614174000", "key <hex>"),
        ("float64 h5py v1.2.3 10.0.0.1", "float64 h5py v1.2.3 <n>"),
        ("x=1e-5 y=-0.3E+10;z=.5", "x=<n> y=<n>;z=<n>"),
        ("[1, 2, 3] and [1, 2]", "[<n> ...] and [<n> ...]"),
        ("2026-01-02T03:04:05Z late", "<time> late"),
        ("2026-01-02 03:04:05.123 12:33", "<time> <time>"),
        ("residual nan, not inf", "residual nan, not inf"),
        ("/a/b/runs/params_0003.1/sim/row_17/out.txt: no such file", "<workspace>/out.txt: no such file"),
        ("cannot open '/a/row_17'", "cannot open '<workspace>'"),
        ("see runs/params_0003.1/log:3", "see <study>/log:<n>"),
        ("/tmp/tmpx1y2/a.csv, /dev/shm/q", "/tmp/<name>, /dev/shm/<name>"),
        ("row_17 of row_171", "row_<id> of row_171"),
        ("", ""),
    ],
)
def test_what_is_a_rows_own(text: str, expected: str) -> None:
    assert likeness(text, row_id=ROW, study=STUDY) == expected


def test_row_ids_that_are_words() -> None:
    assert (
        likeness("beam-7a broke, beam-7ab not", row_id="beam-7a", study=STUDY) == "<id> broke, beam-<n>ab not"
    )
    assert likeness("a file", row_id="a", study=STUDY) == "a file"
    assert likeness("(.*)", row_id=".*", study=STUDY) == "(.*)"


NUMBERS = st.integers(-(10**6), 10**6) | st.floats(allow_nan=False, allow_infinity=False)


@given(NUMBERS, NUMBERS, st.integers(0, 10**6), st.integers(0, 10**6))
def test_rows_that_differ_in_numbers_and_places_print_alike(
    one: float, other: float, first: int, second: int
) -> None:
    texts = [
        likeness(
            f"/data/runs/c_{row:04}.1/sim/row_{row}/in.txt: bad value {value} for x={value}; row {row}",
            row_id=str(row),
            study=f"c_{row:04}.1",
        )
        for value, row in ((one, first), (other, second))
    ]
    assert texts == ["<workspace>/in.txt: bad value <n> for x=<n>; row <n>"] * 2


@given(st.text(), st.text(min_size=1))
def test_any_text_can_be_compared(text: str, row_id: str) -> None:
    lines = last_lines(text)
    assert lines.count("\n") < 3
    assert likeness(lines, row_id=row_id, study=STUDY).count("\n") <= lines.count("\n")


@pytest.mark.parametrize(
    "piece", ["/", "a/", "1,", "1", "f", "0-", "1:", "<n> ", "-", "e", ".", "1.", "\\x1b"]
)
def test_no_text_takes_long(piece: str) -> None:
    text = piece * 2000
    start = time.process_time()
    likeness(text, row_id=ROW, study=STUDY)
    likeness(text + "!", row_id="1", study="1")
    assert time.process_time() - start < 1


def test_the_last_lines() -> None:
    text = 'one\ntwo\n  File "m.py", line 3\n    f(1 / 0)\n      ~~^~~\n\nZeroDivisionError: division by zero'
    assert last_lines(text) == ('  File "m.py", line 3\n    f(1 / 0)\nZeroDivisionError: division by zero')


# Campaigns


BAD = template(
    step(
        "simulate",
        "set -e",
        '[ $(A) -ge 5 ] || { echo "bad value $(A) in $PWD/in.txt" >&2; exit 1; }',
        mark=True,
    ),
    step("check", "set -e", "[ $(A) != 6 ] || { echo only out; exit 3; }", depends=["simulate"], mark=True),
)
EIGHT = "a\n" + "".join(f"{row}\n" for row in range(8))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = Lab.make(tmp_path_factory.mktemp("ran"), BAD, table=EIGHT)
    run_and_record(lab)
    return lab


def check_groups(lab: Lab) -> None:
    found = group_failures(lab.folder)
    workspace = lab.study / "simulate/row_0"
    assert [group.model_dump() for group in found.groups] == [
        {
            "step": "simulate",
            "state": "FAILED",
            "rows": 5,
            "share": 5 / 6,
            "lines": "bad value <n> in <workspace>/in.txt",
            "row": 0,
            "id": "0",
            "batch": "0000",
            "example": f"bad value 0 in {workspace}/in.txt",
        },
        {
            "step": "check",
            "state": "FAILED",
            "rows": 1,
            "share": 1 / 6,
            "lines": "only out",
            "row": 6,
            "id": "6",
            "batch": "0000",
            "example": "only out",
        },
    ]
    assert (found.failed, found.read, found.others, found.rows_in_others) == (6, 6, 0, 0)


def test_groups_of_a_campaign(lab: Lab) -> None:
    check_groups(lab)
    one = group_failures(lab.folder, limit=1)
    assert (len(one.groups), one.others, one.rows_in_others) == (1, 1, 1)
    check = group_failures(str(lab.folder), step="check")
    assert [(group.rows, group.share, group.lines) for group in check.groups] == [(1, 1.0, "only out")]
    assert group_failures(lab.folder, state="LOST").groups == ()


def test_groups_out_of_an_archive(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, BAD, table=EIGHT)
    run_and_record(lab)
    save(lab, "archive", clear=True)
    check_groups(lab)


def test_no_row_failed(tmp_path: Path) -> None:
    folder = made(tmp_path, text_of({"a": range(4)}))
    found = group_failures(folder)
    assert (found.failed, found.read, found.groups) == (0, 0, ())


def test_of_very_many_failed_rows_some_of_all_batches_are_read(tmp_path: Path) -> None:
    rows = READ + 1000
    folder = made(tmp_path, text_of({"a": range(rows)}), batch_size=rows // 60)
    judged(folder, {("", "LOST"): range(rows)})
    found = group_failures(folder)
    assert (found.failed, found.read) == (rows, READ)
    assert [(group.rows, group.share, group.state) for group in found.groups] == [(READ, 1.0, "LOST")]
    assert found == group_failures(folder)


def test_only_wanted_rows_are_looked_up(lab: Lab) -> None:
    found = failed_rows(lab.folder).among(Rows.parse("2,4-6"))
    assert [row.row for row in found] == [2, 4, 6]


@pytest.mark.parametrize("inline", [False, True])
def test_a_step_that_all_rows_share_is_looked_up_once(tmp_path: Path, inline: bool) -> None:
    rows = 4000
    text = template(step("setup", "exit 4"), step("run", "echo $(A)", depends=["setup"], mark=True))
    lab = Lab.make(tmp_path, text, table=text_of({"a": range(rows)}), inline=inline, batch_size=rows)
    (lab.study / "setup").mkdir(parents=True)
    (lab.study / "setup/setup.err").write_text("no mesh\n")
    dates = ",".join(["2026-01-01 00:00:00"] * 3)
    lines = ["Step Name,Job ID,Workspace,State,...", f"setup,1,setup,FAILED,0,0,{dates},0,"]
    label = (
        "A.{0},FAILED,0,0,--,--,--,0,A:{0}" if inline else "row_{0},FAILED,0,0,--,--,--,0,GENSTUDY_ROW_ID:{0}"
    )
    lines += ["run,--,run/" + label.format(row) for row in range(rows)]
    (lab.study / "status.csv").write_text("\n".join(lines) + "\n")
    failed = (Failure(step="setup", state="FAILED", rows=f"0-{rows - 1}"),)
    add(
        lab.folder,
        Started(t=1, batch="0000", study=lab.study.name, rows=f"0-{rows - 1}", whole=False),
        Ended(
            t=2, batch="0000", study=lab.study.name, how="ended", code=1, done="", failed=failed, seconds=1
        ),
    )
    start = time.process_time()
    (group,) = group_failures(lab.folder).groups
    assert (group.rows, group.lines) == (READ, "no mesh")
    # A look at Maestro's record for each row took half a minute.
    assert time.process_time() - start < 10

"""The rows of batches: of ordinary ones, and of those that are tried again."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from genstudy.batches.rows import RowFinder, batch_rows
from genstudy.errors import UserError
from genstudy.ledger.ranges import Rows
from genstudy.specs.manifest import BatchEntry
from tests.campaign.studies import Lab, step, template

TEXT = template(step("simulate", "echo $(A.quoted)"))
TABLE = 'a,id\n"x, y",r0\nb,"r1"\n"say ""b""",r2\nd,r3\ne,r4\n'


def test_rows_without_an_index_are_numbered(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, TEXT, table="a\n1\n2\n3\n4\n5\n", batch_size=2)
    (lab.folder / "table.csv").unlink()
    rows = batch_rows(lab.folder, lab.manifest, lab.manifest.batches[1])
    assert (str(rows.numbers), list(rows.ids)) == ("2-3", ["2", "3"])
    assert [rows.number_of(row_id) for row_id in ("1", "2", "3", "03", "x")] == [None, 2, 3, None, None]
    assert [rows.position_in_table(number) for number in rows.numbers] == [2, 3]
    assert rows.id_of(3) == "3"


@pytest.mark.parametrize("reference", [False, True])
def test_ids_come_from_the_index(tmp_path: Path, reference: bool) -> None:
    lab = Lab.make(tmp_path, TEXT, table=TABLE, batch_size=2, index="id", start=1, reference=reference)
    first, second = (batch_rows(lab.folder, lab.manifest, batch) for batch in lab.manifest.batches)
    assert (str(first.numbers), list(first.ids)) == ("1-2", ["r1", "r2"])
    assert (str(second.numbers), list(second.ids)) == ("3-4", ["r3", "r4"])
    assert second.number_of("r4") == 4
    assert second.position_in_table(4) == 4
    assert not second.values


def retried(lab: Lab, text: str, rows: str, **changes: object) -> BatchEntry:
    """Write a table of rows that are tried again, of which the batch has the last two."""
    header, *lines = text.encode().splitlines(keepends=True)
    data = b"".join(lines[-2:])
    (lab.folder / "retry_0002.csv").write_bytes(text.encode())
    fields = {
        "id": "0005",
        "spec": lab.batch.spec,
        "start": len(lines) - 2,
        "nrows": 2,
        "offset": len(text.encode()) - len(data),
        "nbytes": len(data),
        "sha256": hashlib.sha256(header + data).hexdigest(),
        "spec_sha256": lab.batch.spec_sha256,
        "attempt": 2,
        "table": "retry_0002.csv",
        "rows": rows,
        **changes,
    }
    return BatchEntry.model_validate(fields)


def test_rows_tried_again_have_a_table_of_their_own(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, TEXT, table="a\n1\n2\n3\n4\n5\n")
    rows = batch_rows(lab.folder, lab.manifest, retried(lab, "row_id,a\n0,1\n2,3\n4,5\n", "2,4"))
    assert (rows.numbers, list(rows.ids)) == (Rows.parse("2,4"), ["2", "4"])
    assert [rows.position_in_table(number) for number in (2, 4)] == [1, 2]
    assert rows.number_of("4") == 4


def test_rows_with_an_index_tried_again(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, TEXT, table=TABLE, index="id")
    rows = batch_rows(lab.folder, lab.manifest, retried(lab, "a,id\nb,r1\nd,r3\n", "1,3"))
    assert (list(rows.ids), rows.number_of("r3"), rows.position_in_table(3)) == (["r1", "r3"], 3, 1)


@pytest.mark.parametrize(
    ("text", "rows", "changes", "message"),
    [
        ("row_id,a\n1,1\n1,2\n", "1,2", {}, "batch 0005 has 2 rows by the manifest, and 1 row ids"),
        ("row_id,a\n1,1\n2,2\n", "1-3", {}, "batch 0005 has 3 rows by the manifest, and 2 row ids"),
        ("row_id,a\n1,1\n2,2\n", "1,2", {"sha256": "0" * 64}, "it changed since the campaign was made"),
        ("row_id,a\n1,1\n2,2\n", "1,2", {"table": "../t.csv"}, "which is none of its folder"),
        ("row_id,a\n1,1\n2,2\n", "1,2", {"table": "gone.csv"}, "the file is missing"),
    ],
)
def test_what_cannot_be_is_refused(
    tmp_path: Path, text: str, rows: str, changes: dict[str, object], message: str
) -> None:
    lab = Lab.make(tmp_path, TEXT, table="a\n1\n2\n3\n4\n5\n")
    with pytest.raises(UserError, match=message):
        batch_rows(lab.folder, lab.manifest, retried(lab, text, rows, **changes))


def test_entries_of_the_status_and_their_rows(tmp_path: Path) -> None:
    text = template(step("simulate", "echo $(W)", "echo $(M)"))
    lab = Lab.make(tmp_path, text, table="w,m\n1.5,x:1\n1.5,y\n2,x:1\n", inline=True)
    finder = RowFinder(lab.rows)
    assert finder.find("M.x1.W.1.5", {"W": "1.5", "M": "x:1"}) == [0]
    assert finder.find("W.1.5", {"W": "1.5"}) == [0, 1]
    assert finder.find("row_2", {"ROW_ID": "2"}) == (2,)
    assert finder.find("M.y.row_1", {"ROW_ID": "1", "M": "y"}) == (1,)
    for label, params in (
        ("W.1.5", {"W": "1"}),
        ("W.3", {"W": "3"}),
        ("X.1", {"X": "1"}),
        ("row_9", {"ROW_ID": "9"}),
        ("row_12", {"ROW_ID": "1"}),
        ("", {}),
        ("shared_1", {"SHARED": "shared_1"}),
    ):
        assert list(finder.find(label, params)) == []

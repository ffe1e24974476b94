"""A campaign that takes new rows: as if it had been made with them, and nothing of the old is touched."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genstudy.campaign.extend import Extension, extend_campaign
from genstudy.campaign.retry import retry_failed
from genstudy.campaign.unchanged import check_unchanged
from genstudy.errors import UserError
from genstudy.inspection.verify import verify_campaign
from genstudy.inspection.verify_made import batch_problems, made_problems, retry_problems
from genstudy.ledger.state import BatchState, rows_of
from genstudy.parameters.grammar import parse_parameter
from genstudy.parameters.laws import Parameter
from genstudy.specs import pgen
from genstudy.specs.make import make_specs
from genstudy.specs.manifest import BatchEntry
from genstudy.specs.options import Options
from genstudy.tables.extend import extend_table
from genstudy.tables.make import make_table
from genstudy.tables.read import Query
from tests.campaign.failing import (
    COLUMNS,
    failing_campaign,
    last_failed,
    manifest_of,
    pretend,
    rows_of_numbers,
    state_of,
)
from tests.campaign.studies import step
from tests.ledger.owners import Owner
from tests.maestro.conftest import write_table

CELLS = st.sampled_from(["1", "x y", "a,b", 'q"q', "é", " ", "$(date)", "0"])


def grow(folder: Path, rows: int) -> Path:
    """Give the table of a failing campaign so many rows in all."""
    return write_table(folder / "t.csv", COLUMNS, rows_of_numbers(rows))


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def states(campaign: Path) -> dict[str, BatchState]:
    return state_of(campaign).batches


def cells_of(campaign: Path, batch: BatchEntry) -> dict[str, list[str]]:
    """Return {row id: cells} of a batch, as its pgen reads them."""
    manifest = manifest_of(campaign)
    table = str(campaign / (batch.table or manifest.table.path))
    arguments = {"CSV": table, "START": str(batch.start), "NROWS": str(batch.nrows)}
    arguments |= {"OFFSET": str(batch.offset), "BYTES": str(batch.nbytes), "SHA256": batch.sha256}
    text = (campaign / batch.spec).read_text()
    for name, value in arguments.items():
        assert name == "CSV" or f"PARG_{name}: " in text
        assert name == "CSV" or value in text
    header, rows, spans = pgen._read(arguments)
    assert spans == [(batch.start, batch.start + batch.nrows)]
    if manifest.table.index is None:
        return dict(zip(map(str, rows_of(batch)), rows, strict=True))
    place = header.index(manifest.table.index)
    return {row[place]: row[:place] + row[place + 1 :] for row in rows}


# As if it had been made with all rows

TEMPLATES = {
    "values": "{{ batch.name }}",
    "one name": "study",
}


def template_of(folder: Path, name: str, *steps: str) -> Path:
    path = folder / "t.yaml.j2"
    body = "".join(steps) or step("one", "echo $(ROW_ID) $(TEXT.quoted) {{ batch.name }}")
    path.write_text(f'description:\n    name: "{name}"\n    description: d\nstudy:\n{body}')
    return path


@pytest.mark.parametrize("name", TEMPLATES.values(), ids=TEMPLATES)
@pytest.mark.parametrize("index", [None, "number"])
def test_it_is_as_if_made_with_all_rows(tmp_path: Path, name: str, index: str | None) -> None:
    template = template_of(tmp_path, name)
    campaign = failing_campaign(tmp_path, rows=6, template=str(template), index=index)
    made_of_six = manifest_of(campaign)
    table = grow(tmp_path, 13)
    extension = extend_campaign(campaign, table)
    options = Options(template=template, batch_size=3, name="c", index=index)
    whole = make_specs(table, tmp_path / "whole", options).folder
    assert files_of(campaign).keys() == files_of(whole).keys()
    different = {name for name, data in files_of(campaign).items() if files_of(whole)[name] != data}
    assert different == {"manifest.json"}
    extended = manifest_of(campaign)
    assert extended.campaign is not None
    assert extended.model_copy(update={"campaign": None}) == manifest_of(whole)
    assert extension == Extension(rows=7, batches=tuple(extended.batches[2:]), funnels=())
    assert extended.batches[:2] == made_of_six.batches


@pytest.mark.parametrize("with_ids", [False, True])
def test_inline(tmp_path: Path, with_ids: bool) -> None:
    token = "$(ROW_ID) " if with_ids else ""
    template = template_of(tmp_path, "n", step("one", f"echo {token}$(A.quoted) '$(B.json)'"))
    rows = [[str(row), f"x{row}"] for row in range(9)]
    table = write_table(tmp_path / "t.csv", ["a", "b"], rows[:4])
    options = Options(template=template, inline=True, batch_size=2, name="c")
    campaign = make_specs(table, tmp_path / "c", options).folder
    write_table(table, ["a", "b"], rows)
    assert [batch.id for batch in extend_campaign(campaign, table).batches] == ["0002", "0003", "0004"]
    whole = make_specs(table, tmp_path / "whole", options).folder
    assert {**files_of(campaign), "manifest.json": b""} == {**files_of(whole), "manifest.json": b""}
    for batch in manifest_of(campaign).batches:
        check_unchanged(campaign, manifest_of(campaign), batch)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([["5", "1"]], "the values of b are text in c_0000.yaml, and others here"),
        ([["5", "a b"]], "'a b' cannot stand in an inline specification"),
        ([["5", "x"], ["5", "x"]], "is the same as that of row 2: Maestro would run one of them only"),
        ([["1" * 300, "x"]], "the workspace's name has"),
    ],
)
def test_inline_rows_that_cannot_be(tmp_path: Path, rows: list[list[str]], message: str) -> None:
    template = template_of(tmp_path, "n", step("one", "echo $(A) '$(B.json)'"))
    table = write_table(tmp_path / "t.csv", ["a", "b"], [["1", "x"], ["2", "y"]])
    options = Options(template=template, inline=True, name="c", batch_size=2)
    campaign = make_specs(table, tmp_path / "c", options).folder
    before = files_of(campaign)
    write_table(table, ["a", "b"], [["1", "x"], ["2", "y"], *rows])
    with pytest.raises(UserError) as refused:
        extend_campaign(campaign, table)
    assert message in str(refused.value)
    assert files_of(campaign) == before


@settings(max_examples=25)
@given(data=st.data())
def test_any_rows_any_number_of_times(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 8))
    indexed, reference = data.draw(st.booleans()), data.draw(st.booleans())
    rows: list[list[str]] = []

    def more(number: int) -> None:
        for _ in range(number):
            ids = [f"r{len(rows)}"] if indexed else []
            rows.append([data.draw(CELLS), data.draw(CELLS), *ids])

    def write(place: Path) -> Path:
        table = write_table(place / "t.csv", ["a", "b", *(["id"] if indexed else [])], rows)
        if reference:
            text = table.read_bytes().replace(b"\n", b"\r\n")
            table.write_bytes(b"\xef\xbb\xbf" + text.removesuffix(b"\r\n"))
        return table

    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        more(count)
        index = "id" if indexed else None
        options = Options(
            batch_size=data.draw(st.integers(1, 5)), index=index, reference=reference, allow_missing=True
        )
        campaign = make_specs(write(place), place / "c", options).folder
        for _ in range(data.draw(st.integers(1, 4))):
            pending = [batch.entry.id for batch in states(campaign).values() if not batch.ended]
            ran = data.draw(st.sets(st.sampled_from(pending))) if pending else set()
            pretend(campaign, data.draw(st.sets(st.integers(0, len(rows) - 1))), ran)
            if data.draw(st.booleans()):
                retry_failed(campaign, batch_size=data.draw(st.integers(1, 4)))
            more(data.draw(st.integers(0, 6)))
            check_an_extension(campaign, write(place), data.draw(st.integers(1, 4)), rows, indexed=indexed)


def check_an_extension(
    campaign: Path, table: Path, size: int, rows: list[list[str]], *, indexed: bool
) -> None:
    before, were, failed = manifest_of(campaign), states(campaign), last_failed(campaign)
    extension = extend_campaign(campaign, table, batch_size=size)
    after = manifest_of(campaign)
    assert after.batches[: len(before.batches)] == before.batches
    new = after.batches[len(before.batches) :]
    assert list(extension.batches) == new
    assert extension.rows == len(rows) - before.table.rows
    assert [row for batch in new for row in rows_of(batch)] == list(range(before.table.rows, len(rows)))
    assert all(batch.nrows <= size and batch.attempt == 1 for batch in new)
    found: dict[str, list[str]] = {}
    for batch in after.batches:
        if batch.attempt == 1:
            found |= cells_of(campaign, batch)
        check_unchanged(campaign, after, batch)
    expected = [(row[2], row[:2]) if indexed else (str(n), row) for n, row in enumerate(rows)]
    assert list(found.items()) == expected
    state = state_of(campaign)
    assert {name: state.batches[name] for name in were} == were
    assert last_failed(campaign) == failed
    assert (state.tally.rows, after.table.rows, after.settings.rows) == (len(rows),) * 3
    problems = [*batch_problems(after), *made_problems(campaign, after, quick=False), *retry_problems(state)]
    assert problems == []
    assert extend_campaign(campaign, table).rows == 0


# Where the rows come from


def made(folder: Path, rows: int, **options: Any) -> Path:
    """Make a table of two parameters with its record."""
    texts = ("width=uniform(1, 2)", "material=choice(steel, brass)")
    parameters = [parse_parameter(text) for text in texts]
    make_table(parameters, output=folder / "m.csv", rows=rows, seed=1, force=True, **options)
    return folder / "m.csv"


@pytest.mark.parametrize("design", ["random", "sobol", "halton"])
def test_rows_that_the_design_makes(tmp_path: Path, design: str) -> None:
    options = {"design": design, "where": ["width < 1.9"], "index": "id"}
    campaign = make_specs(made(tmp_path, 5, **options), tmp_path / "c", Options(batch_size=4)).folder
    source = manifest_of(campaign).table.source
    assert extend_campaign(campaign, rows=6).rows == 6
    assert extend_campaign(campaign, rows=2).rows == 2
    made(tmp_path, 13, **options)
    assert (campaign / "table.csv").read_bytes() == (tmp_path / "m.csv").read_bytes()
    table = manifest_of(campaign).table
    assert table.record is not None
    assert (table.record["parts"], table.record["rows"], table.source) == ([5, 6, 2], 13, source)
    assert [batch.nrows for batch in manifest_of(campaign).batches] == [4, 1, 4, 2, 2]
    assert not list(campaign.glob(".*"))


def test_a_grid_that_got_levels(tmp_path: Path) -> None:
    def grid(levels: int) -> list[Parameter]:
        return [parse_parameter(text) for text in (f"a=int(1, {levels})", "b=int(1, 2)")]

    make_table(grid(2), output=tmp_path / "g.csv", design="grid")
    campaign = make_specs(tmp_path / "g.csv", tmp_path / "c", Options(batch_size=4)).folder
    with pytest.raises(UserError, match="a grid grows by levels, not by a number of rows"):
        extend_campaign(campaign, rows=2)
    with pytest.raises(UserError, match="no parameter has a level that is new"):
        extend_campaign(campaign, parameters=grid(2))
    with pytest.raises(UserError, match="a table and --parameter exclude each other"):
        extend_campaign(campaign, tmp_path / "g.csv", parameters=grid(3))
    assert extend_campaign(campaign, parameters=grid(3)[:1], dry_run=True).rows == 2
    extend_table(tmp_path / "g.csv", parameters=grid(3)[:1])
    (batch,) = extend_campaign(campaign, tmp_path / "g.csv").batches
    assert cells_of(campaign, batch) == {"4": ["3", "1"], "5": ["3", "2"]}
    (batch,) = extend_campaign(campaign, parameters=grid(4)[:1]).batches
    assert cells_of(campaign, batch) == {"6": ["4", "1"], "7": ["4", "2"]}
    record = manifest_of(campaign).table.record
    assert record is not None
    assert (record["parts"], len(record["earlier"])) == ([4, 2, 2], 2)
    assert list(made_problems(campaign, manifest_of(campaign), quick=False)) == []


def test_a_table_and_its_record_that_grew_together(tmp_path: Path) -> None:
    table = made(tmp_path, 5)
    campaign = make_specs(table, tmp_path / "c", Options(batch_size=4)).folder
    extend_table(table, rows=3)
    assert extend_campaign(campaign, table).rows == 3
    record = manifest_of(campaign).table.record
    assert record is not None
    assert record["parts"] == [5, 3]
    assert extend_campaign(campaign, rows=1).rows == 1


def test_rows_after_an_extension_that_was_cut_off(tmp_path: Path) -> None:
    campaign = make_specs(made(tmp_path, 5), tmp_path / "c", Options(batch_size=4)).folder
    with (campaign / "table.csv").open("a") as stream:
        stream.write("1.5,steel\n1.25,brass\n")
    assert extend_campaign(campaign, rows=3).rows == 3
    assert (campaign / "table.csv").read_bytes() == made(tmp_path, 8).read_bytes()


def test_a_query_that_gives_more_rows(tmp_path: Path) -> None:
    import sqlite3

    file = tmp_path / "rows.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE t (a)")
        connection.executemany("INSERT INTO t VALUES (?)", [(row,) for row in range(3)])
    query = Query(sql="SELECT a FROM t ORDER BY a", db=f"sqlite:///{file}")
    campaign = make_specs(query, tmp_path / "c", Options(batch_size=2, name="c")).folder
    with sqlite3.connect(file) as connection:
        connection.executemany("INSERT INTO t VALUES (?)", [(row,) for row in range(3, 5)])
    assert extend_campaign(campaign, query).rows == 2
    whole = make_specs(query, tmp_path / "whole", Options(batch_size=2, name="c")).folder
    assert manifest_of(campaign).table == manifest_of(whole).table
    with sqlite3.connect(file) as connection:
        connection.execute("DELETE FROM t WHERE a = 1")
    with pytest.raises(UserError, match=r"the query: row 1 is not what it is in the campaign\n.*was: 1\n"):
        extend_campaign(campaign, query)


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".csv.gz"])
def test_tables_of_other_formats(tmp_path: Path, suffix: str) -> None:
    import polars as pl

    def write(rows: int) -> Path:
        frame = pl.DataFrame({"a": [row + 0.5 for row in range(rows)], "b": [f"x, {n}" for n in range(rows)]})
        path = tmp_path / f"t{suffix}"
        if suffix == ".parquet":
            frame.write_parquet(path)
        elif suffix == ".jsonl":
            frame.write_ndjson(path)
        else:
            import gzip

            path.write_bytes(gzip.compress(frame.write_csv().encode()))
        return path

    campaign = make_specs(write(3), tmp_path / "c", Options(batch_size=2, name="c")).folder
    assert extend_campaign(campaign, write(6)).rows == 3
    rows = list(csv.reader((campaign / "table.csv").read_text().splitlines()))
    assert rows[1:] == [[f"{n}.5", f"x, {n}"] for n in range(6)]


def test_rows_that_belong_together_stay_together(tmp_path: Path) -> None:
    import json

    def write(rows: int) -> Path:
        table = made(tmp_path, rows)
        record = table.with_suffix(".json")
        record.write_text(json.dumps({**json.loads(record.read_text()), "block": 4}))
        return table

    campaign = make_specs(write(8), tmp_path / "c", Options(batch_size=8)).folder
    assert [batch.nrows for batch in extend_campaign(campaign, write(20), batch_size=7).batches] == [4, 4, 4]
    assert manifest_of(campaign).settings.batch_size == 8
    with pytest.raises(UserError, match="--batch-size 3 is less than the 4 rows that belong together"):
        extend_campaign(campaign, write(24), batch_size=3)
    assert [batch.nrows for batch in extend_campaign(campaign, write(32)).batches] == [8, 4]


def test_larger_batches(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path, rows=4)
    extension = extend_campaign(campaign, grow(tmp_path, 12), batch_size=5)
    assert [(batch.start, batch.nrows) for batch in extension.batches] == [(4, 5), (9, 3)]
    assert manifest_of(campaign).settings.batch_size == 5


def test_more_batches_than_have_four_digits(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", ["a"], [[str(row)] for row in range(9_999)])
    campaign = make_specs(tmp_path / "t.csv", tmp_path / "c", Options(batch_size=1, name="c")).folder
    write_table(tmp_path / "t.csv", ["a"], [[str(row)] for row in range(10_002)])
    batches = extend_campaign(campaign, tmp_path / "t.csv").batches
    assert [batch.id for batch in batches] == ["9999", "10000", "10001"]


def test_a_table_that_was_left_where_it_is(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path, rows=5, reference=True)
    table = grow(tmp_path, 8)
    assert verify_campaign(campaign).problems == ()
    (note,) = verify_campaign(campaign).notes
    assert note.endswith("behind the campaign's rows; genstudy extend takes rows")
    copy = shutil.copy(table, tmp_path / "copy.csv")
    with pytest.raises(UserError, match="the campaign's table was left where it is, and this is another one"):
        extend_campaign(campaign, copy)
    with pytest.raises(UserError, match="was left where it is: that one has to grow\n  genstudy csv --ext"):
        extend_campaign(campaign, rows=3)
    assert extend_campaign(campaign, table).rows == 3
    assert manifest_of(campaign).table.path == str(table)
    assert not (campaign / "table.csv").exists()
    assert verify_campaign(campaign).notes == ()


def test_a_last_row_without_a_line_end_that_goes_on(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("a,b\n1,2\n3,4")
    campaign = make_specs(table, tmp_path / "c", Options(reference=True, name="c")).folder
    table.write_text("a,b\n1,2\n3,45\n6,7\n")
    with pytest.raises(UserError, match="it changed since the campaign was made\n    the campaign's last"):
        extend_campaign(campaign, table)
    table.write_text("a,b\n1,2\n3,4\n6,7")
    assert cells_of(campaign, extend_campaign(campaign, table).batches[0]) == {"2": ["6", "7"]}


# What is refused


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.__setitem__(2, ["2", "new"]), "row 2 is not what it is in the campaign\n"),
        (lambda rows: rows.__delitem__(1), "row 1 is not what it is in the campaign\n"),
        (lambda rows: rows.insert(0, ["9", "x"]), "row 0 is not what it is in the campaign\n"),
        (lambda rows: rows.__delitem__(slice(4, None)), "it has 4 rows, and the campaign 6\n"),
        (
            lambda rows: rows.append(["6", ""]),
            "the cell is empty\n  fill it in: the campaign was made",
        ),
        (lambda rows: rows.append(["6", "a\tb"]), "a control character in 'a\\tb'"),
        (lambda rows: rows.append(["6", "a", "b"]), "the row has 3 cells, the header has 2"),
    ],
)
def test_rows_that_do_not_follow(tmp_path: Path, change: Any, message: str) -> None:
    campaign = failing_campaign(tmp_path, rows=6)
    before = files_of(campaign)
    rows = rows_of_numbers(8)
    change(rows)
    table = write_table(tmp_path / "t.csv", COLUMNS, rows)
    with pytest.raises(UserError) as refused:
        extend_campaign(campaign, table)
    assert message in str(refused.value)
    assert files_of(campaign) == before
    assert manifest_of(campaign).campaign is None


def test_both_rows_are_shown(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path, rows=6)
    rows = rows_of_numbers(8)
    rows[3] = ["3", "a" * 200]
    table = write_table(tmp_path / "t.csv", COLUMNS, rows)
    with pytest.raises(UserError) as refused:
        extend_campaign(campaign, table)
    assert str(refused.value) == (
        f"{table}: row 3 is not what it is in the campaign\n"
        f"    it was: 3, plain \n    it is:  3,{'a' * 98}...\n"
        "  the campaign's rows have to come first, cell for cell as they are; new ones stand behind them"
    )


def test_other_columns(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path, rows=2)
    table = write_table(tmp_path / "t.csv", ["number", "txt"], rows_of_numbers(4))
    with pytest.raises(UserError, match="its columns are number, txt, and the campaign's number, text\n"):
        extend_campaign(campaign, table)


def test_row_ids_that_are_there(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", ["number", "text", "id"], [["1", "x", "a"], ["2", "x", "b"]])
    campaign = failing_campaign(tmp_path, index="id")
    for row_id, message in (
        ("a", r"the row id 'a' stands in row 0 already"),
        ("a b", "cannot name a folder"),
    ):
        table = write_table(
            tmp_path / "t.csv",
            ["number", "text", "id"],
            [["1", "x", "a"], ["2", "x", "b"], ["3", "x", row_id]],
        )
        with pytest.raises(UserError, match=message):
            extend_campaign(campaign, table)


def test_values_that_a_shell_would_act_on(tmp_path: Path) -> None:
    template = template_of(tmp_path, "n", step("one", "echo $(NUMBER) $(TEXT.quoted)"))
    campaign = failing_campaign(tmp_path, rows=2, template=str(template))
    rows = [*rows_of_numbers(2), ["$(reboot)", "x"]]
    table = write_table(tmp_path / "t.csv", COLUMNS, rows)
    with pytest.raises(UserError) as refused:
        extend_campaign(campaign, table)
    assert str(refused.value) == (
        f"{table}, row 2 (line 4), column number: '$(reboot)' has shell-active characters, and the template "
        "uses it as a bare $(NUMBER)\n"
        "  change the value, or make another campaign, whose template quotes it: genstudy specs"
    )


def test_values_that_were_let_pass_are_again(tmp_path: Path) -> None:
    template = template_of(tmp_path, "n", step("one", "echo $(NUMBER) $(TEXT.quoted)"))
    campaign = failing_campaign(
        tmp_path, rows=2, template=str(template), allow_unsafe_values=True, allow_missing=True
    )
    table = write_table(tmp_path / "t.csv", COLUMNS, [*rows_of_numbers(2), ["a;b", ""]])
    (batch,) = extend_campaign(campaign, table).batches
    assert 'PARG_UNSAFE: "yes"' in (campaign / batch.spec).read_text()


def test_row_ids_that_are_too_long(tmp_path: Path) -> None:
    template = template_of(tmp_path, "n", step("s" * 150, "echo $(NUMBER.quoted)"))
    write_table(tmp_path / "t.csv", ["number", "text", "id"], [["1", "x", "a"]])
    campaign = failing_campaign(tmp_path, index="id", template=str(template))
    rows = [["1", "x", "a"], ["2", "x", "b" * 90]]
    with pytest.raises(UserError, match="the longest row label have 244 characters together"):
        extend_campaign(campaign, write_table(tmp_path / "t.csv", ["number", "text", "id"], rows))


@pytest.mark.parametrize("use", ["batch.number", "batch.count * 0 + batch.start", "batch.id"])
def test_specifications_that_differ_in_more_than_rows(tmp_path: Path, use: str) -> None:
    template = template_of(tmp_path, "n", step("one", f"echo $(NUMBER.quoted) batch {{{{ {use} }}}} of all"))
    campaign = failing_campaign(tmp_path, rows=6, template=str(template))
    with pytest.raises(UserError) as refused:
        extend_campaign(campaign, grow(tmp_path, 8))
    shown = str(refused.value)
    assert shown.startswith(
        f"{campaign / 'c_0001.yaml'}: it differs from c_0000.yaml in more than its rows:\n    @@ "
    )
    assert "\n    -              echo $(NUMBER.quoted) batch 0" in shown
    assert shown.endswith("make a campaign of its own of the new rows: genstudy specs TABLE --start 6")


@pytest.mark.parametrize(
    ("part", "has"),
    [({"start": 2}, "rows 2 to 5 of a table of 6 rows only"), ({"rows": 4}, "rows 0 to 3 of a table of 6")],
)
def test_a_campaign_of_a_part_of_its_table(tmp_path: Path, part: dict[str, Any], has: str) -> None:
    campaign = make_specs(grow(tmp_path, 6), tmp_path / "c", Options(name="c", **part)).folder
    with pytest.raises(UserError, match=f"the campaign has {has}"):
        extend_campaign(campaign, grow(tmp_path, 8))


@pytest.mark.parametrize("name", ["table.csv", "c_0000.yaml", "c_0001.yaml", "pgen.py"])
def test_what_changed_is_refused(tmp_path: Path, name: str) -> None:
    campaign = failing_campaign(tmp_path, rows=6)
    text = (campaign / name).read_text()
    (campaign / name).write_text(text.replace("\n4,", "\n5,") if name == "table.csv" else text + "\n# new\n")
    before = files_of(campaign)
    with pytest.raises(UserError, match="changed since") as refused:
        extend_campaign(campaign, grow(tmp_path, 8))
    assert name != "table.csv" or "of batch 0001: rows 3 to 5" in str(refused.value)
    assert files_of(campaign) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "there is nothing to take rows from\n  name the table that has grown, or pass -n"),
        ({"table": "t.csv", "rows": 3}, "a table and -n exclude each other"),
        ({"table": "t.csv", "batch_size": 0}, "--batch-size must be at least 1, not 0"),
        ({"rows": 0}, "-n must be at least 1, not 0"),
        ({"rows": 3}, "it is not known how the campaign's table was made\n  give a table that begins"),
        ({"table": "none.csv"}, "none.csv: there is no such table"),
    ],
)
def test_mistakes(tmp_path: Path, arguments: dict[str, Any], message: str) -> None:
    campaign = failing_campaign(tmp_path, rows=2)
    with pytest.raises(UserError) as refused:
        extend_campaign(campaign, **arguments)
    assert message in str(refused.value)
    assert len(manifest_of(campaign).batches) == 1


def test_nobody_else_may_run_it(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path, rows=2)
    before, table = files_of(campaign), grow(tmp_path, 4)
    with Owner(campaign) as owner:
        assert owner.ask("own").startswith("owned")
        with pytest.raises(UserError, match=rf"process {owner.process.pid} of .* runs this campaign"):
            extend_campaign(campaign, table)
        assert extend_campaign(campaign, table, dry_run=True).rows == 2
    assert files_of(campaign) == before
    assert extend_campaign(campaign, table).rows == 2


def test_nothing_new(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path, rows=4)
    before = files_of(campaign)
    assert extend_campaign(campaign, grow(tmp_path, 4)) == Extension(rows=0, batches=(), funnels=())
    assert files_of(campaign) == before


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    campaign = make_specs(made(tmp_path, 5), tmp_path / "c", Options(batch_size=2)).folder
    before = {path: path.read_bytes() for path in campaign.rglob("*") if path.is_file()}
    planned = extend_campaign(campaign, rows=3, dry_run=True)
    assert {path: path.read_bytes() for path in campaign.rglob("*") if path.is_file()} == before
    assert extend_campaign(campaign, rows=3) == planned


# Interruptions


@pytest.fixture
def half_run(tmp_path: Path) -> Path:
    """A campaign of five made rows, some of which failed and were put into a batch of their own."""
    campaign = make_specs(made(tmp_path, 5), tmp_path / "c", Options(batch_size=2, name="c")).folder
    pretend(campaign, [0, 3], ["0000", "0001"])
    retry_failed(campaign)
    return campaign


@pytest.mark.parametrize("fate", ["die", "fail", "interrupt"])
@pytest.mark.parametrize("source", ["table", "made"])
def test_whatever_happens_before_it_touches_a_file(
    half_run: Path, fate: str, source: str, request: pytest.FixtureRequest
) -> None:
    # An extension touches some 70 files; with --kills 64 or more, each of them is tried.
    step = max(1, 64 // int(request.config.getoption("--kills")))
    argument = str(made(half_run.parent, 9)) if source == "table" else "4"
    tried = subprocess.run(
        [sys.executable, "-m", "tests.campaign.dying_extending", half_run, fate, "1", str(step), argument],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    (count,) = tried.stdout.splitlines()
    assert int(count) > 40 // step


def test_a_disk_without_room_leaves_a_campaign(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path, rows=3)
    before = files_of(campaign)
    size = max(map(len, before.values())) + 10
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))\n"
    code = f"import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n{limit}"
    code += "import sys; from genstudy.cli.app import main; main()"
    table = grow(tmp_path, 4000)
    done = subprocess.run(
        [sys.executable, "-c", code, "extend", campaign, table], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert f"{campaign}: cannot be written: File too large" in done.stderr
    assert files_of(campaign) == before
    assert extend_campaign(campaign, table).rows == 3997

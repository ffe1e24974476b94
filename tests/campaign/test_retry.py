"""Failed rows put into new batches: which, how their files look, and that they run under their own ids."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genstudy.campaign.retry import Retry, retry_failed
from genstudy.campaign.run import run_campaign
from genstudy.campaign.unchanged import check_unchanged
from genstudy.errors import UserError
from genstudy.inspection.verify_made import batch_problems, made_problems, retry_problems
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.records import Ended, Failure, Started
from genstudy.ledger.state import rows_of
from genstudy.specs import pgen
from genstudy.specs.make import make_specs
from genstudy.specs.options import Options
from tests.campaign.failing import (
    TEXTS,
    fail,
    failing_campaign,
    last_failed,
    manifest_of,
    pretend,
    state_of,
)
from tests.ledger.owners import Owner, no_news
from tests.maestro.conftest import Maestro, values_template, values_written, write_table

CELLS = st.sampled_from(["1", "x y", "a,b", 'q"q', "é", " ", "$(date)", "0"])


def new_batches(campaign: Path, retry: Retry) -> list[tuple[str, str]]:
    return [(batch.id, batch.rows or "") for batch in manifest_of(campaign).batches[-len(retry.batches) :]]


def ids_and_cells(campaign: Path, batch_id: str) -> dict[str, list[str]]:
    """Return {row id: cells} of a batch, as its pgen reads them."""
    batch = next(batch for batch in manifest_of(campaign).batches if batch.id == batch_id)
    index = manifest_of(campaign).table.index or "row_id"
    arguments = {
        "CSV": str(campaign / str(batch.table)),
        "START": str(batch.start),
        "NROWS": str(batch.nrows),
        "OFFSET": str(batch.offset),
        "BYTES": str(batch.nbytes),
        "SHA256": batch.sha256,
    }
    for name, value in arguments.items():
        wanted = f"$(SPECROOT)/{batch.table}" if name == "CSV" else value
        assert f"PARG_{name}: " in (text := (campaign / batch.spec).read_text())
        assert wanted in text
    assert f'PARG_INDEX: "{index}"' in text
    header, rows, spans = pgen._read(arguments)
    assert spans == [(batch.start, batch.start + batch.nrows)]
    place = header.index(index)
    return {row[place]: row[:place] + row[place + 1 :] for row in rows}


@settings(max_examples=30)
@given(data=st.data())
def test_any_rows_any_number_of_times(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 14))
    cells = [[data.draw(CELLS), data.draw(CELLS)] for _ in range(count)]
    indexed, reference = data.draw(st.booleans()), data.draw(st.booleans())
    ids = [f"r{row}" if indexed else str(row) for row in range(count)]
    with tempfile.TemporaryDirectory() as place:
        columns = ["a", "b", *(["id"] if indexed else [])]
        rows = [[*row, *([ids[number]] if indexed else [])] for number, row in enumerate(cells)]
        table = write_table(Path(place) / "t.csv", columns, rows)
        if reference:
            text = table.read_bytes().replace(b"\n", b"\r\n")
            table.write_bytes(b"\xef\xbb\xbf" + text.removesuffix(b"\r\n"))
        options = Options(
            batch_size=data.draw(st.integers(1, 5)),
            index="id" if indexed else None,
            reference=reference,
            allow_missing=True,
        )
        campaign = make_specs(table, Path(place) / "c", options).folder
        for _ in range(data.draw(st.integers(1, 4))):
            pending = [batch.entry.id for batch in state_of(campaign).batches.values() if not batch.ended]
            ran = data.draw(st.sets(st.sampled_from(pending))) if pending else set()
            pretend(campaign, data.draw(st.sets(st.integers(0, count - 1))), ran)
            check_a_retry(campaign, data.draw(st.integers(1, 4)), dict(zip(ids, cells, strict=True)), ids)


def check_a_retry(campaign: Path, size: int, cells: dict[str, list[str]], ids: list[str]) -> None:
    before, wanted = manifest_of(campaign), last_failed(campaign)
    retry = retry_failed(campaign, batch_size=size)
    after = manifest_of(campaign)
    assert after.batches[: len(before.batches)] == before.batches
    new = after.batches[len(before.batches) :]
    taken = [row for batch in new for row in rows_of(batch)]
    assert sorted(taken) == sorted(wanted)
    assert (retry.rows, [batch.id for batch in retry.batches]) == (len(wanted), [batch.id for batch in new])
    for batch in new:
        numbers = list(rows_of(batch))
        assert len(numbers) == batch.nrows <= size
        assert ids_and_cells(campaign, batch.id) == {ids[row]: cells[ids[row]] for row in numbers}
    for batch in after.batches:
        check_unchanged(campaign, after, batch)
    state = state_of(campaign)
    assert (state.tally.rows, state.tally.failed) == (len(ids), 0)
    problems = [*batch_problems(after), *made_problems(campaign, after, quick=False), *retry_problems(state)]
    assert problems == []


def test_the_files_of_a_new_batch(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path, rows=7)
    pretend(campaign, [1, 4, 5])
    old = manifest_of(campaign)
    before = {path.name: path.read_bytes() for path in campaign.iterdir() if path.is_file()}
    retry = retry_failed(campaign)
    assert (retry.rows, retry.sources, retry.funnels) == (3, 2, ())
    (new,) = retry.batches
    assert (new.id, new.attempt, str(new.rows), new.sources) == ("0003", 2, "1,4-5", ("0000", "0001"))
    table = 'row_id,number,text\n1,1,"say ""é"""\n4,4,#\n5,5,"x, y"\n'.encode()
    assert (campaign / "retry_2.csv").read_bytes() == table
    after = manifest_of(campaign)
    entry = after.batches[-1]
    assert entry.model_dump(exclude={"spec_sha256", "sha256"}) == {
        "id": "0003",
        "spec": "c_0003.yaml",
        "start": 0,
        "nrows": 3,
        "offset": 19,
        "nbytes": len(table) - 19,
        "attempt": 2,
        "table": "retry_2.csv",
        "rows": "1,4-5",
    }
    assert after.model_copy(update={"batches": old.batches}) == old
    files = {path.name: path.read_bytes() for path in campaign.iterdir() if path.is_file()}
    assert files.keys() - before.keys() == {"retry_2.csv", "c_0003.yaml"}
    assert {name for name in before if before[name] != files[name]} == {"manifest.json"}
    first, spec = (campaign / "c_0000.yaml").read_text(), (campaign / "c_0003.yaml").read_text()
    assert [line for line in spec.splitlines() if "PARG_" not in line and line not in first] == [
        "    name: c_0003"
    ]


def test_numbers_go_on_past_the_padding(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", ["a"], [[str(row)] for row in range(10_000)])
    campaign = make_specs(tmp_path / "t.csv", tmp_path / "c", Options(batch_size=1, name="c")).folder
    pretend(campaign, [7], ["0007"])
    assert [batch.id for batch in retry_failed(campaign).batches] == ["10000"]
    assert ids_and_cells(campaign, "10000") == {"7": ["7"]}


def test_a_table_is_never_written_over(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path)
    pretend(campaign, [1], ["0000"])
    retry_failed(campaign)
    first = (campaign / "retry_2.csv").read_bytes()
    pretend(campaign, [1, 4])
    retry = retry_failed(campaign)
    assert [(batch.id, batch.attempt) for batch in retry.batches] == [("0004", 2), ("0005", 3)]
    assert [batch.table for batch in manifest_of(campaign).batches[-2:]] == [
        "retry_2_0004.csv",
        "retry_3.csv",
    ]
    assert (campaign / "retry_2.csv").read_bytes() == first
    assert ids_and_cells(campaign, "0004") == {"4": ["4", "#"]}
    assert ids_and_cells(campaign, "0005") == {"1": ["1", 'say "é"']}


def test_rows_of_several_retries_come_in_the_tables_order(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path)
    pretend(campaign, [0, 8], ["0000", "0002"])
    retry_failed(campaign)
    pretend(campaign, [4], ["0001"])
    retry_failed(campaign)
    pretend(campaign, [0, 4, 8])
    retry = retry_failed(campaign, batch_size=2)
    assert new_batches(campaign, retry) == [("0005", "0,4"), ("0006", "8")]
    assert list(ids_and_cells(campaign, "0005")) == ["0", "4"]


def test_batches_are_no_larger_than_the_campaigns_unless_asked(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path)
    pretend(campaign, range(8))
    assert [len(batch.rows) for batch in retry_failed(campaign, dry_run=True).batches] == [3, 3, 2]
    assert [len(batch.rows) for batch in retry_failed(campaign, batch_size=5).batches] == [5, 3]


def test_rows_of_batches_that_differ_are_not_mixed(tmp_path: Path) -> None:
    template = tmp_path / "t.yaml.j2"
    text = "{{ batch.name }} {{ batch.start // 6 }}"
    template.write_text(
        "description:\n    name: {{ batch.name | yaml }}\n    description: d\nstudy:\n"
        "    - name: one\n      description: d\n      run:\n"
        f"          cmd: echo $(NUMBER) $(TEXT.quoted) {text}\n"
    )
    campaign = failing_campaign(tmp_path, template=str(template))
    pretend(campaign, [0, 4, 7, 8])
    retry = retry_failed(campaign)
    assert new_batches(campaign, retry) == [("0003", "0,4"), ("0004", "7-8")]
    assert "c_0003 0" in (campaign / "c_0003.yaml").read_text()
    assert "c_0004 1" in (campaign / "c_0004.yaml").read_text()


def test_pending_rows_are_left_alone(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path)
    pretend(campaign, [1], ["0000"])
    retry = retry_failed(campaign)
    assert new_batches(campaign, retry) == [("0003", "1")]
    assert [str(batch.pending) for batch in state_of(campaign).batches.values()] == ["", "3-5", "6-8", "1"]
    assert retry_failed(campaign).rows == 0


def test_nothing_failed(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path)
    assert retry_failed(campaign) == Retry(rows=0, sources=0, batches=(), funnels=())
    assert not (campaign / "ledger").exists()
    pretend(campaign, [])
    before = (campaign / "manifest.json").read_bytes()
    assert retry_failed(campaign).batches == ()
    assert (campaign / "manifest.json").read_bytes() == before


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path)
    pretend(campaign, [1, 2])
    before = {path: path.read_bytes() for path in campaign.rglob("*") if path.is_file()}
    assert [str(batch.rows) for batch in retry_failed(campaign, dry_run=True).batches] == ["1-2"]
    assert {path: path.read_bytes() for path in campaign.rglob("*") if path.is_file()} == before


def test_chosen_rows(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path)
    pretend(campaign, [1, 2, 5])
    assert new_batches(campaign, retry_failed(campaign, rows="2-4")) == [("0003", "2")]
    assert new_batches(campaign, retry_failed(campaign, ids=["5"])) == [("0004", "5")]
    assert retry_failed(campaign, rows="3,8").rows == 0
    assert new_batches(campaign, retry_failed(campaign)) == [("0005", "1")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ids": ["0"]}, "row 0 is done, in batch 0000: only rows that failed are tried again"),
        ({"ids": ["1", "7"]}, "row 7 is going to be run, in batch 0002: only rows that failed"),
        ({"ids": ["99"]}, "there is no row '99'\n  ids are the rows' numbers, from 0: the first is 0"),
        ({"ids": ["row_1"]}, "there is no row 'row_1' (did you mean '1'?)"),
        ({"rows": "1;2"}, "'1;2' is no range of rows"),
        ({"rows": "1", "ids": ["1"]}, "--rows and --ids exclude each other"),
        ({"batch_size": 0}, "--batch-size must be at least 1, not 0"),
    ],
)
def test_what_cannot_be_chosen(tmp_path: Path, arguments: dict[str, object], message: str) -> None:
    campaign = failing_campaign(tmp_path)
    pretend(campaign, [1], ["0000", "0001"])
    with pytest.raises(UserError) as refused:
        retry_failed(campaign, **arguments)  # type: ignore[arg-type]
    assert message in str(refused.value)
    assert len(manifest_of(campaign).batches) == 3


def test_ids_of_an_index_column(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", ["number", "id", "text"], [[str(n), f"run.{n}", "x"] for n in range(9)])
    campaign = failing_campaign(tmp_path, index="id")
    pretend(campaign, [1, 2, 8])
    retry = retry_failed(campaign, ids=["run.8", "run.1"])
    assert new_batches(campaign, retry) == [("0003", "1,8")]
    assert ids_and_cells(campaign, "0003") == {"run.1": ["1", "x"], "run.8": ["8", "x"]}
    with pytest.raises(UserError, match=r"there is no row 'run.9' \(did you mean 'run.\d'\?\)"):
        retry_failed(campaign, ids=["run.9"])


def test_rows_outside_of_the_campaign(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path, start=3, rows=9)
    assert manifest_of(campaign).settings.start == 3
    pretend(campaign, [4])
    with pytest.raises(UserError, match=r"row 2 is in the table, and in no batch: .* has rows 3 to 8"):
        retry_failed(campaign, ids=["2"])
    assert new_batches(campaign, retry_failed(campaign, ids=["4"])) == [("0002", "4")]
    assert ids_and_cells(campaign, "0002") == {"4": ["4", "#"]}


def test_nobody_else_may_run_it(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path)
    pretend(campaign, [1])
    before = (campaign / "manifest.json").read_bytes()
    with Owner(campaign) as owner:
        assert owner.ask("own").startswith("owned")
        with pytest.raises(UserError, match=rf"process {owner.process.pid} of .* runs this campaign"):
            retry_failed(campaign)
        assert retry_failed(campaign, dry_run=True).rows == 1
    assert (campaign / "manifest.json").read_bytes() == before
    assert retry_failed(campaign).rows == 1


@pytest.mark.parametrize("name", ["table.csv", "c_0001.yaml", "pgen.py"])
def test_what_changed_is_refused(tmp_path: Path, name: str) -> None:
    campaign = failing_campaign(tmp_path)
    pretend(campaign, [4])
    text = (campaign / name).read_text()
    (campaign / name).write_text(text.replace("\n4,", "\n5,") if name == "table.csv" else text + "\n# new\n")
    before = {path.name for path in campaign.iterdir()}
    with pytest.raises(UserError, match="changed since"):
        retry_failed(campaign)
    assert {path.name for path in campaign.iterdir()} == before


def test_other_batches_may_have_changed(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path)
    pretend(campaign, [4])
    table = campaign / "table.csv"
    table.write_text(table.read_text().replace("\n8,", "\n9,"))
    assert retry_failed(campaign).rows == 1


DIES = """\
import os, sys
from genstudy.campaign.retry import retry_failed
left = int(sys.argv[2])
def hook(event, arguments):
    global left
    if event == "os.rename":
        left -= 1
        if left < 0:
            os._exit(9)
sys.addaudithook(hook)
retry_failed(sys.argv[1])
"""


def test_a_crash_at_any_point_leaves_a_campaign(tmp_path: Path) -> None:
    made = failing_campaign(tmp_path)
    pretend(made, [1], ["0000"])
    retry_failed(made)
    pretend(made, [1, 4, 5, 7])
    codes: list[int] = []
    while 0 not in codes:
        campaign = tmp_path / f"c{len(codes)}"
        shutil.copytree(made, campaign)
        command = [sys.executable, "-c", DIES, str(campaign), str(len(codes))]
        codes.append(subprocess.run(command, check=False).returncode)
        if codes[-1]:
            assert manifest_of(campaign) == manifest_of(made)
            retry_failed(campaign)
        manifest = manifest_of(campaign)
        rows = {batch.id: batch.rows for batch in manifest.batches[4:]}
        assert rows == {"0004": "4-5,7", "0005": "1"}
        assert list(made_problems(campaign, manifest, quick=False)) == []
        assert not list(campaign.glob("retry_*_0005.csv"))
    assert codes == [9] * 5 + [0], "two tables, two specifications, the manifest"


def test_a_disk_without_room_leaves_a_campaign(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path)
    pretend(campaign, [1, 4])
    before = manifest_of(campaign)
    size = (campaign / "manifest.json").stat().st_size
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))\n"
    code = f"import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n{limit}"
    code += "import sys; from genstudy.cli.app import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "retry", campaign], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert f"{campaign}: cannot be written: File too large" in done.stderr
    assert manifest_of(campaign) == before
    assert not [path for path in campaign.iterdir() if ".part-" in path.name]
    assert retry_failed(campaign).rows == 2


# With real Maestro


def values_of(study: Path) -> dict[str, list[str]]:
    return {path.parent.name: path.read_text().split("\0")[:-1] for path in study.glob("*/row_*/values.bin")}


def test_until_all_rows_are_done(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path, [1, 4, 5])
    settings = {"save": "keep"}
    assert run_campaign(campaign, settings).rows.failed == 3
    retry_failed(campaign)
    fail(tmp_path, [4])
    report = run_campaign(campaign, settings)
    assert (report.rows.total, report.rows.done, report.rows.failed, report.rows.pending) == (9, 8, 1, 0)
    fail(tmp_path, [])
    assert new_batches(campaign, retry_failed(campaign)) == [("0004", "4")]
    assert run_campaign(campaign, settings).rows.done == 9
    assert retry_failed(campaign).rows == 0
    assert values_of(campaign / "runs/c_0003.1") == {
        f"row_{row}": [str(row), TEXTS[row % len(TEXTS)]] for row in (1, 4, 5)
    }
    assert values_of(campaign / "runs/c_0004.1") == {"row_4": ["4", "#"]}


@pytest.mark.parametrize("indexed", [False, True])
def test_plain_maestro_runs_a_new_batch_too(tmp_path: Path, indexed: bool) -> None:
    rows = [[str(row), TEXTS[row % len(TEXTS)], f"r.{row}"] for row in range(6)]
    table = write_table(tmp_path / "t.csv", ["a", "b", "id"], rows)
    options = Options(
        template=values_template(tmp_path), batch_size=2, name="c", index="id" if indexed else None
    )
    campaign = make_specs(table, tmp_path / "c", options).folder
    pretend(campaign, [0, 3, 4])
    retry_failed(campaign)
    moved = campaign.rename(tmp_path / "moved here")
    Maestro(tmp_path).run(moved / "c_0003.yaml", moved / "pgen.py", tmp_path / "out")
    ids = {row: f"r.{row}" if indexed else str(row) for row in (0, 3)}
    assert values_written(tmp_path / "out") == {
        ids[row]: rows[row][:2] if indexed else rows[row] for row in ids
    }
    assert sorted(path.name for path in (tmp_path / "out/values").iterdir()) == sorted(
        f"row_{row_id}" for row_id in ids.values()
    )


def test_a_funnel_sees_the_rows_of_the_new_batch(tmp_path: Path) -> None:
    variables = {
        "simulate": f"{tmp_path}/step.sh $(NUMBER)",
        "post": "cp $(simulate.workspace)/values.bin .",
        "gather": 'cat "$(post-process.workspace)"/*/values.bin > all.bin',
    }
    campaign = failing_campaign(tmp_path, [4], rows=6, template="pipeline", variables=variables)
    settings = {"save": "keep"}
    report = run_campaign(campaign, settings)
    assert (report.rows.done, report.rows.failed) == (3, 3)
    fail(tmp_path, [])
    retry = retry_failed(campaign)
    assert (retry.rows, retry.funnels) == (3, ("gather",))
    assert run_campaign(campaign, settings).rows.done == 6
    assert (campaign / "runs/c_0002.1/gather/all.bin").read_text().split("\0")[:-1] == ["3", "4", "5"]


def test_a_batch_that_runs_again_as_a_whole_keeps_its_failed_rows(tmp_path: Path) -> None:
    campaign = failing_campaign(
        tmp_path, rows=6, template="pipeline", variables={"simulate": "true", "gather": "true"}
    )
    with Ledger(campaign).own({}, no_news) as owner:
        owner.add(Started(t=1, batch="0000", study="c_0000.1", rows="0-2", whole=True))
        failure = Failure(step="simulate", state="FAILED", rows="1")
        owner.add(
            Ended(
                t=2,
                batch="0000",
                study="c_0000.1",
                how="killed",
                code=-9,
                done="",
                failed=(failure,),
                seconds=1,
            )
        )
    assert retry_failed(campaign).rows == 0


@pytest.mark.parametrize("with_ids", [False, True])
def test_inline(tmp_path: Path, with_ids: bool) -> None:
    table = write_table(tmp_path / "t.csv", ["a", "b"], [["1", "x"], ["2", "y"], ["1", "x"], ["4", "z"]])
    template = tmp_path / "t.yaml"
    token = "$(ROW_ID) " if with_ids else ""
    template.write_text(
        "description: {name: n, description: d}\nstudy:\n    - name: one\n      description: d\n"
        f"      run:\n          cmd: |\n              echo {token}$(A) $(B) > out.txt\n"
    )
    options = Options(template=template, inline=True, batch_size=2, name="c")
    campaign = make_specs(table, tmp_path / "c", options).folder
    pretend(campaign, [0, 2, 3])
    retry = retry_failed(campaign, batch_size=4)
    # Without row ids, rows with equal values cannot be in one batch.
    expected = [("0002", "0,2-3")] if with_ids else [("0002", "0"), ("0003", "2-3")]
    assert new_batches(campaign, retry) == expected
    written = []
    for batch in retry.batches:
        out = tmp_path / f"out{batch.id}"
        Maestro(tmp_path).run(campaign / f"{batch.name}.yaml", None, out)
        written += [path.read_text() for path in sorted(out.glob("one/*/out.txt"))]
    rows = [("0", "1 x"), ("2", "1 x"), ("3", "4 z")]
    assert written == [f"{row} {values}\n" if with_ids else f"{values}\n" for row, values in rows]

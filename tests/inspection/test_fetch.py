"""A row's files by its id, from workspaces, from a folder they were moved to, and out of archives."""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path

import pytest

from genstudy.archives.format import ArchiveError
from genstudy.batches.stored import StoredFolder
from genstudy.campaign.retry import retry_failed
from genstudy.campaign.run import run_campaign
from genstudy.errors import GenstudyError, UserError
from genstudy.inspection.fetch import batch_files, fetch_batch, fetch_row, row_files
from genstudy.inspection.fetch_write import write_folder
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.records import Ended, Started
from genstudy.specs.make import make_specs
from genstudy.specs.options import Options
from tests.campaign.failing import failing_campaign, pretend, state_of
from tests.campaign.studies import step, template
from tests.ledger.owners import no_news
from tests.maestro.conftest import write_table

STEPS = template(
    step("setup", "echo mesh > mesh.txt"),
    step(
        "run it",
        "set -e",
        "printf '\\x00\\xff%s' $(A) > data.bin",
        "mkdir deep; echo $(B.quoted) > deep/b.txt; : > empty",
        "ln -s data.bin near; ln -s /etc/passwd far; ln -s ../../setup/mesh.txt mesh; mkfifo pipe",
        "echo true > tool; chmod +x tool",
        """: > "$( printf 'b\\377d' )\"""",
        "test $(A) != 4 || test -e {flag}",
        depends=["setup"],
        mark=True,
    ),
    step(
        "post",
        "cp ../../run_it/$(ROW_ID.label)/data.bin .; echo $(A) > result.txt",
        depends=["run it"],
        mark=True,
    ),
)
MODES = {"keep": {"save": "keep"}, "archive": {"save": "archive"}, "move": {"save": "move"}}


@pytest.fixture(scope="module", params=MODES)
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign of 6 rows in batches of 3, whose row 4 failed at first, and went well in batch 0002."""
    place = tmp_path_factory.mktemp(request.param)
    flag = place / "flag"
    write_table(place / "t.csv", ["a", "b"], [[str(row), f"it's {row}"] for row in range(6)])
    (place / "t.yaml.j2").write_text(STEPS.replace("{flag}", str(flag)))
    options = Options(template=place / "t.yaml.j2", batch_size=3, name="c")
    campaign = make_specs(place / "t.csv", place / "c", options).folder
    settings = {**MODES[request.param], "to": str(place / "far"), "keep_failed": False}
    run_campaign(campaign, settings)
    retry_failed(campaign)
    flag.touch()
    assert run_campaign(campaign, settings).rows.done == 6
    return campaign


def tree(folder: Path) -> dict[str, bytes | str | None]:
    """Return {path: content} of a folder: of links where they lead, of folders nothing."""
    found: dict[str, bytes | str | None] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = str(path.readlink())
        else:
            found[name] = None if path.is_dir() else path.read_bytes()
    return found


def own_files(folder: Path) -> dict[str, bytes | str | None]:
    """Return what the steps wrote, without Maestro's scripts and what these printed."""
    return {
        name: content
        for name, content in tree(folder).items()
        if not name.endswith((".sh", ".out", ".err", "_done"))
    }


def test_all_files_of_a_row(ran: Path, in_tmp: Path) -> None:
    fetched = fetch_row(ran, "2")
    assert fetched.target == Path("row_2")
    assert own_files(Path("row_2")) == {
        "post": None,
        "post/data.bin": b"\0\xff2",
        "post/result.txt": b"2\n",
        "run_it": None,
        "run_it/b\udcffd": b"",
        "run_it/data.bin": b"\0\xff2",
        "run_it/deep": None,
        "run_it/deep/b.txt": b"it's 2\n",
        "run_it/empty": b"",
        "run_it/near": "data.bin",
        "run_it/tool": b"true\n",
    }
    assert len(list(Path("row_2/post").glob("*.out"))) == 1
    assert os.access("row_2/run_it/tool", os.X_OK)
    assert not os.access("row_2/run_it/data.bin", os.X_OK)
    assert sorted(fetched.refused) == ["run_it/far", "run_it/mesh", "run_it/pipe"]
    assert fetched.what == "row 2"
    assert (fetched.files, fetched.nbytes) == (
        sum(path.is_file() and not path.is_symlink() for path in Path("row_2").rglob("*")),
        sum(
            path.lstat().st_size
            for path in Path("row_2").rglob("*")
            if path.is_file() and not path.is_symlink()
        ),
    )
    assert [path.name for path in in_tmp.iterdir()] == ["row_2"]


@pytest.mark.usefixtures("in_tmp")
def test_times_are_kept(ran: Path) -> None:
    fetch_row(ran, "2", to="one")
    fetch_row(ran, "2", to="two")
    assert Path("one/post/result.txt").stat().st_mtime_ns == Path("two/post/result.txt").stat().st_mtime_ns


@pytest.mark.parametrize(
    ("path", "name", "content"),
    [
        ("post/result.txt", "result.txt", b"2\n"),
        ("result.txt", "result.txt", b"2\n"),
        ("run it/data.bin", "data.bin", b"\0\xff2"),
        ("run_it/deep/b.txt", "b.txt", b"it's 2\n"),
        ("deep/b.txt", "b.txt", b"it's 2\n"),
        ("/run_it/empty", "empty", b""),
        ("b\udcffd", "b\udcffd", b""),
    ],
)
@pytest.mark.usefixtures("in_tmp")
def test_one_file(ran: Path, path: str, name: str, content: bytes) -> None:
    assert fetch_row(ran, "2", path).target == Path(name)
    assert Path(name).read_bytes() == content
    stream = io.BytesIO()
    fetched = fetch_row(ran, "2", path, to=stream)
    assert stream.getvalue() == content
    assert (fetched.target, fetched.files, fetched.nbytes) == (None, 1, len(content))
    fetch_row(ran, "2", path, to=Path("other"))
    assert Path("other").read_bytes() == content


@pytest.mark.usefixtures("in_tmp")
def test_a_step_or_folder(ran: Path) -> None:
    fetch_row(ran, "0", "post")
    assert own_files(Path("row_0")) == {"post": None, "post/data.bin": b"\0\xff0", "post/result.txt": b"0\n"}
    fetch_row(ran, "0", "run it/deep", to="there")
    assert tree(Path("there")) == {
        "run_it": None,
        "run_it/deep": None,
        "run_it/deep/b.txt": b"it's 0\n",
    }


def test_the_list(ran: Path) -> None:
    files = row_files(ran, "1")
    listed = {file.path: (file.kind, file.nbytes) for file in files.files}
    assert listed["run_it/deep/b.txt"] == ("f", 7)
    assert listed["run_it/deep"] == ("d", 0)
    assert listed["run_it/near"] == ("l", 0)
    assert listed["run_it/pipe"] == ("p", 0)
    assert list(listed) == sorted(listed, key=lambda path: (path.split("/")[0] != "run_it", path.split("/")))
    assert (files.what, files.note) == ("row 1", "")
    assert files.where.exists()


@pytest.mark.usefixtures("in_tmp")
def test_the_last_try_or_another(ran: Path) -> None:
    assert fetch_row(ran, "4", to="last").what == "row 4, attempt 2,"
    assert "post/result.txt" in tree(Path("last"))
    assert fetch_row(ran, "4", to="first", attempt=1).what == "row 4"
    assert "post/result.txt" not in tree(Path("first"))
    assert Path("first/run_it/data.bin").read_bytes() == b"\0\xff4"
    with pytest.raises(UserError, match="row 4 has no attempt 3: there are 2"):
        fetch_row(ran, "4", attempt=3)


@pytest.mark.usefixtures("in_tmp")
def test_any_file_of_a_batch(ran: Path) -> None:
    listed = [file.path for file in batch_files(ran, "0001").files]
    assert {"c_0001.1.log", "c_0001.1/setup/mesh.txt", "c_0001.1/run_it/row_5/deep/b.txt"} <= set(listed)
    assert fetch_batch(ran, "0001", "c_0001.1/setup/mesh.txt").target == Path("mesh.txt")
    assert Path("mesh.txt").read_text() == "mesh\n"
    fetch_batch(ran, "0001", "c_0001.1/run_it/row_5")
    assert Path("c_0001/c_0001.1/run_it/row_5/deep/b.txt").read_text() == "it's 5\n"
    fetched = fetch_batch(ran, "0001", to="all")
    assert Path("all/c_0001.1/run_it/row_5/mesh").readlink() == Path("../../setup/mesh.txt")
    assert sorted(name for name in fetched.refused if "row_5" in name) == [
        "c_0001.1/run_it/row_5/far",
        "c_0001.1/run_it/row_5/pipe",
    ]
    for path in ("nothing", "../c", "/etc/passwd", "c_0001.1/../../manifest.json"):
        with pytest.raises(GenstudyError):
            fetch_batch(ran, "0001", path)


@pytest.mark.parametrize(
    ("row", "path", "message"),
    [
        ("6", None, "there is no row '6'\n  ids are the rows' numbers, from 0: the first is 0, the last 5"),
        ("x", None, "there is no row 'x'"),
        ("row_5", None, "there is no row 'row_5' (did you mean '5'?)"),
        ("03", None, "there is no row '03' (did you mean '3'?)"),
        ("2", "data.bin", "more than one step has 'data.bin'\n  take one of run_it/data.bin, post/data.bin"),
        (
            "2",
            "result.tx",
            "row 2 has no file 'result.tx' (did you mean 'post/result.txt'?)\n  --list shows all",
        ),
        ("2", "post/nothing-like-it", "row 2 has no file 'post/nothing-like-it'"),
        ("2", "../manifest.json", "row 2 has no file '../manifest.json'"),
        ("2", "near", "run_it/near is a link to data.bin, not a file"),
        ("2", "pipe", "run_it/pipe is a FIFO, not a file"),
    ],
)
def test_what_is_not_there(ran: Path, in_tmp: Path, row: str, path: str | None, message: str) -> None:
    with pytest.raises(UserError) as refused:
        fetch_row(ran, row, path)
    assert message in str(refused.value)
    assert list(in_tmp.iterdir()) == []


@pytest.mark.usefixtures("in_tmp")
def test_nothing_is_written_over(ran: Path) -> None:
    fetch_row(ran, "2")
    with pytest.raises(UserError, match="the folder exists already"):
        fetch_row(ran, "2")
    Path("row_2/post/result.txt").write_text("mine")
    fetch_row(ran, "2", force=True)
    assert Path("row_2/post/result.txt").read_text() == "2\n"
    Path("row_2/post/notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"row_2: the folder holds what is not fetched now: post/notes.txt"):
        fetch_row(ran, "2", force=True)
    assert Path("row_2/post/notes.txt").read_text() == "mine"
    Path("file").write_text("mine")
    with pytest.raises(UserError, match="the file exists already"):
        fetch_row(ran, "2", "result.txt", to="file")
    fetch_row(ran, "2", "result.txt", to="file", force=True)
    assert Path("file").read_text() == "2\n"
    with pytest.raises(UserError, match="file: this is not a folder"):
        fetch_row(ran, "2", to="file", force=True)
    with pytest.raises(UserError, match="this is more than one file"):
        fetch_row(ran, "2", to=io.BytesIO())
    with pytest.raises(UserError, match="the folder nowhere does not exist"):
        fetch_row(ran, "2", "result.txt", to="nowhere/x")


def test_there_is_no_such_batch(ran: Path) -> None:
    with pytest.raises(UserError, match=r"there is no batch '002' \(did you mean '\d+'\?\)"):
        batch_files(ran, "002")
    with pytest.raises(UserError, match="not a campaign"):
        row_files(ran.parent, "2")


@pytest.mark.parametrize("ran", ["archive"], indirect=True)
def test_a_damaged_archive(ran: Path, tmp_path: Path) -> None:
    campaign = shutil.copytree(ran, tmp_path / "c")
    far = shutil.copytree(ran.parent / "far", tmp_path / "far")
    ledger = (campaign / "ledger/records-000001.jsonl").read_text()
    (campaign / "ledger/records-000001.jsonl").write_text(ledger.replace(str(ran.parent), str(tmp_path)))
    archive = far / "c_0000.tar.zst"
    whole = archive.read_bytes()
    archive.write_bytes(whole[:-100])
    with pytest.raises(ArchiveError, match="its end is missing"):
        row_files(campaign, "0")
    archive.write_bytes(b"x" * 2000 + whole[2000:])
    with pytest.raises(ArchiveError, match=r"frame 0 \(bytes .*\) is damaged"):
        fetch_row(campaign, "0", "result.txt", to=tmp_path / "result.txt")
    assert not (tmp_path / "result.txt").exists()
    archive.unlink()
    with pytest.raises(UserError, match="the archive of batch 0000 is missing"):
        row_files(campaign, "0")


def made_by_hand(campaign: Path, study: str, *rows: str) -> None:
    """Make workspaces of rows, as a step `run` would."""
    for row in rows:
        workspace = campaign / "runs" / study / "run" / f"row_{row}"
        workspace.mkdir(parents=True)
        (workspace / "out.txt").write_text(row)


def test_rows_that_have_not_ended(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path)
    with pytest.raises(UserError, match="row 4 has not ended yet: it is pending in batch 0001"):
        row_files(campaign, "4")
    with pytest.raises(UserError, match="batch 0001 has not been run yet: it is pending"):
        batch_files(campaign, "0001")
    with Ledger(campaign).own({}, no_news) as owner:
        owner.add(Started(t=1, batch="0001", study="c_0001.1", rows="3-5", whole=False))
        with pytest.raises(UserError, match="row 4 has not ended yet: it is being run in batch 0001"):
            row_files(campaign, "4")
    with pytest.raises(UserError, match="row 4 has not ended yet: it was cut short in batch 0001"):
        row_files(campaign, "4")
    made_by_hand(campaign, "c_0001.1", "4")
    files = batch_files(campaign, "0001")
    assert files.note == "it has not ended: there will be more"
    assert "c_0001.1/run/row_4/out.txt" in [file.path for file in files.files]


def test_while_a_row_is_tried_again(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path)
    pretend(campaign, [4])
    made_by_hand(campaign, "c_0001.1", "3", "4")
    retry_failed(campaign)
    note = "these are of attempt 1; the row is tried again in batch 0003"
    assert row_files(campaign, "4").note == note
    assert fetch_row(campaign, "4", to=tmp_path / "out").note == note
    assert row_files(campaign, "3").note == row_files(campaign, "4", attempt=1).note == ""
    with pytest.raises(UserError, match="row 4 has not ended yet: it is pending in batch 0003"):
        row_files(campaign, "4", attempt=2)


def test_the_study_in_which_a_row_ended(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path)
    with Ledger(campaign).own({}, no_news) as owner:
        for number, done in enumerate(("0", "1-2"), 1):
            study = f"c_0000.{number}"
            owner.add(Started(t=1, batch="0000", study=study, rows="0-2", whole=False))
            owner.add(Ended(t=2, batch="0000", study=study, how="killed", code=None, done=done, seconds=None))
    made_by_hand(campaign, "c_0000.1", "0", "1")
    made_by_hand(campaign, "c_0000.2", "1", "2")
    (campaign / "runs/c_0000.1/run/row_1/out.txt").write_text("cut short")
    fetch_row(campaign, "1", to=tmp_path / "1")
    assert (tmp_path / "1/run/out.txt").read_text() == "1"
    fetch_row(campaign, "0", to=tmp_path / "0")
    assert (tmp_path / "0/run/out.txt").read_text() == "0"


def test_workspaces_that_are_gone(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path)
    pretend(campaign, [4])
    with pytest.raises(UserError, match="row 3 is done, and its workspaces are missing"):
        row_files(campaign, "3")
    with pytest.raises(UserError, match="row 4 failed and left no files"):
        row_files(campaign, "4")


def test_no_link_is_followed_out_of_the_workspaces(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path)
    pretend(campaign, [])
    made_by_hand(campaign, "c_0000.1", "0")
    (campaign / "runs/c_0000.1/run").rename(tmp_path / "elsewhere")
    (campaign / "runs/c_0000.1/run").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(GenstudyError, match=r"'c_0000.1/run/row_0' leads out of this folder"):
        fetch_row(campaign, "0", to=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_names_that_lead_elsewhere_are_refused(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path)
    with Ledger(campaign).own({}, no_news) as owner:
        owner.add(Started(t=1, batch="0000", study="../../x", rows="0-2", whole=False))
    with pytest.raises(GenstudyError, match=r"'../../x', which is no folder's name"):
        batch_files(campaign, "0000")
    (tmp_path / "in").mkdir()
    (tmp_path / "in/file").write_text("x")
    stored = StoredFolder(tmp_path, ["in"])
    members = {member.path: member for member in stored.members()}
    for path in ("../x", "/x", "a//b", "a/./b"):
        with pytest.raises(GenstudyError, match="leads elsewhere"):
            write_folder(stored, [(path, members["in/file"])], tmp_path / "out", force=False)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name in {"x", "out"}) == []


def test_an_index_column(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", ["number", "id"], [[str(n), f"sample-{n}"] for n in range(9)])
    campaign = failing_campaign(
        tmp_path, index="id", variables={"command": "echo $(NUMBER.quoted) > out.txt; true #"}
    )
    run_campaign(campaign)
    assert fetch_row(campaign, "sample-7", to=tmp_path / "out").what == "row sample-7"
    assert (tmp_path / "out/run/out.txt").read_text() == "7\n"
    for row in ("7", "sample-9"):
        with pytest.raises(
            UserError, match=rf"there is no row '{row}'.*\n  ids stand in the column id: .*-0, "
        ):
            row_files(campaign, row)


def test_a_table_that_changed_is_noticed(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", ["number", "id"], [[str(n), f"sample-{n}"] for n in range(9)])
    campaign = failing_campaign(tmp_path, index="id", template="echo")
    pretend(campaign, [])
    table = campaign / "table.csv"
    table.write_text(table.read_text().replace("sample-4", "sample-x"))
    with pytest.raises(UserError, match="changed since the campaign was made"):
        row_files(campaign, "sample-x")


@pytest.mark.parametrize("save", ["keep", "archive"])
def test_inline(tmp_path: Path, save: str) -> None:
    write_table(tmp_path / "t.csv", ["number", "text"], [[str(n), f"t.{n}"] for n in range(4)])
    template_file = tmp_path / "t.yaml"
    template_file.write_text(
        "description: {name: n, description: d}\nstudy:\n    - name: one\n      description: d\n"
        "      run:\n          cmd: |\n              echo $(NUMBER) $(TEXT) > out.txt\n"
    )
    campaign = failing_campaign(tmp_path, template=str(template_file), inline=True, batch_size=2)
    run_campaign(campaign, {"save": save})
    fetch_row(campaign, "2", to=tmp_path / "out")
    assert (tmp_path / "out/one/out.txt").read_text() == "2 t.2\n"
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_failed_rows_come_out_of_the_archive_too(tmp_path: Path) -> None:
    campaign = failing_campaign(tmp_path, [4])
    run_campaign(campaign)
    assert state_of(campaign).tally.failed == 1
    fetched = fetch_row(campaign, "4", "values.bin", to=tmp_path / "v")
    assert (tmp_path / "v").read_bytes() == b"4\0#\0"
    assert fetched.where == campaign / "archive/c_0001.tar.zst"

"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from genstudy import files
from genstudy.errors import UserError
from genstudy.files import check_new_folder, named_errors, sha256_of, whole_file, whole_folder

pytestmark = pytest.mark.usefixtures("in_tmp")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refusal(caught: pytest.ExceptionInfo[UserError]) -> str:
    return str(caught.value)


def anything(folder: Path) -> None:
    """Let anything be replaced."""


def test_a_file_appears_when_it_is_whole(in_tmp: Path) -> None:
    with whole_file(Path("a.csv")) as stream:
        stream.write(b"half")
        assert "a.csv" not in names(in_tmp)
        stream.write(b" and half")
    assert Path("a.csv").read_bytes() == b"half and half"
    assert names(in_tmp) == ["a.csv"]


def test_a_file_has_the_rights_that_files_have_here() -> None:
    Path("plain").touch()
    with whole_file(Path("whole")):
        pass
    assert stat.S_IMODE(Path("whole").stat().st_mode) == stat.S_IMODE(Path("plain").stat().st_mode)


def test_an_error_midway_leaves_what_was_there(in_tmp: Path) -> None:
    Path("a.csv").write_text("before")
    with pytest.raises(ZeroDivisionError), whole_file(Path("a.csv"), force=True) as stream:
        stream.write(b"%d" % (1 // 0))
    assert Path("a.csv").read_text() == "before"
    assert names(in_tmp) == ["a.csv"]


def test_a_file_that_exists_is_replaced_on_demand_only() -> None:
    Path("a.csv").write_text("before")
    with pytest.raises(UserError) as caught, whole_file(Path("a.csv")):
        pass
    assert refusal(caught) == ("a.csv: the file exists already\n  pass --force to replace it, or another -o")
    with whole_file(Path("a.csv"), force=True) as stream:
        stream.write(b"after")
    assert Path("a.csv").read_text() == "after"


def test_places_where_no_file_can_be() -> None:
    Path("folder").mkdir()
    with pytest.raises(UserError) as caught, whole_file(Path("folder"), force=True):
        pass
    assert refusal(caught) == "folder: this is a folder, not a file"
    with pytest.raises(UserError) as caught, whole_file(Path("no/a.csv")):
        pass
    assert refusal(caught) == "no/a.csv: the folder no does not exist\n  make it first: mkdir -p no"


def test_a_full_disk_leaves_what_was_there(in_tmp: Path) -> None:
    Path("a.csv").write_text("before")
    code = """
import resource, signal
from pathlib import Path
from genstudy.files import whole_file
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    with whole_file(Path("a.csv"), force=True) as stream:
        stream.write(bytes(5000))
except OSError as problem:
    print(problem.strerror)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "File too large\n"
    assert Path("a.csv").read_text() == "before"
    assert names(in_tmp) == ["a.csv"]


def test_a_folder_appears_when_it_is_whole(in_tmp: Path) -> None:
    with whole_folder(Path("out")) as folder:
        (folder / "a").write_text("1")
        assert not Path("out").exists()
    assert names(Path("out")) == ["a"]
    assert names(in_tmp) == ["out"]


def test_an_error_midway_leaves_the_folder_that_was_there(in_tmp: Path) -> None:
    Path("out").mkdir()
    Path("out/before").touch()
    with pytest.raises(ZeroDivisionError), whole_folder(Path("out"), may_replace=anything) as folder:
        (folder / "after").write_bytes(b"%d" % (1 // 0))
    assert names(Path("out")) == ["before"]
    assert names(in_tmp) == ["out"]


def test_a_folder_that_cannot_take_its_name_leaves_the_one_that_was_there(in_tmp: Path) -> None:
    Path("out").mkdir()
    Path("out/before").touch()
    with pytest.raises(UserError) as caught, whole_folder(Path("out"), may_replace=anything) as folder:
        folder.rmdir()
    assert refusal(caught) == "out: cannot be written: No such file or directory\n  choose another place"
    assert names(Path("out")) == ["before"]
    assert names(in_tmp) == ["out"]


def test_a_file_has_the_name_of_the_folder(in_tmp: Path) -> None:
    Path("beam").write_text("a program")
    with pytest.raises(UserError) as caught, whole_folder(Path("beam")):
        pass
    assert refusal(caught) == "beam: it exists already, and is not a folder\n  choose another -o"
    assert names(in_tmp) == ["beam"]


def test_a_folder_is_replaced_on_demand_only(in_tmp: Path) -> None:
    Path("out").mkdir()
    Path("out/before").touch()
    with pytest.raises(UserError) as caught, whole_folder(Path("out")):
        pass
    assert refusal(caught) == ("out: the folder exists already\n  pass --force to replace it, or another -o")
    with whole_folder(Path("out"), may_replace=anything) as folder:
        (folder / "after").touch()
    assert names(Path("out")) == ["after"]
    assert names(in_tmp) == ["out"]


def test_places_where_no_folder_can_be() -> None:
    Path("link").symlink_to("nowhere")
    Path("file").touch()
    for name in ("link", "file"):
        with pytest.raises(UserError, match="exists already"):
            check_new_folder(Path(name))
    with pytest.raises(UserError) as caught:
        check_new_folder(Path("no/out"))
    assert refusal(caught) == "no/out: the folder no does not exist\n  make it first: mkdir -p no"


def test_the_hash_of_a_file() -> None:
    data = os.urandom(100_000)
    Path("a").write_bytes(data)
    assert sha256_of(Path("a")) == hashlib.sha256(data).hexdigest()


def test_a_folder_that_appears_meanwhile_stays(in_tmp: Path) -> None:
    with pytest.raises(UserError) as caught, whole_folder(Path("out")):
        Path("out/precious").mkdir(parents=True)
    assert refusal(caught) == "out: the folder has appeared meanwhile\n  choose another -o"
    assert names(Path("out")) == ["precious"]
    assert names(in_tmp) == ["out"]


def test_a_link_that_appears_meanwhile_stays(in_tmp: Path) -> None:
    with pytest.raises(UserError, match="appeared meanwhile"), whole_folder(Path("out")):
        Path("out").symlink_to("nowhere")
    assert names(in_tmp) == ["out"]


def test_what_is_added_to_a_folder_meanwhile_stays(in_tmp: Path) -> None:
    def only_before(folder: Path) -> None:
        if names(folder) != ["before"]:
            raise UserError("more than before", where=str(folder / "x"))

    Path("out").mkdir()
    Path("out/before").touch()
    with pytest.raises(UserError) as caught, whole_folder(Path("out"), may_replace=only_before):
        Path("out/results").touch()
    assert refusal(caught) == "out/x: more than before"
    assert names(Path("out")) == ["before", "results"]
    assert names(in_tmp) == ["out"]
    Path("out/results").unlink()
    with whole_folder(Path("out"), may_replace=only_before) as folder:
        (folder / "after").touch()
    assert names(Path("out")) == ["after"]
    assert names(in_tmp) == ["out"]


def test_a_file_that_appears_meanwhile_stays(in_tmp: Path) -> None:
    with pytest.raises(UserError, match="exists already"), whole_file(Path("a.csv")):
        Path("a.csv").write_text("precious")
    assert Path("a.csv").read_text() == "precious"
    assert names(in_tmp) == ["a.csv"]


def test_the_part_of_another_process_stays(in_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_sibling", lambda path, word: path.with_name(f".{path.name}.{word}"))
    Path(".a.csv.part").write_text("of another")
    with pytest.raises(FileExistsError), whole_file(Path("a.csv")):
        pass
    assert Path(".a.csv.part").read_text() == "of another"
    Path(".out.part").mkdir()
    with pytest.raises(UserError, match="cannot be written"), whole_folder(Path("out")):
        pass
    assert names(in_tmp) == [".a.csv.part", ".out.part"]


def test_two_processes_with_one_number_have_parts_of_their_own() -> None:
    with whole_file(Path("a"), force=True), whole_file(Path("a"), force=True):
        assert len(names(Path())) == 2


def test_places_with_blanks_are_quoted_in_the_way_out() -> None:
    with pytest.raises(UserError) as caught, whole_file(Path("no such/a.csv")):
        pass
    assert refusal(caught).endswith("make it first: mkdir -p 'no such'")


LONG = "n" * 254


def test_what_the_file_system_refuses_names_the_target(in_tmp: Path) -> None:
    with pytest.raises(OSError, match="File name too long") as problem, whole_file(Path(LONG)):
        pass
    assert problem.value.filename == LONG
    with pytest.raises(UserError) as caught, whole_folder(Path(LONG)):
        pass
    assert refusal(caught) == f"{LONG}: cannot be written: File name too long\n  choose another place"
    Path("folder").mkdir()
    with (
        pytest.raises(UserError, match=r"^folder: cannot be written: File name"),
        named_errors(Path("folder")),
    ):
        Path("folder", "x" * 300).touch()
    Path("folder").rmdir()
    assert names(in_tmp) == []


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.EACCES, "choose a folder that you may write to"),
        (errno.ENOSPC, "make room there, or choose another place; nothing was left there"),
        (errno.EIO, "choose another place"),
    ],
)
def test_what_goes_wrong_inside_of_a_folder_names_the_target(in_tmp: Path, number: int, hint: str) -> None:
    with pytest.raises(UserError) as caught, whole_folder(Path("out")) as folder:
        raise OSError(number, os.strerror(number), str(folder / "a"))
    assert refusal(caught) == f"out: cannot be written: {os.strerror(number)}\n  {hint}"
    assert names(in_tmp) == []


def test_other_errors_keep_their_own_place() -> None:
    with pytest.raises(FileNotFoundError) as problem, whole_folder(Path("out")):
        Path("elsewhere").read_bytes()
    assert problem.value.filename == "elsewhere"
    with pytest.raises(BrokenPipeError), whole_folder(Path("out")):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


def test_a_folder_without_a_name_of_its_own() -> None:
    with pytest.raises(UserError, match="call it by its name"), whole_folder(Path(), may_replace=anything):
        pass

"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from genstudy.errors import UserError
from genstudy.files import check_new_folder, sha256_of, whole_file, whole_folder

pytestmark = pytest.mark.usefixtures("in_tmp")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refusal(caught: pytest.ExceptionInfo[UserError]) -> str:
    return str(caught.value)


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
    with pytest.raises(ZeroDivisionError), whole_folder(Path("out"), replace=True) as folder:
        (folder / "after").write_bytes(b"%d" % (1 // 0))
    assert names(Path("out")) == ["before"]
    assert names(in_tmp) == ["out"]


def test_a_folder_that_cannot_take_its_name_leaves_the_one_that_was_there(in_tmp: Path) -> None:
    Path("out").mkdir()
    Path("out/before").touch()
    with pytest.raises(FileNotFoundError), whole_folder(Path("out"), replace=True) as folder:
        folder.rmdir()
    assert names(Path("out")) == ["before"]
    assert names(in_tmp) == ["out"]


def test_a_folder_is_replaced_on_demand_only(in_tmp: Path) -> None:
    Path("out").mkdir()
    Path("out/before").touch()
    with pytest.raises(UserError) as caught, whole_folder(Path("out")):
        pass
    assert refusal(caught) == ("out: the folder exists already\n  pass --force to replace it, or another -o")
    with whole_folder(Path("out"), replace=True) as folder:
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

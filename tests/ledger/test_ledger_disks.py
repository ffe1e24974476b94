"""A ledger on a disk that is full, that may only be read, or that belongs to others."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from itertools import count
from pathlib import Path

import pytest

from genstudy.errors import UserError
from genstudy.ledger.lease import Ownership
from genstudy.ledger.ledger import Ledger
from tests.ledger.owners import NEVER, cleared, events, killed_after, lefts, no_news, rewrite_owner

LIMITED = """
import os, resource, signal, sys
from pathlib import Path
from genstudy.ledger.ledger import Ledger
from tests.ledger.owners import cleared, no_news
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
records = Path(sys.argv[1], "ledger/records-000001.jsonl")
with Ledger(Path(sys.argv[1])).own({}, no_news) as owner:
    owner.add(cleared(1))
    before = records.read_bytes()
    for room in (0, 1, 10, 30):
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + room, resource.RLIM_INFINITY))
        try:
            owner.add(cleared(2))
        except OSError as problem:
            print(problem.strerror, problem.filename == str(records), records.read_bytes() == before)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    owner.add(cleared(3))
"""


def test_a_record_that_does_not_fit_leaves_no_trace(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, tmp_path],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout == "File too large True True\n" * 4
    assert lefts(tmp_path) == [1, 3]
    assert events(tmp_path) == ["Owned", "Cleared", "Cleared", "Stopped"]


def mount(folder: Path, options: str) -> bool:
    if os.geteuid() != 0 or not shutil.which("mount"):
        return False
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """Give a file system of its own, of 64 kB and a few files."""
    folder = tmp_path / "small"
    folder.mkdir()
    if not mount(folder, "size=64k,nr_inodes=12"):
        pytest.skip("needs the right to mount")
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(path: Path) -> None:
    with suppress(OSError), path.open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(4096))


def fill_inodes(folder: Path) -> None:
    with suppress(OSError):
        for number in count():
            (folder / f"inode{number}").mkdir()


def add_until_full(owner: Ownership, first: int = 0) -> None:
    for number in count(first):
        owner.add(cleared(number))


def test_an_owner_lives_through_a_full_disk(small: Path) -> None:
    with Ledger(small, beat=0.001).own({}, no_news) as owner:
        fill(small / "ballast")
        with pytest.raises(OSError, match="No space left") as caught:
            add_until_full(owner)
        assert caught.value.filename == str(small / "ledger/records-000001.jsonl")
        written = len(lefts(small))
        assert lefts(small) == list(range(written))
        beat = small / "ledger/owner-000001.beat"
        before = beat.read_bytes()
        while beat.read_bytes() == before:
            pass
        assert owner.trouble is None
        (small / "ballast").unlink()
        owner.add(cleared(written))
        assert lefts(small) == list(range(written + 1))
        fill(small / "ballast")
    assert events(small)[-1] == "Stopped"


def test_a_full_disk_stops_an_owner_that_cannot_say_so(small: Path) -> None:
    owner = Ledger(small).own({}, no_news)
    fill(small / "ballast")
    with pytest.raises(OSError, match="No space left"), owner:
        add_until_full(owner)
    assert events(small)[-1] == "Cleared"
    (small / "ballast").unlink()
    rewrite_owner(small, pid=2**30)
    with Ledger(small, patience=NEVER).own({}, no_news) as owner:
        assert owner.generation == 2


@pytest.mark.parametrize("left", range(6))
def test_whatever_file_is_one_too_many_leaves_the_ledger_free(small: Path, left: int) -> None:
    """In the same process too: it lives on, and its owner file would keep everybody out."""
    fill_inodes(small)
    for number in range(left):
        (small / f"inode{number}").rmdir()
    here = Ledger(small, patience=NEVER)
    needed = 4  # the folder, and an owner's three files
    with nullcontext() if left >= needed else pytest.raises(OSError, match=r"No space left.*/ledger[^>]*$"):
        here.own({}, no_news).__exit__(None, None, None)
    for folder in small.glob("inode*"):
        folder.rmdir()
    with here.own({}, no_news) as owner:
        owner.add(cleared(7))
    assert lefts(small) == [7]


def test_a_disk_that_is_full_at_the_start(small: Path) -> None:
    (small / "ledger").mkdir()
    fill(small / "ballast")
    with pytest.raises(OSError, match="No space left") as caught:
        Ledger(small).own({}, no_news)
    assert caught.value.filename == str(small / "ledger/owner-000001.json")
    assert list((small / "ledger").iterdir()) == []


def test_a_disk_that_may_only_be_read(small: Path) -> None:
    killed_after(small, cleared(1))
    subprocess.run(["mount", "-o", "remount,ro", small], check=True)
    assert lefts(small) == [1]
    assert Ledger(small).owner() is None
    with pytest.raises(OSError, match="Read-only") as caught:
        Ledger(small, patience=NEVER).own({}, no_news)
    assert caught.value.filename == str(small / "ledger/owner-000002.json")


REFUSED = """
import os
from pathlib import Path
from genstudy.ledger.ledger import Ledger
from tests.ledger.owners import no_news
here = Ledger(Path("."))
os.chdir(os.environ["THERE"])
if os.geteuid() == 0:
    os.setegid(65534)
    os.seteuid(65534)
for use in (lambda: here.own({}, no_news), lambda: list(here.records())):
    try:
        use()
    except PermissionError as problem:
        print(problem.filename)
"""


@pytest.mark.parametrize(
    ("folder", "records", "refused"),
    [
        (0o755, 0o200, ["ledger/records-000001.jsonl"] * 2),
        (0o555, 0o644, ["ledger/owner-000002.json"]),
        (0o300, 0o644, ["ledger"] * 2),
    ],
)
def test_a_ledger_of_others(tmp_path: Path, folder: int, records: int, refused: list[str]) -> None:
    path = killed_after(tmp_path, cleared(1))
    tmp_path.chmod(0o755)
    path.chmod(records)
    path.parent.chmod(folder)
    done = subprocess.run(
        [sys.executable, "-c", REFUSED],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "THERE": str(tmp_path)},
    )
    path.parent.chmod(0o755)
    assert done.stdout.splitlines() == refused


def test_an_owner_that_could_not_say_it_stopped_is_not_in_its_own_way(small: Path) -> None:
    owner = Ledger(small).own({}, no_news)
    fill(small / "ballast")
    with pytest.raises(OSError, match="No space left"), owner:
        add_until_full(owner)
    (small / "ballast").unlink()
    assert events(small)[-1] != "Stopped"
    assert Ledger(small).owner() is None
    with Ledger(small, patience=NEVER).own({}, no_news) as owner:
        assert owner.generation == 2
        with pytest.raises(UserError, match=f"process {os.getpid()} of "):
            Ledger(small, patience=NEVER).own({}, no_news)

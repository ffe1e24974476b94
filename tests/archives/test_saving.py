"""Studies saved and cleared: nothing is lost, nothing else is deleted, whatever goes wrong on the way."""

# Names are bytes here.
# ruff: noqa: PTH118, PTH123

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from genstudy.archives.format import ArchiveError
from genstudy.archives.moving import list_line, list_of, read_list
from genstudy.archives.read import Archive
from genstudy.archives.saving import Saving, clear, save
from genstudy.archives.trees import Changed, Interrupted, count_entries, text_of
from genstudy.archives.verify import verify_archive
from genstudy.archives.write import write_archive
from genstudy.errors import GenstudyError, RunError, UserError
from tests.archives.trees import NASTY_NAMES, PATHS, TREES, Facts, Node, Tree, contents, make_tree

MODES = ("archive", "move")
NAME = "beam_0003"


class Batch:
    """The studies of a batch in a campaign's folder, and where they are saved."""

    def __init__(self, folder: Path) -> None:
        self.campaign, self.runs, self.target = folder / "c", folder / "c/runs", folder / "c/archive"
        self.outside = folder / "outside"
        self.studies = [self.runs / f"{NAME}.1", self.runs / f"{NAME}.2"]

    @property
    def parts(self) -> list[Path]:
        """What there is of the batch."""
        return sorted(self.runs.iterdir(), reverse=True)

    def save(self, mode: Any, **options: Any) -> Saving:
        """Save the batch."""
        return save(self.parts, **{"mode": mode, "target": self.target, "name": NAME, **options})

    def clear(self, mode: Any, saved: Saving, **options: Any) -> int:
        """Clear the batch."""
        assert saved.path is not None
        given = {"mode": mode, "saved": saved.path, "keep": (), "sha256": saved.sha256, **options}
        return clear(self.runs, self.parts, **given)

    def contents(self) -> dict[bytes, Facts]:
        """Return all that is in the folder of studies, and outside of the campaign."""
        return contents(self.runs) | contents(self.outside)


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    """Give a batch of two studies, with links to the outside, locked folders and odd names."""
    batch = Batch(tmp_path)
    batch.runs.mkdir(parents=True)
    make_tree(batch.outside, {b"precious": Node(data=b"precious"), b"folder/file": Node(data=b"too")})
    tree: Tree = {
        b"simulate/row_%d/%s" % (row, name): Node(data=b"%d of %s" % (row, name))
        for row in range(6)
        for name in (b"simulate.sh", b"simulate.out", b"new\nline\\")
    }
    tree |= {
        b"simulate/row_3/to_file": Node("l", os.fsencode(batch.outside / "precious")),
        b"simulate/row_3/to_folder": Node("l", os.fsencode(batch.outside / "folder")),
        b"simulate/row_3/loop": Node("l", b"."),
        b"simulate/row_3/fifo": Node("p"),
        b"simulate/row_4/locked/inner/file": Node(data=b"locked", mode=0o444),
        b"simulate/row_5/empty": Node("d"),
        b"meta/tool": Node(data=b"#!/bin/sh\n", mode=0o755),
    }
    make_tree(batch.studies[0], tree)
    make_tree(batch.studies[1], {b"simulate/row_1/simulate.sh": Node(data=b"again")})
    for path in ("locked/inner", "locked"):
        (batch.studies[0] / "simulate/row_4" / path).chmod(0o555)
    for study in batch.studies:
        study.with_name(study.name + ".log").write_text("Maestro said\n")
    batch.studies[1].with_name(f"{NAME}.2.rows").write_text("1\n")
    return batch


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


class Once:
    """Does something when it is asked for the n-th time whether to stop; asks nobody to stop."""

    def __init__(self, count: int, act: Callable[[], object]) -> None:
        self.asked, self.count, self._act = 0, count, act

    def __call__(self) -> bool:
        self.asked += 1
        if self.asked == self.count:
            self._act()
        return False


def asked_of(run: Callable[[Once], object]) -> int:
    """Return how often a call asks whether to stop."""
    counter = Once(-1, int)
    run(counter)
    return counter.asked


# Saving


def test_an_archive_of_a_batch(batch: Batch) -> None:
    before = batch.contents()
    saved = batch.save("archive")
    assert batch.contents() == before
    assert saved.path == batch.target / f"{NAME}.tar.zst"
    assert saved.nbytes == saved.path.stat().st_size
    assert saved.sha256 == hashlib.sha256(saved.path.read_bytes()).hexdigest()
    assert (
        saved.entries == sum(count_entries(part)[0] for part in batch.parts) == len(contents(batch.runs)) - 1
    )
    assert saved.content == sum(count_entries(part)[1] for part in batch.parts)
    assert names(batch.target) == [f"{NAME}.tar.zst"]
    verify_archive(saved.path, saved.sha256)
    (batch.campaign / "out").mkdir()
    subprocess.run(["tar", "--zstd", "-xpf", saved.path, "-C", batch.campaign / "out"], check=True)
    unpacked = contents(batch.campaign / "out")
    assert {path.partition(b"/")[2]: facts for path, facts in unpacked.items() if b"/" in path} == {
        path.partition(b"/")[2]: facts for path, facts in contents(batch.runs).items() if b"/" in path
    }


def test_a_batch_moved(batch: Batch) -> None:
    before = batch.contents()
    saved = batch.save("move")
    assert batch.contents() == before
    assert saved.path == batch.target / NAME
    assert names(batch.target) == [NAME, f"{NAME}.sha256"]
    assert saved.sha256 == hashlib.sha256(list_of(saved.path).read_bytes()).hexdigest()
    assert saved.entries == sum(count_entries(part)[0] for part in batch.parts)
    assert saved.content == saved.nbytes == sum(count_entries(part)[1] for part in batch.parts)
    moved = {path.partition(b"/")[2]: facts for path, facts in contents(saved.path).items() if b"/" in path}
    assert moved == {
        path.partition(b"/")[2]: facts for path, facts in contents(batch.runs).items() if b"/" in path
    }
    for path in contents(batch.studies[0]):
        ours = os.lstat(os.path.join(os.fsencode(batch.runs), path))
        theirs = os.lstat(os.path.join(os.fsencode(saved.path), path))
        if not stat.S_ISLNK(ours.st_mode) and not stat.S_ISFIFO(ours.st_mode):
            assert ours.st_mtime_ns == theirs.st_mtime_ns, path
    checked = subprocess.run(
        ["sha256sum", "-c", f"{NAME}.sha256"], cwd=batch.target, capture_output=True, text=True, check=True
    )
    files = sum(1 for facts in contents(batch.runs).values() if facts[0] == stat.S_IFREG)
    assert checked.stdout.count(": OK\n") == files


def test_a_batch_kept(batch: Batch) -> None:
    before = batch.contents()
    saved = batch.save("keep")
    assert (saved.path, saved.sha256) == (None, None)
    assert saved.entries == len(contents(batch.runs)) - 1
    assert saved.content == saved.nbytes > 0
    assert batch.contents() == before
    assert not batch.target.exists()
    with pytest.raises(GenstudyError, match="may not be deleted"):
        clear(batch.runs, batch.parts, mode="keep", saved=batch.runs, keep=())
    assert batch.contents() == before


@pytest.mark.parametrize("mode", MODES)
def test_nothing_to_save(batch: Batch, mode: str) -> None:
    saved = batch.save(mode, name="beam_0004")
    shutil.rmtree(batch.runs)
    batch.runs.mkdir()
    saved = batch.save(mode)
    assert (saved.entries, saved.content) == (0, 0)
    assert batch.save(mode) == saved
    assert batch.clear(mode, saved) == 0


@given(st.lists(PATHS, max_size=8))
@example(NASTY_NAMES)
@example([b"\\", b"\n", b"\r", b"a\\n", b"\\\\n", b"\\r\n"])
def test_lists_of_checksums_are_those_of_sha256sum(paths: list[bytes]) -> None:
    digest = hashlib.sha256(b"x").hexdigest()
    lines = [list_line(digest, path) for path in paths]
    assert list(read_list(lines)) == [(digest, path) for path in paths]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / NAME).mkdir()
        plain = sorted({path for path in paths if b"/" not in path})
        listed = [os.fsencode(NAME) + b"/" + path for path in plain]
        for path in listed:
            with open(os.path.join(os.fsencode(folder), path), "wb") as stream:
                stream.write(b"x")
        if listed:
            command = [b"sha256sum", *listed]
            theirs = subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout
            assert theirs == b"".join(list_line(digest, path) for path in listed)


# Clearing


@pytest.mark.parametrize("mode", MODES)
def test_what_was_saved_is_cleared_and_nothing_else(batch: Batch, mode: str) -> None:
    outside = contents(batch.outside)
    saved = batch.save(mode)
    assert batch.clear(mode, saved) == 0
    assert names(batch.runs) == []
    assert contents(batch.outside) == outside
    assert batch.clear(mode, saved) == 0


@pytest.mark.parametrize("mode", MODES)
def test_workspaces_of_failed_rows_stay(batch: Batch, mode: str) -> None:
    before = contents(batch.runs)
    saved = batch.save(mode)
    kept = [f"{NAME}.1/simulate/row_3", f"{NAME}.1/simulate/row_4/", f"{NAME}.2/simulate/row_99", "no/such"]
    expected = {
        path: facts
        for path, facts in before.items()
        if b".1/simulate/row_3" in path or b".1/simulate/row_4" in path
    }
    for _ in range(2):
        left = batch.clear(mode, saved, keep=kept)
        found = contents(batch.runs)
        assert left == len(expected) + 2 == len(found) - 1
        assert {path: found[path] for path in expected} == expected
        assert names(batch.runs) == [f"{NAME}.1"]
    assert batch.clear(mode, saved, keep=()) == 0


@pytest.mark.parametrize("mode", MODES)
def test_what_changed_in_a_workspace_that_stays_does_not_matter(batch: Batch, mode: str) -> None:
    saved = batch.save(mode)
    (batch.studies[0] / "simulate/row_3/notes").write_text("looked at")
    assert batch.clear(mode, saved, keep=[f"{NAME}.1/simulate/row_3"]) == 11
    assert (batch.studies[0] / "simulate/row_3/notes").exists()


def rewrite(path: Path) -> None:
    """Write other content of the same size, at another time."""
    data = path.read_bytes()
    path.write_bytes(bytes(byte ^ 1 for byte in data))
    os.utime(path, ns=(1, 1))


def replace_by(kind: str) -> Callable[[Path], None]:
    def replace(path: Path) -> None:
        path.unlink()
        if kind == "link":
            path.symlink_to("/etc/passwd")
        elif kind == "folder":
            path.mkdir()
        else:
            os.mkfifo(path)

    return replace


def relink(path: Path) -> None:
    link = path.with_name("to_file")
    link.unlink()
    link.symlink_to("elsewhere")


CHANGES: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "grown": ("row_2/simulate.out", lambda path: path.write_text("more than before"), "has changed"),
    "emptied": ("row_2/simulate.out", lambda path: path.write_text(""), "has changed"),
    "rewritten": ("row_2/simulate.out", rewrite, "has changed"),
    "now a link": ("row_2/simulate.out", replace_by("link"), "has become something else"),
    "now a folder": ("row_2/simulate.out", replace_by("folder"), "has become something else"),
    "now a FIFO": ("row_2/simulate.out", replace_by("fifo"), "has become something else"),
    "new file": ("row_5/new", lambda path: path.write_text("new"), "was not saved with"),
    "new empty file": ("row_5/empty/new", lambda path: path.touch(), "was not saved with"),
    "new folder": ("row_6", lambda path: path.mkdir(), "was not saved with"),
    "new link": ("row_0/link", lambda path: path.symlink_to("x"), "was not saved with"),
    "link leads elsewhere": ("row_3/simulate.sh", relink, "has changed"),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_since_keeps_all_of_the_batch(batch: Batch, mode: str, change: str) -> None:
    saved = batch.save(mode)
    place, act, problem = CHANGES[change]
    act(batch.studies[0] / "simulate" / place)
    before = batch.contents()
    with pytest.raises(Changed, match=f"{problem}.*; nothing was deleted"):
        batch.clear(mode, saved)
    assert batch.contents() == before


@pytest.mark.parametrize("mode", MODES)
def test_a_log_that_was_written_to_keeps_all_of_the_batch(batch: Batch, mode: str) -> None:
    saved = batch.save(mode)
    with (batch.runs / f"{NAME}.2.log").open("a") as stream:
        stream.write("one more line\n")
    before = batch.contents()
    with pytest.raises(Changed, match=rf"runs/{NAME}\.2\.log has changed since its batch was saved; nothing"):
        batch.clear(mode, saved)
    assert batch.contents() == before


@pytest.mark.parametrize("mode", MODES)
def test_a_file_of_another_time_and_the_same_content_is_the_same(batch: Batch, mode: str) -> None:
    saved = batch.save(mode)
    for path in batch.runs.rglob("simulate.sh"):
        os.utime(path)
    assert batch.clear(mode, saved) == 0


@pytest.mark.parametrize("mode", MODES)
def test_what_is_missing_was_deleted_before(batch: Batch, mode: str) -> None:
    saved = batch.save(mode)
    shutil.rmtree(batch.studies[0] / "simulate/row_1")
    (batch.runs / f"{NAME}.1.log").unlink()
    assert batch.clear(mode, saved) == 0
    assert names(batch.runs) == []


@pytest.mark.parametrize("mode", MODES)
def test_a_clearing_that_was_interrupted_goes_on(batch: Batch, mode: str, tmp_path: Path) -> None:
    saved = batch.save(mode)
    total = asked_of(
        lambda counter: Batch.clear(copied(batch, tmp_path / "trial"), mode, saved, stop=counter)
    )
    outside = contents(batch.outside)
    for count in (1, total // 2, total // 2 + 5, total - 20, total - 1):
        work = copied(batch, tmp_path / f"at{count}")
        before = contents(work.runs)
        asked = iter(range(count))
        with pytest.raises(Interrupted):
            work.clear(mode, saved, stop=lambda asked=asked: next(asked, None) is None)
        assert (contents(work.runs) == before) == (count <= total // 2)
        assert work.clear(mode, saved) == 0
        assert names(work.runs) == []
    assert contents(batch.outside) == outside


def copied(batch: Batch, folder: Path) -> Batch:
    """Return a batch of the same files, with their times."""
    folder.mkdir()
    subprocess.run(["cp", "-a", batch.runs.parent, folder], check=True)
    return Batch(folder)


def as_child(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    head = """
import os, signal, sys
from pathlib import Path
from genstudy.archives.saving import clear, save
class Death:
    def __init__(self, count): self.left = count
    def __call__(self):
        self.left -= 1
        if self.left == 0: os.kill(os.getpid(), signal.SIGKILL)
        return False
runs, target, mode, count = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
"""
    command = [sys.executable, "-c", head + code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("mode", MODES)
def test_a_process_killed_while_it_saves(batch: Batch, mode: str) -> None:
    before = batch.contents()
    entries = len(contents(batch.runs)) - 1
    code = f'save(list(runs.iterdir()), mode=mode, target=target, name="{NAME}", own=True, stop=Death(count))'
    for count in (1, entries // 2, entries, entries + 1, entries + 20):
        done = as_child(code, batch.runs, batch.target, mode, count)
        assert done.returncode in {-signal.SIGKILL, 0}, done.stderr
        assert all(
            name.startswith(".") or done.returncode == 0 or mode == "archive" for name in names(batch.target)
        )
        assert batch.contents() == before
    assert batch.target.exists()
    saved = batch.save(mode, own=True)
    assert names(batch.target) == [f"{NAME}.tar.zst"] if mode == "archive" else [NAME, f"{NAME}.sha256"]
    assert batch.clear(mode, saved) == 0


@pytest.mark.parametrize("mode", MODES)
def test_a_process_killed_while_it_clears(batch: Batch, mode: str) -> None:
    saved = batch.save(mode)
    entries = len(contents(batch.runs)) - 1
    outside = contents(batch.outside)
    code = "clear(runs, list(runs.iterdir()), mode=mode, saved=target, keep=(), stop=Death(count))"
    done = as_child(code, batch.runs, saved.path, mode, entries + entries // 2)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert 1 < len(contents(batch.runs)) < entries
    assert batch.clear(mode, saved) == 0
    assert names(batch.runs) == []
    assert contents(batch.outside) == outside


@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_cleared_without_what_was_saved(batch: Batch, mode: str) -> None:
    saved = batch.save(mode)
    assert saved.path is not None
    before = batch.contents()
    with pytest.raises(
        RunError, match=f"its SHA-256 is [0-9a-f]{{64}}, and {'0' * 64} was recorded; nothing"
    ):
        batch.clear(mode, saved, sha256="0" * 64)
    proof = saved.path if mode == "archive" else list_of(saved.path)
    data = proof.read_bytes()
    proof.write_bytes(data[:-1])
    with pytest.raises(RunError, match="was recorded; nothing was deleted"):
        batch.clear(mode, saved)
    proof.unlink()
    with pytest.raises(UserError, match=r"cannot be read \(No such file or directory\); nothing was deleted"):
        batch.clear(mode, saved)
    assert batch.contents() == before


def test_nothing_is_cleared_without_the_copies(batch: Batch) -> None:
    saved = batch.save("move")
    assert saved.path is not None
    victim = saved.path / f"{NAME}.1" / "simulate/row_1/simulate.sh"
    victim.unlink()
    before = batch.contents()
    with pytest.raises(GenstudyError, match=r"row_1/simulate.sh was not saved with its batch; nothing was"):
        batch.clear("move", saved)
    shutil.rmtree(saved.path)
    with pytest.raises(GenstudyError):
        batch.clear("move", saved)
    assert batch.contents() == before


def test_copies_that_changed_size_do_not_count(batch: Batch) -> None:
    saved = batch.save("move")
    assert saved.path is not None
    (saved.path / f"{NAME}.1" / "simulate/row_1/simulate.sh").write_text("")
    before = batch.contents()
    with pytest.raises(Changed, match=r"row_1/simulate.sh has changed since its batch was saved; nothing"):
        batch.clear("move", saved)
    assert batch.contents() == before


@given(TREES, st.sets(st.integers(0, 30), max_size=3), st.sampled_from(MODES))
def test_any_tree_is_saved_and_cleared(tree: Tree, chosen: set[int], mode: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        batch = Batch(Path(name))
        batch.runs.mkdir(parents=True)
        make_tree(batch.studies[0], tree)
        before = contents(batch.runs)
        paths = [path.partition(b"/")[2] for path in before if path.count(b"/") > 1]
        kept = {paths[number] for number in chosen if number < len(paths)}
        saved = batch.save(mode)
        left = batch.clear(mode, saved, keep=[text_of(path) for path in kept])
        expected = {
            path
            for path in (path.partition(b"/")[2] for path in before if b"/" in path)
            if any(
                (path + b"/").startswith(keep + b"/") or (keep + b"/").startswith(path + b"/")
                for keep in kept
            )
        }
        assert {path.partition(b"/")[2] for path in contents(batch.runs) if b"/" in path} == expected
        assert left == len(expected)


# Nothing outside is touched


def test_a_study_that_is_a_link_is_not_saved(batch: Batch) -> None:
    (batch.runs / f"{NAME}.3").symlink_to(batch.outside)
    for mode in MODES:
        with pytest.raises(
            UserError, match=rf"{NAME}\.3: this is a link: nothing is saved or deleted through"
        ):
            batch.save(mode)
    assert names(batch.target) == []


@pytest.mark.parametrize("mode", MODES)
def test_a_study_that_became_a_link_is_not_cleared(batch: Batch, mode: str) -> None:
    saved = batch.save(mode)
    batch.studies[0].rename(batch.outside / "study")
    batch.studies[0].symlink_to(batch.outside / "study")
    before = batch.contents()
    with pytest.raises(Changed, match=rf"{NAME}\.1 has become something else since its batch was saved"):
        batch.clear(mode, saved)
    assert batch.contents() == before


@pytest.mark.parametrize("mode", MODES)
def test_a_folder_of_studies_that_is_a_link(batch: Batch, mode: str) -> None:
    saved = batch.save(mode)
    batch.runs.rename(batch.outside / "runs")
    batch.runs.symlink_to(batch.outside / "runs")
    before = contents(batch.outside)
    with pytest.raises(UserError, match=r"c/runs: is not a folder of its own: nothing is deleted through a"):
        batch.clear(mode, saved)
    with pytest.raises(UserError, match="this is a link: nothing is saved or deleted through it"):
        batch.save(mode, name="other")
    assert contents(batch.outside) == before


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("late", [False, True])
def test_a_folder_that_becomes_a_link_meanwhile(batch: Batch, mode: str, late: bool) -> None:
    """Swap a workspace for a link to the outside at many moments of a clearing: the outside stays."""
    saved = batch.save(mode)
    outside = contents(batch.outside)
    entries = len(contents(batch.runs)) - 1
    start = entries if late else 0
    for count in range(start + 1, start + entries, 4):
        with tempfile.TemporaryDirectory() as name:
            work = copied(batch, Path(name) / "work")
            clear_and_swap(work, mode, saved, count, batch.outside)
            assert contents(batch.outside) == outside


def clear_and_swap(batch: Batch, mode: str, saved: Saving, count: int, outside: Path) -> None:
    """Clear a batch, one of whose workspaces becomes a link meanwhile; that is an error unless it is over."""
    victim = batch.studies[0] / "simulate/row_3"
    swapped = []

    def swap() -> None:
        if victim.is_dir():
            victim.rename(victim.with_name("row_away"))
            victim.symlink_to(outside)
            swapped.append(victim)

    try:
        batch.clear(mode, saved, stop=Once(count, swap))
    except GenstudyError:
        assert swapped
    else:
        assert not swapped


@pytest.mark.parametrize("mode", MODES)
def test_a_file_that_appears_while_it_is_cleared_stays(batch: Batch, mode: str) -> None:
    saved = batch.save(mode)
    entries = len(contents(batch.runs)) - 1
    new = batch.studies[0] / "simulate/row_5/new"
    with pytest.raises(GenstudyError, match=r"row_5.*the rest was not deleted|row_5 cannot be deleted"):
        batch.clear(mode, saved, stop=Once(entries + 5, lambda: new.write_text("precious")))
    assert new.read_text() == "precious"


def test_parts_from_elsewhere_are_refused(batch: Batch) -> None:
    saved = batch.save("archive")
    assert saved.path is not None
    before = batch.contents()
    for part in (batch.outside, batch.runs / "..", batch.runs, batch.runs / NAME / ".."):
        with pytest.raises(GenstudyError, match=r"is not in .*: nothing was deleted"):
            clear(batch.runs, [part], mode="archive", saved=saved.path, keep=())
    assert batch.contents() == before


def test_sockets_stay_where_they_are(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(batch.studies[0] / "simulate/row_0")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
    for mode in MODES:
        saved = batch.save(mode)
        assert saved.skipped == (f"{NAME}.1/simulate/row_0/socket",)
        assert saved.entries == len(contents(batch.runs)) - 1
        assert batch.save(mode) == saved
    assert batch.clear("archive", saved=batch.save("archive")) == 4
    assert (batch.studies[0] / "simulate/row_0/socket").is_socket()


def test_folders_in_one_another_without_end(batch: Batch) -> None:
    place = batch.studies[0]
    for _ in range(310):
        place /= "d"
        place.mkdir()
    saved = batch.save("archive")
    before = batch.contents()
    with pytest.raises(GenstudyError, match="lies 300 folders deep: delete it by hand"):
        batch.clear("archive", saved)
    assert batch.contents() == before


# A crash before what was saved was recorded


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("own", [False, True])
def test_what_an_earlier_call_saved_is_accepted(batch: Batch, mode: str, own: bool) -> None:
    saved = batch.save(mode)
    assert saved.path is not None
    state = saved.path.stat()
    assert batch.save(mode, own=own) == saved
    again = saved.path.stat()
    assert (again.st_ino, again.st_mtime_ns) == (state.st_ino, state.st_mtime_ns)
    for path in batch.runs.rglob("simulate.sh"):
        os.utime(path)
    assert batch.save(mode, own=own) == saved


def test_an_archive_of_what_changed_since_is_made_anew_or_refused(batch: Batch) -> None:
    saved = batch.save("archive")
    assert saved.path is not None
    data = saved.path.read_bytes()
    (batch.runs / f"{NAME}.1.log").write_text("Maestro said more\n")
    (batch.studies[1] / "new").touch()
    with pytest.raises(UserError) as caught:
        batch.save("archive")
    assert str(caught.value) == (
        f"{saved.path}: something of this name is there, and is not what would be saved: "
        f"{NAME}.1.log is not as it is in the archive\n"
        "  see what it is, and move it away; the studies are where they were"
    )
    assert saved.path.read_bytes() == data
    again = batch.save("archive", own=True)
    assert again.entries == saved.entries + 1
    assert batch.clear("archive", again) == 0


@pytest.mark.parametrize("own", [False, True])
def test_an_archive_of_other_files_is_never_replaced(batch: Batch, own: bool) -> None:
    batch.target.mkdir()
    path = batch.target / f"{NAME}.tar.zst"
    extra = batch.studies[0] / "simulate/row_5/only_there"
    extra.write_text("precious")
    write_archive([part for part in batch.parts if part.is_dir()], path)
    extra.unlink()
    data = path.read_bytes()
    for wrong in (data, data[:-1], data[:100] + b"x" + data[101:], b"text", b""):
        path.write_bytes(wrong)
        with pytest.raises(
            UserError, match="something of this name is there, and is not what would be saved"
        ):
            batch.save("archive", own=own)
        assert path.read_bytes() == wrong
    path.unlink()
    path.mkdir()
    with pytest.raises(UserError, match=r"cannot be read: Is a directory"):
        batch.save("archive", own=own)
    assert names(batch.target) == [path.name]


def spoil(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


@pytest.mark.parametrize(
    "change",
    [
        lambda batch: spoil(batch.target / NAME / f"{NAME}.1.log"),
        lambda batch: (batch.target / NAME / "more").touch(),
        lambda batch: (batch.target / NAME / f"{NAME}.1.log").unlink(),
        lambda batch: spoil(batch.runs / f"{NAME}.1.log"),
        lambda batch: rewrite(batch.runs / f"{NAME}.1.log"),
        lambda batch: (batch.runs / f"{NAME}.1.log").unlink(),
        lambda batch: (batch.runs / "new").touch(),
        lambda batch: spoil(batch.target / f"{NAME}.sha256"),
        lambda batch: (batch.target / f"{NAME}.sha256").unlink(),
        lambda batch: (batch.target / f"{NAME}.sha256").write_text(""),
        lambda batch: relink(batch.target / NAME / f"{NAME}.1/simulate/row_3/x"),
        lambda batch: replace_by("link")(batch.target / NAME / f"{NAME}.1.log"),
    ],
    ids=range(12),
)
def test_copies_that_are_not_what_would_be_copied_are_refused(
    batch: Batch, change: Callable[[Batch], object]
) -> None:
    batch.save("move")
    change(batch)
    before, there = batch.contents(), contents(batch.target)
    with pytest.raises(UserError, match=f"{NAME}: something of this name is there, and is not what would be"):
        batch.save("move")
    assert batch.contents() == before
    assert contents(batch.target) == there


def test_a_list_without_its_folder(batch: Batch) -> None:
    saved = batch.save("move")
    assert saved.path is not None
    subprocess.run(["rm", "-rf", saved.path], check=True)
    assert batch.save("move") == saved
    subprocess.run(["rm", "-rf", saved.path], check=True)
    list_of(saved.path).write_text("of another\n")
    with pytest.raises(UserError, match=rf"{NAME}\.sha256: something of this name is there"):
        batch.save("move")
    assert list_of(saved.path).read_text() == "of another\n"
    assert names(batch.target) == [f"{NAME}.sha256"]


def test_what_killed_calls_left_is_removed_and_nothing_else(batch: Batch) -> None:
    batch.target.mkdir()
    part = f".{NAME}.part-123-0a1b2c3d"
    (batch.target / part / "locked").mkdir(parents=True)
    (batch.target / part / "locked/file").touch()
    (batch.target / part / "out").symlink_to(batch.outside)
    (batch.target / part / "locked").chmod(0o555)
    for name in (f"{part}.sha256", f".{NAME}.tar.zst.part-7-00000000"):
        (batch.target / name).write_text("half")
    others = [
        f".{NAME}0.tar.zst.part-7-00000000",
        ".beam_0004.part-7-00000000",
        f"{NAME}.part-7-00000000",
        f".{NAME}.tar.zst.part-7-0000000g",
        f".{NAME}.tar.zst.party",
    ]
    for name in others:
        (batch.target / name).write_text("of others")
    outside = contents(batch.outside)
    batch.save("archive")
    assert names(batch.target) == sorted([*others, f"{NAME}.tar.zst"])
    assert contents(batch.outside) == outside


# What is read back differs


def test_an_archive_that_reads_differently_is_not_left(batch: Batch) -> None:
    before = batch.contents()
    path = batch.target / f"{NAME}.tar.zst"

    def spoil_archive() -> None:
        (part,) = batch.target.iterdir()
        data = bytearray(part.read_bytes())
        data[100] ^= 1
        part.write_bytes(data)

    asked = asked_of(lambda counter: batch.save("archive", stop=counter))
    path.unlink()
    with pytest.raises(ArchiveError, match=r"frame 0 .* is damaged"):
        batch.save("archive", stop=Once(asked, spoil_archive))
    assert names(batch.target) == []
    assert batch.contents() == before


def test_copies_that_read_differently_are_not_left(batch: Batch) -> None:
    before = batch.contents()

    def spoil_copy() -> None:
        (part,) = (path for path in batch.target.iterdir() if path.is_dir())
        rewrite(part / f"{NAME}.2.log")

    entries = len(contents(batch.runs)) - 1
    with pytest.raises(RunError, match=rf"{NAME}\.2\.log is not what the list of checksums says"):
        batch.save("move", stop=Once(entries + 1, spoil_copy))
    assert names(batch.target) == []
    assert batch.contents() == before


@pytest.mark.parametrize("mode", MODES)
def test_a_request_to_stop_leaves_nothing(batch: Batch, mode: str) -> None:
    before = batch.contents()
    total = asked_of(lambda counter: batch.save(mode, stop=counter))
    subprocess.run(["rm", "-rf", batch.target], check=True)
    for count in (0, 5, total // 2, total - 1):
        asked = iter(range(count))
        with pytest.raises(Interrupted, match="asked to stop"):
            batch.save(mode, stop=lambda asked=asked: next(asked, None) is None)
        assert names(batch.target) == []
    assert batch.contents() == before


@pytest.mark.parametrize("mode", MODES)
def test_what_another_saved_meanwhile_stays(batch: Batch, mode: str) -> None:
    # One that was held up is taken for dead, and goes on when its successor has saved the batch.
    total = asked_of(lambda counter: batch.save(mode, stop=counter))
    for count in (1, total // 2, total - 1, total):
        subprocess.run(["rm", "-rf", batch.target], check=True)
        asked = Once(count, lambda: batch.save(mode, own=True))
        with pytest.raises((Changed, Interrupted, UserError)):
            batch.save(mode, own=True, stop=lambda asked=asked: asked() or asked.asked > asked.count)
        assert f"{NAME}.tar.zst" in names(batch.target) or names(batch.target / NAME)
        batch.save(mode)  # it is what would be saved


@pytest.mark.parametrize("mode", MODES)
def test_a_file_that_changes_while_it_is_saved(batch: Batch, mode: str) -> None:
    victim = batch.studies[0] / "simulate/row_2/simulate.out"
    path = os.fsencode(f"{NAME}.1/simulate/row_2/simulate.out")
    place = list(contents(batch.runs)).index(b"runs/" + path)
    with pytest.raises(Changed, match=r"row_2/simulate.out changed while it was read; nothing is saved yet"):
        batch.save(mode, stop=Once(place, lambda: victim.write_text("something else of another size")))
    assert names(batch.target) == []


# Destinations


@pytest.mark.parametrize("mode", MODES)
def test_places_that_nothing_can_be_saved_to(batch: Batch, mode: str) -> None:
    before = batch.contents()
    file = batch.campaign / "file"
    file.touch()
    with pytest.raises(UserError, match=r"it lies in .*, which is to be saved"):
        batch.save(mode, target=batch.studies[0] / "archive")
    (batch.campaign / "alias").symlink_to(batch.studies[0])
    with pytest.raises(UserError, match=r"it lies in .*, which is to be saved"):
        batch.save(mode, target=batch.campaign / "alias" / "simulate")
    with pytest.raises(UserError, match=r"file: cannot be written: File exists"):
        batch.save(mode, target=file)
    with pytest.raises(
        UserError, match=r"far/away: the folder .*/far does not exist\n  make it, or mount what"
    ):
        batch.save(mode, target=batch.campaign / "far/away")
    with pytest.raises(UserError, match=r"file/away: the folder .*/file does not exist"):
        batch.save(mode, target=file / "away")
    assert batch.contents() == before


def mount(folder: Path, options: str) -> bool:
    if os.geteuid() != 0 or not shutil.which("mount"):
        return False
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Give a function that mounts a small file system."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def make(options: str) -> Path:
        if not mount(folder, options):
            pytest.skip("needs the right to mount")
        return folder

    yield make
    if os.path.ismount(folder):
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("options", ["size=64k", "size=1m,nr_inodes=4", "size=4k"])
def test_a_full_disk(batch: Batch, disk: Callable[[str], Path], mode: str, options: str) -> None:
    (batch.studies[0] / "large").write_bytes(random.Random(1).randbytes(2_000_000))
    before = batch.contents()
    target = disk(options)
    free = os.statvfs(target).f_bavail, os.statvfs(target).f_ffree
    with pytest.raises(
        UserError, match=rf"disk/{NAME}.*: cannot be written: No space left on device\n  make"
    ):
        batch.save(mode, target=target)
    assert names(target) == []
    assert (os.statvfs(target).f_bavail, os.statvfs(target).f_ffree) == free
    assert batch.contents() == before


@pytest.mark.parametrize("mode", MODES)
def test_a_disk_that_may_only_be_read(batch: Batch, disk: Callable[[str], Path], mode: str) -> None:
    before = batch.contents()
    target = disk("ro")
    for place in (target, target / "deeper"):
        with pytest.raises(
            UserError, match="cannot be written: Read-only file system\n  choose a folder that"
        ):
            batch.save(mode, target=place)
    assert batch.contents() == before


@pytest.mark.parametrize("mode", MODES)
def test_another_file_system(batch: Batch, disk: Callable[[str], Path], mode: str) -> None:
    target = disk("size=8m")
    saved = batch.save(mode, target=target)
    assert batch.save(mode, target=target) == saved
    assert batch.clear(mode, saved) == 0


LIMITED = """
import resource
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
try:
    save(list(runs.iterdir()), mode=mode, target=target, name="x")
except Exception as problem:
    print(type(problem).__name__, problem)
"""


@pytest.mark.parametrize("mode", MODES)
def test_files_that_may_not_grow(batch: Batch, mode: str) -> None:
    (batch.studies[0] / "large").write_bytes(random.Random(1).randbytes(100_000))
    done = as_child(LIMITED, batch.runs, batch.target, mode, 0)
    assert done.stdout.startswith(f"UserError {batch.target / 'x'}"), done.stderr
    assert ": cannot be written: File too large\n" in done.stdout
    assert names(batch.target) == []


@pytest.mark.parametrize("mode", MODES)
def test_locked_folders_are_saved_and_cleared_by_their_owner(as_nobody: Path, mode: str) -> None:
    batch = Batch(as_nobody)
    batch.runs.mkdir(parents=True)
    make_tree(batch.studies[0], {b"a/b/file": Node(data=b"x", mode=0o400), b"a/c": Node("d")})
    for path in ("a/b", "a/c", "a"):
        (batch.studies[0] / path).chmod(0o555)
    with pytest.raises(Interrupted):
        batch.save(mode, stop=iter([False] * (4 if mode == "archive" else 7) + [True]).__next__)
    assert names(batch.target) == []
    saved = batch.save(mode)
    assert batch.clear(mode, saved, keep=[f"{NAME}.1/a/c"]) == 3
    assert batch.clear(mode, saved) == 0
    if mode == "move":
        assert saved.path is not None
        (saved.path / f"{NAME}.1/a").chmod(0o755)
        (saved.path / f"{NAME}.1/a/b").chmod(0o755)


@pytest.mark.parametrize("mode", MODES)
def test_a_destination_of_others(as_nobody: Path, mode: str) -> None:
    batch = Batch(as_nobody)
    batch.runs.mkdir(parents=True)
    (batch.runs / f"{NAME}.1").mkdir()
    batch.target.mkdir(0o555)
    with pytest.raises(
        UserError, match="cannot be written: Permission denied\n  choose a folder that you may"
    ):
        batch.save(mode)
    with pytest.raises(UserError, match="deeper: cannot be written: Permission denied"):
        batch.save(mode, target=batch.target / "deeper")


def test_a_folder_that_cannot_be_deleted_is_named(as_nobody: Path) -> None:
    batch = Batch(as_nobody)
    batch.runs.mkdir(parents=True)
    (batch.runs / f"{NAME}.1").mkdir()
    saved = batch.save("archive")
    batch.runs.chmod(0o555)
    with pytest.raises(RunError, match=rf"runs/{NAME}\.1 cannot be deleted: Permission denied"):
        batch.clear("archive", saved)
    batch.runs.chmod(0o755)


# Counting


@given(TREES)
def test_counting(tree: Tree) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "in"
        make_tree(folder, tree)
        found = contents(folder)
        content = sum(len(facts[2]) for facts in found.values() if facts[0] == stat.S_IFREG)
        assert count_entries(folder) == (len(found), content)


def test_counting_what_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("four")
    (tmp_path / "link").symlink_to(tmp_path)
    assert count_entries(tmp_path / "no") == (0, 0)
    assert count_entries(tmp_path / "file") == (1, 4)
    assert count_entries(tmp_path / "link") == (1, 0)


def test_the_archive_of_a_batch_is_read_by_name(batch: Batch) -> None:
    saved = batch.save("archive")
    assert saved.path is not None
    with Archive(saved.path) as archive:
        assert archive.read(f"{NAME}.1/simulate/row_3/simulate.out") == b"3 of simulate.out"
        assert archive.read(f"{NAME}.2.rows") == b"1\n"

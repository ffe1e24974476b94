"""Archives: what goes in comes out, plain tools read them, and whatever is wrong with one is noticed."""

# Names are bytes here.
# ruff: noqa: PTH114, PTH115, PTH118, PTH123

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import socket
import stat
import struct
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st

from genstudy.archives.extract import Extracted, extract
from genstudy.archives.format import (
    FOOTER_SIZE,
    LARGEST,
    ArchiveError,
    Span,
    directory_bytes,
    footer_bytes,
    skipped,
)
from genstudy.archives.read import Archive
from genstudy.archives.tar import form_of, header, parse_header
from genstudy.archives.trees import CHUNK, Changed, Interrupted, bytes_of, count_entries, shown, text_of
from genstudy.archives.verify import verify_archive
from genstudy.archives.write import write_archive
from genstudy.errors import UserError
from tests.archives.trees import (
    LINKS,
    NAMES,
    NASTY_NAMES,
    TIME,
    TREES,
    Forged,
    Node,
    Tree,
    assemble,
    contents,
    forge,
    make_tree,
)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Give a study of some rows, with contents like Maestro's."""
    folder = tmp_path / "runs" / "beam_0003.1"
    for row in range(40):
        place = folder / "simulate" / f"row_{row}"
        place.mkdir(parents=True)
        (place / f"simulate_row_{row}.sh").write_text(f"#!/bin/bash\n\necho {row}\n")
        (place / f"simulate_row_{row}.{row + 300}.out").write_text(f"{row}\n")
        (place / f"simulate_row_{row}.{row + 300}.err").touch()
    (folder / "status.csv").write_text("Step Name\n" * 40)
    (folder / "empty").mkdir()
    return folder


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """Give a folder whose archive has several frames and blocks."""
    folder = tmp_path / "big"
    folder.mkdir()
    chance = random.Random(1)
    for number in range(1200):
        (folder / f"f{number}").write_bytes(chance.randbytes(number))
    (folder / "large").write_bytes(chance.randbytes(2 * CHUNK + 12345))
    return folder


def archived(source: Path) -> Path:
    target = source.parent / f"{source.name}.tar.zst"
    write_archive([source], target)
    return target


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def untarred(archive: Path, folder: Path) -> Path:
    folder.mkdir()
    subprocess.run(["tar", "--zstd", "-xpf", archive, "-C", folder], check=True)
    return folder


# What goes in comes out


@given(TREES)
@example({b"/".join([b"long" * 20] * 6) + b"/f": Node(data=b"x")})
@example({name: Node(data=name) for name in NASTY_NAMES})
@example({name: Node("l", name) for name in NASTY_NAMES})
@example({name + b"/" + name: Node("d") for name in NASTY_NAMES})
def test_any_tree_comes_out_as_it_went_in(tree: Tree) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_tree(folder / "in", tree)
        target = folder / "a.tar.zst"
        written = write_archive([folder / "in"], target)
        before = contents(folder / "in")
        assert contents(untarred(target, folder / "out") / "in") == before
        check = verify_archive(target, written.sha256)
        assert (check.entries, check.content, check.nbytes, check.sha256) == (
            written.entries,
            written.content,
            target.stat().st_size,
            hashlib.sha256(target.read_bytes()).hexdigest(),
        )
        check_members(target, folder / "in")
        check_with_tarfile(target, folder / "in")


def check_members(target: Path, source: Path) -> None:
    """Compare every member with the file on disk, by its path and in order."""
    with Archive(target) as archive:
        members = list(archive.members())
        assert [member.path for member in members] == list(map(text_of, contents(source)))
        for member in members:
            assert archive.member(member.path) == member
            place = os.path.join(os.fsencode(source.parent), bytes_of(member.path))
            state = os.lstat(place)
            assert (member.mtime_ns, member.mode) == (state.st_mtime_ns, stat.S_IMODE(state.st_mode))
            if member.kind == "f":
                with open(place, "rb") as stream:
                    assert archive.read(member.path) == stream.read()
            elif member.kind == "l":
                assert bytes_of(member.link) == os.readlink(place)


def check_with_tarfile(target: Path, source: Path) -> None:
    """Read an archive with Python's own module, and compare names, types and contents."""
    plain = subprocess.run(["zstd", "-dcq", target], capture_output=True, check=True).stdout
    path = target.with_suffix("")
    path.write_bytes(plain)
    with tarfile.open(path, "r:", errors="surrogateescape", encoding="utf-8") as tar:
        found = {bytes_of(member.name): (stat.S_IFMT(_mode(member)), member.linkname) for member in tar}
    expected = {
        path: (facts[0], text_of(facts[2]) if facts[0] == stat.S_IFLNK else "")
        for path, facts in contents(source).items()
    }
    assert found == expected


def _mode(member: tarfile.TarInfo) -> int:
    types = {
        tarfile.REGTYPE: stat.S_IFREG,
        tarfile.DIRTYPE: stat.S_IFDIR,
        tarfile.SYMTYPE: stat.S_IFLNK,
        tarfile.FIFOTYPE: stat.S_IFIFO,
    }
    return types[member.type]


def test_files_and_folders_side_by_side(tmp_path: Path, study: Path) -> None:
    log, rows = study.with_name("beam_0003.1.log"), study.with_name("beam_0003.1.rows")
    log.write_text("Maestro said\n")
    rows.write_text("0-39\n")
    second = study.with_name("beam_0003.10")
    second.mkdir()
    target = tmp_path / "a.tar.zst"
    written = write_archive([rows, second, log, study], target)
    assert written.entries == sum(count_entries(path)[0] for path in (rows, second, log, study))
    with Archive(target) as archive:
        tops = dict.fromkeys(member.path.partition("/")[0] for member in archive.members())
        assert list(tops) == ["beam_0003.1", "beam_0003.1.log", "beam_0003.1.rows", "beam_0003.10"]
        assert archive.read("beam_0003.1.log") == b"Maestro said\n"
        assert [member.path for member in archive.members("beam_0003.1/empty")] == ["beam_0003.1/empty"]
        assert len(list(archive.members("beam_0003.1/simulate/row_1"))) == 4
        assert len(list(archive.members("beam_0003.1/simulate/row_1/"))) == 4
        assert len(list(archive.members())) == written.entries
    assert len(contents(untarred(target, tmp_path / "out"))) == written.entries + 1


def test_large_files_and_many_members(big: Path, tmp_path: Path) -> None:
    target = archived(big)
    with Archive(target) as archive:
        assert len(archive.directory.frames) > 4
        assert len(archive.directory.blocks) > 2
    verify_archive(target)
    check_members(target, big)
    assert contents(untarred(target, tmp_path / "out") / "big") == contents(big)


def test_files_of_whole_blocks_and_chunks(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for size in (0, 1, 511, 512, 513, 1024, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK):
        (folder / str(size)).write_bytes(b"x" * size)
    target = archived(folder)
    verify_archive(target)
    check_members(target, folder)
    assert contents(untarred(target, tmp_path / "out") / "in") == contents(folder)


def test_nothing_at_all(tmp_path: Path) -> None:
    target = tmp_path / "a.tar.zst"
    written = write_archive([], target)
    assert (written.entries, written.content) == (0, 0)
    assert verify_archive(target, written.sha256).entries == 0
    assert subprocess.run(["tar", "--zstd", "-tf", target], capture_output=True, check=True).stdout == b""
    with Archive(target) as archive:
        assert list(archive.members("a")) == []


def test_the_same_tree_gives_the_same_bytes(tmp_path: Path) -> None:
    tree = {b"f%d/x" % number: Node(data=b"%d" % number) for number in range(50)}
    digests = set()
    for word, paths in (("one", sorted(tree)), ("two", sorted(tree, reverse=True))):
        (tmp_path / word).mkdir()
        make_tree(tmp_path / word / "in", {path: tree[path] for path in paths})
        for path in sorted((tmp_path / word).rglob("*"), reverse=True):
            os.utime(path, ns=(TIME, TIME))
        digests.add(write_archive([tmp_path / word / "in"], tmp_path / word / "a.tar.zst").sha256)
    assert len(digests) == 1


def test_plain_tools_test_and_list_it(study: Path) -> None:
    target = archived(study)
    subprocess.run(["zstd", "-tq", target], check=True)
    listed = subprocess.run(["tar", "--zstd", "-tf", target], capture_output=True, text=True, check=True)
    assert len(listed.stdout.splitlines()) == count_entries(study)[0]
    assert listed.stderr == ""


def test_links_are_stored_as_links_and_never_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("secret")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "outside")
    (folder / "file").symlink_to("../outside/secret")
    written = write_archive([folder], tmp_path / "a.tar.zst")
    assert (written.entries, written.content) == (3, 0)


def test_a_file_of_two_names_is_stored_twice(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a").write_text("one")
    (folder / "b").hardlink_to(folder / "a")
    target = archived(folder)
    with Archive(target) as archive:
        assert archive.read("in/a") == archive.read("in/b") == b"one"


def test_fifos_are_stored_and_sockets_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    os.mkfifo(folder / "fifo")
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
    written = write_archive([folder], tmp_path / "a.tar.zst")
    assert (written.entries, written.skipped) == (2, ("in/socket",))
    assert (untarred(tmp_path / "a.tar.zst", tmp_path / "out") / "in/fifo").is_fifo()


@pytest.mark.parametrize("size", [0, 8**11 - 1, 8**11, 10**15])
@pytest.mark.parametrize("mtime", [0, 1_700_000_000, 8**11, -1, -(10**10)])
@pytest.mark.parametrize("owner", [0, 8**7 - 1, 8**7, 2**32 - 2])
def test_numbers_of_any_size(size: int, mtime: int, owner: int) -> None:
    form = form_of(stat.S_IFREG | 0o4755, owner, owner)
    assert form is not None
    block = header(b"name", form, size, mtime)
    found = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    assert (found.size, found.mtime, found.uid, found.gid) == (size, mtime, owner, owner)
    assert (found.name, found.mode, found.type) == ("name", 0o4755, tarfile.REGTYPE)
    parsed = parse_header(block)
    assert (parsed.path, parsed.size, parsed.mtime, parsed.mode) == (b"name", size, mtime, 0o4755)


def test_the_bytes_are_as_documented(big: Path) -> None:
    """Read an archive by docs/archive.md alone, without any of our own code."""
    (big / "link").symlink_to("f1")
    data = archived(big).read_bytes()
    unpack = zstandard.ZstdDecompressor().decompress
    magic, size, start, length, digest, mark = struct.unpack("<IIQQ32s16s", data[-72:])
    assert (magic, size, mark) == (0x184D2A57, 64, b"genstudy archive")
    assert struct.unpack("<II", data[start : start + 8]) == (0x184D2A57, length)
    assert start + 8 + length + 72 == len(data)
    directory = data[start + 8 : -72]
    assert hashlib.sha256(directory).digest() == digest
    head, *lines = map(json.loads, directory.splitlines())
    at, frames, found = 0, [], {}
    for word, packed, raw, sha256, *first in lines:
        if word == "block":
            assert struct.unpack("<II", data[at : at + 8]) == (0x184D2A57, packed)
            at += 8
        piece = data[at : at + packed]
        at += packed
        assert hashlib.sha256(piece).hexdigest() == sha256
        if word == "frame":
            frames.append(unpack(piece))
            assert len(frames[-1]) == raw
        else:
            rows = documented_block(unpack(piece))
            assert rows[0][0].decode() == first[0]
            found.update({row[0]: row for row in rows})
    assert at == start
    assert (len(found), sum(row[3] for row in found.values())) == (head["members"], head["content"])
    assert found[b"big/link"][7] == b"f1"
    for path, kind, mode, size, mtime, frame, offset, last in found.values():
        place = Path(os.fsdecode(big.parent / os.fsdecode(path)))
        state = place.lstat()
        assert (stat.S_IMODE(state.st_mode), state.st_mtime_ns) == (mode, mtime)
        if kind == "f":
            content = b"".join([frames[frame][offset:], *frames[frame + 1 :]])[:size]
            assert content == place.read_bytes()
            assert hashlib.sha256(content).digest() == last


def documented_block(data: bytes) -> list[tuple[bytes, str, int, int, int, int, int, bytes]]:
    """Return path, type, rights, size, time, frame, offset, and hash or link of all members of a block."""
    (n,) = struct.unpack("<I", data[:4])
    kinds = data[4 : 4 + n].decode()
    at = 4 + n
    columns = []
    for letter, width in (("H", 2), ("Q", 8), ("q", 8), ("I", 4), ("I", 4)):
        columns.append(struct.unpack(f"<{n}{letter}", data[at : at + n * width]))
        at += n * width
    hashes = [data[at + 32 * number : at + 32 * number + 32] for number in range(kinds.count("f"))]
    texts = data[at + 32 * len(hashes) :].split(b"\0")
    lasts = {"f": iter(hashes), "l": iter(texts[n:])}
    modes, sizes, times, frames, offsets = columns
    return [
        (
            texts[i],
            kind,
            modes[i],
            sizes[i],
            times[i],
            frames[i],
            offsets[i],
            next(lasts.get(kind, iter([b""]))),
        )
        for i, kind in enumerate(kinds)
    ]


# What cannot be archived


def test_two_sources_of_one_name(tmp_path: Path) -> None:
    for place in ("a/same", "b/same"):
        (tmp_path / place).mkdir(parents=True)
    with pytest.raises(UserError, match="'same' cannot be the name of one source among 2"):
        write_archive([tmp_path / "a/same", tmp_path / "b/same"], tmp_path / "x.tar.zst")
    assert names(tmp_path) == ["a", "b"]


def test_an_archive_that_exists_is_not_replaced(study: Path) -> None:
    target = study.parent / "a.tar.zst"
    target.write_text("precious")
    with pytest.raises(UserError, match="the archive exists already"):
        write_archive([study], target)
    assert target.read_text() == "precious"


class Once:
    """Does something when the n-th member is about to be read; asks nobody to stop."""

    def __init__(self, count: int, act: Callable[[], object]) -> None:
        self._left, self._act = count, act

    def __call__(self) -> bool:
        self._left -= 1
        if self._left == 0:
            self._act()
        return False


@pytest.mark.parametrize("size", [10, CHUNK + 10])
@pytest.mark.parametrize("what", ["grow", "shrink", "vanish", "fifo", "link", "folder"])
def test_a_file_that_changes_while_it_is_read(tmp_path: Path, what: str, size: int) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    victim = folder / "victim"
    victim.write_bytes(b"x" * size)

    def change() -> None:
        if what == "grow":
            victim.write_bytes(b"x" * (size + 1))
        elif what == "shrink":
            victim.write_bytes(b"x" * (size - 1))
        else:
            victim.unlink()
        if what == "fifo":
            os.mkfifo(victim)
        elif what == "link":
            victim.symlink_to("/etc/passwd")
        elif what == "folder":
            victim.mkdir()

    error = UserError if what == "folder" else Changed
    with pytest.raises(error, match=f"{folder}/victim"):
        write_archive([folder], tmp_path / "a.tar.zst", stop=Once(2, change))
    assert names(tmp_path) == ["in"]


def test_a_large_file_that_is_rewritten_while_it_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    victim = folder / "victim"
    victim.write_bytes(bytes(3 * CHUNK))

    def rewrite() -> None:
        victim.write_bytes(b"x" * 3 * CHUNK)

    with pytest.raises(Changed, match="victim changed while it was read"):
        write_archive([folder], tmp_path / "a.tar.zst", stop=Once(2, rewrite))
    assert names(tmp_path) == ["in"]


def test_a_folder_that_vanishes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "in" / name).mkdir(parents=True)
    with pytest.raises(Changed, match="in/b changed while it was read"):
        write_archive([tmp_path / "in"], tmp_path / "a.tar.zst", stop=Once(2, (tmp_path / "in/b").rmdir))
    assert names(tmp_path) == ["in"]


@pytest.mark.parametrize("count", [1, 5, 100])
def test_a_request_to_stop_leaves_nothing(study: Path, count: int) -> None:
    asked = iter(range(count))
    with pytest.raises(Interrupted, match="asked to stop"):
        write_archive([study], study.parent / "a.tar.zst", stop=lambda: next(asked, None) is None)
    assert names(study.parent) == [study.name]


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_cannot_be_read_is_named(as_nobody: Path, what: str) -> None:
    place = as_nobody / "in" / what
    place.parent.mkdir()
    if what == "file":
        place.write_text("secret")
    else:
        place.mkdir()
    place.chmod(0)
    with pytest.raises(UserError) as caught:
        write_archive([place.parent], as_nobody / "a.tar.zst")
    assert str(caught.value) == (
        f"{place}: cannot be read: Permission denied\n"
        "  make it readable, or take it away; nothing is saved yet"
    )
    assert names(as_nobody) == ["in"]
    place.chmod(0o700)


def test_a_place_that_may_not_be_written(as_nobody: Path) -> None:
    (as_nobody / "in").mkdir()
    (as_nobody / "out").mkdir(0o555)
    with pytest.raises(UserError, match=r"out/a.tar.zst: cannot be written: Permission denied\n  choose"):
        write_archive([as_nobody / "in"], as_nobody / "out" / "a.tar.zst")


LIMITED = """
import resource, signal, sys
from pathlib import Path
from genstudy.archives.write import write_archive
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
try:
    write_archive([Path(sys.argv[1])], Path(sys.argv[2]))
except Exception as problem:
    print(type(problem).__name__, problem)
"""


@pytest.mark.parametrize("limit", [0, 1000, 3_000_000, -1])
def test_a_full_disk_is_named_and_nothing_is_left(big: Path, tmp_path: Path, limit: int) -> None:
    target = archived(big)
    size = target.stat().st_size
    target.unlink()
    out = tmp_path / "out"
    out.mkdir()
    arguments = [big, out / "a.tar.zst", limit if limit >= 0 else size - 1]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *map(str, arguments)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"UserError {out / 'a.tar.zst'}: cannot be written: File too large\n")
    assert names(out) == []


MEMORY = """
import resource, sys
from pathlib import Path
from genstudy.archives.write import write_archive
from genstudy.archives.extract import extract
from genstudy.archives.read import Archive
from genstudy.archives.verify import verify_archive
source, target = map(Path, sys.argv[1:])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
verify_archive(target, write_archive([source], target).sha256)
target.with_name("out").mkdir()
with Archive(target) as archive:
    extract(archive, "", target.with_name("out"))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_does_not_grow_with_what_is_archived(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    with (folder / "large").open("wb") as stream:
        stream.truncate(300 << 20)
    for number in range(3000):
        (folder / f"{number}").touch()
    command = [sys.executable, "-c", MEMORY, str(folder), str(tmp_path / "a.tar.zst")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 100_000  # kB


# What is wrong with an archive is noticed


def test_one_byte_changed_anywhere_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    make_tree(folder, {b"a": Node(data=b"some text"), b"l": Node("l", b"a"), b"d/e": Node(data=bytes(700))})
    target = archived(folder)
    whole = target.read_bytes()
    for place in range(len(whole)):
        for mask in (1, 0x80, 0xFF):
            target.write_bytes(whole[:place] + bytes([whole[place] ^ mask]) + whole[place + 1 :])
            with pytest.raises(ArchiveError):
                verify_archive(target)
    target.write_bytes(whole)
    verify_archive(target)


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    folder = tmp_path_factory.mktemp("larger") / "in"
    folder.mkdir()
    chance = random.Random(2)
    for number in range(1500):
        (folder / f"f{number}").write_bytes(chance.randbytes(chance.randrange(900)))
    target = archived(folder)
    return target, target.read_bytes()


@given(place=st.integers(0, 10**9), mask=st.integers(1, 255))
def test_a_byte_changed_in_a_larger_one_is_noticed(larger: tuple[Path, bytes], place: int, mask: int) -> None:
    target, whole = larger
    place %= len(whole)
    target.write_bytes(whole[:place] + bytes([whole[place] ^ mask]) + whole[place + 1 :])
    with pytest.raises(ArchiveError):
        verify_archive(target)


@given(start=st.integers(0, 10**9), length=st.integers(1, 5000), end=st.binary(max_size=100))
def test_bytes_taken_out_or_added_are_noticed(
    larger: tuple[Path, bytes], start: int, length: int, end: bytes
) -> None:
    target, whole = larger
    start %= len(whole)
    for wrong in (whole[:start] + whole[start + length :], whole + end + b"x", whole[:start] + end + whole):
        target.write_bytes(wrong)
        if wrong != whole:
            with pytest.raises(ArchiveError):
                verify_archive(target)


def test_an_archive_cut_short_is_noticed_at_once(big: Path) -> None:
    target = archived(big)
    whole = target.read_bytes()
    with Archive(target) as archive:
        directory = archive.directory
        frame, block = directory.frames[1], directory.blocks[1]
    places = [
        frame.offset - 1,
        frame.offset,
        frame.offset + 1,
        frame.offset + frame.size // 2,
        directory.blocks[0].offset - 8,
        directory.blocks[0].offset,
        block.offset + block.size // 2,
        directory.start - 8,
        directory.start,
        directory.start + 10,
        len(whole) - FOOTER_SIZE,
        len(whole) - FOOTER_SIZE + 8,
        len(whole) - 1,
        4,
    ]
    for place in places:
        target.write_bytes(whole[:place])
        with pytest.raises(ArchiveError, match=r"big.tar.zst: its end is missing: it was cut short"):
            Archive(target)
    for place in (0, 1, 3):
        target.write_bytes(whole[:place])
        with pytest.raises(ArchiveError, match=r"big.tar.zst: this is no archive"):
            Archive(target)


def test_what_is_no_archive(tmp_path: Path, study: Path) -> None:
    plain = tmp_path / "plain.tar.zst"
    subprocess.run(["tar", "--zstd", "-cf", plain, "-C", study.parent, study.name], check=True)
    with pytest.raises(ArchiveError, match="its end is missing: it was cut short, or is no archive of gen"):
        Archive(plain)
    (tmp_path / "text").write_text("text " * 100)
    with pytest.raises(ArchiveError, match="this is no archive"):
        Archive(tmp_path / "text")
    with pytest.raises(UserError, match="no such: cannot be read: No such file"):
        Archive(tmp_path / "no such")
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        Archive(tmp_path)


def test_a_wrong_hash_is_noticed(study: Path) -> None:
    target = archived(study)
    with pytest.raises(ArchiveError, match=f"its SHA-256 is [0-9a-f]{{64}}, and {'0' * 64} was recorded"):
        verify_archive(target, "0" * 64)


def test_damage_is_named_where_it_is(big: Path) -> None:
    target = archived(big)
    whole = bytearray(target.read_bytes())
    with Archive(target) as archive:
        frame, block = archive.directory.frames[1], archive.directory.blocks[1]
    for span, what in ((frame, "frame 1"), (block, "block 1 of the index")):
        wrong = whole.copy()
        wrong[span.offset + span.size // 2] ^= 1
        target.write_bytes(wrong)
        place = rf"{what} \(bytes {span.offset} to {span.offset + span.size}\) is damaged"
        with pytest.raises(ArchiveError, match=place):
            verify_archive(target)


def test_stopping_a_check(big: Path) -> None:
    with pytest.raises(Interrupted, match="not checked to its end"):
        verify_archive(archived(big), stop=lambda: True)


A, B = Forged(b"in/a", Node(data=b"one")), Forged(b"in/b", Node(data=b"two"))
TOP = Forged(b"in", Node("d", mode=0o755))


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ([TOP, A, Forged(b"in/b", in_index=False)], "there is more tar data than the index says"),
        ([TOP, A, Forged(b"in/b", in_tar=False)], "in/b is in the index, and in the tar data no header"),
        ([TOP, Forged(b"in/a", in_tar=False), B], "in/a is in the index, and in the tar data .*in/b"),
        ([TOP, B, A], "in/a is out of order in the index"),
        ([TOP, A, A], "in/a is out of order in the index"),
        ([TOP, Forged(b"in/a", tar=b"in/../../a")], "in/a is in the index, and in the tar data"),
        ([TOP, Forged(b"in/a", Node(data=b"x"), sha256=bytes(32))], "in/a is not what was archived"),
        ([TOP, Forged(b"in/a", Node("d"), kind="f", sha256=bytes(32))], "in/a is in the index, and in the"),
        ([TOP, Forged(b"in/a", Node(data=b"x"), size=2)], "in/a is in the index, and in the tar data"),
        ([TOP, Forged(b"", Node(data=b"x"))], "is out of order"),
    ],
)
def test_tar_data_and_index_must_agree(tmp_path: Path, members: list[Forged], problem: str) -> None:
    verify_archive(forge(tmp_path / "right.tar.zst", [TOP, A, B]))
    with pytest.raises(ArchiveError, match=problem):
        verify_archive(forge(tmp_path / "wrong.tar.zst", members))


@pytest.mark.parametrize("end", [bytes(512), bytes(1024) + b"more", bytes(1023) + b"x", bytes(2048), b""])
def test_the_tar_data_must_end_where_it_ends(tmp_path: Path, end: bytes) -> None:
    with pytest.raises(ArchiveError, match=r"tar data|the index has more"):
        verify_archive(forge(tmp_path / "a.tar.zst", [TOP, A], end=end))


def test_a_bomb_takes_no_memory(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.tar.zst"
    forge(bomb, [TOP, A])
    with Archive(bomb) as archive:
        raw = archive.directory.frames[0].raw
    honest = zstandard.ZstdCompressor().compress(bytes(1 << 30))
    silent = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(1 << 20))
    for data in (honest, silent):
        forge_frame(bomb, data, raw)
        with pytest.raises(ArchiveError, match=r"frame 0 .* is damaged: it does not unpack to"):
            verify_archive(bomb)
    forge_frame(bomb, honest, 1 << 30)
    with pytest.raises(ArchiveError, match=r"its directory is damaged: a frame has .* 1073741824 unpacked"):
        verify_archive(bomb)
    assert LARGEST < 1 << 30


def forge_frame(target: Path, data: bytes, raw: int) -> None:
    """Write an archive whose one frame is `data`, and whose directory says that it unpacks to `raw` bytes."""
    span = Span(offset=0, size=len(data), raw=raw, sha256=hashlib.sha256(data).hexdigest())
    directory = directory_bytes(0, 0, [span], [])
    target.write_bytes(data + skipped(directory) + footer_bytes(len(data), directory))


@pytest.mark.parametrize(
    "directory",
    [
        b"",
        b"[]\n",
        b"{}\n",
        b'{"format": 2, "members": 0, "content": 0}\n',
        b'{"format": 1, "members": 0, "content": 0}\n["frame"]\n',
        b'{"format": 1, "members": 0, "content": 0}\n["else", 1, 1, ""]\n',
        b'{"format": 1, "members": 0, "content": 0}\n["frame", "1", 1, ""]\n',
        b'{"format": 1, "members": 0, "content": 0}\n["frame", -1, 1, ""]\n',
        b"[" * 100_000,
        b"\xff",
    ],
)
def test_directories_that_make_no_sense(tmp_path: Path, directory: bytes) -> None:
    target = tmp_path / "a.tar.zst"
    target.write_bytes(skipped(directory) + footer_bytes(0, directory))
    with pytest.raises(ArchiveError, match="its directory is damaged"):
        Archive(target)


@given(st.binary(max_size=300))
@example(b"")
@example(b"\0\0\0\0")
@example(b"\xff\xff\xff\xff" + bytes(100))
@example(b"\1\0\0\0x" + bytes(60))
def test_indexes_that_make_no_sense(block: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        target = assemble(
            Path(name) / "a.tar.zst", [bytes(1024)], [(block or b"x", b"")], members=1, content=0
        )
        with pytest.raises(ArchiveError):
            verify_archive(target)


def test_what_is_not_in_it(study: Path) -> None:
    with Archive(archived(study)) as archive:
        for path in ("no", "beam_0003.1/no", "beam_0003.1/simulate/row_1/no", "beam_0003", "zzz"):
            with pytest.raises(UserError, match=f"there is no {path} in it"):
                archive.member(path)
        with pytest.raises(UserError, match="simulate is no file"):
            archive.read("beam_0003.1/simulate")


def test_one_file_needs_one_block_and_one_frame(big: Path) -> None:
    target = archived(big)
    whole = bytearray(target.read_bytes())
    with Archive(target) as archive:
        member = archive.member("big/f700")
        frame = archive.directory.frames[member.frame]
        block = [span for span in archive.directory.blocks if span.first <= b"big/f700"][-1]
        needed = [(frame.offset, frame.size), (block.offset, block.size)]
        start = archive.directory.start
    for place in range(start):
        if not any(offset <= place < offset + size for offset, size in needed):
            whole[place] = 0x55
    target.write_bytes(whole)
    with Archive(target) as archive:
        assert archive.read("big/f700") == (big / "f700").read_bytes()


# Putting members on disk


def extracted(archive: Path, prefix: str, folder: Path) -> Extracted:
    with Archive(archive) as opened:
        return extract(opened, prefix, folder)


@given(TREES)
def test_what_is_extracted_is_what_was_archived(tree: Tree) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_tree(folder / "in", tree)
        (folder / "out").mkdir()
        found = extracted(archived(folder / "in"), "in", folder / "out")
        before, after = contents(folder / "in"), contents(folder / "out/in")
        refused = set(map(bytes_of, found.refused))
        assert set(after) == set(before) - refused
        assert found.entries == len(after)
        for path, (form, mode, data, time) in after.items():
            assert before[path][0] == form
            if form == stat.S_IFREG:
                expected = (before[path][2], before[path][3], before[path][1] & 0o755 | 0o600)
                assert (data, time, mode) == expected
        for path in after:
            place = os.path.join(os.fsencode(folder / "out"), path)
            if os.path.islink(place):
                assert (os.path.realpath(place) + b"/").startswith(os.fsencode(folder / "out") + b"/")


LINK_PATHS = st.lists(st.sampled_from([b"a", b"b", b"c"]), min_size=1, max_size=4).map(b"/".join)
INNER_LINKS = st.lists(st.sampled_from([b"..", b".", b"a", b"b", b"c", b""]), min_size=1, max_size=7).map(
    b"/".join
)


@given(st.dictionaries(LINK_PATHS, INNER_LINKS | LINKS, max_size=10))
def test_links_never_lead_out_whatever_they_go_through(links: dict[bytes, bytes]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(os.path.realpath(name))
        out = folder / "out"
        out.mkdir()
        members = [Forged(path, Node("l", link)) for path, link in sorted(links.items()) if b"\0" not in link]
        with Archive(forge(folder / "a.tar.zst", members)) as archive:
            for path in links:
                try:
                    extract(archive, text_of(path), out)
                except UserError:
                    continue  # A link is in the way of the folder that this one would be in.
        for top, folders, files in os.walk(os.fsencode(out)):
            for child in folders + files:
                place = os.path.join(top, child)
                try:
                    place = os.path.realpath(place, strict=True)
                except FileNotFoundError:
                    place = os.path.realpath(place)
                except OSError:
                    continue  # It goes round in circles, or through a file.
                assert (place + b"/").startswith(os.fsencode(out) + b"/")


@pytest.mark.parametrize("path", [b"../x", b"/etc/x", b"in/../../x", b"in//x", b"in/./x", b"..", b".", b"x/"])
def test_paths_that_lead_elsewhere_are_refused(tmp_path: Path, path: bytes) -> None:
    target = forge(tmp_path / "a.tar.zst", [Forged(path, Node(data=b"x"))])
    (tmp_path / "out").mkdir()
    before = names(tmp_path)
    with pytest.raises(ArchiveError, match="leads elsewhere; nothing of that name is made"):
        extracted(target, "", tmp_path / "out")
    assert names(tmp_path) == before
    assert names(tmp_path / "out") == []


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "out").mkdir()
    members = [Forged(b"in/l", Node("l", b"d")), Forged(b"in/l/x", Node(data=b"x"))]
    with pytest.raises(UserError, match=r"out/in/l/x: exists already"):
        extracted(forge(tmp_path / "a.tar.zst", members), "", tmp_path / "out")
    shutil.rmtree(tmp_path / "out/in")
    (tmp_path / "out/in").symlink_to(tmp_path / "outside")
    with pytest.raises(UserError):
        extracted(forge(tmp_path / "b.tar.zst", [Forged(b"in/x", Node(data=b"x"))]), "", tmp_path / "out")
    assert names(tmp_path / "outside") == []


def test_devices_and_unknown_types_are_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    for kind in "bcsx3":
        target = forge(tmp_path / f"{kind}.tar.zst", [Forged(b"dev", Node(), kind=kind)])
        with pytest.raises(ArchiveError, match="block 0 of the index is damaged"):
            extracted(target, "", tmp_path / "out")
    assert names(tmp_path / "out") == []


def test_links_out_and_fifos_are_named_and_not_made(tmp_path: Path) -> None:
    make_tree(
        tmp_path / "in",
        {
            b"a": Node(data=b"x"),
            b"fifo": Node("p"),
            b"far": Node("l", b"/etc/passwd"),
            b"near": Node("l", b"a"),
            b"d/up": Node("l", b"../a"),
            b"out": Node("l", b"../../a"),
        },
    )
    (tmp_path / "out").mkdir()
    found = extracted(archived(tmp_path / "in"), "in", tmp_path / "out")
    assert found.refused == ("in/far", "in/fifo", "in/out")
    assert (found.entries, found.content) == (5, 1)
    assert names(tmp_path / "out/in") == ["a", "d", "near"]


def test_rights_are_those_of_the_data_filter(tmp_path: Path) -> None:
    modes = [0o7777, 0o4755, 0o2666, 0o640, 0o055, 0o000]
    members = [Forged(b"f%04o" % mode, Node(data=b"x", mode=mode)) for mode in sorted(modes)]
    (tmp_path / "out").mkdir()
    extracted(forge(tmp_path / "a.tar.zst", members), "", tmp_path / "out")
    found = {path.name: f"{stat.S_IMODE(path.stat().st_mode):o}" for path in (tmp_path / "out").iterdir()}
    assert found == {
        "f7777": "755",
        "f4755": "755",
        "f2666": "644",
        "f0640": "640",
        "f0055": "644",
        "f0000": "600",
    }
    plain = tarfile.TarInfo("f")
    plain.type = tarfile.REGTYPE
    for name, mode in found.items():
        plain.mode = int(name[1:], 8)
        filtered = tarfile.data_filter(plain, "/nowhere")
        assert filtered.mode is not None
        assert f"{filtered.mode:o}" == mode


def test_extracting_into_what_is_there(tmp_path: Path, study: Path) -> None:
    target = archived(study)
    out = tmp_path / "out"
    with pytest.raises(UserError, match="out: cannot be written: No such file"):
        extracted(target, "", out)
    out.mkdir()
    row = "beam_0003.1/simulate/row_3"
    assert extracted(target, row, out).entries == 4
    assert contents(out / row, times=False).keys() == contents(study / "simulate/row_3", times=False).keys()
    (out / row / "simulate_row_3.sh").write_text("mine")
    with pytest.raises(UserError, match=r"exists already\n  choose an empty folder"):
        extracted(target, row, out)
    assert (out / row / "simulate_row_3.sh").read_text() == "mine"
    with pytest.raises(UserError, match=r"there is no beam_0003\.1/x in it"):
        extracted(target, "beam_0003.1/x", out)
    with Archive(target) as archive, pytest.raises(Interrupted):
        extract(archive, "", out, stop=lambda: True)


def test_a_file_that_is_damaged_is_not_left_behind(tmp_path: Path) -> None:
    target = forge(tmp_path / "a.tar.zst", [Forged(b"f", Node(data=b"x"), sha256=bytes(32))])
    (tmp_path / "out").mkdir()
    with pytest.raises(ArchiveError, match="f is not what was archived"):
        extracted(target, "f", tmp_path / "out")
    assert names(tmp_path / "out") == []


def test_an_index_that_points_nowhere(tmp_path: Path) -> None:
    target = forge(tmp_path / "a.tar.zst", [Forged(b"f", Node(data=b"x"), size=5000)])
    with Archive(target) as archive, pytest.raises(ArchiveError, match=r"names frame 1, and there is none"):
        archive.read("f")


@given(st.lists(st.lists(NAMES, min_size=1, max_size=3).map(b"/".join), max_size=6))
def test_names_in_messages_are_one_line(paths: list[bytes]) -> None:
    for path in paths:
        assert shown(path).isprintable()
        assert shown(text_of(path)) == shown(path)
        assert bytes_of(text_of(path)) == path

"""Trees of odd files for tests of archives and copies, and archives made by hand, right or wrong."""

# Names are bytes here.
# ruff: noqa: PTH101, PTH103, PTH115, PTH118, PTH120, PTH123, PTH211

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import zstandard
from hypothesis import strategies as st

from genstudy.archives.format import Row, Span, directory_bytes, footer_bytes, pack_block, skipped
from genstudy.archives.tar import BLOCK, END, PADS, form_of, header
from genstudy.archives.trees import walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from genstudy.archives.trees import Kind

TYPES: dict[Kind, int] = {"f": stat.S_IFREG, "d": stat.S_IFDIR, "l": stat.S_IFLNK, "p": stat.S_IFIFO}
TIME = 1_700_000_000_123_456_789

Tree = dict[bytes, "Node"]
"""What stands at each path; folders on the way are made as they are needed."""


@dataclass(frozen=True)
class Node:
    """A file, folder, link or FIFO: its content, or where it leads."""

    kind: Kind = "f"
    data: bytes = b""
    mode: int = 0o644


NASTY_NAMES = [
    b"a b",
    b"new\nline",
    b"tab\t'\"\\",
    b"-rf",
    b"\xff\xfe",
    "Überfall €".encode(),
    "🙂".encode(),
    b"caf\xe9",
    b"x" * 255,
    b"y" * 100,
    b"z" * 99,
    b".hidden",
    b"...",
    b"~",
    b"$(date)",
    b"\r",
    b"\x7f\x01",
    b"a",
    b"a.b",
    b"a-b",
    b"\xed\xb2\x80",
]
NAMES = st.one_of(
    st.sampled_from(NASTY_NAMES),
    st.binary(min_size=1, max_size=40).map(lambda name: name.replace(b"/", b"_").replace(b"\0", b"0")),
    st.text(st.sampled_from("abAB.-_ é\n\\"), min_size=1, max_size=6).map(str.encode),
).filter(lambda name: name not in {b".", b".."})
PATHS = st.lists(NAMES, min_size=1, max_size=5).map(b"/".join)
LINKS = st.one_of(
    st.sampled_from(
        [b"/etc/passwd", b"nowhere", b"..", b"../../..", b".", b"a", b"/", b"l" * 300, b"\xff", b"a\nb"]
    ),
    PATHS,
)
NODES = st.one_of(
    st.builds(
        Node, kind=st.just("f"), data=st.binary(max_size=1500), mode=st.sampled_from([0o644, 0o755, 0o400])
    ),
    st.builds(Node, kind=st.just("f"), data=st.sampled_from([b"", bytes(512), b"x" * 1024, b"\0" * 10_000])),
    st.builds(Node, kind=st.just("d"), mode=st.sampled_from([0o755, 0o700])),
    st.builds(Node, kind=st.just("l"), data=LINKS),
    st.just(Node(kind="p")),
)
TREES = st.dictionaries(PATHS, NODES, max_size=12)


def make_tree(folder: Path, tree: Tree) -> None:
    """Make what fits together of a tree in a folder that it makes, each with a time of its own."""
    folder.mkdir()
    for number, (path, node) in enumerate(tree.items()):
        place = os.path.join(os.fsencode(folder), path)
        # Names that are folders and files at a time, or paths that are too long, drop out.
        with suppress(OSError):
            os.makedirs(os.path.dirname(place), exist_ok=True)
            if os.path.realpath(os.path.dirname(place)) != os.path.realpath(
                os.fsencode(folder.parent)
            ) + b"/" + os.path.dirname(os.path.join(os.fsencode(folder.name), path)):
                continue  # A link of the tree is on the way.
            make_node(place, node)
            os.utime(place, ns=(TIME, TIME + number * 1_000_000_007), follow_symlinks=False)


def make_node(place: bytes, node: Node) -> None:
    if node.kind == "f":
        with open(place, "xb") as stream:
            stream.write(node.data)
        os.chmod(place, node.mode)
    elif node.kind == "d":
        os.makedirs(place)
        os.chmod(place, node.mode)
    elif node.kind == "l":
        os.symlink(node.data, place)
    else:
        os.mkfifo(place)


Facts = tuple[int, int, bytes, int]
"""A type, rights, content or where a link leads, and a time in seconds."""


def contents(folder: Path, *, times: bool = True) -> dict[bytes, Facts]:
    """Return what is in a folder, itself included, by paths that begin with its name."""
    found: dict[bytes, Facts] = {}
    for path, full, state in walk(folder):
        data: bytes = b""
        if stat.S_ISREG(state.st_mode):
            with open(full, "rb") as stream:
                data = stream.read()
        elif stat.S_ISLNK(state.st_mode):
            data = os.readlink(full)
        timed = times and not stat.S_ISDIR(state.st_mode) and not stat.S_ISLNK(state.st_mode)
        mode = 0 if stat.S_ISLNK(state.st_mode) else stat.S_IMODE(state.st_mode)
        found[path] = (
            stat.S_IFMT(state.st_mode),
            mode,
            data,
            int(state.st_mtime_ns // 10**9) if timed else 0,
        )
    return found


@dataclass(frozen=True)
class Forged:
    """A member of an archive made by hand. tar: what its header says instead, where it lies."""

    path: bytes
    node: Node = Node()
    tar: bytes | None = None
    in_index: bool = True
    in_tar: bool = True
    sha256: bytes | None = None
    kind: str = ""
    size: int | None = None


def forge(target: Path, members: Iterable[Forged], *, end: bytes = END) -> Path:
    """Write an archive of one frame and one block, whatever its members are."""
    parts: list[bytes] = []
    rows: list[Row] = []
    at = 0
    for member in members:
        node = member.node
        form = form_of(TYPES[node.kind] | node.mode, 0, 0)
        assert form is not None
        content = node.data if node.kind == "f" else b""
        name = member.path + (b"/" if node.kind == "d" else b"") if member.tar is None else member.tar
        link = node.data if node.kind == "l" else b""
        head = header(name, form, len(content), TIME // 10**9, link)
        if member.in_tar:
            parts += (head, content, PADS[len(content) % BLOCK])
        if member.in_index:
            last = member.sha256 or (hashlib.sha256(content).digest() if node.kind == "f" else link)
            kind: Kind = member.kind or node.kind  # type: ignore[assignment]
            size = len(content) if member.size is None else member.size
            rows.append((member.path, kind, node.mode, size, TIME, 0, at + len(head), last))
        if member.in_tar:
            at += len(head) + len(content) + -len(content) % BLOCK
    blocks = [(pack_block(rows), rows[0][0])] if rows else []
    content_size = sum(row[3] for row in rows)
    return assemble(target, [b"".join([*parts, end])], blocks, members=len(rows), content=content_size)


def assemble(
    target: Path,
    frames: Sequence[bytes],
    blocks: Sequence[tuple[bytes, bytes]],
    *,
    members: int,
    content: int,
) -> Path:
    """Write an archive of frames of tar data and blocks of an index, with a directory that fits them."""
    packer = zstandard.ZstdCompressor(write_checksum=True)
    out = b""
    spans: list[Span] = []
    for raw in frames:
        data = packer.compress(raw)
        spans.append(Span(offset=0, size=len(data), raw=len(raw), sha256=hashlib.sha256(data).hexdigest()))
        out += data
    block_spans: list[Span] = []
    for raw, first in blocks:
        data = packer.compress(raw)
        sha256 = hashlib.sha256(data).hexdigest()
        block_spans.append(Span(offset=0, size=len(data), raw=len(raw), sha256=sha256, first=first))
        out += skipped(data)
    directory = directory_bytes(members, content, spans, block_spans)
    target.write_bytes(out + skipped(directory) + footer_bytes(len(out), directory))
    return target

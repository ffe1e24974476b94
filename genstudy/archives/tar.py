"""Headers of tar members in GNU's form, made and read. Names are bytes of any length, numbers of any size."""

from __future__ import annotations

import stat
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from zlib import adler32

from genstudy.archives.trees import KIND_OF_TYPE

if TYPE_CHECKING:
    from genstudy.archives.trees import Kind

BLOCK = 512
"""Tar data comes in blocks of so many bytes."""

END = bytes(2 * BLOCK)
"""What ends a tar file."""

PADS = tuple(bytes(-size % BLOCK) for size in range(BLOCK))
"""What fills a member's last block, by its size modulo BLOCK."""

FLAGS: dict[Kind, bytes] = {"f": b"0", "l": b"2", "d": b"5", "p": b"6"}
"""Tar's own signs for what can be a member."""

LONG_LINK, LONG_NAME = b"K", b"L"
LONG_OWNER = b"././@LongLink"
NAME = 100
MAGIC = b"ustar  \0"
REST = MAGIC + bytes(BLOCK - 257 - len(MAGIC))
CHECKSUM = slice(148, 156)
BLANKS = b" " * 8
OCTAL = 8**11
"""Sizes and times below it are written in octal digits, others in binary."""


class Form(NamedTuple):
    """What the headers of many members have in common. kind: as the index has it; mode: rights alone.

    fields: rights and owner; tail: what is behind the checksum; fixed: what that adds to the checksum.
    """

    kind: Kind
    mode: int
    fields: bytes
    tail: bytes
    fixed: int


class NotTar(Exception):
    """These bytes are no header that could have been written here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a header says. flag: tar's type."""

    path: bytes
    flag: bytes
    mode: int
    size: int
    mtime: int
    link: bytes

    def renamed(self, path: bytes | None, link: bytes | None) -> Header:
        """Return the header with the long names that stood before it. NotTar where they are another's."""
        for long, short in ((path, self.path), (link, self.link)):
            if long is not None and long[:NAME] != short:
                raise NotTar("a long name belongs to no member")
        return replace(self, path=path or self.path, link=link or self.link)


@lru_cache(maxsize=256)
def form_of(mode: int, uid: int, gid: int) -> Form | None:
    """Return what the headers of such files have in common; None where tar has no such type."""
    kind = KIND_OF_TYPE.get(stat.S_IFMT(mode))
    return _form(kind, FLAGS[kind], stat.S_IMODE(mode), uid, gid) if kind is not None else None


def _form(kind: Kind, flag: bytes, mode: int, uid: int, gid: int) -> Form:
    fields = _number(mode, 8) + _number(uid, 8) + _number(gid, 8)
    tail = flag + bytes(NAME) + REST
    return Form(kind, mode, fields, tail, sum(tail) + sum(BLANKS))


def header(path: bytes, form: Form, size: int, mtime: int, link: bytes = b"") -> bytes:
    """Return a member's header; with headers of GNU's own before it where a name is longer than 100 bytes.

    mtime: in seconds.
    """
    if len(path) > NAME or len(link) > NAME:
        return _long(path, form, size, mtime, link)
    _, _, fields, tail, fixed = form
    if size < OCTAL and 0 <= mtime < OCTAL:
        text = b"%b%b%011o\0%011o\0" % (path.ljust(NAME, b"\0"), fields, size, mtime)
    else:
        text = path.ljust(NAME, b"\0") + fields + _number(size, 12) + _number(mtime, 12)
    if link:
        fixed += sum(link)
        tail = tail[:1] + link.ljust(NAME, b"\0") + REST
    return b"%b%06o\0 %b" % (text, fixed + _byte_sum(text), tail)


def _byte_sum(text: bytes) -> int:
    """Return the sum of at most 256 bytes.

    Adler-32 keeps it in its lower half, one too large. It takes a tenth of the time of `sum`, and an archive
    has tens of thousands of headers.
    """
    return (adler32(text) & 0xFFFF) - 1


def _number(value: int, width: int) -> bytes:
    """Return a number as octal digits, or in GNU's binary form where these do not suffice."""
    if 0 <= value < 8 ** (width - 1):
        return b"%0*o\0" % (width - 1, value)
    mark, value = (b"\x80", value) if value >= 0 else (b"\xff", 256 ** (width - 1) + value)
    return mark + value.to_bytes(width - 1, "big")


def _long(path: bytes, form: Form, size: int, mtime: int, link: bytes) -> bytes:
    parts = []
    for flag, text in ((LONG_LINK, link), (LONG_NAME, path)):
        if len(text) > NAME:
            data = text + b"\0"
            parts.append(header(LONG_OWNER, _form("f", flag, 0, 0, 0), len(data), 0))
            parts.append(data + PADS[len(data) % BLOCK])
    parts.append(header(path[:NAME], form, size, mtime, link[:NAME]))
    return b"".join(parts)


def parse_header(block: bytes) -> Header:
    """Return what one block says. Raises NotTar where it is not a header of this form."""
    total = sum(block) - sum(block[CHECKSUM]) + sum(BLANKS)
    if block[CHECKSUM] != b"%06o\0 " % total or block[257:265] != MAGIC:
        raise NotTar("no header stands there")
    return Header(
        path=block[:NAME].rstrip(b"\0"),
        flag=block[156:157],
        mode=_parsed(block[100:108]),
        size=_parsed(block[124:136]),
        mtime=_parsed(block[136:148]),
        link=block[157:257].rstrip(b"\0"),
    )


def _parsed(field: bytes) -> int:
    if field[0] in (0x80, 0xFF):
        value = int.from_bytes(field[1:], "big")
        return value if field[0] == 0x80 else value - 256 ** (len(field) - 1)
    try:
        return int(field.rstrip(b"\0 "), 8)
    except ValueError:
        raise NotTar(f"{field!r} is no number") from None

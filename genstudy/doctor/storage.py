"""A folder's file system: what kind it is, and how much room is left."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from genstudy.doctor.findings import note, ok, problem
from genstudy.units import size_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genstudy.doctor.findings import Finding

MOUNTS = Path("/proc/self/mountinfo")
ESCAPE = re.compile(r"\\([0-7]{3})")
NETWORK = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|lustre|gpfs|beegfs|ceph|panfs|pvfs2|orangefs|afs|9p|virtiofs|wekafs|gfs2|ocfs2"
    r"|fuse\.(?:sshfs|ceph|glusterfs|s3fs|rclone|juicefs|cvmfs2?|lustre)|glusterfs|quobyte"
)
MEMORY = frozenset({"tmpfs", "ramfs", "devtmpfs"})
LITTLE = 1024**3
FEW = 10_000
MORE_ROOM = "make room, or choose another place; genstudy plan tells how much a campaign needs"


def space(folder: Path) -> Iterator[Finding]:
    """Tell how much room a folder's file system has for this user, quotas left aside."""
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize
    inodes = disk.f_favail if disk.f_files else None  # some file systems have no fixed number, and say 0
    text = f"{folder}: {size_text(free)} free"
    text += "" if inodes is None else f", room for {inodes:,} files"
    if not free or inodes == 0:
        yield problem("folder", text, MORE_ROOM)
    elif free < LITTLE or (inodes is not None and inodes < FEW):
        yield note("folder", text, MORE_ROOM)
    else:
        yield ok("folder", text)


def file_system(folder: Path) -> Iterator[Finding]:
    """Tell what kind of file system a folder is on, and what that means."""
    kind = kind_of(folder.resolve())
    if kind is None:
        yield note("folder", "its kind of file system cannot be known here")
    elif NETWORK.fullmatch(kind):
        yield note(
            "folder",
            f"{kind}, a network file system: other machines can see it; small files are slow, and a quota "
            "may leave less than what is free",
            "look at your quota (quota -s, lfs quota); have ended batches archived, which is the default",
        )
    elif kind in MEMORY:
        yield note("folder", f"{kind}: it is in memory, and gone when the machine restarts")
    elif kind == "overlay":
        yield note("folder", "overlay: a container's own layer, which is gone with the container")
    else:
        yield ok("folder", f"{kind}, a local file system: other machines may not see it")


def kind_of(path: Path) -> str | None:
    """Return the type of the file system that has an absolute path; None where /proc does not tell."""
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    found, longest = None, -1
    for line in lines:
        fields, _, rest = line.partition(" - ")
        place = ESCAPE.sub(lambda mark: chr(int(mark[1], 8)), fields.split(" ")[4])
        # Of several at one place, the last one covers the others.
        if path.is_relative_to(place) and len(place) >= longest:
            found, longest = rest.split(" ")[0], len(place)
    return found

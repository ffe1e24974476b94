"""What a campaign does in its folder, tried out for real: files, links, locks and scripts."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from genstudy.doctor.findings import note, ok, problem
from genstudy.errors import GenstudyError, RunError
from genstudy.files import FULL, whole_file
from genstudy.ledger.generations import NO_LINKS, Generations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genstudy.doctor.findings import Finding

SOME = 256 * 1024
LONGEST = 255
SECONDS = 30.0
ELSEWHERE = "choose a folder on another file system"
OWNERS = "it cannot be told who owns a campaign here: two runs of it could harm each other"


def try_out(folder: Path) -> Iterator[Finding]:
    """Try out in a folder what campaigns need of it; nothing of that stays."""
    try:
        with tempfile.TemporaryDirectory(prefix=".genstudy-doctor-", dir=folder) as name:
            found = list(_trials(Path(name)))
    except OSError as error:
        hint = "make room there" if error.errno in FULL else "choose a folder that you may write to"
        yield problem("folder", f"it cannot be written: {error.strerror or error}", hint)
        return
    yield from found
    if not found:
        works = "files that appear whole, one owner, links, long names, SQLite and scripts"
        yield ok("folder", f"tried out: {works} work here")


def _trials(place: Path) -> Iterator[Finding]:
    for content in (bytes(SOME), b"again"):
        with whole_file(place / "file", force=True) as stream:
            stream.write(content)
    for trial in (_one_owner, _links, _long_names, _sqlite, _scripts):
        yield from trial(place)


def _one_owner(place: Path) -> Iterator[Finding]:
    try:
        made = [Generations(place).create_owner(1, b"{}\n") for _ in range(2)]
    except OSError as error:
        yield problem("folder", f"{OWNERS}: {error.strerror or error}", ELSEWHERE)
        return
    if made != [True, False]:
        yield problem("folder", f"{OWNERS}: a file could be made twice", ELSEWHERE)


def _links(place: Path) -> Iterator[Finding]:
    try:
        (place / "link").hardlink_to(place / "file")
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        yield note("folder", "it has no hard links; the ledger does without them")


def _long_names(place: Path) -> Iterator[Finding]:
    try:
        (place / ("n" * LONGEST)).touch()
    except OSError:
        longest = os.pathconf(place, "PC_NAME_MAX")
        text = (
            f"names have at most {longest} bytes here; row ids, and names of campaigns, had better be short"
        )
        yield note("folder", text)


def _sqlite(place: Path) -> Iterator[Finding]:
    try:
        with closing(sqlite3.connect(place / "results.db", timeout=5)) as connection, connection:
            connection.execute("CREATE TABLE results (value)")
            connection.execute("INSERT INTO results VALUES (1)")
    except sqlite3.Error as error:
        yield problem(
            "folder",
            f"SQLite cannot write here ({error}): no results can be collected in this folder",
            "put them into a database elsewhere: results: into:, or genstudy collect --db",
        )


def _scripts(place: Path) -> Iterator[Finding]:
    script = place / "script.sh"
    script.write_text("#!/bin/sh\nexit 0\n")
    script.chmod(0o700)
    try:
        done = subprocess.run(
            [script], stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False
        )
        if done.returncode:
            raise RunError(f"it ended with {done.returncode}")
    except (OSError, GenstudyError, subprocess.TimeoutExpired) as error:
        text = (
            f"scripts cannot be run here ({getattr(error, 'strerror', None) or error}), and steps are scripts"
        )
        yield problem("folder", text, "choose a folder that is not mounted with noexec")

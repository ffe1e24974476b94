"""Databases connected to, to see whether they answer."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from genstudy.databases.engine import open_database
from genstudy.databases.problems import database_errors
from genstudy.databases.url import parse_url
from genstudy.doctor.findings import note, ok, problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genstudy.databases.url import DatabaseUrl
    from genstudy.doctor.findings import Finding


def reached(name: str, text: str) -> Iterator[Finding]:
    """Tell whether a database answers that is read. name: what says its URL, such as a variable.

    Raises GenstudyError where it does not.
    """
    url = parse_url(text, where=name)
    if _is_missing(url):
        yield note("database", f"{name}: {url.shown} does not exist")
    else:
        _connect(url)
        yield ok("database", f"{name}: {url.shown} answers")


def writable(about: str, url: DatabaseUrl) -> Iterator[Finding]:
    """Tell whether a database answers that is to be written to. Raises GenstudyError where it does not."""
    if _is_missing(url):
        yield ok(about, f"{url.shown} does not exist yet, and is made when needed")
        return
    _connect(url)
    if url.file is not None and not os.access(url.file, os.W_OK):
        yield problem(about, f"{url.shown} cannot be written", "mend its permissions")
    else:
        yield ok(about, f"{url.shown} answers")


def _is_missing(url: DatabaseUrl) -> bool:
    """Tell whether a SQLite file is not there and could be made."""
    return url.file is not None and not url.file.exists() and url.file.parent.is_dir()


def _connect(url: DatabaseUrl) -> None:
    # SQLite reads no byte of its file for a mere number.
    statement = "SELECT 1" if url.file is None else "SELECT count(*) FROM sqlite_master"
    with (
        open_database(url, read_only=True) as engine,
        database_errors(url, "no connection"),
        engine.connect() as connection,
    ):
        connection.exec_driver_sql(statement).scalar()

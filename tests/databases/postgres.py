"""A PostgreSQL server of the tests' own: real, on this machine alone, gone at the end."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import create_engine, make_url
from sqlalchemy.pool import NullPool

USER = "lab"
PASSWORD = "s3cret:p@ss/w%rd"
"""What a URL has to quote, so that masking is tested."""

SETTINGS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=40")
UNPRIVILEGED = ("postgres", "nobody")
START_SECONDS = 60


def find_program(name: str) -> Path | None:
    """Return a program of PostgreSQL: from PATH, or the newest of those that Debian has."""
    found = shutil.which(name)
    if found:
        return Path(found)
    found_here = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    return max(found_here, key=lambda path: int(path.parts[-3]), default=None)


class PostgresServer:
    """A server with a superuser that needs its password, in a temporary folder.

    url: of an empty database, with user and password. host, port, user, password: its parts.
    """

    def __init__(self, initdb: Path, pg_ctl: Path) -> None:
        self.pg_ctl = pg_ctl
        self.host, self.port = "127.0.0.1", _free_port()
        self.user, self.password = USER, PASSWORD
        self.account = _account()
        self.folder = Path(tempfile.mkdtemp(prefix="genstudy-postgres-"))
        self._databases = 0
        self._guard: subprocess.Popen[bytes] | None = None
        try:
            self._init(initdb)
            self._guard = self._new_guard()
            self.start()
            self.url = self.new_database()
        except BaseException:
            self.close()
            raise

    def _init(self, initdb: Path) -> None:
        secret = self.folder / "password"
        secret.write_text(self.password)
        if self.account:
            for path in (self.folder, secret):
                os.chown(path, self.account.pw_uid, self.account.pw_gid)
        login = [f"--username={self.user}", f"--pwfile={secret}", "--auth=scram-sha-256"]
        self._call(
            [
                initdb,
                "-D",
                self._data,
                *login,
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
                "--no-instructions",
            ]
        )
        with (self._data / "postgresql.conf").open("a") as stream:
            stream.write(f"listen_addresses = '{self.host}'\nport = {self.port}\n")
            stream.write("unix_socket_directories = ''\n")
            stream.write("".join(f"{setting}\n" for setting in SETTINGS))

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _call(self, command: Sequence[str | Path]) -> None:
        done = subprocess.run(
            command,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            user=self.account.pw_uid if self.account else None,
            group=self.account.pw_gid if self.account else None,
            extra_groups=[] if self.account else None,
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{done.stdout}")

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        log = self.folder / "log"
        wait = ["-w", "-t", str(START_SECONDS), "-s"]
        self._call([self.pg_ctl, "start", "-D", self._data, "-l", log, *wait])

    def stop(self) -> None:
        """Stop the server; connections are cut."""
        self._call([self.pg_ctl, "stop", "-D", self._data, "-m", "fast", "-w", "-s"])

    def kill(self) -> None:
        """End the server at once, as a power cut would. `start` recovers it."""
        self._call([self.pg_ctl, "stop", "-D", self._data, "-m", "immediate", "-w", "-s"])

    def new_database(self) -> str:
        """Make an empty database, and return its URL with user and password."""
        self._databases += 1
        name = f"test{self._databases}"
        engine = create_engine(
            make_url(self.url_of("postgres")).set(drivername="postgresql+psycopg"),
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
        )
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        return self.url_of(name)

    def url_of(self, database: str, *, user: str | None = None, password: str | None = None) -> str:
        """Return the URL of a database; without `user` and `password` those that are right."""
        login = f"{quote(user or self.user, safe='')}:{quote(password or self.password, safe='')}"
        return f"postgresql://{login}@{self.host}:{self.port}/{database}"

    def close(self) -> None:
        """Stop the server if it runs, and remove all that it has."""
        if self._guard is None:
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            self._guard.communicate()

    def _new_guard(self) -> subprocess.Popen[bytes]:
        """Start what ends the server once we are gone, whatever ended us: then its standard input ends."""
        stop = shlex.join([str(self.pg_ctl), "stop", "-D", str(self._data), "-m", "immediate", "-w", "-s"])
        remove = shlex.join(["rm", "-rf", str(self.folder)])
        return subprocess.Popen(
            ["sh", "-c", f"cat; {stop}; {remove}"],
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            user=self.account.pw_uid if self.account else None,
            group=self.account.pw_gid if self.account else None,
            extra_groups=[] if self.account else None,
        )


def _account() -> pwd.struct_passwd | None:
    """Return whom the server runs as, if it must be somebody else: PostgreSQL refuses root."""
    if os.geteuid():
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return next(names[name] for name in UNPRIVILEGED if name in names)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])

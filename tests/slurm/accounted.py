"""The lab with accounting: slurmdbd and a MariaDB of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.slurm.lab import NODES, SlurmLab, find_program

PROGRAMS = ("slurmdbd", "sacct", "sacctmgr", "mariadbd", "mariadb-install-db", "mariadb")


def missing_for_accounting() -> list[str]:
    """Return the programs that accounting needs and that are not installed here."""
    return [name for name in PROGRAMS if find_program(name) is None]


class AccountedLab(SlurmLab):
    """A lab that remembers its jobs, and enforces the limits that `sacctmgr` sets for the account `lab`."""

    def _prepare(self) -> None:
        self._start_database()
        self._start_slurmdbd()
        self.call("sacctmgr", "-i", "add", "cluster", "lab")
        self.call("sacctmgr", "-i", "add", "account", "lab")
        # Root has an association with the account root from the start.
        self.call("sacctmgr", "-i", "add", "user", self.user, "account=lab", "defaultaccount=lab")

    def _more_settings(self) -> dict[str, str]:
        return {
            "AccountingStorageType": "accounting_storage/slurmdbd",
            "AccountingStorageHost": "localhost",
            "AccountingStoragePort": str(self._ports[-1]),
            "AccountingStoragePass": str(self.folder / "munge" / "sock"),
            "AccountingStorageEnforce": "limits,qos",
            "AccountingStoreFlags": "job_comment",
        }

    @property
    def _database(self) -> Path:
        return self.folder / "mariadb"

    def _start_database(self) -> None:
        # Others' defaults, such as those in /etc/mysql, have no say.
        fixed = ["--no-defaults", f"--datadir={self._database}", f"--user={self.user}"]
        install = [*self._program("mariadb-install-db"), *fixed, "--auth-root-authentication-method=normal"]
        subprocess.run(
            [*install, "--skip-test-db", "--skip-name-resolve"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        sock = self._database / "sock"
        port = ["--bind-address=127.0.0.1", f"--port={self._ports[len(NODES) + 1]}", f"--socket={sock}"]
        pid = f"--pid-file={self._database / 'pid'}"
        self._start("mariadbd", [*self._program("mariadbd"), *fixed, *port, pid, "--skip-name-resolve"])
        self.wait(sock.is_socket, "the database listens")
        grant = "CREATE DATABASE acct; CREATE USER s@127.0.0.1; GRANT ALL ON *.* TO s@127.0.0.1;"
        client = [*self._program("mariadb"), "--no-defaults", f"--socket={sock}", "--user=root"]
        subprocess.run([*client, f"--execute={grant}"], stdin=subprocess.DEVNULL, check=True)

    def _start_slurmdbd(self) -> None:
        settings = {
            "AuthType": "auth/munge",
            "AuthInfo": self.folder / "munge" / "sock",
            "DbdHost": "localhost",
            "DbdPort": self._ports[-1],
            "SlurmUser": self.user,
            "LogFile": self.folder / "log" / "slurmdbd.log",
            "PidFile": self.folder / "run" / "slurmdbd.pid",
            "StorageType": "accounting_storage/mysql",
            "StorageHost": "127.0.0.1",
            "StoragePort": self._ports[len(NODES) + 1],
            "StorageUser": "s",
            "StorageLoc": "acct",
        }
        path = self.folder / "etc" / "slurmdbd.conf"
        path.touch(0o600)
        path.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        self._start("slurmdbd", [*self._program("slurmdbd"), "-D"])
        self.wait(lambda: self._answers("sacctmgr", "-n", "show", "cluster"), "slurmdbd answers")

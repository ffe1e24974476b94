"""A Slurm of the tests' own: real daemons, four virtual nodes, on this machine alone, gone at the end."""

from __future__ import annotations

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.slurm import guard

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol", "sinfo")
NODES = ("n1", "n2", "n3", "n4")
CPUS = 8
START_SECONDS = 30.0
PAUSE = 0.02
PORTS = range(10_000, 30_000, 8)
"""Where blocks of ports begin: below those that the kernel gives to anybody who asks for any."""

KEPT = {
    "ClusterName": "lab",
    "SlurmctldHost": "localhost",
    "AuthType": "auth/munge",
    "CredType": "cred/munge",
    "MpiDefault": "none",
    "ProctrackType": "proctrack/linuxproc",
    "TaskPlugin": "task/none",
    "SwitchType": "switch/none",
    "MailProg": "/bin/true",
    "ReturnToService": "2",
    "CommunicationParameters": "NoInAddrAny,NoCtldInAddrAny",
    "SelectType": "select/cons_tres",
    "SelectTypeParameters": "CR_Core",
    "SchedulerType": "sched/backfill",
    "SchedulerParameters": "batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=1",
    "AccountingStorageType": "accounting_storage/none",
    "JobAcctGatherType": "jobacct_gather/none",
    "JobCompType": "jobcomp/none",
    "DebugFlags": "NO_CONF_HASH",
    "SlurmdParameters": "config_overrides",
    "EnforcePartLimits": "ALL",
    "MinJobAge": "86400",
    "MaxJobCount": "200000",
    "SlurmdTimeout": "15",
    "KillWait": "2",
}
"""Settings that no other can have been asked for, until `reconfigure` says so."""


def missing_programs() -> list[str]:
    """Return the programs of Slurm and munge that are not installed here."""
    return [name for name in PROGRAMS if find_program(name) is None]


def find_program(name: str) -> str | None:
    """Return where a program is; that of a daemon need not be on PATH."""
    return shutil.which(name) or shutil.which(name, path="/usr/local/sbin:/usr/sbin:/sbin")


class SlurmLab:
    """A controller and the nodes n1 to n4 of 8 cores each, in a temporary folder.

    Its partitions are `debug` (the default), `pwhole` (a job has its nodes alone) and `short` (at most one
    minute). env: what the environment of a child needs to talk to it.
    Raises RuntimeError if it does not come up.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="genstudy-slurm-"))
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        self.env = {"SLURM_CONF": str(self.folder / "etc" / "slurm.conf"), "USER": self.user}
        self._settings: dict[str, str] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._guard: subprocess.Popen[bytes] | None = None
        try:
            with _block_of_ports() as (reservation, ports):
                self._ports = ports
                self._guard = self._new_guard(reservation)
            self._lay_out()
            self._start_munge()
            self._prepare()
            self.start_controller()
            for name in NODES:
                self.start_node(name)
            self.wait_for_idle()
        except BaseException:
            self.close()
            raise

    @property
    def log(self) -> str:
        """What the daemons logged."""
        return "\n".join(path.read_text(errors="replace") for path in (self.folder / "log").glob("*.log"))

    def start_controller(self, *, wait: bool = True) -> None:
        """Start slurmctld; its state is that of the last one. wait: until it answers."""
        self._start("slurmctld", [*self._program("slurmctld"), "-D"])
        if wait:
            self.wait(lambda: self._answers("scontrol", "ping"), "the controller answers")

    def stop_controller(self, *, kill: bool = False) -> None:
        """Stop slurmctld in good order, or with SIGKILL."""
        self._stop("slurmctld", signal.SIGKILL if kill else signal.SIGTERM)

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Have a daemon hang: it takes connections and answers none of them."""
        self._running[name].send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._running[name].send_signal(signal.SIGCONT)

    def start_node(self, name: str) -> None:
        """Start a node's slurmd."""
        self._start(name, [*self._program("slurmd"), "-D", "-N", name], LAB_NODE=name)

    def kill_node(self, name: str, *, jobs: bool = True) -> None:
        """Kill a node's slurmd at once and, as a power cut would, what runs there.

        jobs: False leaves the jobs there, which go on unseen, as when only the network is cut.
        """
        self._stop(name, signal.SIGKILL)
        if jobs:
            lab, node = guard.of_lab(self.folder), f"LAB_NODE={name}".encode()
            guard.kill(lambda environ: node in environ and lab(environ))

    def declare_down(self, name: str) -> None:
        """Have the controller take a node for lost now, instead of after `SlurmdTimeout` seconds."""
        self.call("scontrol", "update", f"nodename={name}", "state=down", "reason=lost")

    def reconfigure(self, **settings: str | int) -> None:
        """Restart the controller with these settings of slurm.conf, beside those of earlier calls."""
        self._settings.update({key: str(value) for key, value in settings.items()})
        self._restart()

    def reset(self) -> None:
        """End all jobs, restart what was stopped, take back `reconfigure`, wait until all nodes are idle."""
        if self._settings:
            self._settings.clear()
            self._restart()
        elif not self.runs("slurmctld"):
            self.start_controller()
        self.call("scancel", "--user", self.user)
        self.call("scancel", "--user", self.user, "--full", "--signal=KILL")
        for name in NODES:
            if not self.runs(name):
                self.start_node(name)
        self.wait(self.is_empty, "all jobs have ended")
        for line in self.call("sinfo", "-h", "-N", "-o", "%N %T").splitlines():
            name, state = line.split()
            if state.startswith(("down", "drain", "fail")):
                # It is an error where the node has come back by itself meanwhile.
                self._answers("scontrol", "update", f"nodename={name}", "state=resume")
        self.wait_for_idle()

    def runs(self, name: str) -> bool:
        """Tell whether a daemon runs: `slurmctld`, or a node's name."""
        return name in self._running and self._running[name].poll() is None

    def sinfo(self) -> dict[str, str]:
        """Return the state of each node, as sinfo calls it: idle, mixed, allocated, down, ..."""
        lines = self.call("sinfo", "-h", "-p", "debug", "-N", "-o", "%N %T").splitlines()
        return dict(line.split() for line in lines)

    def call(self, *command: str) -> str:
        """Run one of Slurm's commands and return what it prints. Raises RuntimeError if it fails."""
        done = self._run(*command)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
        return done.stdout

    def wait(self, condition: Callable[[], bool], meaning: str, *, seconds: float = START_SECONDS) -> None:
        """Wait until something is so. Raises RuntimeError with the daemons' logs if it takes too long."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise RuntimeError(f"not so after {seconds:g} s: {meaning}\n{self.log[-4000:]}")
            time.sleep(PAUSE)

    def wait_for_idle(self) -> None:
        """Wait until all nodes are idle."""
        idle = dict.fromkeys(NODES, "idle")
        # A node that has not answered yet is `idle*`.
        self.wait(lambda: self._answers("sinfo") and self.sinfo() == idle, "all nodes are idle")

    def close(self) -> None:
        """End all that runs in the lab, and remove all that it has."""
        if self._guard is None:
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        self._guard.communicate()
        for process in self._running.values():
            process.wait()

    def _lay_out(self) -> None:
        for name in ("etc", "state", "spool", "log", "run", "munge"):
            (self.folder / name).mkdir()
        # munged trusts no path that others may write to, and others must be able to reach the socket.
        for path in (self.folder, self.folder / "munge"):
            path.chmod(0o755)
        key = self.folder / "munge" / "munge.key"
        key.touch(0o600)
        key.write_bytes(os.urandom(1024))
        self._write_settings()

    def _write_settings(self) -> None:
        folder = self.folder
        own = {
            "SlurmUser": self.user,
            "SlurmdUser": self.user,
            "AuthInfo": f"socket={folder}/munge/sock,cred_expire=5",
            "SlurmctldPort": self._ports[0],
            "SlurmctldPidFile": f"{folder}/run/slurmctld.pid",
            "SlurmdPidFile": f"{folder}/run/slurmd.%n.pid",
            "SlurmdSpoolDir": f"{folder}/spool/%n",
            "StateSaveLocation": f"{folder}/state",
            "SlurmctldLogFile": f"{folder}/log/slurmctld.log",
            "SlurmdLogFile": f"{folder}/log/slurmd.%n.log",
        }
        settings = {**KEPT, **own, **self._more_settings(), **self._settings}
        lines = [f"{key}={value}" for key, value in settings.items()]
        lines += [
            (
                f"NodeName={name} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port} CPUs={CPUS}"
                " RealMemory=4000 State=UNKNOWN"
            )
            for name, port in zip(NODES, self._ports[1:], strict=False)
        ]
        lines += [
            "PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP",
            "PartitionName=pwhole Nodes=ALL OverSubscribe=EXCLUSIVE MaxTime=INFINITE State=UP",
            "PartitionName=short Nodes=ALL MaxTime=1 State=UP",
        ]
        Path(self.env["SLURM_CONF"]).write_text("\n".join(lines) + "\n")

    def _prepare(self) -> None:
        """Start what the controller needs."""

    def _more_settings(self) -> dict[str, str]:
        """Return further settings of slurm.conf."""
        return {}

    def _start_munge(self) -> None:
        folder = self.folder / "munge"
        log = self.folder / "log"
        log.chmod(0o700)
        paths = {
            "key-file": folder / "munge.key",
            "socket": folder / "sock",
            "pid-file": folder / "munged.pid",
            "log-file": log / "munged.log",
            "seed-file": log / "munged.seed",
        }
        options = [f"--{name}={path}" for name, path in paths.items()]
        self._start("munged", [*self._program("munged"), "--foreground", *options])
        self.wait((folder / "sock").is_socket, "munged listens")

    def _program(self, name: str) -> list[str]:
        found = find_program(name)
        assert found is not None, f"{name} is not installed"
        return [found]

    def _start(self, name: str, command: list[str], **environ: str) -> None:
        with (self.folder / "log" / f"{name}.out.log").open("ab") as stream:
            self._running[name] = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**_plain_environ(), **self.env, **environ},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _stop(self, name: str, number: signal.Signals) -> None:
        process = self._running[name]
        process.send_signal(number)
        process.wait()

    def _restart(self) -> None:
        self._write_settings()
        if self.runs("slurmctld"):
            self.stop_controller()
        self.start_controller()
        self.call("scontrol", "reconfigure")

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env={**_plain_environ(), **self.env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",  # squeue cuts names to a number of bytes
            check=False,
        )

    def _answers(self, *command: str) -> bool:
        return not self._run(*command).returncode

    def is_empty(self) -> bool:
        """Tell whether no job waits or runs."""
        states = "CONFIGURING,COMPLETING,PENDING,RUNNING,SUSPENDED,REQUEUED,REQUEUE_HOLD,RESIZING,STOPPED"
        return not self.call("squeue", "-h", "-o", "%i", "-t", states)

    def _new_guard(self, reservation: socket.socket) -> subprocess.Popen[bytes]:
        """Start what ends the lab once we are gone; it holds the ports' reservation until then."""
        return subprocess.Popen(
            [sys.executable, "-P", "-S", guard.__file__, str(self.folder)],
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=[reservation.fileno()],
        )


@contextmanager
def _block_of_ports() -> Iterator[tuple[socket.socket, list[int]]]:
    """Give a listening socket that keeps a block of ports from other labs, and the daemons' ports of it."""
    for start in random.sample(PORTS, len(PORTS)):
        ports = list(range(start + 1, start + PORTS.step))
        with ExitStack() as stack:
            try:
                sockets = [stack.enter_context(_bound(port)) for port in (start, *ports)]
            except OSError:
                continue
            reservation = sockets[0]
            reservation.listen()
            for other in sockets[1:]:
                other.close()
            yield reservation, ports
            return
    raise RuntimeError("no free ports")


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    try:
        bound.bind(("127.0.0.1", port))
    except OSError:
        bound.close()
        raise
    return bound


def _plain_environ() -> dict[str, str]:
    """Return our environment without what it tells of another Slurm."""
    return {name: value for name, value in os.environ.items() if not is_of_slurm(name)}


def is_of_slurm(name: str) -> bool:
    """Tell whether a variable of the environment steers Slurm's commands."""
    return name.startswith(("SLURM", "SBATCH_", "SQUEUE_", "SCANCEL_", "SINFO_", "SACCT_", "SCONTROL_"))

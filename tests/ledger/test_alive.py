"""What can be known of a process that runs, or ran, here or elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from genstudy.ledger import alive
from genstudy.ledger.alive import is_alive, this_place
from genstudy.ledger.records import Owned
from tests.ledger.owners import CONTAINER, containers, linux, unshare_works


def this_process(**changes: object) -> Owned:
    place = this_place()
    return Owned(
        t=0.0,
        generation=1,
        host=place.host,
        machine=place.machine,
        boot=place.boot,
        namespace=place.namespace,
        pid=os.getpid(),
        pid_start=alive.pid_start(),
        user="x",
        genstudy="x",
        options={},
    ).model_copy(update=changes)


@linux
@pytest.mark.parametrize(
    ("changes", "life"),
    [
        ({}, True),
        ({"pid_start": 1}, False),
        ({"namespace": "pid:[1]"}, None),
        ({"host": "elsewhere"}, None),
        ({"host": "elsewhere", "boot": "another"}, None),
        ({"boot": "another", "machine": "another"}, None),
        ({"boot": ""}, None),
        ({"namespace": ""}, None),
        ({"pid_start": None}, None),
    ],
)
def test_what_is_known_of_a_process(changes: dict[str, object], life: bool | None) -> None:
    assert is_alive(this_process(**changes)) is life


@pytest.mark.skipif(not this_place().machine, reason="needs /etc/machine-id")
def test_a_machine_that_was_booted_since_has_none_of_its_processes() -> None:
    assert is_alive(this_process(boot="another", namespace="pid:[1]")) is False


@linux
def test_a_process_with_an_odd_name(tmp_path: Path) -> None:
    (tmp_path / "a) Z 1 (").symlink_to(str(shutil.which("sleep")))
    with subprocess.Popen([tmp_path / "a) Z 1 (", "1000"]) as sleeper:
        found = alive._state_and_start(str(sleeper.pid)) or ("", 0)
        owned = this_process(pid=sleeper.pid, pid_start=found[1])
        alive_then = is_alive(owned)
        sleeper.kill()
    assert alive_then is True
    assert is_alive(owned) is False


OTHER_USERS = """
import os
from genstudy.ledger.alive import is_alive
from tests.ledger.test_alive import this_process
owned = this_process()
if os.fork() == 0:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
    print(is_alive(owned), flush=True)
else:
    os.wait()
"""


@pytest.mark.skipif(os.geteuid() != 0 or not unshare_works(), reason="needs root")
@pytest.mark.parametrize(("hidden", "life"), [(0, "True"), (1, "None"), (2, "None")])
def test_a_process_of_another_user(hidden: int, life: str) -> None:
    mount = f'mount -t proc -o hidepid={hidden} proc /proc && exec "$@"'
    done = subprocess.run(
        [*CONTAINER, "sh", "-c", mount, "-", sys.executable, "-c", OTHER_USERS],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout == f"{life}\n"


@containers
def test_a_proc_that_counts_processes_in_another_way_is_not_asked() -> None:
    code = "from genstudy.ledger.alive import this_place; print(this_place().known)"
    bare = [word for word in CONTAINER if word != "--mount-proc"]
    done = subprocess.run([*bare, sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    assert this_place().known

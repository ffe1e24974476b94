"""What `diagnose` tells of a folder, a campaign in it, its scheduler and its database."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from genstudy import Finding, UserError, build_study, diagnose
from genstudy.doctor import clusters, storage
from tests.campaign.waves import wave_campaign
from tests.databases.postgres import PASSWORD, PostgresServer
from tests.slurm.lab import SlurmLab

WORKS = "tried out: files that appear whole, one owner, links, long names, SQLite and scripts work here"
STUDY = """\
parameters: {width: 'uniform(1, 2)'}
rows: 3
name: beam
"""


def told(about: str, folder: Path, **options: Any) -> list[tuple[str, str]]:
    """Return the levels and texts of what is told of one thing; no study is run."""
    findings = diagnose(folder, quick=True, **options)
    return [(finding.level, finding.text) for finding in findings if finding.about == about]


def campaign_of(folder: Path, *lines: str) -> Path:
    """Make the campaign of a study file with further lines."""
    (folder / "study.yaml").write_text(STUDY + "".join(f"{line}\n" for line in lines))
    return build_study(folder / "study.yaml", settings={"output": str(folder / "c")}).folder


@pytest.fixture
def no_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no scheduler's command on PATH."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/sh").symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


@pytest.mark.usefixtures("no_slurm")
def test_a_folder_that_is_fit_and_left_as_it_is(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    (place / "file").write_text("x")
    room, kind, tried = told("folder", place)
    assert room[1].startswith(f"{place}: ")
    assert kind[0] in {"ok", "note"}
    assert tried == ("ok", WORKS)
    assert [path.name for path in place.iterdir()] == ["file"]
    assert told("scheduler", place) == [("ok", "none on PATH: rows run on this machine")]


def test_there_is_no_such_folder(in_tmp: Path) -> None:
    with pytest.raises(UserError, match="nowhere: there is no such folder"):
        diagnose("nowhere")
    (in_tmp / "file").touch()
    with pytest.raises(UserError, match="file: this is a file, not a folder"):
        diagnose("file")


def test_no_folder_means_the_working_folder(in_tmp: Path) -> None:
    texts = [finding.text for finding in diagnose(quick=True) if finding.about == "folder"]
    assert texts[0].startswith(f"{in_tmp}: ")


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Return the function that mounts a file system in memory with some options."""
    place = tmp_path / "mount"
    place.mkdir()

    def mount(options: str) -> Path:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", place], check=False)
        if done.returncode:
            pytest.skip("no file system can be mounted here")
        return place

    yield mount
    subprocess.run(["umount", place], stderr=subprocess.DEVNULL, check=False)


needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can mount")


@needs_root
def test_a_full_disk(mounted: Callable[[str], Path]) -> None:
    place = mounted("size=64k")
    with pytest.raises(OSError, match="No space left"):
        (place / "large").write_bytes(bytes(2**20))
    room, kind, tried = told("folder", place)
    assert room[0] == "problem"
    assert room[1].startswith(f"{place}: 0 B free")
    assert kind == ("note", "tmpfs: it is in memory, and gone when the machine restarts")
    assert tried == ("problem", "it cannot be written: No space left on device")
    assert [path.name for path in place.iterdir()] == ["large"]


@needs_root
def test_a_disk_without_inodes(mounted: Callable[[str], Path]) -> None:
    place = mounted("nr_inodes=2")
    (place / "file").touch()
    room, _, tried = told("folder", place)
    assert room[0] == "problem"
    assert room[1].endswith("room for 0 files")
    assert tried == ("problem", "it cannot be written: No space left on device")


@needs_root
def test_a_disk_that_is_read_only(mounted: Callable[[str], Path]) -> None:
    assert told("folder", mounted("ro"))[-1] == ("problem", "it cannot be written: Read-only file system")


@needs_root
def test_a_disk_on_which_nothing_can_be_run(mounted: Callable[[str], Path]) -> None:
    text = "scripts cannot be run here (Permission denied), and steps are scripts"
    assert told("folder", mounted("noexec"))[-1] == ("problem", text)


@needs_root
def test_the_folder_of_somebody_else(tmp_path_factory: pytest.TempPathFactory) -> None:
    place = tmp_path_factory.mktemp("mine")
    for folder in (place, *place.parents[:3]):
        folder.chmod(folder.stat().st_mode | 0o055)
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    command = [*nobody, sys.executable, "-m", "genstudy", "doctor", "--quick", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "ModuleNotFoundError" in done.stderr or "can't open" in done.stderr:
        pytest.skip("Python is nobody else's here")
    assert done.stderr == ""
    assert done.returncode == 1
    assert "problem  folder     it cannot be written: Permission denied\n" in done.stdout


MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:30 / /home rw - nfs4 server:/home rw,vers=4.2
24 23 0:31 / /home/my\\040name rw - lustre mgs@tcp:/scratch rw
25 22 0:32 / /home2 rw - tmpfs none rw
26 25 0:33 / /home2 rw - xfs /dev/vdb rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/homes", "ext4"),
        ("/home", "nfs4"),
        ("/home/x", "nfs4"),
        ("/home/my name/x", "lustre"),
        ("/home2/x", "xfs"),
    ],
)
def test_kinds_of_file_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, kind: str) -> None:
    (tmp_path / "mountinfo").write_text(MOUNTS)
    monkeypatch.setattr(storage, "MOUNTS", tmp_path / "mountinfo")
    assert storage.kind_of(Path(path)) == kind


def test_a_network_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mountinfo").write_text(f"23 22 0:30 / {tmp_path} rw - nfs4 server:/home rw\n")
    monkeypatch.setattr(storage, "MOUNTS", tmp_path / "mountinfo")
    _, (level, text), _ = told("folder", tmp_path)
    assert level == "note"
    assert text.startswith("nfs4, a network file system: other machines can see it")
    monkeypatch.setattr(storage, "MOUNTS", tmp_path / "nowhere")
    assert told("folder", tmp_path)[1] == ("note", "its kind of file system cannot be known here")


def test_a_campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = campaign_of(tmp_path, "run: {pass_env: [LAB_TOKEN, LAB_KEY_*]}")
    monkeypatch.delenv("LAB_TOKEN", raising=False)
    told_first = told("campaign", folder)
    assert told_first == [
        ("ok", "beam: 3 rows in 1 batch"),
        ("note", "its steps are to get LAB_TOKEN from the environment, which has none"),
        ("note", "its steps are to get LAB_KEY_* from the environment, which has none"),
    ]
    monkeypatch.setenv("LAB_TOKEN", "abc")
    monkeypatch.setenv("LAB_KEY_A", "def")
    assert told("campaign", folder) == told_first[:1]


@pytest.mark.parametrize("name", ["beam_0000.yaml", "table.csv", "pgen.py"])
def test_a_file_of_the_campaign_is_gone(tmp_path: Path, name: str) -> None:
    folder = campaign_of(tmp_path)
    (folder / name).unlink()
    (finding,) = [finding for finding in diagnose(folder, quick=True) if finding.about == "campaign"]
    assert (finding.level, finding.text) == ("problem", f"{folder}/{name} is missing")
    assert (
        finding.hint
        == f"bring it back from a copy; genstudy verify {folder} tells what else is not as it was"
    )


def test_a_damaged_manifest(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{")
    ((level, text),) = told("campaign", tmp_path)
    assert level == "problem"
    assert text.startswith(f"{tmp_path}/manifest.json: not a manifest: ")


@pytest.mark.usefixtures("no_slurm")
@pytest.mark.parametrize(
    ("scheduler", "told_of"),
    [
        ("{type: slurm, submit: batches, walltime: 5m}", ("slurm", "sbatch")),
        ("{type: slurm, walltime: 5m}", ("slurm", "sbatch")),
        ("{type: flux, walltime: 5m}", ("flux", "flux")),
        ("{type: lsf, bank: lab, queue: q, nodes: 1, walltime: 5m}", ("lsf", "bsub")),
    ],
)
def test_the_scheduler_of_a_campaign_is_not_here(
    tmp_path: Path, scheduler: str, told_of: tuple[str, str]
) -> None:
    name, program = told_of
    text = f"there is no {program} on PATH, and the campaign is made for {name}"
    assert told(name, campaign_of(tmp_path, f"scheduler: {scheduler}")) == [("problem", text)]


def scheduler_scripts(folder: Path, monkeypatch: pytest.MonkeyPatch, **scripts: str) -> None:
    (folder / "bin").mkdir()
    (folder / "bin/sh").symlink_to("/bin/sh")
    for name, text in scripts.items():
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder / "bin"))


def test_commands_that_are_here_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler_scripts(tmp_path, monkeypatch, sbatch="", squeue="", bsub="")
    assert told("slurm", tmp_path) == [("note", "sbatch, squeue found, and no scancel, scontrol")]
    assert told("lsf", tmp_path) == [("note", "bsub found, and no bjobs, bkill")]


def test_a_scheduler_that_answers_or_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler_scripts(tmp_path, monkeypatch, flux="echo no broker >&2; exit 1", bsub="", bjobs="", bkill="")
    assert told("flux", tmp_path) == [("note", "flux uptime ended with 1: no broker")]
    assert told("lsf", tmp_path) == [("ok", "bsub, bjobs, bkill found, and bjobs -noheader gets an answer")]


@pytest.mark.usefixtures("slurm")
def test_a_real_slurm(tmp_path: Path) -> None:
    answers = "it answers; a job array may have 1,001 tasks, and all users 10,000 jobs"
    text = "debug* (4 nodes, no time limit), pwhole (4 nodes, no time limit), short (4 nodes, at most 1:00)"
    found = told("slurm", wave_campaign(tmp_path))
    assert [level for level, _ in found[:2]] == ["ok", "ok"]
    assert found[1][1] == f"partitions: {text}"
    assert found[0][1].split(",")[0] == answers.split(",")[0]


def test_a_slurm_that_does_not_answer(
    slurm: SlurmLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "SECONDS", 1.0)
    campaign = campaign_of(tmp_path, "scheduler: {type: slurm, walltime: 5m}")
    with slurm.frozen("slurmctld"):
        ((level, text),) = told("slurm", tmp_path)
        assert level == "note"
        assert text.startswith(
            "its commands are here, and it does not answer: scontrol: it did not answer within 1 s"
        )
        assert [level for level, _ in told("slurm", campaign)] == ["problem"]


def test_a_slurm_unfit_for_steps_as_jobs(slurm: SlurmLab, tmp_path: Path) -> None:
    slurm.reconfigure(MinJobAge=10)
    campaign = campaign_of(tmp_path, "scheduler: {type: slurm, walltime: 5m}")
    ((level, text),) = told("scheduler", campaign)
    assert level == "problem"
    assert text.startswith("this Slurm forgets a job 10 s after its end and keeps no accounts")


def test_the_database_of_the_environment(postgres: PostgresServer, tmp_path: Path) -> None:
    shown = postgres.url.replace(f":{postgres.url.split(':')[2].rpartition('@')[0]}", "")
    ((level, text),) = told("database", tmp_path, databases={"LAB_DB": postgres.url})
    assert (level, text) == ("ok", f"LAB_DB: {shown} answers")
    *_, wrong = diagnose(tmp_path, quick=True, databases={"LAB_DB": shown + "x"})
    assert (wrong.about, wrong.level) == ("database", "problem")
    assert PASSWORD not in f"{text}{wrong}"


def test_the_results_of_a_campaign(postgres: PostgresServer, tmp_path: Path) -> None:
    bare = postgres.url.replace(f":{postgres.url.split(':')[2].rpartition('@')[0]}", "")
    lines = [f"results: {{into: '{bare}', sources: [{{regex: '*.out', columns: {{n: '([0-9])'}}}}]}}"]
    findings = list(diagnose(campaign_of(tmp_path, *lines), quick=True))
    (finding,) = (finding for finding in findings if finding.about == "results")
    assert finding.level == "problem"
    assert "no connection: " in finding.text
    assert finding.hint == "set PGPASSWORD, or have the password in ~/.pgpass"


def test_results_in_the_campaign_itself(tmp_path: Path) -> None:
    folder = campaign_of(tmp_path, "results: {sources: [{regex: '*.out', columns: {n: '([0-9])'}}]}")
    text = f"{folder}/results.db does not exist yet, and is made when needed"
    assert told("results", folder) == [("ok", text)]
    with closing(sqlite3.connect(folder / "results.db")) as connection:
        connection.execute("CREATE TABLE t (a)")
    assert told("results", folder) == [("ok", f"{folder}/results.db answers")]
    (folder / "results.db").write_text("no database at all, " * 100)
    assert told("results", folder) == [
        ("problem", f"{folder}/results.db: no connection: file is not a database")
    ]


def test_a_url_that_is_none(tmp_path: Path) -> None:
    findings = list(diagnose(tmp_path, quick=True, databases={"LAB_DB": "secret"}))
    assert isinstance(findings[-1], Finding)
    assert (findings[-1].level, findings[-1].text) == ("problem", "LAB_DB: this is no URL of a database")

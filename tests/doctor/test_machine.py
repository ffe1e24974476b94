"""What `diagnose` tells of the software, of Maestro's commands and of the session."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import genstudy
from genstudy import Finding, diagnose
from genstudy.maestro.version import check_version

FOLDER = Path(sys.executable).parent


def found(about: str, *, quick: bool = True) -> list[Finding]:
    """Return what is told of one thing."""
    return [finding for finding in diagnose(quick=quick) if finding.about == about]


def levels(findings: list[Finding]) -> list[str]:
    return [finding.level for finding in findings]


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Return the function that puts a folder of commands first on PATH. scripts: {name: text}."""

    def make(scripts: dict[str, str], *, only: bool = False) -> Path:
        folder = tmp_path / "commands"
        folder.mkdir()
        for name, text in scripts.items():
            (folder / name).write_text(f"#!/bin/sh\n{text}\n")
            (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(folder) if only else f"{folder}{os.pathsep}{os.environ['PATH']}")
        return folder

    return make


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return the function that has packages found with other versions, and other needs, than they have."""

    def install(name: str, version: str, *needs: str) -> None:
        folder = tmp_path / f"{name}-{version}.dist-info"
        folder.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        lines += ["Provides-Extra: postgresql", *(f"Requires-Dist: {need}" for need in needs)]
        (folder / "METADATA").write_text("\n".join([*lines, ""]))
        monkeypatch.syspath_prepend(tmp_path)

    return install


def test_versions() -> None:
    numbers = ".".join(map(str, sys.version_info[:3]))
    assert [finding.text for finding in found("Python")] == [f"{numbers}, {sys.executable}"]
    assert found("genstudy")[0].text == f"{genstudy.__version__}, {Path(genstudy.__file__).parent}"
    assert [finding.text for finding in found("Maestro")] == [f"{check_version()}, which genstudy run uses"]


def test_another_genstudy_on_path(commands: Callable[..., Path]) -> None:
    folder = commands({"genstudy": "echo genstudy 0.0.1"})
    last = found("genstudy")[-1]
    assert (last.level, last.text) == (
        "note",
        f"the one on PATH is another: {folder}/genstudy says genstudy 0.0.1",
    )


def test_a_genstudy_on_path_that_does_not_start(commands: Callable[..., Path]) -> None:
    folder = commands({"genstudy": ""})
    (folder / "genstudy").write_text("#!/gone/python\n")  # as in an environment that was moved
    assert found("genstudy")[1:] == [
        Finding(
            about="genstudy",
            level="note",
            text=f"the one on PATH is another: {folder}/genstudy does not start: No such file or directory",
            hint=f"put this one's folder first on PATH: {FOLDER}",
        )
    ]


def test_a_genstudy_on_path_that_does_not_answer(
    commands: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = commands({"genstudy": "exec sleep 60"})
    monkeypatch.setattr("genstudy.doctor.software.SECONDS", 0.5)
    last = found("genstudy")[-1]
    assert (last.level, last.text) == (
        "note",
        f"the one on PATH is another: {folder}/genstudy does not answer within 0.5 s",
    )


def test_a_folder_for_temporary_files_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert found("TMPDIR") == []
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "gone"))
    (finding,) = found("TMPDIR")
    assert (finding.level, finding.hint) == (
        "note",
        "export TMPDIR=FOLDER, one with room that you may write to",
    )
    assert finding.text.startswith(f"{tmp_path}/gone cannot be used; genstudy takes /")


def test_packages_that_are_missing_or_too_old(installed: Callable[..., None]) -> None:
    pip = f"{sys.executable} -m pip install"
    elsewhere = 'nowhere>=1; sys_platform == "nowhere"'
    installed("genstudy", genstudy.__version__, "jinja2>=3.1", "numpy>=1.26", "no-such-package>=2", elsewhere)
    installed("numpy", "1.0")
    first, second, third = found("packages")
    assert first == Finding(
        about="packages",
        level="problem",
        text="numpy>=1.26 is needed, and 1.0 is installed",
        hint=f"{pip} 'numpy>=1.26'",
    )
    assert second == Finding(
        about="packages",
        level="problem",
        text="no-such-package>=2 is needed and not installed",
        hint=f"{pip} 'no-such-package>=2'",
    )
    assert (third.level, third.text.split()[0]) == ("ok", "jinja2")


def test_packages_that_cannot_be_imported(
    installed: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed("genstudy", genstudy.__version__, "pyyaml", "jinja2", "typer")
    broken = tmp_path / "broken"  # not where this process looks, which may not have imported them yet
    broken.mkdir()
    (broken / "yaml.py").write_text("raise ImportError('libyaml.so is missing')\n")
    (broken / "jinja2.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGILL)\n")
    monkeypatch.setenv("PYTHONPATH", str(broken))
    told = [(finding.level, finding.text) for finding in found("packages", quick=False)]
    cannot = "is installed, and cannot be imported:"
    assert told[1:] == [
        ("problem", f"pyyaml {cannot} ImportError: libyaml.so is missing"),
        ("problem", f"jinja2 {cannot} Python was killed by signal 4 (Illegal instruction)"),
        ("ok", "1 package can be imported"),
    ]


def test_the_driver_of_postgresql_is_optional(installed: Callable[..., None]) -> None:
    installed("genstudy", genstudy.__version__, 'psycopg[binary]>=999; extra == "postgresql"')
    installed("psycopg", "3.2")
    assert found("packages") == []
    (finding,) = found("PostgreSQL")
    assert (finding.level, finding.hint.split()[-1]) == ("note", "'genstudy[postgresql]'")
    assert finding.text == "psycopg[binary]>=999 is needed, and 3.2 is installed"


def test_maestro_of_this_environment() -> None:
    assert [finding.text for finding in found("maestro")] == [f"{FOLDER}/maestro"]
    assert [finding.text for finding in found("conductor")] == [f"{FOLDER}/conductor"]


def test_maestro_by_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("maestro", "conductor"):
        (tmp_path / name).symlink_to(FOLDER / name)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert levels(found("maestro") + found("conductor")) == ["ok", "ok"]


def test_no_maestro_on_path(commands: Callable[..., Path]) -> None:
    commands({}, only=True)
    (finding,) = found("maestro")
    assert finding == Finding(
        about="maestro",
        level="note",
        text="there is no `maestro` on PATH",
        hint=f'export PATH="$PATH:{FOLDER}"; genstudy run needs neither',
    )
    assert found("conductor") == []


def test_no_conductor_on_path(commands: Callable[..., Path]) -> None:
    commands({"maestro": f"exec {FOLDER}/maestro --version"}, only=True)
    (finding,) = found("conductor")
    assert finding.level == "problem"
    assert finding.text == "there is no `conductor` on PATH: `maestro run` would run nothing, and tell nobody"


@pytest.mark.parametrize(
    ("script", "level", "text"),
    [
        (
            "echo maestro 1.1.9",
            "problem",
            "{} is not this environment's, and too old: 1.1.9, and 1.2.1 is needed",
        ),
        (
            "echo maestro 1.1",
            "problem",
            "{} is not this environment's, and too old: 1.1, and 1.2.1 is needed",
        ),
        ("echo maestro 77.0", "note", "{} is not this environment's, but fit: 77.0"),
        ("echo broken >&2; exit 3", "problem", "{} does not tell its version: broken"),
        ("exit 3", "problem", "{} does not tell its version: 3"),
    ],
)
def test_another_maestro_on_path(commands: Callable[..., Path], script: str, level: str, text: str) -> None:
    folder = commands({"maestro": script, "conductor": ""})
    (finding,) = found("maestro")
    assert (finding.level, finding.text) == (level, text.format(f"{folder}/maestro"))
    assert finding.hint.endswith(f": {FOLDER}")
    assert levels(found("conductor")) == ["ok"]


def test_a_maestro_that_cannot_be_started(commands: Callable[..., Path]) -> None:
    folder = commands({"maestro": "", "conductor": ""})
    (folder / "maestro").write_text("#!/no/such/interpreter\n")
    (finding,) = found("maestro")
    assert (finding.level, finding.text) == (
        "problem",
        f"{folder}/maestro does not start: No such file or directory",
    )


def test_the_conductor_of_another_maestro(commands: Callable[..., Path]) -> None:
    folder = commands({"conductor": ""})
    assert levels(found("maestro")) == ["ok"]
    (finding,) = found("conductor")
    assert finding.level == "problem"
    assert finding.text.startswith(
        f"`maestro run` starts {folder}/conductor by its name, and that belongs to another"
    )


def test_a_study_is_run_and_nothing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (finding,) = found("study", quick=False)
    assert finding.level == "ok"
    assert finding.text.startswith(f"Maestro ran a study of one row in {tmp_path}, in ")
    assert list(tmp_path.iterdir()) == []


def test_a_study_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "env").write_text("echo it is broken >&2; exit 3\n")
    monkeypatch.setenv("BASH_ENV", str(tmp_path / "env"))
    (finding,) = found("study", quick=False)
    assert finding.level == "problem"
    assert finding.text == "Maestro ran a study of one row, which failed: it is broken"


def test_a_study_that_does_something_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "env").write_text("echo hello\n")
    monkeypatch.setenv("BASH_ENV", str(tmp_path / "env"))
    (finding,) = found("study", quick=False)
    assert finding.level == "problem"
    assert finding.text == "a row printed 'hello\\nWORD: it works\\n' where it had to print 'WORD: it works'"


def test_a_check_that_fails_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/no/such/folder")
    (finding,) = found("study", quick=False)
    assert finding.level == "problem"
    assert finding.text.startswith("[Errno 2] No such file or directory: '/no/such/folder/genstudy-doctor-")


@pytest.mark.parametrize(
    "package",
    ["numpy", "packaging", "yaml"],
)
def test_a_broken_package_is_told_and_nothing_more(tmp_path: Path, package: str) -> None:
    (tmp_path / f"{package}.py").write_text("raise ImportError('it is broken')\n")
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "genstudy", "doctor"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert "ok       Maestro    " in done.stdout
    assert "ImportError: it is broken" in done.stdout
    assert done.returncode == 1


@contextmanager
def limited(kind: int, soft: int) -> Iterator[None]:
    before = resource.getrlimit(kind)
    resource.setrlimit(kind, (soft, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(kind, before)


@pytest.mark.parametrize(
    ("kind", "soft", "text"),
    [
        (resource.RLIMIT_NOFILE, 200, "200 open files are few; each batch that runs needs some"),
        (resource.RLIMIT_NPROC, 150, "150 processes are few for all that this user runs here"),
        (resource.RLIMIT_CPU, 7200, "a process is killed after 2 h of computing, as login nodes have it"),
        (resource.RLIMIT_FSIZE, 2**30, "a file may have 1.0 GB; an archive may need more"),
        (resource.RLIMIT_AS, 3 * 2**30, "a process may have 3.0 GB of address space"),
    ],
)
def test_limits(kind: int, soft: int, text: str) -> None:
    before = found("limits")
    with limited(kind, soft):
        after = found("limits")
    assert before[0].level == after[0].level == "ok"
    assert [finding.text for finding in after[1:]] == [*(finding.text for finding in before[1:]), text]
    assert after[-1].level == "note"


def test_a_locale_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "xx_YY.UTF-8")
    (finding,) = found("locale")
    assert (finding.level, finding.hint) == ("note", "export LC_ALL=C.UTF-8")
    assert finding.text == "xx_YY.UTF-8 is not installed: bash warns of it in the errors of every step"


def test_zstd(commands: Callable[..., Path]) -> None:
    if shutil.which("zstd"):
        assert levels(found("zstd")) == ["ok"]
    commands({}, only=True)
    assert levels(found("zstd")) == ["note"]

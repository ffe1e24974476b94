"""`genstudy doctor`: what it prints, where to, and its exit code."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import pty
import re
import struct
import subprocess
import sys
import termios
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import pytest

import genstudy
from genstudy import diagnose
from tests.campaign.support import GENSTUDY
from tests.conftest import RunCli


@pytest.fixture(autouse=True)
def alone(in_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, with a PATH on which there is no scheduler; return the folder."""
    commands = in_tmp.parent / f"{in_tmp.name}-commands"
    commands.mkdir()
    for name in ("genstudy", "maestro", "conductor"):
        (commands / name).symlink_to(Path(sys.executable).parent / name)
    for name in ("sh", "bash"):
        (commands / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", str(commands))
    monkeypatch.delenv("GENSTUDY_DB", raising=False)
    return in_tmp


def test_nothing_is_wrong(run_cli: RunCli, alone: Path) -> None:
    code, out, err = run_cli("doctor")
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[-1].partition(";")[0] == "nothing wrong"
    assert "ok       scheduler  none on PATH: rows run on this machine" in lines
    assert (
        sum(line.startswith("ok       study      Maestro ran a study of one row in ") for line in lines) == 1
    )
    assert list(alone.iterdir()) == []


def test_what_is_printed_is_what_is_found(run_cli: RunCli) -> None:
    def settled(text: str) -> str:
        """Return a text without how much is free, which others change meanwhile."""
        return re.sub(r": [^:\n]* free[^\n]*", "", text)

    expected = []
    findings = list(diagnose(quick=True))
    for finding in findings:
        expected.append(f"{finding.level:8} {finding.about:10} {finding.text}")
        expected += [f"{'':20}{finding.hint}"] if finding.hint else []
    notes = sum(finding.level == "note" for finding in findings)
    ending = {0: "", 1: "; 1 note"}.get(notes, f"; {notes} notes")
    code, out, err = run_cli("doctor", "--quick")
    assert (code, err) == (0, "")
    assert settled(out) == settled("\n".join([*expected, f"nothing wrong{ending}", ""]))


def test_something_is_wrong(run_cli: RunCli, alone: Path) -> None:
    (alone / "manifest.json").write_text("{")
    code, out, err = run_cli("doctor", "--quick", ".")
    assert (code, err) == (1, "")
    assert f"problem  campaign   {alone}/manifest.json: not a manifest: " in out
    assert out.splitlines()[-1].partition(";")[0] == "1 problem"


def test_json(run_cli: RunCli, alone: Path) -> None:
    code, out, err = run_cli("doctor", "--quick", "--json")
    told = json.loads(out)
    assert (code, err, told["format"], told["ok"]) == (0, "", 1, True)
    assert [finding["about"] for finding in told["findings"]] == [
        finding.about for finding in diagnose(quick=True)
    ]
    assert list(told["findings"][0]) == list(asdict(next(diagnose(quick=True))))
    (alone / "manifest.json").write_text("{")
    code, out, _ = run_cli("doctor", "--quick", "--json")
    assert (code, json.loads(out)["ok"]) == (1, False)


def test_mistakes(run_cli: RunCli, alone: Path) -> None:
    hint = "  name a campaign's folder, or one to make campaigns in\n"
    assert run_cli("doctor", "nowhere") == (2, "", f"genstudy: nowhere: there is no such folder\n{hint}")
    (alone / "file").touch()
    assert run_cli("doctor", "file") == (2, "", f"genstudy: file: this is a file, not a folder\n{hint}")


def test_the_database_of_the_environment(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENSTUDY_DB", "postgresql://me:s3cret@127.0.0.1:1/lab")
    code, out, err = run_cli("doctor", "--quick")
    assert (code, err) == (1, "")
    assert "problem  database   postgresql://me@127.0.0.1:1/lab: no connection: " in out
    assert "s3cret" not in out


def test_a_name_cannot_act_on_a_terminal(run_cli: RunCli, alone: Path) -> None:
    (alone / "a\x1b]0;title\x07").mkdir()
    code, out, _ = run_cli("doctor", "--quick", "a\x1b]0;title\x07")
    assert code == 0
    assert r"a\x1b]0;title\x07" in out
    assert "\x1b" not in out


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(closed: str) -> None:
    command = " ".join([*GENSTUDY, "doctor", "--quick", closed])
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert ">" in closed.replace("2>", "") or "nothing wrong" in done.stdout


def test_lines_fit_a_terminal() -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    environ = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    command = [*GENSTUDY, "doctor", "--quick"]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environ) as process:
        os.close(theirs)
        shown = b""
        try:
            while data := os.read(ours, 4096):
                shown += data
        except OSError:  # Linux tells of the end so
            pass
        os.close(ours)
    lines = shown.decode().splitlines()
    assert process.returncode == 0
    assert any(line.startswith(f"{'':20}") for line in lines)
    # A path has no blank at which a line could end.
    assert not [line for line in lines if len(line) > 60 and " " in line[20:].strip()]
    assert any("60 columns" in line for line in lines)


def test_versions(run_cli: RunCli) -> None:
    others = f"Maestro {version('maestrowf')}, Python {platform.python_version()}"
    text = f"genstudy {genstudy.__version__} ({others})\n"
    assert run_cli("--version") == (0, text, "")
    for command in ([str(Path(sys.executable).parent / "genstudy")], GENSTUDY):
        done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, text, "")

"""What a shell is offered for a word that is not finished, asked as shells ask, and in bash itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from genstudy.cli.completion import SCHEDULERS
from genstudy.designs.kinds import KINDS
from genstudy.rendering.templates import builtin_names
from genstudy.specs.scheduler import TYPES
from tests.test_layers import HEAVY

LARGE = [name for name in HEAVY if name != "pydantic"]  # which Typer takes for most options
ASK = f"""
import json, sys
sys.argv = ["genstudy"]
from genstudy.cli.app import main
try:
    main()
except SystemExit as end:
    assert not end.code
print(json.dumps([name for name in {LARGE!r} if name in sys.modules]))
"""


def offered(*words: str) -> list[str]:
    """Return what is offered for the last word, with nothing large imported for it."""
    environ = {
        **os.environ,
        "_GENSTUDY_COMPLETE": "complete_bash",
        "COMP_WORDS": "\n".join(("genstudy", *words)),
        "COMP_CWORD": str(len(words)),
    }
    command = [sys.executable, "-c", ASK]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    *lines, heavy = done.stdout.splitlines()
    assert json.loads(heavy) == []
    return [line for line in lines if line]


def campaign(path: str) -> None:
    Path(path).mkdir(parents=True)
    Path(path, "manifest.json").touch()


def test_designs(in_tmp: Path) -> None:
    assert offered("csv", "'width=uniform(1, 2)'", "--design", "") == list(KINDS)
    assert offered("csv", "--design", "l") == ["lhs"]
    assert offered("build", "study.yaml", "--design", "sob") == ["sobol"]
    assert list(in_tmp.iterdir()) == []


def test_templates() -> None:
    assert offered("specs", "t.csv", "-t", "") == list(builtin_names())
    assert offered("specs", "t.csv", "--template", "./") == []
    assert offered("templates", "copy", "pi") == ["pipeline"]


def test_schedulers() -> None:
    assert tuple(SCHEDULERS) == TYPES
    assert offered("run", "c", "--scheduler", "") == list(TYPES)


def test_campaigns(in_tmp: Path) -> None:
    for path in ("specs", "other/b", "other/a", ".hidden", "with blank", "deep/er/c", "lab(1)"):
        campaign(path)
    (in_tmp / "spare").mkdir()
    (in_tmp / "special").touch()
    assert offered("run", "") == ["other/a", "other/b", "specs"]
    assert offered("run", "sp") == ["specs"]
    assert offered("status", "other/") == ["other/a", "other/b"]
    assert offered("verify", "deep/") == ["deep/er/c"]
    assert offered("why", "./s") == ["./specs"]
    assert offered("doctor", f"{in_tmp}/s") == [f"{in_tmp}/specs"]
    assert offered("cancel", "nowhere/x") == []


def test_campaigns_at_home(in_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign("home/mine")
    monkeypatch.setenv("HOME", str(in_tmp / "home"))
    assert offered("report", "~/m") == ["~/mine"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_in_bash(in_tmp: Path) -> None:
    """Install it as people do, and have bash call what it then has for the command."""
    campaign("specs")
    environ = {**os.environ, "HOME": str(in_tmp), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    install = [sys.executable, "-m", "genstudy", "--install-completion", "bash"]
    subprocess.run(install, env=environ, check=True, capture_output=True)
    script = """
        . ~/.bashrc
        complete -p genstudy
        for word in --desi '--design hal' 'spe'; do
            COMP_WORDS=(genstudy csv $word)
            [ "$word" = spe ] && COMP_WORDS=(genstudy run spe)
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            _genstudy_completion genstudy
            echo "${COMPREPLY[@]}"
        done
    """
    done = subprocess.run(["bash", "-c", script], env=environ, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "complete -o default -F _genstudy_completion genstudy",
        "--design",
        "halton",
        "specs",
    ]

"""Runs what the documentation shows.

In a page, fenced blocks are run from top to bottom, in one bash session and one folder:

    console         every `$ ` line is run (`> ` goes on with it) and must end well
    console fails   every `$ ` line is run and must end with exit code 2
    pycon           a Python session, run as a doctest, one for the page
    a block under `<!-- file: NAME -->` is written to that file
    others          are only shown

What stands under a command is compared with what it prints: `...` stands for any text, on a line of its own
for any lines. A command with nothing under it may print anything. `pip install X && ` before a command is
passed over; a command that begins with `pip install` or `nox` is not run.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

FENCE = re.compile(
    r"^(?:<!-- file: (?P<file>\S+) -->\n)?```(?P<kind>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
INSTALLED_ALREADY = re.compile(r"^pip install \S+ && ")
NOT_RUN = re.compile(r"^(pip install|nox)\b")
MARK = "@@@ end of command"


@dataclass(slots=True)
class Command:
    """A command that a page shows, and the lines shown under it."""

    text: str
    code: int
    shown: list[str] = field(default_factory=list)


def commands_of(page: str) -> list[Command]:
    """Return what a page has to be run, in order; files and Python sessions as commands too."""
    commands: list[Command] = []
    session: list[str] = []
    for block in FENCE.finditer(page):
        kind, body = block["kind"].strip(), block["body"]
        if block["file"]:
            commands.append(Command(f"cat > {block['file']} <<'@@@'\n{body}@@@", 0))
        elif kind in {"console", "console fails"}:
            commands += _console(body, 2 if kind.endswith("fails") else 0)
        elif kind == "pycon":
            session.append(body)
    if session:
        options = "-o ELLIPSIS -o NORMALIZE_WHITESPACE"
        text = "\n".join(session)
        commands.append(Command(f"cat > session.txt <<'@@@'\n{text}@@@", 0))
        commands.append(Command(f"{shlex.quote(sys.executable)} -m doctest {options} session.txt", 0))
    return commands


def _console(body: str, code: int) -> list[Command]:
    commands: list[Command] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            commands.append(Command(INSTALLED_ALREADY.sub("", line[2:]), code))
        elif line.startswith("> ") and not commands[-1].shown:
            commands[-1].text += "\n" + line[2:]
        else:
            commands[-1].shown.append(line.rstrip())
    return [command for command in commands if not NOT_RUN.match(command.text)]


def run_page(page: str, folder: Path) -> list[str]:
    """Run all commands of a page in a folder, and return what was not as the page says."""
    commands = commands_of(page)
    script = "".join(f"{command.text}\nprintf '\\n%s %d\\n' '{MARK}' $?\n" for command in commands)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("COV_", "PYTEST_"))},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "TERM": "dumb",
    }
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=300,
        check=False,
    )
    parts = re.split(rf"\n{MARK} (\d+)\n", done.stdout.decode())
    printed, codes = parts[0::2], parts[1::2]
    assert len(codes) == len(commands), done.stdout.decode()
    faults = []
    for command, code, text in zip(commands, codes, printed, strict=False):
        if int(code) != command.code or not _agrees(command.shown, text):
            shown = "\n".join(command.shown)
            faults.append(f"$ {command.text}\n--- shown\n{shown}\n--- printed (exit code {code})\n{text}")
    return faults


def _agrees(shown: list[str], printed: str) -> bool:
    if not any(shown):
        return True
    pattern = ""
    for line in shown:
        if line == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(re.escape(part) for part in line.split("...")) + "[ ]*\n"
    return re.fullmatch(pattern + r"\n*", printed.lstrip("\n") + "\n") is not None

"""Lines that a scheduler reads at a script's top: those that would take a job out of Maestro's hands."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

UNSEEN = "Maestro would not see the job, and wait for it for ever"
UNHEARD = "it has no job to tell of, and Maestro dies on that"
MANY = "each row would run more than once"
OUTPUT = "what a step prints goes to its folder, where genstudy looks for it"
WAITS = "Maestro would hand in one job after the other, each once the last has ended"
AGAIN = "without it Slurm runs the job of a lost node again; with it Maestro does, or waits for ever"

SLURM = {
    "array": MANY,
    "clusters": UNSEEN,
    "error": OUTPUT,
    "help": UNHEARD,
    "no-requeue": AGAIN,
    "output": OUTPUT,
    "quiet": UNHEARD,
    "test-only": UNHEARD,
    "usage": UNHEARD,
    "version": UNHEARD,
    "wait": WAITS,
    "wrap": "the script would not run",
}
SLURM_SHORT = {
    "M": "clusters",
    "Q": "quiet",
    "V": "version",
    "W": "wait",
    "a": "array",
    "e": "error",
    "h": "help",
    "o": "output",
}
SLURM_FLAGS = "HQWOVhksuv"
"""Letters of sbatch that take no argument, so that others may follow, as in `-Ha0-3`."""

LSF = {
    **dict.fromkeys(("-J",), "Maestro names its jobs, and a name with brackets runs each row more than once"),
    **dict.fromkeys(("-K",), WAITS),
    **dict.fromkeys(("-I", "-IS", "-ISp", "-ISs", "-IX", "-Ip", "-Is"), WAITS),
    **dict.fromkeys(("-V", "-h", "-help", "-pack"), UNHEARD),
    **dict.fromkeys(("-e", "-eo", "-o", "-oo"), OUTPUT),
}
LINE = {"slurm": re.compile(r"#SBATCH\s+(.*)"), "lsf": re.compile(r"#BSUB\s+(.*)")}
PACKS = re.compile(r"(?:het|pack)job\b")


def check_options(kind: str, script: str, where: str) -> None:
    """Refuse options at a script's top, where they are read, that lose rows or the study's end."""
    for line in script.splitlines():
        if line.strip() and not line.startswith("#"):
            return
        if kind in LINE and (found := LINE[kind].match(line)):
            check_option(kind, found[1], where)


def check_option(kind: str, option: str, where: str | None = None) -> None:
    """Refuse such an option, as it stands behind `#SBATCH` or `#BSUB`, and a quote that does not end."""
    try:
        words = shlex.split(option, comments=kind == "slurm")
    except ValueError:
        raise UserError(f"a quote does not end in '{option}'", where=where) from None
    for word in words:
        for found, reason in _reasons(kind, word):
            raise UserError(f"a job cannot have '{found}': {reason}", where=where, hint="leave it out")


def _reasons(kind: str, word: str) -> Iterator[tuple[str, str]]:
    if kind == "lsf":
        if word in LSF:
            yield word, LSF[word]
    elif PACKS.match(word):
        yield word, UNSEEN
    elif word.startswith("--"):
        name = word[2:].partition("=")[0]
        # sbatch takes any beginning of a name that is clear to it.
        full = next((full for full in SLURM if full.startswith(name)), None) if len(name) > 1 else None
        if full is not None:
            yield word, SLURM[full]
    elif word.startswith("-"):
        yield from _short(word, SLURM_SHORT, SLURM)


def _short(word: str, short: Mapping[str, str], reasons: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for letter in word[1:]:
        if letter in short:
            yield word, reasons[short[letter]]
        if letter not in SLURM_FLAGS:
            return

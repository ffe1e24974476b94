"""Further options of a job script that people give word for word: which would break it, and is told."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genstudy.errors import UserError
from genstudy.tables.as_csv import CONTROL

if TYPE_CHECKING:
    from collections.abc import Mapping

WHERE = "the scheduler's options"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """Options of a command that genstudy gives it, or that would take the job out of its hands.

    keys: what to say instead, by long name; an empty text where nothing is to be said at all.
    short: the long names of the one-letter options. flags: the letters that take no argument and may be
    followed by others, as in `-Ha0-3`. comments: whether the command passes over what follows a `#`.
    """

    command: str
    keys: Mapping[str, str]
    short: Mapping[str, str]
    flags: str
    comments: bool


SBATCH = Reserved(
    command="sbatch",
    keys={
        **dict.fromkeys(("array", "comment", "error", "input", "job-name", "open-mode", "output"), ""),
        **dict.fromkeys(("clusters", "help", "signal", "test-only", "usage", "version", "wait", "wrap"), ""),
        "time": "walltime",
    },
    short={
        "a": "array",
        "e": "error",
        "h": "help",
        "i": "input",
        "J": "job-name",
        "M": "clusters",
        "o": "output",
        "t": "time",
        "V": "version",
        "W": "wait",
    },
    flags="HkOQsuv",
    comments=True,
)

FLUX = Reserved(
    command="flux submit",
    keys={
        **dict.fromkeys(("bcc", "cc", "error", "input", "job-name", "output", "signal"), ""),
        **dict.fromkeys(("dry-run", "help", "jps", "log", "log-stderr", "progress", "quiet"), ""),
        **dict.fromkeys(("wait", "wait-event", "watch"), ""),
        **dict.fromkeys(("cores", "cores-per-task", "tasks-per-core"), "cores"),
        **dict.fromkeys(("gpus-per-node", "gpus-per-task"), "gpus"),
        **dict.fromkeys(("ntasks", "tasks-per-node"), "procs"),
        "exclusive": "exclusive",
        "nodes": "nodes",
        "time-limit": "walltime",
    },
    short={
        "c": "cores-per-task",
        "g": "gpus-per-task",
        "n": "ntasks",
        "N": "nodes",
        "t": "time-limit",
        "x": "exclusive",
    },
    flags="luv",
    comments=False,
)


def option_words(option: str, reserved: Reserved, *, where: str = WHERE) -> list[str]:
    """Return the words of one option as it was given, such as `--constraint=haswell` or `-C haswell`.

    Raises UserError for what is no option, for one that is reserved (in any spelling that the command takes:
    shortened, or behind other letters), and for a control character.
    """
    if CONTROL.search(option):
        raise UserError(
            f"{option!r} has a line end or another control character",
            where=where,
            hint="give each option by itself, as one line",
        )
    try:
        words = shlex.split(option, comments=reserved.comments)
    except ValueError:
        raise UserError(f"a quote does not end in '{option}'", where=where) from None
    if not words:
        raise UserError(f"'{option}' is no option of {reserved.command}", where=where, hint="leave it out")
    takes_a_value = False
    for word in words:
        if word.startswith("-"):
            _check_word(word, reserved, where)
        elif not takes_a_value:
            raise UserError(
                f"'{word}' is no option of {reserved.command}", where=where, hint="write it as --name=value"
            )
        takes_a_value = word.startswith("-") and "=" not in word
    return words


def _check_word(word: str, reserved: Reserved, where: str) -> None:
    if word.startswith("--"):
        name = word[2:].partition("=")[0]
        # The commands take any beginning of a name that is clear to them.
        found = name if name in reserved.keys else next((k for k in reserved.keys if k.startswith(name)), "")
    else:
        letter = next((letter for letter in word[1:] if letter not in reserved.flags), "")
        found = reserved.short.get(letter, "")
    if found:
        key = reserved.keys[found]
        raise UserError(
            f"'{word}' cannot be given to {reserved.command}: it is genstudy's to say",
            where=where,
            hint=f"say {key}: --job {key}=VALUE" if key else "leave it out",
        )

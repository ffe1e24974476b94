"""The mark that a step's script leaves once it got to its end.

Maestro writes down how its steps ended after each round of them only. Of a study whose Maestro was killed,
the marks tell which steps had finished.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

MARK_NAME = ".genstudy_done"
"""The file in a step's workspace that says that its script got to its end, and that all was well there."""

VARIABLE = "genstudy_mark"

MARK_LINES = (
    f"(exit $?) && IFS= read -r {VARIABLE} <<'END_OF_MARK' && : >| \"${VARIABLE}\"",
    f"$(WORKSPACE)/{MARK_NAME}",
    "END_OF_MARK",
)
"""The end of a script that leaves the mark.

`(exit $?)` hands on the status of the command before, so a failure stays the script's exit status and leaves
no mark. Maestro puts the workspace's path in as text, and between no quotes can every path stand; a
here-document takes it as it is. The path is absolute, as the script may have changed its folder. `>|` writes
where the script has forbidden to replace files (`set -C`), which in zsh forbids `>>` to make one, too."""

WAY_OUT = "write {{ done_mark() | indent(N) }} behind the last command, N being the column where it stands"


def ends_with_mark(script: str) -> bool:
    """Tell whether a script leaves the mark at its end; empty lines may follow."""
    lines = script.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    return tuple(lines[-len(MARK_LINES) :]) == MARK_LINES


def check_mark(texts: Mapping[str, str], *, where: str) -> None:
    """Refuse a mark that anything but a step's last line leaves. texts: the step's entries."""
    for text in texts.values():
        if VARIABLE in text and not (
            ends_with_mark(text) and text.count(VARIABLE) == MARK_LINES[0].count(VARIABLE)
        ):
            raise UserError("done_mark() must be the last line of its step", where=where, hint=WAY_OUT)

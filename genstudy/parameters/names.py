"""Names of parameters, and the Maestro tokens made from them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROW_ID = "ROW_ID"
PARG_PREFIX = "PARG_"
RESERVED = frozenset({"WORKSPACE", "LAUNCHER", "OUTPUT_PATH", "SPECROOT", ROW_ID})
"""Tokens that Maestro or genstudy gives a meaning of its own."""

TOKEN_FORM = re.compile(r"[^\W\d][\w-]*")
"""What stands in `$(...)`, as the generator of rows and the shell engine read it."""

NAME_RULE = "a letter or underscore first, then letters, digits, underscores or dashes"


def token_of(name: str) -> str:
    """Return the Maestro token's inside for a parameter: `width` gives `WIDTH`, used as `$(WIDTH)`."""
    return name.upper()


def is_name(name: str) -> bool:
    """Tell whether a name is one to Python but for its dashes, and a token as it is and in upper case."""
    plain = name.replace("-", "_").isidentifier()
    return plain and all(TOKEN_FORM.fullmatch(text) for text in (name, token_of(name)))


def numbered(count: int) -> list[str]:
    """Return `param1` to `paramN`, as the batching how-to names its columns."""
    if count < 1:
        raise UserError(f"--params needs at least 1, not {count}")
    return [f"param{number}" for number in range(1, count + 1)]


def check_name(name: str, *, where: str | None = None) -> None:
    """Refuse a name that cannot be a Maestro token, or whose token has a meaning already."""
    if not is_name(name):
        raise UserError(
            f"'{name}' cannot be a parameter name", where=where, hint=f"a name is {NAME_RULE}: rename it"
        )
    token = token_of(name)
    if token in RESERVED or token.startswith(PARG_PREFIX):
        raise UserError(
            f"the parameter '{name}' would hide $({token}), which has a meaning of its own",
            where=where,
            hint="rename the parameter",
        )


def check_names(names: Sequence[str], *, where: str | None = None) -> None:
    """Refuse bad names, repeated names, and names that give the same token (they differ only by case)."""
    seen: dict[str, str] = {}
    for name in names:
        check_name(name, where=where)
        token = token_of(name)
        if token in seen:
            problem = f"the names '{seen[token]}' and '{name}' give the same token $({token})"
            if seen[token] == name:
                problem = f"the name '{name}' is given twice"
            raise UserError(problem, where=where, hint="rename one of them")
        seen[token] = name


def known_tokens(names: Iterable[str]) -> dict[str, str]:
    """Return {token: name} for the parameters."""
    return {token_of(name): name for name in names}

"""Tokens in the text of a step: which parameters it uses and how, and names that nobody gives a value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from genstudy.errors import UserError, near
from genstudy.maestro import OWN_TOKENS
from genstudy.parameters.names import ROW_ID, token_of
from genstudy.rendering.quoting import Place, places

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

WORD = re.compile(r"\$\(([^\s()$`'\"|;&<>]+)\)")
"""`$(WORD)`: one word and nothing else. Shell substitutions with arguments are not looked at."""

FORMS = ("quoted", "json", "label", "name")
BARE_FORMS = frozenset({"", "label"})
"""Forms that put the value as it is into the text."""

HELD = {
    "quoted": {Place.WORDS, Place.COMMENT},
    "json": {Place.SINGLE_QUOTES, Place.QUOTED_HEREDOC, Place.COMMENT},
}
"""Where the quotes of a form hold, whatever the value."""

UPPER_WORD = re.compile(r"[A-Z_][A-Z0-9_-]*")
NEAR = 0.8
SHOWN = 12
OWN_SPACE = "for the shell's own command write a space: $( {word} )"


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a parameter in a script: token, form (`quoted`, or empty for the value) and place."""

    token: str
    form: str
    place: Place

    @property
    def exposed(self) -> bool:
        """Whether the shell would act on marks of its own in the value."""
        if self.token == ROW_ID:
            return False
        return self.form in BARE_FORMS or self.place not in HELD.get(self.form, Place)

    def __str__(self) -> str:
        """Return the use as messages name it."""
        if self.form in BARE_FORMS:
            return f"a bare $({self.token}{self.form and '.' + self.form})"
        return f"$({self.token}.{self.form}) in {self.place}"


def find_uses(text: str, tokens: Collection[str]) -> set[Use]:
    """Return the uses of these parameters (and of the row id) in a script."""
    uses = set()
    for word, place in places(text):
        token, _, form = word[2:-1].partition(".")
        if token in tokens or token == ROW_ID:
            uses.add(Use(token, form, place))
    return uses


def check_tokens(
    text: str,
    *,
    where: str,
    tokens: Collection[str],
    variables: Collection[str] = (),
    steps: Sequence[str] = (),
) -> None:
    """Refuse every `$(WORD)` in a text that looks like a token and has no value.

    tokens: of the parameters; variables: of the study. An upper-case word must be known; a word in another
    case must not be near a known name. Everything else belongs to the shell.
    """
    for word in sorted(set(WORD.findall(text))):
        problem, hint = _problem(word, tokens, variables, steps)
        if problem:
            raise UserError(problem, where=where, hint=hint)


def _problem(
    word: str, tokens: Collection[str], variables: Collection[str], steps: Sequence[str]
) -> tuple[str, str | None]:
    name, _, form = word.rpartition(".") if word.endswith(".workspace") else word.partition(".")
    if form == "workspace":
        if name in steps:
            return "", None
        return f"$({word}): there is no step '{name}'{near(name, steps)}", f"steps are: {', '.join(steps)}"
    if name in tokens or name == ROW_ID:
        if not form or form in FORMS:
            return "", None
        return (
            f"$({word}): a parameter has no form '{form}'{near(form, FORMS)}",
            f"forms are: {', '.join(FORMS)}",
        )
    if word in variables or word in OWN_TOKENS:
        return "", None
    known = {*tokens, *variables, *OWN_TOKENS, ROW_ID}
    if UPPER_WORD.fullmatch(name):
        shown = ", ".join(f"$({token})" for token in sorted(known)[:SHOWN])
        more = ", ..." if len(known) > SHOWN else ""
        return (
            f"$({word}) is neither a parameter, a variable nor a step's workspace{near(name, known)}",
            f'known are: {shown}{more}; for text that is no token write {{{{ literal("{word}") }}}}',
        )
    if token_of(name) in known:
        return (
            f"$({word}): the token of '{name}' is $({token_of(name)})",
            f"write $({token_of(name)}); {OWN_SPACE.format(word=word)}",
        )
    close = get_close_matches(token_of(name), known, n=1, cutoff=NEAR)
    if close:
        return f"$({word}): did you mean $({close[0]})?", OWN_SPACE.format(word=word)
    return "", None

"""Tokens in the text of a step: which parameters it uses and how, and names that nobody gives a value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from genstudy.errors import UserError, near
from genstudy.maestro.specs import OWN_TOKENS
from genstudy.parameters.names import ROW_ID
from genstudy.rendering.quoting import Place, places

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

WORD = re.compile(r"\$\(([^\s()$`'\"|;&<>]+)\)")
"""`$(WORD)`: one word and nothing else. Shell substitutions with arguments are not looked at."""

FORMS: Mapping[str, str] = {
    "quoted": "the value as one word of the shell, which reaches a command byte for byte",
    "json": "the value as JSON text, for use between single quotes: numbers as numbers, the rest as text",
    "label": "the label as in Maestro, `WIDTH.1.5`; of the row id `row_17`",
    "name": "the token's own name, `WIDTH`",
}
"""What `$(WIDTH.form)` stands for; a bare `$(WIDTH)` is the value as it is."""

BARE_FORMS = frozenset({"", "label"})
"""Forms that put the value as it is into the text."""

HELD = {
    "quoted": {Place.WORDS, Place.COMMENT},
    "json": {Place.SINGLE_QUOTES, Place.QUOTED_HEREDOC, Place.COMMENT},
}
"""Where the quotes of a form hold, whatever the value."""

HEAD = re.compile(r"[\w-]+")
UPPER_WORD = re.compile(r"[A-Z_][A-Z0-9_-]*")
NEAR = 0.8
SHOWN = 12
OWN_SPACE = "for the shell's own command write a space: $( {word} )"
LITERAL = 'for text that is no token {rename}write {{{{ literal("{word}") }}}}'


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
    script: bool = True,
    rename: str = "",
) -> None:
    """Refuse every `$(WORD)` in a text that looks like a token and has no value.

    tokens: of the parameters; variables: of the study. An upper-case word must be known; a word in another
    case must not be near a known name. Everything else belongs to the shell.
    script: whether a shell reads the text. rename: what the hint says before `write {{ literal(...) }}`.
    """
    for word in sorted(set(WORD.findall(text))):
        literal = LITERAL.format(word=word, rename=rename)
        other = OWN_SPACE.format(word=word) if script else literal
        if word in variables or word in OWN_TOKENS:
            continue
        step, _, form = word.rpartition(".")
        head = HEAD.match(word)
        if step in steps or form == "workspace":
            problem = _problem_of_step(word, step, form, steps)
        elif head and (head.group() in tokens or head.group() == ROW_ID):
            problem = _problem_of_form(word, word[head.end() :])
        else:
            known = {*tokens, *variables, *OWN_TOKENS, ROW_ID}
            literal = LITERAL.format(word=word, rename=rename)
            other = OWN_SPACE.format(word=word) if script else literal
            problem = _problem_of_name(word, known, literal, other)
        if problem:
            raise UserError(problem[0], where=where, hint=problem[1])


def _problem_of_step(word: str, step: str, form: str, steps: Sequence[str]) -> tuple[str, str] | None:
    if form != "workspace":
        return f"$({word}): a step has no form '{form}'", f"write $({step}.workspace)"
    if step in steps:
        return None
    return f"$({word}): there is no step '{step}'{near(step, steps)}", f"steps are: {', '.join(steps)}"


def _problem_of_form(word: str, rest: str) -> tuple[str, str] | None:
    form = rest.removeprefix(".")
    if not rest or (rest != form and form in FORMS):
        return None
    close = near(form, FORMS) if rest != form else ""
    return f"$({word}): a parameter has no form '{form}'{close}", f"forms are: {', '.join(FORMS)}"


def _problem_of_name(word: str, known: Collection[str], literal: str, other: str) -> tuple[str, str] | None:
    """Return what is wrong with a name; `literal` and `other` are the ways to keep the word as it is."""
    name = word.partition(".")[0]
    by_folded = {option.casefold(): option for option in known}
    if same := by_folded.get(name.casefold()):
        return f"$({word}): the token of '{name}' is $({same})", f"write $({same}); {other}"
    if UPPER_WORD.fullmatch(name):
        shown = ", ".join(f"$({token})" for token in sorted(known)[:SHOWN])
        more = ", ..." if len(known) > SHOWN else ""
        return (
            f"$({word}) is neither a parameter, a variable nor a step's workspace{near(name, known)}",
            f"known are: {shown}{more}; {literal}",
        )
    close = get_close_matches(name.casefold(), by_folded, n=1, cutoff=NEAR)
    return (f"$({word}): did you mean $({by_folded[close[0]]})?", other) if close else None

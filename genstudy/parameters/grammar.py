"""The grammar in which people write parameters: `width`, `width=uniform(0, 2.5)`, `mode=choice(a:2, 'b c')`.

    parameter = NAME [ "=" law ]
    law       = KEYWORD "(" [ argument { "," argument } ] ")"
    argument  = [ KEYWORD "=" ] NUMBER          every law but choice and const
              | item [ ":" NUMBER ]             choice; const takes one item
    item      = bare text | 'quoted text' | "quoted text"

Bare text has no blanks, quotes or `( ) , : =`. Inside quotes a doubled quote stands for one.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, NoReturn

from genstudy.errors import UserError, near
from genstudy.parameters.laws import CONTINUOUS, Law, Parameter, signature
from genstudy.parameters.levels import LEVELLED, Choice, Const, Int
from genstudy.parameters.reading import Reader, Token

if TYPE_CHECKING:
    from collections.abc import Mapping

LAWS: Mapping[str, type[Law]] = {**LEVELLED, **CONTINUOUS}
DEFAULT_LAW = Int(lo=0, hi=100)
"""What a name without a law follows: whole numbers from 0 to 100, both included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Argument:
    """One argument of a law: `name=` before it, `:weight` after it, or neither."""

    value: Token
    name: str | None = None
    weight: Token | None = None


def parse_parameter(text: str) -> Parameter:
    """Read `NAME` or `NAME=LAW`; a bare name follows int(0, 100). UserError with the place of a mistake."""
    name, equals, _ = text.partition("=")
    if not equals:
        return Parameter(name=name, law=DEFAULT_LAW)
    return Parameter(name=name.strip(), law=_Reader(text, len(name) + 1, f"parameter {name.strip()}").law())


def parse_law(text: str) -> Law:
    """Read a law such as `uniform(0, 2.5)`. UserError with the place of a mistake."""
    return _Reader(text).law()


class _Reader(Reader):
    """Reads one law from `text`, from position `start` to the end."""

    def law(self) -> Law:
        """Read the whole law; what the law itself refuses is shown with its place."""
        keyword = self.take()
        if keyword.kind != "bare":
            self.fail(f"a law belongs here, not {keyword.shown()}", keyword.start, "such as uniform(0, 1)")
        if not self.at_mark("("):
            self._refuse_bare(keyword)
        self.take()
        arguments = self._arguments()
        self.end("law")
        try:
            return self._build(keyword, arguments)
        except UserError as error:
            if "\n" in error.message:
                raise
            self.fail(error.message, keyword.start, error.hint)

    def _refuse_bare(self, word: Token) -> NoReturn:
        if self.token.kind == "end" and word.text in LAWS:
            self.fail(f"the law '{word.text}' has no arguments", word.start, signature(LAWS[word.text]))
        self.fail(
            f"'{word.text}' is no law",
            word.start,
            f"for one value write const({word.text}), for several choice({word.text}, ...)",
        )

    def _arguments(self) -> list[_Argument]:
        """Read up to and with the closing bracket."""
        arguments: list[_Argument] = []
        if self.at_mark(")"):
            self.take()
            return arguments
        while True:
            arguments.append(self._argument())
            end = self.take()
            if end.kind == "mark" and end.text == ")":
                return arguments
            if end.kind != "mark" or end.text != ",":
                self.fail(
                    f"a comma or a closing bracket belongs here, not {end.shown()}",
                    end.start,
                    "put quotes around a text that has blanks or marks of its own" if end.text else None,
                )

    def _argument(self) -> _Argument:
        value = self.value()
        if self.at_mark("=") and value.kind == "bare":
            self.take()
            return _Argument(name=value.text, value=self.value())
        if self.at_mark(":"):
            self.take()
            return _Argument(value=value, weight=self.value())
        return _Argument(value=value)

    def _build(self, keyword: Token, arguments: list[_Argument]) -> Law:
        if keyword.text == "choice":
            return self._choice(arguments)
        for argument in arguments:
            if argument.weight is not None:
                self.fail("only choice has weights", argument.weight.start - 1)
        if keyword.text == "const":
            return self._const(keyword, arguments)
        if keyword.text in LAWS:
            law = LAWS[keyword.text]
            return law(**self._bind(keyword, law, arguments))
        return self._scipy(keyword, arguments)

    def _choice(self, arguments: list[_Argument]) -> Choice:
        items = tuple(self._item(argument) for argument in arguments)
        weights = [argument.weight for argument in arguments]
        if not any(weights):
            return Choice(items=items)
        if None in weights:
            lone = arguments[weights.index(None)].value
            self.fail(f"the item {lone.shown()} has no weight and others have", lone.start)
        return Choice(items=items, weights=tuple(self._float(token) for token in weights if token))

    def _const(self, keyword: Token, arguments: list[_Argument]) -> Const:
        if len(arguments) != 1:
            self.fail(
                f"const takes one value, not {len(arguments)}", keyword.start, "for several: choice(x, y)"
            )
        return Const(value=self._item(arguments[0]))

    def _item(self, argument: _Argument) -> str:
        if argument.name is not None:
            self.fail(
                "an item with = belongs in quotes",
                argument.value.start - 1,
                f"write '{argument.name}={argument.value.text}' with its quotes",
            )
        return argument.value.text

    def _bind(self, keyword: Token, law: type[Law], arguments: list[_Argument]) -> dict[str, Any]:
        """Match the arguments to the law's fields, by position and then by name."""
        kinds = {field.name: str(field.type) for field in fields(law)}
        how = f"write {signature(law)}"
        bound: dict[str, Any] = {}
        for place, argument in enumerate(arguments):
            name = argument.name or (list(kinds)[place] if place < len(kinds) else None)
            if name is None:
                self.fail(f"{keyword.text} takes {len(kinds)} values at most", argument.value.start, how)
            if name not in kinds:
                self.fail(f"{keyword.text} has no '{name}'{near(name, kinds)}", argument.value.start, how)
            if name in bound or (argument.name is None and any(a.name for a in arguments[:place])):
                self.fail("this value comes twice, or after named ones", argument.value.start, how)
            bound[name] = self._number(argument.value, kinds[name])
        missing = [f.name for f in fields(law) if f.default is MISSING and f.name not in bound]
        if missing:
            self.fail(f"{keyword.text} needs {' and '.join(missing)} too", self.token.start - 1, how)
        return bound

    def _scipy(self, keyword: Token, arguments: list[_Argument]) -> Law:
        from genstudy.parameters import scipy_laws

        if keyword.text not in scipy_laws.names():
            known = [*LAWS, *scipy_laws.names()]
            self.fail(
                f"there is no law '{keyword.text}'{near(keyword.text, LAWS) or near(keyword.text, known)}",
                keyword.start,
                f"laws: {', '.join(LAWS)}, and the distributions of scipy.stats",
            )
        return scipy_laws.ScipyLaw(
            name=keyword.text,
            arguments=tuple(self._float(a.value) for a in arguments if a.name is None),
            keywords=tuple((a.name, self._float(a.value)) for a in arguments if a.name is not None),
        )

    def _number(self, token: Token, kind: str) -> float | int | Decimal:
        if kind == "float":
            return self._float(token)
        number = self._decimal(token)
        if kind == "Decimal":
            return number
        if number.adjusted() > 20 or number != number.to_integral_value():
            self.fail(f"{token.shown()} is not a whole number within 64 bits", token.start)
        return int(number)

    def _float(self, token: Token) -> float:
        number = float(self._decimal(token))
        if abs(number) == float("inf"):
            self.fail(f"{token.shown()} is too large", token.start)
        return number

    def _decimal(self, token: Token) -> Decimal:
        try:
            number = Decimal(token.text)
        except InvalidOperation:
            number = None
        if number is None or token.kind == "quoted":
            self.fail(f"{token.shown()} is not a number", token.start)
        if not number.is_finite():
            self.fail(f"{token.shown()} is not finite", token.start)
        return number

"""Expressions over columns, such as `width * height` or `0 < a < b`, in a fixed part of Python's syntax.

    names of columns, numbers, texts, True, False, pi, e
    + - * / // % **    < <= == != >= >    and or not    in and not in, with a tuple or list
    A if TEST else B   and the functions in `FUNCTIONS`

The text is parsed, compared with that list, and evaluated over numpy arrays, row by row as Python would: the
right side of `and`, `or` and the branches of `if` see only the rows that reach them. Whole numbers are
64-bit and exact, a result past that is refused; `/`, and `**` unless its exponent is a written whole number
of 0 or more, give float64. A result that is not finite is refused wherever it arises.
"""

from __future__ import annotations

import ast
import keyword
import math
import re
import unicodedata
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from genstudy.errors import UserError, near

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from numpy.typing import NDArray

    Column = NDArray[Any]

LONGEST = 2000
DEEPEST = 60
CONSTANTS: Mapping[str, float] = {"pi": math.pi, "e": math.e}
FUNCTIONS: Mapping[str, tuple[int, int]] = {
    **dict.fromkeys(("abs", "sqrt", "exp", "log", "log2", "log10", "floor", "ceil"), (1, 1)),
    **dict.fromkeys(("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh"), (1, 1)),
    **dict.fromkeys(("atan2", "hypot"), (2, 2)),
    **dict.fromkeys(("min", "max"), (2, 50)),
    "round": (1, 2),
}
"""Each function with its fewest and most arguments."""

_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)
_COMPARE = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq, ast.In, ast.NotIn)
_ALLOWED = (ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Tuple, ast.List)
_NAMES: Mapping[type[ast.AST], str] = {
    ast.Attribute: "an attribute (a.b)",
    ast.Subscript: "an index (a[b])",
    ast.Lambda: "a lambda",
    ast.ListComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
    ast.JoinedStr: "an f-string",
    ast.NamedExpr: "an assignment (:=)",
    ast.Starred: "an unpacking (*a)",
    ast.Dict: "a dict",
    ast.Set: "a set",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """A checked expression: its text, its tree, and the columns that it uses."""

    text: str
    tree: ast.expr
    names: frozenset[str]

    def evaluate(self, columns: Mapping[str, Column], rows: int, first_row: int = 0) -> Column:
        """Return the values over `rows` rows: int64, float64, bool or text, shape (rows,).

        columns: at least those in `names`, each of shape (rows,) and finite.
        first_row: the number of the first row, for messages. UserError where a row has no value.
        """
        from genstudy.parameters.evaluation import evaluate

        return evaluate(self, {name: columns[name] for name in self.names}, rows, first_row)

    def fail(self, problem: str, node: ast.AST, hint: str | None = None) -> NoReturn:
        """Raise a UserError that points at a part of the text."""
        offset = getattr(node, "col_offset", 0)
        _fail(self.text, problem, len(self.text.encode()[:offset].decode()), hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """A named expression: a column made from others."""

    name: str
    expression: Expression


def parse_expression(text: str, known: Iterable[str]) -> Expression:
    """Read an expression over the columns `known`. UserError that points at the first thing not allowed."""
    text = text.strip()
    known = list(known)
    tree = _parse(text, known)
    draft = Expression(text=text, tree=tree, names=frozenset())
    _name_columns(tree, draft, known)
    _check(tree, draft, known, 0)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return Expression(text=text, tree=tree, names=frozenset(used & set(known)))


def parse_derivation(text: str, known: Iterable[str]) -> Derivation:
    """Read `NAME = EXPRESSION` over the columns `known`."""
    name, equals, expression = text.partition("=")
    if not equals or expression.startswith("=") or not name.strip().replace("-", "_").isidentifier():
        raise UserError(
            f"'{text}' is no derivation", hint="write NAME = EXPRESSION, as area = width * height"
        )
    return Derivation(name=name.strip(), expression=parse_expression(expression, known))


def _fail(text: str, problem: str, at: int, hint: str | None = None) -> NoReturn:
    raise UserError(f"{problem}\n    {text}\n    {' ' * at}^", hint=hint)


def _name_columns(tree: ast.expr, draft: Expression, known: list[str]) -> None:
    """Give columns their own names: Python reads every name in its NFKC form, `µ` (U+00B5) as `μ`."""
    columns: dict[str, list[str]] = {}
    for name in known:
        columns.setdefault(unicodedata.normalize("NFKC", name), []).append(name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in columns:
            name, *others = columns[node.id]
            if others:
                draft.fail(f"a formula cannot tell '{name}' from '{others[0]}'", node, "rename one of them")
            node.id = name


def _keyword_hint(words: Iterable[str], known: Iterable[str]) -> str | None:
    """Return the way out for a column whose name is a keyword of Python."""
    word = next((word for word in words if keyword.iskeyword(word) and word in known), None)
    return word and f"'{word}' means something else to a formula: rename the column to use it"


def _parse(text: str, known: list[str]) -> ast.expr:
    if not text:
        raise UserError("an expression is empty", hint="write one, such as a < b")
    if len(text) > LONGEST or not text.isprintable():
        raise UserError(f"an expression has more than {LONGEST} characters, or some that cannot be printed")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        at = min(error.offset - 1, len(text)) if error.offset else len(text)  # none: at the end
        if text[at : at + 1] == "=":
            _fail(text, "this is no expression: = is no comparison", at, "write == to compare")
        _fail(text, f"this is no expression: {error.msg}", at, _keyword_hint(re.findall(r"\w+", text), known))
    except (RecursionError, MemoryError, ValueError):
        _fail(text, "this expression is nested too deeply", 0)


def _check(node: ast.expr, draft: Expression, known: list[str], depth: int) -> None:
    """Refuse whatever is not on the list, with its place."""
    if depth > DEEPEST:
        draft.fail("this expression is nested too deeply", node, "split it with --derive")
    if depth == 0 and isinstance(node, ast.Tuple | ast.List):
        draft.fail("a list belongs only after `in`", node)
    match node:
        case ast.Constant():
            _check_constant(node, draft, known)
        case ast.Name():
            _check_name(node, draft, known)
        case ast.Call():
            _check_call(node, draft)
        case ast.Compare():
            _check_compare(node, draft)
        case ast.BinOp() | ast.UnaryOp():
            _check_operator(node, draft)
        case _ if not isinstance(node, _ALLOWED):
            what = _NAMES.get(type(node), "this")
            draft.fail(f"{what} is not allowed in an expression", node, "allowed: numbers, names, operators")
    for part in ast.iter_child_nodes(node):
        if isinstance(part, ast.expr) and not (isinstance(node, ast.Call) and part is node.func):
            if isinstance(part, ast.Tuple | ast.List) and not isinstance(node, ast.Compare):
                draft.fail("a list belongs only after `in`", part)
            _check(part, draft, known, depth + 1)


def _check_constant(node: ast.Constant, draft: Expression, known: list[str]) -> None:
    value = node.value
    if hint := _keyword_hint([str(value)] if value is None or isinstance(value, bool) else [], known):
        draft.fail(f"this is {value!r}, and no column", node, hint)
    if not isinstance(value, int | float | str):
        draft.fail(f"{ast.unparse(node)} is not allowed in an expression", node)
    if isinstance(value, int | float) and not abs(value) < (2**63 if isinstance(value, int) else math.inf):
        draft.fail("this number is too large", node, "whole numbers reach to 2**63 - 1; write 1e30")


def _check_name(node: ast.Name, draft: Expression, known: list[str]) -> None:
    if node.id not in known and node.id not in CONSTANTS:
        names = f"names: {', '.join(known[:20])}{', ...' if len(known) > 20 else ''}"
        dashes = "; a name with a dash cannot be used" if any("-" in name for name in known) else ""
        draft.fail(f"there is no column '{node.id}'{near(node.id, known)}", node, names + dashes)


def _check_operator(node: ast.BinOp | ast.UnaryOp, draft: Expression) -> None:
    if isinstance(node, ast.BinOp) and not isinstance(node.op, _ARITHMETIC):
        draft.fail(f"the operator {type(node.op).__name__} is not allowed", node, "allowed: + - * / // % **")
    if isinstance(node.op, ast.Invert):
        draft.fail("the operator ~ is not allowed", node, "write not")


def _check_call(node: ast.Call, draft: Expression) -> None:
    if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
        name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
        hint = f"functions: {', '.join(sorted(FUNCTIONS))}"
        draft.fail(f"there is no function '{name}'{near(name, FUNCTIONS)}", node, hint)
    fewest, most = FUNCTIONS[node.func.id]
    if node.keywords or not fewest <= len(node.args) <= most:
        wanted = f"{fewest} to {most}" if fewest < most else str(fewest)
        draft.fail(f"{node.func.id} takes {wanted} unnamed values, not {len(node.args)}", node)


def _check_compare(node: ast.Compare, draft: Expression) -> None:
    for op, other in zip(node.ops, node.comparators, strict=True):
        if not isinstance(op, _COMPARE):
            draft.fail("`is` is not allowed", node, "write == or !=")
        membership = isinstance(op, ast.In | ast.NotIn)
        if membership != isinstance(other, ast.Tuple | ast.List):
            draft.fail("`in` takes a list, as in: a in (1, 2, 3)", other)
    if isinstance(node.left, ast.Tuple | ast.List):
        draft.fail("a list belongs only after `in`", node.left)

"""Evaluates checked expressions over numpy arrays, each row as Python would."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from genstudy.parameters.expressions import CONSTANTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from genstudy.parameters.expressions import Column, Expression

_OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.true_divide,
    ast.FloorDiv: np.floor_divide,
    ast.Mod: np.remainder,
    ast.Pow: np.power,
}
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}
_RENAMED: Mapping[str, str] = {
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "atan2": "arctan2",
    "min": "minimum",
    "max": "maximum",
}
_KINDS = {"i": "a whole number", "f": "a number", "b": "a condition", "U": "a text"}
_LIMIT = 2.0**63 * (1 - 2.0**-50)
"""Whole results are refused from here: just below 2**63, so that rounding cannot hide an overflow."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows that a part of an expression sees: their columns, and their numbers in the chunk."""

    columns: Mapping[str, Column]
    numbers: NDArray[np.int64]

    def where(self, mask: NDArray[np.bool_]) -> _Rows:
        columns = {name: column[mask] for name, column in self.columns.items()}
        return _Rows(columns, self.numbers[mask])

    def constant(self, value: object) -> Column:
        """Return a value for all rows: a single one, or none where no row is left to blame for it."""
        return np.asarray(value) if len(self.numbers) else np.full(0, np.asarray(value))


def evaluate(expression: Expression, columns: Mapping[str, Column], rows: int, first_row: int) -> Column:
    """Return the expression's values; see `Expression.evaluate`."""
    evaluator = _Evaluator(expression, columns, first_row)
    return evaluator.full(expression.tree, _Rows(columns, np.arange(rows)))


class _Evaluator:
    def __init__(self, expression: Expression, columns: Mapping[str, Column], first_row: int) -> None:
        self.expression = expression
        self.columns = columns
        self.first_row = first_row

    def refuse_row(self, problem: str, bad: Column, rows: _Rows, node: ast.AST) -> NoReturn:
        """Raise for the first of the bad rows, with the values that it has."""
        mask = np.broadcast_to(bad, rows.numbers.shape)
        number = int(rows.numbers[int(np.argmax(mask))])
        values = ", ".join(f"{name} = {column[number]}" for name, column in sorted(self.columns.items()))
        place = f"row {self.first_row + number}" + (f", where {values}" if values else "")
        hint = "guard it, as in: b != 0 and a / b > 1, or: a / b if b != 0 else 0"
        self.expression.fail(f"{problem} in {place}", node, hint)

    def full(self, node: ast.expr, rows: _Rows) -> Column:
        """Return the values of a part, one for each of the rows."""
        return np.broadcast_to(self.part(node, rows), rows.numbers.shape)

    def part(self, node: ast.expr, rows: _Rows) -> Column:
        """Return the values of a part: one for each row, or a single one for all."""
        match node:
            case ast.Constant(value=value):
                return rows.constant(value)
            case ast.Name(id=name):
                return rows.columns[name] if name in rows.columns else rows.constant(CONSTANTS[name])
            case ast.UnaryOp(op=ast.Not()):
                return np.logical_not(self.condition(node.operand, rows))
            case ast.UnaryOp():
                operand = self.number(node.operand, rows)
                return -operand if isinstance(node.op, ast.USub) else operand
            case ast.BinOp():
                return self.arithmetic(node, rows)
            case ast.BoolOp():
                return self.boolean(node, rows)
            case ast.Compare():
                return self.comparison(node, rows)
            case ast.IfExp():
                return self.either(node, rows)
            case ast.Call(func=ast.Name(id=name)):
                return self.call(name, node, rows)
        raise TypeError(f"unchecked expression: {ast.dump(node)}")

    def number(self, node: ast.expr, rows: _Rows) -> Column:
        value = self.part(node, rows)
        if value.dtype.kind not in "if":
            self.expression.fail(f"this is {_KINDS[value.dtype.kind]}, where a number belongs", node)
        return value

    def condition(self, node: ast.expr, rows: _Rows) -> NDArray[np.bool_]:
        value = self.full(node, rows)
        if value.dtype.kind != "b":
            kind = _KINDS[value.dtype.kind]
            self.expression.fail(
                f"this is {kind}, where a condition belongs", node, "compare it, as in: a > 0"
            )
        return value

    def arithmetic(self, node: ast.BinOp, rows: _Rows) -> Column:
        left, right = self.number(node.left, rows), self.number(node.right, rows)
        operator, kind = _OPERATORS[type(node.op)], type(node.op)
        power = kind is ast.Pow
        whole = left.dtype.kind == right.dtype.kind == "i" and kind is not ast.Div
        if power and not (isinstance(node.right, ast.Constant) and np.all(right >= 0)):
            whole = False
        if kind in {ast.Div, ast.FloorDiv, ast.Mod} and np.any(right == 0):
            self.refuse_row("there is a division by zero", right == 0, rows, node)
        with np.errstate(all="ignore"):
            # A decimal result is the answer; beside a whole one it is what shows an overflow.
            decimal = operator(left.astype(np.float64), right.astype(np.float64))
            if not whole:
                return self.finite(decimal, rows, node)
            too_large = ~(np.abs(decimal) < _LIMIT)
            if np.any(too_large):
                self.refuse_row("a whole number goes past 64 bits", too_large, rows, node)
            return np.asarray(operator(left, right))

    def finite(self, value: Column, rows: _Rows, node: ast.AST) -> Column:
        value = np.asarray(value)
        bad = ~np.isfinite(value)
        if np.any(bad):
            self.refuse_row("there is no finite value", bad, rows, node)
        return value

    def boolean(self, node: ast.BoolOp, rows: _Rows) -> Column:
        """Evaluate `and` or `or`: later parts see only the rows that are still open."""
        stops = isinstance(node.op, ast.Or)
        result = np.full(rows.numbers.shape, not stops)
        still = np.arange(len(rows.numbers))
        for part in node.values:
            value = self.condition(part, rows)
            result[still[value == stops]] = stops
            going_on = value != stops
            still, rows = still[going_on], rows.where(going_on)
        return result

    def comparison(self, node: ast.Compare, rows: _Rows) -> Column:
        result: Column = np.asarray(True)
        left, left_node = self.part(node.left, rows), node.left
        for op, other in zip(node.ops, node.comparators, strict=True):
            if isinstance(other, ast.Tuple | ast.List):
                found: Column = np.asarray(False)
                for item in other.elts:
                    found = found | self.compare(ast.Eq(), left, self.part(item, rows), item)
                result = result & (found == isinstance(op, ast.In))
                continue
            right = self.part(other, rows)
            result = result & self.compare(op, left, right, left_node)
            left, left_node = right, other
        return result

    def compare(self, op: ast.cmpop, left: Column, right: Column, node: ast.AST) -> Column:
        kinds = [value.dtype.kind.replace("i", "f") for value in (left, right)]
        if kinds[0] != kinds[1]:
            self.expression.fail(
                f"{_KINDS[left.dtype.kind]} cannot be compared with {_KINDS[right.dtype.kind]}", node
            )
        return np.asarray(_COMPARISONS[type(op)](left, right))

    def either(self, node: ast.IfExp, rows: _Rows) -> Column:
        test = self.condition(node.test, rows)
        yes, no = self.full(node.body, rows.where(test)), self.full(node.orelse, rows.where(~test))
        kinds = {value.dtype.kind.replace("i", "f") for value in (yes, no)}
        if len(kinds) > 1:
            self.expression.fail(
                f"the branches are {_KINDS[yes.dtype.kind]} and {_KINDS[no.dtype.kind]}", node
            )
        result = np.empty(rows.numbers.shape, dtype=np.result_type(yes, no))
        result[test], result[~test] = yes, no
        return result

    def call(self, name: str, node: ast.Call, rows: _Rows) -> Column:
        values = [self.number(argument, rows) for argument in node.args]
        if name in {"floor", "ceil"} or (name == "round" and len(values) == 1):
            return self.whole(
                getattr(np, {"round": "rint"}.get(name, name))(values[0]), values[0], rows, node
            )
        if name == "round":
            return self.rounded(node, values[0], rows)
        function = getattr(np, _RENAMED.get(name, name))
        if name not in {"abs", "min", "max"}:
            values = [value.astype(np.float64) for value in values]
        with np.errstate(all="ignore"):
            result = function(*values[:2])
            for value in values[2:]:
                result = function(result, value)
        return self.finite(result, rows, node)

    def whole(self, value: Column, original: Column, rows: _Rows, node: ast.AST) -> Column:
        if original.dtype.kind == "i":
            return original
        too_large = ~(np.abs(value) < _LIMIT)
        if np.any(too_large):
            self.refuse_row("a whole number goes past 64 bits", too_large, rows, node)
        return np.asarray(value).astype(np.int64)

    def rounded(self, node: ast.Call, value: Column, rows: _Rows) -> Column:
        digits = node.args[1]
        if not (
            isinstance(digits, ast.Constant) and isinstance(digits.value, int) and 0 <= digits.value <= 15
        ):
            self.expression.fail("round takes 0 to 15 digits, written as a number", digits)
        return self.finite(round_column(value.astype(np.float64), digits.value), rows, node)


def round_column(values: Column, digits: int) -> NDArray[np.float64]:
    """Return float64 values rounded to 0 to 15 decimals, the nearest float to each; -0.0 becomes 0.0.

    Halves go to the even neighbour. A value too large to have such decimals stays as it is.
    """
    with np.errstate(over="ignore"):
        scaled = values * 10.0**digits
    rounded = np.rint(scaled) / 10.0**digits
    return np.asarray(np.where(np.abs(scaled) < 2.0**53, rounded, values) + 0.0)

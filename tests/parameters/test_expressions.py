"""Expressions mean what Python means, and nothing else is reachable."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudy.errors import UserError
from genstudy.parameters.evaluation import round_column
from genstudy.parameters.expressions import FUNCTIONS, parse_derivation, parse_expression

A = np.array([-3, 0, 1, 2, 7])
B = np.array([2, 5, -1, 3, 7])
X = np.array([-1.5, 0.25, 0.5, 1.0, 2.5])
T = np.array(["low", "high", "low", "mid", ""])
COLUMNS: dict[str, Any] = {"a": A, "b": B, "x": X, "t": T}


def value_of(text: str, columns: dict[str, Any] = COLUMNS) -> Any:
    rows = len(next(iter(columns.values())))
    return parse_expression(text, columns).evaluate(columns, rows)


PYTHON = {
    name: getattr(math, name)
    for name in FUNCTIONS
    if name not in {"abs", "min", "max", "round"}
} | {"abs": abs, "min": min, "max": max, "round": round, "pi": math.pi, "e": math.e}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "a + b * 2 - 1",
        "a // b",
        "a % b",
        "-a // 2 % 3",
        "a / b",
        "x ** 2",
        "a ** 3",
        "2 ** 0.5 * x",
        "+a - -b",
        "abs(a)",
        "abs(x) ** 0.5",
        "min(a, b, 1)",
        "max(x, 0.5)",
        "sqrt(abs(x))",
        "exp(x) + sin(x) * cos(x) + tan(x)",
        "log(abs(x)) + log2(abs(x)) + log10(abs(x))",
        "asin(x / 3) + acos(x / 3) + atan(x) + atan2(x, a)",
        "sinh(x) - cosh(x) + tanh(x)",
        "hypot(a, b)",
        "floor(x) + ceil(x)",
        "round(x)",
        "round(x, 1)",
        "floor(a)",
        "pi * x + e",
        "a < b",
        "0 <= a < b <= 7",
        "a == 1 or b == 5",
        "a > 0 and b > 0 and x < 2",
        "not a > 0",
        "a in (1, 2, 3)",
        "a not in [1, b]",
        "x if a > 0 else b",
        "a if a > b else b if b > 3 else 0",
        "a != 0 and b / a > 1",
        "a == 0 or b // a == 2",
        "1 / a if a != 0 else 0",
        "t == 'low'",
        "t < 'low'",
        "t in ('low', 'mid')",
        "'yes' if a > 0 else 'no'",
        "True",
        "3",
        "(a > 0) == (b > 0)",
    ],
)
def test_every_row_has_the_value_that_python_gives(text: str) -> None:
    values = value_of(text)
    assert values.shape == (5,)
    for row in range(5):
        names = {name: column[row].item() for name, column in COLUMNS.items()}
        expected = eval(text, {"__builtins__": {}}, PYTHON | names)
        close = expected if isinstance(expected, str) else pytest.approx(expected, rel=1e-14)
        assert values[row].item() == close, (text, row)


KINDS = {
    "a + 1": "i",
    "a / 1": "f",
    "a ** 2": "i",
    "a ** 2.0": "f",
    "2 ** b": "f",
    "floor(x)": "i",
    "x + 1": "f",
    "a if a > 0 else x": "f",
    "a if a > 99 else x": "f",
    "t": "U",
}


@pytest.mark.parametrize("text", KINDS)
def test_the_type_does_not_depend_on_the_values(text: str) -> None:
    assert value_of(text).dtype.kind == KINDS[text]


@given(st.integers(-(2**62), 2**62), st.integers(-(2**62), 2**62), st.sampled_from("+-*"))
def test_whole_numbers_are_exact_or_refused(a: int, b: int, operator: str) -> None:
    columns = {"a": np.array([a]), "b": np.array([b])}
    exact = eval(f"{a} {operator} ({b})")
    if abs(exact) < 2**62:
        assert value_of(f"a {operator} b", columns).tolist() == [exact]
    elif abs(exact) >= 2**63:
        with pytest.raises(UserError, match="past 64 bits"):
            value_of(f"a {operator} b", columns)


ROW_ERRORS = {
    "b / a": "there is a division by zero in row 1, where a = 0, b = 5",
    "b // a": "there is a division by zero in row 1, where a = 0, b = 5",
    "b % a": "there is a division by zero in row 1, where a = 0, b = 5",
    "sqrt(x)": "there is no finite value in row 0, where x = -1.5",
    "log(a - 1)": "there is no finite value in row 0, where a = -3",
    "a * 10 ** 18 * 9": "a whole number goes past 64 bits in row 0, where a = -3",
    "10 ** 19": "a whole number goes past 64 bits in row 0",
    "10.0 ** 999": "there is no finite value in row 0",
    "9 ** 9 ** 9": "there is no finite value in row 0",
    "exp(1000 * a)": "there is no finite value in row 2, where a = 1",
    "a ** -1": "there is no finite value in row 1, where a = 0",
    "floor(1e300 * x)": "a whole number goes past 64 bits in row 0, where x = -1.5",
    "a > 0 and 1 / (a - 2) > 0": "there is a division by zero in row 3, where a = 2",
}


@pytest.mark.parametrize("text", ROW_ERRORS)
def test_a_row_without_a_value_is_named(text: str) -> None:
    with pytest.raises(UserError) as caught:
        value_of(text)
    assert caught.value.message.startswith(ROW_ERRORS[text] + "\n")


def test_rows_are_counted_from_where_the_chunk_begins() -> None:
    with pytest.raises(UserError, match="in row 101, where a = 0, b = 5"):
        parse_expression("b / a", ["a", "b"]).evaluate(COLUMNS, 5, 100)


KIND_ERRORS = {
    "t + 1": "this is a text, where a number belongs",
    "-t": "this is a text, where a number belongs",
    "sqrt(t)": "this is a text, where a number belongs",
    "(a > 1) + 1": "this is a condition, where a number belongs",
    "a and b": "this is a whole number, where a condition belongs",
    "not x": "this is a number, where a condition belongs",
    "1 if t else 2": "this is a text, where a condition belongs",
    "t == 1": "a text cannot be compared with a whole number",
    "x < 'low'": "a number cannot be compared with a text",
    "a in (1, 'b')": "a whole number cannot be compared with a text",
    "1 if a > 0 else 'no'": "the branches are a whole number and a text",
    "round(x, b)": "round takes 0 to 15 digits, written as a number",
    "round(x, 16)": "round takes 0 to 15 digits, written as a number",
}


@pytest.mark.parametrize("text", KIND_ERRORS)
def test_kinds_do_not_mix(text: str) -> None:
    with pytest.raises(UserError) as caught:
        value_of(text)
    assert caught.value.message.partition("\n")[0] == KIND_ERRORS[text]


SYNTAX = {
    "a +": ("this is no expression: invalid syntax", 3),
    "a = 1": ("this is no expression: = is no comparison", 2),
    "(a": ("this is no expression: '(' was never closed", 0),
    "wdth": ("there is no column 'wdth' (did you mean 'width'?)", 0),
    "1 + zz": ("there is no column 'zz'", 4),
    "__import__('os')": ("there is no function '__import__'", 0),
    "width.real": ("an attribute (a.b) is not allowed in an expression", 0),
    "width[0]": ("an index (a[b]) is not allowed in an expression", 0),
    "(lambda: 1)()": ("there is no function 'lambda: 1'", 0),
    "lambda: 1": ("a lambda is not allowed in an expression", 0),
    "[width for width in (1, 2)]": ("a comprehension is not allowed in an expression", 0),
    "f'{width}'": ("an f-string is not allowed in an expression", 0),
    "(y := 1)": ("an assignment (:=) is not allowed in an expression", 1),
    "width @ 2": ("the operator MatMult is not allowed", 0),
    "width << 2": ("the operator LShift is not allowed", 0),
    "~width": ("the operator ~ is not allowed", 0),
    "width is None": ("`is` is not allowed", 0),
    "None": ("None is not allowed in an expression", 0),
    "width + None": ("None is not allowed in an expression", 8),
    "1j": ("1j is not allowed in an expression", 0),
    "b'x'": ("b'x' is not allowed in an expression", 0),
    "sqrot(2)": ("there is no function 'sqrot' (did you mean 'sqrt'?)", 0),
    "sqrt(1, 2)": ("sqrt takes 1 unnamed values, not 2", 0),
    "min(1)": ("min takes 2 to 50 unnamed values, not 1", 0),
    "round(number=2)": ("round takes 1 to 2 unnamed values, not 0", 0),
    "sqrt(*width)": ("an unpacking (*a) is not allowed in an expression", 5),
    "width in 3": ("`in` takes a list, as in: a in (1, 2, 3)", 9),
    "width < (1, 2)": ("`in` takes a list, as in: a in (1, 2, 3)", 8),
    "(1, 2) == width": ("a list belongs only after `in`", 0),
    "0,": ("a list belongs only after `in`", 0),
    "[1, 2]": ("a list belongs only after `in`", 0),
    "(1, 2) < 3": ("a list belongs only after `in`", 0),
    "min(1, (2, 3))": ("a list belongs only after `in`", 7),
    "99999999999999999999": ("this number is too large", 0),
    "1e999": ("this number is too large", 0),
    "'é' == wdth": ("there is no column 'wdth' (did you mean 'width'?)", 7),
    "width and": ("this is no expression: invalid syntax", 9),
    "-" * 70 + "1": ("this expression is nested too deeply", 61),
}


@pytest.mark.parametrize("text", SYNTAX)
def test_what_is_not_allowed_is_shown_with_its_place(text: str) -> None:
    problem, place = SYNTAX[text]
    with pytest.raises(UserError) as caught:
        parse_expression(text, ["width", "height"])
    first, shown, caret = caught.value.message.split("\n")
    assert first.startswith(problem)
    assert (shown, caret) == ("    " + text, "    " + " " * place + "^")


@pytest.mark.parametrize("text", ["", "  ", "a\nb", "1" * 2001])
def test_texts_that_are_no_expression_at_all(text: str) -> None:
    with pytest.raises(UserError, match="an expression"):
        parse_expression(text, ["a"])


@pytest.mark.parametrize("text", ["(" * 900 + "1" + ")" * 900, "a" + "+a" * 900, "not " * 400 + "True"])
def test_depth_is_refused_and_never_overflows_the_stack(text: str) -> None:
    with pytest.raises(UserError, match="nested"):
        parse_expression(text, ["a"])


@given(st.text(max_size=40))
def test_any_text_is_an_expression_or_a_user_error(text: str) -> None:
    try:
        expression = parse_expression(text, ["a", "b"])
        expression.evaluate({"a": A, "b": B}, 5)
    except UserError:
        pass


def test_a_column_hides_a_constant_of_its_name() -> None:
    assert value_of("e + 1", {"e": np.array([1, 2])}).tolist() == [2, 3]
    assert value_of("e", {"x": X})[0] == math.e


def test_a_name_with_a_dash_gets_a_hint() -> None:
    with pytest.raises(UserError) as caught:
        parse_expression("my-width + 1", ["my-width"])
    assert caught.value.hint == "names: my-width; a name with a dash cannot be used"


@pytest.mark.parametrize("name", ["µ", "ŀ", "ﬁn"])
def test_a_name_that_python_writes_another_way_is_found(name: str) -> None:
    expression = parse_expression(f"{name} * 2", [name])
    assert expression.names == {name}
    assert expression.evaluate({name: A}, 5).tolist() == (A * 2).tolist()


def test_two_names_that_are_one_to_a_formula_are_refused() -> None:
    with pytest.raises(UserError, match="a formula cannot tell 'x' from 'ｘ'"):
        parse_expression("ｘ + 1", ["x", "ｘ"])
    assert parse_expression("y + 1", ["x", "ｘ", "y"]).names == {"y"}


@pytest.mark.parametrize("text", ["lambda > 1", "a + if", "class", "True + 1"])
def test_a_keyword_of_python_gets_a_hint(text: str) -> None:
    name = next(word for word in ("lambda", "if", "class", "True") if word in text)
    with pytest.raises(UserError) as caught:
        parse_expression(text, ["a", name])
    assert caught.value.hint == f"'{name}' means something else to a formula: rename the column to use it"


@pytest.mark.parametrize(
    "text",
    [
        "a if a >= -3 else log(0)",
        "1 if a >= -3 else 1 / 0",
        "a if a > -9 else 10 ** 400.0",
        "a if a > -9 else -e",
    ],
)
def test_a_constant_part_that_no_row_reaches_is_never_evaluated(text: str) -> None:
    assert len(value_of(text)) == 5


def test_no_rows_give_no_values() -> None:
    for text in ("1 / 0 > a", "log(0) > a", "a in (1, log(0))", "floor(1e30) > a", "2 ** 99 > a", "pi"):
        assert parse_expression(text, ["a"]).evaluate({"a": A[:0]}, 0).shape == (0,)


def test_a_derivation_is_a_name_and_an_expression() -> None:
    derivation = parse_derivation(" area = a * b ", ["a", "b"])
    assert (derivation.name, derivation.expression.text) == ("area", "a * b")
    assert derivation.expression.names == {"a", "b"}


@pytest.mark.parametrize("text", ["a * b", "a == b", "= a", "1a = 2", "a b = 2"])
def test_a_text_that_is_no_derivation(text: str) -> None:
    with pytest.raises(UserError, match=r"is no derivation\n  write NAME = EXPRESSION"):
        parse_derivation(text, ["a", "b"])


@given(st.floats(-1e300, 1e300), st.integers(0, 15))
def test_rounding_is_the_nearest_decimal(value: float, digits: int) -> None:
    rounded = round_column(np.array([value]), digits).item()
    assert rounded == pytest.approx(value, abs=0.5000001 * 10.0**-digits, rel=1e-15)
    assert round(rounded, digits) == rounded
    assert math.copysign(1, rounded) == 1 or rounded < 0

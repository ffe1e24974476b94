"""YAML that says what was meant, read by Maestro's own loader."""

from __future__ import annotations

import math
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from genstudy.rendering.yaml_text import check_unchanged, compose, in_quotes, yaml_value
from tests.rendering.support import refusal

TRAPS = [
    "yes",
    "no",
    "on",
    "off",
    "y",
    "n",
    "Yes",
    "NO",
    "On",
    "OFF",
    "true",
    "false",
    "True",
    "FALSE",
    "null",
    "Null",
    "~",
    "010",
    "0123",
    "007",
    "0x1F",
    "0b101",
    "0o7",
    "1_000",
    "1:30:00",
    "12:30:00",
    "1:2",
    "00:10:00",
    "1.0e-5",
    "1e5",
    "1e-3",
    "1.0e+5",
    "1.",
    ".5",
    "+1",
    "-0",
    "1.10",
    "0.30",
    ".inf",
    "-.inf",
    ".nan",
    "2024-01-01",
    "2024-01-01T10:00:00Z",
    "=",
    "<<",
    "!",
    "*",
    "&",
    "@",
    "%",
    "`",
    "|",
    ">",
    "-",
    "?",
    ":",
    ",",
    "[",
    "]",
    "{",
    "}",
    "#",
    "a#b",
    "'x'",
    '"x"',
    "$(A)",
    "$(A.quoted)",
    "{{x}}",
    "---",
    "...",
    "!!str",
    "!x",
    "*a",
    "&a",
    "%x",
    "@x",
    "`x`",
    "-",
    "a",
]
TEXT = st.one_of(
    st.sampled_from(
        [*TRAPS, "", " ", " a", "a ", "a #b", "a: b", "- a", "? a", "a:", ": a", "a\nb", "\\", '"']
    ),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text(
        st.sampled_from("0123456789_.:+-eExXobn~ #'\"\\$(){}[]\n\t\x00\x7f\x85\xa0\u2028\ufeff\ufffe🙂"),
        max_size=7,
    ),
)
NUMBERS = st.integers() | st.floats(allow_nan=False) | st.booleans() | st.none()
JSON_LIKE = st.recursive(
    NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)


def same(found: Any, expected: Any) -> bool:
    """Compare values and their types, deeply."""
    if isinstance(expected, dict):
        return (
            isinstance(found, dict)
            and list(found) == list(expected)
            and all(same(found[key], value) for key, value in expected.items())
        )
    if isinstance(expected, list):
        return isinstance(found, list) and len(found) == len(expected) and all(map(same, found, expected))
    return type(found) is type(expected) and bool(found == expected)


@given(JSON_LIKE)
@example("...")
def test_a_value_is_read_back_as_it_was(value: Any) -> None:
    text = yaml_value(value)
    assert "\n" not in text
    for loader in (yaml.FullLoader, yaml.SafeLoader, getattr(yaml, "CFullLoader", yaml.FullLoader)):
        assert same(yaml.load(text, Loader=loader), value)
        assert same(yaml.load(f"key: {text}\n", Loader=loader), {"key": value})


@pytest.mark.parametrize("text", TRAPS)
def test_no_text_becomes_anything_else(text: str) -> None:
    assert yaml.load(f"- {yaml_value(text)}", Loader=yaml.FullLoader) == [text]
    assert yaml.load(f"- {in_quotes(text)}", Loader=yaml.FullLoader) == [text]


def test_plain_words_stay_plain() -> None:
    words = ["abc", "./out", "$(SPECROOT)/x", "a-b_c.d", "/usr/bin", "x1", "_"]
    assert [yaml_value(word) for word in words] == words
    assert yaml_value({"a": [1, "no", None], "b": True}) == '{a: [1, "no", null], b: true}'


def test_numbers_that_json_has_not() -> None:
    values = yaml.load(yaml_value([math.inf, -math.inf, math.nan, 1e-05]), Loader=yaml.FullLoader)
    assert values[:2] == [math.inf, -math.inf]
    assert math.isnan(values[2])
    assert values[3] == 1e-05


def test_what_is_no_value() -> None:
    with pytest.raises(TypeError, match="is neither text, a number, true, false, null, a list nor a mapping"):
        yaml_value({"a": object()})


def changed(value: str) -> str | None:
    """Return what is said of a plain value, or None."""
    text = f"key:\n    inner: {value}\n"
    node = compose(text, "spec")
    try:
        check_unchanged(node, text, "spec")
    except Exception:  # noqa: BLE001 - looked at in full below
        return refusal(lambda: check_unchanged(node, text, "spec"))
    return None


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("010", "8"),
        ("0123", "83"),
        ("007", "7"),
        ("0x1F", "31"),
        ("0b101", "5"),
        ("1_000", "1000"),
        ("1:30:00", "5400"),
        ("1:2", "62"),
        ("12:30:00", "45000"),
        ("1:30.5", "90.5"),
        ("+1", "1"),
        ("-0", "0"),
        ("1.10", "1.1"),
        ("0.30", "0.3"),
        ("1.", "1.0"),
        (".5", "0.5"),
        ("1.0e-5", "1e-05"),
        ("1.0e+5", "100000.0"),
        (".inf", "inf"),
        (".NaN", "nan"),
        ("yes", "True"),
        ("Yes", "True"),
        ("on", "True"),
        ("no", "False"),
        ("OFF", "False"),
        ("2024-01-01T10:00:00Z", None),
    ],
)
def test_every_trap_is_caught(value: str, read: str | None) -> None:
    message = changed(value)
    assert message is not None
    start = f"spec, line 2: inner: {value}: YAML 1.1 reads {value} as "
    assert message.startswith(start + (f"{read}\n" if read is not None else "datetime.datetime("))
    if read is not None:
        assert message.removeprefix(start) == (
            f'{read}\n  put it in quotes: "{value}" (in a template: {{{{ value | yaml }}}})'
        )


@pytest.mark.parametrize(
    "value",
    [
        "12",
        "-3",
        "0",
        "1.5",
        "-0.25",
        "1e5",
        "1e-3",
        "00:10:00",
        "0o7",
        "y",
        "n",
        "~",
        "null",
        "true",
        "False",
        "2024-01-01",
        "2024-01-01 10:00:00",
        "abc",
        '"010"',
        "'no'",
        "[a, b]",
        "|\n        010\n        no",
        ">\n        1:30:00",
        "!!str 010",
    ],
)
def test_what_stays_as_it_is_passes(value: str) -> None:
    assert changed(value) is None


def test_a_trap_in_a_key_or_a_list() -> None:
    for text in ("no: 1\n", "a: [no]\n", "a:\n- b: {c: no}\n"):
        node = compose(text, "spec")
        found = refusal(lambda node=node, text=text: check_unchanged(node, text, "spec"))  # type: ignore[misc]
        assert "YAML 1.1 reads no as False" in found


def test_keys_that_stand_twice() -> None:
    text = "a: 1\nb:\n  c: x\n  d: y\n  c: z\n"
    assert refusal(lambda: check_unchanged(compose(text, "spec"), text, "spec")) == (
        "spec, line 5: the key 'c' stands in line 3 already\n"
        "  of two equal keys YAML keeps the last, without a word: take one out"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "spec: not a study specification: YAML with keys is needed"),
        ("- a\n", "spec: not a study specification: YAML with keys is needed"),
        ("a: [1,\nb: 2\n", "spec, line 3, column 1: not YAML: did not find expected ',' or ']'"),
        (
            "a:\n\t- b\n",
            (
                "spec, line 2, column 1: not YAML: found character that cannot start any token\n"
                "  the rendered line reads: - b"
            ),
        ),
        (
            "a: b\n---\nc: d\n",
            "spec, line 2, column 1: not YAML: but found another document\n  the rendered line reads: ---",
        ),
    ],
)
def test_not_yaml(text: str, message: str) -> None:
    assert refusal(lambda: compose(text, "spec")) == message

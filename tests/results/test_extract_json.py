"""Results out of JSON files: what is there as it is there, and a reason for what is not."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.results.extracting import extract, from_text, reason

LONG = 2**63
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
VALUES = {
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "int": st.integers(-LONG, LONG - 1),
    "bool": st.booleans(),
    "text": TEXTS,
}
ROWS = st.lists(st.sampled_from(sorted(VALUES)).flatmap(lambda kind: st.tuples(st.just(kind), VALUES[kind])))


@given(row=ROWS.filter(bool), indent=st.sampled_from([None, 2]), ascii_only=st.booleans())
def test_what_json_writes_is_read_back(
    tmp_path: Path, row: list[tuple[str, Any]], indent: int | None, ascii_only: bool
) -> None:
    names = [f"v{place}" for place in range(len(row))]
    document = {name: value for name, (_, value) in zip(names, row, strict=True)}
    columns = {name: {"type": kind} for name, (kind, _) in zip(names, row, strict=True)}
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    found = from_text(tmp_path, text, json="out.json", columns=columns)
    assert found.errors == {}
    assert found.values == tuple(document.values())
    assert list(map(type, found.values)) == list(map(type, document.values()))


@given(keys=st.lists(TEXTS, min_size=1, max_size=5), value=st.integers(-9, 9))
def test_any_key_can_be_named(tmp_path: Path, keys: list[str], value: int) -> None:
    document: Any = value
    for key in reversed(keys):
        document = {key: document}
    path = ".".join(json.dumps(key) for key in keys)
    source = {"json": "out.json", "columns": {"a": {"key": path, "type": "int"}}}
    assert from_text(tmp_path, json.dumps(document), **source) == ((value,), {})


DOCUMENT = {
    "forces": {"lift": 1.5, "list": [{"x": 2}, [3, 4]]},
    "a.b": 5,
    "0": 6,
    "deep": {"a.b": {"c": 7}},
    "": 8,
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("forces.lift", 1.5),
        ("forces.list.0.x", 2.0),
        ("forces.list.1.1", 4.0),
        ("forces.list.-1.0", 3.0),
        ('"a.b"', 5.0),
        ('deep."a.b".c', 7.0),
        ("0", 6.0),
        ('""', 8.0),
    ],
)
def test_paths(tmp_path: Path, path: str, value: float) -> None:
    for columns in ({"a": path}, {"a": path, "lift": "forces.lift"}):
        found = from_text(tmp_path, json.dumps(DOCUMENT), json="out.json", columns=columns)
        assert found.values[0] == value
        assert found.errors == {}


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("forces.drag", "no key forces.drag"),
        ("drag", "no key drag"),
        ("forces.lift.x", "no key forces.lift.x"),
        ("forces.list.2", "no key forces.list.2"),
        ("forces.list.x", "no key forces.list.x"),
        ('forces.list."0"', "no key forces.list.0"),
        ("forces", "not a float: an object"),
        ("forces.list", "not a float: a list"),
    ],
)
def test_paths_to_nothing(tmp_path: Path, path: str, told: str) -> None:
    columns = {"a": path, "lift": "forces.lift"}
    found = from_text(tmp_path, json.dumps(DOCUMENT), json="out.json", columns=columns)
    assert found == ((None, 1.5), {"a": told})


def test_a_list_has_numbers_for_keys(tmp_path: Path) -> None:
    assert from_text(tmp_path, "[1, 2]", json="out.json", columns={"a": "1", "b": "0"}).values == (2.0, 1.0)


@pytest.mark.parametrize(
    ("written", "kind", "value"),
    [
        ("3", "float", 3.0),
        ("3.0", "int", 3),
        ("1e3", "int", 1000),
        ("-0", "float", 0.0),
        ("100000000000000000000000", "float", 1e23),
        ("9223372036854775807", "int", 2**63 - 1),
        ("-9223372036854775808", "int", -(2**63)),
        ("true", "bool", True),
        ('""', "text", ""),
        ('" a "', "text", " a "),
        ('"\\ud83d\\ude00"', "text", "😀"),
    ],
)
def test_values(tmp_path: Path, written: str, kind: str, value: object) -> None:
    found = from_text(tmp_path, f'{{"a": {written}}}', json="out.json", columns=["a"], type=kind)
    assert type(found.values[0]) is type(value)
    assert found == ((value,), {})


@pytest.mark.parametrize(
    ("written", "kind", "told"),
    [
        ('"3"', "float", "not a float: '3'"),
        ('"3"', "int", "not an int: '3'"),
        ("true", "int", "not an int: a bool"),
        ("true", "float", "not a float: a bool"),
        ("1", "bool", "not a bool: 1"),
        ('"true"', "bool", "not a bool: 'true'"),
        ("3.5", "int", "not an int: 3.5"),
        ("3", "text", "not text: 3"),
        ("[]", "text", "not text: a list"),
        ("null", "float", "null"),
        ("null", "text", "null"),
        ("NaN", "float", "NaN"),
        ("NaN", "int", "NaN"),
        ("-Infinity", "float", "infinite"),
        ("1e999", "float", "infinite"),
        ("1e999", "int", "infinite"),
        ("1" + 400 * "0", "float", "infinite"),
        ("9223372036854775808", "int", "beyond 64 bits"),
        ("1e19", "int", "beyond 64 bits"),
        ("1" + 4500 * "0", "float", "not JSON: a number of thousands of digits"),
        ('"a\\u0000b"', "text", "a NUL character in the text"),
        ('"\\ud800"', "text", "not UTF-8"),
        ('"' + "x" * (2**20 + 1) + '"', "text", "longer than 1 MiB"),
        ('"' + "é" * (2**19 + 1) + '"', "text", "longer than 1 MiB"),
        (json.dumps("\x1b[2J" + "y" * 99), "int", "not an int: '\\x1b[2J" + "y" * 53 + "...'"),
    ],
)
def test_values_that_are_none(tmp_path: Path, written: str, kind: str, told: str) -> None:
    found = from_text(tmp_path, f'{{"a": {written}, "b": 1}}', json="out.json", columns=["a"], type=kind)
    assert reason(found) == told


def test_the_longest_text(tmp_path: Path) -> None:
    text = "x" * 2**20
    found = from_text(tmp_path, json.dumps({"a": text}), json="out.json", columns=["a"], type="text")
    assert found == ((text,), {})


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "an empty file"),
        (b" \n", "an empty file"),
        (b"\xef\xbb\xbf{}", "not JSON: it begins with a byte order mark"),
        (b'{"a": 1, "b": "\xff"}', "not UTF-8"),
        ('{"a": 1, "b": "é"}'.encode("utf-16"), "not UTF-8"),
        (b'{"a": 1', "not JSON: Expecting ',' delimiter, line 1 column 8"),
        (b'{"a": 1}}', "not JSON: Extra data, line 1 column 9"),
        (b"{'a': 1}", "not JSON: Expecting property name enclosed in double quotes, line 1 column 2"),
        (b'{"a": 1, "a": 2}', "a key stands twice: a"),
        (b'{"b": {"c": 1, "c": 2}, "a": 1}', "a key stands twice: c"),
        (b'{"a": 1, "\\u0061": 2}', "a key stands twice: a"),
        (b'[{"a": 1, "a": 2}, 5]', "a key stands twice: a"),
        (b'[5, [{"a": 1, "a": 2}], 6]', "a key stands twice: a"),
        (b'{"a":' + b"[" * 10**5 + b"]" * 10**5 + b"}", "nested too deeply"),
        (b"3", "no key a"),
        (b'"a"', "no key a"),
        (b"null", "no key a"),
        (b"[]", "no key a"),
    ],
)
def test_files_that_are_none(tmp_path: Path, data: bytes, told: str) -> None:
    assert reason(from_text(tmp_path, data, json="out.json", columns=["a"])) == told
    assert from_text(tmp_path, data, json="out.json", columns=["a", "other"]).values == (None, None)


def test_colons_in_texts_and_nested_objects_are_no_keys(tmp_path: Path) -> None:
    document = {"a": 1.5, "time": "12:30:00", "more": {"x": ":", "y": [{"z": 1}, {"z": 2}]}}
    columns = {"a": "a", "z": "more.y.1.z"}
    assert from_text(tmp_path, json.dumps(document), json="out.json", columns=columns) == ((1.5, 2.0), {})


def test_one_value_that_is_wrong_costs_no_other(tmp_path: Path) -> None:
    text = '{"a": 1, "b": "x", "c": NaN, "d": 4}'
    found = from_text(tmp_path, text, json="out.json", columns=["a", "b", "c", "d", "e"])
    assert found.values == (1.0, None, None, 4.0, None)
    assert found.errors == {"b": "not a float: 'x'", "c": "NaN", "e": "no key e"}


@given(values=st.lists(st.floats(), min_size=1, max_size=12))
def test_floats_are_the_same_bits_or_have_a_reason(tmp_path: Path, values: list[float]) -> None:
    names = [f"v{place}" for place in range(len(values))]
    text = json.dumps(dict(zip(names, values, strict=True)))
    found = from_text(tmp_path, text, json="out.json", columns=names)
    for name, value, got in zip(names, values, found.values, strict=True):
        if math.isfinite(value):
            assert repr(got) == repr(value)
            assert name not in found.errors
        else:
            assert (got, found.errors[name]) == (None, "NaN" if math.isnan(value) else "infinite")


@given(data=st.binary(max_size=60) | st.text('{}[]",:ab01.eE-+ \\nulNaI').map(str.encode))
def test_no_bytes_are_a_crash(tmp_path: Path, data: bytes) -> None:
    found = from_text(tmp_path, data, json="out.json", columns={"a": "a", "b": "b.0", "c": "0"}, type="text")
    missing = [name for name, value in zip("abc", found.values, strict=True) if value is None]
    assert sorted(found.errors) == missing
    assert all(len(told) < 150 and told.isprintable() for told in found.errors.values())


def test_a_large_document(tmp_path: Path) -> None:
    document = {"list": list(range(10**5)), "last": 7}
    assert len(json.dumps(document)) > 2**19
    found = from_text(tmp_path, json.dumps(document), json="out.json", columns={"a": "last", "b": "list.-1"})
    assert found == ((7.0, 99999.0), {})


def test_a_document_that_is_too_large(tmp_path: Path) -> None:
    with (tmp_path / "out.json").open("wb") as stream:
        stream.truncate(2**26 + 1)
    assert reason(extract(tmp_path, {"json": "out.json", "columns": ["a"]})) == "larger than 64 MiB"

"""`--set key=value`."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudy.cli.settings import parse_settings
from genstudy.errors import UserError


@pytest.mark.parametrize(
    ("item", "settings"),
    [
        ("a=b", {"a": "b"}),
        (" a =b ", {"a": "b "}),
        ("a=", {"a": ""}),
        ("a=b=c", {"a": "b=c"}),
        ("a=3", {"a": 3}),
        ("a=-1.5", {"a": -1.5}),
        ("a=true", {"a": True}),
        ("a=null", {"a": None}),
        ("a=[1, 2]", {"a": [1, 2]}),
        ('a={"x": [1, "y"]}', {"a": {"x": [1, "y"]}}),
        ('a="3"', {"a": "3"}),
        ("a=1.10", {"a": "1.10"}),
        ("a=010", {"a": "010"}),
        ("a=1e5", {"a": "1e5"}),
        ("a=1_000", {"a": "1_000"}),
        ("a=True", {"a": "True"}),
        ("a=no", {"a": "no"}),
        ("a=1:30:00", {"a": "1:30:00"}),
        ("a=[1, 2", {"a": "[1, 2"}),
        ("a=NaN", {"a": "NaN"}),
        ("a=Infinity", {"a": "Infinity"}),
        ("a=[NaN]", {"a": "[NaN]"}),
    ],
)
def test_values(item: str, settings: dict[str, Any]) -> None:
    found = parse_settings([item])
    assert found == settings
    assert [type(value) for value in found.values()] == [type(value) for value in settings.values()]


def test_several() -> None:
    assert parse_settings([]) == {}
    assert parse_settings(["a=1", "b=x", "a=2"]) == {"a": 2, "b": "x"}


@pytest.mark.parametrize("item", ["a", "=b", "", "a b=c", "a-b=c", "1a=b"])
def test_what_is_no_setting(item: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_settings([item])
    assert str(caught.value) == (
        f"--set '{item}' is not key=value\n  for instance: --set command='python3 model.py'"
    )


@given(st.text())
def test_a_number_or_text_is_written_as_it_was_typed(text: str) -> None:
    value = parse_settings([f"a={text}"])["a"]
    if isinstance(value, int | float) and not isinstance(value, bool):
        assert str(value) == text


@pytest.mark.parametrize("item", ["a=caf\udce9", 'a="\\ud800"', 'a=["\\ud800"]', 'a={"\\ud800": 1}'])
def test_what_is_not_utf_8(item: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_settings([item])
    assert str(caught.value).endswith("is not UTF-8 text\n  give it as UTF-8; rename a file that is not")
    str(caught.value).encode()

"""Every trap of Maestro that the documentation tells of names a test, and the test is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "maestro-traps.md"
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows() -> list[str]:
    """Return all rows of the page's tables, without their heads."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    heads = [place for place, line in enumerate(lines) if set(line) <= set("|- ")]
    return [line for place, line in enumerate(lines) if place not in heads and place + 1 not in heads]


@cache
def defined_in(path: Path) -> set[str]:
    """Return the names of the tests that a file defines at its top; nothing is imported."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", rows())
def test_a_row_names_tests_that_are_there(row: str) -> None:
    *_, named, _ = re.split(r"(?<!\\)\|", row)
    found = TEST.findall(named)
    assert found, "no test is named"
    assert TEST.sub("", named).strip(" ;") == ""
    for file, name in found:
        assert name.startswith("test_")
        assert name in defined_in(ROOT / file)


def test_all_rows_are_looked_at() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert len(rows()) == text.count("\n|") - 2 * text.count("\n|---") > 70
    assert set(TEST.findall(text)) == {found for row in rows() for found in TEST.findall(row)}


def test_every_test_of_traps_is_named() -> None:
    told = {name for file, name in TEST.findall(PAGE.read_text(encoding="utf-8")) if "test_traps" in file}
    assert {name for name in defined_in(ROOT / "tests/maestro/test_traps.py") if "test_" in name} == told

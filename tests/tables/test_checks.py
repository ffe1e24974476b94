"""Cells that are refused, and the proof by bytes alone against the look at every cell."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudy.errors import UserError
from genstudy.tables import streams
from genstudy.tables.checks import CellCheck, is_missing, is_shell_active
from genstudy.tables.read import open_table
from genstudy.tables.streams import Block
from tests.tables.strategies import PLAIN, Sample, samples

pytestmark = pytest.mark.usefixtures("in_tmp")


ROUGH = st.one_of(
    PLAIN, st.sampled_from(["", "nan", "NaN", "-nan", "nano", " ", "a b", '"', "$x", "\t", "é"])
)


USES = {f"p{number}": f"a bare $(P{number})" for number in range(5)}


def verdict_of(call: Callable[[], object]) -> str:
    """Return the text with which a call refuses, or `fine`."""
    try:
        call()
    except UserError as problem:
        return str(problem)
    return "fine"


def verdict(check: CellCheck, block: Block, *, cell_by_cell: bool) -> str:
    """Return what is refused in a block; with `cell_by_cell`, looked at in the slow way only."""
    if not cell_by_cell:
        return verdict_of(lambda: check.check(block))

    def look() -> None:
        for place, cells in enumerate(check.table.cells(block)):
            check._check_row(cells, block.first_row + place, block.first_line + place)

    return verdict_of(look)


@given(
    sample=samples(cells=ROUGH),
    bare=st.sets(st.sampled_from(["p0", "p1", "p4"])),
    allow_missing=st.booleans(),
)
def test_both_ways_to_check_agree(
    tmp_path: Path, sample: Sample, bare: set[str], allow_missing: bool
) -> None:
    (tmp_path / "t.csv").write_bytes(sample.data)
    table = open_table(tmp_path / "t.csv")
    exposed = {name: f"a bare $({name.upper()})" for name in bare}
    quick, slow = (CellCheck(table, exposed, allow_missing=allow_missing) for _ in range(2))
    for block in table.blocks():
        assert verdict(quick, block, cell_by_cell=False) == verdict(slow, block, cell_by_cell=True)
    assert verdict_of(lambda: quick.refuse_exposed(USES)) == verdict_of(lambda: slow.refuse_exposed(USES))


@given(sample=samples(cells=PLAIN), cut=st.integers(1, 40))
def test_both_ways_agree_on_ragged_rows(tmp_path: Path, sample: Sample, cut: int) -> None:
    head, _, body = sample.data.partition(b"\n")
    body = body[:-cut] + b"," + body[-cut:]
    (tmp_path / "t.csv").write_bytes(head + b"\n" + body.replace(b"\r,\n", b",\r\n"))
    table = open_table(tmp_path / "t.csv")
    check = CellCheck(table)
    for block in table.blocks():
        assert verdict(check, block, cell_by_cell=False) == verdict(check, block, cell_by_cell=True)


@given(value=st.text(st.characters(max_codepoint=0x7F, exclude_categories=["Cc"])))
def test_what_a_shell_leaves_alone_is_not_active(value: str) -> None:
    plain = value.replace("^", "")
    assert is_shell_active(value) == (plain != "" and shlex.quote(plain) != plain)


def test_missing() -> None:
    assert all(map(is_missing, ["", " ", "nan", "NaN", "NAN", "+nan", "-nan", " nan "]))
    assert not any(map(is_missing, ["0", "nano", "None", "null", "NA", "-", "inf"]))


def test_unsafe_values_are_refused_where_a_shell_would_read_them(
    in_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "BLOCK_BYTES", 8)
    Path("t.csv").write_text("a,b\n1,2\n3,4\n$x,$y\n$v,$w\n")
    table = open_table(in_tmp / "t.csv")
    blocks = list(table.blocks())
    place = f"{in_tmp}/t.csv, row 2 (line 4), column b"
    bare = f"{place}: '$y' has shell-active characters, and the template uses it as a bare $(B)\n"
    hint = "  write $(B.quoted) in the template, or pass --allow-unsafe-values"
    check = CellCheck(table, {"b": "a bare $(B)"})
    assert [verdict(check, block, cell_by_cell=False) for block in blocks[:2]] == ["fine", bare + hint]

    check = CellCheck(table)
    assert {verdict(check, block, cell_by_cell=False) for block in blocks} == {"fine"}
    check.refuse_exposed({})
    assert verdict_of(lambda: check.refuse_exposed({"b": "a bare $(B)"})) == bare + hint
    assert verdict_of(lambda: check.refuse_exposed({"b": "$(B.quoted) in double quotes"})) == (
        f"{place}: '$y' has shell-active characters, and the template uses it as $(B.quoted) in "
        "double quotes\n"
        '  put it into a variable on a line of its own, at the top: b=$(B.quoted), and use "$b", or pass '
        "--allow-unsafe-values"
    )
    assert verdict_of(lambda: check.refuse_exposed({"b": "$(B.quoted) in arithmetic"})).endswith(
        "  use it elsewhere, as bash would execute it there even by way of a variable, or pass "
        "--allow-unsafe-values"
    )

"""How designs are written."""

from __future__ import annotations

import pytest

from genstudy.designs.axes import make_axes
from genstudy.designs.choose import DESIGNS, open_design, parse_design
from genstudy.errors import UserError
from genstudy.parameters.grammar import parse_parameter


@pytest.mark.parametrize("name", DESIGNS)
def test_every_design_goes_by_its_name(name: str) -> None:
    choice = parse_design(name)
    assert (choice.name, choice.text, dict(choice.given)) == (name, name, {})
    assert choice.kind.about
    assert set(choice.arguments) == set(choice.kind.arguments)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("sobol()", "sobol"),
        (" morris( levels = 6 ) ", "morris(levels=6)"),
        ("saltelli(second_order=YES, blocks=8)", "saltelli(blocks=8, second_order=true)"),
        ("lhs(optimize=random-cd)", "lhs(optimize=random-cd)"),
    ],
)
def test_a_design_has_one_canonical_spelling(text: str, canonical: str) -> None:
    choice = parse_design(text)
    assert choice.text == canonical
    assert parse_design(canonical) == choice


@pytest.mark.parametrize("name", ["saltelli(blocks=4)", "saltelli(blocks=4, second_order=true)", "morris"])
def test_constants_have_no_rows_of_their_own(name: str) -> None:
    vary = [parse_parameter(text) for text in ("a=uniform(0, 1)", "b=int(1, 9)")]
    every = [vary[0], parse_parameter("g=const(9.81)"), vary[1], parse_parameter("h=int(3, 3)")]
    with_them, without = (
        open_design(parse_design(name), make_axes(columns), columns, seed=1, rows=None)
        for columns in (every, vary)
    )
    assert (with_them.block, with_them.total) == (without.block, without.total)
    assert without.total is not None
    with_them.skip(5)
    without.skip(5)
    a, g, b, h = with_them.draw(without.total)
    assert [column.tolist() for column in (a, b)] == [
        column.tolist() for column in without.draw(without.total)
    ]
    assert (set(g.tolist()), set(h.tolist())) == ({0}, {3})
    with pytest.raises(UserError, match="all parameters are constant"):
        open_design(parse_design(name), make_axes(every[1:2]), every[1:2], seed=1, rows=None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sobl", "there is no design 'sobl' (did you mean 'sobol'?)\n  designs: " + ", ".join(DESIGNS)),
        ("", "there is no design ''\n  designs: " + ", ".join(DESIGNS)),
        ("random(a=1)",
         "--design: the design random has no argument 'a'\n    random(a=1)\n           ^\n  write: random"),
        ("morris(level=1)",
         ("--design: the design morris has no argument 'level' (did you mean 'levels'?)\n"
          "    morris(level=1)\n           ^\n  its arguments: trajectories, levels")),
        ("morris(levels)",
         "--design: = belongs here, not ')'\n    morris(levels)\n                 ^\n  write levels=..."),
        ("morris(levels=x)", "--design: 'x' is no whole number\n    morris(levels=x)\n                  ^"),
        ("saltelli(second_order=perhaps)",
         ("--design: 'perhaps' is neither true nor false\n    saltelli(second_order=perhaps)\n"
          "                          ^")),
        ("morris(levels=4, levels=6)",
         "--design: 'levels' comes twice\n    morris(levels=4, levels=6)\n                     ^"),
        ("morris(levels=4 6)",
         ("--design: a comma or a closing bracket belongs here, not '6'\n    morris(levels=4 6)\n"
          "                    ^")),
        ("sobol x", "--design: nothing belongs after the design, but 'x' does\n    sobol x\n          ^"),
    ],
)  # fmt: skip
def test_what_is_no_design(text: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_design(text)
    assert str(caught.value) == message

"""How groups of parameters are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudy.errors import UserError
from genstudy.parameters.groups import Group, parse_groups

NAMES = ("a", "b", "c", "d", "e")


def groups(names: list[str]) -> st.SearchStrategy[Group]:
    """Draw a group of all these names in their order, two or more."""
    return st.integers(1, len(names) - 1).flatmap(
        lambda cut: st.builds(
            lambda kind, left, right: Group(kind=kind, members=(left, right)),
            st.sampled_from(["zip", "product"]),
            members(names[:cut]),
            members(names[cut:]),
        )
    )


def members(names: list[str]) -> st.SearchStrategy[str | Group]:
    return st.just(names[0]) if len(names) == 1 else groups(names)


@given(st.integers(2, 5).flatmap(lambda count: groups(list(NAMES[:count]))))
def test_a_group_reads_back(group: Group) -> None:
    assert parse_groups([group.text], NAMES) == [group]
    assert list(group.names()) == list(NAMES[: len(list(group.names()))])


def test_blanks_do_not_matter() -> None:
    (group,) = parse_groups([" zip( a,product(b ,c) ) "], NAMES)
    assert group.text == "zip(a, product(b, c))"


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a"], "--group: this is one parameter, and no group\n    a\n    ^\n  such as: zip(a, b)"),
        (["zip(a, x)"], "--group: there is no parameter 'x'\n    zip(a, x)\n           ^"),
        (["zap(a, b)"],
         ("--group: there is no group 'zap' (did you mean 'zip'?)\n    zap(a, b)\n    ^\n"
          "  groups: zip, product")),
        (["zip(a)"], "--group: a zip has two members or more\n    zip(a)\n    ^"),
        (["zip()"], "--group: a parameter or a group belongs here, not ')'\n    zip()\n        ^"),
        (["zip(a, b"],
         "--group: a comma or a closing bracket belongs here, not the end\n    zip(a, b\n            ^"),
        (["zip(a, b) c"],
         "--group: nothing belongs after the group, but 'c' does\n    zip(a, b) c\n              ^"),
        (["zip(a, b)", "product(b, c)"],
         ("--group: the parameter b is in a group already\n    product(b, c)\n            ^\n"
          "  each is in one group at most")),
        (["zip(a, 'b"],
         ("--group: this quote is never closed\n    zip(a, 'b\n           ^\n"
          "  inside quotes, a doubled quote stands for one")),
    ],
)  # fmt: skip
def test_what_is_no_group(texts: list[str], message: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_groups(texts, NAMES)
    assert str(caught.value) == message

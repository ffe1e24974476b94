"""Products of levels: what a point becomes in them."""

from __future__ import annotations

import pytest

from genstudy.designs.axes import make_axes
from genstudy.errors import UserError
from genstudy.parameters.grammar import parse_parameter
from genstudy.parameters.groups import Group
from tests.designs.opening import drawn, opened


@pytest.mark.parametrize("design", ["random", "sobol"])
@pytest.mark.parametrize("law", ["choice(x:9, y:1)", "binom(3, 0.5)", "choice(x:1, y:0, z:2)"])
def test_a_product_has_no_levels_that_are_not_equally_likely(design: str, law: str) -> None:
    columns = [f"a={law}", "b=int(1, 2)"]
    group = ["product(a, b)"]
    with pytest.raises(UserError) as caught:
        drawn(opened(design, columns, groups=group), 8)
    law = parse_parameter(columns[0]).law.text
    assert str(caught.value) == (
        f"the combinations of product(a, b) are equally likely, and the values of {law} are not\n"
        "  take a out of the product, or give it a law without weights"
    )
    assert len(drawn(opened("grid", columns, groups=group))) in {4, 8}


def test_a_product_has_no_more_combinations_than_points_can_tell_apart() -> None:
    columns = [parse_parameter(f"{name}=int(1, 4000000000)") for name in "ab"]
    with pytest.raises(UserError) as caught:
        make_axes(columns, [Group(kind="product", members=("a", "b"))])
    assert str(caught.value) == (
        "product(a, b) has 16000000000000000000 combinations, and 9007199254740992 is the most\n"
        "  take a parameter out of the product"
    )


def test_an_item_of_no_weight_is_no_level() -> None:
    columns = ("a=choice(x:1, y:0, z:2)", "b=choice(p:0, q:1)")
    assert drawn(opened("grid", columns)).tolist() == [[0, 1], [2, 1]]
    assert drawn(opened("fractional", columns)).tolist() == [[0, 1], [2, 1]]

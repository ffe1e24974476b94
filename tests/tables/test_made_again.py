"""What a record is for: the same table, made again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from genstudy.designs.choose import parse_design
from genstudy.designs.kinds import KINDS
from genstudy.parameters.grammar import parse_law, parse_parameter
from genstudy.parameters.laws import Parameter
from genstudy.tables.make import make_table
from genstudy.tables.record import read_record

if TYPE_CHECKING:
    from pathlib import Path

DESIGNS = [
    *(name for name in KINDS if name != "grid"),
    *("lhs(optimize=random-cd)", "lhs(optimize=lloyd)", "fractional(generators='a b ab')", "oat(levels=5)"),
    *("ccd(center=2, face=faced)", "poisson(radius=0.2)", "saltelli(blocks=4)", "morris(trajectories=3)"),
]
LEVELLED = ("a=range(0, 5)", "b=linspace(0, 1, 7)", "c=choice('x y':1, 2:0, z:3)", "k=const(7)")
CONTINUOUS = ("a=uniform(0, 1)", "b=linspace(0, 1, 7)", "c=triangular(1, 2, 3)", "k=const(7)")
HOW: list[dict[str, Any]] = [
    {"replicates": 3, "index": "i"},
    {"digits": 1, "derive": ["d = a * b"], "order": "stratified"},
    {"order": "shuffle", "replicates": 2},
]
ALL_WAYS = [*((design, CONTINUOUS, more) for design in DESIGNS for more in HOW)]
ALL_WAYS += [("grid", LEVELLED, more) for more in [*HOW, {"groups": ["product(a, c)"], "exclude": ["b > a"]}]]
ALL_WAYS += [
    (design, CONTINUOUS, {"correlate": [("a", "b", -0.6)], "where": ["a > 0.2"], "unique": True, "digits": 2})
    for design in KINDS
    if KINDS[design].correlates
]


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
@pytest.mark.parametrize(("design", "laws", "more"), ALL_WAYS)
def test_a_record_makes_the_same_bytes_whatever_the_design(
    tmp_path: Path, design: str, laws: tuple[str, ...], more: dict[str, Any], suffix: str
) -> None:
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    make_table([parse_parameter(text) for text in laws], output=first, design=design, seed=3, **more)
    record = read_record(first)
    assert record is not None
    again = make_table(
        [Parameter(name=name, law=parse_law(law)) for name, law in record.parameters],
        output=second,
        rows=sum(record.parts) if parse_design(record.design).kind.rows == "any" else None,
        design=record.design,
        seed=record.seed,
        groups=record.groups,
        correlate=record.correlate,
        order=record.order,
        replicates=record.replicates,
        index=record.index,
        digits=record.digits,
        where=record.where,
        exclude=record.exclude,
        derive=[f"{name} = {text}" for name, text in record.derive],
        unique=record.unique,
    )
    assert second.read_bytes() == first.read_bytes()
    assert replace(again, table=record.table) == record

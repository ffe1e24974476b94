"""What the parameters of a campaign are: whole numbers, numbers or text, by all cells of its table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from genstudy.batches.slices import check_there
from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from genstudy.results.schema import Kind

INT = r"^(?:0|-?[1-9][0-9]*)$"
"""Whole numbers as programs write them: `007` is an id, and stays text."""

FLOAT = r"^-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
SMALL = 1 << 24
"""Bytes of a table that is read at once: that is quicker than in a stream."""

AT_A_TIME = 64
"""Columns that are looked at in one pass: what a pass holds grows with them."""


def parameter_kinds(
    table: Path, columns: Sequence[str], wanted: Sequence[str], *, rows: int | None = None
) -> dict[str, Kind]:
    """Return {column: kind} for these columns of a campaign's table, by all of its cells.

    int: whole numbers of at most 64 bits; float: finite numbers; else text. Empty cells tell nothing, and a
    column of nothing else is text. columns: of the table, in its order. rows: only the first so many. The
    table is streamed.
    """
    import polars as pl

    check_there(table)
    found: dict[str, Kind] = {}
    engine: Literal["in-memory", "streaming"] = "in-memory" if table.stat().st_size < SMALL else "streaming"
    for start in range(0, len(wanted), AT_A_TIME):
        names = wanted[start : start + AT_A_TIME]
        scan = pl.scan_csv(table, infer_schema=False, new_columns=list(columns), quote_char='"', n_rows=rows)
        tests = [test for place, name in enumerate(names) for test in _tests(name, place)]
        try:
            told = scan.select(tests).collect(engine=engine).row(0, named=True)
        except pl.exceptions.PolarsError as problem:
            raise UserError(f"cannot be read: {problem}", where=str(table)) from problem
        for place, name in enumerate(names):
            found[name] = _kind(*(told[f"{test}{place}"] for test in ("any", "int", "fits", "float")))
    return found


def _tests(name: str, place: int) -> list[Any]:
    import polars as pl

    cell = pl.col(name)
    given = cell.filter(cell.is_not_null() & (cell != ""))
    whole = given.str.contains(INT)
    fits = given.str.to_integer(base=10, dtype=pl.Int64, strict=False).is_not_null()
    number = given.str.contains(FLOAT) & given.cast(pl.Float64, strict=False).is_finite().fill_null(
        value=False
    )
    return [
        (given.len() > 0).alias(f"any{place}"),
        whole.all().alias(f"int{place}"),
        (fits | ~whole).all().alias(f"fits{place}"),
        number.all().alias(f"float{place}"),
    ]


def _kind(given: bool, whole: bool, fits: bool, number: bool) -> Kind:
    if not given or not fits:
        return "text"
    return "int" if whole else "float" if number else "text"


def _ints(cells: Sequence[str]) -> Sequence[Any]:
    return list(map(int, cells)) if "" not in cells else [int(cell) if cell else None for cell in cells]


def _floats(cells: Sequence[str]) -> Sequence[Any]:
    return list(map(float, cells)) if "" not in cells else [float(cell) if cell else None for cell in cells]


def _texts(cells: Sequence[str]) -> Sequence[Any]:
    return cells if "" not in cells else [cell or None for cell in cells]


CONVERTERS: dict[Kind, Callable[[Sequence[str]], Sequence[Any]]] = {
    "int": _ints,
    "float": _floats,
    "text": _texts,
}

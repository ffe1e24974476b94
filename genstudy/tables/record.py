"""The record beside a made table: in `params.json`, all that it takes to make `params.csv` again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from genstudy.designs.copula import Correlation

FORMAT = 1
SUFFIXES = (".csv.gz", ".parquet", ".csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRecord:
    """How a table was made. There is no clock time in it: the same call gives the same record.

    table, bytes: the file's name without its folder, and its size; a table with another size is not this one.
    columns: all of them, in order: the index if there is one, the parameters, `replicate`, what was derived.
    design: as it is written, with its arguments. seed: None where the design uses none.
    block: how many consecutive rows of the table belong together; 1 where each stands for itself.
    parts: the rows of the design that each call made, the first and then those that extended the table.
    earlier: the laws that parameters followed in each part but the last, where they changed (a grid).
    parameters: (name, law); derive: (name, expression). groups: parameters that move together.
    where, exclude: conditions that rows meet, and such that none meets. replicates: rows a combination.
    correlate: pairs and the rank correlation that was asked for. order: of the rows, None for the design's.
    digits: the decimals that floats were rounded to. quality: figures of how the rows fill the space.
    versions: of what the values depend on.
    """

    genstudy: str
    table: str
    bytes: int
    rows: int
    columns: tuple[str, ...]
    index: str | None = None
    design: str
    seed: int | None = None
    block: int = 1
    parts: tuple[int, ...]
    earlier: tuple[tuple[tuple[str, str], ...], ...] = ()
    parameters: tuple[tuple[str, str], ...]
    groups: tuple[str, ...] = ()
    correlate: tuple[Correlation, ...] = ()
    order: str | None = None
    replicates: int = 1
    derive: tuple[tuple[str, str], ...] = ()
    where: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    unique: bool = False
    digits: int | None = None
    quality: Mapping[str, Any] | None = None
    versions: Mapping[str, str] = field(default_factory=dict)


def record_path(table: Path) -> Path:
    """Return where a table's record is: the same name, with .json for its suffix."""
    suffix = next((suffix for suffix in SUFFIXES if table.name.endswith(suffix)), "")
    return table.with_name(table.name.removesuffix(suffix) + ".json")


def record_bytes(record: TableRecord, *, before: TableRecord | None = None) -> bytes:
    """Return the record as the bytes of its file.

    before: that of the shorter table which is about to be replaced. It counts for as long as that one stands.
    """
    content = _content(record) if before is None else {**_content(record), "before": _content(before)}
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def _content(record: TableRecord) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "genstudy": record.genstudy,
        "table": record.table,
        "bytes": record.bytes,
        "rows": record.rows,
        "columns": record.columns,
        "index": record.index,
        "design": record.design,
        "seed": record.seed,
        "block": record.block,
        "parts": record.parts,
        "earlier": [_named(laws) for laws in record.earlier],
        "parameters": _named(record.parameters),
        "groups": record.groups,
        "correlate": record.correlate,
        "order": record.order,
        "replicates": record.replicates,
        "derive": [{"name": name, "expression": text} for name, text in record.derive],
        "where": record.where,
        "exclude": record.exclude,
        "unique": record.unique,
        "round": record.digits,
        "quality": record.quality,
        "versions": record.versions,
    }


def _named(laws: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "law": law} for name, law in laws]


def read_record(table: Path) -> TableRecord | None:
    """Return the record of a table, or None where there is none or it does not belong to the table.

    It belongs where it names the table's file and the size that the file has. The record of a link is
    that of the file it leads to.
    """
    try:
        table = table.resolve() if table.is_symlink() else table
    except (OSError, RuntimeError):
        return None
    if not table.is_file():
        return None
    known = (table.name, table.stat().st_size)
    records = _read_all(record_path(table))
    return next((record for record in records if (record.table, record.bytes) == known), None)


def check_replaceable(table: Path, *, force: bool) -> None:
    """Refuse to write a table whose record's place is taken by another file, unless `force` is set.

    A record left by a table that is gone, or by the table that is replaced, may go.
    """
    path = record_path(table)
    if path.is_dir():
        raise UserError("the table's record belongs here, and this is a folder", where=str(path))
    if force or not path.exists():
        return
    record = _read(path)
    if record is None:
        raise UserError(
            "the table's record belongs here, and another file has the name",
            where=str(path),
            hint="take another -o, or pass --force to replace it",
        )
    if record.table != table.name and table.with_name(record.table).exists():
        raise UserError(
            f"this is the record of {record.table}, which is still there",
            where=str(path),
            hint="take another -o, or pass --force to replace it",
        )


def _read(path: Path) -> TableRecord | None:
    return next(iter(_read_all(path)), None)


def _read_all(path: Path) -> list[TableRecord]:
    """Return the record in a file, and that of the table before; none where it is no such file."""
    try:
        content = json.loads(path.read_bytes())
        if content["format"] != FORMAT:
            return []
        return [record_from(one) for one in (content, content.get("before")) if one is not None]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []


def record_from(content: Mapping[str, Any]) -> TableRecord:
    """Return the record that `record_bytes` wrote; KeyError, TypeError or ValueError for anything else."""
    return TableRecord(
        genstudy=str(content["genstudy"]),
        table=str(content["table"]),
        bytes=int(content["bytes"]),
        rows=int(content["rows"]),
        columns=tuple(content["columns"]),
        index=content["index"],
        design=str(content["design"]),
        seed=content["seed"],
        block=int(content["block"]),
        parts=tuple(int(rows) for rows in content["parts"]),
        earlier=tuple(_laws(laws) for laws in content["earlier"]),
        parameters=_laws(content["parameters"]),
        groups=tuple(content["groups"]),
        correlate=tuple((str(a), str(b), float(r)) for a, b, r in content["correlate"]),
        order=content["order"],
        replicates=int(content["replicates"]),
        derive=tuple((str(item["name"]), str(item["expression"])) for item in content["derive"]),
        where=tuple(content["where"]),
        exclude=tuple(content["exclude"]),
        unique=bool(content["unique"]),
        digits=content["round"],
        quality=content["quality"],
        versions=dict(content["versions"]),
    )


def _laws(items: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, str], ...]:
    return tuple((str(item["name"]), str(item["law"])) for item in items)

"""The table of results: its columns, the view of each row's last attempt, and the list of what was collected.

docs/results.md describes them; other programs read them.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa

from genstudy.errors import UserError
from genstudy.specs.results import TABLE, parameter_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from genstudy.specs.manifest import Manifest

Kind = Literal["int", "float", "text", "bool", "time"]
"""What a column holds. Integers have 64 bits, times no zone: they are as Maestro wrote them."""

FIXED: dict[str, Kind] = {
    "campaign": "text",
    "row_id": "text",
    "row_number": "int",
    "batch": "text",
    "attempt": "int",
    "state": "text",
    "failed_step": "text",
    "started": "time",
    "ended": "time",
    "seconds": "float",
    "errors": "text",
}
"""The columns that every table has, before the parameters and the results."""

KEY = ("campaign", "row_id", "attempt")
NEVER_NULL = frozenset({*KEY, "row_number", "batch", "state"})
TYPES: dict[Kind, sa.types.TypeEngine[Any]] = {
    "int": sa.BigInteger(),
    "float": sa.Double(),
    "text": sa.Text(),
    "bool": sa.Boolean(),
    "time": sa.DateTime(),
}
ATTEMPTS = "_attempts"
LONGEST_TABLE = 63 - len(ATTEMPTS)
"""Bytes of a table's name: that of the attempts' table fits into what PostgreSQL keeps."""

POSTGRESQL_SYSTEM = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})
"""PostgreSQL's manual, 5.6, System Columns."""

HASHED = 8
LOCAL_TABLE = "results"
"""The table in a campaign's own results.db."""

BATCHES = sa.Table(
    "genstudy_batches",
    sa.MetaData(),
    sa.Column("campaign", sa.String(200), primary_key=True),
    sa.Column("table_name", sa.String(63), primary_key=True),
    sa.Column("batch", sa.String(20), primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("faulty", sa.BigInteger, nullable=False),
    sa.Column("missing", sa.Text, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The columns of a table of results. name: of the view; parameters, results: {column: kind}, in order."""

    name: str
    parameters: Mapping[str, Kind]
    results: Mapping[str, Kind]

    @property
    def attempts(self) -> str:
        """The name of the base table, which has a row for each attempt."""
        return self.name + ATTEMPTS

    @property
    def columns(self) -> dict[str, Kind]:
        """All columns, in order."""
        return {**FIXED, **self.parameters, **self.results}

    def table(self) -> sa.Table:
        """Return the base table as SQLAlchemy has it."""
        # Text in a key: some databases want to know its length.
        keys: dict[str, sa.types.TypeEngine[Any]] = {"campaign": sa.String(200), "row_id": sa.String(100)}
        columns = (
            sa.Column(
                name,
                keys.get(name, TYPES[kind]) if name in FIXED else TYPES[kind],
                primary_key=name in KEY,
                nullable=name not in NEVER_NULL,
                autoincrement=False,
            )
            for name, kind in self.columns.items()
        )
        return sa.Table(self.attempts, sa.MetaData(), *columns)

    def view(self, preparer: sa.sql.compiler.IdentifierPreparer, columns: Iterable[str]) -> str:
        """Return the statement that makes the view: of each row the last attempt, in these columns."""
        quote = preparer.quote_identifier
        names = ", ".join(f"one.{quote(name)}" for name in columns)
        same = " AND ".join(f"later.{quote(name)} = one.{quote(name)}" for name in ("campaign", "row_id"))
        table, attempt = quote(self.attempts), quote("attempt")
        return (
            f"CREATE VIEW {quote(self.name)} AS SELECT {names} FROM {table} AS one WHERE NOT EXISTS "  # noqa: S608
            f"(SELECT 1 FROM {table} AS later WHERE {same} AND later.{attempt} > one.{attempt})"
        )


def kind_of(found: object) -> Kind | None:
    """Return what a column of an existing table holds; None for a type that we never make."""
    match found:
        case sa.Boolean():
            return "bool"
        case sa.Integer():
            return "int"
        case sa.Float() | sa.Numeric():
            return "float"
        case sa.DateTime():
            return "time"
        case sa.String():
            return "text"
    return None


def parameters_of(manifest: Manifest, dialect: sa.Dialect) -> dict[str, str]:
    """Return {parameter: its column} of a campaign, in the table's order, as a database can have them."""
    return columns_of((name for name in manifest.table.columns if name != manifest.table.index), dialect)


def columns_of(parameters: Iterable[str], dialect: sa.Dialect) -> dict[str, str]:
    """Return {parameter: its column}, in order.

    A name that the database keeps for itself gets `_` behind it until it is free. One that is longer than
    what it keeps of names is cut, and ends in a part of its hash.
    """
    columns = parameter_columns(parameters)
    used = {column.lower() for column in columns.values()}
    for name, column in columns.items():
        free = column
        while free in system_columns(dialect) or (free != column and free.lower() in used):
            free += "_"
        used.add(free.lower())
        columns[name] = shortened(free, dialect.max_identifier_length)
    return columns


def system_columns(dialect: sa.Dialect) -> frozenset[str]:
    """Return the names of columns that every table of a database has by itself, so that none can be made."""
    return POSTGRESQL_SYSTEM if dialect.name == "postgresql" else frozenset()


def shortened(name: str, longest: int) -> str:
    """Return a name that fits into so many bytes, always the same one."""
    data = name.encode()
    if len(data) <= longest:
        return name
    kept = data[: longest - HASHED - 1].decode(errors="ignore")
    return f"{kept}_{hashlib.sha256(data).hexdigest()[:HASHED]}"


def campaign_id(manifest: Manifest) -> str:
    """Return what a campaign's rows are known by: its name, and a hash of what it was made of."""
    if manifest.campaign is not None:
        return manifest.campaign
    fixed = manifest.model_dump(
        mode="json",
        include={
            "name": True,
            "table": {"sha256", "rows", "columns", "index"},
            "template": {"sha256"},
            "settings": True,
            "steps": True,
            "pgen_sha256": True,
        },
    )
    digest = hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()
    return f"{manifest.name}-{digest[:12]}"


def table_name(given: str | None, manifest: Manifest, *, local: bool) -> str:
    """Return the name of the view: the one that was given, or the default. local: in the campaign's file."""
    if given is None:
        return LOCAL_TABLE if local else shortened(_identifier(manifest.name), LONGEST_TABLE)
    if not TABLE.fullmatch(given):
        raise UserError(
            f"'{given}' cannot name the table of results",
            hint=f"letters, digits, _, no digit first, at most {LONGEST_TABLE}; not sqlite_, pg_, genstudy_",
        )
    return given


def _identifier(name: str) -> str:
    found = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_")
    return found if TABLE.match(found) else f"study_{found}"

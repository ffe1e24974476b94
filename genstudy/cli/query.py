"""`genstudy query`: SQL over the results of a campaign, which it can only read."""

from __future__ import annotations

import io
import sys
from itertools import islice
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genstudy.cli.collect import place_text
from genstudy.cli.completion import FolderArgument  # noqa: TC001 - Typer reads the annotations
from genstudy.cli.progress import is_terminal
from genstudy.cli.settings import check_utf8
from genstudy.cli.source import query_text
from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from genstudy.results.query import Results, Rows

SHOWN = 50
"""Rows that are shown at a terminal."""

MEASURED = 1000
"""Rows by which the columns get their widths."""

WIDEST = 60
"""Characters of a cell at a terminal, and of a column anywhere."""


def query_command(
    folder: FolderArgument,
    sql: Annotated[
        str | None,
        typer.Argument(help="A SELECT, or @FILE that holds one; none: the tables.", show_default=False),
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list of objects.")] = False,
    db: Annotated[
        str | None, typer.Option("--db", metavar="URL", help="Where the results are, if elsewhere.")
    ] = None,
    table: Annotated[str | None, typer.Option("--table", help="The table's name, if another.")] = None,
) -> None:
    """Run a query over the results of a campaign, and print its rows.

    Without a query it prints the tables and their columns. Nothing can be changed.
    """
    from genstudy.results.query import open_results, run_query

    check_utf8(folder, sql, db, table)
    if as_csv and as_json:
        raise UserError("--csv and --json exclude each other")
    if sql is None and (as_csv or as_json):
        raise UserError("there is no query", hint="write one, or leave --csv and --json out")
    with open_results(folder, db=db, table=table) as results:
        if sql is None:
            for line in _schema(folder, results):
                typer.echo(line)
            return
        with run_query(results, query_text(sql)) as rows:
            lines = _csv(rows) if as_csv else _json(rows) if as_json else _aligned(rows)
            for line in lines:
                typer.echo(line, nl=False)


def _schema(folder: Path, results: Results) -> Iterator[str]:
    from genstudy.results.query import count_rows
    from genstudy.units import counted

    yield place_text(folder, results.url.shown)
    counts = count_rows(results)
    width = max(map(len, results.columns))
    combinations = counted(counts[results.view], "row")
    yield f"{results.view}: {combinations}, one for each combination: its last attempt"
    for name, kind in results.columns.items():
        what = "parameter" if name in results.parameters else "result" if name in results.results else ""
        yield f"    {name:{width}}  {kind or 'of another type':5}  {what}".rstrip()
    attempts = counted(counts[results.attempts], "row")
    yield f"{results.attempts}: {attempts}, one for each attempt, with the same columns"
    batches = next(name for name in counts if name not in {results.view, results.attempts})
    yield f"{batches}: {counted(counts[batches], 'row')}, one for each batch that was collected"


def _csv(rows: Rows) -> Iterator[str]:
    from genstudy.results.cells import as_text, csv_writer

    text = io.StringIO(newline="")
    writer = csv_writer(text)
    safe = _shown if is_terminal(sys.stdout) else str
    writer.writerow(map(safe, rows.columns))
    for part in rows.parts():
        writer.writerows([safe(as_text(value)) for value in row] for row in part)
        yield text.getvalue()
        text.seek(0)
        text.truncate()
    yield text.getvalue()


def _json(rows: Rows) -> Iterator[str]:
    from genstudy.results.cells import json_object

    rows.check_names()
    separator = "["
    for part in rows.parts():
        texts = ",\n".join(json_object(rows.columns, row) for row in part)
        if texts:
            yield f"{separator}\n{texts}"
            separator = ","
    yield "\n]\n" if separator == "," else "[]\n"


def _aligned(rows: Rows) -> Iterator[str]:
    """Yield the lines of a table: at a terminal the first rows, else all."""
    screen = is_terminal(sys.stdout)
    source = iter(rows)
    first = list(islice(source, SHOWN + 1 if screen else MEASURED))
    more = screen and len(first) > SHOWN
    head = [_shown(name) for name in rows.columns]
    cells = [[_cell(value, cut=screen) for value in row] for row in (first[:SHOWN] if screen else first)]
    widths = [min(max(len(text) for text in column), WIDEST) for column in zip(head, *cells, strict=True)]
    right = [
        all(isinstance(value, int | float) or value is None for value in column)
        for column in (zip(*first, strict=True) if first else ((),) * len(head))
    ]
    yield _line(head, widths, right)
    yield _line(["-" * width for width in widths], widths, right)
    yield "".join(_line(row, widths, right) for row in cells)
    if more:
        yield f"... and more: {SHOWN} rows are shown here; --csv, --json or a pipe give all\n"
    elif not screen:
        while part := list(islice(source, MEASURED)):
            lines = (_line([_cell(value, cut=False) for value in row], widths, right) for row in part)
            yield "".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    texts = (
        f"{cell:>{width}}" if at_right else f"{cell:{width}}"
        for cell, width, at_right in zip(cells, widths, right, strict=True)
    )
    return "  ".join(texts).rstrip() + "\n"


def _cell(value: Any, *, cut: bool) -> str:
    from genstudy.results.cells import as_text

    text = "NULL" if value is None else _shown(as_text(value))
    return text[: WIDEST - 3] + "..." if cut and len(text) > WIDEST else text


def _shown(text: str) -> str:
    """Return a text on one line, without marks that act on a terminal."""
    from genstudy.batches.showing import visible

    return visible(text).replace("\n", "\\n").replace("\t", "\\t")

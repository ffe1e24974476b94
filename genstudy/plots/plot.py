"""`genstudy plot`: a table's or campaign's design drawn into a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from genstudy.errors import UserError
from genstudy.files import named_errors, whole_file
from genstudy.plots.campaign import summarize_campaign
from genstudy.plots.coverage import Coverage, coverage_lines, coverage_of
from genstudy.plots.design import describe_design, design_picture, notes_of
from genstudy.plots.summary import DesignSummary, summarize
from genstudy.specs.manifest import read_manifest
from genstudy.tables.query import open_source
from genstudy.tables.read import Query
from genstudy.tables.record import read_record
from genstudy.tables.streams import SUFFIXES
from genstudy.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FORMATS = (".png", ".svg")


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignPicture:
    """What was drawn, and where. lines: the figures of the coverage, in words; notes: what is left out."""

    path: Path
    summary: DesignSummary
    coverage: Coverage
    lines: tuple[str, ...]
    notes: tuple[str, ...]


Progress = Callable[[int, int], None] | None
SumUp = Callable[[Sequence[str] | None, Progress], DesignSummary]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """Where rows come from. made: how, in words; sum_up: sums up these columns, or all but the index."""

    title: str
    stem: str
    made: str = ""
    sum_up: SumUp


def plot_design(
    source: str | Path | Query,
    output: str | Path | None = None,
    *,
    columns: Sequence[str] | None = None,
    force: bool = False,
    progress: Progress = None,
) -> DesignPicture:
    """Draw how the rows of a table fill the space of its parameters, and return what was drawn.

    source: a table, a query, or a campaign's folder, whose own table is taken. output: a .png or .svg file,
    written whole; if not given, the table's name with .png in the working directory. columns: which are
    drawn, in this order; all but the index if not given. force: replace a file. progress: gets the rows read,
    and how many there are about.

    The rows are streamed, and the same table gives the same bytes. UserError for whatever is wrong.
    """
    found = _source_of(source)
    path = Path(output) if output is not None else Path(f"{found.stem}.png")
    with picture_file(path, force=force) as stream:
        return _write(found, stream, path, columns, progress)


def picture_path(table: Path) -> Path:
    """Return where the picture of a table is, if it is beside it: the same name, with .png."""
    return table.with_name(f"{_stem(table)}.png")


@contextmanager
def picture_file(path: Path, *, force: bool) -> Iterator[BinaryIO]:
    """Open the file of a picture, which is there at the end of the block; see files.whole_file."""
    if path.suffix not in FORMATS:
        raise UserError(
            "this is no name for a picture", where=str(path), hint=f"name it with one of {', '.join(FORMATS)}"
        )
    with named_errors(path), whole_file(path, force=force) as stream:
        yield stream


def write_picture(table: Path, stream: BinaryIO, path: Path) -> None:
    """Write the picture of a table to the stream of the file `path`."""
    _write(_source_of(table), stream, path, None, None)


def _write(
    source: _Source, stream: BinaryIO, path: Path, columns: Sequence[str] | None, progress: Progress
) -> DesignPicture:
    summary = source.sum_up(columns, progress)
    if not summary.names:
        raise UserError("there is no column to draw", where=source.title)
    coverage = coverage_of(summary, summary.names)
    lines = coverage_lines(coverage, summary.rows)
    title = f"{source.title}: {counted(summary.rows, 'row')}{source.made}"
    canvas = design_picture(summary, title, lines)
    if path.suffix == ".svg":
        stream.write(
            canvas.svg(title=describe_design(summary, title, lines), prefix="design").encode() + b"\n"
        )
    else:
        stream.write(canvas.png())
    return DesignPicture(
        path=path, summary=summary, coverage=coverage, lines=tuple(lines), notes=tuple(notes_of(summary))
    )


def _source_of(source: str | Path | Query) -> _Source:
    if isinstance(source, Query):
        return _Source(title="a query", stem="query", sum_up=_of_table(source, None, {}))
    path = Path(source)
    if path.is_dir():
        return _campaign(path)
    record = read_record(path)
    index, laws = (record.index, dict(record.parameters)) if record else (None, {})
    return _Source(
        title=path.name,
        stem=_stem(path),
        made=_made(record.design, record.seed) if record else "",
        sum_up=_of_table(path, index, laws),
    )


def _of_table(rows: Path | Query, index: str | None, laws: Mapping[str, str]) -> SumUp:
    def sum_up(columns: Sequence[str] | None, progress: Progress) -> DesignSummary:
        with open_source(rows) as table:
            chosen = [name for name in table.columns if name != index] if columns is None else columns
            return summarize(table, chosen, laws=laws, progress=progress)

    return sum_up


def _campaign(folder: Path) -> _Source:
    manifest = read_manifest(folder)
    record = manifest.table.record or {}
    return _Source(
        title=f"campaign {manifest.name}",
        stem=manifest.name,
        made=_made(record.get("design"), record.get("seed")),
        sum_up=lambda columns, progress: summarize_campaign(folder, manifest, columns, progress=progress),
    )


def _made(design: object, seed: object) -> str:
    if not design:
        return ""
    return f", design {design}" if seed is None else f", design {design}, seed {seed}"


def _stem(table: Path) -> str:
    suffix = next((suffix for suffix in SUFFIXES if table.name.endswith(suffix)), "")
    return table.name.removesuffix(suffix) or "design"

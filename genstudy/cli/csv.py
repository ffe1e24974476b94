"""`genstudy csv`: make a parameter table."""

from __future__ import annotations

import io
import re
import shlex
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from genstudy.cli.plain import large_imports, whole
from genstudy.cli.table_options import (
    CorrelateOption,
    DesignOption,
    ExcludeOption,
    GroupOption,
    OrderOption,
    correlations,
)
from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from genstudy.parameters.laws import Parameter
    from genstudy.tables.record import TableRecord

DEFAULT_NAMES = ("param1", "param2", "param3")


def csv_command(
    parameters: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME | NAME=LAW]...", show_default=False, help="Columns; see below."),
    ] = None,
    params: Annotated[
        str | None,
        typer.Option("--params", metavar="K", help="Columns param1 to paramK.", show_default=False),
    ] = None,
    rows: Annotated[
        str | None,
        typer.Option(
            "-n", "--rows", "--num-values", metavar="N", help="How many rows: 20, or all of a grid."
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="params.csv if not given; ends in .csv, .csv.gz or .parquet; - is stdout.",
        ),
    ] = None,
    extend: Annotated[
        str | None,
        typer.Option("--extend", metavar="TABLE", help="Add -n rows to a table that was made."),
    ] = None,
    index: Annotated[
        str | None, typer.Option("-i", "--index", metavar="NAME", help="First column, counting from 0.")
    ] = None,
    design: DesignOption = None,
    seed: Annotated[
        str | None,
        typer.Option(
            "--seed", metavar="S", help="The same seed gives the same bytes; drawn where not given."
        ),
    ] = None,
    digits: Annotated[
        str | None, typer.Option("--round", metavar="DIGITS", help="Decimals of floats.")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", metavar="TEST", help='As "a < b": rows meet it. Repeatable.'),
    ] = None,
    exclude: ExcludeOption = None,
    derive: Annotated[
        list[str] | None,
        typer.Option(
            "--derive", metavar="NAME=FORMULA", help='As "area = w * h": a column more. Repeatable.'
        ),
    ] = None,
    unique: Annotated[
        bool, typer.Option("--unique", help="Distinct rows only; memory grows with rows.")
    ] = False,
    group: GroupOption = None,
    correlate: CorrelateOption = None,
    replicates: Annotated[
        str | None,
        typer.Option("--replicates", metavar="R", help="So many rows for each combination."),
    ] = None,
    order: OrderOption = None,
    plot: Annotated[
        bool, typer.Option("--plot", help="Draw the design, into a .png beside the table.")
    ] = False,
    debug: Annotated[bool, typer.Option("-d", "--debug", help="Print the rows too.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace what stands at the output.")] = False,
) -> None:
    """Make a table of parameter values.

    Beside it goes a record of how it was made, from which the same table can be made again.

    A NAME alone takes whole numbers from 0 to 100. A LAW is one of int(lo,hi) uniform(a,b) loguniform(a,b)
    normal(mu,sigma) truncnormal(mu,sigma,lo,hi) lognormal(mu,sigma) triangular(lo,mode,hi) beta(a,b,lo,hi)
    choice(x,y,z) choice(x:0.7,y:0.3) range(start,stop,step) linspace(a,b,n) const(v), or a distribution of
    scipy.stats by its own name, as gamma(2, scale=3). Quote it for the shell: 'width=uniform(0, 2.5)'.
    """
    with large_imports():
        from genstudy.cli.progress import Progress
        from genstudy.parameters.grammar import parse_parameter
        from genstudy.tables.make import make_table

    if extend is not None:
        said = (
            design,
            seed,
            index,
            digits,
            where,
            derive,
            exclude,
            group,
            correlate,
            replicates,
            order,
            params,
        )
        if any(said) or unique:
            raise UserError(
                "--extend goes on with a table as its record says",
                where=extend,
                hint="besides it there may be -n, -o, --plot, --debug, --force, and a grid's wider laws",
            )
    name = output or extend or "params.csv"
    piped = name == "-"
    talk = sys.stderr if piped else sys.stdout
    target = _stdout() if piped else Path(name)
    show = (lambda text: print(text, end="", file=talk, flush=True)) if debug else None
    with (
        _drawn(target, wanted=plot, force=force or extend is not None) as picture,
        Progress(shown=has_bar(piped=piped, debug=debug)) as bar,
    ):
        progress = bar.update if bar.possible else None
        if extend is not None:
            record = _extended(
                Path(extend),
                target,
                whole(rows, "-n"),
                [parse_parameter(text) for text in parameters or ()],
                force=force,
                progress=progress,
                show=show,
            )
        else:
            record = make_table(
                _parameters(parameters or [], whole(params, "--params")),
                output=target,
                rows=whole(rows, "-n"),
                design="random" if design is None else design,
                seed=whole(seed, "--seed"),
                groups=group or (),
                correlate=correlations(correlate),
                order=order,
                replicates=1 if replicates is None else whole(replicates, "--replicates") or 0,
                index=index,
                digits=whole(digits, "--round"),
                where=where or (),
                exclude=exclude or (),
                derive=derive or (),
                unique=unique,
                force=force,
                progress=progress,
                show=show,
                note=_note,
            )
    _told(record, "stdout" if piped else name, talk)
    if picture is not None:
        print(f"{picture}: the design", flush=True)
    if not piped:
        size = max(10, record.rows // 100)
        size = -(-size // record.block) * record.block
        print(f"next: genstudy specs {_path_and_name(name, size)}", flush=True)


def _note(text: str) -> None:
    print(f"note: {text}", file=sys.stderr)


def _told(record: TableRecord, name: str, talk: TextIO) -> None:
    """Print what was made, in a line, and how good it is in another."""
    from genstudy.designs.quality import quality_line

    seeded = "" if record.seed is None else f", seed {record.seed}"
    times = "" if record.replicates == 1 else f", {record.replicates} replicates"
    count = f"{record.rows} {_plural('row', record.rows)}"
    width = f"{len(record.parameters)} {_plural('parameter', len(record.parameters))}"
    print(f"{name}: {count}, {width}, design {record.design}{seeded}{times}", file=talk, flush=True)
    if record.quality is not None:
        print(f"  {quality_line(record.quality, sum(record.parts))}", file=talk, flush=True)


def _extended(
    table: Path,
    output: Path | io.FileIO,
    rows: int | None,
    parameters: list[Parameter],
    *,
    force: bool,
    progress: Callable[[int, int], None] | None,
    show: Callable[[str], None] | None,
) -> TableRecord:
    """Add rows to a table, and tell how many."""
    from genstudy.tables.extend import extend_table

    if not isinstance(output, Path):
        raise UserError("a longer table goes into a file", hint="leave -o away: the table gets the rows")
    made = extend_table(
        table, rows=rows, parameters=parameters, output=output, force=force, progress=progress, show=show
    )
    record = made.record
    print(f"{table}: {made.added} rows more, after {record.rows - made.added}", flush=True)
    if made.note:
        _note(made.note)
    return record


def has_bar(*, piped: bool, debug: bool) -> bool:
    """Tell whether a progress bar may be shown: none where rows appear on the same terminal."""
    from genstudy.cli.progress import is_terminal

    return not debug and not (piped and is_terminal(sys.stdout))


def _stdout() -> io.FileIO:
    """Return stdout unbuffered: nothing is left to fail again when Python closes it."""
    stream: TextIO | None = sys.stdout
    if stream is None:
        raise UserError("standard output is closed", hint="name a file: -o params.csv")
    return io.FileIO(stream.fileno(), "wb", closefd=False)


@contextmanager
def _drawn(table: Path | io.FileIO, *, wanted: bool, force: bool) -> Iterator[Path | None]:
    """Draw the table that is there at the end of the block; whether that will do is found out first."""
    if not wanted:
        yield None
        return
    if not isinstance(table, Path):
        raise UserError("--plot is for a table in a file", hint="name one: -o params.csv")
    from genstudy.plots.plot import picture_file, picture_path, write_picture

    path = picture_path(table)
    with picture_file(path, force=force) as stream:
        yield path
        write_picture(table, stream, path)


def _path_and_name(output: str, size: int) -> str:
    """Return what `genstudy specs` is to be given, as a shell reads it."""
    from genstudy.specs.batches import NAME_FORM

    words = [f"./{output}" if output.startswith("-") else output, "-t", "echo", "-b", str(size)]
    stem = Path(output).name.split(".")[0]
    if not NAME_FORM.fullmatch(stem):
        words += ["--name", re.sub(r"[^A-Za-z0-9_-]", "_", stem).lstrip("_-")[:100] or "table"]
    return shlex.join(words)


def _parameters(texts: list[str], count: int | None) -> list[Parameter]:
    from genstudy.parameters.grammar import parse_parameter
    from genstudy.parameters.names import numbered

    if texts and count is not None:
        raise UserError("--params and names are both given", hint="name the columns, or number them")
    names = numbered(count) if count is not None else texts or DEFAULT_NAMES
    return [parse_parameter(text) for text in names]


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"

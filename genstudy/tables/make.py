"""Makes a table: parameters in, a file of rows and its record out."""

from __future__ import annotations

import os
import platform
import secrets
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import polars as pl

import genstudy
from genstudy.designs.choose import NEEDS_SCIPY, check_design, open_design
from genstudy.errors import UserError
from genstudy.files import whole_file
from genstudy.parameters.levels import word_numbers
from genstudy.tables.plan import make_plan
from genstudy.tables.record import TableRecord, check_replaceable, record_bytes, record_path
from genstudy.tables.rows import RowMaker
from genstudy.tables.write import csv_text, suffix_of, write_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from genstudy.designs.points import Design
    from genstudy.parameters.laws import Parameter
    from genstudy.tables.plan import Plan


def make_table(
    parameters: Sequence[Parameter],
    *,
    output: Path | BinaryIO,
    rows: int | None = None,
    design: str = "random",
    seed: int | None = None,
    index: str | None = None,
    digits: int | None = None,
    where: Sequence[str] = (),
    derive: Sequence[str] = (),
    unique: bool = False,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
    show: Callable[[str], None] | None = None,
    note: Callable[[str], None] | None = None,
) -> TableRecord:
    """Make a table of parameter values and return its record.

    parameters: the columns, in order, with the laws they follow.
    output: a path that ends in .csv, .csv.gz or .parquet, written whole with its record beside it; or a
        binary stream, which gets CSV and no record.
    rows: how many; None for 20, or for all of the grid.
    design: random, lhs, sobol, halton or grid. seed: 0 or more; None draws one of 32 bits.
    index: the name of a first column that counts from 0.
    digits: floats are rounded to this many decimals, 0 to 15; choices and constants stay as typed.
    where: conditions over columns that every row meets; further rows are drawn in place of others.
    derive: further columns, `NAME = EXPRESSION`, each over the parameters and those derived before.
    unique: no two rows agree in all parameters. This keeps a key of every row in memory.
    force: replace a table, and whatever stands in its record's place.
    progress: called with the rows made and the rows wanted after each chunk.
    show: called with the CSV text of each chunk. note: called with a sentence worth telling.

    The same arguments, versions and seed give the same bytes. UserError for whatever is wrong, with nothing
    half-written; OSError from a stream that fails.
    """
    check_design(design)
    plan = make_plan(
        parameters,
        rows=rows,
        grid=design == "grid",
        index=index,
        digits=digits,
        where=where,
        derive=derive,
        unique=unique,
    )
    draft = _Draft(plan=plan, design=design, seed=_seed(seed, design), progress=progress, show=show)
    if design == "sobol" and note and plan.rows and plan.rows & (plan.rows - 1):
        note(f"a sobol sequence is balanced where its rows are a power of 2; {plan.rows} is none")
    if not isinstance(output, Path):
        return draft.write(output)
    with _named_errors(output, draft):
        output = _target(output, force=force)
        check_replaceable(output, force=force)
        return _write_file(draft, output, force=force)


def _target(output: Path, *, force: bool) -> Path:
    """Check the path and return it, or what it leads to where it is a link that may be written through."""
    try:
        str(output).encode()
    except UnicodeEncodeError:
        raise UserError(
            "the path is not valid UTF-8", where=repr(str(output)), hint="take another -o"
        ) from None
    if output.is_symlink():
        if not force:
            hint = "pass --force to replace it, or another -o"
            raise UserError("the file exists already", where=str(output), hint=hint)
        try:
            output = output.resolve()
        except (OSError, RuntimeError):
            raise UserError("this link leads nowhere", where=str(output), hint="take another -o") from None
    suffix_of(output.name)
    return output


def _write_file(draft: _Draft, output: Path, *, force: bool) -> TableRecord:
    """Write the table and its record, so that neither is ever beside another's."""
    path = record_path(output)
    with (
        whole_file(path, force=True) as side,
        _moved_aside(path) as move_aside,
        whole_file(output, force=force) as stream,
    ):
        record = draft.write(stream, output)
        # On disk before the table takes its name, which it does first: a full disk leaves neither of them.
        side.write(record_bytes(record))
        side.flush()
        os.fsync(side.fileno())
        move_aside()
    return record


@contextmanager
def _moved_aside(path: Path) -> Iterator[Callable[[], None]]:
    """Give a function that moves a file aside: until the block ends well, or else back to its place."""
    aside = path.with_name(f".{path.name}.old-{os.getpid()}-{secrets.token_hex(4)}")

    def move() -> None:
        if os.path.lexists(path):
            path.rename(aside)

    try:
        yield move
    except BaseException:
        if os.path.lexists(aside):
            aside.rename(path)
        raise
    aside.unlink(missing_ok=True)


@dataclass(slots=True, kw_only=True)
class _Draft:
    """A table that is about to be written. `show_failed` is what `show` raised."""

    plan: Plan
    design: str
    seed: int | None
    progress: Callable[[int, int], None] | None
    show: Callable[[str], None] | None
    show_failed: OSError | None = None

    def write(self, stream: BinaryIO, output: Path | None = None) -> TableRecord:
        """Write all rows to the stream, which is the file `output` or CSV for someone else."""
        suffix = suffix_of(output.name) if output else ".csv"
        source = open_design(
            self.design,
            self.plan.parameters,
            seed=self.seed or 0,
            rows=self.plan.rows or 0,
            folder=output.parent if output else None,
        )
        with closing(source):
            _check_total(self.plan, self.design, source)
            maker = RowMaker(self.plan, source)
            write_frames(self._frames(maker, typed=suffix == ".parquet"), stream, suffix)
        stream.flush()
        size = os.fstat(stream.fileno()).st_size if output else 0
        return self._record(output.name if output else "-", maker.kept, size)

    def _frames(self, maker: RowMaker, *, typed: bool) -> Iterator[pl.DataFrame]:
        """Yield the rows as frames; `typed` makes numbers of texts that are numbers in canonical form."""
        words = {p.name: _series(p.law.words, typed=typed) for p in self.plan.parameters if p.law.words}
        shown = 0
        for columns in maker.chunks():
            frame = self._frame(columns, words, shown)
            self._show(frame, header=shown == 0)
            shown = maker.kept
            yield frame
            if self.progress and self.plan.rows is not None:
                self.progress(maker.kept, self.plan.rows)
            elif self.progress:
                self.progress(maker.tried, maker.design.total or 0)

    def _show(self, frame: pl.DataFrame, *, header: bool) -> None:
        if self.show is None:
            return
        try:
            self.show(csv_text(frame, header=header))
        except OSError as error:
            self.show_failed = error
            raise

    def _frame(
        self, columns: Mapping[str, NDArray[Any]], words: Mapping[str, pl.Series], first: int
    ) -> pl.DataFrame:
        series: dict[str, NDArray[Any] | pl.Series | list[str]] = {}
        rows = len(next(iter(columns.values())))
        if self.plan.index is not None:
            series[self.plan.index] = np.arange(first, first + rows, dtype=np.int64)
        for name, column in columns.items():
            if name in words:
                series[name] = words[name].gather(column)
            else:
                series[name] = column.tolist() if column.dtype.kind == "U" else column
        return pl.DataFrame(series)

    def _record(self, name: str, rows: int, size: int) -> TableRecord:
        plan = self.plan
        columns = [*(p.name for p in plan.parameters), *(d.name for d in plan.derive)]
        return TableRecord(
            genstudy=genstudy.__version__,
            table=name,
            bytes=size,
            rows=rows,
            columns=tuple(columns if self.plan.index is None else [self.plan.index, *columns]),
            index=self.plan.index,
            design=self.design,
            seed=self.seed,
            parameters=tuple((p.name, p.law.text) for p in plan.parameters),
            derive=tuple((d.name, d.expression.text) for d in plan.derive),
            where=plan.conditions,
            unique=plan.unique,
            digits=plan.digits,
            versions=_versions(plan.parameters, self.design),
        )


@contextmanager
def _named_errors(output: Path, draft: _Draft) -> Iterator[None]:
    """Name the table in what the file system refuses, but not in what the shown rows ran into."""
    try:
        yield
    except OSError as error:
        if draft.show_failed is not None:
            raise draft.show_failed from None
        left = "what stood there before is still there" if _stands(output) else "nothing was left there"
        reason = error.strerror or error
        raise UserError(f"cannot be written: {reason}", where=str(output), hint=left) from error


def _stands(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # the name is too long, or the folder cannot be read
        return False


def _seed(seed: int | None, design: str) -> int | None:
    """Return the seed to use, drawn where none is given, or None where the design is not random."""
    if seed is not None and seed < 0:
        raise UserError(f"the seed is {seed}", hint="a seed is a whole number, 0 or more")
    if design == "grid":
        return None
    return secrets.randbits(32) if seed is None else seed


def _check_total(plan: Plan, design: str, source: Design) -> None:
    if plan.rows is not None and source.total is not None and plan.rows > source.total:
        raise UserError(
            f"the design {design} has {source.total} points, and {plan.rows} rows are wanted",
            hint="take the design random or lhs",
        )


def _series(words: Sequence[str], *, typed: bool) -> pl.Series:
    """Return the words as texts, or as numbers where `typed` and each is its number's own spelling."""
    numbers = word_numbers(tuple(words)) if typed else None
    if numbers is not None and all(str(n) == word for n, word in zip(numbers.tolist(), words, strict=True)):
        return pl.Series(numbers)
    return pl.Series(words, dtype=pl.String)


def _versions(parameters: Sequence[Parameter], design: str) -> dict[str, str]:
    versions = {"python": platform.python_version(), "numpy": np.__version__, "polars": pl.__version__}
    if design in NEEDS_SCIPY or any(parameter.law.needs_scipy for parameter in parameters):
        import scipy

        versions["scipy"] = scipy.__version__
    return versions

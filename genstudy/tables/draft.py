"""A table that is about to be written: its rows as frames, and at the end its record."""

from __future__ import annotations

import os
import platform
from contextlib import closing
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import polars as pl

import genstudy
from genstudy.designs.choose import open_design
from genstudy.designs.grid import grid_size
from genstudy.designs.kinds import untold
from genstudy.designs.quality import grid_facts
from genstudy.parameters.levels import word_numbers
from genstudy.tables.append import append_frames, check_last_row
from genstudy.tables.plan import check_rows
from genstudy.tables.record import TableRecord
from genstudy.tables.rows import RowMaker
from genstudy.tables.write import csv_text, suffix_of, write_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from genstudy.designs.design import Design
    from genstudy.tables.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """A table that others rows are added to: where it is, and how it was made.

    passed: rows that the design makes first, and that are in the table already. known: for a grid that has
    become wider, which levels of each axis were there before.
    """

    table: Path
    record: TableRecord
    passed: int
    known: Sequence[NDArray[np.bool_]] | None = None

    @property
    def earlier(self) -> tuple[tuple[tuple[str, str], ...], ...]:
        """The laws of each part that is there, where laws change."""
        return self.record.earlier if self.known is None else (*self.record.earlier, self.record.parameters)


@dataclass(slots=True, kw_only=True)
class Draft:
    """A table that is about to be written. `show_failed` is what `show` raised.

    before: the table that it begins with, if any. filled: see LatinPoints, where such was extended.
    """

    plan: Plan
    before: Before | None = None
    filled: int | None = field(default=None, init=False)
    progress: Callable[[int, int], None] | None = None
    show: Callable[[str], None] | None = None
    note: Callable[[str], None] = untold
    show_failed: OSError | None = field(default=None, init=False)

    def write(self, stream: BinaryIO, output: Path | None = None) -> TableRecord:
        """Write all rows to the stream, which is the file `output` or CSV for someone else."""
        suffix = suffix_of(output.name) if output else ".csv"
        with closing(self._open(output)) as design:
            maker = RowMaker(self.plan, design)
            frames = self._frames(maker, typed=suffix == ".parquet")
            if self.before is None:
                write_frames(frames, stream, suffix)
            else:
                append_frames(self.before.table, frames, stream, suffix)
            self.filled = getattr(design.source, "filled", None)
        stream.flush()
        size = os.fstat(stream.fileno()).st_size if output else 0
        return self._record(output.name if output else "-", maker, size)

    def _open(self, output: Path | None) -> Design:
        plan = self.plan
        rows = plan.rows if plan.design.kind.rows == "any" else plan.asked
        design = open_design(
            plan.design,
            plan.axes,
            plan.parameters,
            seed=plan.seed or 0,
            rows=rows,
            order=plan.order,
            correlate=plan.correlate,
            folder=output.parent if output else None,
            parts=() if rows is None else self._parts(rows),
            known=None if self.before is None else self.before.known,
            note=self.note,
        )
        try:
            check_rows(plan, design.total, design.block)
        except BaseException:
            design.close()
            raise
        return design

    def _frames(self, maker: RowMaker, *, typed: bool) -> Iterator[pl.DataFrame]:
        """Yield the rows as frames; `typed` makes numbers of texts that are numbers in canonical form."""
        words = {p.name: _series(p.law.words, typed=typed) for p in self.plan.parameters if p.law.words}
        before = self.before
        shown = before.record.rows if before else 0
        # The last rows that are there are made again, and the last one is compared with the table's.
        again = self.plan.replicates if before and before.passed else 0
        for columns in maker.chunks(before.passed - 1 if before and before.passed else 0):
            frame = self._frame(columns, words, shown - again)
            if before and again:
                there, frame = frame.head(again), frame.slice(again)
                again -= there.height
                if not again:
                    check_last_row(before.table, there.tail(1))
            if not frame.height:
                continue
            self._show(frame, header=shown == 0)
            shown += frame.height
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

    def _record(self, name: str, maker: RowMaker, size: int) -> TableRecord:
        plan, block, before = self.plan, maker.design.block, self.before
        passed = sum(before.record.parts) if before and not before.passed else 0
        made = maker.kept + passed
        return TableRecord(
            genstudy=genstudy.__version__,
            table=name,
            bytes=size,
            rows=made * plan.replicates,
            columns=tuple(plan.columns),
            index=plan.index,
            design=plan.design.text,
            seed=plan.seed,
            block=block * plan.replicates if block > 1 else 1,
            parts=self._parts(made),
            earlier=before.earlier if before else (),
            parameters=tuple((p.name, p.law.text) for p in plan.parameters),
            groups=tuple(group.text for group in plan.groups),
            correlate=plan.correlate,
            order=plan.order,
            replicates=plan.replicates,
            derive=tuple((d.name, d.expression.text) for d in plan.derive),
            where=plan.where,
            exclude=plan.exclude,
            unique=plan.unique,
            digits=plan.digits,
            quality=self._quality(maker),
            versions=_versions(plan),
        )

    def _quality(self, maker: RowMaker) -> dict[str, Any] | None:
        """Return how good the rows are, by the first of them; None where these tell nothing of the others."""
        plan, before = self.plan, self.before
        if plan.design.name == "grid" and not plan.filtered:
            return grid_facts(plan.axes, grid_size(plan.axes))
        in_order = plan.design.kind.ordered and plan.order is None
        if (before and not before.passed) or (in_order and maker.kept > maker.sample.most):
            return None
        coded = maker.design.source.kind == "coded"
        return maker.sample.facts(even=not (plan.early or plan.late or plan.correlate or coded))

    def _parts(self, rows: int) -> tuple[int, ...]:
        """Return how many of so many rows of the design each call made, this one the last."""
        if self.before is None:
            return (rows,)
        parts = self.before.record.parts
        return (*parts, rows - sum(parts))


def _series(words: Sequence[str], *, typed: bool) -> pl.Series:
    """Return the words as texts, or as numbers where `typed` and each is its number's own spelling."""
    numbers = word_numbers(tuple(words)) if typed else None
    if numbers is not None and all(str(n) == word for n, word in zip(numbers.tolist(), words, strict=True)):
        return pl.Series(numbers)
    return pl.Series(words, dtype=pl.String)


def _versions(plan: Plan) -> dict[str, str]:
    versions = {"python": platform.python_version(), "numpy": np.__version__, "polars": pl.__version__}
    laws = any(parameter.law.needs_scipy for parameter in plan.parameters)
    needs = {*plan.design.needs, *(["scipy"] if plan.correlate or laws else [])}
    return versions | {package: version(package) for package in sorted(needs)}

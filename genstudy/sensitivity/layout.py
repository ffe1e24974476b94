"""How the rows of a campaign are blocks of its design, and what each block tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genstudy.designs.axes import make_axes
from genstudy.designs.blocks import varying
from genstudy.designs.choose import parse_design
from genstudy.designs.kinds import Request
from genstudy.designs.saltelli import saltelli_block
from genstudy.errors import UserError, near
from genstudy.parameters.grammar import parse_law
from genstudy.parameters.groups import parse_groups
from genstudy.parameters.laws import Parameter
from genstudy.specs.manifest import FILE_NAME
from genstudy.tables.record import record_from

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from genstudy.designs.axes import Axis
    from genstudy.designs.choose import DesignChoice
    from genstudy.designs.source import PointSource
    from genstudy.specs.manifest import Manifest
    from genstudy.tables.record import TableRecord

NAMES = ("saltelli", "morris")
"""The designs whose rows give sensitivity indices."""

HINT = "make a table for it: genstudy csv ... --design saltelli, or --design morris to screen many parameters"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The blocks of a campaign.

    axes: what the design varies; constants are none. block: points of a block; size: rows of one, which are
    `replicates` times as many. first: the number of the first block of the design that the campaign has;
    blocks: how many it has. parts: points that each call made.
    """

    design: DesignChoice
    axes: tuple[Axis, ...]
    seed: int
    order: str | None
    parts: tuple[int, ...]
    block: int
    replicates: int
    first: int
    blocks: int

    @property
    def size(self) -> int:
        """Rows of a block in the table."""
        return self.block * self.replicates

    @property
    def start(self) -> int:
        """The number of the first row of the first block."""
        return self.first * self.size

    @property
    def rows(self) -> int:
        """Rows of all blocks."""
        return self.blocks * self.size

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the axes: parameters, and groups as they are written."""
        return tuple(axis.name for axis in self.axes)

    @property
    def second_order(self) -> bool:
        """Whether blocks have rows for indices of pairs."""
        return bool(self.design.arguments.get("second_order", False))

    def place_of(self, name: str) -> int:
        """Return the place of the axis that is a parameter or a group, or has this parameter in it."""
        for place, axis in enumerate(self.axes):
            if name == axis.name or name in (parameter.name for parameter in axis.parameters):
                return place
        raise UserError(
            f"the design varies no parameter '{name}'{near(name, self.names)}",
            hint=f"it varies: {', '.join(self.names)}",
        )

    def open(self) -> PointSource:
        """Open the points of the design again, at the first block of the campaign."""
        request = Request(
            axes=self.axes,
            seed=self.seed,
            rows=sum(self.parts),
            arguments=self.design.arguments,
            order=self.order,
            parts=self.parts,
        )
        source = self.design.kind.open(request)
        source.skip(self.first * self.block)
        return source


def gives_indices(manifest: Manifest) -> bool:
    """Tell whether a campaign's table was made by a design that gives sensitivity indices."""
    record = manifest.table.record or {}
    return str(record.get("design")).partition("(")[0] in NAMES


def layout_of(folder: Path, manifest: Manifest) -> Layout:
    """Return how the rows of a campaign are blocks. Raises UserError where its design has none."""
    record = _record(folder, manifest)
    design = parse_design(record.design)
    if design.name not in NAMES:
        raise UserError(
            f"the design {design.name} gives no sensitivity indices", where=str(folder), hint=HINT
        )
    axes = _axes(record)
    block = len(axes) + 1
    if design.name == "saltelli":
        block = saltelli_block(len(axes), second_order=design.arguments["second_order"])
    size = block * record.replicates
    start, stop = manifest.settings.start, manifest.settings.start + manifest.settings.rows
    first = -(-start // size)
    blocks = stop // size - first
    if blocks < 1:
        raise UserError(f"the campaign has no whole block of {size} rows", where=str(folder))
    layout = Layout(
        design=design,
        axes=tuple(axes),
        seed=record.seed or 0,
        order=record.order,
        parts=record.parts,
        block=block,
        replicates=record.replicates,
        first=first,
        blocks=blocks,
    )
    try:
        layout.open().close()
    except UserError:
        raise _unclear(folder) from None
    return layout


def _record(folder: Path, manifest: Manifest) -> TableRecord:
    if manifest.table.record is None:
        raise UserError("nothing tells how the table was made", where=str(folder), hint=HINT)
    try:
        record = record_from(manifest.table.record)
    except (KeyError, TypeError, ValueError):
        raise _unclear(folder) from None
    if not _makes_sense(record, manifest):
        raise _unclear(folder)
    return record


def _makes_sense(record: TableRecord, manifest: Manifest) -> bool:
    """Tell whether a record can be of this table, as far as its layout asks for."""
    seed = (manifest.table.record or {}).get("seed")
    names = {name for name, _ in record.parameters}
    return (
        (seed is None or (isinstance(seed, int) and seed >= 0))
        and record.replicates > 0
        and bool(names)
        and names <= set(manifest.table.columns)
        and all(isinstance(group, str) for group in record.groups)
    )


def _unclear(folder: Path) -> UserError:
    return UserError(
        "the record of how the campaign's table was made cannot be understood",
        where=str(folder / FILE_NAME),
        hint="another version of genstudy may have written it",
    )


def _axes(record: TableRecord) -> Sequence[Axis]:
    parameters = [Parameter(name=name, law=parse_law(law)) for name, law in record.parameters]
    groups = parse_groups(record.groups, [parameter.name for parameter in parameters])
    return varying(make_axes(parameters, groups))


def saltelli_roles(layout: Layout, axis: int) -> tuple[int, int, int]:
    """Return the places of A, AB_i and B in a block of Saltelli's design."""
    return 0, 1 + axis, layout.block - 1


@dataclass(frozen=True, slots=True)
class Moves:
    """The steps of Morris' trajectories. Both arrays have a row a trajectory and a column an axis.

    before: the place of the row before the step of the axis; the one behind it comes next.
    change: how far the axis went, as a share of its range or its levels; negative where it went down.
    """

    before: NDArray[np.int32]
    change: NDArray[np.float64]


TOGETHER = 2**18
"""Points that are made at a time, about."""


def moves_of(layout: Layout) -> Moves:
    """Return the steps of a campaign's trajectories, from the design made again."""
    count = len(layout.axes)
    before = np.empty((layout.blocks, count), dtype=np.int32)
    change = np.empty((layout.blocks, count))
    source = layout.open()
    step = max(1, TOGETHER // (layout.block * count))
    for start in range(0, layout.blocks, step):
        stop = min(start + step, layout.blocks)
        columns = drawn(source, (stop - start) * layout.block)
        for place, (axis, column) in enumerate(zip(layout.axes, columns, strict=True)):
            went = np.diff(column.reshape(-1, layout.block), axis=1)
            row = np.abs(went).argmax(axis=1)
            before[start:stop, place] = row
            change[start:stop, place] = _change(axis, column.reshape(-1, layout.block), row)
    source.close()
    return Moves(before, change)


def _change(axis: Axis, points: NDArray[np.float64], row: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how far an axis goes behind these rows: points of [-1, 1], or the levels nearest to them."""
    each = np.arange(len(points))
    place = (points + 1) / 2
    if axis.count is not None and axis.count > 1:
        place = np.rint(place * (axis.count - 1)) / (axis.count - 1)
    change: NDArray[np.float64] = place[each, row + 1] - place[each, row]
    return change


def drawn(source: PointSource, count: int) -> list[NDArray[np.float64]]:
    """Return the next points, all of them, a column an axis."""
    pieces = []
    while count:
        pieces.append(list(source.draw(count)))
        count -= len(pieces[-1][0])
    return [np.concatenate(parts) for parts in zip(*pieces, strict=True)]

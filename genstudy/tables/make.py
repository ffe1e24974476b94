"""Makes a table: parameters in, a file of rows and its record out."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from genstudy.designs.choose import parse_design
from genstudy.designs.kinds import untold
from genstudy.errors import UserError
from genstudy.files import whole_file
from genstudy.tables.draft import Draft
from genstudy.tables.plan import make_plan
from genstudy.tables.record import check_replaceable, record_bytes, record_path
from genstudy.tables.write import suffix_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from genstudy.designs.copula import Correlation
    from genstudy.parameters.laws import Parameter
    from genstudy.tables.record import TableRecord


def make_table(
    parameters: Sequence[Parameter],
    *,
    output: Path | BinaryIO,
    rows: int | None = None,
    design: str = "random",
    seed: int | None = None,
    groups: Sequence[str] = (),
    correlate: Sequence[Correlation] = (),
    order: str | None = None,
    replicates: int = 1,
    index: str | None = None,
    digits: int | None = None,
    where: Sequence[str] = (),
    exclude: Sequence[str] = (),
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
    rows: how many rows of the design; None for 20, or for all that the design has.
    design: one of designs.kinds.KINDS, with arguments where it takes any: `lhs(optimize=lloyd)`.
    seed: 0 or more; None draws one of 32 bits.
    groups: parameters that the design varies as one: `zip(a, b)`, `zip(a, product(b, c))`.
    correlate: (a, b, r): two parameters and the rank correlation (Spearman) that they are to have.
    order: shuffle or stratified, for designs whose rows have an order of their own.
    replicates: so many rows for each row of the design, numbered from 1 in the column `replicate`.
    index: the name of a first column that counts from 0.
    digits: floats are rounded to this many decimals, 0 to 15; choices and constants stay as typed.
    where: conditions over columns that every row meets; further rows are drawn in place of others.
    exclude: conditions that no row meets.
    derive: further columns, `NAME = EXPRESSION`, each over the parameters and those derived before.
    unique: no two rows agree in all parameters. This keeps a key of every row in memory.
    force: replace a table, and whatever stands in its record's place.
    progress: called with the rows made and the rows wanted after each chunk.
    show: called with the CSV text of each chunk. note: called with a sentence worth telling.

    The same arguments, versions and seed give the same bytes. UserError for whatever is wrong, with nothing
    half-written; OSError from a stream that fails.
    """
    choice = parse_design(design)
    plan = make_plan(
        parameters,
        choice,
        rows=rows,
        seed=_seed(seed, seeded=choice.kind.seeded or order == "shuffle"),
        groups=groups,
        correlate=correlate,
        order=order,
        replicates=replicates,
        index=index,
        digits=digits,
        where=where,
        exclude=exclude,
        derive=derive,
        unique=unique,
    )
    draft = Draft(plan=plan, progress=progress, show=show, note=note or untold)
    if choice.name == "sobol" and note and plan.rows and plan.rows & (plan.rows - 1):
        note(f"a sobol sequence is balanced where its rows are a power of 2; {plan.rows} is none")
    if order and note and not choice.kind.ordered:
        note(f"any rows of the design {choice.name} are as good as others: --order changes nothing")
    if not isinstance(output, Path):
        return draft.write(output)
    with named_errors(output, draft):
        output = target(output, force=force)
        check_replaceable(output, force=force)
        return write_file(draft, output, force=force)


def target(output: Path, *, force: bool) -> Path:
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


def write_file(draft: Draft, output: Path, *, force: bool) -> TableRecord:
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


def grow_file(draft: Draft, output: Path, before: TableRecord) -> TableRecord:
    """Write a longer table in place of the one that is there; a crash leaves one of them, with its record.

    The record takes its place first, and holds that of the shorter table too.
    """
    with whole_file(output, force=True) as stream:
        record = draft.write(stream, output)
        stream.flush()
        os.fsync(stream.fileno())
        with whole_file(record_path(output), force=True) as side:
            side.write(record_bytes(record, before=before))
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


@contextmanager
def named_errors(output: Path, draft: Draft) -> Iterator[None]:
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


def _seed(seed: int | None, *, seeded: bool) -> int | None:
    """Return the seed to use, drawn where none is given, or None where the design is not random."""
    if seed is not None and seed < 0:
        raise UserError(f"the seed is {seed}", hint="a seed is a whole number, 0 or more")
    if not seeded:
        return None
    return secrets.randbits(32) if seed is None else seed

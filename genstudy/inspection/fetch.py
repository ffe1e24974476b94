"""A row's files by the row's id, wherever they are by now."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from genstudy.archives.trees import bytes_of, shown
from genstudy.batches.known import find_rows, read_campaign
from genstudy.batches.rows import LABEL, batch_rows
from genstudy.batches.stored import open_stored, workspaces
from genstudy.errors import UserError, near
from genstudy.inspection.fetch_write import write_file, write_folder
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.ranges import Rows
from genstudy.maestro.specs import folder_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from genstudy.batches.known import Known
    from genstudy.batches.stored import Stored
    from genstudy.inspection.fetch_write import Item
    from genstudy.ledger.state import BatchState


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A file, folder (kind d), link (l) or FIFO (p). path: for a row `step/file`; nbytes: of a file."""

    path: str
    kind: str
    nbytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Files of a row, or of a batch. what: whose, in words. where: the archive, or the folder of the studies.

    note: what one should know about them, empty if nothing.
    """

    what: str
    where: Path
    files: tuple[FoundFile, ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What was written. target: the file or folder, None for a stream. files, nbytes: how many, how much.

    refused: links that lead out of the folder, and FIFOs, which were not made.
    """

    what: str
    where: Path
    target: Path | None
    files: int
    nbytes: int
    refused: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Files that can be fetched: their paths for people, and the members. name: of a folder for all of them.

    steps: names of steps and of their folders, where paths begin with a step's folder.
    """

    what: str
    name: str
    stored: Stored
    items: Sequence[Item]
    steps: Mapping[str, str]
    note: str = ""


def row_files(folder: str | Path, row: str, *, attempt: int | None = None) -> Files:
    """Return the files of a row, of its last try that came to an end, or of another attempt.

    row: its id. Raises UserError where there is no such row, or it has not ended yet.
    """
    with _row(read_campaign(Path(folder)), row, attempt) as found:
        return _listed(found)


def batch_files(folder: str | Path, batch: str) -> Files:
    """Return all files of a batch's studies, and their logs."""
    with _batch(read_campaign(Path(folder)), batch, "") as found:
        return _listed(found)


def fetch_row(
    folder: str | Path,
    row: str,
    path: str | None = None,
    *,
    to: str | Path | BinaryIO | None = None,
    attempt: int | None = None,
    force: bool = False,
) -> Fetched:
    """Write files of a row to another place, out of its archive or from its workspaces.

    row: its id. path: `step/file`, a step, or a file's name that one step alone has; None: all. to: the new
    file, or a stream, if it is one file, else the new folder (./row_<id> if nothing is said), in which paths
    begin with the step's folder. attempt: of another try than the last. force: replace what was fetched.

    Raises UserError where there is no such row or file, it has not ended, or the target exists.
    """
    with _row(read_campaign(Path(folder)), row, attempt) as found:
        return _fetched(found, path, to, force=force)


def fetch_batch(
    folder: str | Path,
    batch: str,
    path: str | None = None,
    *,
    to: str | Path | BinaryIO | None = None,
    force: bool = False,
) -> Fetched:
    """Write files of a batch's studies to another place, as fetch_row does.

    path: as batch_files has it, it begins with a study's name; None: all files.
    """
    with _batch(read_campaign(Path(folder)), batch, path or "") as found:
        return _fetched(found, path, to, force=force)


def _listed(found: _Found) -> Files:
    return Files(
        what=found.what,
        where=found.stored.path,
        files=tuple(FoundFile(path=path, kind=item.kind, nbytes=item.size) for path, item in found.items),
        note=found.note,
    )


def _fetched(found: _Found, path: str | None, to: str | Path | BinaryIO | None, *, force: bool) -> Fetched:
    items = found.items if path is None else _select(found, path)
    target = Path(to) if isinstance(to, str) else to
    refused: tuple[str, ...] = ()
    if len(items) == 1 and path is not None and items[0][1].kind != "d":
        name, member = items[0]
        if member.kind != "f":
            what = f"a link to {shown(member.link)}" if member.kind == "l" else "a FIFO"
            raise UserError(f"{shown(name)} is {what}, not a file", hint="fetch the folder that it is in")
        target = target or Path(os.fsdecode(bytes_of(name)).rpartition("/")[2])
        write_file(found.stored, member, target, force=force)
    else:
        target = target or Path(found.name)
        if not isinstance(target, Path):
            raise UserError("this is more than one file", hint="name one: step/file, as --list shows them")
        refused = write_folder(found.stored, items, target, force=force)
    files = [member for _, member in items if member.kind == "f"]
    return Fetched(
        what=found.what,
        where=found.stored.path,
        target=target if isinstance(target, Path) else None,
        files=len(files),
        nbytes=sum(member.size for member in files),
        refused=refused,
        note=found.note,
    )


def _select(found: _Found, path: str) -> list[Item]:
    """Return the file of that path, or the folder with all that is in it."""
    wanted = path.strip("/")
    first, slash, rest = wanted.partition("/")
    wanted = found.steps.get(first, first) + slash + rest
    if chosen := _below(found.items, wanted):
        return chosen
    inside = [name for name, _ in found.items if found.steps and name.partition("/")[2] == wanted]
    if len(inside) == 1:
        return _below(found.items, inside[0])
    if inside:
        raise UserError(
            f"more than one step has '{shown(wanted)}'", hint=f"take one of {', '.join(map(shown, inside))}"
        )
    names = [name for name, _ in found.items]
    alike = near(wanted, names) or near(wanted, [name.partition("/")[2] for name in names])
    raise UserError(f"{found.what} has no file '{shown(path)}'{alike}", hint="--list shows all")


def _below(items: Sequence[Item], path: str) -> list[Item]:
    return [(name, member) for name, member in items if name == path or name.startswith(f"{path}/")]


@contextmanager
def _batch(known: Known, batch_id: str, path: str) -> Iterator[_Found]:
    batch = known.state.batches.get(batch_id)
    if batch is None:
        ids = list(known.state.batches)
        raise UserError(
            f"there is no batch '{batch_id}'{near(batch_id, ids)}",
            where=str(known.folder),
            hint=f"the first is {ids[0]}, the last {ids[-1]}",
        )
    if not batch.studies:
        raise UserError(f"batch {batch_id} has not been run yet: it is pending", where=str(known.folder))
    name = batch.entry.name
    with open_stored(known.folder, batch) as stored:
        items = [(member.path, member) for member in stored.members(path.strip("/"))]
        note = "" if batch.ended else "it has not ended: there will be more"
        yield _Found(what=f"batch {batch_id}", name=name, stored=stored, items=items, steps={}, note=note)


@contextmanager
def _row(known: Known, row: str, attempt: int | None) -> Iterator[_Found]:
    number = find_rows(known, [row])[row]
    batch, study, note = _ended(known, row, number, attempt)
    rows = batch_rows(known.folder, known.manifest, batch.entry)
    with open_stored(known.folder, batch) as stored:
        items = [
            (place.step + member.path.removeprefix(place.path), member)
            for place in workspaces(known, stored, study, rows, [number])
            for member in stored.members(place.path)
        ]
        what = f"row {row}" + (f", attempt {batch.entry.attempt}," if batch.entry.attempt > 1 else "")
        if not items:
            done = number in batch.done
            raise UserError(
                f"{what} {'is done, and its workspaces are missing' if done else 'failed and left no files'}",
                where=f"{stored.path}, study {study}",
                hint="genstudy verify looks at all of them"
                if done
                else f"fetch --batch {batch.entry.id} has the rest",
            )
        steps = {step.name: folder_name(step.name) for step in known.manifest.steps}
        yield _Found(what=what, name=f"{LABEL}{row}", stored=stored, items=items, steps=steps, note=note)


def _ended(known: Known, row: str, number: int, attempt: int | None) -> tuple[BatchState, str, str]:
    """Return the batch and study in which a row ended, and what one should know about it."""
    batches = known.batches_of(number)
    tries = [(batch, study) for batch in batches for study, ran in batch.study_of if number in ran]
    if attempt is not None:
        tries = [(batch, study) for batch, study in tries if batch.entry.attempt == attempt]
        if attempt not in {batch.entry.attempt for batch in batches}:
            there = "is 1" if len(batches) == 1 else f"are {len(batches)}"
            raise UserError(f"row {row} has no attempt {attempt}: there {there}", where=str(known.folder))
    if not tries:
        batch = next((b for b in batches if b.entry.attempt == attempt), batches[-1])
        if number in batch.failed:
            state = next(one.state for one in batch.failures if number in Rows.parse(one.rows))
            raise UserError(
                f"row {row} has no files: its job ended ({state}) before it began, in batch {batch.entry.id}",
                where=str(known.folder),
                hint="genstudy retry puts it into a new batch",
            )
        how = "is pending"
        if any(number in Rows.parse(start.rows) for start in batch.running.values()):
            how = "is being run" if Ledger(known.folder).owner() else "was cut short"
        raise UserError(
            f"row {row} has not ended yet: it {how} in batch {batch.entry.id}",
            where=str(known.folder),
            hint="genstudy status shows how far the campaign is",
        )
    batch, study = tries[-1]
    later = batches[-1]
    note = ""
    if attempt is None and later is not batch:
        note = f"these are of attempt {batch.entry.attempt}; the row is tried again in batch {later.entry.id}"
    return batch, study, note

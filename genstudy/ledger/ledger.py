"""A campaign's ledger: what its owners recorded, one after the other, and how to become its owner.

Each owner has a generation: a number, and files of its own. Whoever makes the owner file of the next number
owns the campaign, so two never do. Its owner file says how many records of the owner before count: what a
process writes that was taken for dead, and wakes up, is of no effect.
"""

from __future__ import annotations

import json
import os
import pwd
import time
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

import genstudy
from genstudy.errors import GenstudyError, UserError
from genstudy.ledger.alive import is_alive, pid_start, this_place
from genstudy.ledger.generations import BEAT, CANCEL, LEDGER, OWNER, RECORDS, Generations
from genstudy.ledger.lease import OWN, Ownership
from genstudy.ledger.records import RECORD, Owned, Stopped
from genstudy.ledger.tasks import OF_A_BATCH, Given, tasks_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from genstudy.ledger.records import Record

BEAT_SECONDS = 5.0
PATIENCE = 30.0
LOOKS = 30


@dataclass(slots=True)
class Place:
    """How far a ledger was read: so many lines of a generation's records."""

    generation: int = 0
    lines: int = 0


class Ledger:
    """The ledger of a campaign, or that of a task which runs one batch of it."""

    def __init__(
        self,
        folder: Path,
        name: str = LEDGER,
        *,
        beat: float = BEAT_SECONDS,
        patience: float = PATIENCE,
    ) -> None:
        """Take the folder of a campaign, or of a wave's tasks, and the ledger's name; it need not exist.

        beat: seconds between an owner's signs of life. patience: how many seconds to look for them where
        nothing else tells whether an owner lives.
        """
        self._campaign = folder
        self._files = Generations(folder, name)
        self._beat, self._patience = beat, patience

    def records(self) -> Iterator[Record]:
        """Yield all records that count, in order: those of the campaign, then those of tasks at work for it.

        A torn last line of a file was never recorded. Raises GenstudyError, naming file and line, for any
        other line that cannot be understood.
        """
        given, place = Given(), Place()
        for record in self.own_records(place):
            given.follow(record)
            yield record
        if not given.open:
            return
        recorded = {
            batch: (wave, self.task(wave, batch).batch_records()) for batch, (wave, _) in given.open.items()
        }
        # What was copied, and taken away, while these were read stands in the campaign's ledger now.
        for record in self.own_records(place):
            given.follow(record)
            yield record
        for batch, (wave, copied) in given.open.items():
            if batch in recorded and recorded[batch][0] == wave:
                yield from recorded[batch][1][copied:]

    def own_records(self, place: Place | None = None) -> Iterator[Record]:
        """Yield the records of this ledger itself, from a place on, which is moved along."""
        place = place or Place()
        for generation in self._files.numbers(RECORDS):
            if generation < place.generation:
                continue
            if generation > place.generation:
                place.generation, place.lines = generation, 0
            successor = self._owned(generation + 1)
            for record in self._records_of(
                generation, successor.previous if successor else None, place.lines
            ):
                place.lines += 1
                yield record

    def batch_records(self) -> list[Record]:
        """Return what was recorded of batches: of a task's ledger, all that is copied to the campaign's."""
        return [record for record in self.own_records() if isinstance(record, OF_A_BATCH)]

    def task(self, wave: int, batch: str) -> Ledger:
        """Return the ledger of the task that has a batch of this campaign."""
        return Ledger(tasks_folder(self._campaign, wave), batch, beat=self._beat, patience=self._patience)

    def own(self, options: Mapping[str, Any], tell: Callable[[str], None]) -> Ownership:
        """Make this process the campaign's owner; the context that is returned ends that.

        options: what was asked for, for people to read. tell: gets a line if there is something to wait for.
        Raises UserError if another process owns it, or may own it.
        """
        newest = self._files.newest()
        if newest:
            self._check_free(newest, tell)
        owned = _owned_by_this_process(newest + 1, self._lines(newest), options)
        if not self._files.create_owner(owned.generation, owned.model_dump_json().encode() + b"\n"):
            raise self._taken(self._owned(owned.generation))
        try:
            return Ownership(self._files, owned, beat=self._beat)
        except BaseException:
            self._files.path(OWNER, owned.generation).unlink()
            raise

    def take_over(self, options: Mapping[str, Any]) -> Ownership | None:
        """Make this process the owner, whoever is it now; None where it was sealed.

        It is for tasks, which a scheduler starts one at a time: an earlier try is over, or cut off.
        Raises FileNotFoundError where the folder of the wave's tasks is gone.
        """
        while True:
            owned = self._next(options)
            if owned is None:
                return None
            if self._claim(owned):
                return Ownership(self._files, owned, beat=self._beat)

    def seal(self) -> bool:
        """See to it that nobody owns this any more: what is recorded from now on does not count.

        Returns whether anybody ever did.
        Raises FileNotFoundError where the folder of the wave's tasks is gone.
        """
        while (owned := self._next({}, sealed=True)) is not None:
            self._claim(owned)
        return self._files.newest() > 1

    def begun(self) -> bool:
        """Tell whether anybody has ever owned this."""
        return self._files.newest() > 0

    def ending(self) -> str | None:
        """Return why the last owner gave this up, empty where it simply came to the end; None: it has not."""
        generations = self._files.numbers(OWNER)
        while generations and (owned := self._owned(generations[-1])) is not None and owned.sealed:
            generations.pop()
        line = self._files.last_line(RECORDS, generations[-1]) if generations else None
        try:
            last = RECORD.validate_json(line) if line is not None else None
        except ValidationError:
            return None
        return last.reason if isinstance(last, Stopped) else None

    def owner(self) -> Owned | None:
        """Return the process that owns the campaign, as far as is known without waiting."""
        newest = self._files.newest()
        owned = self._owned(newest) if newest and not self._has_stopped(newest) else None
        return None if owned is None or _holds(owned) is False else owned

    def request_cancel(self) -> Owned | None:
        """Ask the campaign's owner to stop at once, and return which process that is; None: there is none."""
        owned = self.owner()
        if owned is not None:
            self._files.path(CANCEL, owned.generation).touch()
        return owned

    def _next(self, options: Mapping[str, Any], *, sealed: bool = False) -> Owned | None:
        """Return what the next owner file would say; None where there shall be no more."""
        newest = self._files.newest()
        last = self._owned(newest) if newest else None
        if last is not None and last.sealed:
            return None
        owned = _owned_by_this_process(newest + 1, self._lines(newest), options)
        return owned.model_copy(update={"sealed": sealed})

    def _claim(self, owned: Owned) -> bool:
        """Take a generation from an owner that may be at work; False where it has to be tried again.

        What was recorded after the count, and before the owner file was there, was recorded with good right:
        its writer has looked for that file behind it.
        """
        if not self._files.create_owner(owned.generation, owned.model_dump_json().encode() + b"\n"):
            return False
        if self._lines(owned.generation - 1) == owned.previous:
            return True
        self._files.path(OWNER, owned.generation).unlink()
        return False

    def _records_of(self, generation: int, count: int | None, skipped: int) -> Iterator[Record]:
        lines = self._files.lines(RECORDS, generation)
        for number, line in enumerate(islice(lines, skipped, count), skipped + 1):
            try:
                yield RECORD.validate_json(line)
            except ValidationError as problem:
                first = problem.errors()[0]
                if first["type"] == "json_invalid" and next(lines, None) is None:
                    return  # after a power failure, a line may be there in length only
                raise GenstudyError(
                    f"{self._files.path(RECORDS, generation)}, line {number}: not a record: {first['msg']}\n"
                    "  if a newer genstudy ran this campaign, use that one; or put the file back from a copy"
                ) from None

    def _lines(self, generation: int) -> int:
        return sum(1 for _ in self._files.lines(RECORDS, generation))

    def _owned(self, generation: int) -> Owned | None:
        """Return what an owner file says, or None if it is not written yet, or damaged."""
        try:
            return Owned.model_validate_json(self._files.read(OWNER, generation) or b"")
        except ValidationError:
            return None

    def _has_stopped(self, generation: int) -> bool:
        line = self._files.last_line(RECORDS, generation)
        try:
            return line is not None and isinstance(RECORD.validate_json(line), Stopped)
        except ValidationError:
            return False

    def _check_free(self, generation: int, tell: Callable[[str], None]) -> None:
        """Raise UserError unless a generation's owner has stopped or is dead."""
        if self._has_stopped(generation):
            return
        owned = self._owned(generation)
        alive = None if owned is None else _holds(owned)
        if alive is None:
            tell(f"{_name(owned)} had this campaign: looking {self._patience:g} s whether it still lives")
            alive = self._shows_life(generation)
        if alive:
            raise self._taken(owned)

    def _shows_life(self, generation: int) -> bool:
        """Look whether an owner writes anything. Only looks count: while we are held up, so may it be."""
        before = [self._files.read(kind, generation) for kind in (OWNER, BEAT)]
        for _ in range(LOOKS):
            time.sleep(self._patience / LOOKS)
            if [self._files.read(kind, generation) for kind in (OWNER, BEAT)] != before:
                return True
        return False

    def _taken(self, owned: Owned | None) -> UserError:
        return UserError(
            f"{_name(owned)} runs this campaign",
            where=str(self._campaign),
            hint="let it end, or stop it there; a campaign is run by one process at a time",
        )


def _owned_by_this_process(generation: int, previous: int, options: Mapping[str, Any]) -> Owned:
    place = this_place()
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = str(os.getuid())
    text = json.dumps(options, default=str, ensure_ascii=False)
    return Owned(
        t=time.time(),
        generation=generation,
        host=place.host,
        machine=place.machine,
        boot=place.boot,
        namespace=place.namespace,
        pid=os.getpid(),
        pid_start=pid_start(),
        user=user,
        genstudy=genstudy.__version__,
        options=json.loads(text.encode("utf-8", "replace")),
        previous=previous,
    )


def _holds(owned: Owned) -> bool | None:
    """Tell whether an owner lives and has not given up; None if that cannot be known from here."""
    alive = is_alive(owned)
    return alive and (owned.pid != os.getpid() or owned in OWN)


def _name(owned: Owned | None) -> str:
    if owned is None:
        return "another process, which has not told its name,"
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(owned.t))
    return f"process {owned.pid} of {owned.user} on {owned.host} (since {since})"

"""Sets of row numbers, held and written as ranges: a batch of any size is a few characters."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Self

from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

RANGE = re.compile(r"(\d{1,18})(?:-(\d{1,18}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rows:
    """A set of row numbers. spans: (first, behind the last), in order, none touching the next."""

    spans: tuple[tuple[int, int], ...] = ()

    @classmethod
    def span(cls, start: int, stop: int) -> Self:
        """Return the rows from `start` to before `stop`."""
        return cls(((start, stop),) if start < stop else ())

    @classmethod
    def of(cls, numbers: Iterable[int]) -> Self:
        """Return the set of these numbers, in whatever order they come."""
        return cls(_joined((number, number + 1) for number in sorted(numbers)))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the rows of a text such as `0-99,105`; the empty text has none. UserError for others."""
        return cls(_joined(sorted(_span(part) for part in text.split(",")))) if text else cls()

    def __str__(self) -> str:
        return ",".join(str(a) if b == a + 1 else f"{a}-{b - 1}" for a, b in self.spans)

    def __len__(self) -> int:
        return sum(stop - start for start, stop in self.spans)

    def __iter__(self) -> Iterator[int]:
        for start, stop in self.spans:
            yield from range(start, stop)

    def __contains__(self, number: int) -> bool:
        place = bisect_right(self.spans, number, key=itemgetter(0)) - 1
        return place >= 0 and number < self.spans[place][1]

    def __or__(self, other: Rows) -> Rows:
        if not self.spans or not other.spans:
            return self if self.spans else other
        return Rows(_joined(sorted(self.spans + other.spans)))

    def __and__(self, other: Rows) -> Rows:
        found = []
        ours, theirs = iter(self.spans), iter(other.spans)
        one, two = next(ours, None), next(theirs, None)
        while one and two:
            start, stop = max(one[0], two[0]), min(one[1], two[1])
            if start < stop:
                found.append((start, stop))
            if one[1] <= two[1]:
                one = next(ours, None)
            else:
                two = next(theirs, None)
        return Rows(tuple(found))

    def __sub__(self, other: Rows) -> Rows:
        if not self.spans or not other.spans:
            return self
        gaps = []
        edge = self.spans[0][0]
        for start, stop in other.spans:
            gaps.append((edge, start))
            edge = max(edge, stop)
        gaps.append((edge, max(edge, self.spans[-1][1])))
        return self & Rows(tuple(gap for gap in gaps if gap[0] < gap[1]))

    def first(self, count: int) -> Rows:
        """Return the lowest `count` rows."""
        found = []
        for start, stop in self.spans:
            if count <= 0:
                break
            found.append((start, min(stop, start + count)))
            count -= stop - start
        return Rows(tuple(found))

    def parts(self, count: int) -> list[Rows]:
        """Return the rows in at most `count` pieces, in order, none more than one row larger than another."""
        pieces, rest = [], self
        for number in range(min(count, len(self)), 0, -1):
            piece = rest.first(-(-len(rest) // number))
            pieces.append(piece)
            rest -= piece
        return pieces


def _span(part: str) -> tuple[int, int]:
    found = RANGE.fullmatch(part)
    start, end = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if end < start:
        raise UserError(f"'{part}' is no range of rows", hint="write rows as 0-99,105")
    return start, end + 1


def _joined(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Join sorted spans that touch or overlap."""
    joined: list[tuple[int, int]] = []
    for start, stop in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((start, stop))
    return tuple(joined)

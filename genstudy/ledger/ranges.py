"""Sets of row numbers, held and written as ranges: a batch of any size is a few characters."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from itertools import chain, islice
from operator import lt
from typing import TYPE_CHECKING

from genstudy.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

RANGE = re.compile(r"(\d{1,18})(?:-(\d{1,18}))?", re.ASCII)
TEXT = re.compile(r"\d{1,18}(?:-\d{1,18})?(?:,\d{1,18}(?:-\d{1,18})?)*", re.ASCII)

BEHIND = 1 << 62
"""A number behind all rows, which have 18 digits at most."""
NO_MORE = (BEHIND, BEHIND)


class Rows:
    """A set of row numbers, which does not change."""

    # Where a range begins and where the rows behind it do, in turns: 16 bytes a range, of which large
    # campaigns have millions; as tuples they would be 120.
    __slots__ = ("_edges",)

    def __init__(self, edges: Iterable[int] = ()) -> None:
        self._edges = array("q", edges)

    @classmethod
    def span(cls, start: int, stop: int) -> Rows:
        """Return the rows from `start` to before `stop`."""
        return cls((start, stop) if start < stop else ())

    @classmethod
    def of(cls, numbers: Iterable[int]) -> Rows:
        """Return the set of these numbers, in whatever order they come."""
        return cls(_joined((number, number + 1) for number in sorted(numbers)))

    @classmethod
    def parse(cls, text: str) -> Rows:
        """Return the rows of a text such as `0-99,105`; the empty text has none. UserError for others."""
        if not text:
            return cls()
        if not TEXT.fullmatch(text):
            raise _no_range(text)
        edges: list[int] = []
        for start, end in RANGE.findall(text):
            edges += int(start), int(end or start) + 1
        if all(map(lt, edges, islice(edges, 1, None))):
            return cls(edges)
        spans = list(_pairs(edges))
        if any(start >= stop for start, stop in spans):
            raise _no_range(text)
        return cls(_joined(sorted(spans)))

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """The ranges: (first, behind the last), in order, none touching the next."""
        return tuple(_pairs(self._edges))

    def __repr__(self) -> str:
        return f"Rows.parse('{self}')"

    def __str__(self) -> str:
        return ",".join(str(a) if b == a + 1 else f"{a}-{b - 1}" for a, b in _pairs(self._edges))

    def __eq__(self, other: object) -> bool:
        return self._edges == other._edges if isinstance(other, Rows) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._edges.tobytes())

    def __len__(self) -> int:
        return sum(self._edges[1::2]) - sum(self._edges[::2])

    def __bool__(self) -> bool:
        return bool(self._edges)

    def __iter__(self) -> Iterator[int]:
        for start, stop in _pairs(self._edges):
            yield from range(start, stop)

    def __contains__(self, number: int) -> bool:
        return bisect_right(self._edges, number) % 2 == 1

    def __or__(self, other: Rows) -> Rows:
        if not self._edges or not other._edges:
            return self if self._edges else other
        return Rows(_joined(sorted(chain(_pairs(self._edges), _pairs(other._edges)))))

    def __and__(self, other: Rows) -> Rows:
        return Rows(_common(self._edges, other._edges))

    def __sub__(self, other: Rows) -> Rows:
        # What is not in the other set begins where that one's ranges end.
        return Rows(_common(self._edges, (-1, *other._edges, BEHIND))) if other._edges else self

    def first(self, count: int) -> Rows:
        """Return the lowest `count` rows."""
        found: list[int] = []
        for start, stop in _pairs(self._edges):
            if count <= 0:
                break
            found += start, min(stop, start + count)
            count -= stop - start
        return Rows(found)

    def parts(self, count: int) -> list[Rows]:
        """Return the rows in at most `count` pieces, in order, none more than one row larger than another."""
        pieces, rest = [], self
        for number in range(min(count, len(self)), 0, -1):
            piece = rest.first(-(-len(rest) // number))
            pieces.append(piece)
            rest -= piece
        return pieces


def _no_range(text: str) -> UserError:
    for part in text.split(","):
        found = RANGE.fullmatch(part)
        if not found or int(found[2] or found[1]) < int(found[1]):
            break
    return UserError(f"'{part}' is no range of rows", hint="write rows as 0-99,105")


def _pairs(edges: Iterable[int]) -> Iterator[tuple[int, int]]:
    each = iter(edges)
    return zip(each, each, strict=True)


def _common(ours: Iterable[int], theirs: Iterable[int]) -> list[int]:
    """Return the edges of what two sets have in common."""
    edges: list[int] = []
    rest = _pairs(theirs)
    begin, end = next(rest, NO_MORE)
    for start, stop in _pairs(ours):
        while end <= stop:
            if start < end:
                edges += max(start, begin), end
            begin, end = next(rest, NO_MORE)
        if begin < stop:
            edges += max(start, begin), stop
    return edges


def _joined(spans: Iterable[tuple[int, int]]) -> list[int]:
    """Return the edges of sorted spans, those that touch or overlap as one."""
    edges: list[int] = []
    for start, stop in spans:
        if edges and start <= edges[-1]:
            edges[-1] = max(stop, edges[-1])
        else:
            edges += start, stop
    return edges

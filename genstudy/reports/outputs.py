"""The results of a campaign, read in one pass, and how they go with its parameters."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from genstudy.databases.problems import database_errors
from genstudy.reports.correlation import associations
from genstudy.reports.sample import Sample
from genstudy.results.place import Place
from genstudy.results.query import open_results

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from genstudy.reports.correlation import Association, Column
    from genstudy.results.query import Results
    from genstudy.specs.manifest import Manifest

AT_A_TIME = 2000
SURE = 0.01
"""A pair is shown if its p-value, times the number of pairs looked at (Bonferroni), is below this."""

DONE = "FINISHED"
REASONS = 10_000
"""So many different reasons are counted at most: they may have text of files in them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A result over the rows that are done. kind: its type.

    given, missing: in how many of them it is there, or not; reason: the most frequent one, empty if none is
    known. low, median, mean, high: of the sample's finite values, None if it has none, or is text.
    """

    name: str
    kind: str
    given: int
    missing: int
    reason: str
    low: float | None
    median: float | None
    mean: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """The results of a campaign. where: the database, and the view there.

    rows: that are done and in the database; sampled: how many of these were looked at together.
    parameters, results: columns of the sample, texts of results left out. found: their associations.
    """

    where: str
    view: str
    rows: int
    sampled: int
    columns: Sequence[Outcome]
    parameters: Mapping[str, Column]
    results: Mapping[str, Column]
    found: Sequence[Association]


def has_results(folder: Path, manifest: Manifest) -> bool:
    """Tell whether there may be results: a database file, or a server that the campaign names."""
    place = Place(folder, manifest, manifest.results, None, None)
    return place.url.file is None or place.url.file.exists()


def outcomes_of(folder: Path, manifest: Manifest) -> Outcomes:
    """Read the results of a campaign. Raises GenstudyError where these cannot be read."""
    names = [name for name in manifest.table.columns if name != manifest.table.index]
    with open_results(folder) as found:
        sample, reasons = _read(found)
        shown = dict(zip(found.parameters, names, strict=True))
        parameters = [_renamed(column, shown) for column in sample.columns(found.parameters)]
        numeric = [name for name in found.results if found.columns[name] in NUMBERS]
        results = sample.columns(numeric)
        return Outcomes(
            where=found.url.shown,
            view=found.view,
            rows=sample.rows,
            sampled=sample.size,
            columns=[
                _outcome(name, found.columns[name] or "text", sample, reasons.get(name), results)
                for name in found.results
            ],
            parameters={column.name: column for column in parameters},
            results={column.name: column for column in results},
            found=associations(parameters, [column for column in results if sample.given[column.name]]),
        )


NUMBERS = frozenset({"int", "float", "bool"})


def _read(found: Results) -> tuple[Sample, dict[str, Counter[str]]]:
    """Stream the rows that are done. Returns a sample of them, and {result: its reasons}."""
    columns = {name: found.columns[name] not in NUMBERS for name in found.parameters}
    columns |= dict.fromkeys(found.results, False)
    sample, reasons = Sample(columns), dict[str, Counter[str]]()
    with (
        database_errors(found.url, "cannot read the results"),
        found.engine.connect().execution_options(yield_per=AT_A_TIME) as connection,
    ):
        for rows in connection.execute(_query(found)).partitions():
            sample.add([row[1:] for row in rows])
            for row in rows:
                if row[0] is not None:
                    _count(row[0], reasons)
    return sample, reasons


def _query(found: Results) -> sa.Select[Any]:
    quoted: dict[str, sa.ColumnClause[Any]] = {
        name: sa.column(sa.quoted_name(name, quote=True)) for name in found.columns
    }
    wanted: list[sa.ColumnElement[Any]] = [quoted["errors"], *(quoted[name] for name in found.parameters)]
    for name in found.results:
        # Of texts only whether they are there: one may be a megabyte.
        is_number = found.columns[name] in NUMBERS
        wanted.append(quoted[name] if is_number else sa.case((quoted[name].is_not(None), 1)))
    view = sa.table(sa.quoted_name(found.view, quote=True), *quoted.values())
    own = (quoted["campaign"] == found.campaign, quoted["state"] == DONE)
    return sa.select(*wanted).select_from(view).where(*own)


def _count(text: str, reasons: dict[str, Counter[str]]) -> None:
    """Count the reasons of a row: JSON {column: reason}."""
    try:
        told = json.loads(text)
    except ValueError:
        return  # somebody else wrote it; that the results are missing is counted all the same
    for name, reason in told.items() if isinstance(told, dict) else ():
        counter = reasons.setdefault(name, Counter())
        if reason in counter or len(counter) < REASONS:
            counter[str(reason)] += 1


def _renamed(column: Column, shown: Mapping[str, str]) -> Column:
    from dataclasses import replace

    return replace(column, name=shown[column.name])


def _outcome(
    name: str, kind: str, sample: Sample, reasons: Counter[str] | None, results: Sequence[Column]
) -> Outcome:
    numbers = next((column.numbers for column in results if column.name == name), np.empty(0))
    finite = numbers[np.isfinite(numbers)]
    some = finite.size > 0
    return Outcome(
        name=name,
        kind=kind,
        given=sample.given[name],
        missing=sample.rows - sample.given[name],
        reason=reasons.most_common(1)[0][0] if reasons else "",
        low=float(finite.min()) if some else None,
        median=float(np.median(finite)) if some else None,
        mean=float(finite.mean()) if some else None,
        high=float(finite.max()) if some else None,
    )


def strongest(found: Sequence[Association], most: int) -> list[Association]:
    """Return the strongest associations, the strongest first; none that chance explains as well."""
    pairs = sum(one.p is not None for one in found)
    sure = (one for one in found if one.size > 0 and (one.p is None or one.p * pairs < SURE))
    return sorted(sure, key=lambda one: -one.size)[:most]

"""Sensitivity indices of a campaign, of as many blocks as there are results of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genstudy.batches.known import read_campaign
from genstudy.errors import UserError, near
from genstudy.inspection.why import why_of
from genstudy.results.query import open_results
from genstudy.sensitivity.agreement import check_agreement
from genstudy.sensitivity.estimator import Estimator
from genstudy.sensitivity.format import (
    Analysis,
    Missing,
    ResultIndices,
    RowSet,
    Waiting,
)
from genstudy.sensitivity.layout import layout_of, moves_of
from genstudy.sensitivity.values import NUMBERS, Values, read_values
from genstudy.sensitivity.waiting import Ended, needed, rows_of_mask

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from genstudy.batches.known import Known
    from genstudy.results.query import Results
    from genstudy.sensitivity.layout import Layout, Moves

RESAMPLES = (10, 100_000)


def analyze_campaign(
    folder: str | Path,
    results: Sequence[str] = (),
    *,
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
    db: str | None = None,
    table: str | None = None,
) -> Analysis:
    """Estimate the sensitivity indices of a campaign from the results that were collected.

    results: names of results; none: all. confidence: of the intervals, between 0 and 1, which come from
    `resamples` samples of blocks (10 to 100,000), drawn by `seed`. db, table: as in open_results.

    The campaign may run meanwhile: each index is of the blocks that have all rows which it needs. Raises
    UserError where the table was made by a design that gives no indices, or nothing was collected yet.
    """
    _check(confidence, resamples, seed)
    return analysis_of(
        read_campaign(Path(folder)),
        results,
        confidence=confidence,
        resamples=resamples,
        seed=seed,
        db=db,
        table=table,
    )


def analysis_of(
    known: Known,
    results: Sequence[str] = (),
    *,
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
    db: str | None = None,
    table: str | None = None,
) -> Analysis:
    """Return the same of a campaign that was read already; the numbers are checked by analyze_campaign."""
    layout = layout_of(known.folder, known.manifest)
    check_agreement(known, layout)
    with open_results(known.folder, db=db, table=table) as found:
        names = _chosen(found, results)
        moves = moves_of(layout) if layout.design.name == "morris" else None
        estimator = Estimator(layout, moves, confidence, resamples, seed)
        ended = Ended(known, layout)
        indices = tuple(_indices(found, layout, names, estimator, ended))
        view = found.view
    failed = any(one.missing.failed.rows for one in indices)
    return Analysis(
        format=1,
        name=known.manifest.name,
        folder=str(known.folder),
        view=view,
        design=layout.design.text,
        parameters=layout.names,
        blocks=layout.blocks,
        block=layout.size,
        replicates=layout.replicates,
        confidence=confidence,
        resamples=resamples,
        seed=seed,
        failed=_row_set(ended.failed, layout),
        waiting=tuple(_waiting(layout, moves, ended)) if failed else (),
        causes=_causes(known) if failed else (),
        results=indices,
    )


def _check(confidence: float, resamples: int, seed: int) -> None:
    if not 0 < confidence < 1:
        raise UserError(f"--confidence is between 0 and 1, not {confidence:g}", hint="0.95 is usual")
    least, most = RESAMPLES
    if not least <= resamples <= most:
        raise UserError(f"--resamples takes {least} to {most}, not {resamples}", hint="1000 are usual")
    if seed < 0:
        raise UserError(f"the seed is {seed}", hint="a seed is a whole number, 0 or more")


def _chosen(found: Results, names: Sequence[str]) -> list[str]:
    """Return the results to look at, as they are called in the database."""
    for name in names:
        if name not in found.results:
            raise UserError(
                f"there is no result '{name}'{near(name, found.results)}",
                where=found.url.shown,
                hint=f"results: {', '.join(found.results)}" if found.results else "no results were taken",
            )
    if not found.results:
        raise UserError(
            "the campaign has no results to analyze",
            where=found.url.shown,
            hint="say under `results:` what rows give; genstudy collect --results FILE does it afterwards",
        )
    return list(dict.fromkeys(names)) or list(found.results)


def _indices(
    found: Results, layout: Layout, names: Sequence[str], estimator: Estimator, ended: Ended
) -> Iterator[ResultIndices]:
    numeric = [name for name in names if found.columns[name] in NUMBERS]
    values = read_values(found, layout, numeric)
    for name in names:
        if name in numeric:
            _, one = next(values)
            yield estimator.indices_of(name, one, _missing(one, ended, layout))
        else:
            yield ResultIndices(
                result=name,
                problem="text",
                mean=None,
                variance=None,
                missing=Missing(failed=NO_ROWS, pending=NO_ROWS, uncollected=NO_ROWS, without=NO_ROWS),
                indices=(),
                pairs=(),
                effects=(),
            )


NO_ROWS = RowSet(rows=0, ranges="")


def _missing(values: Values, ended: Ended, layout: Layout) -> Missing:
    lack = ~values.there
    done = lack & ended.done
    return Missing(
        failed=_row_set(lack & ended.failed, layout),
        pending=_row_set(lack & ~ended.done & ~ended.failed, layout),
        uncollected=_row_set(done & ~values.collected, layout),
        without=_row_set(done & values.collected, layout),
    )


def _row_set(mask: NDArray[np.bool_], layout: Layout) -> RowSet:
    return RowSet(rows=int(np.count_nonzero(mask)), ranges=str(rows_of_mask(mask, layout.start)))


def _waiting(layout: Layout, moves: Moves | None, ended: Ended) -> Iterator[Waiting]:
    for place, name in enumerate(layout.names):
        rows = needed(layout, place, moves) & ended.failed
        yield Waiting(parameter=name, failed=_row_set(rows, layout))


def _causes(known: Known) -> tuple[str, ...]:
    return tuple(cause.name for cause in why_of(known).causes)

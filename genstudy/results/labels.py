"""Which workspace each row has of a step: one of its own, or one that rows share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genstudy.batches.rows import LABEL, RowFinder, batch_rows
from genstudy.batches.slices import check_there, plain_name
from genstudy.maestro.specs import folder_name, load_spec
from genstudy.maestro.status import read_status
from genstudy.parameters.names import token_of
from genstudy.rendering.tokens import find_uses
from genstudy.results.row_folders import StepPlaces

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from genstudy.maestro.specs import Spec
    from genstudy.specs.manifest import BatchEntry, Manifest


def step_places(
    folder: Path,
    manifest: Manifest,
    batch: BatchEntry,
    *,
    steps: Collection[str],
    ids: Sequence[str],
    cells: Mapping[str, Sequence[str]],
    record: Path,
) -> list[StepPlaces]:
    """Return where the workspaces of these steps are, in the campaign's order.

    ids: of the batch's rows; cells: {parameter: their values}. record: a folder with the study's status.
    """
    chosen = [step for step in manifest.steps if step.name in steps]
    inline = manifest.settings.mode == "inline"
    labels: dict[str, Sequence[str | None]] = {}
    if inline:
        labels.update(_inline_labels(folder, manifest, batch, record))
    elif shared := [step.name for step in chosen if step.runs == "shared"]:
        labels.update(_shared_labels(folder, batch, cells, shared))
    places = []
    for step in chosen:
        of_rows = step.runs == "row" and not inline
        if step.runs == "batch":
            found: Sequence[str | None] = [""] * len(ids)
        else:
            found = [LABEL + row_id for row_id in ids] if of_rows else labels[step.name]
        places.append(
            StepPlaces(name=step.name, folder=folder_name(step.name), labels=found, of_rows=of_rows)
        )
    return places


def _inline_labels(
    folder: Path, manifest: Manifest, batch: BatchEntry, record: Path
) -> dict[str, list[str | None]]:
    """Return {step: of each row the name of its workspace}: inline, Maestro alone knows it."""
    rows = batch_rows(folder, manifest, batch)
    finder = RowFinder(rows)
    by_folder = {folder_name(step.name): step.name for step in manifest.steps}
    found: dict[str, list[str | None]] = {name: [None] * len(rows.ids) for name in by_folder.values()}
    status = read_status(record)
    for run in status.runs if status else ():
        if run.folder in by_folder:
            for number in finder.find(run.label, run.params):
                found[by_folder[run.folder]][rows.places[number]] = run.label
    return found


def _shared_labels(
    folder: Path, batch: BatchEntry, cells: Mapping[str, Sequence[str]], steps: Collection[str]
) -> dict[str, list[str]]:
    """Return {step: of each row the name of its workspace} for steps that run once per set of values.

    cells: {parameter: the rows' values}. The names are made as the pgen makes them, by what the batch's
    specification says of the values that a step and those it follows use.
    """
    from genstudy.specs.pgen import RowCombination

    path = folder / plain_name(batch.spec)
    check_there(path)
    tokens = [token_of(name) for name in cells]
    used = _used(load_spec(path.read_text(encoding="utf-8"), str(path)), tokens)
    places = {token: place for place, token in enumerate(tokens)}
    rows = [RowCombination(places, values) for values in zip(*cells.values(), strict=True)]
    return {step: [row.get_param_string(used[step]) for row in rows] for step in steps}


def _used(spec: Spec, tokens: Collection[str]) -> dict[str, set[str]]:
    """Return {step: the tokens that name its workspaces}: those of its own and of all steps it follows."""
    used = {
        step.name: {use.token for text in step.texts.values() for use in find_uses(text, tokens)}
        for step in spec.steps
    }
    for _ in spec.steps:
        for step in spec.steps:
            for other in step.follows(used):
                used[step.name] |= used[other]
    return used

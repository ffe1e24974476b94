"""How a campaign is to be run: what is asked for now, joined with what its study file said."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from genstudy.errors import UserError
from genstudy.files import check_new_folder
from genstudy.specs.running import RunSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genstudy.specs.manifest import Manifest


def choose_settings(folder: Path, manifest: Manifest, given: Mapping[str, Any]) -> RunSettings:
    """Join what is given and what the study file said; the first wins."""
    said = manifest.run.model_dump(exclude_unset=True) if manifest.run else {}
    try:
        chosen = RunSettings.model_validate({**said, **given})
    except ValidationError as problem:
        first = problem.errors()[0]
        name = str(first["loc"][0]).replace("_", "-")
        raise UserError(f"--{name}: {first['msg'].removeprefix('Value error, ')}") from None
    if chosen.save == "move" and chosen.to is None:
        raise UserError("--save move needs a folder to move to", hint="pass --to FOLDER")
    if chosen.to is not None and chosen.save != "keep":
        _check_to(folder, chosen.to)
    return chosen


def _check_to(folder: Path, to: str) -> None:
    """Refuse a place for archives that is none before hours of work end there."""
    place = Path(to)
    if place.exists() and not place.is_dir():
        raise UserError("this is a file, not a folder", where=to, hint="pass --to FOLDER")
    for name, what in (("runs", "the runs of the campaign are"), ("ledger", "the ledger of the campaign is")):
        if place.resolve().is_relative_to((folder / name).resolve()):
            raise UserError(f"{what} there", where=to, hint="pass --to FOLDER, another one")
    if not place.exists():
        check_new_folder(place)

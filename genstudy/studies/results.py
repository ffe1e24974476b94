"""What is taken out of workspaces, from a file that says `results:`; a study file will do."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from genstudy.errors import UserError
from genstudy.specs.results import ResultsSettings
from genstudy.studies.mistakes import RESULTS, explained, results_places
from genstudy.studies.read import read_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

KEY_HINT = "write `results:` into it and, below that, `sources:`"


@dataclass(frozen=True, slots=True)
class ResultsFile:
    """A file that says `results:`: where it is, what it says, and the line of each key."""

    path: Path
    settings: ResultsSettings
    lines: Mapping[str, int]

    @contextmanager
    def places(self) -> Iterator[None]:
        """Name file and line in a mistake that is found when the settings are used."""
        with results_places(self.path, self.lines):
            yield


def read_results(path: Path) -> ResultsFile:
    """Read what a YAML file says under `results:`; its other keys do not matter.

    UserError names the file, the line and the nearest known key.
    """
    try:
        value, lines = read_key(path, RESULTS)
    except FileNotFoundError:
        raise UserError("there is no such file", where=str(path), hint=KEY_HINT) from None
    if value is None:
        raise UserError("this says nothing about results", where=str(path), hint=KEY_HINT)
    try:
        return ResultsFile(path, ResultsSettings.model_validate(value), lines)
    except ValidationError as problem:
        raise explained(problem, path, lines, (RESULTS,)) from None

"""Results taken out of one workspace, for the tests beside this file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from genstudy.results.extract import Extracted, Extractor
from genstudy.specs.manifest import StepEntry
from genstudy.specs.results import ResultsSettings

STEPS = (StepEntry(name="one", runs="row", funnel=False),)


def settings(*sources: dict[str, Any]) -> ResultsSettings:
    """Return the settings of these sources."""
    return ResultsSettings.model_validate({"sources": list(sources)})


def extract(workspace: Path, *sources: dict[str, Any]) -> Extracted:
    """Return what these sources take out of a workspace."""
    with Extractor(settings(*sources), STEPS, workspace.parent) as extractor:
        return extractor.extract({"one": str(workspace)})


def from_text(folder: Path, content: str | bytes, /, **source: Any) -> Extracted:
    """Write a text to the file that a source names, and return what it takes out of it."""
    [target] = [value for key, value in source.items() if key in {"json", "csv", "keyvalue", "regex", "text"}]
    path = folder / target
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return extract(folder, source)


def reason(found: Extracted) -> str:
    """Return the one reason why there is nothing."""
    assert set(found.values) == {None}
    [told] = set(found.errors.values())
    return told

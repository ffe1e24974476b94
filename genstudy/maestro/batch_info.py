"""What Maestro writes down of a study's scheduler."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

FILE = "batch.info"


def study_scheduler(study: Path) -> str:
    """Return what runs a study's steps: `local`, also where Maestro has not begun, or a scheduler's name."""
    import yaml

    path = study / FILE
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return "local"
        text = path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return "local"
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        found = yaml.load(text, Loader=loader)  # noqa: S506 - a safe one
    except yaml.YAMLError:  # cut off: nothing was handed in yet
        return "local"
    return str(found.get("type", "local")) if isinstance(found, dict) else "local"

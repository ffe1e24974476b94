"""What a template sees of a scheduler: entries of Maestro's blocks, and the first lines of a job's script."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """The scheduler that runs a campaign's steps, each a job."""

    type: str
    """Its name: `slurm`, `flux` or `lsf`."""
    batch: Mapping[str, Any]
    """Entries of the `batch:` block, its type first."""
    run: Mapping[str, Any]
    """Entries of the `run:` of a step that is a job."""
    header: tuple[str, ...]
    """The first lines of its script."""

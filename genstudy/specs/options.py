"""What a campaign is made from, besides the table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from genstudy.specs.results import ResultsSettings
    from genstudy.specs.running import RunSettings
    from genstudy.specs.scheduler import SchedulerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a campaign is made from, besides the table.

    template: a built-in template's name, or the path of one.
    batch_size, batches: rows a batch (default 1000), or the number of batches; not both.
    index: the column of row ids (default: the one that the table's record names, or none).
    name: the campaign's name (default: the table's).
    variables: what the template sees as `vars`.
    start, rows: the part of the table to use, rows counted from 0 (default: all).
    inline: write the values into the specs instead of using a pgen.
    reference: leave a CSV table where it is instead of copying it.
    allow_missing: let empty and NaN cells pass.
    allow_unsafe_values: let shell-active values stand under a bare `$(NAME)`.
    run: how the manifest says that the campaign is to be run.
    scheduler: where its rows run, if not on this machine; with `submit: steps` the specifications say so.
    results: what is taken out of each row's workspaces; functions: the folder in which the modules of its
    functions are looked for, to be copied into the campaign (default: none is copied).
    folder: where relative paths in the variables are looked up first (default: the working directory).
    """

    template: str | Path = "echo"
    batch_size: int | None = None
    batches: int | None = None
    index: str | None = None
    name: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    start: int = 0
    rows: int | None = None
    inline: bool = False
    reference: bool = False
    allow_missing: bool = False
    allow_unsafe_values: bool = False
    run: RunSettings | None = None
    scheduler: SchedulerSettings | None = None
    results: ResultsSettings | None = None
    functions: Path | None = None
    folder: Path | None = None

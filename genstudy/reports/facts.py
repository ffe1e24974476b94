"""For the record: what a campaign was made from, with what, and the commands that ran it."""

from __future__ import annotations

import json
import platform
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import genstudy
from genstudy.campaign.environment import is_secret
from genstudy.errors import GenstudyError
from genstudy.maestro.version import check_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from genstudy.reports.history import Run
    from genstudy.specs.manifest import Manifest, QueryEntry

HIDDEN = "(hidden: it looks like a secret)"
RUNS, NO_END, USUAL = "still running", "not recorded", "as usual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Facts with a title: (label, value) in order."""

    title: str
    facts: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RanCommand:
    """A command that owned the campaign. began, ended: seconds since 1970. reason: why it gave up.

    reason: RUNS while it does, NO_END where it died without a word, USUAL where it gave no other.
    """

    command: str
    who: str
    version: str
    began: float
    ended: float
    reason: str


def facts_of(manifest: Manifest) -> tuple[Facts, ...]:
    """Return the facts about a campaign, and about what reports on it."""
    table = manifest.table
    return (
        Facts(title="Table", facts=tuple(_of_table(manifest))),
        Facts(title="Template and settings", facts=tuple(_of_settings(manifest))),
        Facts(
            title="SHA-256",
            facts=(
                ("table", table.sha256),
                ("template", manifest.template.sha256),
                ("pgen.py", manifest.pgen_sha256 or "none: the specifications are inline"),
            ),
        ),
        Facts(
            title="Versions",
            facts=(
                ("genstudy that made the campaign", manifest.genstudy),
                ("genstudy that wrote this report", genstudy.__version__),
                ("Maestro", _maestro()),
                ("Python", platform.python_version()),
            ),
        ),
    )


def commands_of(runs: Sequence[Run], name: str) -> tuple[RanCommand, ...]:
    """Return the commands that owned a campaign, the first one first. name: what its folder is called."""
    return tuple(
        RanCommand(
            command=_command(run.owned.options, name),
            who=f"process {run.owned.pid} of {run.owned.user} on {run.owned.host}",
            version=run.owned.genstudy,
            began=run.owned.t,
            ended=run.ended,
            reason=_end_of(run),
        )
        for run in runs
    )


def _end_of(run: Run) -> str:
    if run.alive:
        return RUNS
    if run.reason is None:
        return NO_END
    return _without_secrets("reason", run.reason) if run.reason else USUAL


def _command(options: Mapping[str, Any], name: str) -> str:
    """Return a command line that asks for what an owner was asked for, study file included."""
    for verb in ("retry", "cancel"):
        if options.get(verb) is True:
            return shlex.join(["genstudy", verb, name])
    words = ["genstudy", "submit" if options.get("submit") is True else "run", name]
    for key, value in options.items():
        if key == "submit":
            continue
        if key == "keep_failed" and isinstance(value, bool):
            words.append("--keep-failed" if value else "--clear-failed")
        elif value is not None:
            option = f"--{key.replace('_', '-')}"
            for one in value if isinstance(value, list) else [value]:
                words += [option, _without_secrets("" if key == "pass_env" else key, _text(one))]
    return shlex.join(words)


def _of_table(manifest: Manifest) -> Iterator[tuple[str, str]]:
    table, settings = manifest.table, manifest.settings
    yield "source", _without_secrets("source", table.source)
    yield from _of_query(table.query)
    yield "rows", f"{table.rows:,}"
    if (settings.start, settings.rows) != (0, table.rows):
        yield "rows in the campaign", f"{settings.start} to {settings.start + settings.rows - 1}"
    yield "row ids", f"column {table.index}" if table.index is not None else "the rows' numbers, from 0"
    yield from _of_record(table.record or {})


def _of_query(query: QueryEntry | None) -> Iterator[tuple[str, str]]:
    if query is not None:
        yield "query", _without_secrets("query", query.sql)
        yield "database", _without_secrets("database", query.db)


def _of_record(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a table's record tells; it comes from a file, and is not checked."""
    for key in ("design", "seed", "unique", "round"):
        value = record.get(key)
        if value is not None and value is not False:
            yield key, _text(value)
    for key, part in (("parameters", "law"), ("derive", "expression")):
        items = record.get(key)
        for item in items if isinstance(items, list) else ():
            if isinstance(item, dict):
                yield f"{'law' if part == 'law' else 'formula'} of {item.get('name')}", _text(item.get(part))
    conditions = record.get("where")
    for condition in conditions if isinstance(conditions, list) else ():
        yield "condition", _text(condition)
    versions = record.get("versions")
    if isinstance(versions, dict):
        made = {"genstudy": record.get("genstudy"), **versions}
        yield "made with", ", ".join(f"{name} {_text(version)}" for name, version in made.items())


def _of_settings(manifest: Manifest) -> Iterator[tuple[str, str]]:
    settings = manifest.settings
    yield "template", manifest.template.name
    runs = {"row": "once a row", "shared": "once per distinct values", "batch": "once a batch"}
    for step in manifest.steps:
        yield f"step {step.name}", runs[step.runs]
    yield "rows a batch", f"{settings.batch_size:,}"
    yield "specifications", settings.mode
    for name, value in settings.variables.items():
        yield f"variable {name}", _without_secrets(name, _text(value))
    for flag in ("allow_missing", "allow_unsafe_values"):
        if getattr(settings, flag):
            yield flag.replace("_", " "), "yes"
    said = manifest.run.model_dump(exclude_unset=True) if manifest.run else {}
    for name, value in said.items():
        yield f"run: {name}", _without_secrets("" if name == "pass_env" else name, _text(value))
    asked = manifest.scheduler.model_dump(exclude_unset=True) if manifest.scheduler else {}
    for name, value in asked.items():
        yield f"scheduler: {name}", _without_secrets(name, _text(value))
    results = manifest.results
    if results is not None and results.into is not None:
        yield "results into", _without_secrets("into", results.into)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _without_secrets(name: str, text: str) -> str:
    """Return a text, unless it or its name looks like a secret: a report is shown to others."""
    return HIDDEN if is_secret(name, text) else text


def _maestro() -> str:
    try:
        return check_version()
    except GenstudyError as problem:
        return str(problem).partition("\n")[0]

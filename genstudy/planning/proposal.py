"""A plan for a table or for a campaign that has run: where the costs come from, and what to do then."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from genstudy.campaign.summary import ENTRIES_PER_STEP, ENTRIES_PER_STUDY, cost_of, maestro_entries
from genstudy.errors import UserError
from genstudy.ledger.reading import read_state
from genstudy.planning.commands import (
    DEFAULT_TEMPLATE,
    make_anew_command,
    make_command,
    query_words,
    run_command,
)
from genstudy.planning.plan import Budget, needs_of, propose, stated_cost
from genstudy.planning.text import breaks, conclude, explain
from genstudy.rendering.templates import find_template
from genstudy.specs.manifest import StepEntry
from genstudy.specs.options import Options
from genstudy.specs.running import RunSettings
from genstudy.specs.writer import SpecWriter
from genstudy.tables.query import open_source
from genstudy.tables.read import Query
from genstudy.tables.record import read_record
from genstudy.units import counted, parse_size, parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from genstudy.ledger.state import CampaignState
    from genstudy.planning.plan import Plan, RowCost
    from genstudy.specs.manifest import Manifest
    from genstudy.tables.read import Table

DEFAULT_TABLE = "params.csv"
"""Where genstudy csv writes a table if nothing is said."""

DEFAULT_FILES = 100_000
"""The budget where none is given: what shared file systems let a user have without trouble."""

MEASURE = "or have it measured: genstudy run DIR --canary 10, then genstudy plan DIR"

Save = Literal["keep", "archive", "move"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A plan, its explanation line by line, and the commands that carry it out."""

    plan: Plan
    lines: tuple[str, ...]
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stated:
    """What is said of a row: files that its code writes, their bytes, and seconds."""

    files: float | None
    nbytes: float | None
    seconds: float | None


def plan_batches(
    source: str | Path | Query | int,
    *,
    template: str | Path | None = None,
    variables: Mapping[str, Any] | None = None,
    steps: int | None = None,
    max_files: int | None = None,
    max_bytes: int | str | None = None,
    max_jobs: int | None = None,
    walltime: float | str | None = None,
    jobs: int | None = None,
    save: Save | None = None,
    files_per_row: float | None = None,
    bytes_per_row: float | str | None = None,
    seconds_per_row: float | str | None = None,
) -> Proposal:
    """Propose how many rows a batch may have, and explain it. Nothing is written, nothing run.

    source: a table, a query, or a campaign's folder, whose own costs are taken as far as it has run; or the
    number of rows of a table that is not there yet.
    template, variables, steps: for a table: what its rows will run, `echo` if nothing is said, or only the
    number of steps. max_files: files and folders at a time. max_bytes: bytes at a time, archives not counted.
    max_jobs: jobs in a scheduler's queue. walltime: the time of a batch. With none of these, max_files is
    100,000. jobs: batches at a time. save: what becomes of ended batches. files_per_row: that the code of a
    row writes, in all its steps, besides Maestro's own; bytes_per_row, seconds_per_row: of one row.

    Sizes and times may be texts such as 10G, 2h. Raises UserError where no batches keep what is asked for.
    """
    source = Path(source) if isinstance(source, str) else source
    stated = _Stated(
        files=_at_least(0, files_per_row, "files-per-row"),
        nbytes=None if bytes_per_row is None else parse_size(bytes_per_row),
        seconds=None if seconds_per_row is None else parse_time(seconds_per_row),
    )
    folder = source if isinstance(source, Path) and source.is_dir() else None
    manifest, state = read_state(folder) if folder else (None, None)
    settings = (manifest.run if manifest else None) or RunSettings.model_construct()
    budget = _budget(
        files=_at_least(1, max_files, "max-files"),
        nbytes=None if max_bytes is None else parse_size(max_bytes),
        queue=_at_least(1, max_jobs, "max-jobs"),
        seconds=None if walltime is None else parse_time(walltime),
        jobs=_at_least(1, jobs, "jobs"),
        save=save,
        settings=settings,
    )
    steps = _at_least(1, steps, "steps")
    if isinstance(source, int):
        if template is not None or variables:
            raise UserError("a template is for a table: --rows takes --steps", hint="make the table first")
        return _for_count(_at_least(1, source, "rows"), steps or 1, stated, budget)
    if folder is not None and manifest is not None and state is not None:
        if template is not None or variables or steps is not None:
            raise UserError(
                "a campaign has its template and steps: --template, --set and --steps are for tables",
                where=str(folder),
            )
        return _for_campaign(folder, manifest, state, stated, budget)
    return _for_table(source, template, variables or {}, steps, stated, budget)


def _budget(*, jobs: int | None, save: Save | None, settings: RunSettings, **given: Any) -> Budget:
    """Return what is asked for: by options, else by the study file, else by default."""
    if all(value is None for value in given.values()):
        given["files"] = settings.max_files or DEFAULT_FILES
    return Budget(jobs=jobs or settings.jobs, save=save or settings.save, **given)


def _for_table(
    source: Path | Query,
    template: str | Path | None,
    variables: Mapping[str, Any],
    steps: int | None,
    stated: _Stated,
    budget: Budget,
) -> Proposal:
    if steps is not None and (template is not None or variables):
        raise UserError("--steps and --template exclude each other", hint="a template has its steps")
    chosen = DEFAULT_TEMPLATE if template is None else str(template)
    with open_source(source) as table:
        if steps is not None:
            base, ran = stated_cost(steps, steps), counted(steps, "step")
        else:
            base, ran = _base(_steps(table, chosen, variables)), f"template {chosen}"
        cost = _with_stated(base, stated)
        _check_known(budget, cost)
        record = read_record(table.path)
        block = record.block if record else 1
        plan, title = propose(table.count_rows(), cost, budget, block=block), table.title
    return Proposal(
        plan=plan,
        lines=(f"{title}: {counted(plan.rows, 'row')}, {ran}", "", *explain(plan), "", *conclude(plan)),
        commands=(
            make_command(_words(source), chosen, variables, plan),
            run_command("specs", plan, plan.needs),
        ),
    )


def _for_count(rows: int, steps: int, stated: _Stated, budget: Budget) -> Proposal:
    cost = _with_stated(stated_cost(steps, steps), stated)
    _check_known(budget, cost)
    plan = propose(rows, cost, budget)
    return Proposal(
        plan=plan,
        lines=(
            f"{counted(rows, 'row')}, {counted(steps, 'step')}",
            "",
            *explain(plan),
            "",
            *conclude(plan),
        ),
        commands=(
            make_command([DEFAULT_TABLE], DEFAULT_TEMPLATE, {}, plan),
            run_command("specs", plan, plan.needs),
        ),
    )


def _words(source: Path | Query) -> list[str]:
    """Return the words of a command that name a table, without anybody's password."""
    if not isinstance(source, Query):
        return [str(source)]
    from genstudy.databases.url import parse_url

    return query_words(source.sql, parse_url(source.db).shown)


def _for_campaign(
    folder: Path, manifest: Manifest, state: CampaignState, stated: _Stated, budget: Budget
) -> Proposal:
    cost = _with_stated(_measured(manifest.steps, state), stated)
    _check_known(budget, cost)
    block = int((manifest.table.record or {}).get("block", 1))
    plan = propose(manifest.settings.rows, cost, budget, block=block)
    present = needs_of(manifest.settings.batch_size, plan.rows, cost, budget)
    broken = breaks(present, plan)
    batches = f"{counted(present.batches, 'batch')} of at most {counted(present.size, 'row')}"
    verdict = f"they break {' and '.join(broken)}" if broken else "they keep to that"
    command = make_anew_command(folder, manifest, plan) if broken else run_command(str(folder), plan, present)
    return Proposal(
        plan=plan,
        lines=(
            f"{folder}: {counted(plan.rows, 'row')}, " + _measured_text(cost),
            "",
            *explain(plan),
            "",
            *conclude(plan),
            "",
            f"{folder} has {batches}: {verdict}",
        ),
        commands=(command,),
    )


def _measured(steps: Sequence[StepEntry], state: CampaignState) -> RowCost:
    """Return what rows cost, as far as it was measured on the batches that are saved."""
    base, tally = _base(steps), state.tally
    measured = cost_of(tally)
    if measured is None:
        return base
    studies = sum(len(batch.studies) for batch in state.batches.values() if batch.saved is not None)
    # What a study has for sure besides its rows: a folder for each step, and its log.
    besides = studies * (ENTRIES_PER_STUDY + len(steps))
    return replace(
        base,
        entries=max(base.entries, (tally.entries - besides) / tally.counted),
        nbytes=measured.nbytes,
        seconds=measured.seconds,
        packed=tally.stored / tally.content if tally.content else None,
        measured=measured.measured,
    )


def _measured_text(cost: RowCost) -> str:
    return f"costs measured on {counted(cost.measured, 'row')}" if cost.measured else "nothing measured yet"


def _base(steps: Sequence[StepEntry]) -> RowCost:
    """Return what rows of these steps cost for sure. A shared step counts as one that runs once a row."""
    per_row = [step for step in steps if step.runs != "batch"]
    cost = stated_cost(len(per_row), len(steps), marks=sum(step.mark for step in per_row))
    return replace(cost, once=maestro_entries(steps, 0))


def _with_stated(base: RowCost, stated: _Stated) -> RowCost:
    """Return a cost with what was said of it, which wins over what was measured."""
    cost = base
    if stated.files is not None:
        entries = ENTRIES_PER_STEP * base.steps + base.marks + stated.files
        cost = replace(cost, entries=entries, measured=0)
    if stated.nbytes is not None:
        cost = replace(cost, nbytes=stated.nbytes, packed=None)
    return cost if stated.seconds is None else replace(cost, seconds=stated.seconds)


def _check_known(budget: Budget, cost: RowCost) -> None:
    if budget.nbytes is not None and cost.nbytes is None:
        raise UserError("--max-bytes needs the bytes of a row", hint=f"pass --bytes-per-row, {MEASURE}")
    if budget.seconds is not None and cost.seconds is None:
        raise UserError("--walltime needs the time of a row", hint=f"pass --seconds-per-row, {MEASURE}")


def _steps(table: Table, template: str, variables: Mapping[str, Any]) -> list[StepEntry]:
    record = read_record(table.path)
    laws = dict(record.parameters) if record else {}
    writer = SpecWriter(
        find_template(template),
        table=table,
        index=record.index if record else None,
        laws=laws,
        options=Options(template=template, variables=variables, name="plan"),
    )
    return [StepEntry(**asdict(step)) for step in writer.trial().steps]


def _at_least(least: int, value: Any, option: str) -> Any:
    if value is not None and not least <= value < math.inf:
        raise UserError(f"--{option} must be at least {least}, not {value}")
    return value

"""A plan explained, line by line, with the sums that a person can check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genstudy.campaign.summary import ENTRIES_PER_STEP
from genstudy.planning.plan import AS_TEXT, MOST_ROWS, OWN, PER_BATCH, needs_of
from genstudy.planning.scale import scale_of
from genstudy.schedulers.waves import MOST_TASKS
from genstudy.units import counted, size_text, time_text

if TYPE_CHECKING:
    from genstudy.planning.plan import Name, Needs, Plan

MAESTRO = "with more, its own time grows faster than the rows"


def explain(plan: Plan) -> list[str]:
    """Return what the plan rests on, a line each: what a row costs, then each limit and its sum."""
    found = [
        ("a row", _row(plan)),
        ("a batch", _batch(plan)),
        ("campaign", f"{OWN} files and folders that belong to no batch"),
        ("on disk", _on_disk(plan)),
    ]
    for name, limit in plan.budget.limits.items():
        needs = needs_of(plan.most[name], plan.rows, plan.cost, plan.budget)
        amount = AS_TEXT[name](limit).removesuffix(" files").removesuffix(" jobs")
        enough = needs.size == min(plan.rows, MOST_ROWS)
        word = "enough for" if enough else "at most"
        found.append(
            (f"{name} {amount}", f"{word} {counted(needs.size, 'row')} a batch: {_sum(name, needs, plan)}")
        )
    if plan.rows > MOST_ROWS:
        found.append(("Maestro", f"at most {counted(MOST_ROWS, 'row')} a batch: {MAESTRO}"))
    width = max(len(label) for label, _ in found)
    return [f"{label:{width}}  {text}" for label, text in found]


def conclude(plan: Plan) -> list[str]:
    """Return what was found, and what all of it will take."""
    needs, budget = plan.needs, plan.budget
    word = {"rows": "all rows fit into one", "Maestro": "Maestro takes no more well"}
    lines = [
        f"{counted(plan.size, 'row')} a batch: {word.get(plan.binding, f'{plan.binding} allows no more')}"
    ]
    there = [f"{needs.files:,} files"] + ([size_text(needs.nbytes)] if needs.nbytes is not None else [])
    lines.append(f"{counted(needs.batches, 'batch')}, at most {' and '.join(there)} at a time")
    if needs.seconds is not None and needs.total is not None:
        total = f"{time_text(needs.total)} in all with --jobs {budget.jobs}"
        lines.append(f"about {time_text(needs.seconds)} a batch, {total}")
    if needs.archives is not None and budget.save == "archive":
        measured = "about" if plan.cost.packed is not None else "at most"
        lines.append(f"archives of {measured} {size_text(needs.archives)} in the end")
        if budget.nbytes is not None and needs.archives > budget.nbytes:
            lines[-1] += ", more than --max-bytes: genstudy run --to FOLDER puts them elsewhere"
    return lines + _scale(plan)


def _scale(plan: Plan) -> list[str]:
    """Return what so many batches come to, if they are more than a few."""
    scale = scale_of(plan.needs, plan.budget)
    if scale.waves == 1:
        return []
    records = f"manifest of about {size_text(scale.manifest)}, ledger of about {size_text(scale.ledger)}"
    return [
        f"{scale.files:,} files in the end; {records}",
        f"as jobs of a scheduler: {scale.waves:,} waves of at most {counted(MOST_TASKS, 'batch')}",
    ]


def breaks(needs: Needs, plan: Plan) -> list[str]:
    """Return which limits other batches would break, and with what."""
    return [
        f"{name} {AS_TEXT[name](limit)} (they need {AS_TEXT[name](needs.of(name) or 0)})"
        for name, limit in plan.budget.limits.items()
        if not needs.keeps({name: limit})
    ]


def row_time(seconds: float) -> str:
    """Return the time of a row, which may be milliseconds."""
    return time_text(seconds) if seconds >= 1 else f"{1000 * seconds:.3g} ms"


def _row(plan: Plan) -> str:
    cost = plan.cost
    if cost.measured:
        text = f"{cost.entries:.4g} files and folders, measured on {counted(cost.measured, 'row')}"
    else:
        text = f"{counted(cost.steps, 'step')} x {ENTRIES_PER_STEP} files and folders of Maestro"
        own = cost.entries - cost.steps * ENTRIES_PER_STEP - cost.marks
        parts = ([counted(cost.marks, "done mark")] if cost.marks else []) + (
            [f"{own:g} of your code"] if own else []
        )
        text += "".join(f" + {part}" for part in parts) + (f" = {cost.entries:g}" if parts else "")
    if cost.nbytes is not None:
        text += f"; {size_text(cost.nbytes)}"
    if cost.seconds is not None:
        text += f"; {row_time(cost.seconds)}"
    return text


def _batch(plan: Plan) -> str:
    return (
        f"{plan.cost.once} more for its study, and {PER_BATCH} that stay: "
        "specification, log, row list, archive and one in the making"
    )


def _on_disk(plan: Plan) -> str:
    needs, budget = plan.needs, plan.budget
    if budget.save == "keep":
        return "all batches, as --save keep deletes none"
    if needs.batches == 1:
        return "1 batch, as there is no other"
    if needs.on_disk < budget.jobs + 1:
        return f"all {needs.batches} batches at a time"
    runs = f"{budget.jobs} run" if budget.jobs > 1 else "1 runs"
    failed = "; workspaces of failed rows come on top"
    return f"{needs.on_disk} batches at a time: {runs}, 1 is being saved{failed}"


def _sum(name: Name, needs: Needs, plan: Plan) -> str:
    cost, budget, size = plan.cost, plan.budget, min(needs.size, plan.rows)
    match name:
        case "--max-files":
            return (
                f"{OWN} + {needs.batches:,} x {PER_BATCH} + {needs.on_disk:,} x {cost.once} "
                f"+ {needs.rows_on_disk:,} rows x {cost.entries:.4g} = {needs.files:,}"
            )
        case "--max-bytes":
            packing = f" + {size:,} being packed" if budget.save == "archive" else ""
            return (
                f"({needs.rows_on_disk:,} rows on disk{packing}) x {size_text(cost.nbytes or 0)} "
                f"= {size_text(needs.nbytes or 0)}"
            )
        case "--max-jobs":
            rows = needs.queue // cost.steps
            return f"{rows:,} rows run at a time x {counted(cost.steps, 'step')} = {needs.queue:,}"
        case "--walltime":
            return f"{size:,} x {row_time(cost.seconds or 0)} = {time_text(needs.seconds or 0)}"

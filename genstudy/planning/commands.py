"""The commands that carry a plan out."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genstudy.specs.writer import TABLE_NAME
from genstudy.tables.record import read_record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from genstudy.planning.plan import Needs, Plan
    from genstudy.specs.manifest import Manifest

DEFAULT_TEMPLATE = "echo"


def make_command(source: Sequence[str], template: str, variables: Mapping[str, Any], plan: Plan) -> str:
    """Return the command that makes a campaign. source: the words that name the table, or the query."""
    return shlex.join(["genstudy", "specs", *source, *_template(template, variables), "-b", str(plan.size)])


def query_words(sql: str, db: str) -> list[str]:
    """Return the words that name a query. db: the database's URL, without a password."""
    return ["--query", sql, "--db", db]


def make_anew_command(folder: Path, manifest: Manifest, plan: Plan) -> str:
    """Return the command that makes a campaign anew, in a folder beside it, in other batches."""
    settings, table = manifest.settings, manifest.table
    words = ["-b", str(plan.size), "-o", f"{folder}-{plan.size}"]
    if table.source.endswith((".yaml", ".yml")):
        return shlex.join(["genstudy", "build", table.source, *_rows_made(manifest), *words])
    if table.index is not None:
        words += ["-i", table.index]
    if settings.rows < table.rows:
        start = ["--start", str(settings.start)] if settings.start else []
        words += [*start, "--rows", str(settings.rows)]
    flags = {
        "--inline": settings.mode == "inline",
        "--reference": table.path != TABLE_NAME,
        "--allow-missing": settings.allow_missing,
        "--allow-unsafe-values": settings.allow_unsafe_values,
    }
    words += [flag for flag, wanted in flags.items() if wanted]
    template = _template(manifest.template.name, settings.variables)
    source = query_words(table.query.sql, table.query.db) if table.query else [_table(folder, manifest)]
    return shlex.join(["genstudy", "specs", *source, *template, "--name", manifest.name, *words])


def _rows_made(manifest: Manifest) -> list[str]:
    """Return the words that say how many rows a study file's design makes, where it has made more since."""
    parts = (manifest.table.record or {}).get("parts", ())
    return ["-n", str(sum(parts))] if manifest.campaign is not None and len(parts) > 1 else []


def _table(folder: Path, manifest: Manifest) -> str:
    """Return the table that has a campaign's rows: the one it was made of, or its own if that has fewer."""
    table = manifest.table
    if manifest.campaign is None or table.path != TABLE_NAME:
        return table.source
    record = read_record(Path(table.source))
    return table.source if record and record.rows == table.rows else str(folder / TABLE_NAME)


def run_command(folder: str, plan: Plan, needs: Needs) -> str:
    """Return the command that runs a campaign within the plan's budget. needs: of its batches."""
    budget = plan.budget
    jobs = ["-j", str(budget.jobs)] if budget.jobs > 1 else []
    save = [] if budget.save == "archive" else ["--save", budget.save]
    limit = ["--max-files", str(budget.files or needs.files)]
    return shlex.join(["genstudy", "run", folder, *jobs, *save, *limit])


def _template(template: str, variables: Mapping[str, Any]) -> list[str]:
    chosen = [] if template == DEFAULT_TEMPLATE else ["-t", template]
    return chosen + [word for name, value in variables.items() for word in ("--set", f"{name}={_set(value)}")]


def _set(value: Any) -> str:
    """Return a variable's value so that `--set` reads the same."""
    return value if isinstance(value, str) and _is_plain(value) else json.dumps(value, ensure_ascii=False)


def _is_plain(text: str) -> bool:
    """Tell whether `--set` takes a text as that, and not as JSON."""
    try:
        value = json.loads(text)
    except ValueError:
        return True
    return isinstance(value, int | float) and json.dumps(value) != text

"""The pages of study files and of the manifest: every key of their models."""

from __future__ import annotations

import inspect
from typing import Any

from docs.generator.markdown import code, page, prose
from docs.generator.models import fields_table
from genstudy.specs.manifest import (
    BatchEntry,
    QueryEntry,
    Settings,
    StepEntry,
    TableEntry,
    TemplateEntry,
    manifest_schema,
)
from genstudy.specs.result_sources import Column, Source
from genstudy.specs.results import ResultsSettings
from genstudy.specs.running import RunSettings
from genstudy.specs.scheduler import SchedulerSettings
from genstudy.studies.model import ORIGINS, TABLE_KEYS, study_schema

STUDY = """\
Every key of a study file, which `genstudy build` reads; `genstudy schema study` prints the same as a JSON
Schema. With examples: [study files](../study-file.md).
A key with nothing after it is as if it were not there."""
MANIFEST = """\
Every field of `manifest.json` in a campaign's folder; `genstudy schema manifest` prints the same as a JSON
Schema. With examples: [the manifest](../manifest.md)."""
RECORD = """\
Where genstudy made the table itself, `table.record` says how, with the fields of the record beside a table:
see [tables](../csv.md#making-the-same-table-again)."""


def study_page() -> str:
    """Return the page of study files."""
    schema = study_schema()
    models = {
        "RunSettings": ("run", RunSettings),
        "SchedulerSettings": ("scheduler", SchedulerSettings),
        "ResultsSettings": ("results", ResultsSettings),
        "Source": ("results: sources", Source),
        "Column": ("results: columns", Column),
    }
    one_of = ", ".join(map(code, ORIGINS[:-1])) + f" or {code(ORIGINS[-1])}"
    rule = (
        f"One of {one_of} says where the rows come from; `query` needs `db`. Beside `table` or `query` "
        f"the keys {', '.join(map(code, TABLE_KEYS))} are refused: they are about rows that are made."
    )
    top = f"## The keys\n\n{rule}\n\n{_table(schema, schema, models)}"
    return page("Keys of study files", STUDY, top, *_sections(schema, models))


def manifest_page() -> str:
    """Return the page of the manifest."""
    schema = manifest_schema()
    models = {
        "TableEntry": ("table", TableEntry),
        "QueryEntry": ("table: query", QueryEntry),
        "TemplateEntry": ("template", TemplateEntry),
        "Settings": ("settings", Settings),
        "StepEntry": ("steps", StepEntry),
        "BatchEntry": ("batches", BatchEntry),
    }
    elsewhere = {
        "RunSettings": "[as in study files](study-file.md#run)",
        "SchedulerSettings": "[as in study files](study-file.md#scheduler)",
        "ResultsSettings": "[as in study files](study-file.md#results)",
        "Source": "",
        "Column": "",
    }
    top = f"## The fields\n\n{_table(schema, schema, models, elsewhere)}"
    return page("Fields of the manifest", MANIFEST, top, RECORD, *_sections(schema, models, elsewhere))


def _sections(
    schema: dict[str, Any], models: dict[str, tuple[str, Any]], elsewhere: dict[str, str] | None = None
) -> list[str]:
    found = []
    for name, (title, model) in models.items():
        paragraphs = (inspect.getdoc(model) or "").split("\n\n")
        about = "\n\n".join(prose(" ".join(paragraph.split())) for paragraph in paragraphs)
        keys = _table(schema["$defs"][name], schema, models, elsewhere)
        found.append(f"## {title}\n\n{about}\n\n{keys}")
    return found


def _table(
    part: dict[str, Any],
    schema: dict[str, Any],
    models: dict[str, tuple[str, Any]],
    elsewhere: dict[str, str] | None = None,
) -> str:
    links = {name: f"[{title}](#{_anchor(title)})" for name, (title, _) in models.items()}
    unknown = set(schema["$defs"]) - set(links) - set(elsewhere or {})
    if unknown:
        raise ValueError(f"no section for {sorted(unknown)}")
    if elsewhere is None:
        return fields_table(part, links, "needed", ("key", "is", "takes", "default"))
    head = ("field", "is", "holds", "if it is not there")
    return fields_table(part, {**links, **elsewhere}, "always there", head)


def _anchor(title: str) -> str:
    return title.lower().replace(":", "").replace(" ", "-")

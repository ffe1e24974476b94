"""`genstudy schema`: the JSON Schemas of the public formats."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, assert_never

import typer


class Format(StrEnum):
    """A format with a schema."""

    ANALYZE = "analyze"
    MANIFEST = "manifest"
    STATUS = "status"
    STUDY = "study"
    WHY = "why"


def schema_command(
    format: Annotated[Format, typer.Argument(help="The format that is described.", show_default=False)],  # noqa: A002
) -> None:
    """Print the JSON Schema of a format.

    What a campaign's manifest, its status, a study file, or the output of `genstudy why --json` and
    `genstudy analyze --json` may hold; editors complete from it.
    """
    match format:
        case Format.ANALYZE:
            from genstudy.sensitivity.format import analysis_schema

            schema = analysis_schema()
        case Format.MANIFEST:
            from genstudy.specs.manifest import manifest_schema

            schema = manifest_schema()
        case Format.STATUS:
            from genstudy.inspection.status_format import status_schema

            schema = status_schema()
        case Format.STUDY:
            from genstudy.studies.model import study_schema

            schema = study_schema()
        case Format.WHY:
            from genstudy.inspection.why_format import why_schema

            schema = why_schema()
        case _:
            assert_never(format)
    typer.echo(json.dumps(schema, indent=2))

"""genstudy: parameter tables and batched study specifications for Maestro.

What each command does is one call of a function exported here. Each name is imported when it is first used,
so `import genstudy` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genstudy.demo import run_demo
    from genstudy.errors import GenstudyError, RunError, UserError
    from genstudy.parameters.grammar import parse_law, parse_parameter
    from genstudy.parameters.laws import Parameter
    from genstudy.rendering.templates import builtin_names, copy_template, find_template
    from genstudy.specs.check import check_template
    from genstudy.specs.make import Campaign, make_specs
    from genstudy.specs.manifest import Manifest, manifest_schema, read_manifest
    from genstudy.specs.options import Options
    from genstudy.studies.build import build_study, init_study
    from genstudy.studies.model import study_schema
    from genstudy.tables.make import make_table
    from genstudy.tables.record import TableRecord, read_record

__version__ = "0.1.0"

_HOMES: dict[str, tuple[str, ...]] = {
    "genstudy.demo": ("run_demo",),
    "genstudy.errors": ("GenstudyError", "RunError", "UserError"),
    "genstudy.parameters.grammar": ("parse_law", "parse_parameter"),
    "genstudy.parameters.laws": ("Parameter",),
    "genstudy.rendering.templates": ("builtin_names", "copy_template", "find_template"),
    "genstudy.specs.check": ("check_template",),
    "genstudy.specs.make": ("Campaign", "make_specs"),
    "genstudy.specs.manifest": ("Manifest", "manifest_schema", "read_manifest"),
    "genstudy.specs.options": ("Options",),
    "genstudy.studies.build": ("build_study", "init_study"),
    "genstudy.studies.model": ("study_schema",),
    "genstudy.tables.make": ("make_table",),
    "genstudy.tables.record": ("TableRecord", "read_record"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Campaign",
    "GenstudyError",
    "Manifest",
    "Options",
    "Parameter",
    "RunError",
    "TableRecord",
    "UserError",
    "build_study",
    "builtin_names",
    "check_template",
    "copy_template",
    "find_template",
    "init_study",
    "make_specs",
    "make_table",
    "manifest_schema",
    "parse_law",
    "parse_parameter",
    "read_manifest",
    "read_record",
    "run_demo",
    "study_schema",
]


def __getattr__(name: str) -> Any:
    """Import an exported name on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'genstudy' has no attribute '{name}'")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])

"""genstudy: parameter tables, batched study specifications for Maestro, and campaigns of them run.

What each command does is one call of a function exported here. Each name is imported when it is first used,
so `import genstudy` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genstudy.campaign.cluster.submit import submit_campaign
    from genstudy.campaign.extend import Extension, extend_campaign
    from genstudy.campaign.progress import RunReport
    from genstudy.campaign.retry import retry_failed
    from genstudy.campaign.run import run_campaign
    from genstudy.campaign.stop import Stop
    from genstudy.demo import run_demo
    from genstudy.doctor.diagnose import diagnose
    from genstudy.doctor.findings import Finding
    from genstudy.errors import GenstudyError, RunError, UserError
    from genstudy.inspection.cancel import cancel_campaign
    from genstudy.inspection.failures import failed_rows
    from genstudy.inspection.fetch import fetch_row
    from genstudy.inspection.groups import group_failures
    from genstudy.inspection.status import campaign_status
    from genstudy.inspection.verify import verify_campaign
    from genstudy.inspection.why import why_failed
    from genstudy.parameters.grammar import parse_law, parse_parameter
    from genstudy.parameters.laws import Parameter
    from genstudy.planning.proposal import plan_batches
    from genstudy.plots.plot import DesignPicture, plot_design
    from genstudy.rendering.templates import builtin_names, copy_template, find_template
    from genstudy.reports.write import write_report
    from genstudy.results.collect import collect_results
    from genstudy.results.export import export_results
    from genstudy.results.query import open_results, query_results
    from genstudy.sensitivity.analyze import analyze_campaign
    from genstudy.sensitivity.waiting import rows_waited_for
    from genstudy.specs.check import check_template
    from genstudy.specs.make import Campaign, make_specs
    from genstudy.specs.manifest import Manifest, manifest_schema, read_manifest
    from genstudy.specs.options import Options
    from genstudy.studies.build import build_study, init_study
    from genstudy.studies.model import study_schema
    from genstudy.tables.make import make_table
    from genstudy.tables.read import Query
    from genstudy.tables.record import TableRecord, read_record

__version__ = "0.1.0"

_HOMES: dict[str, tuple[str, ...]] = {
    "genstudy.inspection.cancel": ("cancel_campaign",),
    "genstudy.inspection.failures": ("failed_rows",),
    "genstudy.inspection.fetch": ("fetch_row",),
    "genstudy.planning.proposal": ("plan_batches",),
    "genstudy.plots.plot": ("DesignPicture", "plot_design"),
    "genstudy.campaign.extend": ("Extension", "extend_campaign"),
    "genstudy.campaign.retry": ("retry_failed",),
    "genstudy.sensitivity.analyze": ("analyze_campaign",),
    "genstudy.sensitivity.waiting": ("rows_waited_for",),
    "genstudy.campaign.run": ("run_campaign",),
    "genstudy.campaign.cluster.submit": ("submit_campaign",),
    "genstudy.campaign.progress": ("RunReport",),
    "genstudy.inspection.status": ("campaign_status",),
    "genstudy.campaign.stop": ("Stop",),
    "genstudy.inspection.groups": ("group_failures",),
    "genstudy.inspection.verify": ("verify_campaign",),
    "genstudy.inspection.why": ("why_failed",),
    "genstudy.demo": ("run_demo",),
    "genstudy.doctor.diagnose": ("diagnose",),
    "genstudy.doctor.findings": ("Finding",),
    "genstudy.errors": ("GenstudyError", "RunError", "UserError"),
    "genstudy.parameters.grammar": ("parse_law", "parse_parameter"),
    "genstudy.parameters.laws": ("Parameter",),
    "genstudy.rendering.templates": ("builtin_names", "copy_template", "find_template"),
    "genstudy.reports.write": ("write_report",),
    "genstudy.results.collect": ("collect_results",),
    "genstudy.results.export": ("export_results",),
    "genstudy.results.query": ("open_results", "query_results"),
    "genstudy.specs.check": ("check_template",),
    "genstudy.specs.make": ("Campaign", "make_specs"),
    "genstudy.specs.manifest": ("Manifest", "manifest_schema", "read_manifest"),
    "genstudy.specs.options": ("Options",),
    "genstudy.studies.build": ("build_study", "init_study"),
    "genstudy.studies.model": ("study_schema",),
    "genstudy.tables.make": ("make_table",),
    "genstudy.tables.read": ("Query",),
    "genstudy.tables.record": ("TableRecord", "read_record"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Campaign",
    "DesignPicture",
    "Extension",
    "Finding",
    "GenstudyError",
    "Manifest",
    "Options",
    "Parameter",
    "Query",
    "RunError",
    "RunReport",
    "Stop",
    "TableRecord",
    "UserError",
    "analyze_campaign",
    "build_study",
    "builtin_names",
    "campaign_status",
    "cancel_campaign",
    "check_template",
    "collect_results",
    "copy_template",
    "diagnose",
    "export_results",
    "extend_campaign",
    "failed_rows",
    "fetch_row",
    "find_template",
    "group_failures",
    "init_study",
    "make_specs",
    "make_table",
    "manifest_schema",
    "open_results",
    "parse_law",
    "parse_parameter",
    "plan_batches",
    "plot_design",
    "query_results",
    "read_manifest",
    "read_record",
    "retry_failed",
    "rows_waited_for",
    "run_campaign",
    "run_demo",
    "study_schema",
    "submit_campaign",
    "verify_campaign",
    "why_failed",
    "write_report",
]


def __getattr__(name: str) -> Any:
    """Import an exported name on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module 'genstudy' has no attribute '{name}'")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])

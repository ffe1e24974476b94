"""`genstudy schema`."""

from __future__ import annotations

import json

from genstudy import manifest_schema, study_schema
from genstudy.inspection.status_format import status_schema
from genstudy.inspection.why_format import why_schema
from genstudy.sensitivity.format import analysis_schema
from tests.conftest import RunCli


def test_the_schemas(run_cli: RunCli) -> None:
    for name, schema in (
        ("analyze", analysis_schema()),
        ("manifest", manifest_schema()),
        ("status", status_schema()),
        ("study", study_schema()),
        ("why", why_schema()),
    ):
        code, out, err = run_cli("schema", name)
        assert (code, err) == (0, "")
        assert json.loads(out) == schema


def test_there_is_no_such_schema(run_cli: RunCli) -> None:
    code, out, err = run_cli("schema", "nope")
    assert (code, out) == (2, "")
    assert "'nope' is not one of 'analyze', 'manifest', 'status', 'study', 'why'" in err

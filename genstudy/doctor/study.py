"""A study of one row, run by Maestro for real."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from genstudy.doctor.findings import ok, problem
from genstudy.units import time_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genstudy.doctor.findings import Finding

SECONDS = 120
TABLE = "word\nit works\n"
PRINTED = "WORD: it works"


def tiny_study() -> Iterator[Finding]:
    """Run one row in a temporary folder, as `genstudy run` does, and look at what it printed."""
    from genstudy.campaign.run import run_campaign
    from genstudy.inspection.failures import failed_rows
    from genstudy.specs.make import make_specs
    from genstudy.specs.options import Options

    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="genstudy-doctor-") as name:
        table = Path(name, "table.csv")
        table.write_text(TABLE, encoding="utf-8")
        campaign = make_specs(table, Path(name, "specs"), Options(template="echo", name="doctor"))
        report = run_campaign(campaign.folder, {"save": "keep", "timeout": SECONDS})
        if report.rows.done != 1:
            said = " ".join(row.stderr.strip() or row.state for row in failed_rows(campaign.folder))
            yield problem("study", f"Maestro ran a study of one row, which failed: {said or report.reason}")
            return
        printed = " ".join(path.read_text() for path in campaign.folder.glob("runs/*/*/row_0/*.out"))
    if printed.strip() != PRINTED:
        yield problem("study", f"a row printed {printed!r} where it had to print {PRINTED!r}")
    else:
        took = time_text(time.monotonic() - start)
        yield ok("study", f"Maestro ran a study of one row in {tempfile.gettempdir()}, in {took}")

"""Studies of small campaigns, run by the installed Maestro as the runner of campaigns does it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genstudy.batches.rows import BatchRows, batch_rows
from genstudy.campaign.judge import Outcome, judge
from genstudy.campaign.study_process import StudyProcess, start_study
from genstudy.ledger.ranges import Rows
from genstudy.specs.make import make_specs
from genstudy.specs.manifest import BatchEntry, Manifest
from genstudy.specs.options import Options

FEW = "a,b\n0,x\n1,x\n2,y\n3,y\n"
"""A table of four rows; `a` is the row's number."""

MARK = "{{ done_mark() | indent(14) }}"


def step(name: str, *commands: str, depends: Sequence[str] = (), mark: bool = False) -> str:
    """Return a step of a template."""
    lines = "".join(f"              {line}\n" for line in (*commands, *([MARK] if mark else [])))
    after = f"          depends: [{', '.join(depends)}]\n" if depends else ""
    return f"    - name: {name}\n      description: d\n      run:\n          cmd: |\n{lines}{after}"


def template(*steps: str) -> str:
    """Return a template with these steps."""
    return "description:\n    name: {{ batch.name | yaml }}\n    description: d\nstudy:\n" + "".join(steps)


@dataclass(frozen=True)
class Lab:
    """A campaign of one batch, or more, and where its studies go."""

    folder: Path
    manifest: Manifest

    @classmethod
    def make(cls, place: Path, text: str, *, table: str = FEW, **options: Any) -> Lab:
        """Make a campaign in the folder `place / "lab"`."""
        place.mkdir(exist_ok=True)
        (place / "t.csv").write_text(table)
        (place / "t.yaml.j2").write_text(text)
        campaign = make_specs(
            place / "t.csv", place / "lab", Options(template=place / "t.yaml.j2", name="lab", **options)
        )
        (campaign.folder / "runs").mkdir()
        return cls(campaign.folder, campaign.manifest)

    @property
    def batch(self) -> BatchEntry:
        """The first batch."""
        return self.manifest.batches[0]

    @property
    def rows(self) -> BatchRows:
        """The first batch's rows."""
        return batch_rows(self.folder, self.manifest, self.batch)

    @property
    def study(self) -> Path:
        """The study's folder."""
        return self.folder / "runs" / "lab_0000.1"

    @property
    def log(self) -> Path:
        """What Maestro printed."""
        return self.study.with_name(self.study.name + ".log")

    def start(self, *options: str, environ: Mapping[str, str] = os.environ) -> StudyProcess:
        """Start the first batch."""
        pgen = self.folder / "pgen.py" if self.manifest.pgen_sha256 else None
        spec = self.folder / self.batch.spec
        return start_study(spec, pgen, self.study, self.log, options=options, environ=environ)

    def run(self, *options: str) -> int:
        """Run the first batch, and return Maestro's exit code."""
        return self.start(*options).wait()

    def judge(self, *, ended: bool, wanted: Rows | None = None) -> Outcome:
        """Judge the study."""
        rows = self.rows
        return judge(
            self.study,
            steps=self.manifest.steps,
            rows=rows,
            wanted=rows.numbers if wanted is None else wanted,
            ended=ended,
        )

    def verdict(self, *, ended: bool) -> tuple[str, dict[str, str], str]:
        """Judge the study; return the rows done, {step and state: rows} of the failed, and the unfinished."""
        outcome = self.judge(ended=ended)
        failed = {f"{failure.step} {failure.state}": failure.rows for failure in outcome.failed}
        return str(outcome.done), failed, str(outcome.unfinished)

    @property
    def status(self) -> str:
        """What Maestro recorded."""
        return (self.study / "status.csv").read_text()

    def rewrite(self, change: Callable[[str], str]) -> None:
        """Change what Maestro recorded."""
        (self.study / "status.csv").write_text(change(self.status))

    def workspace(self, name: str) -> Path:
        """Return a workspace, `step/label`."""
        return self.study / name


def processes_of(study: Path) -> list[int]:
    """Return the processes that say of themselves that they belong to a study."""
    entry = f"GENSTUDY_STUDY={study.resolve()}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if entry in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def wait_until(condition: Callable[[], object], *, seconds: float = 60) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)

"""Campaigns whose batches are jobs of a real Slurm: made, followed, and looked through at the end."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

from genstudy.campaign.cluster.submit import submit_campaign
from genstudy.campaign.progress import RunReport
from genstudy.campaign.run import run_campaign
from genstudy.campaign.stop import Stop
from genstudy.inspection.fetch import fetch_row
from genstudy.inspection.verify import verify_campaign
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.ranges import Rows
from genstudy.ledger.records import Ended, Queued, Returned
from genstudy.ledger.state import CampaignState
from genstudy.specs.make import make_specs
from genstudy.specs.manifest import read_manifest
from genstudy.specs.options import Options
from tests.campaign.support import study_processes
from tests.maestro.conftest import write_table
from tests.slurm.lab import SlurmLab

QUICK: dict[str, Any] = {"sleep": 1}
"""Ask Slurm every second at least."""

TOP = "../../../../.."
"""The folder of the campaign's folder, from a row's workspace."""

STEP = f"""\
top={TOP}
echo $1 >> $top/ran
%s
echo out $1 > out.txt
"""
WAIT = "until test -e $top/go; do sleep 0.05; done"
"""A command of rows that wait for the file `go` beside the campaign."""


def wave_campaign(
    folder: Path,
    command: str = "",
    *,
    rows: int = 6,
    batch_size: int = 2,
    template: str | Path = "command",
    **options: Any,
) -> Path:
    """Make the campaign `c`: a row adds its number to the file `ran`, runs the command, writes `out.txt`.

    The command is sh; `$1` is the row's number, `$top` the folder of the campaign, `ran`, and what else.
    """
    table = write_table(folder / "t.csv", ["number"], [[str(row)] for row in range(rows)])
    step = folder / "step.sh"
    step.write_text(STEP % command)
    variables = {"command": f"sh {TOP}/step.sh $(NUMBER.quoted) #"}
    if template == "pipeline":
        variables = {"simulate": f"sh {TOP}/step.sh $(NUMBER.quoted)"}
    made = Options(template=template, batch_size=batch_size, name="c", **{"variables": variables, **options})
    return make_specs(table, folder / "c", made).folder


def ran(folder: Path) -> Counter[int]:
    """Return how often each row was begun."""
    path = folder / "ran"
    return Counter(map(int, path.read_text().split())) if path.exists() else Counter()


def follow(campaign: Path, *, job: tuple[str, ...] = (), **more: Any) -> tuple[RunReport, list[str]]:
    """Run a campaign on Slurm to its end; return the report and what was told."""
    lines: list[str] = []
    settings = {**QUICK, **more.pop("settings", {})}
    report = run_campaign(campaign, settings, scheduler="slurm", job=job, tell=lines.append, **more)
    return report, lines


class Follower:
    """A run on Slurm in a thread of this process."""

    def __init__(self, campaign: Path, **more: Any) -> None:
        self.stop = Stop()
        self.lines: list[str] = []
        self._found: list[Any] = []
        self._thread = threading.Thread(target=self._run, args=(campaign, more), daemon=True)
        self._thread.start()

    def _run(self, campaign: Path, more: Mapping[str, Any]) -> None:
        settings = {**QUICK, **more.get("settings", {})}
        job = more.get("job", ())
        try:
            found: Any = run_campaign(
                campaign, settings, scheduler="slurm", job=job, stop=self.stop, tell=self.lines.append
            )
        except Exception as problem:  # noqa: BLE001 - raised again where the end is waited for
            found = problem
        self._found.append(found)

    def end(self, seconds: float = 60.0) -> RunReport:
        """Wait for its end, and return or raise what it came to."""
        self._thread.join(seconds)
        assert self._found, f"it goes on after {seconds:g} s: {self.lines}"
        if isinstance(self._found[0], Exception):
            raise self._found[0]
        report: RunReport = self._found[0]
        return report


def state_of(campaign: Path) -> CampaignState:
    """Return what the ledgers tell."""
    return CampaignState(read_manifest(campaign), Ledger(campaign).records())


def rows_of(campaign: Path) -> tuple[int, int, int]:
    """Return how many rows are done, failed and pending."""
    tally = state_of(campaign).tally
    return tally.done, tally.failed, tally.pending


def returns(campaign: Path) -> list[tuple[str, str]]:
    """Return the batches that were returned, and Slurm's words for how their tasks ended."""
    return sorted((one.batch, one.state) for one in Ledger(campaign).records() if isinstance(one, Returned))


def failures(campaign: Path) -> dict[str, str]:
    """Return {state: rows} of all that failed."""
    found: dict[str, Rows] = {}
    for batch in state_of(campaign).batches.values():
        for one in batch.failures:
            found[one.state] = found.get(one.state, Rows()) | Rows.parse(one.rows)
    return {state: str(rows) for state, rows in found.items()}


def jobs_of(campaign: Path) -> list[str]:
    """Return the ids of the campaign's jobs, a wave each."""
    return [one.job for one in Ledger(campaign).own_records() if isinstance(one, Queued)]


def job_of(campaign: Path) -> str:
    """Return the id of the campaign's only job."""
    (job,) = jobs_of(campaign)
    return job


def tasks_of(slurm: SlurmLab, campaign: Path) -> Counter[str]:
    """Return how many of the campaign's tasks are in each state, those that ended included."""
    jobs = jobs_of(campaign)
    found = slurm.call("squeue", "-h", "--array", "--states=all", "-o", "%F %T") if jobs else ""
    lines = (line.split() for line in found.splitlines())
    return Counter(state for job, state in lines if job in jobs)


def task_pids(campaign: Path) -> list[int]:
    """Return the processes of all tasks of a campaign."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if b"genstudy.cli.task" in words and str(campaign / "waves").encode() in b"".join(words):
                found.append(int(folder.name))
    return found


def task_command(campaign: Path, index: int = 0) -> list[str]:
    """Return the command of a task; if there is no wave, one is written to be started by hand."""
    if not (campaign / "waves").exists():
        submit_campaign(campaign, scheduler="flux")
    wave = campaign / "waves" / "0001"
    return [sys.executable, "-P", "-X", "utf8", "-m", "genstudy.cli.task", str(wave), str(index)]


def wait_for(slurm: SlurmLab, folder: Path, *rows: int) -> None:
    """Wait until these rows, and no others, have begun."""
    slurm.wait(lambda: set(ran(folder)) == set(rows), f"the rows at work are {rows}")


def problems_of(campaign: Path, slurm: SlurmLab | None = None) -> list[str]:
    """Return what is wrong with a campaign that shall be done: each row once, with its output, saved."""
    state = state_of(campaign)
    total = state.tally.rows
    done = [
        row for one in Ledger(campaign).records() if isinstance(one, Ended) for row in Rows.parse(one.done)
    ]
    problems = [] if sorted(done) == list(range(total)) else [f"the ledger has rows {sorted(done)} done"]
    problems += [f"{batch.entry.id} not finished" for batch in state.batches.values() if not batch.finished]
    problems += [f"wave {wave} is open" for wave in state.waves]
    for row in range(total):
        fetched = BytesIO()
        fetch_row(campaign, str(row), "out.txt", to=fetched)
        if fetched.getvalue() != f"out {row}\n".encode():
            problems.append(f"row {row} has {fetched.getvalue()!r}")
    verified = verify_campaign(campaign)
    problems += [*verified.problems, *verified.notes]
    problems += [f"left: {path}" for path in (campaign / "waves").glob("*/tasks*/")]
    problems += [f"process {pid} left" for pid in study_processes(campaign)]
    if slurm is not None and not slurm.is_empty():
        problems.append(f"jobs left: {slurm.call('squeue', '-h')}")
    return problems


def once(folder: Path, rows: int = 6) -> None:
    """Check that each row was begun just once."""
    assert ran(folder) == Counter(range(rows))

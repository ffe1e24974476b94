"""What is checked in a specification whose steps are jobs of a scheduler.

Each check is for something that Maestro 1.2.1 or its adapters take without a word, and that fails once the
study runs, never ends, or does not run where it should: see docs/maestro-traps.md.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from genstudy.errors import UserError, near
from genstudy.maestro.specs import SCHEDULERS, check_job_scripts
from genstudy.rendering.job_options import check_options
from genstudy.rendering.marks import MARK_LINES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genstudy.maestro.specs import Spec
    from genstudy.rendering.steps import Runs

NEEDED = {"slurm": ("host", "bank", "queue"), "lsf": ("host", "bank", "queue")}
NEEDED_OF_A_STEP = {"lsf": ("nodes", "procs", "walltime")}
BARE_LAUNCHER = re.compile(r"\$\(LAUNCHER\)(?!\[)")
ASKS_FOR = {
    "ntasks": re.compile(r"^#SBATCH\s+(-n|--ntasks)\b", re.MULTILINE),
    "cpus": re.compile(r"^#SBATCH\s+(-c|--cpus-per-task)\b", re.MULTILINE),
}
SETUP_ENDS = "set +e"
STOPS_AT_ERRORS = re.compile(r"\bset\s+(-\w*e|-o\s+errexit)")
PIPE = re.compile(r"[^|]\|[^|]")
PIPEFAIL = re.compile(r"\bpipefail\b")
UNWRITABLE = re.compile(r"[()]")
WORDS = ("bank", "queue", "reservation", "qos")
TOKEN = re.compile(r"\$\(\w+\)")
NO_WORD = re.compile(r"[\s;&|<>()$`\"'\\*?\[\]{}#\x00-\x1f\x7f-\x9f]")
"""What ends or changes a word in a script's first lines, or in the command that hands it in."""
NO_COMMENT = re.compile(r"[\"\\]|\$\([\w-]+\.(?:quoted|json)\)")
"""What ends or changes a text in double quotes, in which a step's description reaches sbatch."""


def check_jobs(spec: Spec, runs: Mapping[str, Runs], *, where: str) -> tuple[str, ...]:
    """Check the `batch:` block and the steps that it is for; return what a person should know.

    runs: how often each step runs. Nothing is looked at where Maestro runs all steps itself.
    """
    batch = spec.data["batch"]
    kind = scheduler_type(spec)
    if kind == "local":
        return ()
    if kind not in SCHEDULERS:
        raise UserError(
            f"there is no scheduler '{kind}'{near(kind, SCHEDULERS)}",
            where=f"{where}, batch",
            hint=f"Maestro has: {', '.join(SCHEDULERS)}",
        )
    _check_batch(kind, batch, where)
    steps = {str(entry["name"]): entry["run"] for entry in spec.data["study"]}
    jobs = {name: run for name, run in steps.items() if run.get("nodes") or run.get("procs")}
    if not jobs:
        raise UserError(
            f"the batch block is for {kind}, but no step has nodes or procs: Maestro would run all of them "
            "on its own machine",
            where=where,
            hint="write {{ job_block() | indent(N) }}, or procs: 1, into run: of those that are to be jobs",
        )
    notes = []
    for step in spec.data["study"]:
        if kind == "slurm" and step["name"] in jobs and NO_COMMENT.search(step["description"]):
            raise UserError(
                "the description has a double quote, a backslash or a quoted value, and sbatch would take "
                "it apart",
                where=f"{where}, step '{step['name']}', description",
                hint="take it out: Maestro makes the job's comment of it, between double quotes",
            )
    for name, run in jobs.items():
        place = f"{where}, step '{name}'"
        _check_job(kind, name, run, place)
        if kind == "slurm":
            notes += _slurm_notes(name, run, batch)
    check_job_scripts(spec, where)
    for name, run in steps.items():
        notes += _script_notes(name, str(run["cmd"]))
    if here := [name for name in steps if name not in jobs]:
        often = " (some of them once a row)" if any(runs[name] == "row" for name in here) else ""
        notes.append(
            f"no jobs, as they have neither nodes nor procs: {', '.join(here)}{often}; Maestro runs these "
            "itself, on its own machine, one after the other"
        )
    return tuple(notes)


def scheduler_type(spec: Spec) -> str:
    """Return what runs a specification's steps: `local`, or a scheduler's name."""
    return str(spec.data["batch"].get("type", "local"))


def check_word(key: str, value: Any, where: str | None = None) -> None:
    """Refuse what a shell or a scheduler would not read as one plain word. value: None is none."""
    if value is not None and (found := NO_WORD.search(str(value))):
        raise UserError(
            f"{key} has {found.group()!r}, and Maestro writes it into scripts and commands as it is",
            where=where,
            hint="write the name alone: letters, digits and marks such as . , : @ + _ -",
        )


def _check_batch(kind: str, batch: Mapping[str, Any], where: str) -> None:
    for key in WORDS:
        check_word(key, batch.get(key), f"{where}, batch")
    missing = [key for key in NEEDED.get(kind, ()) if key not in batch]
    empty = [key for key in ("bank", "queue") if kind == "lsf" and not batch.get(key)]
    if missing or empty:
        raise UserError(
            f"the batch block for {kind} lacks {', '.join(missing or empty)}",
            where=where,
            hint='Maestro dies on the first job without it; where the site has none, give ""'
            if missing
            else "Maestro would write the option without a value",
        )


def _check_job(kind: str, name: str, run: Mapping[str, Any], place: str) -> None:
    missing = [key for key in NEEDED_OF_A_STEP.get(kind, ()) if not run.get(key)]
    if missing:
        raise UserError(
            f"a job of {kind} lacks {', '.join(missing)}",
            where=place,
            hint="Maestro would die on it, or write an option without a value: add it to run:",
        )
    walltime = run.get("walltime")
    if kind == "lsf" and not isinstance(walltime, str):
        raise UserError(
            f"Maestro dies on the walltime {walltime}, which is a number",
            where=place,
            hint='write hours:minutes in quotes: walltime: "01:30"',
        )
    for key in (*WORDS, "walltime"):
        check_word(key, TOKEN.sub("", str(run.get(key, ""))), place)
    for text in (run["cmd"], run.get("restart", "")):
        check_options(kind, str(text), place)
    script = f"{run['cmd']}\n{run.get('restart', '')}"
    if not run.get("procs") and BARE_LAUNCHER.search(script):
        raise UserError(
            "$(LAUNCHER) needs procs: of nodes alone Maestro makes a command that has no number of processes",
            where=place,
            hint=f"write procs: {run.get('nodes')} too, for a process on each node",
        )
    if found := UNWRITABLE.search(name):
        raise UserError(
            f"the step's name has '{found.group()}', which a shell reads when Maestro hands in the job",
            where=place,
            hint="rename the step",
        )


def _slurm_notes(name: str, run: Mapping[str, Any], batch: Mapping[str, Any]) -> list[str]:
    notes = []
    nodes, procs, script = run.get("nodes"), run.get("procs"), str(run["cmd"])
    more = not (isinstance(nodes, int) and isinstance(procs, int)) or procs > nodes
    whole = run.get("exclusive") or ASKS_FOR["ntasks"].search(script)
    if nodes and procs and more and "procs" not in batch and not whole:
        notes.append(
            f"step '{name}': of nodes and procs together Maestro asks Slurm for the nodes alone, and each "
            "gives one core unless jobs have it alone: add procs to the batch block, or exclusive: true"
        )
    if run.get("cores per task") and not run.get("exclusive") and not ASKS_FOR["cpus"].search(script):
        notes.append(
            f"step '{name}': cores per task reach srun, not the job: begin its cmd with "
            f"#SBATCH --cpus-per-task={run['cores per task']}"
        )
    return notes


def _script_notes(name: str, script: str) -> list[str]:
    """Return what is to be said of a script whose failures nobody would see."""
    script = script.rpartition(f"\n{SETUP_ENDS}\n")[2]
    commands = [line for line in script.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    own = [line for line in commands if line not in MARK_LINES]
    if len(own) > 1 and not STOPS_AT_ERRORS.search(script):
        return [f"step '{name}': only the last command's exit status counts: begin it with set -euo pipefail"]
    if any(PIPE.search(line) for line in own) and not PIPEFAIL.search(script):
        return [f"step '{name}': of a pipe only the last command's exit status counts: set -o pipefail"]
    return []

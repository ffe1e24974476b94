"""A scheduler's settings as Maestro's entries, for studies whose steps are jobs.

How Maestro 1.2.1 takes each entry differs from scheduler to scheduler; see docs/clusters.md. What one of its
adapters would drop without a word is refused here.
"""

from __future__ import annotations

import re
from math import ceil
from typing import TYPE_CHECKING, Any

from genstudy.errors import UserError
from genstudy.rendering.job_checks import SETUP_ENDS, scheduler_type
from genstudy.rendering.jobs import JobView
from genstudy.specs.job_settings import check_settings, extra_entries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from genstudy.maestro.specs import Spec
    from genstudy.specs.scheduler import SchedulerSettings

SLURM_MEMORY = re.compile(r"\d+[KMGT]?", re.ASCII)


def job_view(settings: SchedulerSettings | None) -> JobView | None:
    """Return what a template sees of a scheduler; None where Maestro shall run all steps on its own machine.

    That is so without a scheduler, and where each batch as a whole is a job.
    Raises UserError for a setting that has no meaning for this scheduler's adapter, or is missing.
    """
    if settings is None or settings.type == "local" or settings.submit == "batches":
        return None
    check_settings(settings)
    batch = {**_batch(settings), **extra_entries(settings)}
    return JobView(type=settings.type, batch=batch, run=_run(settings), header=_header(settings))


def _procs(settings: SchedulerSettings) -> int:
    """Return a job's processes: one on each node if nothing is said, as the schedulers have it."""
    return settings.procs or settings.nodes or 1


def _batch(settings: SchedulerSettings) -> dict[str, Any]:
    """Return the entries of the `batch:` block. Slurm and LSF need the first four, even if empty."""
    batch: dict[str, Any] = {"type": settings.type}
    for key in ("host", "bank", "queue"):
        value = getattr(settings, key)
        if value is not None or settings.type != "flux":
            batch[key] = value or ""
    if settings.type == "slurm" and settings.nodes:
        # Without it Maestro writes no --ntasks where a step has nodes.
        batch["procs"] = _procs(settings)
    for key in ("reservation", "qos"):
        if getattr(settings, key):
            batch[key] = getattr(settings, key)
    return batch


def _run(settings: SchedulerSettings) -> dict[str, Any]:
    """Return the entries of the `run:` of a step that is a job."""
    kind, procs = settings.type, _procs(settings)
    nodes = settings.nodes or (1 if kind == "lsf" else None)
    run: dict[str, Any] = {"nodes": nodes, "procs": procs}
    if kind == "lsf":
        if procs % (nodes or 1):
            raise UserError(
                f"{procs} processes cannot be shared evenly by {nodes} nodes",
                hint="LSF's jsrun has the same resources on each: make procs a multiple of nodes",
            )
        run |= {"rs per node": procs // (nodes or 1), "tasks per rs": 1, "cpus per rs": settings.cores or 1}
    else:
        run["cores per task"] = settings.cores
    run["gpus"] = _gpus(settings, nodes, procs)
    run["walltime"] = _clock(settings.walltime) if settings.walltime else None
    run["exclusive"] = settings.exclusive or None
    return {key: value for key, value in run.items() if value is not None}


def _gpus(settings: SchedulerSettings, nodes: int | None, procs: int) -> int | None:
    """Return what Maestro's `gpus` must be, so that the job has this many in all.

    It is a node's share for Slurm, a process's for jsrun; for Flux it is both at once.
    """
    gpus = settings.gpus
    if not gpus:
        return None
    if settings.type == "flux":
        if nodes != 1 or procs != 1:
            raise UserError(
                "Maestro counts the GPUs of Flux jobs right only for one process on one node",
                hint="pass --job nodes=1 and no more than one process, or --job submit=batches",
            )
        return gpus
    if settings.type == "slurm" and nodes is None and procs > 1:
        raise UserError(
            "each node of the job would have so many GPUs, and how many nodes there are is Slurm's choice",
            hint="pass --job nodes=1, or as many as you want",
        )
    share, what = (nodes or 1, "nodes") if settings.type == "slurm" else (procs, "processes")
    if gpus % share:
        raise UserError(
            f"{gpus} GPUs cannot be shared evenly by {share} {what}",
            hint=f"gpus are those of the whole job: make them a multiple of the {what}",
        )
    return gpus // share


def _clock(seconds: float) -> str:
    """Return a time as hours:minutes:seconds, which all three take; hours may be more than 24."""
    minutes, second = divmod(ceil(seconds), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}"


def _header(settings: SchedulerSettings) -> tuple[str, ...]:
    """Return the first lines of a job's script: what Maestro has no entry for, and the setup.

    A setup that fails ends the job: the row is to run in this environment, or not at all.
    """
    lines = []
    if settings.type == "slurm":
        if settings.cores:
            lines.append(f"--cpus-per-task={settings.cores}")
        if settings.memory:
            lines.append(f"--mem={_slurm_memory(settings.memory)}")
    mark = "#BSUB" if settings.type == "lsf" else "#SBATCH"
    lines = [f"{mark} {line}" for line in [*lines, *settings.options]]
    setup = ("set -e", *settings.setup.strip("\n").split("\n"), SETUP_ENDS) if settings.setup else ()
    return (*lines, *setup)


def _slurm_memory(text: str) -> str:
    memory = text.strip().upper().removesuffix("B")
    if not SLURM_MEMORY.fullmatch(memory):
        raise UserError(f"'{text}' is no memory", hint="write a whole number and K, M, G or T, such as 4G")
    return memory


def check_said_once(settings: SchedulerSettings | None, variables: Mapping[str, Any]) -> None:
    """Refuse a scheduler beside the template's variables `batch` and `run`, which say the same otherwise."""
    both = [name for name in ("batch", "run") if name in variables]
    if settings is not None and both:
        raise UserError(
            f"a scheduler is given, and the variable '{both[0]}', which says what a job asks for too",
            hint=f"leave one of them out: --job KEY=VALUE in place of --set {both[0]}=..., or no scheduler",
        )


def check_handed_on(
    spec: Spec, settings: SchedulerSettings | None, view: JobView | None, *, where: str
) -> None:
    """Refuse a specification without the scheduler that was asked for, or with another one."""
    kind = scheduler_type(spec)
    if view is not None and kind != view.type:
        raise UserError(
            f"steps are to be jobs of {view.type}, and the template has no batch block for it",
            where=where,
            hint="write {{ batch_block() }} on a line of its own, {{ job_block() | indent(N) }} in run:",
        )
    if settings is not None and settings.submit == "batches" and kind != "local":
        raise UserError(
            f"each batch is to be a job, and the template has a batch block for {kind}: every step would be "
            "a job of its own",
            where=where,
            hint="take the batch block out, or pass --job submit=steps",
        )
    if view is None or not view.header:
        return
    top = "\n".join(view.header)
    for entry in spec.data["study"]:
        run = entry["run"]
        if not (run.get("nodes") or run.get("procs")):
            continue
        for key in ("cmd", "restart"):
            if run.get(key) and not str(run[key]).lstrip().startswith(top):
                raise UserError(
                    f"this job would not ask for: {', '.join(view.header)}",
                    where=f"{where}, step '{entry['name']}'",
                    hint=f"write {{{{ job_header() | indent(N) }}}} as the first line of its {key}:",
                )

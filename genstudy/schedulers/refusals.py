"""Why sbatch did not submit a job: no room at present, nobody there, or never. By Slurm's own words.

They are those of src/common/slurm_errno.c and src/sbatch/sbatch.c of Slurm 20.11 to 26.05.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from genstudy.schedulers.answers import Full, Refused

if TYPE_CHECKING:
    from pathlib import Path

WAITS = re.compile(r"(?:sleeping and|temporarily disabled,) retrying")
"""sbatch says so when there is no room; it then tries for two minutes more."""

POLICY = "Job violates accounting/QOS policy"
"""Slurm's words for a limit, whichever; since 17.11 the line before names it."""

NO_ROOM = re.compile(
    r"job queue full|MaxJobCount|Unable to create job record, try again|Resource temporarily unavailable"
    r"|Requested nodes are busy|Required ports are in use|[Ss]ystem submissions disabled"
    r"|(?:Max|Grp)SubmitJob"
)
AWAY = re.compile(
    r"Unable to contact slurm controller|timed out|Zero Bytes were transmitted|standby mode"
    r"|Rate limit exceeded|Communication (?:connection|shutdown) failure|Message (?:send|receive) failure"
    r"|Connection (?:refused|reset|rejected|forced closed)|Process is shutting down|Broken pipe"
    r"|Transport endpoint|No route to host|Network is unreachable|missing socket error"
)
WAYS_OUT = (
    (
        re.escape(POLICY),
        "sacctmgr show qos, and show associations user=$USER, tell the limits; ask for less with --job",
    ),
    ("account", "sacctmgr show associations user=$USER shows your accounts; say --job bank=NAME"),
    ("artition", "sinfo shows the partitions; say --job queue=NAME"),
    ("qos", "sacctmgr show qos shows them; say --job qos=NAME"),
    ("ime limit", "sinfo -o '%P %l' shows the longest times; say --job walltime=1h"),
    ("eservation", "scontrol show reservation shows them; say --job reservation=NAME"),
    ("gres", "sinfo -o '%P %G' shows what there is; say --job gpus=N"),
    ("array", "scontrol show config shows MaxArraySize and max_array_tasks"),
    (
        "not available|than permitted|[Cc]ount spec|satisfied|[Mm]emory",
        "sinfo -o '%P %c %m %D' shows cores and memory of the nodes; ask for less with --job",
    ),
)
PREFIX = re.compile(r"^sbatch: (?:error|fatal|info): |^Batch job submission failed: |^sbatch: ", re.MULTILINE)


def own_words(text: str) -> str:
    """Return in one line what Slurm's command printed, without the command's name."""
    lines = PREFIX.sub("", PREFIX.sub("", text)).splitlines()
    return "; ".join(dict.fromkeys(line.strip() for line in lines if line.strip()))


def is_unclear(text: str) -> bool:
    """Tell whether sbatch's messages leave open if the controller took the job, or takes it yet."""
    return not text or AWAY.search(text) is not None


def refusal(text: str, script: Path, *, waiting: bool) -> Full | Refused:
    """Return the error that sbatch's messages stand for.

    waiting: whether this user has jobs in the queue, after which there may be room: where a policy is
    violated, Slurm does not always say which.
    """
    words = own_words(text) or "sbatch failed without a word"
    if AWAY.search(text):
        return Full(f"Slurm's controller does not answer: {words}")
    if NO_ROOM.search(text) or WAITS.search(text):
        return Full(f"Slurm has no room for a job at present: {words}")
    if POLICY in text and waiting and not _names_the_limit(text):
        return Full(f"Slurm takes no more jobs at present: {words}")
    ways = (way for pattern, way in WAYS_OUT if re.search(pattern, words))
    way = next(ways, f"ask for something else with --job; what was submitted is in {script}")
    return Refused(f"Slurm refuses the job: {words}\n  {way}")


def _names_the_limit(text: str) -> bool:
    return re.search(r"\b(?:QOS|Assoc)\w*Limit\b|\bMax\w+Per\w+\b", text) is not None

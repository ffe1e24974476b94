"""Plans of waves for the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from genstudy.schedulers.plan import JobPlan
from genstudy.specs.scheduler import SchedulerSettings

FULL: dict[str, Any] = {
    "queue": "debug",
    "bank": "my bank",
    "nodes": 2,
    "procs": 4,
    "gpus": 1,
    "memory": "4G",
    "walltime": "1-12:00:30",
    "reservation": "rain",
    "qos": "high",
    "exclusive": True,
    "limit": 3,
    "setup": "module load gcc\nexport COUNT=${#list[@]} {x}\n",
    "options": ["--constraint=haswell", "-x n1  # broken"],
}

NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/\0") | st.sampled_from("\"'#\\%aA$`~{}: "),
    min_size=1,
    max_size=30,
).filter(lambda name: name not in {".", ".."} and len(name.encode()) <= 200)
"""What a folder can be called."""


def plan(folder: Path | str = "/data/beam", *, tasks: int = 10, **more: Any) -> JobPlan:
    """Return the plan of a campaign's seventh wave; `more` are its scheduler's settings, or its fields."""
    own = {key: more.pop(key) for key in ("name", "python", "cores") if key in more}
    folder = Path(folder)
    fields = {"name": f"{folder.name}.0007", "python": "/opt/python/bin/python3", "cores": 4, **own}
    return JobPlan(
        token="genstudy-3fa94c21d0-7",
        wave=folder / "waves" / "0007",
        tasks=tasks,
        scheduler=SchedulerSettings(**more),
        **fields,
    )

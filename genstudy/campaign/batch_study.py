"""One study of a batch: what it runs, and the thread that starts it and waits for its end."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genstudy.campaign.hooks import run_hook
from genstudy.campaign.study_process import StudyProcess, start_study

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from genstudy.campaign.ranges import Rows
    from genstudy.campaign.records import How
    from genstudy.campaign.rows import BatchRows


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPlan:
    """What a study runs. folder: where it shall be; wanted: its rows, of those of the batch.

    before: the command that comes first, with `variables` in its environment. canary: whether it is a trial.
    """

    batch: str
    folder: Path
    spec: Path
    pgen: Path | None
    rows: BatchRows
    wanted: Rows
    whole: bool
    options: Sequence[str]
    environ: Mapping[str, str]
    sleep: int | None
    before: str | None
    variables: Mapping[str, str]
    canary: bool = False


class RunningStudy:
    """A study on its way. `post` gets this object once it has ended, from another thread.

    how, code, seconds: how it ended. busy: workspaces that were at work when it was ended for its time.
    error: what kept it from being started.
    """

    def __init__(self, plan: StudyPlan, post: Callable[[Any], None]) -> None:
        self.plan = plan
        self.how: How = "ended"
        self.code: int | None = None
        self.busy: frozenset[str] = frozenset()
        self.error: Exception | None = None
        self.began = time.monotonic()
        self.seconds: float | None = None
        self._post = post
        self._process: StudyProcess | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"study {plan.folder.name}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        plan = self.plan
        try:
            if plan.before:
                run_hook("before", plan.before, plan.spec.parent, plan.variables)
            with self._lock:
                if self.how != "ended":
                    return
                self.began = time.monotonic()
                self._process = start_study(
                    plan.spec,
                    plan.pgen,
                    plan.folder,
                    plan.folder.with_name(plan.folder.name + ".log"),
                    options=plan.options,
                    environ=plan.environ,
                    sleep=plan.sleep,
                )
            self.code = self._process.wait()
            self.seconds = time.monotonic() - self.began
        except Exception as problem:  # noqa: BLE001 - raised again where the study is judged
            self.error = problem
        finally:
            self._post(self)

    def end(self, how: How) -> None:
        """End it, and all processes that it started; it is posted as soon as they are gone."""
        with self._lock:
            if self.how != "ended":
                return
            self.how = how
        process = self._process
        if process is not None:
            if how == "timeout":
                self.busy = frozenset(process.rows_in_progress())
            process.kill()

"""One study of a batch on its way: the thread that starts it and waits for its end."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from genstudy.batches.rows import LABEL
from genstudy.campaign.hooks import run_hook
from genstudy.campaign.study_process import StudyProcess, start_study
from genstudy.maestro.specs import folder_name
from genstudy.rendering.marks import MARK_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from genstudy.campaign.study_plan import StudyPlan
    from genstudy.ledger.records import How

LOOK_AHEAD = 20
"""Rows that are looked at behind the last that was done: those between may have failed."""


class Marked:
    """Counts the rows of a study that have left the done mark of their last step, looking at few each time.

    Maestro takes rows in their order, so a look goes on where the one before stopped.
    """

    def __init__(self, plan: StudyPlan) -> None:
        step = plan.last_step
        self._folder = plan.folder / folder_name(step) if step is not None else None
        self._ids = [plan.rows.id_of(number) for number in plan.wanted] if step is not None else []
        self._next = 0
        self._count = 0

    def count(self) -> int:
        """Return how many rows have come to their end as far as can be seen."""
        while self._folder is not None and self._next < len(self._ids):
            ahead = range(self._next, min(self._next + LOOK_AHEAD, len(self._ids)))
            found = next((place for place in ahead if self._is_done(self._ids[place])), None)
            if found is None:
                break
            self._next = found + 1
            self._count += 1
        return self._count

    def _is_done(self, row_id: str) -> bool:
        assert self._folder is not None
        return (self._folder / f"{LABEL}{row_id}" / MARK_NAME).exists()


class RunningStudy:
    """A study on its way. `post` gets this object once it has ended, from another thread.

    how, code, seconds: how it ended. busy: workspaces that were at work when it was ended for its time.
    error: what kept it from being started. marked: counts the rows that have come to their end. began: when
    this object was made, by the monotonic clock; maestro_began: when Maestro was started, None before.
    """

    def __init__(self, plan: StudyPlan, post: Callable[[Any], None]) -> None:
        self.plan = plan
        self.marked = Marked(plan)
        self.how: How = "ended"
        self.code: int | None = None
        self.busy: frozenset[str] = frozenset()
        self.error: Exception | None = None
        self.began = time.monotonic()
        self.maestro_began: float | None = None
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
                run_hook("before", plan.before, plan.spec.parent, plan.variables, self._is_over)
            with self._lock:
                if self.how != "ended":
                    return
                began = self.began = self.maestro_began = time.monotonic()
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
            self.seconds = time.monotonic() - began
        except Exception as problem:  # noqa: BLE001 - raised again where the study is judged
            self.error = problem
        finally:
            self._post(self)

    def _is_over(self) -> bool:
        return self.how != "ended"

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

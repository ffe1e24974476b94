"""How many batches go into the next job array."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudy.errors import RunError
from genstudy.schedulers.answers import Limits
from genstudy.schedulers.waves import next_wave


def limits(max_array: int = 1001, max_jobs: int = 10_000) -> Limits:
    return Limits(max_array=max_array, max_jobs=max_jobs, min_job_age=300)


BATCHES = range(10_000)


@pytest.mark.parametrize(
    ("tasks", "given"),
    [
        (1000, {}),
        (101, {"limits": limits(max_array=101)}),
        (50, {"limits": limits(max_jobs=100)}),
        (200, {"in_queue": 9_800}),
        (0, {"in_queue": 10_000}),
        (0, {"in_queue": 12_000}),
        (1, {"in_queue": 9_999}),
        (1000, {"ours": 4_000, "in_queue": 4_000}),
        (100, {"ours": 4_900, "in_queue": 4_900}),
        (0, {"ours": 4_901, "in_queue": 4_901}),
        (0, {"ours": 5_000, "in_queue": 5_000}),
        (1000, {"limit": 3}),
        (0, {"limit": 3, "ours": 1, "in_queue": 1}),
        (250, {"most": 250}),
        (1, {"most": 0}),
        (1, {"limits": limits(max_jobs=1)}),
    ],
)
def test_the_size_of_a_wave(tasks: int, given: dict[str, int]) -> None:
    assert next_wave(BATCHES, **{"limits": limits(), "in_queue": 0, **given}) == BATCHES[:tasks]  # type: ignore[arg-type]


def test_the_last_batches_are_not_held_for_being_few() -> None:
    assert next_wave(["8", "9"], limits=limits(), in_queue=4_000, ours=4_000) == ["8", "9"]
    assert next_wave([], limits=limits(), in_queue=0) == []


def test_a_slurm_without_job_arrays() -> None:
    with pytest.raises(RunError, match="takes no job arrays"):
        next_wave(["0"], limits=limits(max_array=0), in_queue=0)


@given(st.data())
def test_a_campaign_in_waves(data: st.DataObject) -> None:
    """Submit all batches while tasks end and others come and go: each once, in order, within the limits."""
    bounds = limits(data.draw(st.integers(1, 30), "array"), data.draw(st.integers(1, 60), "jobs"))
    waiting = list(range(data.draw(st.integers(0, 150), "batches")))
    limit = data.draw(st.none() | st.integers(1, 5), "limit")
    gone: list[int] = []
    ours = 0
    while waiting:
        others = data.draw(st.integers(0, bounds.max_jobs + 2), "others") if ours else 0
        wave = next_wave(waiting, limits=bounds, in_queue=ours + others, ours=ours, limit=limit)
        assert len(wave) <= min(bounds.max_array, max(0, bounds.max_jobs - ours - others))
        assert not (limit is not None and ours and wave)
        assert wave or ours, "no progress, though there is room"
        assert ours + len(wave) <= max(1, bounds.max_jobs // 2)
        gone += wave
        del waiting[: len(wave)]
        ours += len(wave)
        ours -= data.draw(st.integers(0 if wave else 1, ours), "ended")
    assert gone == sorted(set(gone))


@given(st.integers(1, 300), st.integers(2, 200), st.integers(0, 3))
def test_waves_are_few_though_tasks_end_one_by_one(batches: int, max_jobs: int, at_once: int) -> None:
    waiting, ours, waves = list(range(batches)), 0, 0
    while waiting:
        wave = next_wave(waiting, limits=limits(max_jobs=max_jobs), in_queue=ours, ours=ours)
        del waiting[: len(wave)]
        waves += bool(wave)
        ours = max(0, ours + len(wave) - 1 - at_once)
    largest = max(1, max_jobs // 2)
    assert waves <= 2 + batches * 10 // largest

"""Scales: every number has its place, and ticks are round, few and true."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from genstudy.plots.labels import harmless, shortened, text_width, wrapped
from genstudy.plots.scales import ByteScale, LevelScale, NumberScale, TimeScale, short_number

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(FINITE, FINITE, st.booleans(), st.integers(2, 8))
def test_ticks_are_few_and_stand_where_they_say(one: float, other: float, log: bool, most: int) -> None:
    low, high = sorted((one, other))
    assume(not log or low > 0)
    scale = NumberScale(low, high, log)
    ticks = scale.ticks(most)
    assert 1 <= len(ticks) <= 2 * most + 2
    assert [place for place, _ in ticks] == sorted(place for place, _ in ticks)
    for place, label in ticks:
        assert -1e-9 <= place <= 1 + 1e-9
        assert scale.place([float(label)])[0] == pytest.approx(place, abs=0.01)
    assert len({label for _, label in ticks}) == len(ticks) or high - low < 1e-5 * abs(high)


@given(st.lists(FINITE, min_size=2, max_size=30))
def test_places_are_in_order(values: list[float]) -> None:
    ordered = sorted(values)
    places = NumberScale(ordered[0], ordered[-1]).place(ordered)
    assert (np.diff(places) >= 0).all()
    if ordered[0] / 2 < ordered[-1] / 2:
        assert (places[0], places[-1]) == (0, 1)
    else:
        assert set(places) == {0.5}


@pytest.mark.parametrize(
    ("scale", "most", "labels"),
    [
        (NumberScale(0, 1), 4, ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (NumberScale(0.01, 0.99), 4, ["0.2", "0.4", "0.6", "0.8"]),
        (NumberScale(1, 10), 4, ["2", "4", "6", "8", "10"]),
        (NumberScale(0, 49), 4, ["0", "10", "20", "30", "40"]),
        (NumberScale(0.3, 0.31), 1, ["0.30", "0.31"]),
        (NumberScale(0, 100), 5, ["0", "20", "40", "60", "80", "100"]),
        (NumberScale(-1, 1), 4, ["-1.0", "-0.5", "0", "0.5", "1.0"]),
        (NumberScale(1e6 + 0.1, 1e6 + 0.3), 3, ["1000000.1", "1000000.2", "1000000.3"]),
        (NumberScale(0, 3e9), 3, ["0", "1e9", "2e9", "3e9"]),
        (NumberScale(0, 1.5e9), 3, ["0", "5e8", "1.0e9", "1.5e9"]),
        (NumberScale(0, 1e-7), 2, ["0", "5e-8", "1.0e-7"]),
        (NumberScale(-1.7e308, 1.7e308), 4, ["-1e308", "0", "1e308"]),
        (NumberScale(3, 3), 4, ["3"]),
        (NumberScale(1e-300, 1e300, log=True), 4, ["1e-300", "1e-150", "1", "1e150", "1e300"]),
        (NumberScale(10, 1e5, log=True), 4, ["10", "100", "1000", "1e4", "1e5"]),
        (NumberScale(1e-5, 0.1, log=True), 4, ["1e-5", "1e-4", "1e-3", "0.01", "0.1"]),
        (NumberScale(1, 100, log=True), 5, ["1", "2", "5", "10", "20", "50", "100"]),
        (NumberScale(2, 3, log=True), 3, ["2.0", "2.5", "3.0"]),
        (NumberScale(0, 1, whole=True), 4, ["0", "1"]),
        (NumberScale(0, 3, whole=True), 9, ["0", "1", "2", "3"]),
        (LevelScale(["a", "b", "c", "d"]), 2, ["a", "c"]),
        (LevelScale([]), 2, []),
        (TimeScale(0, 7200), 4, ["0", "0.5", "1.0", "1.5", "2.0"]),
        (ByteScale(3 * 1024**2), 3, ["0 MB", "1 MB", "2 MB", "3 MB"]),
        (ByteScale(1), 3, ["0 B", "1 B"]),
    ],
)
def test_labels(
    scale: NumberScale | LevelScale | TimeScale | ByteScale, most: int, labels: list[str]
) -> None:
    assert [label for _, label in scale.ticks(most)] == labels


@pytest.mark.parametrize(
    ("seconds", "label"),
    [
        (30, "seconds since 2023-11-14 22:13:20 UTC"),
        (600, "minutes since 2023-11-14 22:13:20 UTC"),
        (8000, "hours since 2023-11-14 22:13:20 UTC"),
        (1e6, "days since 2023-11-14 22:13:20 UTC"),
    ],
)
def test_times_are_told_in_a_unit_that_fits(seconds: float, label: str) -> None:
    assert TimeScale(1.7e9, 1.7e9 + seconds).label == label


def test_levels_have_places_and_others_none() -> None:
    places = LevelScale(["a", "b"]).place(["b", "a", "c"])
    assert list(places[:2]) == [0.75, 0.25]
    assert math.isnan(places[2])


def test_short_numbers() -> None:
    found = [short_number(number) for number in (0.25, 1500, 1e-300, 123456789, -1e20)]
    assert found == ["0.25", "1500", "1e-300", "1.23457e8", "-1e20"]


@given(st.text(max_size=60), st.floats(0, 400), st.floats(5, 20))
def test_shortened_texts_fit(text: str, room: float, size: float) -> None:
    found = shortened(text, room, size)
    assert text_width(found, size) <= room + 1e-6 or not harmless(text)
    assert found.isprintable()
    if text_width(harmless(text), size) <= room:
        assert found == harmless(text)


@given(st.text(max_size=200), st.floats(60, 400))
def test_wrapped_texts_fit_and_lose_no_word(text: str, room: float) -> None:
    lines = wrapped(text, room, 10)
    assert all(text_width(line, 10) <= room for line in lines)
    words = harmless(text).split()
    if all(text_width(word, 10) <= room for word in words):
        assert " ".join(lines).split() == words

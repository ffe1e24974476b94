"""Sizes and times, read and written."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudy.errors import UserError
from genstudy.units import counted, parse_size, parse_time, size_text, time_text

K, M, G = 2**10, 2**20, 2**30


@pytest.mark.parametrize(
    ("text", "nbytes"),
    [
        ("0", 0),
        ("512", 512),
        (512, 512),
        (1.9, 1),
        ("512B", 512),
        ("1K", K),
        ("1k", K),
        ("1KB", K),
        ("1KiB", K),
        ("1 kib", K),
        (" 500M ", 500 * M),
        ("1.5G", 3 * G // 2),
        ("2T", 2048 * G),
        ("1P", 2**50),
    ],
)
def test_sizes(text: str | float, nbytes: int) -> None:
    assert parse_size(text) == nbytes


@pytest.mark.parametrize(
    "text", ["", "G", "-1", "1X", "1GG", "1,5G", "1e3", ".5G", "1.G", "10 G B", "٣", "nan", "inf", "9" * 400]
)
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_size(text)
    assert str(caught.value) == f"'{text}' is no size\n  write a number and K, M, G or T, such as 10G"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("90", 90),
        (90, 90),
        (0.5, 0.5),
        ("90s", 90),
        ("1.5 s", 1.5),
        ("15m", 900),
        ("2h", 7200),
        ("1D", 86400),
        ("1:30", 5400),
        ("1:30:05", 5405),
        ("100:00", 360_000),
        ("2-12:00:00", 216_000),
        ("2-12:00", 216_000),
    ],
)
def test_times(text: str | float, seconds: float) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s",
        "-1",
        "1w",
        "1:2",
        "1:2:3",
        "1:60",
        "1:00:60",
        "1:30:",
        "1-2",
        "1:00m",
        "٣",
        "nan",
        "inf",
        "9" * 400,
    ],
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_time(text)
    assert str(caught.value).startswith(f"'{text}' is no time\n  write seconds, or 15m, 2h, 1d, or ")


@pytest.mark.parametrize(
    ("nbytes", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (K, "1.0 KB"),
        (1536, "1.5 KB"),
        (102_400, "100 KB"),
        (102_399, "100 KB"),
        (M - 1, "1.0 MB"),
        (M, "1.0 MB"),
        (3 * G // 2, "1.5 GB"),
        (2**50, "1.0 PB"),
        (2**60, "1024 PB"),
    ],
)
def test_sizes_for_people(nbytes: int, text: str) -> None:
    assert size_text(nbytes) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (0.84, "0.8 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (45, "45 s"),
        (119.4, "119 s"),
        (119.6, "2 min"),
        (120, "2 min"),
        (3569, "59 min"),
        (3599, "1 h"),
        (12_000, "3 h 20 min"),
        (172_799, "2 d"),
        (187_200, "2 d 4 h"),
    ],
)
def test_times_for_people(seconds: float, text: str) -> None:
    assert time_text(seconds) == text


@given(st.integers(0, 2**59))
def test_a_size_for_people_is_near_and_can_be_read(nbytes: int) -> None:
    assert abs(parse_size(size_text(nbytes)) - nbytes) <= nbytes * 0.05
    assert re.fullmatch(r"\d{1,4} B|\d\d?\.\d .B|\d{2,4} .B", size_text(nbytes))


@given(st.floats(0, 1e9))
def test_a_time_for_people_is_near(seconds: float) -> None:
    parts = re.findall(r"([\d.]+) (s|min|h|d)", time_text(seconds))
    read = sum(parse_time(f"{number}{unit[0]}") for number, unit in parts)
    assert abs(read - seconds) <= max(0.05, seconds * 0.05)


@given(st.integers(0, 99), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_a_clock(days: int, hours: int, minutes: int, seconds: int) -> None:
    text = f"{days}-{hours}:{minutes:02}:{seconds:02}"
    assert parse_time(text) == ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def test_counted_words() -> None:
    words = ("row", "batch", "process")
    assert [counted(2, word) for word in words] == ["2 rows", "2 batches", "2 processes"]
    assert counted(1, "process") == "1 process"

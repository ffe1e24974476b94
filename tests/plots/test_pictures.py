"""Pictures: XML whatever the data says, small, the same each time, and nothing is outside of them."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from itertools import pairwise
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from genstudy.plots.canvas import Canvas
from genstudy.plots.columns import LEVELS
from genstudy.plots.design import design_picture, notes_of
from genstudy.plots.histogram import histogram_svg
from genstudy.plots.history import lines_svg, states_svg
from genstudy.plots.pairs import pairs_svg
from genstudy.plots.result import result_svg
from genstudy.plots.style import GREEN, ORANGE, SHARPNESS, VERMILLION
from genstudy.plots.summary import DesignSummary, summarize_rows
from genstudy.plots.timeline import Span, timeline_svg
from tests.plots.support import HOSTILE, SVG, assert_inside, parsed, texts_of, title_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NAN, INF = float("nan"), float("inf")
START = 1.7e9


def summary_of(columns: dict[str, Sequence[object]], laws: dict[str, str] | None = None) -> DesignSummary:
    rows = list(zip(*columns.values(), strict=True))
    return summarize_rows(lambda: rows, list(columns), laws=laws)


def kinds(count: int, name: str = "") -> DesignSummary:
    """Return columns of every kind, of which each name and text begins with one that is given."""
    random = np.random.default_rng(1)
    columns: dict[str, Sequence[object]] = {
        "even": random.random(count).tolist(),
        "log": (10 ** random.uniform(-5, 5, count)).tolist(),
        "whole": random.integers(0, 100, count).tolist(),
        "levels": random.integers(0, 4, count).tolist(),
        "constant": [7] * count,
        "words": random.choice([f"{name}{word}" for word in ("x", "y", "z")], count).tolist(),
        "many": [f"{name}t{n % 100}" for n in range(count)],
        "too many": [f"{name}t{n}" for n in range(count)],
        "gaps": [None if n % 3 else 0.5 * n for n in range(count)],
        "huge": (random.uniform(-8e307, 8e307, count)).tolist(),
        "wide": (10.0 ** random.uniform(-300, 300, count)).tolist(),
        "tiny": (random.uniform(0, 1, count) * 5e-320).tolist(),
        "near": (1e6 + random.uniform(0, 1e-6, count)).tolist(),
        "empty": [None] * count,
    }
    return summary_of({name + key: values for key, values in columns.items()})


def spans(count: int, lanes: int = 4) -> list[Span]:
    random = np.random.default_rng(2)
    ends = np.full(lanes, START)
    found = []
    for number in range(count):
        lane = int(ends.argmin())
        took = float(random.exponential(30))
        state = "failed" if random.random() < 0.01 else "done"
        began = float(ends[lane])
        found.append(Span(batch=str(number), began=began, ended=began + took, state=state))
        ends[lane] += took + 1
    return found


SUMMARY = kinds(500)
PICTURES: dict[str, Callable[[], str]] = {
    **{
        f"histogram of {name}": lambda name=name: histogram_svg(SUMMARY.column(name), prefix="p")  # type: ignore[misc]
        for name in SUMMARY.names
    },
    "pairs": lambda: pairs_svg(SUMMARY, SUMMARY.names, prefix="p"),
    "pairs from the end": lambda: pairs_svg(SUMMARY, SUMMARY.names[::-1], prefix="p"),
    "one of pairs": lambda: pairs_svg(SUMMARY, ["even"], prefix="p"),
    "a single row": lambda: pairs_svg(kinds(1), SUMMARY.names, prefix="p"),
    "two rows": lambda: pairs_svg(kinds(2), SUMMARY.names[4:], prefix="p"),
    "no rows": lambda: pairs_svg(summarize_rows(lambda: (), ["a", "b"]), ["a", "b"], prefix="p"),
    "design": lambda: design_picture(SUMMARY, "title", ["a line"]).svg(title="t", prefix="p"),
    "result": lambda: result_svg([1, 2, 3], [1.5, 2, NAN], x_name="x", y_name="y", rho=0.5, prefix="p"),
    "result by words": lambda: result_svg(["a", "b"], [1, 2], x_name="x", y_name="y", rho=None, prefix="p"),
    "result of one": lambda: result_svg([1.0], [5e-324], x_name="x", y_name="y", rho=NAN, prefix="p"),
    "result of none": lambda: result_svg([INF], [1.0], x_name="x", y_name="y", rho=None, prefix="p"),
    "timeline": lambda: timeline_svg(spans(30), prefix="p"),
    "timeline of one moment": lambda: timeline_svg(
        [Span(batch="0", began=START, ended=START, state="running")], prefix="p"
    ),
    "timeline with a clock set back": lambda: timeline_svg(
        [Span(batch="0", began=START, ended=START - 5, state="done"), *spans(3)], prefix="p"
    ),
    "timeline of none": lambda: timeline_svg([], prefix="p"),
    "many at a time": lambda: timeline_svg(
        [Span(batch="0", began=START, ended=START + n, state="done") for n in range(1000)], prefix="p"
    ),
    "files": lambda: lines_svg([START, START + 9e5], {"a": [1, 2], "b": [5, 3e6]}, prefix="p", unit="files"),
    "bytes": lambda: lines_svg([START, START + 50], {"a": [1, 2**40]}, prefix="p", unit="bytes"),
    "few bytes": lambda: lines_svg([START], {"a": [3]}, prefix="p", unit="bytes"),
    "no files": lambda: lines_svg([], {"a": []}, prefix="p", unit="files"),
    "states": lambda: states_svg({"done": 120_000, "failed": 3, "LOST": 0}, prefix="p"),
    "no states": lambda: states_svg({}, prefix="p"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_xml_with_all_of_it_inside(name: str) -> None:
    svg = PICTURES[name]()
    root = parsed(svg)
    assert_inside(root)
    assert title_of(root)
    assert root.attrib["role"] == "img"
    assert not {"nan", "inf", "-inf"} & set(svg.replace('"', " ").split())


def hostile_pictures(text: str) -> list[str]:
    summary = kinds(120, text)
    names = list(summary.names)
    return [
        *(histogram_svg(column, prefix="p") for column in summary.columns),
        pairs_svg(summary, names, prefix="p"),
        pairs_svg(summary, names[4:8], prefix="p"),
        design_picture(summary, text, [text]).svg(title=text, prefix="p"),
        result_svg([text, "b"], [1, 2], x_name=text, y_name=text, rho=0.5, prefix="p"),
        timeline_svg(
            [Span(batch=text, began=START, ended=START + 9, state=f"{text}{n}") for n in range(12)],
            prefix="p",
        ),
        lines_svg([START, START + 1], {text: [1, 2], text + "b": [2, 1]}, prefix="p", unit="files"),
        states_svg({text: 3, "b": 4}, prefix="p"),
        histogram_svg(summary_of({text: [1, 2, 3]}, {text: f"law of {text}"}).columns[0], prefix="p"),
    ]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_names_and_values_are_data(text: str) -> None:
    for svg in hostile_pictures(text):
        assert_inside(parsed(svg))


@given(st.text(max_size=30))
def test_any_text_is_data(text: str) -> None:
    summary = summary_of({text: [text, "b", text]})
    for svg in (
        histogram_svg(summary.columns[0], prefix="p"),
        result_svg([text, "b"], [1, 2], x_name=text, y_name=text, rho=None, prefix="p"),
        states_svg({text: 3}, prefix="p"),
    ):
        assert_inside(parsed(svg))


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=40),
    st.lists(st.floats(), min_size=1, max_size=40),
)
def test_any_number_has_its_place(values: list[float], results: list[float]) -> None:
    assert_inside(parsed(pairs_svg(summary_of({"a": values, "b": values[::-1]}), ["a", "b"], prefix="p")))
    assert_inside(parsed(histogram_svg(summary_of({"a": values}).columns[0], prefix="p")))
    many = min(len(values), len(results))
    svg = result_svg(values[:many], results[:many], x_name="a", y_name="b", rho=None, prefix="p")
    assert_inside(parsed(svg))


def test_texts_that_fit_are_shown_as_they_are() -> None:
    shown = texts_of(parsed(states_svg({"<b>&$x$": 3}, prefix="p")))
    assert shown == ["<b>&$x$", "3"]
    escaped = texts_of(parsed(states_svg({"\x1b[0m\ud800": 3}, prefix="p")))
    assert escaped[0] == "\\x1b[0m\\ud800"
    long = texts_of(parsed(states_svg({"begin" + "x" * 200 + "end": 3}, prefix="p")))[0]
    assert long.startswith("begin")
    assert "…" in long
    assert long.endswith("end")


def test_titles_tell_what_is_to_be_seen() -> None:
    titles = {name: title_of(parsed(PICTURES[name]())) for name in PICTURES}
    assert titles["histogram of levels"].startswith("Histogram of levels: 500 numbers, from 0 to 3, mean ")
    assert titles["histogram of constant"] == "Histogram of constant: 500 numbers, all 7"
    assert titles["histogram of words"].startswith("Bars of words: 3 texts in 500 rows, most often ")
    assert titles["histogram of too many"] == "too many: 500 texts, too many different ones to show"
    assert titles["histogram of gaps"].endswith(", 333 missing")
    assert titles["histogram of empty"] == "empty: no values, 500 missing"
    assert titles["result"] == "y over x: 2 of 3 rows, Spearman's rho 0.50"
    assert titles["timeline"] == "When 30 runs of batches took place: 30 done"
    assert titles["bytes"] == "Bytes over time: a, at most 1.0 TB"
    assert titles["states"] == "Rows by state: 120,000 done, 3 failed, 0 LOST"


def test_prefixes_make_ids() -> None:
    assert 'id="one-title"' in states_svg({"a": 1}, prefix="one")
    for wrong in ("", "1a", 'a"', "a b", "é"):
        with pytest.raises(ValueError, match="cannot begin an id"):
            states_svg({"a": 1}, prefix=wrong)


def test_pictures_are_small() -> None:
    for column in kinds(100_000).columns:
        assert len(histogram_svg(column, prefix="p").encode()) < 8_000
    numbers = np.random.default_rng(3).random((2, 5000))
    scatter = result_svg(*numbers, x_name="x", y_name="y", rho=0.0, prefix="p")
    assert len(scatter.encode()) < 40_000
    dots = [path for path in parsed(scatter).iter(f"{SVG}path") if "stroke-linecap" in path.attrib]
    assert [path.attrib["d"].count("M") for path in dots] == [2000]
    assert len(pairs_svg(kinds(5000), list(SUMMARY.names), prefix="p").encode()) < 300_000
    assert len(timeline_svg(spans(10_000), prefix="p").encode()) < 20_000
    assert len(timeline_svg(spans(10_000, lanes=300), prefix="p").encode()) < 400_000


def test_rare_states_are_seen_among_thousands_of_batches() -> None:
    found = spans(10_000)
    svg = parsed(timeline_svg(found, prefix="p"))
    failed = [path for path in svg.iter(f"{SVG}path") if path.attrib.get("stroke") == "#d55e00"]
    assert len(failed) == 1
    assert failed[0].attrib["d"].count("M") > 60


def bars_of(svg: str, colour: str) -> list[tuple[float, float]]:
    """Return the left and right ends of the bars of a timeline."""
    paths = [path for path in parsed(svg).iter(f"{SVG}path") if path.attrib.get("stroke") == colour]
    return [
        (float(left), float(right))
        for path in paths
        for left, right in re.findall(r"M(\S+) \S+L(\S+) [^ML]+", path.attrib["d"])
    ]


def test_few_batches_are_told_apart() -> None:
    follow = [
        Span(
            batch=str(n), began=START + n, ended=START + n + 1, state="some rows failed" if n % 3 else "done"
        )
        for n in range(200)
    ]
    svg = timeline_svg(follow, prefix="p")
    bars = sorted(bars_of(svg, GREEN) + bars_of(svg, ORANGE))
    assert len(bars) == 200
    gaps = [after[0] - before[1] for before, after in pairwise(bars)]
    assert all(0.4 < gap < 2 for gap in gaps)
    alike = [Span(batch=str(n), began=START + n, ended=START + n + 1, state="done") for n in range(201)]
    assert len(bars_of(timeline_svg(alike, prefix="p"), GREEN)) == 1


def test_batches_too_short_to_be_seen_are_drawn_all_the_same() -> None:
    found = [Span(batch=str(n), began=START + n / 1e4, ended=START + n / 1e4, state="done") for n in range(9)]
    last = Span(batch="9", began=START + 1, ended=START + 9, state="all rows failed")
    svg = timeline_svg([*found, last], prefix="p")
    assert len(bars_of(svg, GREEN)) >= 1
    assert len(bars_of(svg, VERMILLION)) == 1


def test_a_column_without_values_is_not_said_to_have_too_many() -> None:
    texts = texts_of(parsed(pairs_svg(SUMMARY, ["even", "empty", "too many"], prefix="p")))
    assert texts.count("no values") == 2
    assert texts.count("too many texts") == 1


def test_levels_too_many_to_be_told_apart_are_named_in_part() -> None:
    texts = texts_of(parsed(pairs_svg(SUMMARY, ["many", "even"], prefix="p")))
    assert not [text for text in texts if "…" in text]


def test_one_row_stands_where_its_level_does() -> None:
    svg = parsed(result_svg(["a"], [1.0], x_name="x", y_name="y", rho=None, prefix="p"))
    [dot] = [path for path in svg.iter(f"{SVG}path") if path.attrib.get("stroke-linecap") == "round"]
    [label] = [text for text in svg.iter(f"{SVG}text") if text.text == "a"]
    assert dot.attrib["d"].startswith(f"M{float(label.attrib['x']):g} ")


def test_a_histogram_shows_the_counts() -> None:
    svg = parsed(histogram_svg(summary_of({"a": [1] * 30 + [2] * 10}).columns[0], prefix="p"))
    (bars,) = [path for path in svg.iter(f"{SVG}path") if path.attrib["fill"] == "#56b4e9"]
    heights = []
    for bar in bars.attrib["d"].split("z")[:-1]:
        corners = [float(pair.split()[1]) for pair in bar.removeprefix("M").split("L")]
        heights.append(max(corners) - min(corners))
    assert heights[0] == pytest.approx(3 * heights[1], abs=0.5)


def test_too_many_categories_are_summed_up() -> None:
    texts = texts_of(parsed(histogram_svg(SUMMARY.column("many"), prefix="p")))
    assert texts[-3:] == ["94 others", "470", "many"]
    assert texts_of(parsed(histogram_svg(SUMMARY.column("too many"), prefix="p"))) == [
        "too many different texts",
        "too many",
    ]
    assert len({f"{n}" for n in range(500)}) > LEVELS


def test_notes_tell_what_is_left_out() -> None:
    assert notes_of(SUMMARY) == [
        "the first 8 of 14 columns are drawn against each other; --columns a,b,c chooses others",
        "many: the 24 most frequent of 100 texts are shown",
        "gaps: 333 cells empty or NaN",
        "empty: 500 cells empty or NaN",
    ]
    wide = summary_of({f"c{n}": range(3000) for n in range(60)})
    assert notes_of(wide) == [
        "the dots are 500 of 3,000 rows, drawn at random",
        (
            "the first 8 of 60 columns are drawn against each other, and 12 are not shown; "
            "--columns a,b,c chooses others"
        ),
    ]


@pytest.mark.parametrize("size", [(220, 140), (1000, 333)])
def test_a_png_has_its_size(size: tuple[int, int]) -> None:
    canvas = Canvas(*size)
    canvas.text("漢字 $x$", 10, 50, 200)
    with Image.open(io.BytesIO(canvas.png())) as picture:
        assert picture.format == "PNG"
        assert picture.size == (SHARPNESS * size[0], SHARPNESS * size[1])
        assert picture.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


PROGRAM = """
import hashlib, sys
from tests.plots.test_pictures import PICTURES, SUMMARY, design_picture
text = "".join(picture() for picture in PICTURES.values())
png = design_picture(SUMMARY, "title", ["a line"]).png()
print(hashlib.sha256(text.encode() + png).hexdigest())
"""


def test_the_same_data_gives_the_same_bytes() -> None:
    seen = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PATH": "", "TZ": zone, "MPLCONFIGDIR": mpl.get_configdir()},
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }
    assert len(seen) == 1


def test_somebodys_settings_of_matplotlib_change_nothing() -> None:
    before = PICTURES["pairs"](), design_picture(SUMMARY, "t", []).png()
    with mpl.rc_context(
        {"svg.fonttype": "path", "text.usetex": True, "path.sketch": (3, 100, 2), "savefig.bbox": "tight",
         "figure.facecolor": "red", "savefig.facecolor": "red", "font.size": 40, "savefig.dpi": 50}
    ):  # fmt: skip
        after = PICTURES["pairs"](), design_picture(SUMMARY, "t", []).png()
    assert before == after


def test_drawing_says_nothing_and_leaves_the_settings(capfd: pytest.CaptureFixture[str]) -> None:
    before = dict(mpl.rcParams)
    canvas = Canvas(100, 100)
    canvas.text("漢字", 10, 50, 200)
    canvas.png()
    canvas.svg(title="漢字", prefix="p")
    assert dict(mpl.rcParams) == before
    assert capfd.readouterr() == ("", "")

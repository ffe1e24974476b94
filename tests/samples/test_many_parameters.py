"""The sample of 500 parameters: its README, and every row's forces against the statics of the beam."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import pytest

import genstudy
from tests.docs.blocks import run_page

SAMPLE = Path(__file__).parents[2] / "samples" / "many_parameters"
RESULTS = ("left_support", "right_support", "moment", "place")
LENGTH = 501


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the sample in which its README was followed, and all was as the README says."""
    folder = Path(shutil.copytree(SAMPLE, tmp_path_factory.mktemp("many") / "sample"))
    assert run_page((SAMPLE / "README.md").read_text(encoding="utf-8"), folder) == []
    return folder


def loads_of(table: Path) -> list[list[float]]:
    with table.open(newline="") as stream:
        return [[float(cell) for cell in row] for row in list(csv.reader(stream))[1:]]


def results_of(campaign: Path, columns: tuple[str, ...]) -> list[tuple[Any, ...]]:
    with genstudy.query_results(
        campaign, f"SELECT {', '.join(columns)} FROM results ORDER BY row_number"
    ) as found:
        return [tuple(row) for row in found]


def statics(loads: list[float]) -> tuple[float, float, float]:
    """Return both supports' forces and the largest moment, each load by itself."""
    places = range(1, LENGTH)
    left = sum(load * (LENGTH - place) / LENGTH for place, load in zip(places, loads, strict=True))
    moments = (
        left * at - sum(load * (at - place) for place, load in zip(places, loads, strict=True) if place < at)
        for at in places
    )
    return left, sum(loads) - left, max(moments)


@pytest.mark.parametrize("campaign", ["loads", "beams"])
def test_every_row_has_the_forces_of_its_own_500_loads(sample: Path, campaign: str) -> None:
    rows = loads_of(sample / campaign / "table.csv")
    assert [len(row) for row in rows] == [500] * 20
    found = results_of(sample / campaign, RESULTS)
    for loads, (left, right, moment, place) in zip(rows, found, strict=True):
        assert (left, right, moment) == pytest.approx(statics(loads))
        assert 1 <= place < LENGTH


def test_the_database_has_all_parameters(sample: Path) -> None:
    names = tuple(f"load{number}" for number in range(1, 501))
    found = results_of(sample / "beams", names)
    assert found == [tuple(row) for row in loads_of(sample / "beams" / "table.csv")]


def test_every_rows_file_has_the_500_values_of_its_row(sample: Path, tmp_path: Path) -> None:
    with (sample / "beams" / "table.csv").open(newline="") as stream:
        names, *rows = csv.reader(stream)
    for number, row in enumerate(rows):
        file = tmp_path / f"{number}.txt"
        genstudy.fetch_row(sample / "beams", str(number), "simulate/beam.txt", to=file)
        expected = [f"{name} = {value}" for name, value in zip(names, row, strict=True)]
        assert file.read_text().splitlines() == expected

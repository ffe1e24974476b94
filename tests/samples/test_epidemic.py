"""The epidemic sample: its README, the final size relation in every row, and indices that are known."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest

import genstudy
from tests.docs.blocks import run_page

SAMPLE = Path(__file__).parents[2] / "samples" / "epidemic"
PARAMETERS = ("beta", "infectious_days", "incubation_days", "vaccinated", "initial_infected")
RESULTS = ("peak", "peak_day", "final_size")
ROWS = 64 * (len(PARAMETERS) + 2)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the sample in which its README was followed, and all was as the README says."""
    folder = Path(shutil.copytree(SAMPLE, tmp_path_factory.mktemp("epidemic") / "sample"))
    assert run_page((SAMPLE / "README.md").read_text(encoding="utf-8"), folder) == []
    return folder


@pytest.fixture(scope="module")
def rows(sample: Path) -> list[dict[str, float]]:
    columns = (*PARAMETERS, *RESULTS)
    sql = f"SELECT {', '.join(columns)} FROM results WHERE state = 'FINISHED' ORDER BY row_number"
    with genstudy.query_results(sample / "epidemic", sql) as found:
        return [dict(zip(columns, row, strict=True)) for row in found]


def final_size(row: dict[str, float]) -> float:
    """Return the root of 1 - exp(-R0 x) = (x - I0) / S0, by halving: the share infected in the end."""
    r0, ill = row["beta"] * row["infectious_days"], row["initial_infected"]
    start = 1 - row["vaccinated"] - ill
    low, high = ill, start + ill
    for _ in range(60):
        x = (low + high) / 2
        low, high = (x, high) if -math.expm1(-r0 * x) > (x - ill) / start else (low, x)
    return low


def test_every_row_ends_where_the_final_size_relation_says(rows: list[dict[str, float]]) -> None:
    assert len(rows) == ROWS
    for row in rows:
        assert row["final_size"] == pytest.approx(final_size(row), abs=1e-6)


def test_what_the_model_says_is_possible(rows: list[dict[str, float]]) -> None:
    for row in rows:
        assert row["initial_infected"] <= row["peak"] < row["final_size"] <= 1 - row["vaccinated"]
        assert row["peak_day"] > row["incubation_days"]


def test_totals_are_what_is_known_of_them(sample: Path) -> None:
    found = {one["result"]: one for one in json.loads((sample / "indices.json").read_text())["results"]}
    totals = {
        result: {index["parameter"]: index["total"]["value"] for index in found[result]["indices"]}
        for result in RESULTS
    }
    for of_parameters in totals.values():
        assert set(of_parameters) == set(PARAMETERS)
        # In truth it is 1 at least; this is an estimate.
        assert sum(of_parameters.values()) > 0.9
    assert max(totals["final_size"], key=totals["final_size"].__getitem__) == "vaccinated"
    # The incubation is not in the relation that the final size follows.
    assert totals["final_size"]["incubation_days"] == pytest.approx(0, abs=1e-9)
    assert totals["peak_day"]["incubation_days"] > 0.03


def test_the_picture_is_drawn(sample: Path) -> None:
    drawn = (sample / "indices.svg").read_text(encoding="utf-8")
    assert "infected in the end" in drawn
    assert all(name in drawn for name in PARAMETERS)

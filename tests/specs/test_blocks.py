"""Batches of a table whose rows belong together in blocks."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genstudy.errors import UserError
from genstudy.parameters.grammar import parse_parameter
from genstudy.planning.proposal import plan_batches
from genstudy.specs.batches import equal_batches, whole_blocks
from genstudy.specs.make import Campaign, make_specs
from genstudy.specs.options import Options
from genstudy.studies.build import build_study
from genstudy.tables.make import make_table
from tests.conftest import RunCli

BLOCK = 4


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of 10 blocks of 4 rows."""
    parameters = [parse_parameter(f"{name}=uniform(0, 1)") for name in "ab"]
    make_table(parameters, output=tmp_path / "t.csv", design="saltelli", rows=40, seed=1)
    return tmp_path / "t.csv"


def made(table: Path, **options: Any) -> Campaign:
    return make_specs(table, table.parent / "c", Options(**options))


def sizes(campaign: Campaign) -> list[int]:
    return [batch.nrows for batch in campaign.manifest.batches]


def test_a_batch_size_is_rounded_down_and_that_is_said(table: Path) -> None:
    campaign = made(table, batch_size=15)
    assert sizes(campaign) == [12, 12, 12, 4]
    assert campaign.warnings == ("batches have 12 rows, not 15: the 4 rows of a block belong together",)


def test_a_multiple_is_taken_as_it_is(table: Path) -> None:
    campaign = made(table, batch_size=16)
    assert (sizes(campaign), campaign.warnings) == ([16, 16, 8], ())


def test_less_than_a_block_is_refused(table: Path) -> None:
    with pytest.raises(UserError) as found:
        made(table, batch_size=3)
    assert str(found.value) == (
        "--batch-size 3 is less than the 4 rows that belong together\n"
        "  the design makes rows in blocks, which batches keep whole: pass 4 or more"
    )
    assert not (table.parent / "c").exists()


def test_a_number_of_batches_is_equal_in_blocks(table: Path) -> None:
    assert sizes(made(table, batches=3)) == [16, 12, 12]


def test_more_batches_than_blocks_are_refused(table: Path) -> None:
    with pytest.raises(UserError, match="--batches 11 is more than there are blocks, 10 of 4 rows"):
        made(table, batches=11)


def test_a_part_of_the_table_is_whole_blocks(table: Path) -> None:
    campaign = made(table, start=8, rows=24, batch_size=8)
    assert [batch.start for batch in campaign.manifest.batches] == [8, 16, 24]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": 6}, "--start cuts a block: 4 rows belong together, and row 6 is within rows 4 to 7"),
        ({"rows": 10}, "--rows cuts a block: 4 rows belong together, and row 10 is within rows 8 to 11"),
        ({"rows": 9, "batches": 2}, "--rows cuts a block"),
    ],
)
def test_parts_of_blocks_are_refused(table: Path, options: dict[str, int], message: str) -> None:
    with pytest.raises(UserError) as found:
        made(table, **options)
    assert found.value.message.startswith(message)
    assert found.value.where == str(table)


def test_a_table_that_was_changed_has_no_blocks(table: Path) -> None:
    table.write_bytes(table.read_bytes() + b"0.5,0.5\n")
    assert sizes(made(table, batch_size=15)) == [15, 15, 11]


def test_replicates_are_in_the_block(tmp_path: Path) -> None:
    parameters = [parse_parameter(f"{name}=uniform(0, 1)") for name in "ab"]
    table = tmp_path / "t.csv"
    make_table(parameters, output=table, design="morris(trajectories=4)", seed=1, replicates=3)
    assert sizes(made(table, batch_size=20)) == [18, 18]


def test_a_study_file_names_its_line(in_tmp: Path) -> None:
    study = "parameters: {a: 'uniform(0, 1)', b: 'uniform(0, 1)'}\ndesign: saltelli(blocks=8)\nseed: 1\n"
    (in_tmp / "s.yaml").write_text(f"{study}batch_size: 3\n")
    with pytest.raises(UserError) as found:
        build_study("s.yaml")
    assert found.value.where == "s.yaml, line 4, batch_size"
    (in_tmp / "s.yaml").write_text(f"{study}batches: 9\n")
    with pytest.raises(UserError) as found:
        build_study("s.yaml")
    assert found.value.where == "s.yaml, line 4, batches"
    (in_tmp / "s.yaml").write_text(f"{study}batch_size: 10\n")
    assert sizes(build_study("s.yaml")) == [8, 8, 8, 8]


def test_a_plan_has_whole_blocks(table: Path) -> None:
    assert plan_batches(table, max_files=160).plan.size % BLOCK == 0
    campaign = made(table, batch_size=4)
    found = plan_batches(campaign.folder, max_jobs=15)
    assert (found.plan.size, found.plan.binding) == (12, "--max-jobs")
    assert plan_batches(campaign.folder, max_jobs=1000).plan.size == 40
    with pytest.raises(UserError, match="--max-jobs 3 jobs is too little"):
        plan_batches(campaign.folder, max_jobs=3)


def test_the_command_says_it(table: Path, run_cli: RunCli) -> None:
    code, _, err = run_cli("specs", table, "-b", "15", "-o", table.parent / "x")
    assert code == 0
    assert err == "genstudy: warning: batches have 12 rows, not 15: the 4 rows of a block belong together\n"


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(1, 3), st.data())
def test_no_batch_of_a_campaign_begins_or_ends_within_a_block(
    blocks: int, replicates: int, data: st.DataObject
) -> None:
    size = BLOCK * replicates
    start = data.draw(st.integers(0, blocks - 1))
    rows = data.draw(st.none() | st.integers(1, blocks - start))
    cut = blocks - start if rows is None else rows
    sizes = st.fixed_dictionaries({"batch_size": st.integers(size, 5 * size)})
    counts = st.fixed_dictionaries({"batches": st.integers(1, cut)})
    options = data.draw(st.just({}) | sizes | counts)
    with TemporaryDirectory() as place:
        table = Path(place) / "t.csv"
        parameters = [parse_parameter(f"{name}=uniform(0, 1)") for name in "ab"]
        make_table(
            parameters, output=table, design=f"saltelli(blocks={blocks})", seed=1, replicates=replicates
        )
        part = None if rows is None else rows * size
        inline = data.draw(st.booleans())
        batches = made(table, inline=inline, start=start * size, rows=part, **options).manifest.batches
    edges = [(batch.start, batch.start + batch.nrows) for batch in batches]
    assert edges[0][0] == start * size
    assert edges[-1][1] == (start + cut) * size
    assert all(one[1] == other[0] for one, other in pairwise(edges))
    assert all(edge % size == 0 for pair in edges for edge in pair)


@given(st.integers(1, 50), st.integers(1, 40), st.data())
def test_sizes_cover_all_blocks(block: int, count: int, data: st.DataObject) -> None:
    batches = data.draw(st.integers(1, count))
    size_of = equal_batches(count * block, batches, block=block)
    found = [size_of(number) for number in range(batches)]
    assert sum(found) == count * block
    assert {size % block for size in found} == {0}
    assert max(found) - min(found) in {0, block}
    asked = data.draw(st.none() | st.integers(block, 5000))
    size = whole_blocks(asked, block)
    assert size % block == 0
    assert size <= max(block, asked or 1000) < size + block or size == block

"""What a campaign of any size comes to, compared with campaigns that were made and recorded."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudy.ledger.ledger import Ledger
from genstudy.ledger.records import Cleared, Ended, Saved, Started
from genstudy.planning.plan import Budget, needs_of, stated_cost
from genstudy.planning.proposal import plan_batches
from genstudy.planning.scale import scale_of
from genstudy.schedulers.waves import MOST_TASKS
from genstudy.specs.make import make_specs
from genstudy.specs.options import Options
from tests.conftest import RunCli
from tests.ledger.owners import no_news
from tests.specs.support import refusal

BATCHES = 200


def test_the_bytes_are_about_those_of_a_campaign_that_ran(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("a,b\n" + "1,2\n" * 100 * BATCHES)
    folder = tmp_path / "specs"
    manifest = make_specs(tmp_path / "table.csv", folder, Options(batch_size=100)).manifest
    with Ledger(folder).own({}, no_news) as owner:
        for batch in manifest.batches:
            study, t = f"{batch.name}.1", 1_795_401_253.894645
            rows = f"{batch.start}-{batch.start + batch.nrows - 1}"
            path = f"archive/{batch.name}.tar.zst"
            seconds = 0.22729786999843782
            owner.add(
                Started(t=t, batch=batch.id, study=study, rows=rows, whole=False),
                Ended(
                    t=t, batch=batch.id, study=study, how="ended", code=0, done=rows, seconds=100 * seconds
                ),
                Saved(
                    t=t,
                    batch=batch.id,
                    mode="archive",
                    path=path,
                    sha256="0" * 64,
                    nbytes=34_039,
                    entries=517,
                    content=117_977,
                    seconds=seconds,
                ),
                Cleared(t=t, batch=batch.id, left=0),
            )
    scale = scale_of(needs_of(100, 100 * BATCHES, stated_cost(1, 1), Budget()), Budget())
    assert (folder / "manifest.json").stat().st_size == pytest.approx(scale.manifest, rel=0.1)
    records = folder / "ledger/records-000001.jsonl"
    assert records.stat().st_size == pytest.approx(scale.ledger, rel=0.1)


@given(st.integers(1, 10**9), st.integers(1, 10_000), st.sampled_from(["keep", "archive", "move"]))
def test_every_batch_is_in_a_wave_and_leaves_something(rows: int, size: int, save: str) -> None:
    budget = Budget(save=save)  # type: ignore[arg-type]
    needs = needs_of(size, rows, stated_cost(1, 1), budget)
    scale = scale_of(needs, budget)
    assert (scale.waves - 1) * MOST_TASKS < needs.batches <= scale.waves * MOST_TASKS
    assert 2 * needs.batches < scale.files <= needs.files
    assert (scale.files == needs.files) == (save == "keep")


def test_a_plan_for_a_table_that_is_not_there_yet(run_cli: RunCli, in_tmp: Path) -> None:
    code, out, err = run_cli("plan", "--rows", 100_000_000, "-j", 400, "--max-files", 3_000_000)
    assert (code, err) == (0, "")
    assert (
        out
        == """\
100,000,000 rows, 1 step

a row                  1 step x 4 files and folders of Maestro
a batch                21 more for its study, and 5 that stay: specification, log, row list, archive and one in the making
campaign               15 files and folders that belong to no batch
on disk                401 batches at a time: 400 run, 1 is being saved; workspaces of failed rows come on top
--max-files 3,000,000  at most 1,679 rows a batch: 15 + 59,560 x 5 + 401 x 21 + 673,279 rows x 4 = 2,999,352
Maestro                at most 10,000 rows a batch: with more, its own time grows faster than the rows

1,679 rows a batch: --max-files allows no more
59,560 batches, at most 2,999,352 files at a time
119,135 files in the end; manifest of about 15.9 MB, ledger of about 36.9 MB
as jobs of a scheduler: 60 waves of at most 1,000 batches

genstudy specs params.csv -b 1679
genstudy run specs -j 400 --max-files 3000000
"""  # noqa: E501
    )
    assert list(in_tmp.iterdir()) == []


def test_few_batches_are_told_without_it() -> None:
    lines = plan_batches(1_000_000, steps=2).lines
    assert lines[0] == "1,000,000 rows, 2 steps"
    assert not any("waves" in line or "manifest" in line for line in lines)


@pytest.mark.parametrize("options", [{"template": "echo"}, {"variables": {"a": 1}}])
def test_a_template_needs_a_table(options: dict[str, object]) -> None:
    message = "a template is for a table: --rows takes --steps\n  make the table first"
    assert refusal(lambda: plan_batches(10, **options)) == message  # type: ignore[arg-type]


def test_rows_that_cannot_be() -> None:
    assert refusal(lambda: plan_batches(0)) == "--rows must be at least 1, not 0"


@pytest.mark.parametrize("words", [["t.csv"], ["--query", "SELECT 1", "--db", "sqlite:///x"], ["--db", "x"]])
def test_rows_and_a_table_exclude_each_other(run_cli: RunCli, words: list[str]) -> None:
    code, out, err = run_cli("plan", "--rows", 10, *words)
    assert (code, out) == (2, "")
    assert err == "genstudy: --rows is for a table that is not there yet\n  leave --rows out\n"

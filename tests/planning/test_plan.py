"""The size of batches: whatever is proposed keeps every budget, and one row more would break one."""

from __future__ import annotations

import dataclasses
import math
import re
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudy.campaign.room import Room
from genstudy.errors import UserError
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.records import Cleared, Ended, Record, Saved, Started
from genstudy.ledger.state import CampaignState
from genstudy.planning.plan import (
    MOST_ROWS,
    OWN,
    PER_BATCH,
    Budget,
    Needs,
    Plan,
    RowCost,
    needs_of,
    propose,
    stated_cost,
)
from genstudy.planning.proposal import plan_batches
from genstudy.planning.text import conclude, explain
from genstudy.specs.make import make_specs
from genstudy.specs.manifest import BatchEntry, Manifest
from genstudy.specs.options import Options
from genstudy.specs.running import RunSettings
from tests.campaign.support import genstudy
from tests.ledger.owners import no_news
from tests.specs.support import refusal

COSTS = st.builds(
    stated_cost,
    st.integers(1, 4),
    st.integers(4, 6),
    marks=st.integers(0, 4),
    files=st.floats(0, 50),
    nbytes=st.floats(0, 1e9),
    seconds=st.floats(0, 1e4),
)
BUDGETS = st.builds(
    Budget,
    files=st.none() | st.integers(1, 200_000),
    nbytes=st.none() | st.integers(1, 10**12),
    queue=st.none() | st.integers(1, 20_000),
    seconds=st.none() | st.floats(0.1, 1e6),
    jobs=st.integers(1, 40),
    save=st.sampled_from(["keep", "archive", "move"]),
)
ROWS = st.integers(1, 300) | st.integers(1, 2_000_000)


def over(needs: Needs, budget: Budget) -> set[str]:
    """Return the limits that are broken, by an account of its own."""
    found = {
        "--max-files": (needs.files, budget.files),
        "--max-bytes": (needs.nbytes, budget.nbytes),
        "--max-jobs": (needs.queue, budget.queue),
        "--walltime": (needs.seconds, budget.seconds),
    }
    return {
        name
        for name, (need, limit) in found.items()
        if limit is not None and need is not None and need > limit
    }


@given(ROWS, COSTS, BUDGETS)
def test_the_size_keeps_every_budget_and_one_row_more_breaks_one(
    rows: int, cost: RowCost, budget: Budget
) -> None:
    largest = min(rows, MOST_ROWS)
    try:
        plan = propose(rows, cost, budget)
    except UserError:
        tried = {1, largest, *range(1, largest + 1, max(1, largest // 97))}
        assert all(over(needs_of(size, rows, cost, budget), budget) for size in tried)
        return
    assert plan.needs == needs_of(plan.size, rows, cost, budget)
    assert over(plan.needs, budget) == set()
    if plan.size < largest:
        broken = over(needs_of(plan.size + 1, rows, cost, budget), budget)
        assert plan.binding in broken
    else:
        assert plan.binding == ("rows" if largest == rows else "Maestro")
    for larger in range(plan.size + 1, largest + 1, max(1, largest // 97)):
        assert over(needs_of(larger, rows, cost, budget), budget)


@given(ROWS, COSTS, BUDGETS, st.integers(1, 20_000))
def test_the_needs_are_those_of_the_worst_moment(rows: int, cost: RowCost, budget: Budget, size: int) -> None:
    needs = needs_of(size, rows, cost, budget)
    sizes = [min(size, rows - start) for start in range(0, rows, size)][: budget.jobs + 1]
    if budget.save == "keep":
        sizes = [min(size, rows - start) for start in range(0, rows, size)]
    assert needs.batches == math.ceil(rows / size)
    assert needs.rows_on_disk == sum(sizes)
    assert needs.files == OWN + PER_BATCH * needs.batches + cost.once * len(sizes) + math.ceil(
        cost.entries * sum(sizes)
    )
    assert needs.queue == cost.steps * sum(sizes[: budget.jobs])


@given(ROWS, COSTS, BUDGETS)
def test_the_sums_that_are_shown_add_up(rows: int, cost: RowCost, budget: Budget) -> None:
    cost = dataclasses.replace(cost, entries=math.ceil(cost.entries) if cost.entries < 9999 else cost.entries)
    try:
        plan = propose(rows, cost, budget)
    except UserError:
        return
    lines = [line for line in explain(plan) if line.startswith(("--max-files", "--max-jobs"))]
    for line in lines:
        left, _, right = re.sub(r"\(.*\)|rows?|run at a time|steps?|,", "", line).partition("=")
        terms = [
            math.prod(map(float, re.findall(r"[\d.e+]+", term))) for term in left.split(": ")[1].split(" + ")
        ]
        assert sum(terms) == pytest.approx(float(right))
    assert len(conclude(plan)) >= 2


def text_of(plan: Plan) -> str:
    return "\n".join([*explain(plan), *conclude(plan)])


TOO_LITTLE = "too little for any size of batches"
ON_TOP = "workspaces of failed rows come on top"
SHOWN = """\
a row                2 steps x 4 files and folders of Maestro + 2 done marks + 3 of your code = 13; 2.0 MB; \
30 s
a batch              29 more for its study, and 5 that stay: specification, log, row list, archive and one \
in the making
campaign             15 files and folders that belong to no batch
on disk              3 batches at a time: 2 run, 1 is being saved; workspaces of failed rows come on top
--max-files 50,000   at most 1,269 rows a batch: 15 + 79 x 5 + 3 x 29 + 3,807 rows x 13 = 49,988
--max-bytes 50.0 GB  at most 6,400 rows a batch: (19,200 rows on disk + 6,400 being packed) x 2.0 MB = 50.0 GB
--max-jobs 1,000     at most 250 rows a batch: 500 rows run at a time x 2 steps = 1,000
--walltime 2 h       at most 240 rows a batch: 240 x 30 s = 2 h
Maestro              at most 10,000 rows a batch: with more, its own time grows faster than the rows
240 rows a batch: --walltime allows no more
417 batches, at most 11,547 files and 1.9 GB at a time
about 2 h a batch, 17 d 10 h in all with --jobs 2
archives of at most 195 GB in the end, more than --max-bytes: genstudy run --to FOLDER puts them elsewhere"""


def test_what_is_shown_of_all_limits() -> None:
    cost = stated_cost(2, 3, marks=2, files=3, nbytes=2 << 20, seconds=30)
    budget = Budget(files=50_000, nbytes=50 << 30, queue=1000, seconds=7200, jobs=2)
    plan = propose(100_000, cost, budget)
    assert (plan.size, plan.binding) == (240, "--walltime")
    assert text_of(plan) == SHOWN


@pytest.mark.parametrize(
    ("rows", "budget", "lines"),
    [
        (
            50,
            Budget(files=1000),
            [
                "on disk            1 batch, as there is no other",
                "--max-files 1,000  enough for 50 rows a batch: 15 + 1 x 5 + 1 x 21 + 50 rows x 4 = 241",
                "50 rows a batch: all rows fit into one",
                "1 batch, at most 241 files at a time",
            ],
        ),
        (
            20_000,
            Budget(save="keep"),
            [
                "on disk   all batches, as --save keep deletes none",
                "10,000 rows a batch: Maestro takes no more well",
                "2 batches, at most 80,067 files at a time",
            ],
        ),
        (
            30,
            Budget(queue=8, jobs=8),
            [
                f"on disk       9 batches at a time: 8 run, 1 is being saved; {ON_TOP}",
                "1 row a batch: --max-jobs allows no more",
            ],
        ),
        (
            20,
            Budget(seconds=30, jobs=30),
            ["on disk          all 2 batches at a time", "about 30 s a batch, 30 s in all with --jobs 30"],
        ),
    ],
)
def test_what_is_shown_of_few_limits(rows: int, budget: Budget, lines: list[str]) -> None:
    seconds = 2.0 if budget.seconds else None
    text = text_of(propose(rows, stated_cost(1, 1, seconds=seconds), budget)).splitlines()
    for line in lines:
        assert line in text


def test_a_budget_that_no_size_keeps() -> None:
    cost = stated_cost(1, 1, nbytes=1 << 20)
    raise_it = "raise it, or make several campaigns (--start, --rows)"
    assert refusal(lambda: propose(10_000, cost, Budget(files=500))) == (
        f"--max-files 500 files is {TOO_LITTLE}: the least is 1,322 files, at 80 a batch\n  {raise_it}"
    )
    assert refusal(lambda: propose(10_000, cost, Budget(nbytes=1000))) == (
        f"--max-bytes 1000 B is {TOO_LITTLE}: the least is 3.0 MB, at 1 a batch\n  raise it"
    )
    assert refusal(lambda: propose(100_000, cost, Budget(files=100_000, queue=2))) == (
        "no size of batches keeps --max-files and --max-jobs together; each alone allows "
        "10,000 rows (--max-files), 2 rows (--max-jobs)\n"
        "  small batches make files of their own, each: raise a budget, or make several campaigns"
    )


# For tables and campaigns


def echo_cost() -> RowCost:
    """Return what the template `echo` is known to cost: its one step leaves a mark."""
    return dataclasses.replace(stated_cost(1, 1, marks=1), once=22)


@pytest.fixture
def table(in_tmp: Path) -> None:
    (in_tmp / "t.csv").write_text("a,b\n" + "1,2\n" * 300)


@pytest.mark.usefixtures("table")
def test_a_table() -> None:
    found = plan_batches("t.csv", max_files=1000)
    assert found.lines[0] == "t.csv: 300 rows, template echo"
    assert found.plan.cost == echo_cost()
    assert found.plan.binding == "--max-files"
    size = found.plan.size
    assert found.commands == (f"genstudy specs t.csv -b {size}", "genstudy run specs --max-files 1000")


@pytest.mark.usefixtures("table")
def test_a_table_with_a_template_and_every_option() -> None:
    found = plan_batches(
        "t.csv",
        template="pipeline",
        variables={"simulate": "ls -l", "tar": '"1"'},
        max_jobs=100,
        jobs=3,
        save="move",
        files_per_row=2.5,
        bytes_per_row="1K",
        seconds_per_row="2m",
        max_bytes="1M",
        walltime="1:00",
    )
    cost = found.plan.cost
    assert (cost.nbytes, cost.seconds, cost.measured) == (1024, 120, 0)
    assert found.plan.budget == Budget(queue=100, jobs=3, save="move", nbytes=1 << 20, seconds=3600)
    words = shlex.split(found.commands[0])
    assert words[:5] == ["genstudy", "specs", "t.csv", "-t", "pipeline"]
    assert words[-2:] == ["-b", str(found.plan.size)]
    assert found.commands[1] == (f"genstudy run specs -j 3 --save move --max-files {found.plan.needs.files}")


@pytest.mark.usefixtures("table")
def test_the_commands_set_what_was_set() -> None:
    values = {"command": 'echo "a b"', "output_path": "1.10", "run": {"procs": 2}}
    found = plan_batches("t.csv", template="command", variables=values, max_files=1000)
    genstudy(Path(), *shlex.split(found.commands[0])[1:])
    assert Manifest.model_validate_json(Path("specs/manifest.json").read_text()).settings.variables == values


@pytest.mark.usefixtures("table")
def test_steps_instead_of_a_template() -> None:
    found = plan_batches("t.csv", steps=3, files_per_row=1)
    assert found.lines[0] == "t.csv: 300 rows, 3 steps"
    assert found.plan.cost == stated_cost(3, 3, files=1)
    assert found.plan.budget == Budget(files=100_000)


MEASURE = "or have it measured: genstudy run DIR --canary 10, then genstudy plan DIR"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_bytes": "1G"}, f"--max-bytes needs the bytes of a row\n  pass --bytes-per-row, {MEASURE}"),
        ({"walltime": "1h"}, f"--walltime needs the time of a row\n  pass --seconds-per-row, {MEASURE}"),
        ({"max_files": 0}, "--max-files must be at least 1, not 0"),
        ({"jobs": 0}, "--jobs must be at least 1, not 0"),
        ({"steps": 0}, "--steps must be at least 1, not 0"),
        ({"files_per_row": -1}, "--files-per-row must be at least 0, not -1"),
        ({"files_per_row": math.nan}, "--files-per-row must be at least 0, not nan"),
        (
            {"steps": 1, "template": "echo"},
            "--steps and --template exclude each other\n  a template has its steps",
        ),
    ],
)
@pytest.mark.usefixtures("table")
def test_mistakes(options: dict[str, object], message: str) -> None:
    assert refusal(lambda: plan_batches("t.csv", **options)) == message  # type: ignore[arg-type]


def ran(batch: BatchEntry) -> list[Record]:
    rows, study = f"{batch.start}-{batch.start + batch.nrows - 1}", f"t_{batch.id}.1"
    return [
        Started(t=1, batch=batch.id, study=study, rows=rows, whole=False),
        Ended(t=1, batch=batch.id, study=study, how="ended", code=0, done=rows, seconds=200.0),
    ]


def stored(batch: BatchEntry, entries: int) -> list[Record]:
    saved = Saved(
        t=1,
        batch=batch.id,
        mode="archive",
        path="archive/x",
        sha256="0" * 64,
        nbytes=5000,
        entries=entries,
        content=10_000,
        seconds=1,
    )
    return [saved, Cleared(t=1, batch=batch.id, left=0)]


def write_ledger(folder: Path, manifest: Manifest, batches: int) -> None:
    with Ledger(folder).own({}, no_news) as owner:
        for batch in manifest.batches[:batches]:
            for record in (*ran(batch), *stored(batch, 1718)):
                owner.add(record)


@pytest.mark.usefixtures("table")
def test_a_campaign_that_has_run_is_measured() -> None:
    manifest = make_specs("t.csv", "out", Options(batch_size=100)).manifest
    before = plan_batches("out", max_files=2000)
    assert before.lines[0] == "out: 300 rows, nothing measured yet"
    assert before.plan.cost == echo_cost()
    assert before.commands == ("genstudy run out --max-files 2000",)
    write_ledger(Path("out"), manifest, 2)
    after = plan_batches("out", max_files=2000, max_bytes="1M", walltime="100s")
    cost = after.plan.cost
    assert (cost.entries, cost.nbytes, cost.seconds, cost.packed, cost.measured) == (17, 100, 2, 0.5, 200)
    assert after.lines[0] == "out: 300 rows, costs measured on 200 rows"
    assert after.lines[2] == "a row               17 files and folders, measured on 200 rows; 100 B; 2.0 s"
    assert after.plan.size == 50
    assert after.lines[-1] == (
        "out has 3 batches of at most 100 rows: they break --max-files 2,000 files (they need 3,474 files) "
        "and --walltime 100 s (they need 3 min)"
    )
    assert after.commands == ("genstudy specs t.csv --name t -b 50 -o out-50",)


@pytest.mark.usefixtures("table")
def test_a_campaign_is_made_anew_as_it_was() -> None:
    values = {"output_path": "1.10", "run": {"procs": 2}}
    options = Options(batch_size=100, index="a", name="x-y", start=2, rows=40, inline=True, variables=values)
    Path("t.csv").write_text("a,b\n" + "".join(f"r{n},{n}\n" for n in range(50)))
    old = make_specs("t.csv", "my specs", options).manifest
    [command] = plan_batches("my specs", max_jobs=15).commands
    genstudy(Path(), *shlex.split(command)[1:])
    new = Manifest.model_validate_json(Path("my specs-15/manifest.json").read_text())
    assert len(new.batches) == 3
    assert (new.settings.batch_size, old.settings.batch_size) == (15, 40)
    same = new.settings.model_copy(update={"batch_size": 40})
    assert (same, new.name, new.table) == (old.settings, old.name, old.table)


@pytest.mark.usefixtures("table")
def test_what_is_stated_wins_over_what_was_measured() -> None:
    manifest = make_specs("t.csv", "out", Options(batch_size=100)).manifest
    write_ledger(Path("out"), manifest, 1)
    found = plan_batches("out", files_per_row=1, bytes_per_row=7, seconds_per_row="1m")
    assert found.plan.cost == dataclasses.replace(echo_cost(), entries=6, nbytes=7, seconds=60)
    assert found.lines[-1] == "out has 3 batches of at most 100 rows: they keep to that"


@pytest.mark.usefixtures("table")
def test_a_campaign_has_steps_of_its_own() -> None:
    make_specs("t.csv", "out", Options(batch_size=100))
    message = "out: a campaign has its template and steps: --template, --set and --steps are for tables"
    assert refusal(lambda: plan_batches("out", steps=2)) == message
    assert refusal(lambda: plan_batches("out", template="echo")) == message


@pytest.mark.usefixtures("in_tmp")
def test_a_study_file_says_how_its_campaign_runs() -> None:
    Path("beam.yaml").write_text(
        "parameters: {a: }\nrows: 400\nbatch_size: 200\nrun: {jobs: 2, max_files: 1000}\n"
    )
    genstudy(Path(), "build", "beam.yaml")
    found = plan_batches("beam")
    assert found.plan.budget == Budget(files=1000, jobs=2)
    assert found.commands == (f"genstudy build beam.yaml -b {found.plan.size} -o beam-{found.plan.size}",)
    assert plan_batches("beam", max_files=10_000).commands == ("genstudy run beam -j 2 --max-files 10000",)
    assert RunSettings.model_fields["max_files"].default is None


@pytest.mark.usefixtures("in_tmp")
def test_neither_table_nor_campaign() -> None:
    Path("folder").mkdir()
    assert refusal(lambda: plan_batches("folder")).startswith("folder: not a campaign")
    assert refusal(lambda: plan_batches("none.csv")).startswith("none.csv: there is no such table")


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("limit", [400, 700, 1000, 1500])
def test_every_batch_has_room_while_the_one_before_is_saved(limit: int) -> None:
    """That is how `genstudy run --max-files` reckons it."""
    size = plan_batches("t.csv", max_files=limit).plan.size
    manifest = make_specs("t.csv", "out", Options(batch_size=size)).manifest
    state = CampaignState(manifest)
    fixed = len(list(Path("out").iterdir())) + 6
    room = Room(
        Path("out"), manifest.steps, RunSettings.model_validate({"max_files": limit}), fixed=lambda: fixed
    )
    before: list[Record] = []
    for batch in manifest.batches:
        assert room.lack(state, {}, batch.nrows) is None
        for record in (*before, *ran(batch)):
            state.add(record)
        before = stored(batch, 21 + 5 * batch.nrows)


@pytest.mark.usefixtures("table")
def test_a_proposed_campaign_runs_within_its_budget() -> None:
    found = plan_batches("t.csv", max_files=900)
    for command in found.commands:
        out = genstudy(Path(), *shlex.split(command)[1:])
    assert out.endswith("specs: 300 of 300 rows done\n")
    again = plan_batches("specs", max_files=900)
    assert again.plan.cost.measured == 300
    assert again.plan.cost.entries == pytest.approx(found.plan.cost.entries, rel=0.01)
    assert again.lines[-1].endswith("they keep to that")

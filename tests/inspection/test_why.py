"""What tells failed rows from done ones, in campaigns whose ledger says what became of each row."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import numpy as np
import pytest

from genstudy.errors import UserError
from genstudy.inspection.groups import group_failures
from genstudy.inspection.why import why_failed
from genstudy.inspection.why_format import Range, Why, WhyFailed, why_schema
from genstudy.inspection.why_text import apart_text, cause_text, verdict_text
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.ranges import Rows
from genstudy.ledger.records import Ended, Failure, Returned, Started, Submitted
from genstudy.specs.make import make_specs
from genstudy.specs.manifest import BatchEntry, read_manifest
from genstudy.specs.options import Options
from tests.ledger.owners import NEVER, no_news
from tests.specs.support import refusal

Fails = Mapping[tuple[str, str], Collection[int]]


def made(place: Path, table: str, **options: object) -> Path:
    """Make the campaign `c` of a table."""
    (place / "t.csv").write_text(table)
    chosen = Options(**{"template": "echo", "name": "c", "batch_size": 1000, **options})  # type: ignore[arg-type]
    return make_specs(place / "t.csv", place / "c", chosen).folder


def judged(folder: Path, failed: Fails, *, batches: Collection[str] | None = None) -> None:
    """Record that batches ran (all if nothing else is said), and which of their rows failed and how."""
    with Ledger(folder, beat=NEVER).own({}, no_news) as owner:
        for batch in read_manifest(folder).batches:
            if batches is None or batch.id in batches:
                for record in records(batch, failed):
                    owner.add(record)


def records(batch: BatchEntry, failed: Fails) -> tuple[Started, Ended]:
    own = Rows.parse(batch.rows) if batch.rows else Rows.span(batch.start, batch.start + batch.nrows)
    bad = {kind: Rows.of(rows) & own for kind, rows in failed.items()}
    done = own
    for rows in bad.values():
        done -= rows
    failures = tuple(
        Failure(step=step, state=state, rows=str(rows)) for (step, state), rows in bad.items() if rows.spans
    )
    study = f"c_{batch.id}.1"
    return (
        Started(t=1, batch=batch.id, study=study, rows=str(own), whole=False),
        Ended(
            t=2, batch=batch.id, study=study, how="ended", code=0, done=str(done), failed=failures, seconds=1
        ),
    )


def text_of(columns: Mapping[str, Collection[object]]) -> str:
    """Return columns as a table."""
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    return "\n".join(lines) + "\n"


RUN = ("echo-params", "FAILED")


def found_in(place: Path, columns: Mapping[str, Collection[object]], failed: Collection[int]) -> WhyFailed:
    """Return what is found where these rows failed."""
    folder = made(place, text_of(columns), allow_missing=True)
    judged(folder, {RUN: list(failed)})
    return why_failed(folder)


def random_columns(rows: int, seed: int = 1) -> dict[str, list[object]]:
    random = np.random.default_rng(seed)
    return {
        "width": random.uniform(1, 2, rows).tolist(),
        "height": random.integers(1, 10, rows).tolist(),
        "load": np.round(random.lognormal(0, 3, rows), 3).tolist(),
        "material": random.choice(["steel", "brass", "lead", "tin"], rows).tolist(),
    }


def is_in(found: Range, name: str, cell: object) -> bool:
    """Tell whether a cell is in a range, by its public fields alone."""
    if found.values:
        return str(cell) in found.values or (
            isinstance(cell, int | float) and found.values == (str(cell).removesuffix(".0"),)
        )
    number = float(str(cell))
    assert name in found.text
    return (found.low is None or number >= found.low) and (found.high is None or number < found.high)


def check_counts(found: Range, name: str, cells: Collection[object], failed: Collection[int]) -> None:
    """Check a range's counts against the table."""
    inside = {row for row, cell in enumerate(cells) if is_in(found, name, cell)}
    bad = set(failed)
    assert (found.rows, found.failed) == (len(inside), len(inside & bad))
    assert (found.rows_elsewhere, found.failed_elsewhere) == (len(cells) - len(inside), len(bad - inside))
    share = found.failed / found.rows
    if found.failed_elsewhere:
        assert found.ratio is not None
        assert found.ratio > 1
        assert found.ratio == pytest.approx(share / (found.failed_elsewhere / found.rows_elsewhere))
    else:
        assert found.ratio is None


# Planted causes


@pytest.mark.parametrize(
    ("name", "low", "high", "text"),
    [
        ("width", 1.83, None, "width >= 1.83"),
        ("width", None, 1.15, "width < 1.15"),
        ("width", 1.2, 1.4, "1.2 <= width < 1.4"),
        ("height", 8, None, "height >= 8"),
        ("height", 3, 6, "3 <= height < 6"),
        ("height", 5, 6, "height = 5"),
        ("load", 100, None, "load >= 100"),
    ],
)
@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_a_range_that_fails_is_found(
    tmp_path: Path, name: str, low: float | None, high: float | None, text: str, noise: float
) -> None:
    columns = random_columns(3000)
    random = np.random.default_rng(7)
    values = np.array(columns[name], dtype=float)
    bad = (values >= (low or -np.inf)) & (values < (high or np.inf)) & (random.random(3000) >= 3 * noise)
    failed = np.flatnonzero(bad | (random.random(3000) < noise)).tolist()
    why = found_in(tmp_path, columns, failed)
    assert (why.verdict, [cause.name for cause in why.causes]) == ("causes", [name])
    found = why.causes[0].range
    assert found is not None
    check_counts(found, name, columns[name], failed)
    if name == "height":
        assert found.text == text
    for end, meant in ((found.low, low), (found.high, high)):
        if found.values:
            assert end is None
        else:
            assert end == (None if meant is None else pytest.approx(meant, rel=0.02))
    assert found.adjusted < 1e-20


def test_the_ends_of_a_range_are_short_numbers_between_the_values(tmp_path: Path) -> None:
    columns = {"width": [round(1 + row / 997 + 1e-9, 12) for row in range(997)]}
    why = found_in(tmp_path, columns, [row for row in range(997) if 1.2 <= columns["width"][row] < 1.4])
    assert [cause_text(cause) for cause in why.causes] == [
        (
            "1.2 <= width < 1.4",
            "199 of 199 rows failed there (100 %), 0 of 798 elsewhere (0 %)",
            "p = 1.1e-209",
        )
    ]


@pytest.mark.parametrize("bad", [["brass"], ["tin", "lead"]])
def test_values_that_fail_are_found(tmp_path: Path, bad: list[str]) -> None:
    columns = random_columns(400)
    failed = [row for row, cell in enumerate(columns["material"]) if cell in bad]
    why = found_in(tmp_path, columns, failed)
    (cause,) = why.causes
    assert cause.range is not None
    assert set(cause.range.values) == set(bad)
    assert set(cause.range.text.removeprefix("material = ").split(" or ")) == set(bad)
    check_counts(cause.range, "material", columns["material"], failed)


def test_the_surest_cause_comes_first(tmp_path: Path) -> None:
    columns = random_columns(2000)
    random = np.random.default_rng(3)
    wide = np.array(columns["width"], dtype=float) > 1.8
    brass = np.array(columns["material"]) == "brass"
    failed = np.flatnonzero(wide & (random.random(2000) < 0.9) | brass & (random.random(2000) < 0.2))
    why = found_in(tmp_path, columns, failed.tolist())
    assert [cause.name for cause in why.causes] == ["width", "material"]
    assert verdict_text(why) == "2 parameters of 4 tell failed rows from done ones"
    assert [parameter.name for parameter in why.parameters] == list(columns)


def test_failing_that_depends_on_a_parameter_in_no_one_range(tmp_path: Path) -> None:
    # Many kinds that fail a little more or less often than others, none much more.
    levels = [row % 40 for row in range(8000)]
    kinds = [f"k{level:02}" for level in levels]
    random = np.random.default_rng(4)
    shares = random.uniform(0.25, 0.4, 40)
    failed = [row for row, level in enumerate(levels) if random.random() < shares[level]]
    why = found_in(tmp_path, {"kind": kinds}, failed)
    (cause,) = why.causes
    assert (cause.name, cause.range) == ("kind", None)
    assert cause.independence is not None
    assert cause.adjusted == cause.independence.adjusted
    assert cause.adjusted < why.alpha
    assert cause_text(cause)[1].startswith("failing depends on it (chi-squared ")
    assert cause_text(cause)[1].endswith(", 40 groups), and no one range or value stands out")


def test_a_table_that_is_larger_than_the_sample(tmp_path: Path) -> None:
    rows = 50_000
    columns = random_columns(rows)
    columns["level"] = [row % 7 for row in range(rows)]
    # No sampled cell tells that these are there.
    columns["load"][17], columns["load"][44_444] = "none", ""
    failed = [row for row, width in enumerate(columns["width"]) if float(str(width)) >= 1.8765]
    why = found_in(tmp_path, columns, failed)
    (cause,) = why.causes
    assert cause.range is not None
    assert cause.range.low == pytest.approx(1.8765, abs=0.0005)
    for parameter in why.parameters:
        if parameter.range is not None and parameter.name != "load":
            check_counts(parameter.range, parameter.name, columns[parameter.name], failed)
    assert [parameter.kind for parameter in why.parameters] == [
        "number",
        "number",
        "number",
        "text",
        "number",
    ]


# What there is to be told where nothing can be


def verdict(why: WhyFailed) -> tuple[str, str]:
    return why.verdict, verdict_text(why)


def test_no_row_has_ended(tmp_path: Path) -> None:
    why = why_failed(made(tmp_path, text_of(random_columns(5))))
    assert verdict(why) == ("none ended", "no row has ended yet")
    assert (why.done, why.failed, why.pending, why.parameters) == (0, 0, 5, ())


def test_no_row_failed(tmp_path: Path) -> None:
    assert verdict(found_in(tmp_path, random_columns(5), [])) == ("none failed", "no row failed")


def test_all_rows_failed(tmp_path: Path) -> None:
    assert verdict(found_in(tmp_path, random_columns(5), range(5))) == (
        "none done",
        "no row is done, so there is nothing to compare the failed ones with",
    )


@pytest.mark.parametrize(
    ("rows", "failed", "text"),
    [
        (50, 1, "1 failed row: too few to tell chance from cause"),
        (50, 2, "2 failed rows: too few to tell chance from cause"),
        (50, 49, "1 done row: too few to tell chance from cause"),
        (4, 2, "2 failed rows: too few to tell chance from cause"),
    ],
)
def test_too_few_rows(tmp_path: Path, rows: int, failed: int, text: str) -> None:
    columns = random_columns(rows)
    order = np.argsort(columns["width"])[:failed]  # type: ignore[arg-type]
    assert verdict(found_in(tmp_path, columns, order.tolist())) == ("too few", text)


def test_one_failed_row_is_no_cause_however_strange_its_value(tmp_path: Path) -> None:
    why = found_in(tmp_path, {"kind": ["odd", *["even"] * 20_000]}, [0])
    assert why.parameters[0].range is not None
    assert why.parameters[0].range.adjusted < why.alpha
    assert verdict(why) == ("too few", "1 failed row: too few to tell chance from cause")


def test_no_parameter_tells(tmp_path: Path) -> None:
    why = found_in(tmp_path, random_columns(1000), np.random.default_rng(9).choice(1000, 100).tolist())
    assert (why.verdict, why.causes) == ("no cause", ())
    smallest = min(why.parameters, key=lambda parameter: parameter.adjusted)
    assert verdict_text(why) == (
        "no parameter tells the failed rows from the done ones "
        f"(the smallest p = {smallest.adjusted:.2g}, of {smallest.name})"
    )


def test_columns_of_one_value(tmp_path: Path) -> None:
    columns: dict[str, list[object]] = {"a": [1] * 100, "b": ["x"] * 100, "c": [""] * 100}
    why = found_in(tmp_path, columns, range(50))
    assert [(p.kind, p.independence, p.range, p.adjusted) for p in why.parameters] == [
        ("number", None, None, 1.0),
        ("text", None, None, 1.0),
        ("text", None, None, 1.0),
    ]
    text = "no parameter tells the failed rows from the done ones: each has one value only"
    assert verdict(why) == ("no cause", text)


def test_many_parameters(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    columns = {f"p{place}": np.round(random.random(500), 6).tolist() for place in range(300)}
    failed = [row for row, cell in enumerate(columns["p77"]) if cell > 0.9]
    assert [cause.name for cause in found_in(tmp_path, columns, failed).causes] == ["p77"]


# Cells of all kinds


def test_empty_cells_and_nan(tmp_path: Path) -> None:
    columns: dict[str, list[object]] = {
        "width": ["" if row % 7 == 3 else "nan" if row % 70 == 4 else row / 300 for row in range(300)],
        "n": list(range(300)),
    }
    failed = [row for row in range(300) if columns["width"][row] in {"", "nan"}]
    why = found_in(tmp_path, columns, failed)
    (cause,) = why.causes
    assert cause.range is not None
    assert (cause.kind, cause.range.text, cause.range.values) == ("number", "width is empty", ("",))
    assert (cause.range.failed, cause.range.rows, cause.range.failed_elsewhere) == (48, 48, 0)


def test_empty_texts(tmp_path: Path) -> None:
    columns: dict[str, list[object]] = {
        "note": ["" if row % 5 == 0 else "ok" for row in range(300)],
        "n": [0] * 300,
    }
    why = found_in(tmp_path, columns, range(0, 300, 5))
    assert [cause_text(cause)[0] for cause in why.causes] == ["note is empty"]


def test_text_that_looks_numeric_is_text(tmp_path: Path) -> None:
    columns: dict[str, list[object]] = {
        "part": [f"{row % 12:03}" for row in range(240)],
        "n": list(range(240)),
    }
    why = found_in(tmp_path, columns, range(7, 240, 12))
    assert [(cause.kind, cause_text(cause)[0]) for cause in why.causes] == [("text", "part = 007")]


def test_numbers_of_all_sizes(tmp_path: Path) -> None:
    sizes = ["-1e300", "-3", "-0.0", "0", "5e-324", "1e-9", "2.5", "12345678901234567890", "1e308", "inf"]
    columns: dict[str, list[object]] = {"size": [*sizes] * 30, "n": [0] * 300}
    why = found_in(tmp_path, columns, [row for row in range(300) if row % 10 >= 7])
    assert [cause_text(cause)[0] for cause in why.causes] == ["size >= 1.23e+19"]
    low = found_in_again(tmp_path, columns, [row for row in range(300) if row % 10 <= 1])
    assert [cause_text(cause)[0] for cause in low.causes] == ["size < 0"]


def found_in_again(place: Path, columns: Mapping[str, Collection[object]], failed: list[int]) -> WhyFailed:
    (place / "again").mkdir()
    return found_in(place / "again", columns, failed)


def test_values_cannot_act_on_a_terminal_or_be_taken_for_words(tmp_path: Path) -> None:
    cells = ["a b", "x = 'y'", "é\u202eevil", "plain"]
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerows([["note", "n"], *([cells[row % 4], 0] for row in range(200))])
    for place, shown in enumerate(["'a b'", "'x = 'y''", r"'é\u202eevil'", "plain"]):
        (tmp_path / str(place)).mkdir()
        folder = made(tmp_path / str(place), table.getvalue(), allow_unsafe_values=True)
        judged(folder, {RUN: range(place, 200, 4)})
        assert [cause_text(cause)[0] for cause in why_failed(folder).causes] == [f"note = {shown}"]


def test_quoted_cells_are_read_like_others(tmp_path: Path) -> None:
    table = "width,note\r\n" + "".join(f'"{row}",a{row % 3}\r\n' for row in range(300))
    folder = made(tmp_path, table)
    judged(folder, {RUN: range(250, 300)})
    assert [cause_text(cause)[0] for cause in why_failed(folder).causes] == ["width >= 250"]


def test_an_index_is_no_parameter(tmp_path: Path) -> None:
    table = text_of({"id": [f"r{row:03}" for row in range(100)], "a": [row % 9 for row in range(100)]})
    folder = made(tmp_path, table, index="id")
    judged(folder, {RUN: range(10)})
    assert [parameter.name for parameter in why_failed(folder).parameters] == ["a"]


# Which rows count


def test_a_row_counts_by_its_last_attempt(tmp_path: Path) -> None:
    from genstudy.campaign.retry import retry_failed

    folder = made(tmp_path, text_of({"a": range(100)}))
    judged(folder, {RUN: range(60)})
    retry_failed(folder, rows="0-19", batch_size=10)
    again = why_failed(folder)
    assert (again.done, again.failed, again.pending) == (40, 40, 20)
    judged(folder, {("echo-params", "TIMEDOUT"): range(5)}, batches=["0001"])
    why = why_failed(folder)
    assert (why.done, why.failed, why.pending) == (45, 45, 10)
    assert [(kind.step, kind.state, kind.rows) for kind in why.kinds] == [
        ("echo-params", "FAILED", 40),
        ("echo-params", "TIMEDOUT", 5),
    ]


def test_a_campaign_that_still_runs(tmp_path: Path) -> None:
    folder = made(tmp_path, text_of({"a": range(1000)}), batch_size=100)
    judged(folder, {RUN: range(50)}, batches=["0000", "0003"])
    why = why_failed(folder)
    assert (why.done, why.failed, why.pending) == (150, 50, 800)
    assert [cause_text(cause)[:2] for cause in why.causes] == [
        ("a < 50", "50 of 50 rows failed there (100 %), 0 of 150 elsewhere (0 %)")
    ]


def test_rows_that_failed_in_one_way_against_the_done_ones(tmp_path: Path) -> None:
    folder = made(tmp_path, text_of({"a": range(400)}))
    judged(folder, {("echo-params", "FAILED"): range(100), ("", "LOST"): range(350, 400)})
    found = {
        (step, state): why_failed(folder, step=step, state=state)
        for step, state in ((None, None), ("echo-params", None), (None, "lost"), (None, "CANCELLED"))
    }
    assert [(why.failed, why.done) for why in found.values()] == [(150, 250), (100, 250), (50, 250), (0, 250)]
    texts = [[cause_text(cause)[0] for cause in why.causes] for why in found.values()]
    assert texts[1:3] == [["a < 100"], ["a >= 350"]]
    assert verdict_text(found[None, "CANCELLED"]) == "no row failed like that"
    assert all(len(why.kinds) == 2 for why in found.values())


def test_a_step_that_is_none(tmp_path: Path) -> None:
    folder = made(tmp_path, text_of({"a": range(4)}))
    assert refusal(lambda: why_failed(folder, step="echo-parms")) == (
        f"{folder}: the campaign has no step 'echo-parms' (did you mean 'echo-params'?)\n"
        "  its steps are: echo-params; rows that were lost may have none (--state LOST)"
    )


def test_a_table_that_changed(tmp_path: Path) -> None:
    folder = made(tmp_path, text_of({"a": range(40)}))
    judged(folder, {RUN: range(4)})
    table = folder / read_manifest(folder).table.path
    table.write_text(table.read_text().replace("39", "93"))
    with pytest.raises(UserError, match="it changed since the campaign was made"):
        why_failed(folder)
    shutil.move(table, folder / "u.csv")
    with pytest.raises(UserError, match="the file is missing"):
        why_failed(folder)


# The format


def test_the_schema(tmp_path: Path) -> None:
    folder = made(tmp_path, text_of(random_columns(100)))
    judged(folder, {RUN: range(40)})
    found = Why(format=1, causes=why_failed(folder), output=group_failures(folder))
    schema = why_schema()
    jsonschema.validate(found.model_dump(mode="json"), schema)
    assert Why.model_validate_json(found.model_dump_json()) == found


def taken_away(folder: Path, batch: str, failures: Mapping[tuple[str, str], str], done: str) -> None:
    """Record that a batch's task got these rows done and lost its job, and what became of the others."""
    entry = next(one for one in read_manifest(folder).batches if one.id == batch)
    rows = str(Rows.span(entry.start, entry.start + entry.nrows))
    failed = tuple(Failure(step=step, state=state, rows=ranges) for (step, state), ranges in failures.items())
    with Ledger(folder, beat=NEVER).own({}, no_news) as owner:
        wave = int(batch) + 1
        owner.add(Submitted(t=1, wave=wave, scheduler="slurm", token=f"genstudy-{wave}", batches=(batch,)))
        owner.add(Started(t=1, batch=batch, study=f"c_{batch}.1", rows=rows, whole=False))
        ended = Ended(t=2, batch=batch, study=f"c_{batch}.1", how="stopped", code=None, done=done, seconds=1)
        owner.add(ended)
        owner.add(Returned(t=3, wave=wave, batch=batch, state="TIMEOUT", failed=failed))


def test_rows_whose_job_was_taken_away_are_no_failures_that_values_explain(tmp_path: Path) -> None:
    folder = made(tmp_path, text_of({"x": range(60)}), batch_size=20)
    taken_away(folder, "0000", {}, "0-19")
    taken_away(folder, "0001", {("", "CANCELLED"): "21-39"}, "20")
    taken_away(folder, "0002", {(RUN[0], "TIMEDOUT"): "41", ("", "TIMEOUT"): "42-59"}, "40")
    why = why_failed(folder)
    assert (why.done, why.failed, why.apart, why.pending) == (22, 1, 37, 0)
    assert {(kind.step, kind.state): kind.rows for kind in why.kinds} == {
        ("", "CANCELLED"): 19,
        ("", "TIMEOUT"): 18,
        (RUN[0], "TIMEDOUT"): 1,
    }
    assert (why.verdict, why.causes) == ("too few", ())
    assert apart_text(why) == "not compared: 37 rows whose job was taken away, whatever their values"
    (cancelled,) = why_failed(folder, state="cancelled").causes
    assert (cancelled.range is not None, why_failed(folder, state="cancelled").apart) == (True, 0)
    assert group_failures(folder).failed == 38


@pytest.mark.parametrize("word", ["CANCELLED", "NODE_FAIL", "PREEMPTED", "HWFAILURE"])
def test_what_comes_from_outside_tells_nothing_of_values(tmp_path: Path, word: str) -> None:
    folder = made(tmp_path, text_of({"x": range(100)}))
    judged(folder, {(RUN[0], word): range(80, 100)})
    why = why_failed(folder)
    assert (why.verdict, why.failed, why.apart) == ("none failed", 0, 20)
    assert verdict_text(why) == "no row failed by itself"
    assert why_failed(folder, step=RUN[0]).apart == 20
    assert [cause.name for cause in why_failed(folder, state=word).causes] == ["x"]


def test_a_row_at_work_when_its_job_ran_out_of_memory_is_compared(tmp_path: Path) -> None:
    folder = made(tmp_path, text_of({"x": range(40)}), batch_size=20)
    taken_away(folder, "0000", {(RUN[0], "OUT_OF_MEMORY"): "10-19"}, "0-9")
    taken_away(folder, "0001", {}, "20-39")
    why = why_failed(folder)
    assert (why.failed, why.apart, why.verdict) == (10, 0, "causes")

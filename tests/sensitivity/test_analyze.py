"""Sensitivity indices of campaigns that real Maestro ran, whole and in part."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from SALib.analyze import morris as salib_morris
from SALib.analyze import sobol as salib_sobol

from genstudy.campaign.extend import extend_campaign
from genstudy.campaign.retry import retry_failed
from genstudy.campaign.run import run_campaign
from genstudy.errors import UserError
from genstudy.sensitivity.analyze import analyze_campaign
from genstudy.sensitivity.format import Analysis, ResultIndices
from genstudy.sensitivity.waiting import rows_waited_for
from genstudy.specs.make import make_specs
from genstudy.specs.options import Options
from tests.conftest import RunCli
from tests.sensitivity.campaigns import expected, make_campaign, say
from tests.sensitivity.models import problem

NAMES = ("x1", "x2", "x3")
WHY = (
    "genstudy query c \"SELECT row_id, errors FROM results WHERE state = 'FINISHED' AND errors IS NOT NULL\""
)


def close(ours: object, theirs: object) -> bool:
    """Tell whether numbers are the same to 1e-10."""
    one, other = (np.asarray(numbers, dtype=np.float64) for numbers in (ours, theirs))
    return bool(np.allclose(one, other, rtol=0, atol=1e-10))


def of(analysis: Analysis, result: str = "y") -> ResultIndices:
    return next(one for one in analysis.results if one.result == result)


def blocks_of(one: ResultIndices) -> dict[str, tuple[int, int]]:
    """Return {parameter: blocks of its first-order index, of its total one}."""
    return {index.parameter: (index.first.blocks, index.total.blocks) for index in one.indices}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign of 8 blocks with second order, all of which ran."""
    campaign = make_campaign(tmp_path_factory.mktemp("whole"), "saltelli(blocks=8, second_order=true)")
    run_campaign(campaign)
    return campaign


@pytest.fixture(scope="module")
def torn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """6 blocks of 5 rows: A of block 0, AB_2 and B of block 2 failed, AB_1 of block 4 gave nothing."""
    folder = tmp_path_factory.mktemp("torn")
    campaign = make_campaign(folder, "saltelli(blocks=6)")
    say(folder, bad=(0, 12, 14), mute=(21,))
    run_campaign(campaign)
    return campaign


@pytest.fixture
def torn_copy(torn: Path, tmp_path: Path) -> Path:
    """A copy of it, whose rows run where the first did."""
    shutil.copytree(torn, tmp_path / "c", symlinks=True)
    return tmp_path / "c"


def test_indices_are_those_of_salib(whole: Path) -> None:
    one = of(analyze_campaign(whole))
    results = expected(whole.parent, 8)
    theirs = salib_sobol.analyze(problem(3), results.reshape(-1), seed=1)
    ours = {index.parameter: index for index in one.indices}
    assert close([ours[name].first.value for name in NAMES], theirs["S1"])
    assert close([ours[name].total.value for name in NAMES], theirs["ST"])
    pairs = {(pair.parameter, pair.other): pair.second.value for pair in one.pairs}
    for place, other in ((0, 1), (0, 2), (1, 2)):
        value = pairs[NAMES[place], NAMES[other]]
        assert value == pytest.approx(theirs["S2"][place, other], rel=0, abs=1e-10)
    totals = [index.total.value for index in one.indices]
    assert totals == sorted(totals, key=lambda value: -(value or 0))
    assert one.mean == pytest.approx(results[:, [0, -1]].mean())
    assert one.variance == pytest.approx(results[:, [0, -1]].var())
    assert blocks_of(one) == dict.fromkeys(NAMES, (8, 8))
    assert one.missing.rows == 0


def test_what_has_no_indices_says_so(whole: Path) -> None:
    found = analyze_campaign(whole)
    assert [(one.result, one.problem) for one in found.results] == [
        ("y", None),
        ("sum", None),
        ("flat", "constant"),
        ("word", "text"),
    ]
    assert of(found, "flat").indices == of(found, "word").indices == ()
    assert (found.failed.rows, found.waiting, found.causes) == (0, (), ())


def test_results_are_chosen_by_name_and_come_once(whole: Path) -> None:
    found = analyze_campaign(whole, ["sum", "y", "sum"], resamples=10)
    assert [one.result for one in found.results] == ["sum", "y"]
    assert found.results[1] == of(analyze_campaign(whole, resamples=10))


def test_each_index_is_of_the_blocks_that_are_whole_for_it(torn: Path) -> None:
    found = analyze_campaign(torn)
    one = of(found)
    assert blocks_of(one) == {"x1": (3, 4), "x2": (4, 4), "x3": (4, 5)}
    assert one.missing.model_dump() == {
        "failed": {"rows": 3, "ranges": "0,12,14"},
        "pending": {"rows": 0, "ranges": ""},
        "uncollected": {"rows": 0, "ranges": ""},
        "without": {"rows": 1, "ranges": "21"},
    }
    assert found.failed.ranges == "0,12,14"
    assert {wait.parameter: wait.failed.ranges for wait in found.waiting} == {
        "x1": "0,14",
        "x2": "0,12,14",
        "x3": "0,14",
    }
    results = expected(torn.parent, 5)
    results[0, 0] = results[2, 2] = results[2, 4] = results[4, 1] = np.nan
    kept = results[[1, 3, 4, 5]] - np.nanmean(results)
    truth = np.mean((kept[:, 0] - kept[:, 2]) ** 2) / 2 / np.var(kept[:, [0, 4]])
    x2 = next(index for index in one.indices if index.parameter == "x2")
    assert x2.total.value == pytest.approx(truth, rel=1e-9)


def test_the_failed_rows_of_a_parameter_are_tried_again(torn_copy: Path, torn: Path, run_cli: RunCli) -> None:
    assert str(rows_waited_for(torn_copy, ["x3"])) == "0,14"
    code, out, _ = run_cli("retry", torn_copy, "--for", "x3")
    assert code == 0
    assert out.startswith("2 rows of 2 batches in 1 new batch (attempt 2): 0003; ")
    assert of(analyze_campaign(torn_copy)).missing.pending.ranges == "0,14"
    say(torn.parent, mute=(21,))
    run_campaign(torn_copy)
    assert blocks_of(of(analyze_campaign(torn_copy))) == {"x1": (5, 5), "x2": (5, 5), "x3": (6, 6)}
    assert run_cli("retry", torn_copy, "--for", "x1", "--for", "x3")[1] == (
        f"{torn_copy}: no row among these failed: there is nothing to try again\n"
    )
    assert retry_failed(torn_copy, rows=str(rows_waited_for(torn_copy, ["x2"]))).rows == 1
    run_campaign(torn_copy)
    found = analyze_campaign(torn_copy)
    assert (found.failed.rows, of(found).missing.without.ranges) == (0, "21")
    assert blocks_of(of(found)) == {"x1": (5, 5), "x2": (6, 6), "x3": (6, 6)}


def test_a_campaign_that_has_run_in_part(tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path, "saltelli(blocks=6)")
    with pytest.raises(UserError, match="no results were collected yet"):
        analyze_campaign(campaign)
    run_campaign(campaign, max_batches=2)
    one = of(analyze_campaign(campaign))
    assert blocks_of(one) == dict.fromkeys(NAMES, (4, 4))
    assert one.missing.pending.ranges == "20-29"
    results = expected(tmp_path, 5)[:4]
    theirs = salib_sobol.analyze(problem(3), results.reshape(-1), calc_second_order=False, seed=1)
    ours = {index.parameter: index.total.value for index in one.indices}
    assert close([ours[name] for name in NAMES], theirs["ST"])


def test_results_are_averaged_over_replicates(tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path, "saltelli(blocks=3)", replicates=2, batch_size=10)
    say(tmp_path, bad=(2, 3, 5))
    run_campaign(campaign)
    found = analyze_campaign(campaign)
    one = of(found)
    assert (found.block, found.blocks, found.replicates) == (10, 3, 2)
    assert blocks_of(one) == {"x1": (2, 2), "x2": (3, 3), "x3": (3, 3)}
    assert one.missing.failed.ranges == "2-3,5"
    results = expected(tmp_path, 5, replicates=2)
    results[0, 2] -= 1 / 16  # its second replicate is missing: what is left is 1/8 and no mean of 1/8 and 2/8
    a, ab, b = (results[:, place] for place in (0, 2, 4))
    x2 = next(index for index in one.indices if index.parameter == "x2")
    truth = np.mean((a - ab) ** 2) / 2 / np.var([a, b])
    assert x2.total.value == pytest.approx(truth, rel=1e-9)


def test_a_group_is_one_parameter(tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path, "saltelli(blocks=4)", groups=["zip(x1, x3)"])
    run_campaign(campaign)
    found = analyze_campaign(campaign)
    assert found.parameters == ("zip(x1, x3)", "x2")
    results = expected(tmp_path, 4)
    grouped = {**problem(3), "groups": ["g", "x2", "g"]}
    theirs = salib_sobol.analyze(grouped, results.reshape(-1), calc_second_order=False, seed=1)
    ours = {index.parameter: index.first.value for index in of(found).indices}
    assert close([ours[name] for name in found.parameters], theirs["S1"])


def test_effects_are_those_of_salib_and_need_their_two_rows(tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path, "morris(trajectories=5, levels=6)", batch_size=8)
    say(tmp_path, bad=(5,))
    run_campaign(campaign)
    found = analyze_campaign(campaign)
    one = of(found)
    moves = [name for name in NAMES if str(rows_waited_for(campaign, [name])) == "5"]
    assert len(moves) == 2
    assert {e.parameter: e.mu.blocks for e in one.effects} == {n: 4 if n in moves else 5 for n in NAMES}
    assert {wait.parameter: wait.failed.rows for wait in found.waiting} == {n: int(n in moves) for n in NAMES}
    say(tmp_path)
    retry_failed(campaign)
    run_campaign(campaign)
    one = of(analyze_campaign(campaign))
    points = np.genfromtxt(tmp_path / "t.csv", delimiter=",", skip_header=1) / (2 * np.pi) + 0.5
    results = expected(tmp_path, 4).reshape(-1)
    theirs = salib_morris.analyze(problem(3), points, results, num_levels=6, seed=1)
    ours = {e.parameter: (e.mu.value, e.mu_star.value, e.sigma.value) for e in one.effects}
    for place, name in enumerate(NAMES):
        truth = [float(theirs[figure][place]) for figure in ("mu", "mu_star", "sigma")]
        assert close(ours[name], truth)
    assert (one.mean, one.indices) == (None, ())


def test_a_campaign_of_some_blocks_of_its_table(tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path, "saltelli(blocks=6)", start=10)
    run_campaign(campaign)
    found = analyze_campaign(campaign)
    assert found.blocks == 4
    results = expected(tmp_path, 5)[2:]
    theirs = salib_sobol.analyze(problem(3), results.reshape(-1), calc_second_order=False, seed=1)
    ours = {index.parameter: index.total.value for index in of(found).indices}
    assert close([ours[name] for name in NAMES], theirs["ST"])


@pytest.mark.parametrize("design", ["saltelli(blocks=4)", "morris(trajectories=4)"])
def test_an_extended_campaign_is_one_of_more_blocks(tmp_path: Path, design: str) -> None:
    campaign = make_campaign(tmp_path, design)
    run_campaign(campaign)
    block = analyze_campaign(campaign).block
    extend_campaign(campaign, rows=3 * block)
    first = of(analyze_campaign(campaign))
    assert first.missing.pending.ranges == f"{4 * block}-{7 * block - 1}"
    run_campaign(campaign)
    whole = make_campaign(tmp_path / "whole", design.replace("4", "7"))
    run_campaign(whole)
    assert analyze_campaign(campaign).blocks == 7
    assert analyze_campaign(campaign).results == analyze_campaign(whole).results


@pytest.mark.parametrize(
    "change",
    [
        {"design": "saltelli(blocks=3)"},
        {"design": "morris"},
        {"seed": -1},
        {"seed": "1"},
        {"replicates": 0},
        {"groups": [7]},
        {"parts": []},
        {"parts": [9]},
        {"parameters": []},
        {"parameters": [{"name": "z", "law": "uniform(0, 1)"}]},
        {"parameters": None},
    ],
)
def test_a_record_that_makes_no_sense(tmp_path: Path, change: dict[str, object]) -> None:
    campaign = make_campaign(tmp_path, "saltelli(blocks=2)")
    manifest = json.loads((campaign / "manifest.json").read_text())
    manifest["table"]["record"].update(change)
    (campaign / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="cannot be understood"):
        rows_waited_for(campaign, ["x1"])


def test_a_table_that_is_not_of_its_design_is_refused(tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path, "morris(trajectories=4)")
    run_campaign(campaign)
    manifest = json.loads((campaign / "manifest.json").read_text())
    manifest["table"]["record"]["seed"] = 5
    (campaign / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UserError, match=r"of block 0 differ in x\d, and in the design morris"):
        analyze_campaign(campaign)


def test_designs_without_indices(tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path, "sobol", rows=8)
    with pytest.raises(UserError, match="the design sobol gives no sensitivity indices") as found:
        analyze_campaign(campaign)
    assert "--design saltelli" in str(found.value)
    (tmp_path / "t.csv").write_text("x1,x2,x3\n1,2,3\n")
    shutil.rmtree(campaign)
    make_specs(tmp_path / "t.csv", campaign, Options(name="c"))
    with pytest.raises(UserError, match="nothing tells how the table was made"):
        rows_waited_for(campaign, ["x1"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["z"], "there is no result 'z'"),
        (["summ"], "there is no result 'summ' (did you mean 'sum'?)"),
        (["--confidence", "1"], "--confidence is between 0 and 1, not 1"),
        (["--resamples", "9"], "--resamples takes 10 to 100000, not 9"),
        (["--seed", "-1"], "the seed is -1"),
        (["--json", "--csv"], "--json and --csv exclude each other"),
    ],
)
def test_mistakes(whole: Path, run_cli: RunCli, arguments: list[str], message: str) -> None:
    code, out, err = run_cli("analyze", whole, *arguments)
    assert (code, out) == (2, "")
    assert message.replace("--json and --csv", "--csv and --json") in err


def test_mistakes_of_retry(torn: Path, run_cli: RunCli) -> None:
    code, _, err = run_cli("retry", torn, "--for", "x4")
    assert (code, err) == (
        2,
        "genstudy: the design varies no parameter 'x4'\n  it varies: x1, x2, x3\n",
    )
    code, _, err = run_cli("retry", torn, "--for", "x1", "--rows", "3")
    assert (code, err) == (2, "genstudy: --for excludes --rows and --ids\n  give one of them\n")


def test_json_csv_and_text(torn: Path, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(torn.parent)
    found = analyze_campaign(torn, ["y"], resamples=50)
    code, out, _ = run_cli("analyze", "c", "y", "--resamples", "50", "--json")
    assert (code, Analysis.model_validate_json(out)) == (0, found)
    code, out, _ = run_cli("analyze", "c", "y", "--resamples", "50", "--csv")
    lines = out.splitlines()
    assert lines[0] == "result,index,parameter,other,value,confidence,blocks"
    top = of(found).indices[0]
    assert lines[2].split(",") == [
        *("y", "total", top.parameter, ""),
        *(repr(top.total.value), repr(top.total.confidence), str(top.total.blocks)),
    ]
    assert len(lines) == 7
    code, out, _ = run_cli("analyze", "c", "y", "word", "--resamples", "50")
    shown = [line for line in out.splitlines() if "±" not in line or line.startswith("±")]
    assert shown == [
        "c: saltelli(blocks=6), 3 parameters, 6 blocks of 5 rows",
        "± is 95 % confidence, of 50 resamples of blocks; of so few blocks it comes out too narrow",
        "",
        f"y: mean {of(found).mean:.4g}, variance {of(found).variance:.4g}",
        shown[4],
        "  4 rows missing: 3 failed (0,12,14), 1 done without y (21)",
        "",
        "word: it is text: there are no indices",
        "",
        "indices are of the blocks that are left: biased, should failing go with values (genstudy why c)",
        "to have all blocks, run the 3 failed rows again: genstudy retry c && genstudy run c",
        "  for the indices of x1 alone, 2 rows: genstudy retry c --for x1",
        "  for the indices of x3 alone, 2 rows: genstudy retry c --for x3",
        "indices leave out rows that are done without a result: biased, should lacking it go with values",
        f"rows without a result say why: {WHY}",
    ]
    assert shown[4].split() == ["total", "first", "order", "blocks"]
    assert sum(line.endswith(("  4, 3", "  4", "  5, 4")) for line in out.splitlines()) == 3

"""`genstudy why`: text, JSON, mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest

from genstudy.inspection.groups import group_failures
from genstudy.inspection.why import why_failed
from genstudy.inspection.why_format import Why, why_schema
from tests.campaign.studies import Lab, step, template
from tests.conftest import RunCli
from tests.inspection.test_failures import run_and_record
from tests.inspection.test_why import RUN, judged, made, random_columns, text_of

STEEP = template(
    step(
        "simulate",
        "set -e",
        "[ $(A) -ge 24 ] || exit 0",
        'echo "depth $(A) is too large for a beam of this kind and of that length" >&2; exit 1',
        mark=True,
    )
)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    table = text_of({"a": range(32), "b": [row * 7 % 32 for row in range(32)]})
    lab = Lab.make(tmp_path_factory.mktemp("ran"), STEEP, table=table)
    run_and_record(lab)
    return lab.folder


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")


def shown(run_cli: RunCli, *arguments: str) -> str:
    """Return what a command prints that ends well."""
    code, out, err = run_cli(*arguments)
    assert (code, err) == (0, "")
    return out


def test_text(run_cli: RunCli, ran: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ran.parent)
    assert shown(run_cli, "why", "lab") == (
        "lab: 24 rows done, 8 failed, 0 pending\n"
        "       8  step simulate FAILED\n"
        "\n"
        "1 parameter of 2 tells failed rows from done ones:\n"
        "  a >= 24\n"
        "      8 of 8 rows failed there (100 %), 0 of 24 elsewhere (0 %)\n"
        "      p = 4.7e-05\n"
        "\n"
        "what they printed last:\n"
        "  8 rows (100 %), step simulate FAILED, such as row 24 of batch 0000\n"
        "      depth 24 is too large for a beam of this kind and of that length\n"
    )


@pytest.mark.parametrize("columns", [20, 50, 80, 120, 200])
def test_lines_fit_the_terminal(
    run_cli: RunCli, ran: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.chdir(ran.parent)
    monkeypatch.setenv("COLUMNS", str(columns))
    code, out, err = run_cli("why", "lab")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= min(max(columns, 50), 120)
    assert ("depth 24 is too large for a beam of this ..." in out) == (columns <= 50)


def test_json(run_cli: RunCli, ran: Path) -> None:
    code, out, err = run_cli("why", ran, "--json")
    assert (code, err) == (0, "")
    assert Why.model_validate_json(out) == Why(
        format=1, causes=why_failed(ran), output=group_failures(ran, limit=10)
    )
    jsonschema.validate(json.loads(out), why_schema())


def test_only_some_failed_rows(run_cli: RunCli, in_tmp: Path) -> None:
    made(in_tmp, text_of(random_columns(60)))
    judged(Path("c"), {RUN: range(9), ("", "LOST"): range(20, 22)})
    code, out, _ = run_cli("why", "c", "--state", "lost")
    assert code == 0
    assert out.startswith(
        "c: 49 rows done, 11 failed, 0 pending\n"
        "       9  step echo-params FAILED\n"
        "       2  LOST\n"
        "\n"
        "2 failed rows: too few to tell chance from cause\n"
        "\n"
        "what they printed last:\n"
        "  2 rows (100 %), LOST, such as row 20 of batch 0000\n"
        "      (nothing)\n"
    )
    assert "2 rows" not in run_cli("why", "c", "--step", "echo-params")[1].partition("printed")[2]


def test_nothing_to_be_told(run_cli: RunCli, in_tmp: Path) -> None:
    made(in_tmp, text_of({"a": range(4)}))
    assert run_cli("why", "c") == (
        0,
        "c: 0 rows done, 0 failed, 4 pending\n\nno row has ended yet\n",
        "",
    )


def test_the_most_that_is_shown(run_cli: RunCli, in_tmp: Path) -> None:
    columns = {f"p{place}": [row % (40 + place) for row in range(200)] for place in range(4)}
    columns |= {f"q{place}": [row + place for row in range(200)] for place in range(4)}
    made(in_tmp, text_of(columns))
    judged(Path("c"), {("", state): [row] for row, state in enumerate(["A", "B", "C", "D", "E"])})
    assert shown(run_cli, "why", "c", "--top", "2") == (
        "c: 195 rows done, 5 failed, 0 pending\n"
        "       1  A\n"
        "       1  B\n"
        "       3  in 3 more ways\n"
        "\n"
        "4 parameters of 8 tell failed rows from done ones:\n"
        "  q0 < 5\n"
        "      5 of 5 rows failed there (100 %), 0 of 195 elsewhere (0 %)\n"
        "      p = 6.9e-05\n"
        "  q1 < 6\n"
        "      5 of 5 rows failed there (100 %), 0 of 195 elsewhere (0 %)\n"
        "      p = 6.9e-05\n"
        "  ... and 2 more parameters: --top 4 shows all\n"
        "\n"
        "what they printed last:\n"
        "  1 row (20 %), A, row 0 of batch 0000\n"
        "      (nothing)\n"
        "  1 row (20 %), B, row 1 of batch 0000\n"
        "      (nothing)\n"
        "  ... and 3 rows in 3 more groups: --top 5 shows all\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["."], "not a campaign"),
        (["c", "--top", "0"], "genstudy: --top takes a number from 1 on, not 0\n"),
        (["c", "--step", "runn"], "the campaign has no step 'runn'"),
    ],
)
def test_mistakes(run_cli: RunCli, in_tmp: Path, arguments: list[str], message: str) -> None:
    made(in_tmp, text_of({"a": range(4)}))
    code, out, err = run_cli("why", *arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_what_steps_printed_cannot_act_on_a_terminal(run_cli: RunCli, ran: Path) -> None:
    errors = [next((ran / f"runs/lab_0000.1/simulate/row_{row}").glob("*.err")) for row in range(24, 32)]
    before = [path.read_bytes() for path in errors]
    try:
        for path in errors:
            path.write_bytes(b"\x1b]0;title\x07 \r\xff \xe2\x80\xae\n")
        _, out, _ = run_cli("why", ran)
    finally:
        for path, data in zip(errors, before, strict=True):
            path.write_bytes(data)
    assert out.splitlines()[-1] == r"      \x1b]0;title\x07 \r\xff \u202e"
    assert all(line.isprintable() for line in out.splitlines())


def test_a_folder_with_a_strange_name(run_cli: RunCli, in_tmp: Path) -> None:
    made(in_tmp, text_of({"a": range(4)}))
    Path("c").rename("c\x1b[31m")
    assert run_cli("why", "c\x1b[31m")[1].splitlines()[0] == r"c\x1b[31m: 0 rows done, 0 failed, 4 pending"

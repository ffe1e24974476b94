"""The page, opened in a real browser: nothing acts, nothing is fetched, all of it fits."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest

from genstudy.batches.showing import visible
from genstudy.campaign.run import run_campaign
from genstudy.ledger.ranges import Rows
from genstudy.ledger.records import Failure, Queued, Record, Refused, Returned, Submitted
from genstudy.reports.words import cut, figure_text, p_text
from genstudy.reports.write import write_report
from genstudy.results.collect import collect_results
from genstudy.specs.make import make_specs
from genstudy.specs.options import Options
from tests.maestro.conftest import write_table
from tests.reports.browser import Browser, is_blank
from tests.reports.support import HOSTILE, LONG, campaign, record, records_of

WIDTHS = (360, 1600)


class Tags(HTMLParser):
    """The tags of a page and their attributes, as an HTML parser sees them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def assert_harmless(page: Path) -> None:
    """See that a page has no tag and no attribute that could act or fetch."""
    for tag, attributes in Tags(page.read_text(encoding="utf-8")).found:
        assert tag not in {"script", "iframe", "object", "embed", "form", "base", "foreignobject", "use"}
        for name, value in attributes.items():
            assert not name.startswith("on")
            assert name != "src"
            if name in {"href", "xlink:href"}:
                assert value is not None
                assert value.startswith("#") or value == "data:,"
            if name == "style":
                assert re.fullmatch(r"width:\d+\.\d{3}%", value or "")


def assert_fine(browser: Browser, page: Path, *texts: str) -> None:
    """See that a page opens well at both widths, folded and not, and shows these texts."""
    assert_harmless(page)
    for width in WIDTHS:
        for unfold in (False, True):
            look = browser.look(page, width, unfold=unfold)
            assert (look.errors, look.requests) == ([], [])
            assert look.width <= width
            assert not is_blank(look.picture)
        assert browser.run("typeof window.pwned") == "undefined"
        assert browser.run("document.scripts.length + document.images.length") == 0
        shown = " ".join(look.text.split())
        for text in texts:
            assert " ".join(text.split()) in shown


def test_a_campaign_that_was_never_run(in_tmp: Path, browser: Browser) -> None:
    campaign(in_tmp / "c", ["a"], [["1"], ["2"]])
    page = write_report("c")
    assert page == Path("c_report.html")
    assert_fine(browser, page, "Not run yet: 2 rows in 1 batch.", "No batch has been started yet.")


STEP = """\
import json, sys
number, text = int(sys.argv[1]), sys.argv[2]
if number % 2:
    print(text, file=sys.stderr)
    print("\\x1b[31m\\x1b]0;title\\x07" + text, file=sys.stderr)
    if number == 3:
        print("{long}" * 3, file=sys.stderr)
    sys.exit(1)
json.dump({{"value": number, "text": text, "bad": text}}, open("out.json", "w"))
"""
RESULTS = """\
results:
  sources:
    - json: out.json
      columns: {value: value, said: {key: text, type: text}, bad: bad}
"""


def test_hostile_values_output_results_and_names(in_tmp: Path, browser: Browser) -> None:
    (in_tmp / "step.py").write_text(STEP.format(long=LONG))
    (in_tmp / "results.yaml").write_text(RESULTS)
    rows = [[str(number), HOSTILE[number // 2]] for number in range(2 * len(HOSTILE))]
    write_table(in_tmp / "t.csv", ["number", "text"], rows)
    folder = in_tmp / "<img src=x onerror=window.pwned=1> & ${{7*7}} '\"é"
    options = Options(
        template="command",
        variables={"command": f"python3 {in_tmp}/step.py $(NUMBER.quoted) $(TEXT.quoted) #"},
        batch_size=8,
        name="c",
    )
    make_specs("t.csv", folder, options)
    run_campaign(folder)
    collect_results(folder, results="results.yaml")
    page = write_report(folder)
    shown = [visible(text) for number, text in rows if number != "3"]
    assert_fine(browser, page, folder.name, *shown, "\\x1b[31m", "x" * 500)
    text = page.read_text(encoding="utf-8")
    assert "\x1b" not in text
    assert len(text) < 1_000_000


def test_hostile_parts_of_ledger_and_record(in_tmp: Path, browser: Browser) -> None:
    manifest = campaign(in_tmp / "c", ["a"], [[str(number)] for number in range(20)])
    records = [one for batch in manifest.batches for one in records_of(batch, failed=Rows.span(3, 9))]
    record(in_tmp / "c", records)
    for path in (in_tmp / "c/ledger").glob("*.json*"):
        changed = path.read_text().replace('"all is done"', '"<script>window.pwned=1</script>\\u202e"')
        path.write_text(changed.replace("FAILED", "<b>FAILED</b>").replace("echo-params", "</pre><i>{{x}}"))
    path = in_tmp / "c/manifest.json"
    laws = '[{"name": "a", "law": "</svg>"}]'
    design = f'"record": {{"design": "<script>window.pwned=1</script>", "parameters": {laws}}}'
    path.write_text(path.read_text().replace('"record": null', design))
    page = write_report("c")
    assert_fine(
        browser, page, "<script>window.pwned=1</script>\\u202e", "<b>FAILED</b>", "</pre><i>{{x}}", "</svg>"
    )


def test_a_campaign_whose_batches_were_jobs(in_tmp: Path, browser: Browser) -> None:
    manifest = campaign(in_tmp / "c", ["a"], [[str(number)] for number in range(20)])
    first, second = manifest.batches
    t = time.time() - 100
    failed = (Failure(step="", state="CANCELLED", rows="10-19"),)
    handed = Submitted(t=t, wave=1, scheduler="slurm", token="t-1", batches=(first.id, second.id))
    again = Submitted(t=t, wave=2, scheduler="slurm", token="t-2", batches=(second.id,))
    record(
        in_tmp / "c",
        [
            again.model_copy(update={"wave": 1}),
            Refused(t=t, wave=1, reason="no such <i>queue</i>"),
            handed.model_copy(update={"wave": 2}),
            Queued(t=t, wave=2, job="<b>7"),
            *records_of(first, t=t),
            Returned(t=t + 20, wave=2, batch=first.id, state="COMPLETED"),
            Returned(t=t + 30, wave=2, batch=second.id, state="<u>CANCELLED", failed=failed),
        ],
    )
    assert_fine(
        browser,
        write_report("c"),
        "1 process ran it, with 2 waves of jobs",
        "10 rows (100 %): CANCELLED — its job ended before the row did",
        "No row failed by itself.",
        "Not compared: 10 rows whose job was taken away, whatever their values.",
        "none: no such <i>queue</i>",
        "Slurm <b>7 2 COMPLETED 1, <u>CANCELLED 1",
    )


def wide(folder: Path, count: int, rows: int = 40) -> None:
    """Make a campaign of many parameters that ran, with some failed rows."""
    columns = [f"parameter_{number:03}" for number in range(count)]
    values = [[str((row * (number + 3)) % 41) for number in range(count)] for row in range(rows)]
    manifest = campaign(folder, columns, values)
    failed = Rows.span(0, 5)
    record(folder, [one for batch in manifest.batches for one in records_of(batch, failed=failed)])


@pytest.mark.parametrize(("count", "pictures"), [(40, 40), (300, 12)])
def test_many_parameters_are_folded(in_tmp: Path, browser: Browser, count: int, pictures: int) -> None:
    wide(in_tmp / "c", count)
    page = write_report("c")
    assert_fine(browser, page, f"{count - 12} more parameters", "parameter_000")
    text = page.read_text(encoding="utf-8")
    assert text.count('id="histogram-') == pictures
    assert page.stat().st_size < 5_000_000
    folded = browser.look(page, 1600)
    assert folded.picture.size[1] < 16_000


def test_one_row_and_long_names(in_tmp: Path, browser: Browser) -> None:
    name = "n" * 90
    manifest = campaign(in_tmp / "c", [name, "text"], [["1", LONG]], name="c" * 90)
    record(in_tmp / "c", list(records_of(manifest.batches[0], failed=Rows.span(0, 1))))
    assert_fine(browser, write_report("c"), "Finished: 0 of 1 row done, 1 failed.")


def test_a_campaign_of_many_batches(in_tmp: Path, browser: Browser) -> None:
    rows = [[str(row)] for row in range(2000)]
    manifest = campaign(in_tmp / "c", ["a"], rows, size=2)
    records: list[Record] = []
    for number, batch in enumerate(manifest.batches):
        failed = Rows.span(0, 2000) if number % 5 == 0 else Rows()
        records += records_of(batch, failed=failed, t=1e9 + 20 * number)
    record(in_tmp / "c", records)
    page = write_report("c")
    assert_fine(browser, page, "Finished: 1,600 of 2,000 rows done, 400 failed.")
    assert page.stat().st_size < 1_000_000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (0.0, "0"),
        (12345.0, "12,345"),
        (-2.0, "-2"),
        (1 / 3, "0.3333"),
        (1e300, "1e+300"),
        (float("inf"), "inf"),
    ],
)
def test_numbers(value: float | None, text: str) -> None:
    assert figure_text(value) == text


@pytest.mark.parametrize(
    ("p", "text"), [(None, "–"), (0.0, "< 1e-300"), (1e-9, "1e-09"), (0.0123, "0.012"), (1.0, "1.000")]
)
def test_p_values(p: float | None, text: str) -> None:
    assert p_text(p) == text


def test_cutting() -> None:
    assert [cut(text, 3) for text in ("", "abc", "abcd")] == ["", "abc", "abc…"]

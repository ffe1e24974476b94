"""Studies of all fates, run by real Maestro and judged."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from maestrowf.abstracts.enums import State

from genstudy.batches.rows import BatchRows
from genstudy.campaign.judge import judge
from genstudy.campaign.logs import failed_step_output
from genstudy.ledger.ranges import Rows
from genstudy.maestro.status import FINISHED, NOT_YET, read_status
from genstudy.rendering.marks import MARK_NAME
from genstudy.specs.manifest import StepEntry

from .studies import MARK, Lab, step, template, wait_until

CHAIN = (
    step("simulate", "set -e", "echo $(A)", "[ $(A) != 1 ] || { echo bad >&2; exit 1; }", mark=True),
    step("check", "set -e", "[ $(A) != 2 ] || exit 3", depends=["simulate"], mark=True),
)


def test_all_well(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, template(step("simulate", "echo $(A)"), step("check", "echo $(B)")))
    assert lab.run() == 0
    assert lab.verdict(ended=True) == ("0-3", {}, "")
    assert lab.verdict(ended=False) == ("0-3", {}, "")
    assert lab.judge(ended=True).note == ""


def test_rows_fail_at_the_first_step_that_failed(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, template(*CHAIN))
    assert lab.run() == 2
    expected = ("0,3", {"simulate FAILED": "1", "check FAILED": "2"}, "")
    assert lab.verdict(ended=True) == expected
    assert lab.verdict(ended=False) == expected


@pytest.mark.parametrize("name", ["comma, blank", "ünï,cödé 研究", "quote's $HOME"])
def test_places_with_strange_names(tmp_path: Path, name: str) -> None:
    lab = Lab.make(tmp_path / name, template(*CHAIN))
    assert lab.run() == 2
    assert lab.verdict(ended=True) == ("0,3", {"simulate FAILED": "1", "check FAILED": "2"}, "")


def test_row_ids_of_a_column(tmp_path: Path) -> None:
    table = "id,a\nr-b.1,0\nr_0,1\n10,2\n9,3\n"
    lab = Lab.make(tmp_path, template(*CHAIN), table=table, index="id", start=1)
    assert lab.run() == 2
    assert lab.verdict(ended=True) == ("3", {"simulate FAILED": "1", "check FAILED": "2"}, "")


def test_steps_with_blanks_in_their_names(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, template(step("do it", "[ $(A) != 1 ]", mark=True)))
    assert lab.run() == 2
    lab.rewrite(lambda text: text.replace("FINISHED", "RUNNING"))
    assert lab.verdict(ended=False) == ("0,2-3", {"do it FAILED": "1"}, "")


# Maestro that dies

LATIN = step("simulate", "set -e", "[ $(A) != 2 ] || printf 'caf\\351\\n'", "echo $(A)", mark=True)


def test_output_that_is_not_utf8_ends_the_study(tmp_path: Path) -> None:
    """Row 2 ends Maestro, which dies with what that row printed. Row 3 was not begun."""
    lab = Lab.make(tmp_path, template(LATIN))
    assert lab.run() == 1
    assert lab.status.count("INITIALIZED") == 4
    assert (lab.workspace("simulate/row_2") / MARK_NAME).exists()
    assert lab.verdict(ended=False) == ("0-1", {"simulate LOST": "2"}, "3")
    assert lab.verdict(ended=True) == ("0-1", {"simulate LOST": "2-3"}, "")
    assert lab.judge(ended=False).note == ""
    assert failed_step_output(lab.study, "simulate", "2").text == (
        "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xe9 in position 3: invalid continuation byte"
    )


def test_output_that_is_not_utf8_inline(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, template(LATIN), inline=True)
    assert lab.run() == 1
    assert lab.verdict(ended=False) == ("0-1", {"simulate LOST": "2"}, "3")


def test_a_mark_without_what_was_printed(tmp_path: Path) -> None:
    """Maestro was killed after a script's end and before it wrote down what the script had printed."""
    lab = Lab.make(tmp_path, hanging(mark=True))
    process = lab.start()
    wait_until(lab.workspace("check/row_2/ready").exists)
    process.kill()
    [err] = lab.workspace("check/row_1").glob("*.err")
    err.unlink()
    assert lab.verdict(ended=False) == ("0", {}, "1-3")
    err.with_name("of_the_users_own.err").touch()
    assert lab.verdict(ended=False) == ("0", {}, "1-3")


def test_without_marks_only_maestros_record_counts(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, template(LATIN.replace(" done_mark() | indent(14) ", "'true'")))
    assert lab.run() == 1
    assert lab.verdict(ended=False) == ("", {"simulate LOST": "2"}, "0-1,3")
    assert lab.verdict(ended=True) == ("", {"simulate LOST": "0-3"}, "")


def hanging(*, mark: bool) -> str:
    """Two steps, of which the second hangs in row 2."""
    return template(
        step("simulate", "echo $(A)", mark=mark),
        step(
            "check",
            "set -e",
            "[ $(A) != 2 ] || { touch ready; sleep 1000; }",
            depends=["simulate"],
            mark=mark,
        ),
    )


@pytest.mark.parametrize(("mark", "done"), [(True, "0-1"), (False, "")])
def test_maestro_killed_in_the_middle(tmp_path: Path, mark: bool, done: str) -> None:
    lab = Lab.make(tmp_path, hanging(mark=mark))
    process = lab.start()
    wait_until(lab.workspace("check/row_2/ready").exists)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    rest = "2-3" if mark else "0-3"
    assert lab.verdict(ended=False) == (done, {}, rest)
    assert lab.verdict(ended=True) == (done, {"check LOST": rest}, "")


def test_only_a_plain_file_is_a_mark(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, hanging(mark=True))
    process = lab.start()
    wait_until(lab.workspace("check/row_2/ready").exists)
    process.kill()
    marks = [lab.workspace(f"check/row_{row}") / MARK_NAME for row in range(3)]
    marks[0].rename(tmp_path / "mark")
    marks[0].symlink_to(tmp_path / "mark")
    marks[1].unlink()
    marks[1].mkdir()
    os.mkfifo(marks[2])
    assert lab.verdict(ended=False) == ("", {}, "0-3")


# What Maestro's record lacks

ONE = template(step("simulate", "[ $(A) != 1 ]"))


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lab, str]:
    """A study of four rows, of which row 1 failed, and its status."""
    lab = Lab.make(tmp_path_factory.mktemp("study"), ONE)
    assert lab.run() == 2
    return lab, lab.status


def line_of(status: str, row: int) -> str:
    return next(line for line in status.splitlines() if line.endswith(f"ROW_ID:{row}"))


def test_a_row_that_maestro_dropped_is_lost(judged: tuple[Lab, str]) -> None:
    lab, status = judged
    lab.rewrite(lambda _: status.replace(line_of(status, 2) + "\n", ""))
    assert lab.verdict(ended=True) == ("0,3", {"simulate FAILED": "1", "simulate LOST": "2"}, "")
    assert lab.verdict(ended=False) == ("0,3", {"simulate FAILED": "1"}, "2")


@pytest.mark.parametrize("kept", [0, 1, 7, 60])
def test_a_torn_record(judged: tuple[Lab, str], kept: int) -> None:
    """Of the last line nothing or too little is left."""
    lab, status = judged
    body, _, last = status.rpartition("\n")
    number = last.rpartition(":")[2]
    lab.rewrite(lambda _: body + "\n" + last[:kept])
    done, failed, unfinished = lab.verdict(ended=False)
    assert number == unfinished
    assert number not in (done, *failed.values())


def test_a_record_torn_within_a_rows_id(tmp_path: Path) -> None:
    table = "a\n" + "".join(f"{n}\n" for n in range(13))
    lab = Lab.make(tmp_path, ONE, table=table, start=1)
    assert lab.run() == 2
    lines = [line for line in lab.status.splitlines() if not line.endswith("ROW_ID:1")]
    place = next(n for n, line in enumerate(lines) if line.endswith("ROW_ID:12"))
    lines.append(lines.pop(place)[:-1])
    lab.rewrite(lambda _: "\n".join(lines))
    assert lab.verdict(ended=False) == ("2-11", {}, "1,12")


@pytest.mark.parametrize("left", ["", "\0" * 500])
def test_an_empty_record(judged: tuple[Lab, str], left: str) -> None:
    lab, _ = judged
    lab.rewrite(lambda _: left)
    assert lab.verdict(ended=False) == ("", {}, "0-3")
    assert lab.verdict(ended=True) == ("", {"simulate LOST": "0-3"}, "")


@pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
def test_what_a_step_put_in_the_records_place_is_no_record(tmp_path: Path, kind: str) -> None:
    lab = Lab.make(tmp_path, template(step("simulate", "echo $(A)")))
    lab.study.mkdir()
    status = lab.study / "status.csv"
    match kind:
        case "folder":
            status.mkdir()
        case "link":
            elsewhere = tmp_path / "elsewhere.csv"
            elsewhere.write_text("a header\n")
            status.symlink_to(elsewhere)
        case "pipe":
            os.mkfifo(status)
    assert read_status(lab.study) is None
    assert lab.verdict(ended=False) == ("", {}, "0-3")
    assert lab.verdict(ended=True) == ("", {" LOST": "0-3"}, "")


def test_of_contradicting_entries_the_worse_counts(judged: tuple[Lab, str]) -> None:
    lab, status = judged
    failed = line_of(status, 3).replace("FINISHED", "FAILED")
    running = line_of(status, 0).replace("FINISHED", "RUNNING")
    header, _, body = status.partition("\n")
    for text in ("\n".join([status, failed, running]), "\n".join([header, failed, running, body])):
        lab.rewrite(lambda _, text=text: text)  # type: ignore[misc]
        assert lab.verdict(ended=False) == ("2", {"simulate FAILED": "1,3"}, "0")


@pytest.mark.parametrize("state", [state.name for state in State] + ["NEW_STATE"])
def test_every_state_of_maestro_has_a_meaning(judged: tuple[Lab, str], state: str) -> None:
    lab, status = judged
    lab.rewrite(lambda _: status.replace("FINISHED", state).replace("FAILED", state))
    done, failed, unfinished = lab.verdict(ended=False)
    if state == FINISHED:
        assert (done, failed, unfinished) == ("0-3", {}, "")
    elif state in NOT_YET:
        assert (done, failed, unfinished) == ("", {}, "0-3")
    else:
        assert (done, failed, unfinished) == ("", {f"simulate {state}": "0-3"}, "")
    assert {state.name for state in State} - NOT_YET == {
        "FINISHED", "FAILED", "INCOMPLETE", "HWFAILURE", "TIMEDOUT", "UNKNOWN", "CANCELLED"
    }  # fmt: skip


def test_a_step_that_ran_out_of_time_and_waits_to_be_run_again(judged: tuple[Lab, str]) -> None:
    lab, status = judged
    line = line_of(status, 1)
    waiting = ",".join([*line.split(",")[:3], "TIMEDOUT", *line.split(",")[4:8], "--", "1", "ROW_ID:1"])
    lab.rewrite(lambda _: status.replace(line, waiting))
    assert lab.verdict(ended=False) == ("0,2-3", {}, "1")


def test_a_study_of_some_rows_alone(judged: tuple[Lab, str]) -> None:
    lab, status = judged
    lab.rewrite(lambda _: status)
    outcome = lab.judge(ended=True, wanted=Rows.parse("1-2"))
    assert (str(outcome.done), [failure.rows for failure in outcome.failed]) == ("2", ["1"])


def check_every_cut(lab: Lab) -> None:
    """Wherever the record is cut off, nothing is taken for done or failed that is not."""
    status = lab.status
    outcome = lab.judge(ended=False)
    known = {(failure.step, failure.state): Rows.parse(failure.rows) for failure in outcome.failed}
    failed = Rows.of(row for rows in known.values() for row in rows)
    for cut in range(len(status)):
        lab.rewrite(lambda _, cut=cut: status[:cut])  # type: ignore[misc]
        torn = lab.judge(ended=False)
        assert not torn.done - outcome.done
        assert not Rows.of(row for failure in torn.failed for row in Rows.parse(failure.rows)) - failed
        parts = [torn.done, torn.unfinished, *(Rows.parse(failure.rows) for failure in torn.failed)]
        assert sum(map(len, parts)) == len(lab.rows.numbers)


def test_a_record_cut_off_anywhere(tmp_path: Path) -> None:
    gather = step("gather", "echo $(simulate.workspace)", depends=["check_*"])
    lab = Lab.make(tmp_path / "funnel", template(*CHAIN, gather).replace(MARK, ":"), table="a\n1\n4\n5\n")
    assert lab.run() == 2
    check_every_cut(lab)
    table = "w,m\n1.25,x\n1.2,xy\n1.2,x\n"
    text = template(step("simulate", "[ $(W) != 1.25 ] # $(M)"), step("check", "true", depends=["simulate"]))
    lab = Lab.make(tmp_path / "inline", text, table=table, inline=True)
    assert lab.run() == 2
    check_every_cut(lab)


# Steps that do not run once a row

SHARED = (
    step('{{ shared("prepare") }}', "set -e", "echo no mesh >&2", "[ $(B) != y ]", mark=True),
    step("simulate", "echo $(A)", depends=["prepare"], mark=True),
    step("check", "echo $(A)", depends=["simulate"], mark=True),
)


def test_a_shared_step_that_fails_takes_its_rows_along(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, template(*SHARED))
    assert lab.run() == 2
    assert lab.verdict(ended=True) == ("0-1", {"prepare FAILED": "2-3"}, "")
    output = failed_step_output(lab.study, "prepare", "2")
    assert (output.workspace.partition("_")[0], output.text) == ("prepare/shared", "no mesh")
    assert failed_step_output(lab.study, "simulate", "2").text == (
        "it did not begin: the step prepare failed first"
    )


def funnel(command: str) -> str:
    """Return a template with a step over all rows."""
    return template(
        step("simulate", "[ $(A) != 9 ]", mark=True),
        step("gather", "set -e", command, depends=["simulate_*"], mark=True),
    )


def test_a_funnel_that_fails_leaves_no_row_done(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, funnel("echo oh >&2; exit 7"))
    assert lab.run() == 2
    assert lab.verdict(ended=True) == ("", {"gather FAILED": "0-3"}, "")
    assert lab.verdict(ended=False) == ("", {"gather FAILED": "0-3"}, "")
    assert failed_step_output(lab.study, "gather", "2").text == "oh"


def test_a_funnel_that_ends_well(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, funnel("echo well"))
    assert lab.run() == 0
    assert lab.verdict(ended=False) == ("0-3", {}, "")
    lab.rewrite(lambda text: text.rpartition("\n")[0])
    assert lab.verdict(ended=False) == ("0-3", {}, ""), "its mark tells"
    (lab.workspace("gather") / MARK_NAME).unlink()
    assert lab.verdict(ended=False) == ("", {}, "0-3")
    assert lab.verdict(ended=True) == ("", {"gather LOST": "0-3"}, "")


def test_a_row_that_fails_before_a_funnel(tmp_path: Path) -> None:
    table = "a\n0\n9\n"
    lab = Lab.make(tmp_path, funnel("echo well"), table=table)
    assert lab.run() == 2
    assert lab.verdict(ended=True) == ("", {"gather FAILED": "0", "simulate FAILED": "1"}, "")


def test_a_funnel_that_was_not_begun_when_maestro_died(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, funnel("touch ready; sleep 1000"))
    process = lab.start()
    wait_until(lab.workspace("gather/ready").exists)
    process.kill()
    assert lab.verdict(ended=False) == ("", {}, "0-3")


LEAF = (
    step("simulate", "echo $(A)"),
    step('{{ shared("report") }}', "echo $(B)"),
)


def test_a_shared_step_beside_the_rows(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, template(*LEAF))
    assert lab.run() == 0
    assert lab.verdict(ended=True) == ("0-3", {}, "")
    assert lab.verdict(ended=False) == ("0-3", {}, "")
    lab.rewrite(lambda text: "\n".join([line for line in text.splitlines() if "report" not in line]))
    assert lab.verdict(ended=False) == ("", {}, "0-3")


def test_a_torn_record_does_not_tell_how_often_a_shared_step_runs(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, template(*LEAF))
    assert lab.run() == 0
    lines = lab.status.splitlines()
    place = max(n for n, line in enumerate(lines) if line.startswith("report"))
    lines.append(lines.pop(place)[:40])
    lab.rewrite(lambda _: "\n".join(lines))
    assert lab.verdict(ended=False) == ("", {}, "0-3")


# Inline specifications


def test_inline_rows_are_told_by_their_values(tmp_path: Path) -> None:
    table = "id,w,m\nr1,0.3,brass\nr2,0.4,é:x=1\nr3,0.5,steel\nr4,0.6,brass\n"
    text = template(
        step("simulate", "set -e", "echo $(W)", "[ $(W) != 0.4 ] || { echo bad >&2; exit 1; }"),
        step("check", "[ $(M) != steel ]", depends=["simulate"]),
    )
    lab = Lab.make(tmp_path, text, table=table, index="id", inline=True)
    assert lab.run() == 2
    assert lab.verdict(ended=True) == ("0,3", {"simulate FAILED": "1", "check FAILED": "2"}, "")
    assert failed_step_output(lab.study, "simulate", "r2", lab.rows).text == "bad"
    lab.rewrite(lambda text: text.replace("FINISHED", "INITIALIZED"))
    assert lab.verdict(ended=False) == ("", {"simulate FAILED": "1", "check FAILED": "2"}, "0,3")


def test_inline_marks(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, hanging(mark=True).replace("$(A)", "$(A)"), inline=True)
    process = lab.start()
    wait_until(lambda: list(lab.study.glob("check/*/ready")))
    process.kill()
    assert lab.verdict(ended=False) == ("0-1", {}, "2-3")


def test_inline_with_row_ids_and_a_shared_step(tmp_path: Path) -> None:
    text = template(
        step('{{ shared("prepare") }}', "[ $(B) != y ]"),
        step("simulate", "[ $(ROW_ID) != 1 ] # $(A)", depends=["prepare"]),
    )
    lab = Lab.make(tmp_path, text, inline=True)
    assert lab.run() == 2
    assert lab.verdict(ended=True) == ("0", {"simulate FAILED": "1", "prepare FAILED": "2-3"}, "")


def test_an_inline_record_torn_within_a_value(tmp_path: Path) -> None:
    table = "w\n1.25\n1.2\n"
    lab = Lab.make(tmp_path, template(step("simulate", "echo $(W)")), table=table, inline=True)
    assert lab.run() == 0
    lines = [line for line in lab.status.splitlines() if not line.endswith("W:1.2")]
    lab.rewrite(lambda _: "\n".join(lines)[:-1])
    assert lab.verdict(ended=False) == ("", {}, "0-1")


# Maestro that makes no study


def test_what_the_pgen_refused_is_told(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, ONE)
    table = lab.folder / "table.csv"
    table.write_text(table.read_text().replace("3,y", "4,y"))
    assert lab.run() == 2
    outcome = lab.judge(ended=True)
    assert [(failure.step, failure.state, failure.rows) for failure in outcome.failed] == [
        ("", "LOST", "0-3")
    ]
    assert outcome.note == (
        f"{table} is not what it was when the specs were made: the header or this batch's rows changed; "
        "bring the table back, or make the specs anew with genstudy specs"
    )
    assert lab.verdict(ended=False) == ("", {}, "0-3")


def test_maestros_own_exception_is_told(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, ONE)
    spec = lab.folder / lab.batch.spec
    spec.write_text(spec.read_text().replace("study:", "studies:"))
    assert lab.run() == 1
    assert lab.judge(ended=True).note == (
        "ValueError: A study specification MUST contain at least one step in its workflow."
    )


def test_wrong_options_are_told(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, ONE)
    assert lab.run("--attempts", "many") == 2
    assert lab.judge(ended=True).note == (
        "maestro run: error: argument -a/--attempts: invalid int value: 'many'"
    )


def test_a_study_that_was_never_started(tmp_path: Path) -> None:
    lab = Lab.make(tmp_path, ONE)
    assert lab.verdict(ended=False) == ("", {}, "0-3")
    assert lab.judge(ended=False).note == ""
    lab.log.write_text("[2026-01-01 00:00:00: INFO] Loading\n---\n")
    assert lab.judge(ended=False).note == ""


# What failed steps printed


def test_output_is_short_and_cannot_act_on_a_terminal(tmp_path: Path) -> None:
    lines = (
        r"[ $(A) != 0 ] || { seq 1 5000 >&2; printf '\033[31mred\r\n\tend\342\200\256\n' >&2; }",
        r"[ $(A) != 1 ] || echo only here",
        r"[ $(A) != 2 ] || exit 1",
        r"[ $(A) != 3 ] || { head -c 5000 /dev/zero | tr '\0' x >&2; }",
        "exit 1",
    )
    lab = Lab.make(tmp_path, template(step("simulate", *lines)))
    assert lab.run() == 2
    first = failed_step_output(lab.study, "simulate", "0")
    assert first.text.split("\n") == [
        *(str(n) for n in range(4993, 5001)), r"\x1b[31mred", "\tend\\u202e"
    ]  # fmt: skip
    assert first.workspace == "simulate/row_0"
    assert first.file.startswith("simulate_row_0.")
    assert first.file.endswith(".err")
    second = failed_step_output(lab.study, "simulate", "1")
    assert (second.text, second.file[-4:]) == ("only here", ".out")
    assert failed_step_output(lab.study, "simulate", "2").text == "it printed nothing"
    assert failed_step_output(lab.study, "simulate", "3").text == "x" * 2000
    assert failed_step_output(lab.study, "simulate", "77").text == "it left no output"


# Size


def test_a_large_batch(tmp_path: Path) -> None:
    count = 10_000
    rows = BatchRows(
        numbers=Rows.span(0, count),
        ids=[str(n) for n in range(count)],
        places={n: n for n in range(count)},
        by_id={str(n): n for n in range(count)},
        start=0,
        values={},
    )
    names = ("one", "two", "three")
    steps = [StepEntry(name=name, runs="row", funnel=False, mark=True) for name in names]
    times = "0d:00h:00m:02s,0d:00h:00m:02s,2026-11-22 20:37:57,2026-11-22 20:37:57,2026-11-22 20:37:59"
    lines = [f"{s}_row_{n},--,{s}/row_{n},FINISHED,{times},0,ROW_ID:{n}" for s in names for n in range(count)]
    study = tmp_path / "study"
    study.mkdir()
    (study / "status.csv").write_text("\n".join(["header", *lines]))
    outcome = judge(study, steps=steps, rows=rows, wanted=rows.numbers, ended=True)
    assert str(outcome.done) == "0-9999"
    status = read_status(study)
    assert status is not None
    assert status.whole

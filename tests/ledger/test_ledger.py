"""What is recorded stays recorded, and what was not written whole is as if it had never been."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudy.errors import GenstudyError
from genstudy.ledger.lease import RecordsFile
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.records import RECORD, Cleared, Stopped
from tests.ledger.owners import NEVER, cleared, events, killed_after, lefts, no_news

LINE = cleared().model_dump_json().encode()
TORN = {
    "half": LINE[:20],
    "half a letter": LINE[:-2] + "é".encode()[:1],
    "whole but for its end": LINE,
    "zeros": b"\0" * 40,
    "zeros and an end": b"\0" * 40 + b"\n",
    "half and an end": LINE[20:] + b"\n",
    "not utf-8": LINE[:-2] + b"\xff\xfe",
}


def test_there_is_nothing_before_the_first_owner(tmp_path: Path) -> None:
    assert list(Ledger(tmp_path).records()) == []
    (tmp_path / "ledger").mkdir()
    assert list(Ledger(tmp_path).records()) == []


def test_a_record_is_a_line_of_json(tmp_path: Path) -> None:
    record = Stopped(t=1.5, reason='a\n"µ"\u2028\0')
    path = killed_after(tmp_path, record)
    line = path.read_bytes().splitlines()[1]
    assert line == '{"t":1.5,"event":"stop","reason":"a\\n\\"µ\\"\u2028\\u0000"}'.encode()
    assert list(Ledger(tmp_path).records())[1] == record


@given(text=st.text(st.characters(exclude_categories=["Cs"])), seconds=st.floats(0, 1e11))
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, text: str, seconds: float) -> None:
    folder = tmp_path_factory.mktemp("any")
    record = Stopped(t=seconds, reason=text)
    killed_after(folder, record)
    assert list(Ledger(folder).records())[1:] == [record]


@pytest.mark.parametrize("tail", TORN.values(), ids=TORN)
def test_a_torn_line_was_never_recorded(tmp_path: Path, tail: bytes) -> None:
    path = killed_after(tmp_path, cleared(1))
    with path.open("ab") as stream:
        stream.write(tail)
    assert lefts(tmp_path) == [1]
    with Ledger(tmp_path, patience=NEVER).own({}, no_news) as owner:
        assert lefts(tmp_path) == [1]
        owner.add(cleared(2))
    assert lefts(tmp_path) == [1, 2]


@pytest.mark.parametrize("size", [0, 1, 20])
def test_a_file_without_a_whole_line_has_no_record(tmp_path: Path, size: int) -> None:
    path = killed_after(tmp_path)
    path.write_bytes(path.read_bytes()[:size])
    assert events(tmp_path) == []
    with Ledger(tmp_path, patience=NEVER).own({}, no_news) as owner:
        owner.add(cleared(2))
    assert events(tmp_path) == ["Owned", "Cleared", "Stopped"]


def test_an_owner_without_records_is_passed_over(tmp_path: Path) -> None:
    killed_after(tmp_path, cleared(1))
    killed_after(tmp_path).unlink()
    killed_after(tmp_path, cleared(3))
    assert lefts(tmp_path) == [1, 3]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{}", "Unable to extract tag using discriminator 'event'"),
        (b"", "Invalid JSON: EOF while parsing a value at line 1 column 0"),
        (LINE[:20], "Invalid JSON: "),
        (LINE.replace(b"clear", b"shine"), "Input tag 'shine' found using 'event' does not match"),
        (LINE.replace(b"left", b"right"), "Field required"),
        (LINE.replace(b"0000", b"\xff"), "Invalid JSON: "),
    ],
    ids=["empty", "blank", "half", "event", "field", "utf-8"],
)
def test_a_line_that_is_no_record(tmp_path: Path, line: bytes, why: str) -> None:
    path = killed_after(tmp_path, cleared(1), cleared(2))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], line + b"\n", lines[2]]))
    with pytest.raises(GenstudyError) as caught:
        list(Ledger(tmp_path).records())
    assert str(caught.value).startswith(f"{path}, line 3: not a record: {why}")
    assert str(caught.value).endswith(
        "\n  if a newer genstudy ran this campaign, use that one; or put the file back from a copy"
    )


def test_a_record_of_a_newer_genstudy_is_no_torn_line(tmp_path: Path) -> None:
    path = killed_after(tmp_path)
    with path.open("ab") as stream:
        stream.write(LINE.replace(b"clear", b"shine") + b"\n")
    with pytest.raises(GenstudyError, match="line 2: not a record"):
        list(Ledger(tmp_path).records())
    with pytest.raises(GenstudyError, match="line 2"), Ledger(tmp_path, patience=NEVER).own({}, no_news):
        list(Ledger(tmp_path).records())


def test_links_and_pipes_are_not_followed(tmp_path: Path) -> None:
    path = killed_after(tmp_path, cleared(1))
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(GenstudyError, match=r"records-000001\.jsonl: not a plain file"):
        list(Ledger(tmp_path).records())
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(GenstudyError, match=r"records-000001\.jsonl: not a plain file"):
        list(Ledger(tmp_path).records())
    path.unlink()
    path.mkdir()
    with pytest.raises(GenstudyError, match=r"records-000001\.jsonl: not a plain file"):
        list(Ledger(tmp_path).records())


def test_a_ledger_is_not_a_link(tmp_path: Path) -> None:
    killed_after(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/ledger").symlink_to(tmp_path / "ledger")
    for use in (
        lambda: list(Ledger(tmp_path / "other").records()),
        lambda: Ledger(tmp_path / "other").own({}, no_news),
        lambda: Ledger(tmp_path / "other").owner(),
    ):
        with pytest.raises(NotADirectoryError) as caught:
            use()
        assert caught.value.filename == str(tmp_path / "other/ledger")


def test_what_an_interrupted_write_left_goes_before_the_next_record(tmp_path: Path) -> None:
    path = tmp_path / "records"
    records = RecordsFile(path)
    records.append(cleared(1))
    records._torn = True  # as after a signal between two writes
    with path.open("ab") as stream:
        stream.write(LINE[:20])
    records.append(cleared(2))
    records.close()
    lines = path.read_bytes().splitlines()
    assert [record.left for record in map(RECORD.validate_json, lines) if isinstance(record, Cleared)] == [
        1,
        2,
    ]

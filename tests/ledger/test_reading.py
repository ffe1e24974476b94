"""A campaign's state, read while others add batches; and the lines of a ledger's files, one at a time."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genstudy.errors import UserError
from genstudy.ledger.generations import RECORDS, Generations
from genstudy.ledger.ledger import Ledger
from genstudy.ledger.ranges import Rows
from genstudy.ledger.reading import read_state
from genstudy.ledger.records import Record, Started
from genstudy.ledger.state import Contradiction
from genstudy.specs.make import make_specs
from genstudy.specs.manifest import FILE_NAME, Manifest
from genstudy.specs.options import Options
from tests.ledger.owners import no_news
from tests.specs.support import refusal


@pytest.fixture
def two_batches(tmp_path: Path) -> Manifest:
    """Make a campaign, and a ledger in which a third batch, which nobody knows yet, is started."""
    (tmp_path / "t.csv").write_text("a\n" + "1\n" * 20)
    manifest = make_specs(tmp_path / "t.csv", tmp_path / "c", Options(batch_size=10)).manifest
    with Ledger(tmp_path / "c").own({}, no_news) as owner:
        owner.add(Started(t=1, batch="0002", study="t_0002.1", rows="7", whole=False))
    return manifest


def test_batches_that_were_added_meanwhile_are_known(tmp_path: Path, two_batches: Manifest) -> None:
    again = two_batches.batches[0].model_copy(
        update={"id": "0002", "spec": "t_0002.yaml", "attempt": 2, "rows": "7", "table": "retry_2.csv"}
    )
    newer = two_batches.model_copy(update={"batches": [*two_batches.batches, again]})
    seen: list[str] = []

    def notice(record: Record) -> None:
        if not seen:
            (tmp_path / "c" / FILE_NAME).write_text(newer.to_text())
        seen.append(record.event)

    manifest, state = read_state(tmp_path / "c", notice)
    assert manifest == newer
    assert state.batches["0002"].rows == Rows.parse("7")
    assert list(state.batches["0002"].running) == ["t_0002.1"]
    assert seen == ["own", "start", "own", "start", "stop"]


def test_a_batch_that_nobody_added_is_none(tmp_path: Path, two_batches: Manifest) -> None:
    assert len(two_batches.batches) == 2
    with pytest.raises(Contradiction, match="names the batch 0002, and the manifest has none"):
        read_state(tmp_path / "c")
    assert gc.isenabled()


def test_a_folder_that_is_no_campaign(tmp_path: Path) -> None:
    assert refusal(lambda: read_state(tmp_path / "none")).startswith(f"{tmp_path / 'none'}: not a campaign")
    with pytest.raises(UserError):
        read_state(tmp_path)


LINES = st.lists(st.binary(max_size=9) | st.integers(4000, 20_000).map(bytes), max_size=5)


@given(LINES, st.binary(max_size=9) | st.integers(4090, 4100).map(bytes))
def test_the_lines_of_a_file(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], torn: bytes
) -> None:
    files = Generations(tmp_path_factory.mktemp("lines"))
    files.folder.mkdir()
    whole = [line.replace(b"\n", b"-") for line in lines]
    path = files.path(RECORDS, 1)
    path.write_bytes(b"".join(line + b"\n" for line in whole) + torn.replace(b"\n", b"-"))
    assert list(files.lines(RECORDS, 1)) == whole
    assert files.last_line(RECORDS, 1) == (whole[-1] if whole else None)


def test_there_are_no_lines_where_there_is_no_file(tmp_path: Path) -> None:
    files = Generations(tmp_path)
    assert list(files.lines(RECORDS, 1)) == []
    assert files.last_line(RECORDS, 1) is None


def test_lines_that_are_added_meanwhile_come_the_next_time(tmp_path: Path) -> None:
    files = Generations(tmp_path)
    files.folder.mkdir()
    path = files.path(RECORDS, 1)
    path.write_bytes(b"one\ntwo\nth")
    lines = files.lines(RECORDS, 1)
    assert next(lines) == b"one"
    with path.open("ab") as stream:
        stream.write(b"ree\nfour\n")
    assert list(lines) == [b"two"]
    assert list(files.lines(RECORDS, 1)) == [b"one", b"two", b"three", b"four"]

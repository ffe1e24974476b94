"""The files of a ledger: made once, whole, and told from others by their names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from genstudy.ledger import generations
from genstudy.ledger.generations import Generations
from genstudy.ledger.ledger import Ledger
from tests.ledger.owners import NEVER, events, no_news


@pytest.mark.parametrize("way", ["link", "create"])
def test_an_owner_file_is_made_once(tmp_path: Path, way: str) -> None:
    code = """
import sys
from pathlib import Path
from genstudy.ledger.generations import OWNER, Generations, _create
files = Generations(Path(sys.argv[1]))
for number, _ in enumerate(sys.stdin):
    data = sys.argv[3].encode()
    if sys.argv[2] == "link":
        print(files.create_owner(number, data), flush=True)
    else:
        print(_create(files.path(OWNER, number), data), flush=True)
"""
    (tmp_path / "ledger").mkdir()
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", code, tmp_path, way, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for name in ("first", "second")
    ]
    for number in range(200):
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write(b"\n")
            racer.stdin.flush()
        answers = [racer.stdout.readline() for racer in racers if racer.stdout]
        assert sorted(answers) == [b"False\n", b"True\n"]
        winner = ("first", "second")[answers.index(b"True\n")]
        assert (tmp_path / f"ledger/owner-{number:06}.json").read_text() == winner
    for racer in racers:
        racer.communicate()
    assert len(list((tmp_path / "ledger").iterdir())) == 200


def test_a_link_whose_answer_was_lost_is_known_again(tmp_path: Path) -> None:
    part, path = tmp_path / "part", tmp_path / "owner"
    part.write_bytes(b"x")
    path.hardlink_to(part)
    assert generations._link(part, path, b"x")
    path.unlink()
    path.write_bytes(b"x")
    assert not generations._link(part, path, b"x")


def test_generations_of_other_names_are_left_alone(tmp_path: Path) -> None:
    files = Generations(tmp_path)
    files.folder.mkdir()
    for name in (
        "owner-7.json",
        "owner-0000007.json",
        "owner-000007.json~",
        ".owner-000007.json.1-ab",
        "note",
    ):
        (files.folder / name).write_text("x")
    (files.folder / "owner-000008.json.d").mkdir()
    (files.folder / "records-000001.jsonl.gz").symlink_to("/dev/zero")
    assert files.newest() == 0
    with Ledger(tmp_path, patience=NEVER).own({}, no_news) as owner:
        assert owner.generation == 1
    assert events(tmp_path) == ["Owned", "Stopped"]

"""The sample of a campaign out of a database: its README, and the same rows from PostgreSQL."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from genstudy.databases.engine import open_database
from genstudy.databases.url import parse_url
from genstudy.specs.make import make_specs
from genstudy.tables.read import Query
from tests.databases.postgres import PostgresServer
from tests.docs.blocks import run_page

SAMPLE = Path(__file__).parents[2] / "samples" / "from_database"


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a copy of the sample."""
    folder = Path(shutil.copytree(SAMPLE, tmp_path / "sample"))
    monkeypatch.chdir(folder)
    return folder


def test_the_readme_shows_what_happens(sample: Path) -> None:
    assert run_page((SAMPLE / "README.md").read_text(encoding="utf-8"), sample) == []


def test_both_databases_give_the_same_table(sample: Path, postgres: PostgresServer) -> None:
    tables = (sample / "make_lab.sql").read_text()
    with closing(sqlite3.connect("lab.db")) as lab:
        lab.executescript(tables)
    remote = postgres.new_database()
    with open_database(parse_url(remote)) as engine, engine.begin() as connection:
        connection.exec_driver_sql(tables)
    sql = (sample / "trials.sql").read_text()
    for name, db in (("a", "sqlite:///lab.db"), ("b", remote)):
        assert make_specs(Query(sql=sql, db=db), name).manifest.table.rows == 12
    assert Path("a/table.csv").read_bytes() == Path("b/table.csv").read_bytes()

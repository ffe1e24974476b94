"""Tables of results in SQLite and PostgreSQL: made, extended, refused, and written whole."""

from __future__ import annotations

import json
import math
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from genstudy.databases.engine import open_database
from genstudy.databases.url import DatabaseUrl, parse_url
from genstudy.errors import UserError
from genstudy.results.parameters import CONVERTERS, parameter_kinds
from genstudy.results.schema import FIXED, Kind, columns_of
from genstudy.results.sink import Entry, Sink, open_sink
from tests.databases.postgres import PostgresServer
from tests.results.lab import execute

KINDS: dict[str, Kind] = {"width": "float", "group": "int", "note": "text"}
RESULTS: dict[str, Kind] = {"energy": "float", "count": "int", "good": "bool", "label": "text"}
WAY_OUT = "choose another table: --table NAME, or table: in the study file under results:"


@pytest.fixture(params=["sqlite", "postgresql", "pg8000"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database; pg8000 is a driver that nothing here knows of."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/some.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    new = server.new_database()
    return new if request.param == "postgresql" else f"postgresql+pg8000://{new.partition('://')[2]}"


def sink(
    url: str,
    *,
    campaign: str = "one-000000000000",
    name: str = "study",
    parameters: Mapping[str, Kind] = KINDS,
    results: Mapping[str, Kind] = RESULTS,
) -> AbstractContextManager[Sink]:
    return open_sink(
        parse_url(url),
        campaign,
        name,
        parameters=lambda dialect: list(columns_of(parameters, dialect).values()),
        kinds=lambda: list(parameters.values()),
        results=results,
    )


def row(number: int, *values: Any, campaign: str = "one-000000000000", attempt: int = 1) -> tuple[Any, ...]:
    fixed = (campaign, f"r{number}", number, "0000", attempt, "FINISHED", None)
    return (*fixed, "2026-05-04 03:02:01", "2026-05-04 03:02:03", 2.0, None, 1.5, number, "a note", *values)


def read(url: str, query: str) -> list[tuple[Any, ...]]:
    with open_database(parse_url(url), read_only=True) as engine, engine.connect() as connection:
        return [tuple(found) for found in connection.exec_driver_sql(query)]


def columns(url: str, table: str) -> list[str]:
    with open_database(parse_url(url)) as engine, engine.connect() as connection:
        return [column["name"] for column in sa.inspect(connection).get_columns(table)]


def test_rows_of_a_batch_replace_those_before(url: str) -> None:
    with sink(url) as target:
        target.write("0000", Entry("a"), [[row(1, 0.5, 1, True, "x"), row(2, None, None, None, None)]])
        target.write("0001", Entry("b", faulty=1, missing={"energy": 1}), [[row(3, None, 1, False, "y")]])
        target.write("0000", Entry("c"), [[row(1, 0.25, 2, False, "z")], [row(2, 1.0, 3, True, "")]])
        assert target.entries() == {
            "0000": Entry("c", rows=2),
            "0001": Entry("b", rows=1, faulty=1, missing={"energy": 1}),
        }
        assert target.entry("0001") == target.entries()["0001"]
        assert target.entry("0002") is None
    assert columns(url, "study") == columns(url, "study_attempts") == [*FIXED, *KINDS, *RESULTS]
    found = read(
        url, 'SELECT row_id, seconds, width, energy, "count", good, label FROM study ORDER BY row_id'
    )
    assert found == [
        ("r1", 2.0, 1.5, 0.25, 2, False, "z"),
        ("r2", 2.0, 1.5, 1.0, 3, True, ""),
        ("r3", 2.0, 1.5, None, 1, False, "y"),
    ]
    assert len(read(url, "SELECT * FROM genstudy_batches")) == 2


def test_the_view_has_the_last_attempt_of_each_row(url: str) -> None:
    with sink(url, results={"energy": "float"}) as target:
        target.write("0000", Entry("a"), [[row(1, 1.0), row(2, 2.0)]])
        target.write("0001", Entry("a"), [[row(2, 4.0, attempt=3)]])
        target.write("0002", Entry("a"), [[row(2, 3.0, attempt=2)]])
    with sink(url, campaign="two-000000000000", results={"energy": "float"}) as target:
        target.write("0000", Entry("a"), [[row(2, 9.0, campaign="two-000000000000")]])
    found = read(url, "SELECT campaign, row_id, attempt, energy FROM study ORDER BY campaign, row_id")
    assert found == [
        ("one-000000000000", "r1", 1, 1.0),
        ("one-000000000000", "r2", 3, 4.0),
        ("two-000000000000", "r2", 1, 9.0),
    ]


def test_what_fails_on_the_way_leaves_what_was_there(url: str) -> None:
    def broken() -> Iterator[list[tuple[Any, ...]]]:
        yield [row(1, 2.0)] * 1
        yield [row(number, 1.0) for number in range(2, 20_000)]
        raise KeyboardInterrupt

    with sink(url, results={"energy": "float"}) as target:
        target.write("0000", Entry("a"), [[row(1, 1.0)]])
        with pytest.raises(KeyboardInterrupt):
            target.write("0000", Entry("b"), broken())
        assert target.entries() == {"0000": Entry("a", rows=1)}
    assert read(url, "SELECT row_id, energy FROM study_attempts") == [("r1", 1.0)]


def test_new_results_extend_the_table(url: str) -> None:
    with sink(url, results={"energy": "float"}) as target:
        target.write("0000", Entry("a"), [[row(1, 1.0)]])
    with sink(url, results={"drag": "int", "energy": "float"}) as target:
        target.write("0001", Entry("a"), [[row(2, 7, 2.0)]])
        assert target.other_results() == []
    assert columns(url, "study") == columns(url, "study_attempts") == [*FIXED, *KINDS, "energy", "drag"]
    assert read(url, "SELECT energy, drag FROM study ORDER BY row_id") == [(1.0, None), (2.0, 7)]
    with sink(url, results={}) as target:
        assert target.other_results() == ["energy", "drag"]
    with sink(url, campaign="two-000000000000", results={}) as target:
        assert target.other_results() == []


@pytest.mark.parametrize(
    ("parameters", "results", "message"),
    [
        ({"width": "float", "note": "text"}, {}, "it has group where this campaign has the parameter note"),
        ({"depth": "float"}, {}, "it has width where this campaign has the parameter depth"),
        (
            {**KINDS, "depth": "float", "more": "int"},
            {},
            "it has energy where this campaign has the parameter depth",
        ),
        ({**KINDS, "group": "text"}, {}, "has whole numbers in the column group, and this campaign has text"),
        (
            {**KINDS, "group": "float"},
            {},
            "has whole numbers in the column group, and this campaign has numbers",
        ),
        (KINDS, {"energy": "text"}, "has numbers in the column energy, and the result is text"),
    ],
)
def test_a_table_of_another_study_is_refused(
    url: str, parameters: dict[str, Kind], results: dict[str, Kind], message: str
) -> None:
    with sink(url):
        pass
    before = columns(url, "study_attempts")
    with (
        pytest.raises(UserError, match=message) as caught,
        sink(url, campaign="two-000000000000", parameters=parameters, results=results),
    ):
        pass
    assert "--table" in str(caught.value.hint)
    assert "s3cret" not in str(caught.value)
    assert columns(url, "study_attempts") == before


def test_a_wider_table_takes_the_parameters(url: str) -> None:
    with sink(url, parameters={"width": "float", "note": "text"}):
        pass
    narrow: dict[str, Kind] = {"width": "int", "note": "float"}
    with sink(url, campaign="two-000000000000", parameters=narrow) as target:
        assert target.layout.parameters == {"width": "float", "note": "text"}


@pytest.mark.parametrize("table", ["study", "study_attempts"])
def test_a_table_that_is_none_of_ours_stays(url: str, table: str) -> None:
    execute(url, f"CREATE TABLE {table} (a int)", f"INSERT INTO {table} VALUES (1)")
    message = "there is a table study already" if table == "study" else "is none of results"
    with pytest.raises(UserError, match=message) as caught, sink(url):
        pass
    assert caught.value.hint == WAY_OUT
    assert read(url, f"SELECT * FROM {table}") == [(1,)]


def test_more_columns_than_the_database_takes(url: str) -> None:
    most = 2000 if url.startswith("sqlite") else 1600
    many: dict[str, Kind] = {f"p{number}": "bool" for number in range(most - len(FIXED) + 1)}
    with (
        pytest.raises(UserError, match=f"{most + 1:,} columns.* takes {most:,}"),
        sink(url, parameters=many, results={}),
    ):
        pass
    assert "study_attempts" not in {name for (name,) in tables(url)}
    many.popitem()
    if url.startswith("sqlite"):
        with sink(url, parameters=many, results={}) as target:
            assert len(target.layout.columns) == most
        with (
            pytest.raises(UserError, match="2,001 columns"),
            sink(url, parameters=many, results={"a": "int"}),
        ):
            pass


def test_rows_that_fit_into_no_page_of_postgresql(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    least, most, refused = 900, 1000, UserError("")
    while most - least > 1:
        middle = (least + most) // 2
        try:
            with sink(url, name=f"with_{middle}", parameters=floats(middle), results={}):
                least = middle
        except UserError as problem:
            most, refused = middle, problem
    assert least > 900
    assert "bytes a row, and PostgreSQL takes 8,160" in refused.message
    assert refused.hint == "take fewer results, or use SQLite"
    with sink(url, name=f"with_{least}", parameters=floats(least), results={}) as target:
        fixed = (*row(1)[: len(FIXED) - 1], "x" * 50_000)
        one = (*fixed, *(math.pi * number for number in range(least - 1)), None)
        target.write("0000", Entry("a"), [[one]])
        assert target.entries() == {"0000": Entry("a", rows=1)}


def floats(count: int) -> dict[str, Kind]:
    return {f"p{number}": "float" for number in range(count)}


def tables(url: str) -> list[tuple[Any, ...]]:
    if url.startswith("sqlite"):
        return read(url, "SELECT name FROM sqlite_master")
    return read(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")


def test_names_that_postgresql_would_cut(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    first, second = "é" * 40 + "a", "é" * 40 + "b"
    with sink(url, parameters={first: "int", second: "int"}, results={}) as target:
        names = list(target.layout.parameters)
        target.write("0000", Entry("a"), [[(*row(1)[: len(FIXED)], 1, 2)]])
    assert [len(name.encode()) for name in names] == [63, 63]
    assert all(name.startswith("é" * 27 + "_") for name in names)
    assert len({name.encode()[:63] for name in names}) == 2
    assert columns(url, "study")[len(FIXED) :] == names
    with sink(url, parameters={first: "int", second: "int"}, results={}) as target:
        assert target.entries() == {"0000": Entry("a", rows=1)}


def test_names_of_columns_that_postgresql_has_itself(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    names = ("xmin", "xmin_", "ctid", "oid")
    with sink(url, parameters=dict.fromkeys(names, "int"), results={}) as target:
        assert list(target.layout.parameters) == ["xmin__", "xmin_", "ctid_", "oid"]
        target.write("0000", Entry("a"), [[(*row(1)[: len(FIXED)], 1, 2, 3, 4)]])
    assert read(url, "SELECT xmin__, xmin_, ctid_, oid FROM study") == [(1, 2, 3, 4)]
    with pytest.raises(UserError) as refused, sink(url, name="other", results={"xmax": "float"}):
        pass
    assert refused.value.message == "PostgreSQL has a column xmax of its own in every table"
    assert refused.value.hint == "rename the result; `name: key` says what is taken for it"


def write_batches(url: str, ready: Any, numbers: Sequence[int]) -> None:
    ready.wait()
    with sink(url, results={"energy": "float"}) as target:
        for number in numbers:
            target.write(f"{number:04}", Entry("a"), [[row(number, 1.0)]])


def test_several_processes_make_the_tables_and_write_the_same_batches(url: str) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(4)
    jobs = [context.Process(target=write_batches, args=(url, ready, range(10))) for _ in range(4)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join(120)
    assert [job.exitcode for job in jobs] == [0] * 4
    assert read(url, "SELECT row_number FROM study ORDER BY row_number") == [(n,) for n in range(10)]
    assert read(url, "SELECT count(*) FROM study_attempts") == [(10,)]


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
VALUES = st.tuples(
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.booleans(),
    st.none() | TEXT | st.sampled_from(["\\N", "\\.", "a\tb\\\n", "'); DROP TABLE study; --", "%s :x ?"]),
)


@pytest.fixture(scope="module")
def shared_urls(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> list[str]:
    return [f"sqlite:///{tmp_path_factory.mktemp('sink')}/some.db", postgres.new_database()]


@given(st.lists(VALUES, max_size=8))
def test_values_come_back_as_they_were(shared_urls: list[str], values: list[tuple[Any, ...]]) -> None:
    for url in shared_urls:
        with sink(url) as target:
            target.write("0000", Entry("a"), [[row(number, *found) for number, found in enumerate(values)]])
            query = 'SELECT energy, "count", good, label FROM study ORDER BY row_number'
            assert read(url, query) == values
            execute(url, "DELETE FROM study_attempts", "DELETE FROM genstudy_batches")


def test_a_database_that_cannot_be_reached(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot open the table of results") as caught:
        sink("postgresql://lab:s3cret@127.0.0.1:1/none").__enter__()
    assert "s3cret" not in str(caught.value)
    (tmp_path / "text.db").write_text("this is no database, but a text that is long enough" * 100)
    with pytest.raises(UserError, match="file is not a database"):
        sink(f"sqlite:///{tmp_path}/text.db").__enter__()


CELLS = st.lists(
    st.sampled_from(
        ["", "0", "-0", "7", "-12", "007", "1.5", ".5", "5.", "1e5", "1e400", "-1E-3", "+1", "nan", "inf"]
    )
    | st.integers().map(str)
    | st.floats().map(repr)
    | st.sampled_from([str(2**63 - 1), str(2**63), str(-(2**63)), "x", " 1", "1_000", "0x1", "--", "٣"]),
    min_size=1,
    max_size=6,
)


def kind_of_cells(cells: Sequence[str]) -> Kind:
    """What a column is, cell by cell."""
    given = [cell for cell in cells if cell]
    if not given or any(is_whole(cell) and not -(2**63) <= int(cell) < 2**63 for cell in given):
        return "text"
    if all(map(is_whole, given)):
        return "int"
    return "float" if all(map(is_number, given)) else "text"


def is_whole(cell: str) -> bool:
    digits = cell.removeprefix("-")
    return digits.isascii() and digits.isdigit() and (cell == "0" or digits[0] != "0")


def is_number(cell: str) -> bool:
    try:
        finite = math.isfinite(float(cell)) and cell.isascii()
    except ValueError:
        return False
    head = cell.lower().partition("e")[0].partition(".")[0].removeprefix("-")
    plain = not any(mark in cell for mark in " _") and cell[0] != "+"
    return finite and plain and (head in {"", "0"} or head[0] != "0")


@given(st.lists(CELLS, min_size=1, max_size=3))
def test_what_parameters_are(tmp_path_factory: pytest.TempPathFactory, cells: list[list[str]]) -> None:
    rows = max(map(len, cells))
    padded = [[*column, *[column[-1]] * (rows - len(column))] for column in cells]
    names = [f"c{place}" for place in range(len(cells))]
    table = tmp_path_factory.mktemp("kinds") / "table.csv"
    lines = [",".join(names), *(",".join(f'"{cell}"' for cell in line) for line in zip(*padded, strict=True))]
    table.write_text("\n".join(lines) + "\n")
    expected = {name: kind_of_cells(column) for name, column in zip(names, padded, strict=True)}
    assert parameter_kinds(table, names, names) == expected
    for name, column in zip(names, padded, strict=True):
        values = CONVERTERS[expected[name]](column)
        assert [value is None for value in values] == [not cell for cell in column]


Open = Callable[[str], AbstractContextManager[Sink]]


def test_a_table_that_is_opened_keeps_its_other_columns_and_its_kinds(url: str) -> None:
    # Another campaign's parameters need not be looked at again: the table tells what they are.
    with sink(url, results={"energy": "float"}) as target:
        target.write("0000", Entry("a"), [[row(1, 1.0)]])

    def never() -> Sequence[Kind]:
        raise AssertionError

    with open_sink(
        parse_url(url),
        "one-000000000000",
        "study",
        parameters=lambda _: list(KINDS),
        kinds=never,
        results={"energy": "float"},
    ) as target:
        assert target.layout.parameters == KINDS


def test_a_database_of_a_strange_name(tmp_path: Path) -> None:
    file = tmp_path / "50% of?it#.db"
    found = DatabaseUrl(sa.URL.create("sqlite+pysqlite", database=str(file)), str(file), file)
    with open_sink(
        found,
        "one",
        "study",
        parameters=lambda _: list(KINDS),
        kinds=lambda: list(KINDS.values()),
        results={},
    ) as target:
        target.write("0000", Entry("a", missing={"é": 1}), [[row(1)]])
        assert target.entries()["0000"].missing == json.loads('{"\\u00e9": 1}')
    assert file.stat().st_size > 0


def test_a_table_that_somebody_dropped_is_written_anew(url: str) -> None:
    with sink(url) as found:
        found.write("0000", Entry("one"), [[row(1, 0.5, 1, True, "x")]])
    execute(url, "DROP VIEW study", "DROP TABLE study_attempts")
    with sink(url) as found:
        assert found.entries() == {}


@pytest.mark.parametrize("statement", ["DELETE FROM genstudy_batches", "DROP TABLE genstudy_batches"])
def test_rows_of_that_nothing_is_recorded_any_more_are_written_anew(url: str, statement: str) -> None:
    with sink(url) as found:
        found.write("0000", Entry("one"), [[row(1, 0.5, 1, True, "x")], [row(2, 0.5, 1, True, "x")]])
    execute(url, statement)
    with sink(url) as found:
        found.write("0000", Entry("two"), [[row(1, 1.5, 1, True, "y")], [row(2, 1.5, 1, True, "y")]])
        assert found.entries() == {"0000": Entry("two", rows=2)}
    assert read(url, "SELECT energy FROM study_attempts") == [(1.5,), (1.5,)]

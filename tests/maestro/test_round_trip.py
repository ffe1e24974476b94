"""Every value of a table reaches its step byte for byte, every row exactly once, whatever the values."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genstudy.errors import UserError
from genstudy.specs.make import make_specs
from genstudy.specs.options import Options

from .conftest import Maestro, values_template, values_written, write_table

NASTY = [
    "a/b", "../../../up", "..", ".", "a b", " lead", "trail ", "a,b", 'say "hi"', "it's",
    "`touch X`", "$(touch X)", "$(WORKSPACE)", "$(P2)", "$(P1.quoted)", "$(values.workspace)",
    "$HOME", "${x}", "a;b", "a&b", "a|b", "<in", ">out", "*", "?", "[a]", "[/bad]", "{a,b}", "~",
    "#c", "-n", "--", "\\", "\\n", "%s", "!", "é", "日本語", "😀", "a\u00a0b", "NaN-like", "010", "no",
    "1:30:00", "1e-3", "0x1F", "$''(x)", "'$(touch X)'", "EOF", "%%", "P1.%%", "=", "@", "a: b",
    "a #b", "null",
]  # fmt: skip
"""Shell text, tokens, paths, status-file breakers, YAML 1.1 changers, other scripts."""

cells = st.one_of(
    st.sampled_from(NASTY),
    st.text(
        st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=12
    ).filter(lambda text: text.strip().lower() not in {"", "nan", "+nan", "-nan"}),
    st.integers(-1000, 1000).map(str),
)


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    """Return a table of 1 to 300 parameters and a few rows, some of them alike."""
    width = draw(st.sampled_from([1, 2, 3, 7, 40, 300]))
    pool = draw(st.lists(cells, min_size=1, max_size=30))
    row = st.lists(st.sampled_from(pool), min_size=width, max_size=width)
    rows = draw(st.lists(row, min_size=1, max_size=6))
    return rows + ([rows[0]] if draw(st.booleans()) else [])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=tables(), batch_size=st.integers(1, 4))
def test_pgen_form(tmp_path: Path, maestro: Maestro, rows: list[list[str]], batch_size: int) -> None:
    folder = tmp_path / "example"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    names = [f"p{number}" for number in range(1, len(rows[0]) + 1)]
    table = write_table(folder / "table.csv", names, rows)
    options = Options(template=values_template(folder), batch_size=batch_size, name="trip")
    campaign = make_specs(table, folder / "specs", options)
    found: dict[str, list[str]] = {}
    for batch in campaign.manifest.batches:
        out = folder / "out" / batch.id
        maestro.run(folder / "specs" / batch.spec, folder / "specs/pgen.py", out)
        written = values_written(out)
        assert not found.keys() & written.keys()
        found |= written
        assert maestro("status", "--disable-pager", out).returncode == 0
    assert found == {str(number): row for number, row in enumerate(rows)}
    assert not list(folder.rglob("X")), "a value was executed"


def test_every_nasty_value_in_one_row(tmp_path: Path, maestro: Maestro) -> None:
    names = [f"p{number}" for number in range(1, len(NASTY) + 1)]
    table = write_table(tmp_path / "table.csv", names, [NASTY, NASTY])
    options = Options(template=values_template(tmp_path), name="nasty")
    make_specs(table, tmp_path / "specs", options)
    maestro.run(tmp_path / "specs/nasty_0000.yaml", tmp_path / "specs/pgen.py", tmp_path / "out")
    assert values_written(tmp_path / "out") == {"0": NASTY, "1": NASTY}
    assert not list(tmp_path.rglob("X"))
    assert not (tmp_path / "up").exists()


INLINE = """\
description: {name: "{{ batch.name }}", description: inline}
study:
    - name: values
      description: write the values
      run:
          cmd: |
              printf '%s\\0' {% for p in params %}{{ p.quoted }} {% endfor %} > values.bin
"""

inline_cells = st.one_of(
    st.text("abAB01._-+ ", min_size=1, max_size=6).filter(lambda text: text.strip() not in {"", "nan"}),
    st.sampled_from(["1", "2", "010", "no", "1:30:00", "1e-3", "é", "a/b", "a,b", "x" * 200, "1+2", "12"]),
)

inline_tables = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(inline_cells, min_size=width, max_size=width), min_size=1, max_size=5)
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.integers(1, 4).flatmap(
        lambda width: st.lists(st.lists(inline_cells, min_size=width, max_size=width), min_size=1, max_size=5)
    )
)
def test_inline_form_is_right_or_refused(tmp_path: Path, maestro: Maestro, rows: list[list[str]]) -> None:
    folder = tmp_path / "example"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    names = [f"p{number}" for number in range(1, len(rows[0]) + 1)]
    table = write_table(folder / "table.csv", names, rows)
    template = folder / "inline.yaml"
    template.write_text(INLINE)
    try:
        make_specs(table, folder / "specs", Options(template=template, inline=True, name="inline"))
    except UserError:
        assert not (folder / "specs").exists()
        return
    maestro.run(folder / "specs/inline_0000.yaml", None, folder / "out")
    written = sorted(path.read_bytes() for path in folder.glob("out/values/*/values.bin"))
    assert written == sorted("".join(f"{value}\0" for value in row).encode() for row in rows)


def test_inline_form_of_plain_numbers_runs(tmp_path: Path, maestro: Maestro) -> None:
    rows = [["1", "0.5"], ["2", "1e-3"], ["2", "0.5"]]
    table = write_table(tmp_path / "table.csv", ["p1", "p2"], rows)
    template = tmp_path / "inline.yaml"
    template.write_text(INLINE)
    make_specs(table, tmp_path / "specs", Options(template=template, inline=True, name="inline"))
    assert not (tmp_path / "specs/pgen.py").exists()
    maestro.run(tmp_path / "specs/inline_0000.yaml", None, tmp_path / "out")
    folders = {path.parent.name: path.read_bytes() for path in tmp_path.glob("out/values/*/values.bin")}
    assert folders == {
        "P1.1.P2.0.5": b"1\x000.5\0",
        "P1.2.P2.1e-3": b"2\x001e-3\0",
        "P1.2.P2.0.5": b"2\x000.5\0",
    }


@pytest.mark.parametrize("index", [None, "sample"])
def test_inline_with_row_id_tells_equal_rows_apart(
    tmp_path: Path, maestro: Maestro, index: str | None
) -> None:
    table = write_table(tmp_path / "t.csv", ["sample", "p1"], [["a", "5"], ["b", "5"]])
    template = tmp_path / "inline.yaml"
    template.write_text(INLINE.replace("> values.bin", "> $(ROW_ID.quoted).bin"))
    options = Options(template=template, inline=True, index=index, name="inline")
    make_specs(table, tmp_path / "specs", options)
    maestro.run(tmp_path / "specs/inline_0000.yaml", None, tmp_path / "out")
    found = {path.name for path in tmp_path.glob("out/values/*/*.bin")}
    assert found == ({"a.bin", "b.bin"} if index else {"0.bin", "1.bin"})

"""The reference is what the code says now, and text of the code stays text in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown import Markdown

from docs.generator.__main__ import FOLDER, main
from docs.generator.markdown import code, prose, table
from docs.generator.pages import pages
from docs.generator.source import fields_of

PAGES = pages()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_current(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name], "run: python -m docs.generator"


def test_there_are_no_other_pages() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(PAGES)


def test_only_what_changed_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("docs.generator.__main__.FOLDER", tmp_path / "reference")
    main()
    assert capsys.readouterr().out == "".join(f"{name}: written\n" for name in PAGES)
    (tmp_path / "reference/old.md").write_text("a page of a command that is gone")
    (tmp_path / "reference/pgen.md").write_text("changed by hand")
    main()
    assert capsys.readouterr().out == "old.md: removed\npgen.md: written\n"
    assert {path.name: path.read_text() for path in (tmp_path / "reference").iterdir()} == PAGES


def shown(markdown: str) -> str:
    """Return the text that a browser shows of a table's only cell below its head."""
    from xml.etree import ElementTree as ET

    html = Markdown(extensions=["tables", "attr_list", "md_in_html"]).convert(markdown)
    cells = ET.fromstring(html.replace("&nbsp;", " ")).findall(".//td")
    assert len(cells) == 1, html
    return "".join(cells[0].itertext())


MARKS = st.text(st.sampled_from("ab |`*_[](){}<>&\\#!~:.$'\"=-+1"), max_size=12)


@given(MARKS)
def test_whatever_the_code_says_is_shown_as_it_is(text: str) -> None:
    words = " ".join(text.replace("`", "").split())
    if words:
        assert shown(table(["is"], [[prose(words)]])) == words


@given(MARKS)
def test_code_is_shown_as_it_is(text: str) -> None:
    words = " ".join(text.split())
    if words:
        assert shown(table(["is"], [[code(words)]])) == words


def test_a_field_that_says_nothing_is_noticed() -> None:
    class Told:
        name: str
        """Its name."""
        count: int

    with pytest.raises(ValueError, match="Told does not say what these are: count"):
        fields_of(Told)

"""The site that is built of the documentation, as a visitor's browser has it."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest

from docs.generator.site import outside_files
from tests.reports.browser import Browser, is_blank

from .conftest import ROOT, build_site

DOCS = ROOT / "docs"


def page_of(source: str) -> str:
    """Return the name of the page that a Markdown file becomes."""
    path = Path(source)
    return str(path.with_name("index.html") if path.name == "README.md" else path.with_suffix(".html"))


SOURCES = sorted([str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")] + outside_files())
NAMES = [page_of(name) for name in SOURCES if name.endswith(".md")]

WIDE = ["index.html", "maestro-traps.html", *(name for name in NAMES if name.startswith("reference/"))]


def test_every_page_is_there_and_no_program(site: Path) -> None:
    assert {str(path.relative_to(site)) for path in site.rglob("*.html")} == {*NAMES, "404.html"}
    assert not [path for path in site.rglob("*.py") if not path.is_relative_to(site / "samples")]


@pytest.mark.parametrize(("width", "names"), [(360, NAMES), (1600, WIDE)], ids=["phone", "screen"])
def test_pages_fit_and_ask_nobody_else(site: Path, browser: Browser, width: int, names: list[str]) -> None:
    """Read from the disk: there the search, which takes seconds to begin, is not started."""
    for name in names:
        look = browser.look(site / name, width, most=800)
        assert look.width <= width, name
        assert [error for error in look.errors if "search/search_index.js" not in error] == [], name
        assert {urlsplit(asked).scheme for asked in look.requests} == {"file"}, name
        assert not is_blank(look.picture), name
        # A block that was not understood as one would show its fence.
        assert "```" not in look.text, name


def test_links_and_pictures_lead_to_something(site: Path) -> None:
    from html.parser import HTMLParser

    found: dict[str, tuple[set[str], set[str]]] = {}

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = dict(attrs)
            anchors.add(given.get("id") or "")
            if link := given.get("href" if tag in {"a", "link"} else "src"):
                links.add(link)

    for name in NAMES:
        links, anchors = found[name] = (set[str](), set[str]())
        Reader().feed((site / name).read_text(encoding="utf-8"))
    for name, (links, _) in found.items():
        for link in links:
            parts = urlsplit(link)
            if parts.scheme:
                assert parts.scheme in {"https", "mailto"}, (name, link)
                continue
            target = (site / name).parent / parts.path if parts.path else site / name
            assert target.exists(), (name, link)
            if parts.fragment and target.suffix == ".html":
                key = str(target.resolve().relative_to(site.resolve()))
                assert parts.fragment in found[key][1] | {"__codelineno"}, (name, link)


def test_a_server_is_asked_for_all_of_it_and_the_search_finds_a_word(address: str, browser: Browser) -> None:
    look = browser.look(f"{address}/index.html", 1600, most=800)
    assert look.errors == []
    assert {urlsplit(asked).netloc for asked in look.requests} == {urlsplit(address).netloc}
    browser.run("""(() => {
        const field = document.querySelector('[data-md-component="search-query"]');
        field.focus(); field.value = 'workspace';
        field.dispatchEvent(new Event('input', {bubbles: true}));
        field.dispatchEvent(new KeyboardEvent('keyup', {bubbles: true}));
    })()""")
    end = time.monotonic() + 20
    while not browser.run("document.querySelectorAll('.md-search-result__item').length"):
        assert time.monotonic() < end, "nothing was found"
        time.sleep(0.1)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of what the site is built of."""
    for name in ("docs", "samples"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in [ROOT / "mkdocs.yml", *ROOT.glob("*.md")]:
        shutil.copy(path, tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[x](nothing.md)", "contains a link 'nothing.md'"),
        (
            "[x](csv.md#nothing)",
            "contains a link 'csv.md#nothing', but the doc 'csv.md' does not contain an anchor '#nothing'",
        ),
        ("[x](../samples/nothing.md)", "contains a link 'samples/nothing.md'"),
        ("![x](images/nothing.svg)", "contains a link 'images/nothing.svg'"),
        ("[x](/csv.md)", "contains an absolute link '/csv.md'"),
    ],
)
def test_a_link_that_leads_nowhere_ends_the_build(copy: Path, text: str, told: str) -> None:
    with (copy / "docs/values.md").open("a", encoding="utf-8") as page:
        page.write(f"\n{text}\n")
    done = build_site(copy / "site", copy)
    assert done.returncode == 1
    assert f"Doc file 'values.md' {told}" in done.stderr


def test_a_page_outside_of_the_navigation_ends_the_build(copy: Path) -> None:
    (copy / "docs/stray.md").write_text("# Stray\n")
    done = build_site(copy / "site", copy)
    assert done.returncode == 1
    assert "- stray.md" in done.stderr


def test_pictures_of_the_pages_are_pictures() -> None:
    for path in (DOCS / "images").glob("*.svg"):
        ET.parse(path)

"""What mkdocs needs to know besides: pages of the repository outside docs, and links that lead to them.

In the repository a page of docs links to `../samples/README.md`; the site has docs at its top, and the
samples and other pages from outside below their own names.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
OUTSIDE = ("samples", "CHANGELOG.md", "CONTRIBUTING.md")
HOME = {"README.md": "index.md"}
ALONE = ("index.md", "tutorial.md")
"""Pages that are the only ones of their part: a list of one beside them would only take their room."""

FILE = re.compile(r"^<!-- file: (\S+) -->\n```(\w*).*$", re.MULTILINE)
TEST = re.compile(r"<code>(tests/[\w/.:]+)</code>")
CELL = re.compile(r"<td.*?</td>", re.DOTALL)
BREAKS = re.compile(r"(/|::|_)")
CONSOLE = re.compile(r"^```console\b.*$", re.MULTILINE)
LINK = re.compile(r"^```.*?^```$|(\]\()([^)\s:#/][^)\s:#]*)((?:#[^)\s]*)?\))", re.MULTILINE | re.DOTALL)
"""A relative link; or a block, in which nothing is one."""


def outside_files() -> list[str]:
    """Return the files outside docs that the site holds, as paths from the repository's top."""
    found = [ROOT / name for name in OUTSIDE]
    found += sorted(path for path in (ROOT / "samples").rglob("*") if not path.name.startswith((".", "_")))
    return [
        path.relative_to(ROOT).as_posix()
        for path in found
        if path.is_file() and "__pycache__" not in path.parts
    ]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files outside docs."""
    for name in outside_files():
        files.append(File(name, str(ROOT), config.site_dir, config.use_directory_urls))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Lead the page's links to where their targets are in the site, and show the names of files.

    `console fails`, of which only the tests read the second word, is no block at all for mkdocs. What a
    console shows is not for copying: its prompts and output would come along. Pages that are alone get the
    room of the navigation.
    """
    markdown = FILE.sub(lambda block: f'```{block[2] or "text"} title="{block[1]}"', markdown)
    markdown = CONSOLE.sub("``` {.console .no-copy}", markdown)
    place = page.file.src_uri
    if place in ALONE:
        page.meta["hide"] = ["navigation"]
    here = posixpath.dirname(place if place in outside_files() else f"docs/{place}")

    def turned(link: re.Match[str]) -> str:
        if link[1] is None:
            return link[0]
        target = posixpath.normpath(posixpath.join(here, link[2]))
        target = HOME.get(target, target).removeprefix("docs/")
        if target in {"samples", "docs"} or (target.startswith("samples/") and (ROOT / target).is_dir()):
            target = "index.md" if target == "docs" else f"{target}/README.md"
        return link[1] + posixpath.relpath(target, posixpath.dirname(place) or ".") + link[3]

    return LINK.sub(turned, markdown)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Show tables as GitHub does; the longest words in them, names of tests, break where their parts end."""
    # A pipe within code in a table: GitHub takes the backslash away.
    html = CELL.sub(lambda cell: cell[0].replace("\\|", "|"), html)
    return TEST.sub(lambda name: "<code>" + BREAKS.sub(r"\1<wbr>", name[1]) + "</code>", html)

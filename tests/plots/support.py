"""What tests of pictures share."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from genstudy.plots.labels import text_width
from genstudy.tables.read import Table, open_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

SVG = "{http://www.w3.org/2000/svg}"
ALLOWED = {"svg", "title", "path", "text"}

HOSTILE = (
    "</text><script>alert(1)</script>",
    "a & b < c > d",
    "$x^2$ \\frac{1}{2} $",
    '"quoted" \'too\' onload="x"',
    "]]>",
    "<!-- -- -->",
    "&amp;&#x41;",
    "name" * 50,
    "漢字かな 한국어 🙂",
    "\x1b[31mred\x00\ud800\u202egnp",
    "two\nlines\tand a tab",
    "e" + "\u0301" * 100,
    "",
    " ",
)


def make_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([columns, *rows])
    return open_table(path)


def parsed(svg: str) -> ET.Element:
    """Parse a picture as XML, and look whether it is no more than shapes and texts with one id."""
    root = ET.fromstring(svg)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= ALLOWED
    for element in root.iter():
        assert not [name for name in element.attrib if name.startswith("on") or "href" in name]
    assert svg.startswith("<svg ")
    assert re.findall(r'\bid="([^"]*)"', svg) == [root.attrib["aria-labelledby"]]
    assert root.find(f"{SVG}title") is not None
    return root


def title_of(root: ET.Element) -> str:
    return root.findtext(f"{SVG}title") or ""


def texts_of(root: ET.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def assert_inside(root: ET.Element) -> None:
    """Look whether all texts and shapes are inside of the picture."""
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    for element in root.iter(f"{SVG}text"):
        size = float(element.attrib["font-size"].removesuffix("px"))
        length = text_width(element.text or "", size)
        share = {"end": 1.0, "middle": 0.5}.get(element.attrib.get("text-anchor", ""), 0.0)
        turned = re.match(r"translate\((\S+) (\S+)\) rotate\(-90\)|rotate\(-90 (\S+) (\S+)\)", _turn(element))
        if turned is not None:
            x, y = (float(part) for part in turned.groups() if part is not None)
            start, end = y + share * length, y + (share - 1) * length
            assert -1 <= end <= start <= height + 1, element.text
            assert 0 <= x <= width
        else:
            x, y = float(element.attrib["x"]), float(element.attrib["y"])
            assert -1 <= x - share * length <= x + (1 - share) * length <= width + 1, element.text
            assert 0 <= y <= height, element.text
    for element in root.iter(f"{SVG}path"):
        for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", element.attrib["d"]):
            assert -0.1 <= float(x) <= width + 0.1, element.attrib
            assert -0.1 <= float(y) <= height + 0.1, element.attrib


def _turn(element: ET.Element) -> str:
    return element.attrib.get("transform", "")

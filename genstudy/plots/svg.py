"""matplotlib's SVG made small and fit to stand in an HTML page: no styles, no ids but one, rounded numbers.

Its pictures of a Canvas are paths and texts in groups. What is kept of them is what draws.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from genstudy.plots.labels import harmless
from genstudy.plots.style import FAMILY

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMESPACE = "http://www.w3.org/2000/svg"
PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_-]*", re.ASCII)
NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
DOT = re.compile(r"M(\S+ [^ML]+)L\1(?=M|$)")
PASSED_OVER = {"font-family", "stroke-linejoin"}
NO_TURN = re.compile(r"rotate\(-?0 [^)]*\)")
DEFAULTS = {"stroke-linecap": "butt", "text-anchor": "start"}


def small_svg(svg: bytes, *, title: str, prefix: str, width: float, height: float) -> str:
    """Return what matplotlib drew as an `<svg>` element without prolog, `width` x `height` CSS pixels.

    title: says what is to be seen, for screen readers. prefix: makes the id of the title the page's only one
    of its name; a ValueError if it cannot be an id.
    """
    if not PREFIX.fullmatch(prefix):
        raise ValueError(f"'{prefix}' cannot begin an id")
    drawn = ET.fromstring(svg)  # noqa: S314 - matplotlib wrote it just now
    name = f"{prefix}-title"
    root = ET.Element(
        "svg",
        {
            "xmlns": NAMESPACE,
            "width": f"{width:g}",
            "height": f"{height:g}",
            "viewBox": drawn.attrib["viewBox"],
            "role": "img",
            "aria-labelledby": name,
            "font-family": FAMILY,
        },
    )
    ET.SubElement(root, "title", {"id": name}).text = harmless(title)
    root.extend(_drawing(drawn))
    return ET.tostring(root, encoding="unicode")


def _drawing(drawn: ET.Element) -> Iterator[ET.Element]:
    for element in drawn.iter():
        kind = element.tag.removeprefix(f"{{{NAMESPACE}}}")
        if kind not in {"path", "text"}:
            continue
        found = ET.Element(kind, _attributes(element))
        found.text = element.text if kind == "text" else None
        yield found


def _attributes(element: ET.Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in ("d", "x", "y", "transform"):
        if name in element.attrib:
            found[name] = NUMBER.sub(_rounded, element.attrib[name])
    if "d" in found:
        found["d"] = DOT.sub(r"M\1h0", _closed_up(found["d"]))
    if NO_TURN.fullmatch(found.get("transform", "")):
        del found["transform"]
    for part in element.attrib.get("style", "").split(";"):
        name, _, value = (word.strip() for word in part.partition(":"))
        if name and name not in PASSED_OVER and DEFAULTS.get(name) != value:
            found[name] = NUMBER.sub(_rounded, value)
    return found


def _closed_up(path: str) -> str:
    return re.sub(r"\s*([MLz])\s*", r"\1", path.strip())


def _rounded(match: re.Match[str]) -> str:
    text = f"{float(match[0]):.1f}".removesuffix(".0")
    return "0" if text == "-0" else text

"""How pictures look: colours, sizes, and the settings of matplotlib that decide what a picture is made of."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BLUE, SKY, GREEN, ORANGE = "#0072b2", "#56b4e9", "#009e73", "#e69f00"
VERMILLION, PURPLE, YELLOW, GREY = "#d55e00", "#cc79a7", "#f0e442", "#999999"
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, VERMILLION, SKY, YELLOW, GREY)
"""The colours of Okabe and Ito, Color Universal Design (2008), which colour-blind people can tell apart."""

INK, AXIS, FAINT = "#333333", "#777777", "#dddddd"
STATE_COLOURS: Mapping[str, str] = {
    "done": GREEN,
    "finished": GREEN,
    "running": SKY,
    "pending": FAINT,
    "cut short": YELLOW,
    "failed": VERMILLION,
    "some rows failed": ORANGE,
    "all rows failed": VERMILLION,
    "timedout": ORANGE,
    "lost": PURPLE,
    "cancelled": GREY,
}

SMALL, NORMAL, LARGE = 10.0, 11.0, 14.0
"""Sizes of text, in CSS pixels as all lengths of a picture."""

PIXELS_PER_INCH = 96
POINTS_PER_PIXEL = 0.75
SHARPNESS = 2
"""Pixels of a PNG for each CSS pixel."""

FAMILY = "'DejaVu Sans', Verdana, sans-serif"
"""What an SVG asks for. The text was measured with the first; the second is as wide."""

SETTINGS: Mapping[str, Any] = {
    "agg.path.chunksize": 0,
    "path.effects": [],
    "path.simplify": False,
    "path.sketch": None,
    "patch.antialiased": True,
    "savefig.bbox": None,
    "savefig.edgecolor": "auto",
    "savefig.facecolor": "auto",
    "savefig.transparent": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "genstudy",
    "text.antialiased": True,
    "text.hinting": "force_autohint",
    "text.parse_math": False,
    "text.usetex": False,
}
"""What somebody's matplotlibrc may not change: the same data gives the same bytes."""


@contextmanager
def quiet_matplotlib() -> Iterator[None]:
    """Keep matplotlib, and its import, from talking of where its cache is and of how long it takes."""
    log = logging.getLogger("matplotlib")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


def state_colours(states: list[str]) -> dict[str, str]:
    """Return a colour for each state: its own if it has one, else the next of the palette."""
    others = iter(state for state in states if state.lower() not in STATE_COLOURS)
    spare = {state: PALETTE[place % len(PALETTE)] for place, state in enumerate(others)}
    return {state: STATE_COLOURS.get(state.lower()) or spare[state] for state in states}

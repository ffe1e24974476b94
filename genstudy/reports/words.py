"""Values as a report shows them."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from genstudy.batches.showing import visible
from genstudy.inspection.why_text import apart_text, verdict_text
from genstudy.planning.text import row_time
from genstudy.reports.links import shade
from genstudy.units import counted, size_text, time_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from genstudy.reports.correlation import Association
    from genstudy.sensitivity.format import Estimate

NONE = "–"
MARK = "…"


def harmless(value: Any) -> Any:
    """Write characters that do not show, or that turn text around, as escapes."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def when(seconds: float) -> str:
    """Return a moment as local date and time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def width(count: int, total: int) -> str:
    """Return a share in percent as style sheets take it."""
    return f"{100 * count / total if total else 0:.3f}"


def share(count: int, total: int) -> str:
    """Return a share in percent: never 0 % or 100 % of what is not none or all."""
    if not total or count in {0, total}:
        return "100 %" if count and total else "0 %"
    percent = 100 * count / total
    if percent < 0.1:
        return "< 0.1 %"
    return "> 99.9 %" if percent > 99.9 else f"{percent:.1f} %"


def figure_text(value: float | None) -> str:
    """Return a number in as few characters as tell it: four digits."""
    if value is None or math.isnan(value):
        return NONE
    if float(value).is_integer() and abs(value) < 1e6:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def p_text(p: float | None) -> str:
    """Return a p-value: two digits, and no more zeros than one can count."""
    if p is None:
        return NONE
    if p < 1e-300:
        return "< 1e-300"
    return f"{p:.2g}" if p < 0.001 else f"{p:.3f}"


def strength_text(one: Association) -> str:
    """Return rho with its sign, or eta."""
    if one.strength is None:
        return NONE
    if one.measure == "rho" and abs(one.strength) < 0.005:
        return "0.00"
    return f"{one.strength:+.2f}".replace("-", "−") if one.measure == "rho" else f"η {one.strength:.2f}"


def estimate_text(found: Estimate, form: str) -> str:
    """Return an estimate with its interval. form: as Python's format has it."""
    if found.value is None:
        return NONE
    return f"{found.value:{form}} ± {NONE if found.confidence is None else format(found.confidence, form)}"


def cut(text: str, most: int) -> str:
    """Return a text, cut where it is long."""
    text = str(text)
    return text if len(text) <= most else text[:most] + MARK


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


FILTERS: dict[str, Callable[..., str]] = {
    "number": lambda value: NONE if value is None else f"{value:,}",
    "share": share,
    "percent": lambda part: f"{100 * part:.0f} %",
    "counted": counted,
    "size": size_text,
    "time": time_text,
    "row_time": row_time,
    "when": when,
    "day": lambda seconds: when(seconds)[:-3],
    "figure": figure_text,
    "p": p_text,
    "strength": strength_text,
    "shade": shade,
    "index": lambda found: estimate_text(found, "z.3f"),
    "effect": lambda found: estimate_text(found, ".4g"),
    "verdict": lambda why: _sentence(verdict_text(why)),
    "apart": lambda why: _sentence(apart_text(why)),
    "cut": cut,
    "lastline": lambda text: text.strip().rsplit("\n", 1)[-1].strip(),
}
"""What the templates use, by the names that they use."""

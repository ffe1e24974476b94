"""Sizes and times as people write them: 10G, 2h; and as they like to read them."""

from __future__ import annotations

import re

from genstudy.errors import UserError

SIZE = re.compile(r"(\d{1,18}(?:\.\d+)?)\s*(?:([KMGTP])i?B?|B)?", re.IGNORECASE | re.ASCII)
TIME = re.compile(r"(\d{1,18}(?:\.\d+)?)\s*([smhd]?)", re.IGNORECASE | re.ASCII)
CLOCK = re.compile(r"(?:(\d{1,9})-)?(\d{1,9}):([0-5]\d)(?::([0-5]\d))?", re.ASCII)
PREFIXES = " KMGTP"
SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_size(text: str | float) -> int:
    """Return bytes of a size such as 500M, 10G or 1.5T (powers of 1024), or of a plain number of bytes."""
    found = SIZE.fullmatch(str(text).strip())
    if not found:
        raise UserError(f"'{text}' is no size", hint="write a number and K, M, G or T, such as 10G")
    return int(float(found[1]) * 1024 ** PREFIXES.index((found[2] or " ").upper()))


def parse_time(text: str | float) -> float:
    """Return the seconds of a time such as 90, 90s, 15m, 2h, 1d, 1:30 (hours), 1:30:00 or 2-12:00:00."""
    whole = str(text).strip()
    if found := CLOCK.fullmatch(whole):
        days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    if found := TIME.fullmatch(whole):
        return float(found[1]) * SECONDS[found[2].lower()]
    raise UserError(f"'{text}' is no time", hint="write seconds, or 15m, 2h, 1d, or hours:minutes:seconds")


def size_text(nbytes: float) -> str:
    """Return bytes as `512 B`, `1.5 GB`; the units are powers of 1024."""
    for prefix in PREFIXES:
        if round(nbytes) < 1024 or prefix == PREFIXES[-1]:
            break
        nbytes /= 1024
    digits = 0 if prefix == " " or nbytes >= 99.95 else 1
    return f"{nbytes:.{digits}f} {prefix.strip()}B"


def time_text(seconds: float) -> str:
    """Return seconds as `30 ms`, `0.8 s`, `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 119.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def counted(count: int, word: str) -> str:
    """Return `1 row`, `2,000 rows`, `3 batches`, `4 processes`."""
    plural = word + ("es" if word.endswith(("ch", "s")) else "s")
    return f"1 {word}" if count == 1 else f"{count:,} {plural}"


def percent_text(share: float) -> str:
    """Return a share, of 1, in percent: three digits."""
    return f"{100 * share:.3g} %"

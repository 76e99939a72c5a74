"""Numbers as people type them: with or without a unit, with a comma or a point."""

from __future__ import annotations

import math
import re

#: What else a quantity of a unit may be given in, and how much of the unit that is.
UNITS: dict[str, dict[str, float]] = {
    "s": {
        **dict.fromkeys(("ms", "millisecond", "milliseconds"), 1e-3),
        **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
        **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60.0),
        **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
    },
    "iterations": dict.fromkeys(("it", "its", "iter", "iters", "iteration", "iterations"), 1.0),
}
_PART = re.compile(r"([-+]?[\d.,]+(?:e[-+]?\d+)?)\s*([^\W\d_]+)\s*", re.IGNORECASE)
#: 1:30 is a minute and a half, 1:00:00 an hour.
_CLOCK = re.compile(r"(?:(\d+):)?(\d+):(\d{2}(?:\.\d*)?)")
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?$")


def read_number(text: str, whole: bool = False, unit: str = "") -> float:
    """The number, an ``int`` if a ``whole`` one is wanted, that a text means in a unit; else ``ValueError``.

    The unit may be left out, or be another that :data:`UNITS` knows: "2 min 30 s", "2:30" and "150" are the same.
    """
    cleaned = text.strip().replace("−", "-")
    known = UNITS.get(unit, {unit: 1.0} if unit else {})
    if unit == "s" and (clock := _CLOCK.fullmatch(cleaned)):
        hours, minutes, seconds = clock.groups(default="0")
        return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    parts = _PART.findall(cleaned)
    if not parts or _PART.sub("", cleaned):
        return _bare(cleaned, whole)
    # Of one unit there is one number; only a time is told in several.
    if any(name.lower() not in known for _, name in parts) or (len(parts) > 1 and unit != "s"):
        raise ValueError(text)
    if len(parts) == 1 and known[parts[0][1].lower()] == 1.0:
        return _bare(parts[0][0], whole)
    total = math.fsum(_bare(number, False) * known[name.lower()] for number, name in parts)
    return _as_whole(total) if whole else total


def _bare(text: str, whole: bool) -> float:
    """A number without a unit; 1,000 is a thousand, 1,5 one and a half."""
    digits = text.replace(",", "" if _THOUSANDS.match(text) else ".")
    try:
        return int(digits) if whole else float(digits)
    except ValueError:
        return _as_whole(float(digits)) if whole else float(text)


def _as_whole(number: float) -> int:
    if not number.is_integer():
        raise ValueError(number)
    return int(number)

"""Durations as people write them: `90s`, `15m`, `4h`, `3d`."""

import re
from datetime import UTC, datetime, timedelta

_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"\s*(\d{1,9}(?:\.\d{1,3})?)\s*(ms|s|m|h|d)\s*")


def parse_duration_ms(text: str) -> int:
    """Read a duration.

    Raises:
        ValueError: the text is not a number and a unit; the message says how to write one.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        msg = f"{text!r} is not a duration: write a number and a unit, such as 90s, 15m, 4h or 3d"
        raise ValueError(msg)
    return round(float(match[1]) * _UNITS_MS[match[2]])


def ago(moment: datetime) -> str:
    """How long ago, in the largest fitting unit."""
    seconds = (datetime.now(UTC) - moment).total_seconds()
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def lasted(time: timedelta) -> str:
    """How long something took, in its two largest units: `2 h 5 min`, `1 min 35 s`, `12 s`."""
    minutes, seconds = divmod(round(time.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"

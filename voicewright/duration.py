"""Durations as people write them: `90s`, `15m`, `4h`, `3d`."""

import re

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

"""Spans of time for people."""

from datetime import UTC, datetime


def ago(moment: datetime) -> str:
    """How long ago, in the largest fitting unit."""
    seconds = (datetime.now(UTC) - moment).total_seconds()
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"

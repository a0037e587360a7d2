"""The hours in which a telephone account may call."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_HOURS = re.compile(r"(?:([a-z]{3})(?:-([a-z]{3}))?\s+)?(\d\d?):(\d\d)-(\d\d?):(\d\d)\s+(\S+)")


@dataclass(frozen=True)
class Hours:
    """A daily window on some weekdays of a time zone. One that ends before it begins goes over midnight."""

    days: frozenset[int]
    opens: time
    closes: time
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: str) -> "Hours":
        """Read `mon-fri 09:00-18:00 Europe/Berlin`; without days it means every day.

        Raises:
            ValueError: it is written otherwise.
        """
        match = _HOURS.fullmatch(text.strip().lower())
        if match is None:
            msg = f"{text!r} is no window of hours: write it like `mon-fri 09:00-18:00 Europe/Berlin`"
            raise ValueError(msg)
        first, last = match[1] or "mon", match[2] or (match[1] or "sun")
        zone = text.strip().split()[-1]
        try:
            begin, end = _DAYS.index(first), _DAYS.index(last)
            opens, closes = time(int(match[3]), int(match[4])), time(int(match[5]), int(match[6]))
            found = ZoneInfo(zone)
        except (ValueError, ZoneInfoNotFoundError):
            msg = f"{text!r} names no days, times or time zone that exist: `mon-fri 09:00-18:00 Europe/Berlin`"
            raise ValueError(msg) from None
        days = frozenset((begin + step) % 7 for step in range((end - begin) % 7 + 1))
        return cls(days, opens, closes, found)

    def wait(self, now: datetime) -> timedelta:
        """How long from `now`, which knows its zone, until calls may be made; nothing when they may."""
        local = now.astimezone(self.zone)
        opening: list[timedelta] = []
        for step in range(-1, 9):
            day = (local + timedelta(days=step)).date()
            if day.weekday() not in self.days:
                continue
            opens = datetime.combine(day, self.opens, self.zone)
            ends_on = day if self.closes > self.opens else day + timedelta(days=1)
            if opens <= local < datetime.combine(ends_on, self.closes, self.zone):
                return timedelta(0)
            if opens > local:
                opening.append(opens.astimezone(UTC) - now)
        return min(opening)

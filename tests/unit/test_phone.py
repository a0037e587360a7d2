"""Calling hours."""

from datetime import UTC, datetime, timedelta

import pytest

from activities.calling_hours import Hours


def wait(hours: str, when: str) -> timedelta:
    return Hours.parse(hours).wait(datetime.fromisoformat(when).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("hours", "when", "expected"),
    [
        ("mon-fri 09:00-18:00 UTC", "2026-11-24T12:00", timedelta(0)),  # a Tuesday
        ("mon-fri 09:00-18:00 UTC", "2026-11-24T08:30", timedelta(minutes=30)),
        ("mon-fri 09:00-18:00 UTC", "2026-11-24T18:00", timedelta(hours=15)),
        ("mon-fri 09:00-18:00 UTC", "2026-11-27T20:00", timedelta(days=2, hours=13)),  # over the weekend
        ("sat 10:00-12:00 UTC", "2026-11-24T10:00", timedelta(days=4)),
        ("22:00-06:00 UTC", "2026-11-24T23:00", timedelta(0)),
        ("22:00-06:00 UTC", "2026-11-24T05:59", timedelta(0)),
        ("22:00-06:00 UTC", "2026-11-24T06:00", timedelta(hours=16)),
        ("mon 22:00-06:00 UTC", "2026-11-24T05:00", timedelta(0)),  # Monday's night reaches into Tuesday
        ("09:00-18:00 Europe/Berlin", "2026-11-24T08:30", timedelta(0)),
        ("09:00-18:00 America/New_York", "2026-11-24T08:30", timedelta(hours=5, minutes=30)),
        ("fri-mon 09:00-18:00 UTC", "2026-11-24T12:00", timedelta(days=2, hours=21)),
    ],
)
def test_the_wait_until_calls_may_be_made(hours: str, when: str, expected: timedelta) -> None:
    assert wait(hours, when) == expected


@pytest.mark.parametrize("text", ["", "9-18", "mon-foo 09:00-18:00 UTC", "09:00-25:00 UTC", "09:00-18:00 Mars/Olympus"])
def test_other_writings_say_how_to_write_it(text: str) -> None:
    with pytest.raises(ValueError, match="09:00-18:00 Europe/Berlin"):
        Hours.parse(text)

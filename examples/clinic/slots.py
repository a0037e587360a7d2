"""The doctor, the day and the time that a caller names."""

import re
from dataclasses import dataclass

from rapidfuzz import fuzz, process
from text_to_num import alpha2digit

DOCTORS = ("Adams", "Brown", "Miller")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
_NEAR_ENOUGH = 80
_HOURS = range(8, 18)
_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = {20: "twenty", 30: "thirty", 40: "forty", 50: "fifty"}
_HALF_OR_QUARTER = re.compile(r"\b(half|quarter) (past|to) (\d{1,2})\b")
_CLOCK = re.compile(r"\b(\d{1,2})[:. ](\d{2})\b|\b(\d{1,2})(\d{2})\b|\b(\d{1,2})(?= ?(?:o'?clock|am|pm|a\.m|p\.m))")


@dataclass
class Slots:
    """What is known of an appointment so far. `time` is (hour, minute) on the 24-hour clock."""

    doctor: str | None = None
    day: str | None = None
    time: tuple[int, int] | None = None

    def update(self, other: "Slots") -> None:
        """Take over whatever the other has."""
        self.doctor = other.doctor or self.doctor
        self.day = other.day or self.day
        self.time = other.time or self.time


def find_slots(text: str) -> Slots:
    """What a sentence names. Of several days or times the last one counts, as in "not Monday, Friday"."""
    plain = alpha2digit(text.lower().replace("-", " "), "en", threshold=0)
    words = re.findall(r"[a-z']+", plain)
    return Slots(doctor=_last_like(words, DOCTORS), day=_last_like(words, DAYS), time=_time(plain))


def _last_like(words: list[str], names: tuple[str, ...]) -> str | None:
    """The last word that is nearly one of the names: recognisers write "Adam's" and "Browne"."""
    choices = {name.lower(): name for name in names}
    for word in reversed(words):
        match = process.extractOne(word.replace("'", ""), choices.keys(), scorer=fuzz.ratio, score_cutoff=_NEAR_ENOUGH)
        if match is not None:
            return choices[match[0]]
    return None


def _time(plain: str) -> tuple[int, int] | None:
    found: tuple[int, int] | None = None
    for match in _CLOCK.finditer(plain):
        hour, minute = int(match[1] or match[3] or match[5]), int(match[2] or match[4] or 0)
        found = _office_hour(hour, minute) or found
    for match in _HALF_OR_QUARTER.finditer(plain):
        minutes = int(match[3]) * 60 + (30 if match[1] == "half" else 15) * (1 if match[2] == "past" else -1)
        found = _office_hour(minutes // 60, minutes % 60) or found
    return found


def _office_hour(hour: int, minute: int) -> tuple[int, int] | None:
    """The time on the 24-hour clock, where two o'clock means the afternoon; None outside office hours."""
    hour = hour + 12 if hour < _HOURS.start else hour
    return (hour, minute) if hour in _HOURS and minute < 60 else None  # noqa: PLR2004 - a clock


def say_number(number: int) -> str:
    """A number below sixty, in words."""
    if number < len(_SMALL):
        return _SMALL[number]
    tens, ones = number // 10 * 10, number % 10
    return _TENS[tens] + (f" {_SMALL[ones]}" if ones else "")


def say_time(hour: int, minute: int) -> str:
    """`nine thirty`, `two o'clock`."""
    spoken = say_number((hour - 1) % 12 + 1)
    return f"{spoken} {say_number(minute)}" if minute else f"{spoken} o'clock"

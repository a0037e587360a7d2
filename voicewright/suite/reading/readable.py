"""Which expected facts can be read, and met: `half past nine` and `25:00` are both text, but nobody can say the second.

This reads no language but English; of others it knows figures alone, and lets words pass. What an answer states is read
by the judge, whose grammar is larger.
"""

import calendar
import math
import re
from datetime import date


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_NUMBERS = _set(
    "zero oh nought one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million "
    "billion trillion dozen half quarter quarters once twice thrice point minus lakh crore grand couple"
)
_NTH = _set(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
    "sixteenth seventeenth eighteenth nineteenth twentieth thirtieth"
)
_TWELVE = _set("noon midday midnight")
_CLOCK = (_NUMBERS | _TWELVE) | _set(
    "am pm a p m past to after before of till til until o clock oclock in the morning afternoon evening night at "
    "tonight this hours hrs h minutes minute min and around about tomorrow"
)
_MONTHS = {
    name.lower(): number
    for names in (calendar.month_name, calendar.month_abbr)
    for number, name in enumerate(names)
    if name
} | {"sept": 9}
_WEEKDAYS = frozenset(name.lower() for names in (calendar.day_name, calendar.day_abbr) for name in names)
_AROUND = _set("today tomorrow tonight yesterday week weeks month weekend day days")
_DAY = (_NUMBERS | _NTH | _WEEKDAYS | _AROUND | frozenset(_MONTHS)) | _set(
    "tues thur thurs mondays tuesdays wednesdays thursdays fridays saturdays sundays the of on in and to from through "
    "until after before next this now a an st nd rd th year"
)
_MONEY = re.compile(r"\b(?:dollars?|bucks?|pounds?|quid|euros?|cents?|penn(?:y|ies)|pence|rupees?|yen|yuan|francs?)\b")
_WORD = re.compile(r"[^\W\d_]+")
_TIME = re.compile(r"(?<![\d.:])(?P<h>\d{1,2})(?:\s?[:.h]\s?(?P<m>\d{1,2})(?:[:.]\d{2})?(?!\d)|(?![\d:.]))")
_JOINED = re.compile(r"(?<!\d)(?P<h>\d{1,2})(?P<m>\d{2})(?!\d)")
_ISO = re.compile(r"(?<!\d)(?P<y>\d{4})[-/](?P<m>\d{1,2})[-/](?P<d>\d{1,2})(?!\d)")
_NUMERIC = re.compile(r"(?<![\d/.-])(?P<a>\d{1,2})(?P<sep>[/.-])(?P<b>\d{1,2})(?:(?P=sep)(?P<y>\d{4}))?(?![\d/])")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)")
_NAMED = re.compile(
    r"(?P<d1>\d{1,2})(?:st|nd|rd|th)?(?: of)? (?P<mon1>[a-z]+)|(?P<mon2>[a-z]+)\.? (?:the )?(?P<d2>\d{1,2})(?!\d)"
)
_LEAP = 2024
_FEW = 13


def unreadable(kind: str, value: float | str, *, english: bool) -> str:
    """Why nobody can read or meet an expected fact; empty if it can be read.

    Args:
        kind: `times`, `dates`, `amounts`, `numbers` or `names`.
        value: the fact, as it stands in the suite.
        english: whether the case is spoken in English alone.
    """
    if isinstance(value, int | float):
        return "" if math.isfinite(value) else f"nobody can say {value}"
    readers = {"times": _time, "dates": _date, "amounts": _amount, "numbers": _number, "names": _name}
    why = readers[kind](value.lower().replace("\u2019", "'").strip(), english)
    return why.format(value) if why else ""


def unspeakable(text: str) -> bool:
    """Whether a text has nothing in it that can be said: no letter, no figure, no sign with a name."""
    return not any(sign.isalnum() or sign in "%&$£€¥₹+@#°" for sign in text)


def _time(value: str, english: bool) -> str:
    words = set(_WORD.findall(value))
    if english and (strange := sorted(words - _CLOCK)):
        return f"cannot read {{!r}} as a time: what is {strange[0]!r}? Write it as 9:30, 7 pm or half past nine"
    if not any(map(str.isdigit, value)):
        told = not english or words & ((_NUMBERS | _TWELVE) - {"half", "quarter"})
        return "" if told else "cannot read {!r} as a time: write it as 9:30, 7 pm or half past nine"
    found = _TIME.search(value) or _JOINED.search(value)
    if found is None:
        return "cannot read {!r} as a time: write it as 9:30 or 7 pm"
    hour, minute = int(found["h"]), int(found["m"] or 0)
    past_noon = re.search(r"(?<![a-z])[ap]\.? ?m\b", value) is not None
    relative = words & {"past", "to", "minutes", "minute", "before", "after"}
    if hour * 60 + minute > 24 * 60 or minute > 59 or (past_noon and hour >= _FEW and not relative):  # noqa: PLR2004
        return "there is no time {!r}" if not relative else ""
    return ""


def _date(value: str, english: bool) -> str:
    if _ISO.search(value) or _NUMERIC.search(value):
        return "" if _in_figures(value) else "there is no day {!r}"
    if not english:
        return ""
    words = set(_WORD.findall(value))
    if strange := sorted(words - _DAY):
        return f"cannot read {{!r}} as a date: what is {strange[0]!r}? Write it as Tuesday, March 3 or 2026-03-03"
    for named in _NAMED.finditer(value):
        month, day = _MONTHS.get(named["mon1"] or named["mon2"]), int(named["d1"] or named["d2"])
        if month is not None and not _exists(month, day, int(next(iter(_YEAR.findall(value)), 0))):
            return "there is no day {!r}"
    named_days = _WEEKDAYS | _AROUND | frozenset(_MONTHS) | {f"{day}s" for day in _WEEKDAYS}
    if not words & named_days and not _YEAR.search(value):
        return "cannot read {!r} as a date: write it as Tuesday, March 3 or 2026-03-03"
    return ""


def _in_figures(value: str) -> bool:
    """Whether a date in figures is a day of the calendar, in one order or the other."""
    if (iso := _ISO.search(value)) is not None:
        return _exists(int(iso["m"]), int(iso["d"]), int(iso["y"]))
    numeric = _NUMERIC.search(value)
    assert numeric is not None
    first, second, year = int(numeric["a"]), int(numeric["b"]), int(numeric["y"] or 0)
    return _exists(first, second, year) or _exists(second, first, year)


def _exists(month: int, day: int, year: int) -> bool:
    try:
        date(year or _LEAP, month, day)
    except ValueError:
        return False
    return True


def _amount(value: str, english: bool) -> str:
    told = not english or set(_WORD.findall(value)) & _NUMBERS or (_MONEY.search(value) and re.match(r"an? ", value))
    if told or any(map(str.isdigit, value)):
        return ""
    return "cannot read {!r} as a sum of money: write it as $250, 80 euros or 50 cents"


def _number(value: str, english: bool) -> str:
    words = set(_WORD.findall(value))
    spelt = words and all(len(word) == 1 for word in words)
    if any(map(str.isdigit, value)) or not english or spelt or words & (_NUMBERS | _NTH):
        return ""
    return "cannot read {!r} as a number: write figures, as in 12, 4.5 or AB-12"


def _name(value: str, english: bool) -> str:  # noqa: ARG001
    return "" if any(map(str.isalpha, value)) else "cannot read {!r} as a name"

"""Facts in spoken and written form: `half past seven`, `7.30`, `730` and `seven thirty` are one time.

Every finder returns all readings that a text allows; a fact is right when the expected one is among them. Finders know
English; other languages have the written forms and what text2num reads, so there a fact that is not found is
`unsure`, not wrong.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from activities.checks.spoken import digits, words

_HALF_DAY = 12 * 60
_MERIDIEM = (
    r"(?:\s*(?P<half>a\.?\s?m\b|p\.?\s?m\b)\.?|\s+in the (?P<part>morning|afternoon|evening)|\s+at (?P<night>night))?"
)
_TIMES = [
    re.compile(rf"(?<![\d:.$£€])(?P<h>\d{{1,2}})\s?[:.]\s?(?P<m>\d{{2}})(?![\d:]){_MERIDIEM}"),
    re.compile(rf"(?<![\d:.$£€])(?P<h>\d{{1,2}})[ ,](?:oh?\s|0\s)?(?P<m>\d{{1,2}})(?![\d:]|\.\d){_MERIDIEM}"),
    re.compile(rf"(?<![\d:.$£€])(?P<h>\d{{1,2}})(?P<m>\d{{2}})(?![\d:]|\.\d){_MERIDIEM}"),
    re.compile(rf"(?<![\d:.$£€])(?P<h>\d{{1,2}})(?:\s?o'?\s?clock)?(?![\d:]|\.\d){_MERIDIEM}"),
]
_RELATIVE_TIME = re.compile(
    r"(?P<amount>half|(?:a )?quarter|5|10|20|25|\d{1,2} minutes?) (?P<way>past|after|to|before|till?|of) "
    rf"(?P<h>\d{{1,2}}){_MERIDIEM}"
)
_NOON = re.compile(r"\b(?:noon|midday)\b")
_MIDNIGHT = re.compile(r"\bmidnight\b")
_ZERO = re.compile(r"\b(?:oh|o|zero)\b")
_AMOUNT_SIGN = re.compile(r"(?P<sign>[$£€])\s?(?P<value>\d[\d,]*(?:\.\d+)?)")
_AMOUNT_WORD = re.compile(
    r"(?P<value>\d[\d,]*(?:\.\d+)?)\s?(?P<sign>dollars?|bucks?|usd|pounds?|gbp|euros?|eur|\$|£|€)"
    r"(?:\s(?:and\s)?(?P<cents>\d{1,2})(?:\s(?:cents?|pence))?(?!\d))?"
)
_CURRENCY = {"$": "$", "d": "$", "b": "$", "u": "$", "£": "£", "p": "£", "g": "£", "€": "€", "e": "€"}
_NUMBER = re.compile(r"(?<![\w.,])[-+]?\d[\d,]*(?:\.\d+)?")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_MONTH = "|".join(f"{name}|{name[:3]}" for name in _MONTHS)
_DAY = r"(?P<d>\d{1,2})(?:st|nd|rd|th)?"
_DATES = [
    re.compile(rf"\b(?P<mon>{_MONTH})\.?,? (?:the )?{_DAY}\b(?:,? (?P<y>\d{{4}}))?"),
    re.compile(rf"\b{_DAY} (?:of )?(?P<mon>{_MONTH})\b\.?(?:,? (?P<y>\d{{4}}))?"),
    re.compile(r"\b(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})\b"),
]
_RELATIVE_DAYS = re.compile(r"\b(today|tonight|tomorrow|yesterday|(?:next|this) (?:week|month))\b")

_SAME_NAME = 85.0
_MAYBE_SAME_NAME = 68.0


@dataclass(frozen=True)
class Match:
    """Whether an expected fact is in a text. `heard` is what of its kind was found, for people to read."""

    found: bool
    heard: tuple[str, ...]
    unsure: bool = False


def match_time(expected: str, text: str, language: str) -> Match:
    """A clock time. Without am or pm, 9:30 is both."""
    wanted = _strongest(_times(digits(expected, language)))
    readings = _times(digits(text, language))
    heard = {minute for _, minutes, _ in readings for minute in minutes}
    clear = [minutes for _, minutes, weak in readings if not weak]
    shown = sorted({_clock(min(minutes)) for minutes in clear})
    return Match(bool(wanted & heard), tuple(shown), unsure=not wanted)


def match_amount(expected: str, text: str, language: str) -> Match:
    """A sum of money. An expectation without a currency fits any."""
    wanted = _amounts(digits(expected, language)) or {(value, "") for value in _numbers(digits(expected, language))}
    heard = _amounts(digits(text, language))
    found = any(
        value == other and (not currency or currency == sign) for value, currency in wanted for other, sign in heard
    )
    return Match(found, tuple(f"{sign}{value:g}" for value, sign in sorted(heard)), unsure=not wanted)


def match_number(expected: float | str, text: str, language: str) -> Match:
    """A plain number; one given as text with four digits or more may be read out digit by digit."""
    spoken = digits(text, language)
    heard = _numbers(spoken)
    shown = tuple(f"{value:g}" for value in sorted(heard))
    if isinstance(expected, str):
        code = re.sub(r"\D", "", digits(expected, language))
        if len(code) > 3:  # noqa: PLR2004 - a code or a telephone number, not a count
            return Match(code in re.sub(r"\D", "", _ZERO.sub("0", spoken)), shown)
        wanted = _numbers(digits(expected, language))
        return Match(bool(wanted & heard), shown, unsure=not wanted)
    return Match(float(expected) in heard, shown)


def match_date(expected: str, text: str, language: str) -> Match:
    """A weekday, a day of a month (the year counts where both give one), or a word such as `tomorrow`."""
    wanted, heard = _dates(digits(expected, language)), _dates(digits(text, language))
    found = bool(wanted) and all(any(_same_date(day, other) for other in heard) for day in wanted)
    shown = tuple(sorted(" ".join(str(part) for part in day if part) for day in heard))
    return Match(found, shown, unsure=not wanted)


def match_name(expected: str, text: str, language: str) -> Match:
    """A name, as a recogniser may spell it: the nearest run of words decides."""
    wanted, heard = words(expected, language), words(text, language)
    best, nearest = 0.0, ""
    for size in range(max(1, len(wanted) - 1), len(wanted) + 2):
        for at in range(max(0, len(heard) - size + 1)):
            run = heard[at : at + size]
            score = fuzz.ratio("".join(wanted), "".join(run))
            if score > best:
                best, nearest = score, " ".join(run)
    return Match(best >= _SAME_NAME, (nearest,) if nearest else (), _MAYBE_SAME_NAME <= best < _SAME_NAME)


def _times(text: str) -> list[tuple[str, frozenset[int], bool]]:
    """All readings as minutes of the day; the flag marks weak ones (a bare number that may be an hour)."""
    readings: list[tuple[str, frozenset[int], bool]] = []
    plain = _MIDNIGHT.sub("12:00 am", _NOON.sub("12:00 pm", text))
    for match in _RELATIVE_TIME.finditer(plain):
        amount = match["amount"]
        shift = 30 if amount == "half" else 15 if "quarter" in amount else int(amount.split()[0])
        sign = 1 if match["way"] in {"past", "after"} else -1
        readings += _reading(match, int(match["h"]) * 60 + sign * shift, weak=False)
    for index, pattern in enumerate(_TIMES):
        for match in pattern.finditer(plain):
            hour, minute = int(match["h"]), int(match.groupdict().get("m") or 0)
            if hour < 24 and minute < 60:  # noqa: PLR2004 - a clock
                marked = any(match[name] for name in ("half", "part", "night")) or "clock" in match[0]
                readings += _reading(match, hour * 60 + minute, weak=index == len(_TIMES) - 1 and not marked)
    return readings


def _reading(match: re.Match[str], minutes: int, *, weak: bool) -> list[tuple[str, frozenset[int], bool]]:
    half = (match["half"] or "")[:1] or {"morning": "a", "afternoon": "p", "evening": "p"}.get(match["part"] or "", "")
    half = half or ("p" if match["night"] else "")
    base = minutes % _HALF_DAY
    if minutes >= 13 * 60:
        both = frozenset({minutes % (2 * _HALF_DAY)})
    elif half:
        both = frozenset({base + (_HALF_DAY if half == "p" else 0)})
    else:
        both = frozenset({base, base + _HALF_DAY})
    return [(match[0], both, weak)]


def _strongest(readings: Sequence[tuple[str, frozenset[int], bool]]) -> frozenset[int]:
    """The reading that uses most of the text: `9:30` is not also `9`."""
    if not readings:
        return frozenset()
    return max(readings, key=lambda reading: (not reading[2], len(reading[0])))[1]


def _clock(minutes: int) -> str:
    return f"{minutes // 60 or 12}:{minutes % 60:02d}"


def _amounts(text: str) -> set[tuple[float, str]]:
    found: set[tuple[float, str]] = set()
    for match in (*_AMOUNT_SIGN.finditer(text), *_AMOUNT_WORD.finditer(text)):
        value = _value(match["value"])
        cents = match.groupdict().get("cents")
        sign = _CURRENCY[match["sign"][0]]
        found.add((value, sign))
        if cents:
            found.add((value + int(cents) / 100, sign))
    return found


def _numbers(text: str) -> set[float]:
    return {_value(match[0]) for match in _NUMBER.finditer(text)} | {
        float(match[1]) for match in re.finditer(r"\b(\d+)(?:st|nd|rd|th)\b", text)
    }


def _value(text: str) -> float:
    return float(text.replace(",", "").rstrip(".") or 0)


def _dates(text: str) -> set[tuple[str, int, int, int]]:
    """(word, month, day, year); what is not given is empty or 0."""
    found = {(day, 0, 0, 0) for day in _WEEKDAYS if re.search(rf"\b{day}s?\b", text)}
    found |= {(match[1], 0, 0, 0) for match in _RELATIVE_DAYS.finditer(text)}
    for pattern in _DATES:
        for match in pattern.finditer(text):
            groups = match.groupdict()
            month = int(groups["m"]) if groups.get("m") else _month(groups["mon"])
            found.add(("", month, int(groups["d"]), int(groups["y"] or 0)))
    return found


def _month(name: str) -> int:
    return next(index for index, month in enumerate(_MONTHS, 1) if month.startswith(name[:3]))


def _same_date(day: tuple[str, int, int, int], other: tuple[str, int, int, int]) -> bool:
    return day[:3] == other[:3] and (not day[3] or not other[3] or day[3] == other[3])


def spell(heard: Iterable[str]) -> str:
    """What was heard instead, for an evidence line."""
    return ", ".join(heard) or "nothing of the kind"

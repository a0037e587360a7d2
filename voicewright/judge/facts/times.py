"""Clock times: `half past seven`, `7.30`, `730 pm`, `19:30`, `las siete y media`, `七点半`.

A time without morning or evening is both. A bare hour is found only where the words around it make it certain.
"""

import re
from collections.abc import Iterator
from datetime import date

from voicewright.judge.facts.fact import Fact, Kind, Page
from voicewright.judge.facts.spoken.clock import FORMS, put_noon
from voicewright.judge.facts.spoken.day_parts import DayPart, english_part, minutes_of_day, part_of
from voicewright.languages import base_language

_MERIDIEM = r"(?:[\s-]*(?P<half>a\.?\s?m\b|p\.?\s?m\b)\.?)?"
_START = r"(?<![\d:.,$£€])"
_COLON = rf"{_START}(?P<h>\d{{1,2}})\s?[:.]\s?(?P<m>\d{{2}})(?:[:.]\d{{2}})?(?![\d:]){_MERIDIEM}"
_HOURS = r"(?P<hours>\s(?:hours|hrs)\b)?"
ENGLISH = tuple(
    re.compile(pattern)
    for pattern in (
        _COLON,
        rf"{_START}(?P<h>\d{{1,2}})[ ,](?:oh?\s|0\s|(?=\d\d))(?P<m>\d{{1,2}})(?![\d:]|\.\d){_HOURS}{_MERIDIEM}",
        rf"{_START}(?P<h>\d{{1,2}})(?P<m>\d{{2}})(?![\d:]|\.\d){_HOURS}{_MERIDIEM}",
        rf"{_START}(?P<h>\d{{1,2}})(?:\s?o'?\s?clock)?(?![\d:]|\.\d){_MERIDIEM}",
    )
)
"""The written forms in English; the last is a bare hour."""
_RELATIVE = re.compile(
    r"(?<!\d )(?P<amount>half|(?:a )?quarter|\d{1,2}(?: min(?:ute)?s?)?) (?P<way>past|after|to|before|till?|of) "
    rf"(?P<h>\d{{1,2}})(?P<exact>:00)?(?![\d:]|\.\d){_MERIDIEM}"
)
_HALF_EIGHT = re.compile(
    rf"(?<!a )(?<!\d )\bhalf (?P<h>\d{{1,2}})(?!\d|[:.,]\d){_MERIDIEM}"
    r"(?=$|[.,;!?|]|\s(?:in|on|at|this|that|tomorrow|tonight|today|and|or|to|until|till|for|please|then|sharp)\b|\s\|)"
)
_NOON = re.compile(r"(?:\b12(?::00)?(?:\s?o'?\s?clock)?\s)?\b(?P<name>noon|midday|midnight)\b")
BEFORE_TIME = re.compile(r"\b(?:at|from|until|till|by|to|for|around|about|is|it's|starts?|before|after)\s*$")
_HOUR_FOLLOWS = re.compile(r"\b(?:at|from|until|till|by|around|about|before|after|between)\s*$")
_SAYS_HOUR = re.compile(r"\s+(?:in the (?:early |late )?(?:morning|afternoon|evening)|at night)\b")
_MEASURE = re.compile(r"\s?(?:hours?|minutes?|days?|weeks?|months?|years?|percent|%)")
_RANGE_BEFORE = re.compile(r"\b(?:from|between|open)\s*$")
_ROUND = frozenset({5, 10, 20, 25})
_LEAST_BARE = 13
"""`15 to 7` is a time; `8 to 7` is a range."""
_COLON_ELSEWHERE = re.compile(_COLON.replace("[:.]\\s?(?P<m>", ":\\s?(?P<m>"))


def find_times(page: Page, language: str, today: date | None = None) -> Iterator[Fact]:
    """Find what is certainly a time, and strike it out."""
    if base_language(language) == "en":
        yield from _english(page)
    else:
        yield from _elsewhere(page, language)


def _elsewhere(page: Page, language: str) -> Iterator[Fact]:
    put_noon(page, language)
    for pattern, fixed in [*FORMS.get(base_language(language), []), (_COLON_ELSEWHERE, None)]:
        at = 0
        while (match := pattern.search(page.text, at)) is not None:
            at = match.end()
            parts = match.groupdict()
            minute = int(parts.get("m") or 0) - int(parts.get("back") or 0)
            if int(match["h"]) > 24 or abs(minute) >= 60:  # noqa: PLR2004 - a clock
                continue
            part = _meridiem(parts.get("half")) or part_of(page.whole, *match.span(), language)
            yield _time(page.strike(*match.span()), int(match["h"]) * 60 + minute + (fixed or 0), part)


def _english(page: Page) -> Iterator[Fact]:
    page.put(_NOON, lambda match: "12:00 am" if match["name"] == "midnight" else "12:00 pm")
    at = 0
    while (match := _RELATIVE.search(page.text, at)) is not None:
        at = match.start() + 1
        minutes = _relative_minutes(match, page.before(match.start()))
        if minutes is None:
            continue
        part = _meridiem(match["half"])
        if match["exact"]:  # noon and midnight are exact: the minutes count from there
            total = int(match["h"]) % 12 * 60 + (12 * 60 if part is DayPart.AFTERNOON else 0) + minutes
            yield _exact(page.strike(*match.span()), total)
            continue
        part = part or english_part(page.whole, *match.span())
        yield _time(page.strike(*match.span()), int(match["h"]) * 60 + minutes, part)
    while (match := _HALF_EIGHT.search(page.text)) is not None:
        part = _meridiem(match["half"]) or english_part(page.whole, *match.span())
        yield _time(page.strike(*match.span()), int(match["h"]) * 60 + 30, part)
    for index, pattern in enumerate(ENGLISH):
        yield from _written(page, pattern, colon=index == 0, bare=index == len(ENGLISH) - 1)


def _written(page: Page, pattern: re.Pattern[str], *, colon: bool, bare: bool) -> Iterator[Fact]:
    at = 0
    while (match := pattern.search(page.text, at)) is not None:
        at = match.end()
        hour, minute = int(match["h"]), int(match.groupdict().get("m") or 0)
        if hour > 24 or minute >= 60:  # noqa: PLR2004 - a clock
            continue
        if "." in match[0] and _MEASURE.match(page.text, at):
            continue
        before = page.before(match.start())
        part = english_part(page.whole, *match.span())
        clear = is_marked(match) or (colon and ":" in match[0]) or _SAYS_HOUR.match(page.whole, at)
        of_day = part is not None and _HOUR_FOLLOWS.search(before) and ends_phrase(page.text, at)
        if not clear and not of_day and (bare or not BEFORE_TIME.search(before)):
            continue
        part = _meridiem(match["half"]) or part
        yield _time(page.strike(*match.span()), hour * 60 + minute, part)


_ENDS = re.compile(
    r"(?=\s*(?:$|[.,;:!?|)\"-])|\s+(?:and|or|to|till?|until|in|on|at|for|with|by|of|from|this|that|is|are|if|then|please|we|you|i|"
    r"it|sharp|today|tomorrow|tonight|works?|would|will|okay|ok|right|as|so|but|when|through|because|each|every|next|the|"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?)\b)"
)


def ends_phrase(text: str, at: int) -> bool:
    """Whether a number that ends at `at` stands alone: no noun follows that it would count."""
    return _ENDS.match(text, at) is not None


def _time(said: str, minutes: int, part: DayPart | None) -> Fact:
    return Fact(Kind.TIME, said, frozenset(clock(minute) for minute in minutes_of_day(minutes, part)))


def _exact(said: str, minutes: int) -> Fact:
    return Fact(Kind.TIME, said, frozenset({clock(minutes % (24 * 60))}))


def clock(minute: int) -> str:
    """A minute of the day as a reading: `07:30`."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def is_marked(match: re.Match[str]) -> bool:
    """Whether a written form says by itself that it is a time: a.m., o'clock, hours."""
    return bool(match["half"] or match.groupdict().get("hours") or "clock" in match[0])


def _meridiem(half: str | None) -> DayPart | None:
    return None if not half else DayPart.MORNING if half[0] == "a" else DayPart.AFTERNOON


def _relative_minutes(match: re.Match[str], before: str) -> int | None:
    """Minutes that `a quarter to` adds to the hour; None where the words are no time."""
    amount, way = match["amount"], match["way"]
    if "quarter" not in amount and amount != "half":
        minutes = int(amount.split()[0])
        plain = amount.isdigit() and way not in {"past", "after"}
        if minutes >= 60 or (plain and minutes not in _ROUND and (way != "to" or minutes < _LEAST_BARE)):  # noqa: PLR2004
            return None
        if plain and _RANGE_BEFORE.search(before):
            return None
    shift = 30 if amount == "half" else 15 if "quarter" in amount else int(amount.split()[0])
    return shift if way in {"past", "after"} else -shift

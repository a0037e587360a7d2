"""Dates: weekdays, days of months, ranges of days, years, and days relative to the day of the call."""

import re
from calendar import isleap, monthrange
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import cache

from voicewright.judge.facts.fact import CONTEXT, Fact, Kind, Page
from voicewright.judge.facts.spoken.calendar_words import edge, is_verb, names, relative_words, short_weekdays
from voicewright.judge.facts.times import ends_phrase
from voicewright.languages import base_language

_ISO = re.compile(r"(?<!\d)(?P<y>\d{4})[-/年](?P<m>\d{1,2})[-/月](?P<d>\d{1,2})(?!\d)日?")
_EAST = re.compile(r"(?:(?P<y>\d{4}) ?[年년] ?)?(?P<m>\d{1,2}) ?[月월] ?(?P<d>\d{1,2}) ?[日号號일]")
_NUMERIC = re.compile(
    r"(?<![\d./-])(?P<a>\d{1,2})(?P<sep>[/.-])(?P<b>\d{1,2})(?P=sep)(?P<y>(?:19|20)\d{2}|(?<=[/.])\d{2})(?![\d/-]|\.\d)"
)
_DAY_AND_MONTH = re.compile(r"(?P<a>\d{1,2})/(?P<b>\d{1,2})(?![\d/])")
_AFTER_THESE = re.compile(
    r"(?:\b(?:on|by|until|till|is|from|to|since|before|after|due|dated?|le|el|am|il|em|day,?)\s)$"
)
_NEXT = re.compile(r"\b(?P<which>next|this)\s+(?P<what>week|month|weekend)\b")
_YEAR = re.compile(r"(?<![\d.,$£€-])(?P<y>(?:19|20)\d{2})(?![\d.,]\d|\d)")
_SPOKEN_YEAR = re.compile(
    r"(?:^\W*(?=\d\d (?:\d\d|oh? \d)\W*$)|\b(?:in|since|year|during|until)\s)(?:early\s|late\s)?(?P<y>(?:19|20) (?:\d{2}|oh \d|o \d|0 ?\d))"
    r"(?!\d|:|[.,]\d| ?(?:[ap]m|percent|%|minutes?|seconds?|hours?|days?|weeks?|dollars?|euros?|pounds?)\b)"
)
_TO = frozenset(
    {
        "-",
        "\u2013",
        "to",
        "through",
        "thru",
        "until",
        "till",
        "al",
        "au",
        "a",
        "à",
        "bis",
        "到",
        "至",
        "から",
        "~",
        "\uff5e",
        "부터",
    }
)
"""What stands between the ends of a range."""
_LINK = r"(?:\s?(?P<link>,(?: and| or)?|-|–|to|through|thru|until|till|and|or|al|au|a|à|bis|und|e|y|et|o|ou)\s?)"  # noqa: RUF001
_NTH = r"(?:st|nd|rd|th|er|º|ª|\.)?"
_MORE_DAYS = re.compile(
    rf"{_LINK}(?:and\s|or\s)?(?:the\s)?(?P<d>\d{{1,2}})(?P<nth>st|nd|rd|th)?(?![\d:/%]|[.,]\d|\s?[ap]\.?m\b)"
)
_DAYS_BEFORE = re.compile(rf"(?<![\d.,:/$£€-])(?P<d>\d{{1,2}})(?P<nth>{_NTH}){_LINK}(?:the\s)?$")
_EAST_DAYS = re.compile(r"\s?(?P<link>到|至|から|-|~|\uff5e|부터|、|和)\s?(?P<d>\d{1,2}) ?[日号號일](?:まで|까지)?")
_DAY_FIRST = frozenset({"en-gb", "en-au", "en-nz", "en-ie", "en-in", "en-za"})
_LEAP = 2024
_THIS_CENTURY = 69
"""Years of two figures below it are 2000 and later, as in POSIX."""


def find_dates(page: Page, language: str, today: date | None = None) -> Iterator[Fact]:
    """Find dates and strike them out. With `today`, weekdays and `tomorrow` are also calendar dates."""
    base = base_language(language)
    yield from _days_of_months(page, base)
    yield from _numeric(page, language)
    for pattern, shift in relative_words(base):
        while (match := pattern.search(page.text)) is not None:
            yield Fact(Kind.DATE, page.strike(*match.span()), relative(shift, today), "relative")
    while (match := _NEXT.search(page.text)) is not None:
        yield Fact(Kind.DATE, page.strike(*match.span()), frozenset({match[0]}), "relative")
    yield from _weekdays(page, base, today)
    for pattern in (_YEAR, _SPOKEN_YEAR):
        while (match := pattern.search(page.text)) is not None:
            yield Fact(Kind.DATE, page.strike(*match.span("y")), frozenset({f"year {_year(match['y'])}"}), "year")


@cache
def _dated(language: str) -> tuple[re.Pattern[str], ...]:
    months, _ = names(language)
    if not months:
        return (_ISO, _EAST)
    listed = "|".join(sorted(map(re.escape, months), key=len, reverse=True))
    number = r"(?P<d>\d{1,2})(?!\d)(?P<nth>st|nd|rd|th|er|º|ª|\.)?"
    year = r"(?:,? (?:de |del |of )?(?P<y>(?:19|20)(?:\d{2}| \d{2}| oh? \d| 0 ?\d))(?!\d))?"
    rim = edge(language)
    return (
        _ISO,
        _EAST,
        re.compile(
            rf"{rim}(?P<mon>{listed})\b\.?,? (?:the )?(?!(?:19|20) \d\d(?![\d ])|(?:19|20) oh? \d){number}{year}"
        ),
        re.compile(rf"(?<![\d.,:]){number} (?:of |de |di |d')?(?P<mon>{listed}){rim}\.?{year}"),
    )


def _days_of_months(page: Page, language: str) -> Iterator[Fact]:
    for pattern in _dated(language):
        at = 0
        while (match := pattern.search(page.text, at)) is not None:
            at = match.start() + 1
            found = match.groupdict()
            month = int(found["m"]) if found.get("m") else names(language)[0][match["mon"]]
            year = _year(found.get("y") or "")
            if not exists(month, int(match["d"]), year) or _is_verb(page.text, match):
                continue
            yield _day(page.strike(*match.span()), month, int(match["d"]), year)
            yield from _range(page, match.span(), int(match["d"]), month, year)


def _range(page: Page, span: tuple[int, int], day: int, month: int, year: int) -> Iterator[Fact]:
    """The other days of `June 3rd, 4th and 5th`, `3 to 5 June`, of which `day` at `span` was found."""
    start, end = span
    first = last = day
    while (more := _MORE_DAYS.match(page.text, end) or _EAST_DAYS.match(page.text, end)) is not None:
        alone = more.groupdict().get("nth") or "," not in more[0] or ends_phrase(page.text, more.end())
        if not alone or (not ends_phrase(page.text, more.end()) and more.re is _MORE_DAYS):
            break
        if not exists(month, int(more["d"]), year):
            break
        end, day = more.end(), int(more["d"])
        yield replace(
            _day(
                page.strike(more.start("d"), more.end("nth") if more.groupdict().get("nth") else more.end("d")),
                month,
                day,
                year,
            ),
            maybe=_inner(last, day, month, more["link"]),
        )
        last = day
    while (less := _DAYS_BEFORE.search(page.text, max(0, start - CONTEXT), start)) is not None and exists(
        month, int(less["d"]), year
    ):
        start, day = less.start(), int(less["d"])
        yield replace(
            _day(page.strike(less.start("d"), less.end("nth")), month, day, year),
            maybe=_inner(day, first, month, less["link"]),
        )
        first = day


def _inner(first: int, last: int, month: int, link: str) -> frozenset[str]:
    """The days within a range, which it may be about as well."""
    return frozenset(f"{month:02d}-{day:02d}" for day in range(first + 1, last)) if link in _TO else frozenset()


def _is_verb(text: str, match: re.Match[str]) -> bool:
    """Whether `may 3` or `march 3` counts something: you may 3 times, they march 3 miles."""
    found = match.groupdict()
    if not is_verb(found.get("mon") or "") or found.get("y") or found.get("nth"):
        return False
    return not ends_phrase(text, match.end()) or bool(
        re.search(r"\b(?:you|we|i|they|he|she|it|who|that)\s$", text[: match.start()])
    )


def _numeric(page: Page, language: str) -> Iterator[Fact]:
    for pattern in (_NUMERIC, _DAY_AND_MONTH):
        at = 0
        while (match := pattern.search(page.text, at)) is not None:
            at = match.start() + 1
            alone = match[0] == page.text.strip(" .,!?")
            if pattern is _DAY_AND_MONTH and not alone and not _AFTER_THESE.search(page.before(match.start())):
                continue
            found = match.groupdict()
            year = _year(found.get("y") or "")
            first, second = int(match["a"]), int(match["b"])
            month_first = (
                found.get("sep") != "." and base_language(language) == "en" and language.lower() not in _DAY_FIRST
            )
            orders = [(first, second), (second, first)] if month_first else [(second, first), (first, second)]
            read = [calendar_readings(month, day, year) for month, day in orders if exists(month, day, year)]
            if read:
                said = page.strike(*match.span())
                yield Fact(Kind.DATE, said, read[0], "day of a month", frozenset().union(*read[1:]))


def _weekdays(page: Page, language: str, today: date | None) -> Iterator[Fact]:
    _, days = names(language)
    for pattern, known in ((_weekday(language), days), (_short_weekday(language), short_weekdays(language))):
        while pattern is not None and (match := pattern.search(page.text)) is not None:
            number = known[match["day"]]
            readings = {f"weekday {number}"}
            if today is not None:
                ahead = (number - today.weekday()) % 7 or 7
                for shift in (ahead, ahead + 7):
                    readings |= calendar_readings(*_parts(today + timedelta(days=shift)))
            yield Fact(Kind.DATE, page.strike(*match.span()), frozenset(readings), "weekday")


@cache
def _weekday(language: str) -> re.Pattern[str] | None:
    _, days = names(language)
    listed = "|".join(sorted(map(re.escape, days), key=len, reverse=True))
    rim, plural = edge(language), "s?" if language == "en" else ""
    return re.compile(rf"{rim}(?P<day>{listed}){plural}{rim}") if listed else None


@cache
def _short_weekday(language: str) -> re.Pattern[str] | None:
    """Short names only where nothing else can stand: beside a date or a time, after `on`, or alone."""
    days = "|".join(short_weekdays(language))
    beside_date = r"\.?,?\s(?=\||the \|)"
    beside_time = r"\.?,\s(?=\d{1,2}(?:[:.]\d\d|\s?[ap]m))"
    after_on = r"(?:(?<=\bon\s...)|(?<=\bnext\s...))\.?(?=\s*$|[,;!?]|\sat\s\d)"
    among = rf"(?=\s?(?:-|to|through)?\s?(?:{days})\b)|(?:(?<=\|-...)|(?<=\|\s...)|(?<=\|\sto\s...))(?![a-z])"
    alone = r"(?:(?<=^...)|(?<=^....)|(?<=^.....))\.?$"
    return re.compile(rf"\b(?P<day>{days})(?:{beside_date}|{beside_time}|{after_on}|{among}|{alone})") if days else None


def relative(shift: int, today: date | None) -> frozenset[str]:
    """The readings of a day that is `shift` days from today."""
    readings = {f"relative {shift}"}
    if today is not None:
        day = today + timedelta(days=shift)
        readings |= {*calendar_readings(*_parts(day)), f"weekday {day.weekday()}"}
    return frozenset(readings)


def _parts(day: date) -> tuple[int, int, int]:
    return day.month, day.day, day.year


def _day(said: str, month: int, day: int, year: int) -> Fact:
    return Fact(Kind.DATE, said, calendar_readings(month, day, year), "day of a month")


def calendar_readings(month: int, day: int, year: int) -> frozenset[str]:
    """`03-21`, and with a year that is not 0 also `2026-03-21`."""
    short = f"{month:02d}-{day:02d}"
    return frozenset({short, f"{year}-{short}"} if year else {short})


def exists(month: int, day: int, year: int) -> bool:
    """Whether the calendar has such a day; without a year (0), in any year."""
    if not 1 <= month <= 12 or (year and not 1000 <= year <= 9999):  # noqa: PLR2004 - a calendar
        return False
    leap = isleap(year) if year else True
    return 1 <= day <= monthrange(_LEAP if leap else _LEAP - 1, month)[1]


def _year(said: str) -> int:
    """0 where nothing is said; 1994 for `19 94`, 2005 for `20 oh 5`."""
    figures = re.sub(r"\boh?\b", "0", said).split()
    if not figures:
        return 0
    if len(figures) == 1:
        return int(figures[0]) + (0 if len(figures[0]) > 2 else 2000 if int(figures[0]) < _THIS_CENTURY else 1900)  # noqa: PLR2004
    return int(figures[0]) * 100 + int("".join(figures[1:]))

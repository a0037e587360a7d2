"""Dates: weekdays, days of months, years, and days counted from the day of the call.

Names of months and weekdays are those of the Unicode CLDR, through Babel.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache

from babel import Locale, UnknownLocaleError

from activities.checks.facts.fact import Fact, Kind, Match, Page
from activities.checks.spoken import digits
from voicewright.languages import base_language

_NO_WORD_EDGES = {"zh", "ja", "ko", "hi", "th"}
_RELATIVE: dict[str, dict[str, int]] = {
    "en": {"the day after tomorrow": 2, "day after tomorrow": 2, "today": 0, "tonight": 0, "tomorrow": 1, "yesterday": -1},
    "es": {"pasado mañana": 2, "hoy": 0, "ayer": -1},
    "fr": {"après-demain": 2, "aujourd'hui": 0, "demain": 1, "hier": -1},
    "it": {"dopodomani": 2, "oggi": 0, "domani": 1, "ieri": -1},
    "pt": {"depois de amanhã": 2, "hoje": 0, "amanhã": 1, "ontem": -1},
    "de": {"übermorgen": 2, "heute": 0, "gestern": -1},
    "zh": {"后天": 2, "今天": 0, "明天": 1, "昨天": -1},
    "ja": {"明後日": 2, "今日": 0, "明日": 1, "昨日": -1},
    "ko": {"모레": 2, "오늘": 0, "내일": 1, "어제": -1},
    "hi": {"परसों": 2, "आज": 0},
}  # fmt: skip
_ISO = re.compile(r"(?<!\d)(?P<y>\d{4})[-/年](?P<m>\d{1,2})[-/月](?P<d>\d{1,2})(?!\d)日?")
_EAST = re.compile(r"(?:(?P<y>\d{4}) ?[年년] ?)?(?P<m>\d{1,2}) ?[月월] ?(?P<d>\d{1,2}) ?[日号號일]")
_NEXT = re.compile(r"\b(?P<which>next|this)\s+(?P<what>week|month|weekend)\b")
_YEAR = re.compile(r"(?<![\d.,$£€-])(?P<y>(?:19|20)\d{2})(?![\d.,]\d|\d)")


@cache
def _names(language: str) -> tuple[dict[str, int], dict[str, int]]:
    """Names of months (1 to 12) and of weekdays (Monday is 0) in lower case."""
    try:
        locale = Locale(language)
    except UnknownLocaleError:
        return {}, {}
    months: dict[str, int] = {}
    days: dict[str, int] = {}
    for context in ("format", "stand-alone"):
        for width in ("wide", "abbreviated"):
            for number, name in locale.months[context][width].items():
                months.setdefault(name.lower().rstrip("."), number)
            for number, name in locale.days[context][width].items():
                if width == "wide" or language == "en":
                    days.setdefault(name.lower().rstrip("."), number)
    if language == "zh":
        days |= {f"{week}{sign}": n for week in ("周", "礼拜") for n, sign in enumerate("一二三四五六日")}
        days |= {f"{week}{n + 1}": n for week in ("星期", "周", "礼拜") for n in range(6)}
    if language == "hi":
        days |= {"सोमवार": 0, "मंगलवार": 1, "बुधवार": 2, "गुरुवार": 3, "शुक्रवार": 4, "शनिवार": 5, "रविवार": 6}
    months = {name: number for name, number in months.items() if not name[:1].isdigit()}
    return months, days


@cache
def _patterns(language: str) -> tuple[list[re.Pattern[str]], re.Pattern[str] | None]:
    months, days = _names(language)
    edge = "" if language in _NO_WORD_EDGES else r"\b"
    listed = "|".join(sorted(map(re.escape, months), key=len, reverse=True))
    number = r"(?P<d>\d{1,2})(?!\d)(?:st|nd|rd|th|er|º|ª|\.)?"
    year = r"(?:,? (?:de |del )?(?P<y>(?:19|20)\d{2}))?"
    forms = [
        rf"{edge}(?P<mon>{listed})\b\.?,? (?:the )?{number}\b{year}",
        rf"(?<![\d.,:]){number} (?:of |de |di |d')?(?P<mon>{listed}){edge}\.?{year}",
    ]
    weekdays = "|".join(sorted(map(re.escape, days), key=len, reverse=True))
    plural = "s?" if language == "en" else ""
    dated = [re.compile(form) for form in forms] if listed else []
    return dated, re.compile(rf"{edge}(?P<day>{weekdays}){plural}{edge}") if weekdays else None


def find_dates(page: Page, language: str, today: date | None = None) -> Iterator[Fact]:
    """Dates; strikes them out. With `today`, weekdays and `tomorrow` are also calendar days."""
    base = base_language(language)
    dated, weekday = _patterns(base)
    _, days = _names(base)
    for pattern in (_ISO, _EAST, *dated):
        while (match := pattern.search(page.text)) is not None:
            found = match.groupdict()
            month = int(found["m"]) if found.get("m") else _names(base)[0][match["mon"]]
            day, year = int(match["d"]), int(found.get("y") or 0)
            said = page.strike(*match.span())
            readings = (
                {f"{month:02d}-{day:02d}"} if not year else {f"{month:02d}-{day:02d}", f"{year}-{month:02d}-{day:02d}"}
            )
            yield Fact(Kind.DATE, said, frozenset(readings), "day of a month")
    for word, shift in _RELATIVE.get(base, {}).items():
        at = _word(page.text, word, base)
        while at is not None:
            said = page.strike(at, at + len(word))
            yield Fact(Kind.DATE, said, _relative(shift, today), "relative")
            at = _word(page.text, word, base)
    while (match := _NEXT.search(page.text)) is not None:
        yield Fact(Kind.DATE, page.strike(*match.span()), frozenset({match[0]}), "relative")
    if weekday is not None:
        while (match := weekday.search(page.text)) is not None:
            number = days[match["day"]]
            readings = {f"weekday {number}"}
            if today is not None:
                ahead = (number - today.weekday()) % 7 or 7
                readings |= {_calendar(today + timedelta(days=ahead)), _calendar(today + timedelta(days=ahead + 7))}
            yield Fact(Kind.DATE, page.strike(*match.span()), frozenset(readings), "weekday")
    while (match := _YEAR.search(page.text)) is not None:
        yield Fact(Kind.DATE, page.strike(*match.span()), frozenset({f"year {match['y']}"}), "year")


def _word(text: str, word: str, language: str) -> int | None:
    edge = "" if language in _NO_WORD_EDGES else r"\b"
    match = re.search(rf"{edge}{re.escape(word)}{edge}", text)
    return match.start() if match else None


def _relative(shift: int, today: date | None) -> frozenset[str]:
    readings = {f"relative {shift}"}
    if today is not None:
        day = today + timedelta(days=shift)
        readings |= {_calendar(day), f"weekday {day.weekday()}"}
    return frozenset(readings)


def _calendar(day: date) -> str:
    return f"{day.month:02d}-{day.day:02d}"


def match_date(expected: str, text: str, language: str, today: date | None = None) -> Match:
    """A weekday, a day of a month (the year counts where both give one), or a word such as `tomorrow`."""
    wanted = list(find_dates(Page(digits(expected, language)), language, today))
    heard = list(find_dates(Page(digits(text, language)), language, today))
    found = bool(wanted) and all(any(_same(fact, other) for other in heard) for fact in wanted)
    return Match(found, tuple(sorted({fact.said for fact in heard})), unsure=not wanted)


def _same(fact: Fact, other: Fact) -> bool:
    """A year that only one of the two names does not matter; two years do."""
    years = [{r for r in f.readings if len(r) == len("2026-03-03") and r[4] == "-"} for f in (fact, other)]
    if all(years):
        return bool(years[0] & years[1])
    return fact.same(other)

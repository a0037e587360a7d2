"""Whether a text states a date."""

import re
from collections.abc import Iterator
from datetime import date

from voicewright.judge.facts.dates import relative
from voicewright.judge.facts.fact import Fact, Kind, Match
from voicewright.judge.facts.find import read_page
from voicewright.judge.facts.spoken.calendar_words import edge, is_verb, names
from voicewright.judge.text.words import digits
from voicewright.languages import base_language

_AHEAD = re.compile(
    r"\bin (?P<n>\d{1,3}|a) (?P<unit>days?|weeks?)\b|\b(?P<n2>\d{1,3}|a) (?P<unit2>days?|weeks?) from (?:now|today)\b"
)
_DAYS_OF = {"day": 1, "week": 7}


def match_date(expected: str, text: str, language: str, today: date | None = None) -> Match:
    """Match a weekday, a day of a month (the year counts if both texts have one), a month, or a word such as `tomorrow`.

    With `today`, `tomorrow` is a day of the calendar, and the day of the calendar is `tomorrow`.
    """
    wanted = _expected(expected, language, today)
    if not wanted:
        return Match(found=False, heard=(), unsure=True)
    heard = [*_dates(text, language, today), *_ahead(text, language, today)]
    shown = tuple(sorted({fact.said for fact in heard}))
    if wanted[0].form == "month":
        heard += _months(text, language)
    found = all(any(_same(fact, other, heard) for other in heard) for fact in wanted)
    maybe = not found and (
        _day_alone(wanted, text, language)
        or any(fact.readings & other.maybe or fact.maybe & other.readings for fact in wanted for other in heard)
    )
    return Match(found, shown, unsure=maybe, wanted=tuple(wanted), facts=tuple(heard))


def _day_alone(wanted: list[Fact], text: str, language: str) -> bool:
    """Whether the day was said without its month: `on the 29th`."""
    facts = read_page(text, language).facts
    if any(fact.kind is Kind.DATE and fact.form == "day of a month" for fact in facts):
        return False
    days = {f"{int(reading):02d}" for fact in facts if fact.kind is Kind.ORDINAL for reading in fact.readings}
    return any(day[-2:] in days for fact in wanted if fact.form != "weekday" for day in _of_length(fact, len("03-03")))


def _expected(expected: str, language: str, today: date | None) -> list[Fact]:
    for tag in (language, "en"):
        if facts := _dates(expected, tag, today):
            months = _months(expected, tag) if all(fact.form == "year" for fact in facts) else []
            return months or facts
        if months := _months(expected, tag):
            return months
    return []


def _dates(text: str, language: str, today: date | None) -> list[Fact]:
    return [fact for fact in read_page(text, language, today).facts if fact.kind is Kind.DATE]


def _months(text: str, language: str) -> list[Fact]:
    """Months without a day: `in March`, `March 2026`."""
    months, _ = names(base_language(language))
    listed = "|".join(sorted(map(re.escape, months), key=len, reverse=True))
    if not listed:
        return []
    rim = edge(base_language(language))
    pattern = re.compile(
        rf"(?P<before>\b(?:in|of|until|by|since|next|this|last) )?{rim}(?P<mon>{listed}){rim},?(?: (?:de |of )?(?P<y>(?:19|20)\d\d))?"
    )
    plain = digits(text, language)
    found = []
    for match in pattern.finditer(plain):
        if is_verb(match["mon"]) and not match["before"] and not match["y"] and match[0].strip() != plain.strip():
            continue
        month = f"month {months[match['mon']]:02d}"
        found.append(
            Fact(Kind.DATE, match[0], frozenset({month, f"{month} {match['y']}"} if match["y"] else {month}), "month")
        )
    return found


def _ahead(text: str, language: str, today: date | None) -> Iterator[Fact]:
    """Days counted from the day of the call: `in three days`, `a week from today`."""
    if today is None or base_language(language) != "en":
        return
    for match in _AHEAD.finditer(digits(text, language)):
        number, unit = match["n"] or match["n2"], (match["unit"] or match["unit2"]).rstrip("s")
        shift = (1 if number == "a" else int(number)) * _DAYS_OF[unit]
        yield Fact(Kind.DATE, match[0], relative(shift, today), "relative")


def _same(fact: Fact, other: Fact, heard: list[Fact]) -> bool:
    """Whether two facts are the same date. The year counts only if both have one.

    The weekday of a relative date counts only where no day of a month was said.
    """
    if fact.form == "month":
        return _same_month(fact, other)
    years = [_of_length(one, len("2026-03-03")) for one in (fact, other)]
    if fact.form == "year":
        return fact.same(other) or any(f"year {reading[:4]}" in fact.readings for reading in years[1])
    if fact.form == "relative" and other.form == "weekday" and any(one.form == "day of a month" for one in heard):
        return False
    if fact.form == "weekday" and other.form == "day of a month" and years[1]:
        return any(f"weekday {date.fromisoformat(day).weekday()}" in fact.readings for day in years[1])
    if all(years) and (fact.form, other.form) != ("weekday", "relative"):
        return bool(years[0] & years[1])
    return fact.same(other)


def _same_month(fact: Fact, other: Fact) -> bool:
    (month, *_) = sorted(fact.readings, key=len)
    years = {reading[-4:] for reading in fact.readings if len(reading) > len(month)}
    if other.form == "month":
        heard_years = {reading[-4:] for reading in other.readings if len(reading) > len(month)}
        return month in other.readings and (not years or not heard_years or bool(years & heard_years))
    days = _of_length(other, len("03-03"))
    full = _of_length(other, len("2026-03-03"))
    return any(day[:2] == month[-2:] for day in days) and (
        not years or not full or any(day[:4] in years for day in full)
    )


def _of_length(fact: Fact, length: int) -> set[str]:
    return {reading for reading in fact.readings if len(reading) == length and reading[-3] == "-"}

"""Whether a text states a clock time."""

import re

from voicewright.judge.facts.fact import Fact, Kind, Match, Page
from voicewright.judge.facts.find import read_page
from voicewright.judge.facts.spoken.day_parts import english_part, minutes_of_day
from voicewright.judge.facts.times import ENGLISH, clock, ends_phrase

_NEAR = re.compile(r"\b(?:at|from|until|till|by|between|around|about|before|after|since|than)\s*$")
_LINKED = re.compile(r"\s?(?:to|till?|until|through|or|and|-|–)\s?\|")  # noqa: RUF001 - the dash of ranges
_TOLD = re.compile(r"(?P<h>\d{1,2})(?P<m>[0-5]\d)")
_BARE = re.compile(r"\d{1,2}(?:[ .]?\d{2})?")


def match_time(expected: str, text: str, language: str) -> Match:
    """Match a clock time. Without am or pm, 9:30 is both.

    Where the text tells a clear time, other numbers count for nothing. Where it tells none, a number that may be an hour
    does, unless it counts something.
    """
    wanted = _expected(expected, language)
    if wanted is None:
        return Match(found=False, heard=(), unsure=True)
    page = read_page(text, language)
    clear = [fact for fact in page.facts if fact.kind is Kind.TIME]
    hours, likely, strays = _weak(page.left)
    if not clear:
        hours += [*likely, *(told for fact in page.facts if (told := _digits_told(fact)) is not None)]
    heard = [*clear, *hours]
    found = any(wanted.same(fact) for fact in heard)
    stray = not heard and any(wanted.same(fact) for fact in strays)
    shown = sorted({_shown(fact) for fact in heard})
    return Match(found, tuple(shown), unsure=not found and stray, wanted=(wanted,), facts=tuple(heard))


def _expected(expected: str, language: str) -> Fact | None:
    for tag in (language, "en"):
        facts = [fact for fact in read_page(expected, tag).facts if fact.kind is Kind.TIME]
        if facts:
            return max(facts, key=lambda fact: len(fact.said))
    hours, likely, strays = _weak(read_page(expected, language).left)
    plain = [*hours, *likely, *strays] if _BARE.fullmatch(expected.strip()) else [*hours, *likely]
    return max(plain, key=lambda fact: len(fact.said), default=None)


def _digits_told(fact: Fact) -> Fact | None:
    """A code that may be a time told digit by digit: `nine oh five`."""
    match = _TOLD.fullmatch(min(fact.readings)) if fact.kind is Kind.CODE else None
    if match is None or int(match["h"]) > 24:  # noqa: PLR2004 - a clock
        return None
    minutes = minutes_of_day(int(match["h"]) * 60 + int(match["m"]), None)
    return Fact(Kind.TIME, fact.said, frozenset(map(clock, minutes)))


def _weak(page: Page) -> tuple[list[Fact], list[Fact], list[Fact]]:
    """Numbers that may be hours and count nothing: those where only an hour is said, hours with minutes, and bare ones."""
    hours: list[Fact] = []
    likely: list[Fact] = []
    strays: list[Fact] = []
    for index, pattern in enumerate(ENGLISH):
        at = 0
        while (match := pattern.search(page.text, at)) is not None:
            at = match.end()
            hour, minute = int(match["h"]), int(match.groupdict().get("m") or 0)
            if hour >= 24 or minute >= 60 or not ends_phrase(page.text, at):  # noqa: PLR2004 - a clock
                continue
            near = _NEAR.search(page.before(match.start())) or _LINKED.match(page.text, at)
            part = english_part(page.whole, *match.span())
            minutes = minutes_of_day(hour * 60 + minute, part)
            found = Fact(Kind.TIME, page.strike(*match.span()), frozenset(map(clock, minutes)))
            (hours if near else strays if index == len(ENGLISH) - 1 else likely).append(found)
    return hours, likely, strays


def _shown(fact: Fact) -> str:
    hour, minute = (int(number) for number in min(fact.readings).split(":"))
    return f"{hour or 12}:{minute:02d}"

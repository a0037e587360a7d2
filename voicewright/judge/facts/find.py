"""Finds the facts of a text, kind by kind: what one finder finds is struck out, so that no other reads it again."""

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from voicewright.judge.facts.codes import find_codes
from voicewright.judge.facts.dates import find_dates
from voicewright.judge.facts.durations import find_durations
from voicewright.judge.facts.fact import Fact, Page
from voicewright.judge.facts.figures import decimal_points
from voicewright.judge.facts.money import find_money
from voicewright.judge.facts.numbers import find_numbers, find_ordinals
from voicewright.judge.facts.percentages import find_percentages
from voicewright.judge.facts.spoken.quantities import put_figures
from voicewright.judge.facts.times import find_times
from voicewright.judge.text.words import digits

Finder = Callable[[Page, str, date | None], Iterator[Fact]]
"""Finds the facts of one kind: (text, language, day of the call) to facts, each of which is struck out of the text."""

_FINDERS: tuple[Finder, ...] = (find_dates, find_codes, find_money, find_percentages, find_times, find_durations)
_ENDLESS = re.compile(r"\d{50,}|([^\w\s])\1{20,}")
"""More figures than any value has, or one sign over and over: no fact, and patterns would go through it again and again."""
_PLAIN: tuple[Finder, ...] = (find_ordinals, find_numbers)


@dataclass(frozen=True)
class ReadPage:
    """All facts of a text, and what is left of it when all but its plain numbers are struck out."""

    facts: tuple[Fact, ...]
    left: Page


def read_page(text: str, language: str, today: date | None = None) -> ReadPage:
    """Read a text. With `today`, the day of the call, `tomorrow` is also a calendar date."""
    page = Page(_ENDLESS.sub(lambda run: "|" * len(run[0]), decimal_points(digits(text, language), language)))
    put_figures(page, language)
    facts = [fact for find in _FINDERS for fact in find(page, language, today)]
    left = copy.copy(page)
    facts += [fact for find in _PLAIN for fact in find(page, language, today)]
    return ReadPage(tuple(facts), left)


def find_facts(text: str, language: str, today: date | None = None) -> list[Fact]:
    """All facts of a text. With `today`, the day of the call, `tomorrow` is also a calendar date."""
    return list(read_page(text, language, today).facts)

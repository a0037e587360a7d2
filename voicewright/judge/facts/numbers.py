"""Ordinals and plain numbers: the digits that remain when all other kinds were found."""

import re
from collections.abc import Iterator
from datetime import date

from voicewright.judge.facts.fact import Fact, Kind, Page
from voicewright.judge.facts.figures import VALUE, figures, number_of
from voicewright.languages import base_language

_IN_HUNDREDS = re.compile(r" (\d{1,2})(?!\d|[.,:/]\d| ?-)")

_ORDINAL = re.compile(r"(?<![\w.,])(?P<value>\d+)(?:st|nd|rd|th|º|ª|er|ème|ter)\b|第(?P<east>\d+)")

_NUMBER = re.compile(rf"(?:(?<![\w.,|])[-+])?(?<![a-z\d.,_]){VALUE}")

_COLD = r"(?<![a-z\d.,])-(?=[\d.]+\s?(?:度|摄氏|℃|°|도))"
"""A minus sign directly after a word, before degrees only: elsewhere it marks a range, as in 3楼-5楼."""

_NUMBER_EAST = re.compile(rf"(?:(?<![\w.,|])-|{_COLD})?{VALUE}")


def find_ordinals(page: Page, language: str, today: date | None = None) -> Iterator[Fact]:
    """Find ordinals (`3rd`) and strike them out."""
    while (match := _ORDINAL.search(page.text)) is not None:
        yield Fact(Kind.ORDINAL, page.strike(*match.span()), frozenset({match["value"] or match["east"]}))


def find_numbers(page: Page, language: str, today: date | None = None) -> Iterator[Fact]:
    """Find plain numbers and strike them out."""
    pattern = _NUMBER_EAST if base_language(language) in {"zh", "ja", "ko"} else _NUMBER
    while (match := pattern.search(page.text)) is not None:
        value = number_of(match[0])
        readings = {figures(value)}
        rest = _IN_HUNDREDS.match(page.text, match.end())
        if rest and value and value % 100 == 0:  # a house number, spoken as twenty-three hundred six
            readings.add(figures(value + int(rest[1])))
        yield Fact(Kind.NUMBER, page.strike(*match.span()), frozenset(readings))

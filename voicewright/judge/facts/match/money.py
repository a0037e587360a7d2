"""Whether a text states a sum of money."""

import re

from voicewright.judge.facts.fact import Fact, Kind, Match
from voicewright.judge.facts.figures import VALUE, decimal_points, figures, number_of
from voicewright.judge.facts.find import ReadPage, read_page
from voicewright.judge.text.words import digits

_NUMBER = re.compile(VALUE)
_PAIR = re.compile(r"(?<![\d.,])(?P<whole>\d{1,4}) (?P<part>\d{2})(?![\d.,]\d|\d)")


def match_amount(expected: str, text: str, language: str) -> Match:
    """Match a sum of money. An expected sum without a currency matches any currency.

    The same number without a currency does not decide it where no sum was heard.
    """
    wanted = _expected(expected, language)
    if not wanted:
        return Match(found=False, heard=(), unsure=True)
    read = read_page(text, language)
    heard = _of_kind(read, Kind.AMOUNT)
    found = all(any(_equal(fact, other) for other in heard) for fact in wanted)
    bare = not heard and all(_values(fact) & _bare(text, language) for fact in wanted)
    shown = tuple(sorted({reading for fact in heard for reading in sorted(fact.readings)[:1]}))
    return Match(found, shown, unsure=not found and bare, wanted=tuple(wanted), facts=tuple(heard))


def _expected(expected: str, language: str) -> list[Fact]:
    pages = [read_page(expected, tag) for tag in dict.fromkeys((language, "en"))]
    for kind in (Kind.AMOUNT, Kind.NUMBER):
        for page in pages:
            if facts := _of_kind(page, kind):
                return facts
    return []


def _of_kind(page: ReadPage, kind: Kind) -> list[Fact]:
    return [fact for fact in page.facts if fact.kind is kind]


def _bare(text: str, language: str) -> set[str]:
    """All numbers of a text, and those that may be a sum told without its currency: `nineteen ninety-nine`."""
    plain = decimal_points(digits(text, language), language)
    told = {f"{pair['whole']}.{pair['part']}" for pair in _PAIR.finditer(plain)}
    return {figures(number_of(number)) for number in (*_NUMBER.findall(plain), *told)}


def _equal(fact: Fact, other: Fact) -> bool:
    return fact.same(other) or (fact.kind is Kind.NUMBER and bool(_values(fact) & _values(other)))


def _values(fact: Fact) -> set[str]:
    """The readings without their currency."""
    return {reading.lstrip("RCAUNZSGHKF$£€¥元₹") for reading in fact.readings}

"""Percentages."""

import re
from collections.abc import Iterator
from datetime import date

from voicewright.judge.facts.fact import Fact, Kind, Page
from voicewright.judge.facts.figures import VALUE, figures, number_of

_PERCENT = re.compile(
    rf"(?P<value>{VALUE})\s?(?:%|per ?cent\b|por ?ciento|por ?cento|per ?cento|pour ?cent|prozent|प्रतिशत|パーセント|퍼센트)"
)


def find_percentages(page: Page, language: str, today: date | None = None) -> Iterator[Fact]:
    """Find percentages and strike them out."""
    while (match := _PERCENT.search(page.text)) is not None:
        yield Fact(Kind.PERCENTAGE, page.strike(*match.span()), frozenset({f"{figures(number_of(match['value']))}%"}))

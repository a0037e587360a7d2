"""Durations: `two weeks`, `14 days`."""

import re
from collections.abc import Iterator
from datetime import date

from voicewright.judge.facts.fact import Fact, Kind, Page
from voicewright.judge.facts.figures import VALUE, number_of

_UNITS = {
    "second": r"seconds?|segundos?|secondes?|secondi|sekunden?|सेकंड|秒钟?|초",
    "minute": r"minutes?|mins?\b|minutos?|minuti|minuten|मिनट|分钟|分間|분",
    "hour": r"hours?|hrs?\b|horas?|heures?|ore\b|stunden?|घंटे?|小时|時間|시간",
    "day": r"days?|días?|dias?|jours?|giorni|tage?n?\b|दिन|天|日間|일간",
    "week": r"weeks?|semanas?|semaines?|settiman[ae]|wochen?|हफ्ते|सप्ताह|周|週間|주일?",
    "month": r"months?|mes(?:es)?\b|mois|mesi|monate?n?|महीने|个月|か月|ヶ月|개월",
    "year": r"years?|años?|anos?|ans?\b|anni|jahre?n?|साल|年|년",
}

_DURATIONS = {
    unit: re.compile(rf"(?<![\d:.,])(?P<value>{VALUE})[\s-]?(?:{words})(?![a-z])") for unit, words in _UNITS.items()
}

_BASE = {
    "second": ("minute", 1 / 60),
    "hour": ("minute", 60),
    "day": ("minute", 24 * 60),
    "week": ("minute", 7 * 24 * 60),
    "year": ("month", 12),
}
"""Each unit as a multiple of another, so that 14 days are two weeks."""


def find_durations(page: Page, language: str, today: date | None = None) -> Iterator[Fact]:
    """Find durations and strike them out."""
    for unit, pattern in _DURATIONS.items():
        while (match := pattern.search(page.text)) is not None:
            value = number_of(match["value"])
            base, times = _BASE.get(unit, (unit, 1))
            readings = {f"{value:.12g} {unit}", f"{value * times:.12g} {base}"}
            yield Fact(Kind.DURATION, page.strike(*match.span()), frozenset(readings))

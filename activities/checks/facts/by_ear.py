"""Values that a recogniser may have misheard as one another."""

import re

from rapidfuzz import fuzz

from activities.checks.facts.compare import Comparison
from activities.checks.facts.fact import Fact

_TEENS = {str(ten + 10): str(ten * 10) for ten in range(3, 10)}
_BY_EAR = {**_TEENS, **{ty: teen for teen, ty in _TEENS.items()}}
"""Numbers that a telephone does not tell apart: thirteen and thirty."""


def confusable(comparison: Comparison) -> list[tuple[Fact, Fact]]:
    """Conflicts that may be ours: `thirteen` for `thirty` alone, or a figure that is said twice and heard once."""
    return [
        (fact, other)
        for fact, instead in comparison.conflicts
        for other in instead
        if any(_misheard(one) == two or _once(one) == _once(two) for one in _parts(fact) for two in _parts(other))
    ]


def _parts(fact: Fact) -> list[tuple[str, ...]]:
    return [tuple(re.findall(r"\d+", reading)) for reading in fact.readings]


def _misheard(numbers: tuple[str, ...]) -> tuple[str, ...]:
    """The same with its one teen as the ten that sounds like it, or the other way round; empty where there is none."""
    heard = [at for at, number in enumerate(numbers) if number in _BY_EAR]
    return tuple(_BY_EAR[n] if at == heard[-1] else n for at, n in enumerate(numbers)) if heard else ()


def _once(numbers: tuple[str, ...]) -> tuple[str, ...] | str:
    """All figures in a row, of several alike one, besides hundreds and thousands; where there are few, the numbers."""
    figures = "".join(numbers)
    return _AGAIN.sub(lambda run: run[0][0], figures) if len(figures) >= _MIN_FIGURES else numbers


_MIN_FIGURES = 3
_AGAIN = re.compile(r"([1-9])\1+|00+(?=[1-9])")
_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_NEAR = 55.0
"""Likeness, 0 to 100, from which one number can be another misheard: of those that our recogniser got wrong the least
is 62, of values that were really other ones five of six lie below."""


def sounds_near(fact: Fact, other: Fact) -> bool:
    """Whether the figures of two values are nearly the same in English: 825 and 125, but not 11 and 8:30."""
    return fuzz.ratio(_aloud(fact.said), _aloud(other.said)) >= _NEAR


def _aloud(said: str) -> str:
    """Figures as they are read in pairs: `1290` is twelve ninety, `825` eight twenty five."""
    return " ".join(
        _two_figures(int(pair))
        for number in re.findall(r"\d+", said.replace(",", ""))
        for pair in re.findall(r"^\d(?=(?:\d\d)*$)|\d\d", number)
    )


def _two_figures(number: int) -> str:
    if number < len(_ONES):
        return _ONES[number]
    return f"{_TENS[number // 10]} {_ONES[number % 10] if number % 10 else ''}".rstrip()

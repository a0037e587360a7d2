"""Values that a recogniser may have misheard as one another."""

import re

from rapidfuzz import fuzz

from activities.checks.facts.compare import Comparison
from activities.checks.facts.fact import Fact, Kind
from activities.checks.facts.names import sound

_TEENS = {str(ten + 10): str(ten * 10) for ten in range(3, 10)}
_BY_EAR = {**_TEENS, **{ty: teen for teen, ty in _TEENS.items()}}
"""Numbers that a telephone does not tell apart: thirteen and thirty."""
_AGAIN = re.compile(r"(\d)\1")
_INNER_ZEROS = re.compile(r"00+(?=[1-9])")
_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_UNITS = frozenset(
    ["a", "p", "m", "am", "pm", "st", "nd", "rd", "th", "o", "clock", "oclock", "percent", "dollar", "dollars", "in"]
) | {"at", "the", "morning", "evening"}
"""What is said beside figures and tells no value apart by ear."""
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_NEAR = 55.0
"""Likeness, 0 to 100, from which one number can be another misheard: of those that our recogniser got wrong the least
is 62, of values that were really other ones five of six lie below."""


def confusable(comparison: Comparison) -> list[tuple[Fact, Fact]]:
    """Conflicts that may be ours: `thirteen` for `thirty` alone, or a figure that is said twice and heard once."""
    return [
        (fact, other)
        for fact, instead in comparison.conflicts
        for other in instead
        if any(_misheard(one) == two for one in _parts(fact) for two in _parts(other)) or _said_twice(fact, other)
    ]


def _parts(fact: Fact) -> list[tuple[str, ...]]:
    return [tuple(re.findall(r"\d+", reading)) for reading in fact.readings]


def _misheard(numbers: tuple[str, ...]) -> tuple[str, ...]:
    """The same with its one teen as the ten that sounds like it, or the other way round; empty where there is none."""
    heard = [at for at, number in enumerate(numbers) if number in _BY_EAR]
    return tuple(_BY_EAR[n] if at == heard[-1] else n for at, n in enumerate(numbers)) if heard else ()


def _said_twice(fact: Fact, other: Fact) -> bool:
    """A code with a doubled figure, 9335 and 935, or zeros within a sum or number, 204 and 2004: one is longer by one."""
    if fact.kind not in {Kind.CODE, Kind.AMOUNT, Kind.NUMBER}:
        return False
    longer, shorter = sorted((_figures(fact), _figures(other)), key=len, reverse=True)
    if len(longer) != len(shorter) + 1:
        return False
    if fact.kind is not Kind.CODE:
        return _INNER_ZEROS.sub("0", longer) == _INNER_ZEROS.sub("0", shorter)
    return any(longer[: run.start()] + longer[run.start() + 1 :] == shorter for run in _AGAIN.finditer(longer))


def _figures(fact: Fact) -> str:
    return "".join(sign for sign in fact.said if sign.isdigit())


def sounds_near(fact: Fact, other: Fact) -> bool:
    """Whether two values are nearly the same in English: 825 and 125, but not 11 and 8:30, nor Monday and Friday.

    Figures are compared as they are read in pairs, what else there is (months, days) by its consonants.
    """
    first, second = _aloud(fact.said), _aloud(other.said)
    named, other_named = _named(fact.said), _named(other.said)
    return fuzz.ratio(first, second) >= _NEAR and fuzz.ratio(named, other_named) >= _NEAR


def _aloud(said: str) -> str:
    """Figures as they are read in pairs: `1290` is twelve ninety, `825` eight twenty five."""
    return " ".join(
        "hundred" if pair == "00" else _two_figures(int(pair))
        for number in re.findall(r"\d+", said.replace(",", ""))
        for pair in re.findall(r"^\d(?=(?:\d\d)*$)|\d\d", number)
    )


def _named(said: str) -> str:
    return sound(" ".join(word for word in re.findall(r"[a-z]+", said.lower()) if word not in _UNITS))


def _two_figures(number: int) -> str:
    if number < len(_ONES):
        return _ONES[number]
    return f"{_TENS[number // 10]} {_ONES[number % 10] if number % 10 else ''}".rstrip()

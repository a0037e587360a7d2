"""Values that a recogniser may confuse with each other."""

import re
from functools import cache

from num2words import num2words
from rapidfuzz import fuzz

from voicewright.judge.facts.comparison import FactComparison
from voicewright.judge.facts.fact import Fact, Kind
from voicewright.judge.text.alignment import sound
from voicewright.judge.text.words import digits

_TEENS = {str(ten + 10): str(ten * 10) for ten in range(3, 10)}
_SOUND_ALIKE = {**_TEENS, **{ty: teen for teen, ty in _TEENS.items()}}
"""Numbers that sound alike on the telephone: thirteen and thirty."""
_AGAIN = re.compile(r"(\d)\1")
_INNER_ZEROS = re.compile(r"00+(?=[1-9])")
_UNITS = frozenset(
    ["a", "p", "m", "am", "pm", "st", "nd", "rd", "th", "o", "clock", "oclock", "percent", "dollar", "dollars", "in"]
) | {"at", "the", "morning", "evening"}
"""Words beside numbers that do not distinguish values by ear."""
_NEAR = 55.0
"""Likeness, 0 to 100, from which one value may be another one misheard. Of values that our recogniser got wrong the
least has 62; five of six values that were really different have less than this."""


def confusable(comparison: FactComparison) -> list[tuple[Fact, Fact]]:
    """Conflicts that may be the recogniser's errors: `thirteen` for `thirty`, or a doubled digit that was heard once."""
    return [(fact, other) for fact, instead in comparison.conflicts for other in instead if sound_alike(fact, other)]


def sound_alike(fact: Fact, other: Fact) -> bool:
    """Whether a recogniser may have heard one value for the other: `fourteen` for `forty`, or a doubled digit once."""
    misheard = any(_misheard(one) == two for one in _parts(fact) for two in _parts(other))
    return fact.kind is other.kind and (misheard or _said_twice(fact, other))


def value_misheard(expected: str, heard: str, language: str) -> bool:
    """Whether a value that was heard may be the expected one, whatever the recogniser's confidence: $40 for $14."""
    one, two = (tuple(re.findall(r"\d+", digits(text, language))) for text in (expected, heard))
    return bool(one) and (_misheard(one) == two or _misheard(two) == one)


def _parts(fact: Fact) -> list[tuple[str, ...]]:
    return [tuple(re.findall(r"\d+", reading)) for reading in fact.readings]


def _misheard(numbers: tuple[str, ...]) -> tuple[str, ...]:
    """The numbers with the last `thirteen` as `thirty`, or the other way round; empty if there is none of these."""
    heard = [at for at, number in enumerate(numbers) if number in _SOUND_ALIKE]
    return tuple(_SOUND_ALIKE[n] if at == heard[-1] else n for at, n in enumerate(numbers)) if heard else ()


def _said_twice(fact: Fact, other: Fact) -> bool:
    """Whether one value has one digit more: a doubled one in a code (9335, 935), or a zero within a number (204, 2004)."""
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
    """Whether two values sound nearly the same in English: 825 and 125, but not 11 and 8:30, nor Monday and Friday.

    Digits are compared as they are read in pairs; months and days by their consonants.
    """
    first, second = _aloud(fact.said), _aloud(other.said)
    named, other_named = _named(fact.said), _named(other.said)
    return fuzz.ratio(first, second) >= _NEAR and fuzz.ratio(named, other_named) >= _NEAR


def _aloud(said: str) -> str:
    """Digits as they are read in pairs: `twelve ninety` for `1290`, `eight twenty five` for `825`."""
    return " ".join(
        "hundred" if pair == "00" else _two_figures(int(pair))
        for number in re.findall(r"\d+", said.replace(",", ""))
        for pair in re.findall(r"^\d(?=(?:\d\d)*$)|\d\d", number)
    )


def _named(said: str) -> str:
    return sound(" ".join(word for word in re.findall(r"[a-z]+", said.lower()) if word not in _UNITS))


@cache
def _two_figures(number: int) -> str:
    return str(num2words(number)).replace("-", " ")

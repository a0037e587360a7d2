"""Words of one class of which one excludes the others: `bus` where `train` was expected, `weeks` where it was `days`."""

from collections.abc import Iterable
from functools import cache

from activities.checks.facts.opposites import data_lines, forms


@cache
def _listed() -> dict[str, tuple[int, int]]:
    """Each listed word with the numbers of its class and of its meaning in it."""
    return {
        word: (number, meaning)
        for number, line in enumerate(data_lines("incompatible.txt"))
        for meaning, same in enumerate(line.split())
        for word in same.split("/")
    }


def incompatible(expected: Iterable[str], actual: Iterable[str]) -> list[tuple[str, str]]:
    """(expected, heard) for English words in whose place another of their class was said."""
    wanted, heard = _meanings(expected), _meanings(actual)
    return [
        (word, other)
        for meaning, word in wanted.items()
        for instead, other in heard.items()
        if meaning[0] == instead[0] and meaning not in heard and instead not in wanted
    ]


def _meanings(words: Iterable[str]) -> dict[tuple[int, int], str]:
    """What is meant of the listed classes, with the first word that says so."""
    found: dict[tuple[int, int], str] = {}
    for word in words:
        form = next((form for form in forms(word) if form in _listed()), None)
        if form is not None:
            found.setdefault(_listed()[form], word)
    return found

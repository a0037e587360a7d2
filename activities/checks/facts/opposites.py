"""Words that turn an answer round: `open` where `closed` was expected, `possible` where it was `impossible`."""

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

_DENYING = ("un", "in", "im", "ir", "il", "dis", "non", "mis")
_MIN_STEM = 4
_ENDINGS = ("ing", "ed", "es", "s", "d")
_UNDONE = re.compile(r"un(?!der|it)[a-z]{4,}ed")


def data_lines(name: str) -> list[str]:
    """Lines of a word list beside this module, without its comments."""
    lines = (files("activities.checks.facts") / "data" / name).read_text("utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


@cache
def _denying() -> frozenset[str]:
    return frozenset(word for line in data_lines("denying.txt") for word in line.split())


def denies(word: str) -> bool:
    """Whether an English word denies what its stem says: `uncertain`, `unfurnished`."""
    return word in _denying() or _UNDONE.fullmatch(word) is not None


@cache
def _listed() -> dict[str, frozenset[str]]:
    pairs = [line.split() for line in data_lines("opposites.txt")]
    found: dict[str, set[str]] = {}
    for first, second in pairs:
        found.setdefault(first, set()).add(second)
        found.setdefault(second, set()).add(first)
    return {word: frozenset(others) for word, others in found.items()}


def opposites(expected: Iterable[str], actual: Iterable[str]) -> list[tuple[str, str]]:
    """English words of `expected` that stand in `actual` as their opposite, with that; both without common words."""
    heard = list(dict.fromkeys(actual))
    return [(word, other) for word in dict.fromkeys(expected) for other in heard if are_opposite(word, other)]


def are_opposite(word: str, other: str) -> bool:
    """Whether two words are antonyms, by list or by form (`usual`, `unusual`; `harmful`, `harmless`)."""
    if any(form in _listed().get(base, ()) for base in forms(word) for form in forms(other)):
        return True
    short, long = sorted((word, other), key=len)
    if len(short) >= _MIN_STEM and any(long == prefix + short for prefix in _DENYING):
        return True
    return any(a.endswith("ful") and b == a.removesuffix("ful") + "less" for a, b in ((word, other), (other, word)))


def forms(word: str) -> list[str]:
    """A word and what it may be an inflection of."""
    return [word, *(word.removesuffix(end) for end in _ENDINGS if word.endswith(end) and len(word) > len(end) + 2)]

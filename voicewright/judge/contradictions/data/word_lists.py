"""The word lists of the rules, and how a word is looked up in them."""

import re
from functools import cache
from importlib.resources import files

_UNDONE = re.compile(r"un(?!der|it)[a-z]{4,}ed")
_ENDINGS = ("ing", "ed", "es", "s", "d")


def data_lines(name: str) -> list[str]:
    """Lines of a word list in `data`, without its comments."""
    lines = (files("voicewright.judge.contradictions") / "data" / name).read_text("utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


@cache
def _denying() -> frozenset[str]:
    return frozenset(word for line in data_lines("denying.txt") for word in line.split())


def denies(word: str) -> bool:
    """Whether an English word denies what its stem says: `uncertain`, `unfurnished`."""
    return word in _denying() or _UNDONE.fullmatch(word) is not None


def forms(word: str) -> list[str]:
    """An English word and what it may be an inflection of."""
    return [word, *(word.removesuffix(end) for end in _ENDINGS if word.endswith(end) and len(word) > len(end) + 2)]

"""Words that say the opposite: `closed` where `open` was expected, `impossible` where `possible` was."""

from collections.abc import Iterator, Sequence
from functools import cache

from voicewright.judge.contradictions.acts import negations
from voicewright.judge.contradictions.contradiction import Contradiction, Rule
from voicewright.judge.contradictions.data.word_lists import data_lines, forms
from voicewright.judge.contradictions.texts import ComparedTexts
from voicewright.judge.text.stems import stem

_PREFIXES = ("un", "in", "im", "ir", "il", "dis", "non", "mis")
_MIN_STEM = 4
_READ = 120
"""Words that are read; a longer answer is an explanation and goes to a person anyway."""


def opposite_words(texts: ComparedTexts) -> Iterator[Contradiction]:
    """Expected words that were not said while their opposite was.

    Words that negate (`unavailable`) are left out: they count as negations already. An opposite does not forbid a pass if
    both texts have both ends in some form: `leaves at 8, arriving at 10` and `departs at 8, arrives at 10`.
    """
    expected, actual = set(texts.expected), set(texts.actual)
    lost = dict.fromkeys(word for word in texts.expected[:_READ] if word not in actual)
    added = dict.fromkeys(word for word in texts.actual[:_READ] if word not in expected)
    for word in lost:
        for other in added:
            if are_opposite(word, other) and not negations(word, "en") and not negations(other, "en"):
                both = _has_both_ends(word, texts.expected) and _has_both_ends(other, texts.actual)
                yield Contradiction(Rule.OPPOSITE, word, other, forbids_pass=not both)


def _has_both_ends(word: str, text: Sequence[str]) -> bool:
    """Whether a text that has a word also has a listed opposite of it, in any form."""
    return not _listed_stems().get(stem(word), frozenset()).isdisjoint(map(stem, text))


@cache
def _listed_stems() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for word, others in _listed().items():
        found.setdefault(stem(word), set()).update(map(stem, others))
    return {word: frozenset(others) for word, others in found.items()}


@cache
def _listed() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for line in data_lines("opposites.txt"):
        first, second = line.split()
        found.setdefault(first, set()).add(second)
        found.setdefault(second, set()).add(first)
    return {word: frozenset(others) for word, others in found.items()}


def are_opposite(word: str, other: str) -> bool:
    """Whether two words are antonyms, by list or by form (`usual`, `unusual`; `harmful`, `harmless`)."""
    if any(form in _listed().get(base, ()) for base in forms(word) for form in forms(other)):
        return True
    short, long = sorted((word, other), key=len)
    if short.isalpha() and len(short) >= _MIN_STEM and any(long == prefix + short for prefix in _PREFIXES):
        return True
    return any(a.endswith("ful") and b == a.removesuffix("ful") + "less" for a, b in ((word, other), (other, word)))

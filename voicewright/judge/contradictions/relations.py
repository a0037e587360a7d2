"""How words relate to each other: the same words in another relation make another answer.

The relations: direction (`to Leeds`, `from Leeds`) and tense (`was shipped`, `will be shipped`). Both read English words,
as `text.words.words` gives them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import product

from voicewright.judge.contradictions.contradiction import Contradiction, Rule
from voicewright.judge.contradictions.texts import ComparedTexts
from voicewright.judge.text.stems import stem

_EXCLUDED: Mapping[str, frozenset[str]] = {
    "to": frozenset({"from"}),
    "from": frozenset({"to", "until", "till"}),
    "until": frozenset({"from"}),
    "till": frozenset({"from"}),
    "after": frozenset({"before"}),
    "before": frozenset({"after"}),
}
"""Each preposition, with those that exclude it before the same word. Others may say the same: `by`, `until Friday`."""
_BETWEEN = frozenset({"the", "a", "an", "my", "your", "our", "of", "in", "at", "on"})
_DONE = frozenset({"was", "were", "has", "have", "had", "been"})
_TO_COME = frozenset({"will", "can", "could", "shall", "being"})
_IRREGULAR = {
    "came": "come", "done": "do", "gave": "give", "given": "give", "made": "make", "paid": "pay", "sent": "send",
    "sold": "sell", "went": "go",
}  # fmt: skip
"""Irregular past forms and their infinitives."""


_Relations = dict[str, dict[str, str]]
"""For each word, the relations in which a text has it, each with the phrase that says so."""
_Pair = tuple[tuple[str, str], tuple[str, str]]


class _Tense(StrEnum):
    DONE = "done"
    TO_COME = "to come"


def directions(texts: ComparedTexts) -> Iterator[Contradiction]:
    """Words that a preposition leads to, if the other text has them in another direction."""
    for (preposition, phrase), (instead, other) in _differing(_by_preposition, texts):
        if instead in _EXCLUDED[preposition]:
            yield Contradiction(Rule.DIRECTION, phrase, other)


def tenses(texts: ComparedTexts) -> Iterator[Contradiction]:
    """What is done already in one text and is still to be done in the other."""
    for (_, phrase), (_, other) in _differing(_by_tense, texts):
        yield Contradiction(Rule.TENSE, phrase, other)


def _differing(relations_of: Callable[[Sequence[str]], _Relations], texts: ComparedTexts) -> Iterator[_Pair]:
    """Relations of the words that both texts have, but never in the same relation; each with its phrase."""
    expected, actual = relations_of(texts.expected), relations_of(texts.actual)
    for word, relations in expected.items():
        others = actual.get(word, {})
        if relations.keys().isdisjoint(others):
            yield from product(sorted(relations.items()), sorted(others.items()))


def _by_preposition(words: Sequence[str]) -> _Relations:
    """The prepositions that lead to each word, with the phrase: `to Leeds`."""
    found: _Relations = {}
    preposition = ""
    for word in words:
        if word in _EXCLUDED:
            preposition = word
        elif word not in _BETWEEN:
            if preposition:
                found.setdefault(word, {})[preposition] = f"{preposition} {word}"
            preposition = ""
    return found


def _by_tense(words: Sequence[str]) -> _Relations:
    """Whether each verb, by its stem, is said to be done already or still to be done, with the words that say so."""
    found: _Relations = {}
    for at, word in enumerate(words):
        before = frozenset(words[max(0, at - 2) : at])
        if before & _TO_COME:
            found.setdefault(_verb(word), {}).setdefault(_Tense.TO_COME, f"yet to {_verb(word)}")
        elif word in _IRREGULAR or (before & _DONE and word.endswith("ed")):
            found.setdefault(_verb(word), {}).setdefault(_Tense.DONE, f"already {word}")
    return found


def _verb(word: str) -> str:
    """The stem of a verb in any of its forms."""
    return stem(_IRREGULAR.get(word, word))

"""How words relate to each other: the same words in another relation make another answer.

The relations: direction (`to Leeds`, `from Leeds`), tense (`was shipped`, `will be shipped`), role (`from Leeds to York`,
`from York to Leeds`), and which value belongs to what (`the basic plan costs $25 and the family plan $60`). All read
English.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, pairwise, product

from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from voicewright.judge.contradictions.contradiction import Contradiction, Rule
from voicewright.judge.contradictions.texts import ComparedTexts
from voicewright.judge.facts import Fact, find_facts
from voicewright.judge.text.stems import stem
from voicewright.judge.text.words import words

_EXCLUDED: Mapping[str, frozenset[str]] = {
    "to": frozenset({"from"}),
    "from": frozenset({"to", "until", "till"}),
    "until": frozenset({"from"}),
    "till": frozenset({"from"}),
    "after": frozenset({"before"}),
    "before": frozenset({"after"}),
    "over": frozenset({"under", "below"}),
    "above": frozenset({"under", "below"}),
    "under": frozenset({"over", "above"}),
    "below": frozenset({"over", "above"}),
    "least": frozenset({"most"}),
    "most": frozenset({"least"}),
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


_ROLES = ("from", "in")
_PEOPLE = frozenset({"you", "we", "i", "us", "me", "they", "them", "he", "she", "him", "her"})
_AUXILIARIES = frozenset(
    {"will", "would", "can", "could", "may", "must", "should", "need", "to", "have", "has", "is", "are", "be", "do"}
    | {"does", "not", "the", "a", "an", "your", "our", "my"}
)
"""Words between a verb and those who do it, or to whom it is done."""
_SHORT_WORD = 2
_CLAUSES = re.compile(r"[.;!?]\s|,\s|\b(?:and|but|while|whereas)\b")
"""Between clauses, each of which says one thing."""

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


def exchanged_roles(texts: ComparedTexts) -> Iterator[Contradiction]:
    """A preposition leads to one word in one text, and to another in the other, though both texts have both words."""
    wanted, heard = _led_to(texts.expected), _led_to(texts.actual)
    for preposition in _ROLES:
        before = [word for word in wanted[preposition] if word not in heard[preposition] and word in texts.actual]
        after = [word for word in heard[preposition] if word not in wanted[preposition] and word in texts.expected]
        for was, now in product(before, after):
            if _apart(was, now, texts.expected) and _apart(was, now, texts.actual):
                yield Contradiction(Rule.ROLE, f"{preposition} {was}", f"{preposition} {now}")
                break


def _apart(one: str, other: str, words: Sequence[str]) -> bool:
    """Whether something leads from one word to the other, so that they are no single name: `Arcadia album`."""
    first, last = sorted((words.index(one), words.index(other)))
    return not ENGLISH_STOP_WORDS.isdisjoint(words[first + 1 : last])


def exchanged_values(texts: ComparedTexts) -> Iterator[Contradiction]:
    """Two values that belong to each other's things: `$60 for the basic plan and $25 for the family plan`."""
    wanted, heard = _belongings(texts.expected_text), _belongings(texts.actual_text)
    pairs = [(one, other) for one in wanted for other in heard if one.fact.same(other.fact)]
    for (first, first_heard), (second, second_heard) in combinations(pairs, 2):
        if first.fact.same(second.fact):
            continue
        of_first, of_second = first.stems - second.stems, second.stems - first.stems
        now_first, now_second = first_heard.stems - second_heard.stems, second_heard.stems - first_heard.stems
        crossed = of_first & now_second and of_second & now_first
        if crossed and not of_first & now_first and not of_second & now_second:
            yield Contradiction(Rule.ROLE, first.fact.said, second.fact.said)


def exchanged_doers(texts: ComparedTexts) -> Iterator[Contradiction]:
    """A person and somebody else who have changed places around a verb: `you call the driver`, `the driver calls you`."""
    verbs = [_verb(word) for word in texts.actual]
    for place, verb in enumerate(texts.expected):
        if len(verb) <= _SHORT_WORD or verb in _PEOPLE or verb in _AUXILIARIES:
            continue
        stemmed = _verb(verb)
        doer, done_to = _around(texts.expected, place)
        for other_place, other in enumerate(texts.actual):
            if verbs[other_place] != stemmed:
                continue
            other_doer, other_done_to = _around(texts.actual, other_place)
            exchanged = doer and done_to and doer == other_done_to and done_to == other_doer
            if exchanged and doer != done_to and not _PEOPLE.isdisjoint((doer, done_to)):
                yield Contradiction(Rule.ROLE, f"{doer} {verb} {done_to}", f"{other_doer} {other} {other_done_to}")
                return


def _around(words: Sequence[str], place: int) -> tuple[str, str]:
    """The words before and after a verb, without auxiliaries and articles; empty where there is none."""
    before = [word for word in words[:place] if word not in _AUXILIARIES]
    after = [word for word in words[place + 1 :] if word not in _AUXILIARIES]
    return (before or [""])[-1], (after or [""])[0]


@dataclass(frozen=True)
class _Belonging:
    """A value, and the stems of what its clause says besides."""

    fact: Fact
    stems: frozenset[str]


def _belongings(text: str) -> list[_Belonging]:
    """The values of clauses that have just one of its kind; other values of a clause are among what it says besides."""
    found = []
    for clause in _CLAUSES.split(text):
        facts = find_facts(clause, "en")
        if len({fact.kind for fact in facts}) < len(facts):
            continue
        telling = [word for word in words(clause, "en") if word not in ENGLISH_STOP_WORDS]
        for fact in facts:
            said = set(words(fact.said, "en"))
            found.append(_Belonging(fact, frozenset(stem(word) for word in telling if word not in said)))
    return found


def _led_to(words: Sequence[str]) -> dict[str, list[str]]:
    """The words that follow each preposition, without articles and figures."""
    found: dict[str, list[str]] = {preposition: [] for preposition in _ROLES}
    plain = [word for word in words if word not in {"a", "an", "the"}]
    for before, word in pairwise(plain):
        if before in found and not word.isdigit():
            found[before].append(word)
    return found


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

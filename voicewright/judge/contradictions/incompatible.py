"""Words that exclude each other: `bus` where `train` was expected, `weeks` where `days` was."""

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import product

from voicewright.judge.contradictions.contradiction import Contradiction, Rule
from voicewright.judge.contradictions.data.word_lists import data_lines
from voicewright.judge.contradictions.texts import ComparedTexts
from voicewright.judge.facts import FactComparison, Kind
from voicewright.judge.text.stems import stem
from voicewright.judge.text.words import words

_Meanings = dict[tuple[int, int], str]


def incompatible_words(texts: ComparedTexts) -> Iterator[Contradiction]:
    """Words in whose place another word of their class was said.

    The units of durations that are equal (two weeks and 14 days) are left out.
    """
    units = _units_of_equal_durations(texts.facts)
    expected = _meanings(word for word in texts.expected if word not in units)
    actual = _meanings(word for word in texts.actual if word not in units)
    for meaning, word in expected.items():
        for instead, other in actual.items():
            if meaning[0] == instead[0] and meaning not in actual and instead not in expected:
                yield Contradiction(Rule.INCOMPATIBLE, word, other, class_name(meaning[0]))
    yield from _other_than_asked(expected, actual, _meanings(words(texts.question, texts.language)))


def _other_than_asked(expected: _Meanings, actual: _Meanings, asked: _Meanings) -> Iterator[Contradiction]:
    """`The sedan costs $25` where the question was for the hatchback, and the expected answer names neither."""
    named = {number for number, _ in expected}
    for meaning, word in asked.items():
        for instead, other in actual.items():
            if meaning[0] == instead[0] and meaning[0] not in named and meaning not in actual and instead not in asked:
                yield Contradiction(Rule.INCOMPATIBLE, word, other, class_name(meaning[0]))


@cache
def classes() -> tuple[str, ...]:
    """The lines of incompatible.txt, one class each."""
    return tuple(data_lines("incompatible.txt"))


def class_name(number: int) -> str:
    """The first two words of a class, for people."""
    return " ".join(one.split("/")[0] for one in classes()[number].split()[:2])


@cache
def _listed() -> dict[str, tuple[int, int]]:
    """The stem of each listed word with the number of its class and the number of its meaning within the class."""
    return {
        stem(word): (number, meaning)
        for number, line in enumerate(classes())
        for meaning, synonyms in enumerate(line.split())
        for word in synonyms.split("/")
    }


def _meanings(text: Iterable[str]) -> _Meanings:
    """The listed meanings of a text, each with the first word that has it."""
    found: _Meanings = {}
    for word in text:
        meaning = _listed().get(stem(word))
        if meaning is not None:
            found.setdefault(meaning, word)
    return found


def _units_of_equal_durations(facts: FactComparison) -> set[str]:
    expected, heard = ([fact for fact in side if fact.kind is Kind.DURATION] for side in (facts.expected, facts.heard))
    equal = [fact for pair in product(expected, heard) if pair[0].same(pair[1]) for fact in pair]
    return {word for fact in equal for word in words(fact.said, "en")}

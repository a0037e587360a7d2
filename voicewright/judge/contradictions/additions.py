"""What an answer adds: critical values and full names that nobody expected or asked about, and itself once more."""

from collections.abc import Iterator, Sequence

from voicewright.judge.contradictions.contradiction import Contradiction, Rule
from voicewright.judge.contradictions.texts import LONG, ComparedTexts
from voicewright.judge.facts import CRITICAL, find_facts
from voicewright.judge.text.proper_names import full_names, untitled
from voicewright.judge.text.vocabulary import is_rare
from voicewright.judge.text.words import words

_PHRASE = 4
"""Words of a phrase that is looked for again."""
_MOSTLY = 0.6
_OTHER_NAME = 0.7
"""A surname whose nearest counterpart is less alike than this is a different name."""


def invented_facts(texts: ComparedTexts) -> Iterator[Contradiction]:
    """Critical values that are neither expected nor in the question, and do not replace an expected one."""
    if texts.is_bare or not texts.facts.extra:
        return
    lost = {fact.kind for fact in texts.facts.missing}
    asked = find_facts(texts.question, texts.language, texts.today)
    for fact in texts.facts.extra:
        if fact.kind in CRITICAL and fact.kind not in lost and not any(fact.same(other) for other in asked):
            yield Contradiction(Rule.INVENTED_FACT, heard=fact.said, of=fact.kind)


def strangers(texts: ComparedTexts) -> Iterator[Contradiction]:
    """Full names that are neither expected nor in the question.

    Nothing if the expected answer may have lost a name: the added one may be that name misheard, and the models weigh
    that.
    """
    if texts.is_bare or any(is_rare(word) for word, _ in texts.missing.missing):
        return
    added = {word for word, near in texts.extra.missing if near < _OTHER_NAME}
    added -= set(words(texts.question, texts.language))
    for name in full_names(texts.actual_text):
        surname = words(untitled(name), texts.language)[-1:]
        if surname and not added.isdisjoint((surname[0], f"{surname[0]}s")):
            yield Contradiction(Rule.STRANGER, heard=name)


def repetition(texts: ComparedTexts) -> Iterator[Contradiction]:
    """The first phrase that is repeated, if repeated phrases make up most of the answer.

    Nothing if the expected answer repeats a phrase as well.
    """
    actual, expected = _phrases(texts.actual), _phrases(texts.expected)
    again = [at for at, phrase in enumerate(actual) if actual.count(phrase) > 1]
    covered = {at + step for at in again for step in range(_PHRASE)}
    intended = len(set(expected)) < len(expected)
    if again and not intended and len(covered) > _MOSTLY * len(texts.actual[:LONG]):
        yield Contradiction(Rule.REPEATED, heard=" ".join(actual[again[0]]))


def _phrases(words: Sequence[str]) -> list[tuple[str, ...]]:
    read = words[:LONG]
    return [tuple(read[at : at + _PHRASE]) for at in range(len(read) - _PHRASE + 1)]

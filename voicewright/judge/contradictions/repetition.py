"""Answers that say themselves twice."""

from collections.abc import Iterator, Sequence

from voicewright.judge.contradictions.contradiction import Contradiction, Rule
from voicewright.judge.contradictions.texts import ComparedTexts

_PHRASE = 4
"""Words of a phrase that is looked for again."""
_MOSTLY = 0.6
_READ = 120
"""Words that are read; a longer answer is an explanation and goes to a person anyway."""


def repetition(texts: ComparedTexts) -> Iterator[Contradiction]:
    """The first phrase that is repeated, if repeated phrases make up most of the answer.

    Nothing if the expected answer repeats a phrase as well.
    """
    actual, expected = _phrases(texts.actual), _phrases(texts.expected)
    again = [at for at, phrase in enumerate(actual) if actual.count(phrase) > 1]
    covered = {at + step for at in again for step in range(_PHRASE)}
    intended = len(set(expected)) < len(expected)
    if again and not intended and len(covered) > _MOSTLY * len(texts.actual[:_READ]):
        yield Contradiction(Rule.REPEATED, heard=" ".join(actual[again[0]]))


def _phrases(words: Sequence[str]) -> list[tuple[str, ...]]:
    read = words[:_READ]
    return [tuple(read[at : at + _PHRASE]) for at in range(len(read) - _PHRASE + 1)]

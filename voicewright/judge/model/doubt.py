"""How sure the recogniser was of what it heard, by words and by values."""

from collections.abc import Mapping, Sequence

import numpy as np

from voicewright.judge.contradictions.confusability import sounds_near
from voicewright.judge.facts import Fact, FactComparison
from voicewright.judge.pair import Pair
from voicewright.judge.text.alignment import Alignment
from voicewright.judge.text.words import words

_DOUBTFUL = 0.7
"""A value with less confidence is doubtful: three of four right answers that a recogniser garbled have less."""


def word_confidences(pair: Pair) -> dict[str, float]:
    """The least confidence, 0 to 1, of each word of the actual answer, as `words` spells it; empty if not known."""
    spoken = pair.actual.split()
    least: dict[str, float] = {}
    if len(spoken) == len(pair.confidence):
        for text, confidence in zip(spoken, pair.confidence, strict=True):
            for word in words(text, pair.language):
                least[word] = min(confidence, least.get(word, 1.0))
    return least


def confidence_summary(pair: Pair, confidences: Mapping[str, float], extra: Alignment) -> Sequence[float]:
    """Mean and least confidence of all words, then of the unexpected words; NaN where not known."""
    if not confidences:
        return (np.nan,) * 4
    added = [confidences[word] for word, _ in extra.missing if word in confidences] or [np.nan]
    return float(np.mean(pair.confidence)), min(pair.confidence), float(np.mean(added)), min(added)


def value_confidences(facts: FactComparison, confidences: Mapping[str, float], language: str) -> dict[Fact, float]:
    """The confidence of each conflicting value, where it is known.

    It is that of the value's least sure word, wherever else in the answer that word was said. A value that was read in
    another spelling ($104, written `$100 $4`) gets the confidence of the least sure figure.
    """
    figures = [confidence for word, confidence in confidences.items() if any(sign.isdigit() for sign in word)]
    found = {}
    for value in dict.fromkeys(value for _, instead in facts.conflicts for value in instead):
        known = [confidences[word] for word in words(value.said, language) if word in confidences] or figures
        if known:
            found[value] = min(known)
    return found


def all_doubtful(facts: FactComparison, confidences: Mapping[Fact, float], *, english: bool) -> bool:
    """Whether each conflict may be the recogniser's error: it was unsure, and the values sound nearly the same.

    Low confidence alone is not enough in English: a recogniser is also unsure of how to write what it heard well, 8:30
    or 8.30. In other languages values cannot be compared by sound, so there it is enough.
    """
    return bool(facts.conflicts) and all(
        any(confidences.get(value, 1.0) < _DOUBTFUL and (not english or sounds_near(fact, value)) for value in instead)
        for fact, instead in facts.conflicts
    )

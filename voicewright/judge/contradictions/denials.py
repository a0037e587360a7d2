"""What a text denies: `not furnished`."""

from collections.abc import Iterator, Sequence

from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from voicewright.judge.contradictions.contradiction import Contradiction, Rule
from voicewright.judge.contradictions.texts import ComparedTexts
from voicewright.judge.text.stems import stem

_NEGATORS = frozenset({
    "not", "no", "never", "without", "n't", "cannot", "neither", "nor", "dont", "doesnt", "isnt", "arent", "cant", "wont",
    "didnt", "wasnt", "hasnt", "havent", "unable", "lacks",
})  # fmt: skip
_WITH_NT = frozenset({"do", "does", "is", "are", "ca", "wo", "did", "was", "has", "have", "could"})
_SCOPE = 4
"""Words after a negator that it denies."""
_ENDS_SCOPE = frozenset({"but", "and", "however", "they", "their", "the", "phone", "its", "it"})
"""Words that end a scope, except directly after the negator."""


def denied_words(texts: ComparedTexts) -> Iterator[Contradiction]:
    """Words that one text denies and the other affirms, as the expected answer has them."""
    expected, actual = _denials(texts.expected), _denials(texts.actual)
    for word in dict.fromkeys(texts.expected):
        denied = expected.pop(stem(word), None)
        if denied is not None and actual.get(stem(word), denied) is not denied:
            yield Contradiction(Rule.DENIED, expected=word)


def odd_negation(texts: ComparedTexts) -> Iterator[Contradiction]:
    """One contradiction if one text negates and the other does not, whatever the word that is negated."""
    if texts.negation_parity:
        yield Contradiction(Rule.NEGATION)


def _denials(words: Sequence[str]) -> dict[str, bool]:
    """Whether each content word of an English text, by its stem, stands in the scope of a negator anywhere."""
    found: dict[str, bool] = {}
    left = 0
    for word in words:
        if word in _NEGATORS or (word.endswith("nt") and word[:-2] in _WITH_NT):
            left = _SCOPE
            continue
        if word in _ENDS_SCOPE and left < _SCOPE:
            left = 0
        if word not in ENGLISH_STOP_WORDS and not word[0].isdigit():
            found[stem(word)] = found.get(stem(word), False) or left > 0
        left = max(0, left - 1)
    return found

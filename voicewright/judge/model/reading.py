"""Reads a pair without any neural model: its features, its contradictions, and which verdicts these forbid."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz

from voicewright.judge.contradictions import SHORT, ComparedTexts, Contradiction, Rule, find_contradictions
from voicewright.judge.contradictions.acts import negations
from voicewright.judge.contradictions.confusability import confusable
from voicewright.judge.facts import FactComparison, compare_facts
from voicewright.judge.model.doubt import all_doubtful, value_confidences, word_confidences
from voicewright.judge.model.features import feature_row
from voicewright.judge.pair import Condition, Pair, canonical
from voicewright.judge.text.alignment import Alignment, unmatched
from voicewright.judge.text.words import words

_CHOICE = re.compile(r"(?<!\d)/|/(?!\d)")
_MAX_ALTERNATIVES = 12
_EXAMPLE = re.compile(r"\b(?:e\.? ?g\b|z\. ?b\.|p\. ?e[jx]\.|ad es\.)", re.IGNORECASE)
"""`e.g.` in English, German, Spanish, French, Portuguese and Italian. Writers use it; nobody says it."""
_SIGNS = re.compile(r"(?<!\w)[-\u2212](?=\d)|[\u00a2\u00a5\u20a0-\u20cf]")
"""Minus signs and currency signs, which `words` drops."""
_READ = 120
"""Words that are aligned; a longer answer is an explanation and goes to a person anyway."""


@dataclass(frozen=True)
class Reading:
    """A pair, its features (shape (len(NAMES),), float32), and what was found in it."""

    pair: Pair
    features: NDArray[np.float32]
    facts: FactComparison
    missing: Alignment
    """Expected words that have no counterpart in the actual answer."""
    extra: Alignment
    """Words of the actual answer that have no counterpart in the expected one."""
    contradictions: tuple[Contradiction, ...] = ()
    verbatim: bool = False
    """The actual answer is the expected one, word for word."""
    misheard: bool = False
    """The answer may come from a recogniser, and every value that conflicts sounds like the expected one."""
    doubtful: bool = False
    """The recogniser was unsure of every value that conflicts, and each may be the expected one misheard."""
    exemplified: bool = False
    """The expected answer holds an example, which need not be said."""

    @property
    def forbids_pass(self) -> bool:
        """Whether a contradiction forbids an automatic pass, whatever the probability."""
        return any(found.forbids_pass for found in self.contradictions)

    @property
    def forbids_fail(self) -> bool:
        """Whether an automatic fail is forbidden, because what contradicts may be no contradiction.

        `not a good idea` may be `a bad idea`, and thirty may be thirteen misheard.
        """
        reworded = bool(self.missing.missing) and bool(self.extra.missing)
        other_words = bool(self.by_rule(Rule.NEGATION)) and (reworded or bool(self.by_rule(Rule.OPPOSITE)))
        return self.misheard or self.doubtful or self.exemplified or other_words

    def by_rule(self, *rules: Rule) -> list[Contradiction]:
        """The contradictions that these rules found."""
        return [found for found in self.contradictions if found.rule in rules]


def read(pair: Pair) -> Reading:
    """Read a pair. If the expected answer offers alternatives (`Exodus / Book of Exodus`), the nearest one counts."""
    options = alternatives(pair.expected)
    chosen = options[0]
    if len(options) > 1:
        expected_language, language = pair.languages
        actual = canonical(pair.actual, language)
        chosen = max(options, key=lambda option: _nearness(canonical(option, expected_language), actual))
    return _read(pair, chosen, len(options))


def _nearness(option: str, actual: str) -> tuple[bool, float]:
    """Containment first, then wording; between equals the full ratio favours the longer option."""
    return f" {option} " in f" {actual} ", fuzz.partial_ratio(option, actual) + fuzz.ratio(option, actual) / 10


def alternatives(expected: str) -> list[str]:
    """The alternatives of an expected answer: `a/b` with short parts offers two, `he/she will call` only itself."""
    parts = [part.strip() for part in _CHOICE.split(expected) if part.strip()]
    lengths = [len(part.split()) for part in parts]
    if len(parts) > 1 and max(lengths) <= min(2 * SHORT, 3 * min(lengths) + 2):
        return parts[:_MAX_ALTERNATIVES]
    return [expected]


def _read(pair: Pair, chosen: str, choices: int) -> Reading:
    texts = _compared(pair, chosen)
    contradictions = find_contradictions(texts)
    confusions = confusable(texts.facts)
    by_word = word_confidences(pair)
    by_value = value_confidences(texts.facts, by_word, pair.languages[1])
    features = feature_row(
        pair,
        texts,
        contradictions,
        choices=choices,
        confusions=len(confusions),
        confidences=by_word,
        conflict_confidence=max(by_value.values(), default=np.nan),
    )
    return Reading(
        pair,
        features,
        texts.facts,
        texts.missing,
        texts.extra,
        contradictions,
        verbatim=choices == 1 and _is_verbatim(pair, texts.facts, texts.expected, texts.actual),
        misheard=pair.condition is not Condition.WRITTEN and 0 < len(texts.facts.conflicts) <= len(confusions),
        doubtful=all_doubtful(texts.facts, by_value, english=texts.english),
        exemplified=_EXAMPLE.search(chosen) is not None,
    )


def _compared(pair: Pair, chosen: str) -> ComparedTexts:
    first, second = pair.languages
    expected, actual = words(chosen, first), words(pair.actual, second)
    canonical_expected, canonical_actual = canonical(chosen, first), canonical(pair.actual, second)
    return ComparedTexts(
        expected=expected,
        actual=actual,
        canonical_expected=canonical_expected,
        canonical_actual=canonical_actual,
        facts=compare_facts(chosen, pair.actual, second, expected_language=first, today=pair.today),
        missing=unmatched(expected[:_READ], actual[:_READ]),
        extra=unmatched(actual[:_READ], expected[:_READ]),
        negations=(negations(canonical_expected, first), negations(canonical_actual, second)),
        expected_text=chosen,
        actual_text=pair.actual,
        question=pair.question,
        language=pair.language,
        today=pair.today,
        english=(first, second) == ("en", "en"),
    )


def _is_verbatim(pair: Pair, facts: FactComparison, expected: Sequence[str], actual: Sequence[str]) -> bool:
    """Whether the words, every fact, every currency sign and every minus are the same, in one language."""
    same_words = bool(expected) and expected == actual and not facts.missing and not facts.extra
    first, second = pair.languages
    return same_words and first == second and _SIGNS.findall(pair.expected) == _SIGNS.findall(pair.actual)

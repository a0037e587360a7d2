"""The feature row of a pair: facts, content words, wording, polarity, speech acts, contradictions and confidence.

No neural model is needed. The shipped scorers were fitted on these columns, so their names, order and meaning are
fixed.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz

from voicewright.judge.contradictions import ComparedTexts, Contradiction, Rule
from voicewright.judge.contradictions.acts import ACTS, acts, polarity
from voicewright.judge.facts import CRITICAL, FactComparison, Kind, count
from voicewright.judge.model.doubt import confidence_summary
from voicewright.judge.pair import Pair
from voicewright.judge.text.alignment import Alignment, sounded
from voicewright.judge.text.vocabulary import is_rare
from voicewright.judge.text.words import words

NAMES: tuple[str, ...] = (
    *(f"missing_{kind}" for kind in Kind),
    *(f"extra_{kind}" for kind in Kind),
    "facts_expected", "facts_missing", "facts_extra", "conflicts", "critical_conflicts", "facts_matched_share",
    "words_expected", "words_actual", "words_ratio",
    "telling_expected", "telling_missing", "telling_missing_weight", "telling_missing_worst",
    "telling_missing_share",
    "telling_actual", "telling_extra", "telling_extra_weight", "telling_extra_worst", "telling_extra_share",
    "telling_swapped", "missing_in_question", "extra_in_question", "rare_missing", "rare_extra", "rare_swapped",
    "ratio", "token_sort", "token_set", "partial", "short_expected", "alternatives",
    "negations_expected", "negations_actual", "negation_parity", "polarity_expected", "polarity_actual",
    "polarity_clash",
    *(f"{act}_expected" for act in ACTS),
    *(f"{act}_actual" for act in ACTS),
    "success_clash", "across_languages", "denials", "miscounts", "polarity_words", "contained", "begins_with",
    "opposites", "sound_runs", "sound_mean", "sound_least", "sound_runs_back", "sound_mean_back", "sound_least_back",
    "confusable", "confidence", "confidence_least", "confidence_extra", "confidence_extra_least",
    "confidence_conflict",
)  # fmt: skip
"""Names of the columns, in order."""

_READ = 120
"""Words whose sound is compared; a longer answer is an explanation and goes to a person anyway."""


def feature_row(
    pair: Pair,
    texts: ComparedTexts,
    contradictions: Sequence[Contradiction],
    *,
    choices: int,
    confusions: int,
    confidences: Mapping[str, float],
    conflict_confidence: float,
) -> NDArray[np.float32]:
    """One number for each of `NAMES`, shape (len(NAMES),); NaN where not known.

    Args:
        pair: the pair.
        texts: its two texts, prepared for the rules.
        contradictions: what the rules found in them.
        choices: how many alternatives the expected answer offers.
        confusions: how many conflicting values a recogniser may have confused.
        confidences: the recogniser's confidence in each word, 0 to 1.
        conflict_confidence: its highest confidence in a conflicting value, 0 to 1.
    """
    found = Counter(one.rule for one in contradictions)
    wanted, heard = texts.expected, texts.actual
    return np.asarray(
        [
            *_facts(texts.facts),
            len(wanted), len(heard), len(heard) / max(1, len(wanted)),
            *_content_words(pair, texts.missing, texts.extra),
            *_wording(texts.canonical_expected, texts.canonical_actual),
            texts.is_bare, choices,
            *_polarity_and_acts(pair, texts),
            found[Rule.DENIED], found[Rule.MISCOUNT], found[Rule.DENIED] > 0 and texts.negation_parity,
            f" {' '.join(wanted)} " in f" {' '.join(heard)} ", bool(wanted) and heard[: len(wanted)] == wanted,
            found[Rule.OPPOSITE], *_by_sound(wanted, heard), *_by_sound(heard, wanted), confusions,
            *confidence_summary(pair, confidences, texts.extra), conflict_confidence,
        ],
        np.float32,
    )  # fmt: skip


def _facts(facts: FactComparison) -> Sequence[float]:
    conflicts = facts.conflicts
    critical = sum(fact.kind in CRITICAL for fact, _ in conflicts)
    wanted = len(facts.expected)
    share = 1 - len(facts.missing) / wanted if wanted else -1.0
    return (
        *(count(facts.missing, kind) for kind in Kind),
        *(count(facts.extra, kind) for kind in Kind),
        wanted, len(facts.missing), len(facts.extra), len(conflicts), critical, share,
    )  # fmt: skip


def _content_words(pair: Pair, missing: Alignment, extra: Alignment) -> Sequence[float]:
    """What of the content words was lost and added, and how much of that the question or no vocabulary holds."""
    question = set(words(pair.question, pair.languages[1]))
    return (
        *_alignment(missing),
        *_alignment(extra),
        min(_weight(missing), _weight(extra)),
        sum(word in question for word, _ in missing.missing),
        sum(word in question for word, _ in extra.missing),
        *_rare(missing, extra),
    )


def _alignment(alignment: Alignment) -> Sequence[float]:
    worst = min((near for _, near in alignment.missing), default=1.0)
    share = len(alignment.missing) / max(1, alignment.count)
    return alignment.count, len(alignment.missing), _weight(alignment), worst, share


def _weight(alignment: Alignment) -> float:
    return sum(1 - near for _, near in alignment.missing)


def _rare(missing: Alignment, extra: Alignment) -> Sequence[float]:
    """Weight of rare words, most of which are names: lost, added, and the lesser of the two."""
    lost = sum(1 - near for word, near in missing.missing if is_rare(word))
    added = sum(1 - near for word, near in extra.missing if is_rare(word))
    return lost, added, min(lost, added)


def _wording(expected: str, actual: str) -> Sequence[float]:
    ratios = (fuzz.ratio, fuzz.token_sort_ratio, fuzz.token_set_ratio, fuzz.partial_ratio)
    return [ratio(expected, actual) for ratio in ratios]


def _polarity_and_acts(pair: Pair, texts: ComparedTexts) -> Sequence[float]:
    first, second = pair.languages
    expected, actual = polarity(texts.canonical_expected, first), polarity(texts.canonical_actual, second)
    wanted, heard = acts(texts.canonical_expected, first), acts(texts.canonical_actual, second)
    return (
        *texts.negations, texts.negation_parity, expected, actual, expected * actual < 0,
        *(act in wanted for act in ACTS),
        *(act in heard for act in ACTS),
        _clash(wanted, heard), first != second,
    )  # fmt: skip


def _clash(expected: frozenset[str], actual: frozenset[str]) -> bool:
    """Whether one text reports a failure and the other does not, while one of them reports success."""
    return ("fails" in expected) != ("fails" in actual) and "succeeds" in expected | actual


def _by_sound(text: Sequence[str], other: Sequence[str]) -> Sequence[float]:
    found = sounded(text[:_READ], other[:_READ])
    return found.runs, found.mean, found.least

"""A pair of answers as numbers: facts, telling words, wording, polarity and acts. No model needed, any language."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz

from activities.checks.facts import (
    CRITICAL,
    Comparison,
    Fact,
    Kind,
    compare,
    confusable,
    count,
    find_facts,
    sounds_near,
)
from activities.checks.facts.acts import ACTS, acts, negations, polarity
from activities.checks.facts.claims import denials, miscounted, said_twice
from activities.checks.facts.incompatible import incompatible
from activities.checks.facts.names import Alignment, sounded, unmatched
from activities.checks.facts.opposites import opposites
from activities.checks.facts.relations import exceptions, turned
from activities.checks.meaning.pair import Condition, Pair, canonical
from activities.checks.meaning.proper_names import full_names, untitled
from activities.checks.meaning.vocabulary import is_rare
from activities.checks.spoken import words

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

SHORT = 5
"""Words up to which an expected answer is a bare fact rather than a sentence."""
_CHOICE = re.compile(r"(?<!\d)/|/(?!\d)")
_MAX_ALTERNATIVES = 12
_EXAMPLE = re.compile(r"\b(?:e\.? ?g\b|z\. ?b\.|p\. ?e[jx]\.|ad es\.)", re.IGNORECASE)
"""`e.g.`, and the same in German, Spanish, French, Portuguese and Italian: a writer's mark, which nobody says."""
_SIGNS = re.compile(r"(?<!\w)[-\u2212](?=\d)|[\u00a2\u00a5\u20a0-\u20cf]")
"""Minus, and signs of money that words do not keep."""
_PLAIN = 3
"""Words up to which an expected answer is a value, to which exceptions that are told besides take nothing away."""
_DOUBTFUL = 0.7
"""Confidence below which a value is doubtful: of right answers that a recogniser garbled three of four lie there."""
CLEAR = 0.6
"""A telling word whose nearest counterpart is less alike than this is missing, not misheard."""
_OTHER_NAME = 0.7
"""A surname whose nearest counterpart is less alike than this is another's."""
_READ = 120
"""Words that are aligned; what is longer is an explanation, and for people."""


@dataclass(frozen=True)
class Reading:
    """A pair, its features (shape (len(NAMES),), float32) and what a person can read of them."""

    pair: Pair
    features: NDArray[np.float32]
    comparison: Comparison
    missing: Alignment
    extra: Alignment
    denied: tuple[str, ...] = ()
    miscounts: tuple[tuple[str, str, str], ...] = ()
    opposed: tuple[tuple[str, str], ...] = ()
    swapped: tuple[tuple[str, str], ...] = ()
    """English: a word of a class, a direction, a doer, a time of what is done or an exception in another's place."""
    invented: tuple[Fact, ...] = ()
    """Critical facts in a sentence that neither the expected answer nor the question has, nor stand for another."""
    strangers: tuple[str, ...] = ()
    """Names in an English sentence that neither the expected answer nor the question has, nor stand for another."""
    repeated: str = ""
    """With which most of the answer says itself again."""
    verbatim: bool = False
    odd_negation: bool = False
    """English, and one of the two texts negates once more than the other."""
    misheard: bool = False
    """Heard by a recogniser, and all that conflicts are numbers that sound alike."""
    doubtful: bool = False
    """Every value that conflicts is one of which the recogniser was unsure, and can be the expected one misheard."""
    exemplified: bool = False
    """What is expected holds an example, which need not be said."""

    @property
    def vetoed(self) -> bool:
        """Another value where one was expected, a critical one more, or a contradiction: no automatic pass."""
        contradicts = self.comparison.conflicts or self.denied or self.miscounts or self.opposed or self.odd_negation
        return bool(contradicts or self.swapped or self.invented or self.strangers or self.repeated)

    @property
    def twisted(self) -> bool:
        """What contradicts may not: `not a good idea` may be `a bad idea`, thirty may be thirteen. For people."""
        swapped = bool(self.missing.missing) and bool(self.extra.missing)
        return (
            self.misheard
            or self.doubtful
            or self.exemplified
            or (self.odd_negation and (swapped or bool(self.opposed)))
        )


def read(pair: Pair, today: date | None = None) -> Reading:
    """Compare in every way that needs no model. Of alternatives (`Exodus / Book of Exodus`) the nearest counts."""
    options = alternatives(pair.expected)
    chosen = options[0]
    if len(options) > 1:
        expected_language, language = pair.languages
        actual = canonical(pair.actual, language)
        chosen = max(options, key=lambda option: _nearness(canonical(option, expected_language), actual))
    return _read(pair, chosen, len(options), today)


def _nearness(option: str, actual: str) -> tuple[bool, float]:
    """Containment first, then wording; a longer option wins a tie by its own ratio."""
    return f" {option} " in f" {actual} ", fuzz.partial_ratio(option, actual) + fuzz.ratio(option, actual) / 10


def alternatives(expected: str) -> list[str]:
    """`a/b` with short parts is a choice between them; `he/she will call` is none."""
    parts = [part.strip() for part in _CHOICE.split(expected) if part.strip()]
    lengths = [len(part.split()) for part in parts]
    if len(parts) > 1 and max(lengths) <= min(2 * SHORT, 3 * min(lengths) + 2):
        return parts[:_MAX_ALTERNATIVES]
    return [expected]


def _read(pair: Pair, chosen: str, choices: int, today: date | None) -> Reading:
    expected_language, language = pair.languages
    comparison = compare(chosen, pair.actual, language, expected_language=expected_language, today=today)
    expected, actual = canonical(chosen, expected_language), canonical(pair.actual, language)
    wanted, heard = words(chosen, expected_language), words(pair.actual, language)
    question = set(words(pair.question, language))
    missing, extra = unmatched(wanted[:_READ], heard[:_READ]), unmatched(heard[:_READ], wanted[:_READ])
    negated, negates = negations(expected, expected_language), negations(actual, language)
    said_yes, says_yes = polarity(expected, expected_language), polarity(actual, language)
    acts_expected, acts_actual = acts(expected, expected_language), acts(actual, language)
    english = (expected_language, language) == ("en", "en")
    denied = denials(wanted, heard) if english else []
    miscounts = miscounted(expected, actual) if english else []
    odd = english and (negated - negates) % 2 == 1
    opposed = _opposed(wanted, heard) if english else []
    confused = confusable(comparison)
    confidence = _confidences(pair)
    doubts = _doubts(comparison, confidence, language)
    row = [
        *(count(comparison.missing, kind) for kind in Kind),
        *(count(comparison.extra, kind) for kind in Kind),
        *_fact_counts(comparison),
        len(wanted), len(heard), len(heard) / max(1, len(wanted)),
        *_alignment(missing),
        *_alignment(extra),
        min(_weight(missing), _weight(extra)),
        sum(word in question for word, _ in missing.missing),
        sum(word in question for word, _ in extra.missing),
        *_rare(missing, extra),
        fuzz.ratio(expected, actual), fuzz.token_sort_ratio(expected, actual), fuzz.token_set_ratio(expected, actual),
        fuzz.partial_ratio(expected, actual), len(wanted) <= SHORT, choices,
        negated, negates, (negated - negates) % 2, said_yes, says_yes, said_yes * says_yes < 0,
        *(act in acts_expected for act in ACTS),
        *(act in acts_actual for act in ACTS),
        _clash(acts_expected, acts_actual), expected_language != language,
        len(denied), len(miscounts), bool(denied) and bool((negated - negates) % 2),
        f" {' '.join(wanted)} " in f" {' '.join(heard)} ", bool(wanted) and heard[: len(wanted)] == wanted,
        len(opposed), *_heard(wanted, heard), *_heard(heard, wanted), len(confused),
        *_confidence(pair, confidence, extra), max(doubts.values(), default=np.nan),
    ]  # fmt: skip
    return Reading(
        pair, np.asarray(row, np.float32), comparison, missing, extra, tuple(denied), tuple(miscounts), tuple(opposed),
        swapped=_swapped(wanted, heard, comparison) if english else (),
        invented=_invented(comparison, pair) if len(wanted) > SHORT else (),
        strangers=_strangers(missing, extra, pair) if english and len(wanted) > SHORT else (),
        repeated=said_twice(wanted[:_READ], heard[:_READ]),
        verbatim=choices == 1 and _same_words(pair, comparison, wanted, heard), odd_negation=odd,
        misheard=pair.condition is not Condition.WRITTEN and 0 < len(comparison.conflicts) <= len(confused),
        doubtful=_all_misheard(comparison, doubts, english=english),
        exemplified=_EXAMPLE.search(chosen) is not None,
    )  # fmt: skip


def _same_words(pair: Pair, comparison: Comparison, wanted: Sequence[str], heard: Sequence[str]) -> bool:
    """Word for word in one language, with every fact, sign of money and minus."""
    alike = bool(wanted) and wanted == heard and not comparison.missing and not comparison.extra
    first, second = pair.languages
    return alike and first == second and _SIGNS.findall(pair.expected) == _SIGNS.findall(pair.actual)


def _swapped(expected: Sequence[str], actual: Sequence[str], comparison: Comparison) -> tuple[tuple[str, str], ...]:
    """Units of durations that are the same, two weeks and 14 days, are none."""
    spans = [
        [fact for fact in facts if fact.kind is Kind.DURATION] for facts in (comparison.expected, comparison.heard)
    ]
    same = [fact for pair in product(*spans) if pair[0].same(pair[1]) for fact in pair]
    units = {word for fact in same for word in words(fact.said, "en")}
    wanted, heard = ([word for word in text if word not in units] for text in (expected, actual))
    found = [*incompatible(wanted, heard), *turned(expected, actual)]
    return tuple(found + (exceptions(expected, actual) if len(expected) > _PLAIN else []))


def _invented(comparison: Comparison, pair: Pair) -> tuple[Fact, ...]:
    lost = {fact.kind for fact in comparison.missing}
    asked = find_facts(pair.question, pair.language) if comparison.extra else []
    return tuple(
        fact
        for fact in comparison.extra
        if fact.kind in CRITICAL and fact.kind not in lost and not any(fact.same(other) for other in asked)
    )


def _strangers(missing: Alignment, extra: Alignment, pair: Pair) -> tuple[str, ...]:
    """Where a name may be lost in the expected answer, another may be that one misheard: the models weigh it."""
    if any(is_rare(word) for word, _ in missing.missing):
        return ()
    added = {word for word, near in extra.missing if near < _OTHER_NAME} - set(words(pair.question, pair.language))
    return tuple(
        name
        for name in full_names(pair.actual)
        if (last := words(untitled(name), pair.language)[-1:]) and not added.isdisjoint((last[0], f"{last[0]}s"))
    )


def _confidences(pair: Pair) -> dict[str, float]:
    """The least confidence of each word, as words are compared; empty where it is not known."""
    spoken = pair.actual.split()
    least: dict[str, float] = {}
    if len(spoken) == len(pair.confidence):
        for text, sure in zip(spoken, pair.confidence, strict=True):
            for word in words(text, pair.language):
                least[word] = min(sure, least.get(word, 1.0))
    return least


def _confidence(pair: Pair, least: dict[str, float], extra: Alignment) -> Sequence[float]:
    """Mean and least confidence of all words, and of those that were not expected; NaN where it is not known."""
    if not least:
        return (np.nan,) * 4
    added = [least[word] for word, _ in extra.missing if word in least] or [np.nan]
    return float(np.mean(pair.confidence)), min(pair.confidence), float(np.mean(added)), min(added)


def _doubts(comparison: Comparison, least: dict[str, float], language: str) -> dict[Fact, float]:
    """How sure the recogniser was of each conflicting value; without those of which that is not known.

    A value is as sure as its least sure word, wherever else that word was said. One that was read in another spelling
    (`$100 $4` as $104) is as sure as the least sure figure.
    """
    figures = [sure for word, sure in least.items() if any(sign.isdigit() for sign in word)]
    found = {}
    for other in dict.fromkeys(other for _, instead in comparison.conflicts for other in instead):
        sure = [least[word] for word in words(other.said, language) if word in least] or figures
        if sure:
            found[other] = min(sure)
    return found


def _all_misheard(comparison: Comparison, doubts: dict[Fact, float], *, english: bool) -> bool:
    """Whether each conflict may be the recogniser's: it was unsure, and what it heard sounds nearly as expected.

    A recogniser is also unsure of how to write what it heard well, 8:30 or 8.30. Only English numbers are compared by
    ear; of other languages doubt alone is enough.
    """
    return bool(comparison.conflicts) and all(
        any(doubts.get(other, 1.0) < _DOUBTFUL and (not english or sounds_near(fact, other)) for other in instead)
        for fact, instead in comparison.conflicts
    )


def _heard(text: Sequence[str], other: Sequence[str]) -> Sequence[float]:
    found = sounded(text[:_READ], other[:_READ])
    return found.runs, found.mean, found.least


def _opposed(expected: Sequence[str], actual: Sequence[str]) -> list[tuple[str, str]]:
    """Opposites, besides those of which one is a negation and counted as such."""
    said, wanted = set(actual), set(expected)
    lost = [word for word in expected[:_READ] if word not in said]
    added = [word for word in actual[:_READ] if word not in wanted]
    return [pair for pair in opposites(lost, added) if not any(negations(word, "en") for word in pair)]


def _fact_counts(comparison: Comparison) -> Sequence[float]:
    conflicts = comparison.conflicts
    critical = sum(fact.kind in CRITICAL for fact, _ in conflicts)
    wanted = len(comparison.expected)
    share = 1 - len(comparison.missing) / wanted if wanted else -1.0
    return wanted, len(comparison.missing), len(comparison.extra), len(conflicts), critical, share


def _weight(alignment: Alignment) -> float:
    return sum(1 - near for _, near in alignment.missing)


def _alignment(alignment: Alignment) -> Sequence[float]:
    worst = min((near for _, near in alignment.missing), default=1.0)
    share = len(alignment.missing) / max(1, alignment.count)
    return alignment.count, len(alignment.missing), _weight(alignment), worst, share


def _rare(missing: Alignment, extra: Alignment) -> Sequence[float]:
    """Words that no dictionary of common English holds are mostly names."""
    lost = sum(1 - near for word, near in missing.missing if is_rare(word))
    added = sum(1 - near for word, near in extra.missing if is_rare(word))
    return lost, added, min(lost, added)


def _clash(expected: frozenset[str], actual: frozenset[str]) -> bool:
    """One fails where the other does not, and one of them claims success."""
    return ("fails" in expected) != ("fails" in actual) and "succeeds" in expected | actual

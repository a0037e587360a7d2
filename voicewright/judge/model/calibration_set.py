"""The calibration set: labelled pairs as the judge scored them, without their text. Thresholds are chosen from it.

It is kept in buckets of language, type of response and condition. A threshold holds only for the bucket that it was
chosen from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voicewright.judge.contradictions import SHORT
from voicewright.judge.model.reading import Reading
from voicewright.judge.model.thresholds import Threshold, choose_threshold
from voicewright.judge.pair import Condition, Pair
from voicewright.judge.text.words import words
from voicewright.languages import base_language

_CHARACTERS_PER_WORD = 1.7
"""In languages that put no spaces between words."""
LONG_EXPECTED, LONG_ACTUAL, LONG_BARE = 34, 60, 70
"""Nearly all answers in dialogues, and answers to bare facts, have at most so many words; the encoder reads little
more."""


class ResponseType(StrEnum):
    """The kind of answer that is expected."""

    BARE = "bare fact"
    SENTENCE = "sentence"
    UNASKED = "unasked"
    """Said without a question, as a greeting is. The labelled data hold only answers to questions."""
    EXPLANATION = "explanation"
    """Free text at length. No method here judges it well enough, so a person does."""


@dataclass(frozen=True)
class Bucket:
    """Pairs that share their thresholds."""

    language: str
    response: ResponseType
    condition: Condition

    def __str__(self) -> str:
        return f"{self.language}, {self.response}, {self.condition}"


def bucket_of(pair: Pair) -> Bucket:
    """The bucket of a pair; its language is `across` if the two answers are in different languages."""
    first, second = pair.languages
    expected_words, actual_words = _length(pair.expected, first), _length(pair.actual, second)
    if expected_words > LONG_EXPECTED or actual_words > (LONG_ACTUAL if expected_words > SHORT else LONG_BARE):
        response = ResponseType.EXPLANATION
    elif (first, second) == ("en", "en") and not pair.question.strip():
        response = ResponseType.UNASKED
    else:
        is_bare = expected_words <= SHORT or "/" in pair.expected
        response = ResponseType.BARE if is_bare else ResponseType.SENTENCE
    return Bucket(first if first == second else "across", response, pair.condition)


def _length(text: str, language: str) -> float:
    return len(words(text, language)) / (_CHARACTERS_PER_WORD if base_language(language) in {"zh", "ja", "th"} else 1)


@dataclass(frozen=True)
class CalibrationRow:
    """One labelled pair: its bucket, its probability of a pass, its label, and which verdicts are forbidden to it."""

    bucket: Bucket
    probability: float
    passed: bool
    forbids_pass: bool
    forbids_fail: bool = False


@dataclass(frozen=True)
class Thresholds:
    """The thresholds of a bucket for passes and for fails; None if the calibration set supports none."""

    passing: Threshold | None
    failing: Threshold | None


class CalibrationSet:
    """Rows of all buckets."""

    def __init__(self, rows: Sequence[CalibrationRow]) -> None:
        self.rows = tuple(rows)

    def thresholds(self, bucket: Bucket, risk_pass: float, risk_fail: float, confidence: float) -> Thresholds:
        """The thresholds of a bucket. If its condition is unknown, the stricter ones of all conditions.

        Args:
            bucket: the bucket.
            risk_pass: share of automatic passes that may be wrong.
            risk_fail: share of automatic fails that may be wrong.
            confidence: probability with which either share must be kept.
        """
        return _thresholds(self, bucket, risk_pass, risk_fail, confidence)

    def dump(self) -> list[list[Any]]:
        """As JSON."""
        return [
            [
                row.bucket.language,
                row.bucket.response,
                row.bucket.condition,
                round(row.probability, 5),
                int(row.passed),
                int(row.forbids_pass),
                int(row.forbids_fail),
            ]
            for row in self.rows
        ]

    @classmethod
    def load(cls, stored: Sequence[Sequence[Any]]) -> "CalibrationSet":
        """Read what `dump` gave."""
        return cls(
            [
                CalibrationRow(
                    Bucket(language, ResponseType(kind), Condition(condition)), p, *(bool(flag) for flag in flags)
                )
                for language, kind, condition, p, *flags in stored
            ]
        )


@lru_cache(maxsize=500)
def _thresholds(
    rows: CalibrationSet, bucket: Bucket, risk_pass: float, risk_fail: float, confidence: float
) -> Thresholds:
    if bucket.response is ResponseType.EXPLANATION:
        return Thresholds(None, None)
    if bucket.condition is not Condition.UNKNOWN:
        return _of_rows([row for row in rows.rows if row.bucket == bucket], risk_pass, risk_fail, confidence)
    each = [
        rows.thresholds(Bucket(bucket.language, bucket.response, condition), risk_pass, risk_fail, confidence)
        for condition in (Condition.WRITTEN, Condition.RECOGNISED)
    ]
    return Thresholds(_stricter([one.passing for one in each]), _stricter([one.failing for one in each]))


def _of_rows(rows: Sequence[CalibrationRow], risk_pass: float, risk_fail: float, confidence: float) -> Thresholds:
    probability = np.array([row.probability for row in rows])
    passed = np.array([row.passed for row in rows], bool)
    no_pass = np.array([row.forbids_pass for row in rows], bool)
    no_fail = np.array([row.forbids_fail for row in rows], bool)
    would_pass: NDArray[np.bool_] = (probability > 0.5) & ~no_pass  # noqa: PLR2004 - the likelier verdict
    would_fail: NDArray[np.bool_] = (probability <= 0.5) & ~no_fail  # noqa: PLR2004
    return Thresholds(
        choose_threshold(probability[would_pass], ~passed[would_pass], risk_pass, confidence),
        choose_threshold(1 - probability[would_fail], passed[would_fail], risk_fail, confidence),
    )


def _stricter(thresholds: Sequence[Threshold | None]) -> Threshold | None:
    known = [threshold for threshold in thresholds if threshold is not None]
    return max(known, key=lambda threshold: threshold.at) if len(known) == len(thresholds) else None


def calibration_row(reading: Reading, probability: float, *, passed: bool) -> CalibrationRow:
    """The row of a labelled pair."""
    return CalibrationRow(bucket_of(reading.pair), probability, passed, reading.forbids_pass, reading.forbids_fail)

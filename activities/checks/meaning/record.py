"""What thresholds are chosen from: labelled pairs as the judge saw them, without their text.

A bucket is a language, a type of response and a condition. What was learnt in one says nothing about another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from activities.checks.meaning.features import SHORT, Reading
from activities.checks.meaning.pair import Condition, Pair
from activities.checks.meaning.risk import Threshold, choose
from activities.checks.spoken import words
from voicewright.languages import base_language

_NO_SPACES = 1.7
"""Characters that make a word where words have no spaces between them."""
LONG_EXPECTED, LONG_ACTUAL, LONG_BARE = 34, 60, 70
"""Words of nearly all answers in dialogues, and to bare facts; the encoder reads little more."""


class ResponseType(StrEnum):
    """What kind of answer is expected."""

    BARE = "bare fact"
    SENTENCE = "sentence"
    UNASKED = "unasked"
    """Said without a question, as a greeting is. The data hold answers alone."""
    EXPLANATION = "explanation"
    """Free text at length: no method here judges it well enough, so people do."""


@dataclass(frozen=True)
class Bucket:
    """Where a threshold holds."""

    language: str
    response: ResponseType
    condition: Condition

    def __str__(self) -> str:
        return f"{self.language}, {self.response}, {self.condition}"


def bucket_of(pair: Pair) -> Bucket:
    """The bucket of a pair; `across` where expected and actual answer are in two languages."""
    first, second = pair.languages
    wanted, heard = _length(pair.expected, first), _length(pair.actual, second)
    if wanted > LONG_EXPECTED or heard > (LONG_ACTUAL if wanted > SHORT else LONG_BARE):
        response = ResponseType.EXPLANATION
    elif (first, second) == ("en", "en") and not pair.question.strip():
        response = ResponseType.UNASKED
    else:
        response = ResponseType.BARE if wanted <= SHORT or "/" in pair.expected else ResponseType.SENTENCE
    return Bucket(first if first == second else "across", response, pair.condition)


def _length(text: str, language: str) -> float:
    return len(words(text, language)) / (_NO_SPACES if base_language(language) in {"zh", "ja", "th"} else 1)


@dataclass(frozen=True)
class Row:
    """One labelled pair."""

    bucket: Bucket
    probability: float
    passed: bool
    vetoed: bool
    twisted: bool = False


@dataclass(frozen=True)
class Limits:
    """What is sure enough in a bucket; None where nothing is."""

    passing: Threshold | None
    failing: Threshold | None


class Record:
    """Labelled pairs of all buckets."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = tuple(rows)

    def limits(self, bucket: Bucket, risk_pass: float, risk_fail: float, confidence: float) -> Limits:
        """Thresholds of a bucket. Of an unknown condition, the stricter of all that there are."""
        return _limits(self, bucket, risk_pass, risk_fail, confidence)

    def dump(self) -> list[list[Any]]:
        """As JSON."""
        return [
            [
                r.bucket.language,
                r.bucket.response,
                r.bucket.condition,
                round(r.probability, 5),
                int(r.passed),
                int(r.vetoed),
                int(r.twisted),
            ]
            for r in self.rows
        ]

    @classmethod
    def load(cls, stored: Sequence[Sequence[Any]]) -> "Record":
        """Back from JSON."""
        return cls(
            [
                Row(Bucket(language, ResponseType(kind), Condition(condition)), p, *(bool(one) for one in flags))
                for language, kind, condition, p, *flags in stored
            ]
        )


@lru_cache(maxsize=500)
def _limits(record: Record, bucket: Bucket, risk_pass: float, risk_fail: float, confidence: float) -> Limits:
    if bucket.response is ResponseType.EXPLANATION:
        return Limits(None, None)
    if bucket.condition is not Condition.UNKNOWN:
        return _of_rows([row for row in record.rows if row.bucket == bucket], risk_pass, risk_fail, confidence)
    each = [
        record.limits(Bucket(bucket.language, bucket.response, condition), risk_pass, risk_fail, confidence)
        for condition in (Condition.WRITTEN, Condition.RECOGNISED)
    ]
    return Limits(_stricter([limits.passing for limits in each]), _stricter([limits.failing for limits in each]))


def _of_rows(rows: Sequence[Row], risk_pass: float, risk_fail: float, confidence: float) -> Limits:
    probability = np.array([row.probability for row in rows])
    passed = np.array([row.passed for row in rows], bool)
    vetoed = np.array([row.vetoed for row in rows], bool)
    would_pass: NDArray[np.bool_] = (probability > 0.5) & ~vetoed  # noqa: PLR2004 - the likelier verdict
    twisted = np.array([row.twisted for row in rows], bool)
    would_fail: NDArray[np.bool_] = (probability <= 0.5) & ~twisted  # noqa: PLR2004
    return Limits(
        choose(probability[would_pass], ~passed[would_pass], risk_pass, confidence),
        choose(1 - probability[would_fail], passed[would_fail], risk_fail, confidence),
    )


def _stricter(thresholds: Sequence[Threshold | None]) -> Threshold | None:
    known = [threshold for threshold in thresholds if threshold is not None]
    return max(known, key=lambda threshold: threshold.at) if len(known) == len(thresholds) else None


def row_of(reading: Reading, probability: float, *, passed: bool) -> Row:
    """A labelled pair as it is kept."""
    return Row(bucket_of(reading.pair), probability, passed, reading.vetoed, reading.twisted)

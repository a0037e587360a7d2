"""What the judge reads: an expected and an actual answer, and the question that they answer."""

import re
from dataclasses import dataclass
from enum import StrEnum

from activities.checks.facts import Comparison
from activities.checks.facts.amounts import decimal_points
from activities.checks.spoken import digits, unabbreviated
from voicewright.languages import base_language

_EDGE = re.compile(r"(?<!\d)[.,:;!?\"“”«»()\[\]…。、，！？：；（）]+|[.,:;!?\"“”«»()\[\]…。、，！？：；（）]+(?!\d)")  # noqa: RUF001 - full-width signs
QUESTION_WORDS = 12
"""Words of a question's end that the encoder reads."""


class Condition(StrEnum):
    """How the actual answer became text."""

    WRITTEN = "written"
    RECOGNISED = "recognised"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Pair:
    """An expected answer, the actual one, and the question; any language may be on either side."""

    expected: str
    actual: str
    question: str = ""
    language: str = "en"
    condition: Condition = Condition.UNKNOWN
    expected_language: str | None = None
    confidence: tuple[float, ...] = ()
    """The recogniser's, 0 to 1, for each word of `actual`; empty where it is not known."""

    @property
    def languages(self) -> tuple[str, str]:
        """Base languages of the expected and of the actual answer."""
        return base_language(self.expected_language or self.language), base_language(self.language)


def canonical(text: str, language: str) -> str:
    """One spelling for written and recognised text: lower case, digits for number words, no punctuation at edges."""
    plain = _EDGE.sub(" ", digits(text, language)).split()
    return " ".join(unabbreviated(plain, language))


def encoder_texts(pair: Pair, comparison: Comparison) -> tuple[str, str]:
    """The two segments that the encoder reads: question and expected answer; actual answer.

    Facts of one value get the expected spelling: that `1020` is `10:20` is known, and no model must guess it.
    """
    expected_language, language = pair.languages
    question = " ".join(canonical(pair.question, language).split()[-QUESTION_WORDS:])
    return f"{question} | {canonical(pair.expected, expected_language)}", canonical(
        _respelt(pair.actual, language, comparison), language
    )


def _respelt(text: str, language: str, comparison: Comparison) -> str:
    plain = decimal_points(digits(text, language), language)
    for said, expected in comparison.respelt:
        plain = re.sub(rf"(?<!\w){re.escape(said)}(?!\w)", lambda _, put=expected: put, plain, count=1)  # type: ignore[misc]
    return plain


def styled(text: str) -> Condition:
    """Text with capitals or punctuation was written; bare lower-case words may come from a recogniser."""
    cased = any(sign.lower() != sign.upper() for sign in text)
    plain = not any(sign in ".,!?;:" for sign in text) and text == text.lower()
    return Condition.UNKNOWN if cased and plain else Condition.WRITTEN

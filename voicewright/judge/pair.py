"""The input of the judge: an expected answer, an actual answer, and the question that they answer."""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from voicewright.judge.facts import FactComparison
from voicewright.judge.facts.figures import decimal_points
from voicewright.judge.text.words import digits, unabbreviated
from voicewright.languages import base_language

_EDGE = re.compile(r"(?<!\d)[.,:;!?\"“”«»()\[\]…。、，！？：；（）]+|[.,:;!?\"“”«»()\[\]…。、，！？：；（）]+(?!\d)")  # noqa: RUF001 - full-width signs
QUESTION_WORDS = 12
"""The encoder reads only so many words of a question, from its end."""


class Condition(StrEnum):
    """How the actual answer became text."""

    WRITTEN = "written"
    RECOGNISED = "recognised"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Pair:
    """An expected answer, the actual answer and the question. The two answers may be in different languages.

    `language` is that of the question and of the actual answer, and of the expected one unless `expected_language` is
    set.
    """

    expected: str
    actual: str
    question: str = ""
    language: str = "en"
    condition: Condition = Condition.UNKNOWN
    expected_language: str | None = None
    confidence: tuple[float, ...] = ()
    """The recogniser's confidence, 0 to 1, in each word of `actual`; empty if not known."""
    today: date | None = None
    """The day of the call. With it, `tomorrow` is a calendar date."""

    @property
    def languages(self) -> tuple[str, str]:
        """Base languages of the expected and of the actual answer."""
        return base_language(self.expected_language or self.language), base_language(self.language)


def canonical(text: str, language: str) -> str:
    """One spelling for written and recognised text: lower case, digits for number words, no outer punctuation."""
    plain = _EDGE.sub(" ", digits(text, language)).split()
    return " ".join(unabbreviated(plain, language))


def encoder_texts(pair: Pair, facts: FactComparison) -> tuple[str, str]:
    """The two segments that the encoder reads: question and expected answer, then the actual answer.

    Facts with equal values get the expected spelling, so that the model need not guess that `1020` is `10:20`.
    """
    expected_language, language = pair.languages
    question = " ".join(canonical(pair.question, language).split()[-QUESTION_WORDS:])
    return f"{question} | {canonical(pair.expected, expected_language)}", canonical(
        _respelt(pair.actual, language, facts), language
    )


def _respelt(text: str, language: str, facts: FactComparison) -> str:
    plain = decimal_points(digits(text, language), language)
    for said, expected in facts.respelt:
        plain = re.sub(rf"(?<!\w){re.escape(said)}(?!\w)", lambda _, put=expected: put, plain, count=1)  # type: ignore[misc]
    return plain


def styled(text: str) -> Condition:
    """Guess the condition of a text: capitals or punctuation were written, bare lower-case words may be recognised."""
    cased = any(sign.lower() != sign.upper() for sign in text)
    plain = not any(sign in ".,!?;:" for sign in text) and text == text.lower()
    return Condition.UNKNOWN if cased and plain else Condition.WRITTEN

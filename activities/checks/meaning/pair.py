"""What the judge reads: an expected and an actual answer, and the question that they answer."""

import re
from dataclasses import dataclass
from enum import StrEnum

from activities.checks.spoken import digits
from voicewright.languages import base_language

_EDGE = re.compile(r"(?<!\d)[.,:;!?\"“”«»()\[\]…。、，！？：；（）]+|[.,:;!?\"“”«»()\[\]…。、，！？：；（）]+(?!\d)")  # noqa: RUF001 - full-width signs


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

    @property
    def languages(self) -> tuple[str, str]:
        """Base languages of the expected and of the actual answer."""
        return base_language(self.expected_language or self.language), base_language(self.language)


def canonical(text: str, language: str) -> str:
    """One spelling for written and recognised text: lower case, digits for number words, no punctuation at edges."""
    return " ".join(_EDGE.sub(" ", digits(text, language)).split())


QUESTION_WORDS = 12
"""Words of a question's end that the encoder reads."""


def encoder_texts(pair: Pair) -> tuple[str, str]:
    """The two segments that the encoder reads: question and expected answer; actual answer."""
    expected_language, language = pair.languages
    question = " ".join(canonical(pair.question, language).split()[-QUESTION_WORDS:])
    return f"{question} | {canonical(pair.expected, expected_language)}", canonical(pair.actual, language)


def styled(text: str) -> Condition:
    """Text with capitals or punctuation was written; bare lower-case words may come from a recogniser."""
    cased = any(sign.lower() != sign.upper() for sign in text)
    plain = not any(sign in ".,!?;:" for sign in text) and text == text.lower()
    return Condition.UNKNOWN if cased and plain else Condition.WRITTEN

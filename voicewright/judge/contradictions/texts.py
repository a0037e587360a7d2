"""The two texts of a pair, prepared once for all rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from voicewright.judge.facts import FactComparison
from voicewright.judge.text.alignment import Alignment

LONG = 120
"""Words from which on a text is not compared word by word."""
SHORT = 5
"""An expected answer of at most so many words is a bare fact, not a sentence."""


@dataclass(frozen=True)
class ComparedTexts:
    """An expected and an actual answer in every form that a rule reads."""

    expected: Sequence[str]
    """Words of the expected answer, as `text.words.words` gives them."""
    actual: Sequence[str]
    """Words of the actual answer."""
    canonical_expected: str
    canonical_actual: str
    facts: FactComparison
    missing: Alignment
    """Expected words that have no counterpart in the actual answer."""
    extra: Alignment
    """Words of the actual answer that have no counterpart in the expected one."""
    negations: tuple[int, int]
    """How many negations the expected and the actual answer have."""
    expected_text: str
    """The expected answer with its capitals and punctuation."""
    actual_text: str
    """The actual answer, likewise."""
    question: str
    language: str
    today: date | None
    """The day of the call."""
    english: bool
    """Whether both answers are in English."""

    @property
    def is_long(self) -> bool:
        """Whether one of the texts is an explanation, which goes to a person anyway: not worth comparing each word."""
        return max(len(self.expected), len(self.actual)) > LONG

    @property
    def is_bare(self) -> bool:
        """Whether a bare fact is expected. Anything else in the answer then counts as harmless."""
        return len(self.expected) <= SHORT

    @property
    def negation_parity(self) -> int:
        """1 if the numbers of negations differ by an odd number, else 0."""
        expected, actual = self.negations
        return (expected - actual) % 2

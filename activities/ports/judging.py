"""What the steps need of judges."""

from collections.abc import Sequence
from typing import Protocol

from voicewright.contracts.base import Contract
from voicewright.judge.pair import Pair
from voicewright.judge.verdict import Judgement


class MeaningJudge(Protocol):
    """Whether answers say what was expected."""

    @property
    def name(self) -> str:
        """Version, for the record."""

    def judge(self, pairs: Sequence[Pair], risk: float | None = None) -> list[Judgement]:
        """One judgement for each pair, in order. Blocking.

        Args:
            pairs: expected and actual answers.
            risk: share of automatic verdicts that may be wrong; the installation's where it is None.
        """


class Vote(Contract):
    """One sample of a rubric's judge. `holds` is None where it could not say, or said nothing that counts."""

    holds: bool | None
    reason: str


class Ballot(Contract):
    """What a rubric's judge says of one answer, several times over."""

    judge: str
    """Model as its server named it, version of the prompt and number of samples; empty where nobody was asked."""
    votes: tuple[Vote, ...]
    samples: int = 0
    """How many votes were asked for."""
    problem: str = ""
    """Why votes are missing, in a sentence that says how to mend it."""


class RubricJudge(Protocol):
    """Somebody who holds an answer against a rubric."""

    def vote(self, rubric: str, answer: str, *, question: str | None, language: str) -> Ballot:
        """Ask several times over. Blocking. A judge that cannot be had is a `problem`, never an exception.

        Args:
            rubric: what the suite's author demands; trusted.
            answer: the agent's words; anything may stand in them.
            question: what the caller had said; None where the agent speaks first.
            language: the conversation's language.

        Raises:
            StoreError: the object store failed; worth trying again.
            ContendedError: it was too busy to keep count of what is spent.
        """

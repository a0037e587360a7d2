"""What the judge of meaning says, and how much error it may make."""

from dataclasses import dataclass
from enum import StrEnum


class Sentence(StrEnum):
    """What the judge says of a pair."""

    PASS = "pass"
    FAIL = "fail"
    REVIEW = "review"


@dataclass(frozen=True)
class Appetite:
    """How much error is allowed. The dearer kind of error is allowed less, never the cheaper one more."""

    risk: float = 0.003
    confidence: float = 0.95
    false_pass_cost: float = 1.0
    false_fail_cost: float = 1.0

    @property
    def passing(self) -> float:
        """Share of automatic passes that may be wrong."""
        return self.risk * min(1.0, self.false_fail_cost / self.false_pass_cost)

    @property
    def failing(self) -> float:
        """Share of automatic fails that may be wrong."""
        return self.risk * min(1.0, self.false_pass_cost / self.false_fail_cost)


@dataclass(frozen=True)
class Judgement:
    """`p_pass` is calibrated. `because` says why a person is asked; empty for an automatic verdict."""

    p_pass: float
    sentence: Sentence
    evidence: tuple[str, ...]
    because: str = ""
    bucket: str = ""

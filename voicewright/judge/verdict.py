"""Verdicts of the judge, and the risk that it may take."""

from dataclasses import dataclass
from enum import StrEnum

from voicewright.contracts.check import Finding


class MeaningVerdict(StrEnum):
    """The verdict on a pair."""

    PASS = "pass"
    FAIL = "fail"
    REVIEW = "review"


class ReviewReason(StrEnum):
    """Why a pair goes to a person; `evidence.reason_text` gives the words."""

    NO_WORDS = "no_words"
    TOO_LONG = "too_long"
    FEW_LABELS = "few_labels"
    OUT_OF_DISTRIBUTION = "out_of_distribution"
    CONTRADICTED = "contradicted"
    UNSURE = "unsure"
    DOUBTFUL_VALUE = "doubtful_value"
    SOUNDS_ALIKE = "sounds_alike"
    EXAMPLE = "example"
    OTHER_WORDS = "other_words"
    RULE_UNSURE = "rule_unsure"


@dataclass(frozen=True)
class RiskPolicy:
    """The share of automatic verdicts that may be wrong, and the confidence with which that is kept.

    `risk` and `confidence` are between 0 and 1. The costs are relative: the costlier kind of error gets a smaller risk,
    and the cheaper kind never a larger one.
    """

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
    """The judgement of one pair. `p_pass` is a calibrated probability; `reason` is set if a person is asked."""

    p_pass: float
    verdict: MeaningVerdict
    findings: tuple[Finding, ...] = ()
    reason: ReviewReason | None = None
    bucket: str = ""

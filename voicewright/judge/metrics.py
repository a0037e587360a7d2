"""Metrics of verdicts on labelled pairs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from voicewright.judge.verdict import Judgement, MeaningVerdict


@dataclass(frozen=True)
class Metrics:
    """Metrics of the verdicts on `pairs`. `auc` is the ROC-AUC; None if all labels are the same."""

    pairs: int
    auc: float | None
    calibration_error: float
    passes: int
    false_passes: int
    fails: int
    false_fails: int

    @property
    def automatic(self) -> int:
        """How many verdicts need no person."""
        return self.passes + self.fails

    def cells(self) -> tuple[str, ...]:
        """Table cells: share of automatic verdicts, of right ones with Wilson's interval, false passes and fails."""
        wrong = self.false_passes + self.false_fails
        right = "-"
        if self.automatic:
            low, high = wilson(self.automatic - wrong, self.automatic)
            right = f"{1 - wrong / self.automatic:.2%} ({low:.2%} to {high:.2%})"
        return (
            f"{self.automatic / self.pairs:.1%}",
            right,
            f"{self.false_passes} of {self.passes}",
            f"{self.false_fails} of {self.fails}",
        )


def measure(judgements: Sequence[Judgement], labels: Sequence[bool]) -> Metrics:
    """Metrics of judgements against labels (whether a pair passed), both of length n and in the same order."""
    passed = np.array(labels, np.bool_)
    p = np.array([judgement.p_pass for judgement in judgements])
    yes = np.array([judgement.verdict is MeaningVerdict.PASS for judgement in judgements])
    no = np.array([judgement.verdict is MeaningVerdict.FAIL for judgement in judgements])
    return Metrics(
        pairs=len(passed),
        auc=float(roc_auc_score(passed, p)) if 0 < passed.mean() < 1 else None,
        calibration_error=calibration_error(p, passed),
        passes=int(yes.sum()),
        false_passes=int((yes & ~passed).sum()),
        fails=int(no.sum()),
        false_fails=int((no & passed).sum()),
    )


def wilson(right: int, count: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson, 1927), 95 % by default; (0, 1) if `count` is 0."""
    if count == 0:
        return 0.0, 1.0
    share = right / count
    middle = share + z * z / (2 * count)
    spread = z * np.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return float((middle - spread) / scale), float((middle + spread) / scale)


def calibration_error(probability: NDArray[np.float64], label: NDArray[np.bool_], bins: int = 10) -> float:
    """Expected calibration error over equal-width bins (Guo et al., "On Calibration of Modern Neural Networks", 2017).

    Both arrays have shape (n,).
    """
    if not len(probability):
        return 0.0
    index = np.minimum((probability * bins).astype(int), bins - 1)
    gaps = [
        abs(float(label[index == b].mean()) - float(probability[index == b].mean())) * int((index == b).sum())
        for b in range(bins)
        if (index == b).any()
    ]
    return float(sum(gaps) / len(probability))


def share_over(risks: Sequence[float], target: float) -> float:
    """Share of the measured risks that exceed the target."""
    return sum(risk > target for risk in risks) / len(risks) if risks else 0.0

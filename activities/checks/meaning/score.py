"""How good verdicts on labelled pairs are: the figures that a table shows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score

from activities.checks.meaning.risk import calibration_error, wilson
from activities.checks.meaning.sentence import Judgement, Sentence


@dataclass(frozen=True)
class Score:
    """Counts of verdicts on `pairs`; `auc` is None where all labels are alike."""

    pairs: int
    auc: float | None
    error: float
    passes: int
    false_passes: int
    fails: int
    false_fails: int

    @property
    def automatic(self) -> int:
        """Verdicts that need nobody."""
        return self.passes + self.fails

    def cells(self) -> tuple[str, ...]:
        """Share of automatic verdicts, share of right ones with Wilson's interval, false passes, false fails."""
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


def score(judgements: Sequence[Judgement], labels: Sequence[bool]) -> Score:
    """Of one judgement per label, in the same order."""
    passed = np.array(labels, np.bool_)
    p = np.array([judgement.p_pass for judgement in judgements])
    yes = np.array([judgement.sentence is Sentence.PASS for judgement in judgements])
    no = np.array([judgement.sentence is Sentence.FAIL for judgement in judgements])
    return Score(
        pairs=len(passed),
        auc=float(roc_auc_score(passed, p)) if 0 < passed.mean() < 1 else None,
        error=calibration_error(p, passed),
        passes=int(yes.sum()),
        false_passes=int((yes & ~passed).sum()),
        fails=int(no.sum()),
        false_fails=int((no & passed).sum()),
    )

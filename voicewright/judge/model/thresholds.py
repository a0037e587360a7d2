"""Chooses thresholds that bound the share of wrong automatic verdicts.

Selective classification (Geifman and El-Yaniv, "Selective Classification for Deep Neural Networks", 2017) with the
exact binomial bound of Clopper and Pearson, tested in a fixed order (Angelopoulos et al., "Learn then Test", 2021):
from the most confident verdicts to the least, until the share of wrong ones can no longer be shown to be small enough.
Several chains start at different depths and share the allowed error probability, so that one mislabelled pair among
the most confident ones does not end them all.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

_STARTS = (1.05, 1.7, 2.6)
"""Where the chains start, as multiples of the verdicts that a faultless calibration set would need."""
_STEP = 1.04


@dataclass(frozen=True)
class Threshold:
    """Verdicts with a confidence of at least `at` are automatic.

    The calibration set has `count` of them, `wrong` of which are wrong; `bound` is the upper bound on the share of
    wrong ones.
    """

    at: float
    count: int
    wrong: int
    bound: float


def upper_bound(wrong: int, count: int, confidence: float) -> float:
    """The upper bound of Clopper and Pearson (1934) on a share of which `wrong` of `count` were seen."""
    if count == 0 or wrong >= count:
        return 1.0
    return float(beta.ppf(confidence, wrong + 1, count - wrong))


def needed(risk: float, confidence: float) -> int:
    """How many verdicts, all of them right, show that the share of wrong ones is at most `risk`."""
    return int(np.ceil(np.log(1 - confidence) / np.log(1 - risk)))


def choose_threshold(
    scores: NDArray[np.float64], wrong: NDArray[np.bool_], risk: float, confidence: float
) -> Threshold | None:
    """The lowest score from which the share of wrong verdicts is at most `risk`; None if the data cannot show it.

    Args:
        scores: shape (n,), the probability of each verdict.
        wrong: shape (n,), whether each verdict would have been wrong.
        risk: the share of wrong verdicts that is allowed, 0 to 1.
        confidence: the probability with which `risk` must be kept, 0 to 1.
    """
    if not len(scores):
        return None
    order = np.argsort(-scores, kind="stable")
    ranked, errors = scores[order], np.cumsum(wrong[order].astype(np.int64))
    each = 1 - (1 - confidence) / len(_STARTS)
    best: Threshold | None = None
    for start in _STARTS:
        found = _chain(ranked, errors, int(needed(risk, each) * start), risk, each)
        if found is not None and (best is None or found.count > best.count):
            best = found
    return best


def _chain(
    ranked: NDArray[np.float64], errors: NDArray[np.int64], start: int, risk: float, confidence: float
) -> Threshold | None:
    best: Threshold | None = None
    count = start
    while count <= len(ranked):
        # Verdicts with equal scores are taken together or not at all.
        whole = int(np.searchsorted(-ranked, -ranked[count - 1], side="right"))
        bound = upper_bound(int(errors[whole - 1]), whole, confidence)
        if bound > risk:
            break
        best = Threshold(float(ranked[whole - 1]), whole, int(errors[whole - 1]), bound)
        if whole == len(ranked):
            break
        count = min(len(ranked), max(whole + 1, int(whole * _STEP)))
    return best

"""How sure is sure enough: thresholds with a guarantee.

Selective classification (Geifman and El-Yaniv, "Selective Classification for Deep Neural Networks", 2017) with the
exact binomial bound of Clopper and Pearson, tested in a fixed order (Angelopoulos et al., "Learn then Test", 2021):
from the surest verdicts to the less sure, until the share of wrong ones can no longer be shown to be small
enough. Several chains start at different depths and share the allowed error, so that one mislabelled pair among the
surest does not end it all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

_STARTS = (1.05, 1.7, 2.6)
"""Depths at which chains start, as multiples of what a faultless record would need."""
_STEP = 1.04


@dataclass(frozen=True)
class Threshold:
    """Verdicts as sure as `at` are taken. `count` were seen, `wrong` of them wrong; `bound` is what that proves."""

    at: float
    count: int
    wrong: int
    bound: float


def upper_bound(wrong: int, count: int, confidence: float) -> float:
    """Clopper-Pearson: with `confidence`, the true share of wrong ones is at most this."""
    if count == 0 or wrong >= count:
        return 1.0
    return float(beta.ppf(confidence, wrong + 1, count - wrong))


def needed(risk: float, confidence: float) -> int:
    """Verdicts without one error that it takes to show `risk`."""
    return int(np.ceil(np.log(1 - confidence) / np.log(1 - risk)))


def choose(sureness: NDArray[np.float64], wrong: NDArray[np.bool_], risk: float, confidence: float) -> Threshold | None:
    """The least sureness at which the share of wrong verdicts is at most `risk`; None where the data cannot show it.

    Args:
        sureness: shape (n,), higher is surer.
        wrong: shape (n,), whether that verdict would have been wrong.
        risk: the share of wrong verdicts that is allowed.
        confidence: how sure to be of that.
    """
    if not len(sureness):
        return None
    order = np.argsort(-sureness, kind="stable")
    ranked, errors = sureness[order], np.cumsum(wrong[order].astype(np.int64))
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
        # Equal sureness is one verdict's fate: all of them or none.
        whole = int(np.searchsorted(-ranked, -ranked[count - 1], side="right"))
        bound = upper_bound(int(errors[whole - 1]), whole, confidence)
        if bound > risk:
            break
        best = Threshold(float(ranked[whole - 1]), whole, int(errors[whole - 1]), bound)
        if whole == len(ranked):
            break
        count = min(len(ranked), max(whole + 1, int(whole * _STEP)))
    return best


def wilson(right: int, count: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's interval of a share; (0, 1) of nothing."""
    if count == 0:
        return 0.0, 1.0
    share = right / count
    middle = share + z * z / (2 * count)
    spread = z * np.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return float((middle - spread) / scale), float((middle + spread) / scale)


def calibration_error(probability: NDArray[np.float64], label: NDArray[np.bool_], bins: int = 10) -> float:
    """Expected calibration error over equal-width bins (Guo et al., 2017)."""
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
    """Share of realised risks above the target."""
    return sum(risk > target for risk in risks) / len(risks) if risks else 0.0

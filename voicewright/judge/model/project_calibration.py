"""A project's own calibration, fitted to what its people decided. It never allows more risk than was asked for.

Platt scaling moves the shipped probabilities, and a bucket with enough decisions gets thresholds of its own, at the
same risk and confidence. If decisions show that a shipped threshold errs more often than allowed, it is withdrawn:
those answers go to people until the data support a verdict again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from voicewright.judge.model.calibration_set import Bucket, CalibrationRow, CalibrationSet, Thresholds
from voicewright.judge.model.scorer import platt, sigmoid
from voicewright.judge.verdict import RiskPolicy

_FEW = 1.0
"""`C` of the fit, small: a few decisions that agree must not make every probability extreme."""
MIN_DECISIONS = 40
"""Decisions, at least a tenth of them passes and a tenth fails, that a line of their own takes."""


@dataclass(frozen=True)
class Calibration:
    """`slope` and `shift` act on the log-odds of the shipped probability. `calibration_set` holds the decisions."""

    version: int
    made_at: str
    slope: float
    shift: float
    calibration_set: CalibrationSet

    def probability(self, p: NDArray[np.float64]) -> NDArray[np.float64]:
        """The project's probabilities for shipped ones, both of shape (n,)."""
        return sigmoid(self.slope * _odds(p) + self.shift)

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "version": self.version,
            "made_at": self.made_at,
            "slope": self.slope,
            "shift": self.shift,
            "record": self.calibration_set.dump(),
        }

    @classmethod
    def load(cls, body: dict[str, Any]) -> "Calibration":
        """Read what `dump` gave."""
        return cls(body["version"], body["made_at"], body["slope"], body["shift"], CalibrationSet.load(body["record"]))

    def thresholds(self, shipped: Thresholds, bucket: Bucket, policy: RiskPolicy) -> Thresholds:
        """The project's thresholds of a bucket, from the shipped ones and its own decisions."""
        return _thresholds(self, shipped, bucket, policy)


def _odds(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-odds of probabilities, kept finite."""
    odds: NDArray[np.float64] = np.log(np.clip(p, 1e-6, 1 - 1e-6) / np.clip(1 - p, 1e-6, 1))
    return odds


@lru_cache(maxsize=500)
def _thresholds(calibration: Calibration, shipped: Thresholds, bucket: Bucket, policy: RiskPolicy) -> Thresholds:
    own = calibration.calibration_set.thresholds(bucket, policy.passing, policy.failing, policy.confidence)
    shipped = _on_scale_of(calibration, shipped)
    mine = [row for row in calibration.calibration_set.rows if row.bucket == bucket]
    passing = own.passing or (None if _errs(mine, shipped, policy, passes=True) else shipped.passing)
    failing = own.failing or (None if _errs(mine, shipped, policy, passes=False) else shipped.failing)
    return Thresholds(passing, failing)


def _on_scale_of(calibration: Calibration, shipped: Thresholds) -> Thresholds:
    """The shipped thresholds as probabilities of this project, so that the same answers pass them.

    None if the slope is not positive: the order of the answers is then lost.
    """
    if calibration.slope <= 0:
        return Thresholds(None, None)

    def moved(p: float) -> float:
        return float(calibration.probability(np.array([p]))[0])

    passing, failing = shipped.passing, shipped.failing
    return Thresholds(
        passing and replace(passing, at=moved(passing.at)), failing and replace(failing, at=1 - moved(1 - failing.at))
    )


def _errs(rows: Sequence[CalibrationRow], shipped: Thresholds, policy: RiskPolicy, *, passes: bool) -> bool:
    """Whether decisions show that the shipped threshold errs more often than allowed (exact binomial test)."""
    threshold, risk = (shipped.passing, policy.passing) if passes else (shipped.failing, policy.failing)
    if threshold is None:
        return False
    taken = [
        r
        for r in rows
        if (r.probability if passes else 1 - r.probability) >= threshold.at
        and not (r.forbids_pass if passes else r.forbids_fail)
    ]
    wrong = sum(row.passed is not passes for row in taken)
    return wrong > 0 and float(beta.ppf(1 - policy.confidence, wrong, len(taken) - wrong + 1)) > risk


def fit_calibration(rows: Sequence[CalibrationRow], version: int) -> Calibration:
    """Fit to decisions, whose rows hold shipped probabilities. With few passes or few fails no line is fitted."""
    p = np.array([row.probability for row in rows])
    passed = np.array([row.passed for row in rows], bool)
    slope, shift = 1.0, 0.0
    if len(rows) >= MIN_DECISIONS and 0.1 <= passed.mean() <= 0.9:  # noqa: PLR2004 - a tenth of each
        slope, shift = platt(_odds(p), passed, _FEW)
        if slope <= 0:  # people decided the opposite of the judge: its order is of no use
            slope, shift = 0.0, float(np.log(passed.mean() / (1 - passed.mean())))
    fresh = Calibration(version, datetime.now(UTC).isoformat(timespec="seconds"), slope, shift, CalibrationSet(()))
    mapped = fresh.probability(p)
    calibration_set = CalibrationSet([replace(row, probability=float(q)) for row, q in zip(rows, mapped, strict=True)])
    return Calibration(version, fresh.made_at, slope, shift, calibration_set)


class Calibrations(Protocol):
    """The store of a project's calibrations."""

    project: str

    def current(self) -> Calibration | None:
        """The newest version; None if the project has none."""

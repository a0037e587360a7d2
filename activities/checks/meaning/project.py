"""A project's own calibration, from what its people decided. It never allows more risk than was asked for.

The shipped probability goes through a line of its own (Platt's), and a bucket in which enough was decided gets its
own thresholds, at the same risk and confidence. Where decisions show the shipped thresholds to err more often than is
allowed, they are withdrawn: those answers go to people until the data support a verdict again.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from activities.checks.meaning.record import Bucket, Limits, Record, Row
from activities.checks.meaning.scorer import platt, sigmoid
from activities.checks.meaning.sentence import Appetite
from activities.ports import ObjectStore
from voicewright.artifact import calibration_key

_FRESH_S = 30.0
_FEW = 1.0
"""Strength of the data against a line that changes nothing: a few decisions that agree must not make all sure."""
MIN_DECISIONS = 40
"""Decisions, with at least a tenth of each kind, that a line of their own takes."""


@dataclass(frozen=True)
class Calibration:
    """`slope` and `shift` act on the log-odds of the shipped probability; `record` holds the decisions."""

    version: int
    made_at: str
    slope: float
    shift: float
    record: Record

    def probability(self, p: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shipped probabilities as this project's."""
        return sigmoid(self.slope * _odds(p) + self.shift)

    def limits(self, shipped: Limits, bucket: Bucket, appetite: Appetite) -> Limits:
        """The thresholds of a bucket for this project."""
        return _limits(self, shipped, bucket, appetite)


def _odds(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-odds of probabilities; none is infinite."""
    odds: NDArray[np.float64] = np.log(np.clip(p, 1e-6, 1 - 1e-6) / np.clip(1 - p, 1e-6, 1))
    return odds


@lru_cache(maxsize=500)
def _limits(calibration: Calibration, shipped: Limits, bucket: Bucket, appetite: Appetite) -> Limits:
    own = calibration.record.limits(bucket, appetite.passing, appetite.failing, appetite.confidence)
    shipped = _on_scale_of(calibration, shipped)
    mine = [row for row in calibration.record.rows if row.bucket == bucket]
    passing = own.passing or (None if _errs(mine, shipped, appetite, passes=True) else shipped.passing)
    failing = own.failing or (None if _errs(mine, shipped, appetite, passes=False) else shipped.failing)
    return Limits(passing, failing)


def _on_scale_of(calibration: Calibration, shipped: Limits) -> Limits:
    """Shipped thresholds for this project's probabilities: the same answers are past them. None where order is lost."""
    if calibration.slope <= 0:
        return Limits(None, None)

    def moved(p: float) -> float:
        return float(calibration.probability(np.array([p]))[0])

    passing, failing = shipped.passing, shipped.failing
    return Limits(
        passing and replace(passing, at=moved(passing.at)), failing and replace(failing, at=1 - moved(1 - failing.at))
    )


def _errs(rows: Sequence[Row], shipped: Limits, appetite: Appetite, *, passes: bool) -> bool:
    """Whether decisions show that the shipped threshold errs more often than is allowed (exact binomial test)."""
    threshold, risk = (shipped.passing, appetite.passing) if passes else (shipped.failing, appetite.failing)
    if threshold is None:
        return False
    taken = [
        r
        for r in rows
        if (r.probability if passes else 1 - r.probability) >= threshold.at and not (r.vetoed if passes else r.twisted)
    ]
    wrong = sum(row.passed is not passes for row in taken)
    return wrong > 0 and float(beta.ppf(1 - appetite.confidence, wrong, len(taken) - wrong + 1)) > risk


def fit_calibration(rows: Sequence[Row], version: int) -> Calibration:
    """From decisions as the shipped models see them. With few of a kind the shipped line stays."""
    p = np.array([row.probability for row in rows])
    passed = np.array([row.passed for row in rows], bool)
    slope, shift = 1.0, 0.0
    if len(rows) >= MIN_DECISIONS and 0.1 <= passed.mean() <= 0.9:  # noqa: PLR2004 - a tenth of each
        slope, shift = platt(_odds(p), passed, _FEW)
        if slope <= 0:  # what people decided contradicts the judge altogether: its order cannot be used
            slope, shift = 0.0, float(np.log(passed.mean() / (1 - passed.mean())))
    fresh = Calibration(version, datetime.now(UTC).isoformat(timespec="seconds"), slope, shift, Record(()))
    mapped = fresh.probability(p)
    record = Record([replace(row, probability=float(q)) for row, q in zip(rows, mapped, strict=True)])
    return Calibration(version, fresh.made_at, slope, shift, record)


class ProjectCalibration:
    """A project's calibration in the store; old versions stay."""

    def __init__(self, store: ObjectStore, project: str) -> None:
        self._store = store
        self.project = project
        self._lock = Lock()
        self._read_at = float("-inf")
        self._current: Calibration | None = None

    def current(self) -> Calibration | None:
        """The newest version, looked up now and then; None where nothing was calibrated."""
        with self._lock:
            if time.monotonic() - self._read_at > _FRESH_S:
                raw = self._store.get_if_present(calibration_key(self.project, "current"))
                newest = json.loads(raw)["version"] if raw else 0
                if newest != (self._current.version if self._current else 0):
                    self._current = self.version(newest)
                self._read_at = time.monotonic()
            return self._current

    def version(self, number: int) -> Calibration | None:
        """One version, or None."""
        raw = self._store.get_if_present(calibration_key(self.project, f"{number:04d}"))
        return _load(json.loads(raw)) if raw else None

    def save(self, calibration: Calibration) -> None:
        """Store a version, then make it the current one."""
        body = {
            "version": calibration.version, "made_at": calibration.made_at, "slope": calibration.slope,
            "shift": calibration.shift, "record": calibration.record.dump(),
        }  # fmt: skip
        key = calibration_key(self.project, f"{calibration.version:04d}")
        self._store.put(key, json.dumps(body).encode(), "application/json")
        pointer = json.dumps({"version": calibration.version}).encode()
        self._store.put(calibration_key(self.project, "current"), pointer, "application/json")
        self._read_at = float("-inf")


def _load(body: dict[str, Any]) -> Calibration:
    return Calibration(body["version"], body["made_at"], body["slope"], body["shift"], Record.load(body["record"]))

"""`judge calibrate`: a project's calibration and thresholds from what its people decided."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from activities.checks.meaning.features import Reading, read
from activities.checks.meaning.judgement import MeaningJudge
from activities.checks.meaning.pair import Condition
from activities.checks.meaning.project import Calibration, ProjectCalibration, fit_calibration
from activities.checks.meaning.record import Row, bucket_of
from activities.checks.meaning.risk import calibration_error
from activities.checks.meaning.sentence import Appetite, Sentence
from activities.checks.meaning.truth import Labelled, part_of
from activities.errors import BadInputError

MIN_PAIRS = 20


@dataclass(frozen=True)
class Standing:
    """How a judge does on held-out decisions: calibration error, share automatic, wrong ones among them."""

    pairs: int
    error: float
    automatic: int
    wrong: int


@dataclass(frozen=True)
class Calibrated:
    """The new version, and both judges on the decisions of runs that the new one had not seen."""

    calibration: Calibration
    decisions: int
    before: Standing
    after: Standing


def calibrate(
    judge: MeaningJudge, project: ProjectCalibration, lines: Sequence[Labelled], appetite: Appetite
) -> Calibrated:
    """Fit on half of the runs, compare on the other half, then fit on all; stores nothing.

    Raises:
        BadInputError: there are too few decisions, or all are alike.
    """
    if len(lines) < MIN_PAIRS or len({line.label for line in lines}) == 1:
        raise BadInputError(
            f"{len(lines)} decisions of project {project.project!r}: at least {MIN_PAIRS} are needed, some passes and "
            "some fails; decide more reviews, or give a file of labelled pairs"
        )
    readings = [read(line.pair(Condition.RECOGNISED)) for line in lines]
    shipped, distance = judge.measure(readings)
    rows = [
        Row(bucket_of(reading.pair), float(p), line.passed, reading.vetoed)
        for reading, p, line in zip(readings, shipped, lines, strict=True)
    ]
    current = project.current()
    version = (current.version if current else 0) + 1
    held = np.array([part_of(line.group or str(number), 2, "calibrate") == 1 for number, line in enumerate(lines)])
    half = fit_calibration([row for row, out in zip(rows, held, strict=True) if not out], version)
    out = np.flatnonzero(held)
    picked = [readings[int(i)] for i in out]
    labels = np.array([line.passed for line in lines], np.bool_)[out]

    def standing(own: Calibration | None) -> Standing:
        p = shipped[out] if own is None else own.probability(shipped[out])
        return _standing(judge, picked, p, distance[out], labels, appetite, own)

    return Calibrated(fit_calibration(rows, version), len(lines), standing(current), standing(half))


def _standing(
    judge: MeaningJudge,
    readings: Sequence[Reading],
    p: NDArray[np.float64],
    distance: NDArray[np.float64],
    labels: NDArray[np.bool_],
    appetite: Appetite,
    own: Calibration | None,
) -> Standing:
    said = [
        judge.decide(reading, float(one), float(far), appetite, own).sentence
        for reading, one, far in zip(readings, p, distance, strict=True)
    ]
    taken = [(s, label) for s, label in zip(said, labels, strict=True) if s is not Sentence.REVIEW]
    wrong = sum((s is Sentence.PASS) != bool(label) for s, label in taken)
    return Standing(len(labels), calibration_error(p, labels), len(taken), wrong)

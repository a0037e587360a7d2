"""`judge calibrate`: fits a project's calibration and thresholds to what its people decided."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from voicewright.judge.errors import BadPairsError
from voicewright.judge.judge import MeaningJudge
from voicewright.judge.labelled import LabelledPair, part_of
from voicewright.judge.metrics import Metrics, measure
from voicewright.judge.model.calibration_set import calibration_row
from voicewright.judge.model.project_calibration import Calibration, Calibrations, fit_calibration
from voicewright.judge.model.reading import read
from voicewright.judge.pair import Condition
from voicewright.judge.verdict import RiskPolicy

MIN_PAIRS = 20


@dataclass(frozen=True)
class Calibrated:
    """The new version; and the metrics before and after, on decisions that were held out from the fit."""

    calibration: Calibration
    decisions: int
    before: Metrics
    after: Metrics


def calibrate(
    judge: MeaningJudge, project: Calibrations, lines: Sequence[LabelledPair], policy: RiskPolicy
) -> Calibrated:
    """Fit on half of the runs, compare on the other half, then fit on all. Stores nothing.

    Args:
        judge: the judge with the shipped models.
        project: the project's calibrations so far.
        lines: what people decided; lines of one group stay in one half.
        policy: the risk at which both are compared.

    Raises:
        BadPairsError: there are too few decisions, or they are all passes or all fails.
    """
    if len(lines) < MIN_PAIRS or len({line.label for line in lines}) == 1:
        raise BadPairsError(
            f"{len(lines)} decisions of project {project.project!r}: at least {MIN_PAIRS} are needed, some passes and "
            "some fails; decide more reviews, or give a file of labelled pairs"
        )
    readings = [read(line.pair(Condition.RECOGNISED)) for line in lines]
    shipped, distance = judge.predict(readings)
    rows = [
        calibration_row(reading, float(p), passed=line.passed)
        for reading, p, line in zip(readings, shipped, lines, strict=True)
    ]
    current = project.current()
    version = (current.version if current else 0) + 1
    held = np.array([part_of(line.group or str(number), 2, "calibrate") == 1 for number, line in enumerate(lines)])
    half = fit_calibration([row for row, out in zip(rows, held, strict=True) if not out], version)
    out = np.flatnonzero(held)
    picked = [readings[int(i)] for i in out]
    labels = [lines[int(i)].passed for i in out]

    def measured(own: Calibration | None) -> Metrics:
        p = shipped[out] if own is None else own.probability(shipped[out])
        judgements = [
            judge.decide(reading, float(one), float(away), policy, own)
            for reading, one, away in zip(picked, p, distance[out], strict=True)
        ]
        return measure(judgements, labels)

    return Calibrated(fit_calibration(rows, version), len(lines), measured(current), measured(half))

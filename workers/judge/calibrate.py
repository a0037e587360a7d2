"""`judge calibrate`: a project's calibration and thresholds from what its people decided."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from activities.checks.meaning.features import read
from activities.checks.meaning.judgement import MeaningJudge
from activities.checks.meaning.pair import Condition
from activities.checks.meaning.project import Calibration, ProjectCalibration, fit_calibration
from activities.checks.meaning.record import row_of
from activities.checks.meaning.score import Score, score
from activities.checks.meaning.sentence import Appetite
from activities.checks.meaning.truth import Labelled, part_of
from activities.errors import BadInputError

MIN_PAIRS = 20


@dataclass(frozen=True)
class Calibrated:
    """The new version, and both judges on the decisions of runs that the new one had not seen."""

    calibration: Calibration
    decisions: int
    before: Score
    after: Score


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
        row_of(reading, float(p), passed=line.passed) for reading, p, line in zip(readings, shipped, lines, strict=True)
    ]
    current = project.current()
    version = (current.version if current else 0) + 1
    held = np.array([part_of(line.group or str(number), 2, "calibrate") == 1 for number, line in enumerate(lines)])
    half = fit_calibration([row for row, out in zip(rows, held, strict=True) if not out], version)
    out = np.flatnonzero(held)
    picked = [readings[int(i)] for i in out]
    labels = [lines[int(i)].passed for i in out]

    def standing(own: Calibration | None) -> Score:
        p = shipped[out] if own is None else own.probability(shipped[out])
        said = [
            judge.decide(reading, float(one), float(far), appetite, own)
            for reading, one, far in zip(picked, p, distance[out], strict=True)
        ]
        return score(said, labels)

    return Calibrated(fit_calibration(rows, version), len(lines), standing(current), standing(half))

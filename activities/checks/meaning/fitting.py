"""Fits a family of models: scorer, calibration, likeness to the data, and the record that thresholds come from.

Everything that is measured here is measured on groups that the part in question had not seen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from activities.checks.meaning.family import PLATT_LANGUAGES, Family, Reader, columns_of, matrix, platt_key
from activities.checks.meaning.features import Reading, read
from activities.checks.meaning.pair import Condition
from activities.checks.meaning.questions import fit_questions
from activities.checks.meaning.record import Record, ResponseType, row_of
from activities.checks.meaning.scorer import USUAL, Recipe, cross_fit, fit_scorer, platt, sigmoid
from activities.checks.meaning.truth import Labelled
from activities.checks.meaning.unlike import fit_unlike

_RARE = 2.0
"""Weight of recognised pairs: there are few, and they are what calls are judged by."""
_ENOUGH = 300
"""Pairs that a calibration of their own takes: fewer are calibrated with all of their language and condition."""


@dataclass(frozen=True)
class Sample:
    """Labelled pairs for one family. `domain` groups what a new domain would be unlike."""

    readings: list[Reading]
    passed: NDArray[np.bool_]
    weight: NDArray[np.float64]
    groups: NDArray[np.str_]
    domains: NDArray[np.str_]

    @classmethod
    def of(cls, lines: Sequence[Labelled], condition: Condition, told: Callable[[str], None] = print) -> "Sample":
        """Read the pairs of labelled lines."""
        readings = []
        for index, line in enumerate(lines):
            readings.append(read(line.pair(condition)))
            if index % 2000 == 1999:  # noqa: PLR2004 - now and then
                told(f"{index + 1} of {len(lines)} pairs read")
        return cls(
            readings,
            np.array([line.passed for line in lines], bool),
            np.array([_RARE if one.pair.condition is Condition.RECOGNISED else 1.0 for one in readings]),
            np.array([line.group or str(line.number) for line in lines]),
            np.array([line.service.split("_")[0] or line.source or "-" for line in lines]),
        )


def lines_of(
    margins: NDArray[np.float64], passed: NDArray[np.bool_], keys: NDArray[np.str_]
) -> dict[str, tuple[float, float]]:
    """Platt's line for each key: of its own pairs, of its language and condition, or of all."""
    wide = np.array([_wider(key) for key in keys])
    lines = {}
    for key in np.unique(keys):
        own, related = keys == key, wide == _wider(key)
        chosen = next((some for some in (own, related) if some.sum() >= _ENOUGH and 0 < passed[some].mean() < 1), None)
        lines[str(key)] = platt(margins, passed) if chosen is None else platt(margins[chosen], passed[chosen])
    return lines


def _wider(key: str) -> str:
    """Language and condition of a key, without the type of answer."""
    language, *_, condition = key.split()
    return f"{language} {condition}"


def fit_family(
    version: str, reader: Reader, sample: Sample, told: Callable[[str], None] = print, recipe: Recipe = USUAL
) -> Family:
    """Cross-fit, calibrate, then fit on everything."""
    rows, vectors = matrix(sample.readings, reader, [str(group) for group in sample.groups])
    columns = columns_of(reader)
    told(f"fitting on {len(rows)} pairs, {len(columns)} columns")
    margins = cross_fit(rows, sample.passed, sample.groups, columns, weight=sample.weight, recipe=recipe)
    keys = np.array([platt_key(reading.pair) for reading in sample.readings])
    lines = lines_of(margins, sample.passed, keys)
    whole = platt(margins, sample.passed)
    probability = np.array(
        [sigmoid(np.array(lines[str(k)][0] * m + lines[str(k)][1])) for k, m in zip(keys, margins, strict=True)]
    )
    unlike = fit_unlike(vectors, sample.domains)
    like = unlike.distance(vectors) <= unlike.limit
    asked = reader.questions(sample.readings)
    known = None if asked is None else fit_questions(asked, sample.domains)
    record = Record(
        [
            row_of(reading, float(p), passed=bool(passed))
            for reading, p, passed, near in zip(sample.readings, probability, sample.passed, like, strict=True)
            if near
        ]
    )
    for language, response in product(PLATT_LANGUAGES, ResponseType):
        written = lines.setdefault(f"{language} {response} {Condition.WRITTEN}", whole)
        lines.setdefault(f"{language} {response} {Condition.RECOGNISED}", written)
    return Family(
        version, reader, fit_scorer(rows, sample.passed, columns, sample.weight, recipe), lines, unlike, record, known
    )

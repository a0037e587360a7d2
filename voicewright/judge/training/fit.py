"""Fits a pair model: scorer, Platt lines, distributions, and the calibration set that thresholds are chosen from.

Every figure that is measured here comes from groups that the measured part was not fitted on.
"""

from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import NDArray

from voicewright.judge.model.calibration_set import CalibrationSet, ResponseType, calibration_row
from voicewright.judge.model.pair_distribution import fit_pair_distribution
from voicewright.judge.model.pair_model import (
    PLATT_LANGUAGES,
    PairEncoder,
    PairModel,
    column_names,
    matrix,
    platt_key,
)
from voicewright.judge.model.question_distribution import fit_question_distribution
from voicewright.judge.model.scorer import USUAL, ScorerRecipe, cross_fit, fit_scorer, platt, sigmoid
from voicewright.judge.pair import Condition
from voicewright.judge.training.dataset import Dataset

_ENOUGH = 300
"""Pairs that a Platt line of their own takes. Fewer share the line of their language and condition."""


def platt_lines(
    margins: NDArray[np.float64], passed: NDArray[np.bool_], keys: NDArray[np.str_]
) -> dict[str, tuple[float, float]]:
    """Slope and shift for each key, fitted on its own pairs, on those of its language and condition, or on all.

    All arrays have shape (n,); `keys` come from `platt_key`.
    """
    wide = np.array([_without_response(key) for key in keys])
    lines = {}
    for key in np.unique(keys):
        own, related = keys == key, wide == _without_response(key)
        chosen = next((some for some in (own, related) if some.sum() >= _ENOUGH and 0 < passed[some].mean() < 1), None)
        lines[str(key)] = platt(margins, passed) if chosen is None else platt(margins[chosen], passed[chosen])
    return lines


def _without_response(key: str) -> str:
    """The language and the condition of a key, without its type of response."""
    language, *_, condition = key.split()
    return f"{language} {condition}"


def fit_model(
    version: str,
    encoder: PairEncoder,
    dataset: Dataset,
    progress: Callable[[str], None] = print,
    recipe: ScorerRecipe = USUAL,
) -> PairModel:
    """Cross-fit the scorer, calibrate on its held-out margins, then fit the scorer on everything."""
    rows, vectors = matrix(dataset.readings, encoder, [str(group) for group in dataset.groups])
    columns = column_names(encoder)
    progress(f"fitting on {len(rows)} pairs, {len(columns)} columns")
    margins = cross_fit(rows, dataset.passed, dataset.groups, columns, weight=dataset.weight, recipe=recipe)
    keys = np.array([platt_key(reading.pair) for reading in dataset.readings])
    lines = platt_lines(margins, dataset.passed, keys)
    slopes, shifts = (np.array([lines[str(key)][at] for key in keys]) for at in (0, 1))
    probability = sigmoid(slopes * margins + shifts)
    pairs = fit_pair_distribution(vectors, dataset.domains)
    asked = encoder.encode_questions(dataset.readings)
    in_distribution = pairs.distance(vectors) <= pairs.limit
    calibration_set = CalibrationSet(
        [
            calibration_row(reading, float(p), passed=bool(passed))
            for reading, p, passed, near in zip(
                dataset.readings, probability, dataset.passed, in_distribution, strict=True
            )
            if near
        ]
    )
    whole = platt(margins, dataset.passed)
    for language, response in product(PLATT_LANGUAGES, ResponseType):
        written = lines.setdefault(f"{language} {response} {Condition.WRITTEN}", whole)
        lines.setdefault(f"{language} {response} {Condition.RECOGNISED}", written)
    return PairModel(
        version,
        encoder,
        fit_scorer(rows, dataset.passed, columns, dataset.weight, recipe),
        lines,
        pairs,
        calibration_set,
        None if asked is None else fit_question_distribution(asked, dataset.domains),
    )

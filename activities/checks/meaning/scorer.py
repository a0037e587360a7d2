"""From features to one probability: gradient-boosted trees and a logistic model, averaged, then calibrated.

Trees find what belongs together, the logistic model keeps its head where trees have seen nothing; their mean of
log-odds errs less than either. What must only ever speak against a pass (a missing amount) is held to that by
monotone constraints. The last step is Platt's: a line through the log-odds, fitted on predictions for groups that the
models had not seen.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import lightgbm
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

Matrix = NDArray[np.float32]
_SEEDS = (7, 8, 9)
_CLIP = 5.0
_LIMIT = 12.0
_AGAINST = re.compile(
    r"missing_|conflicts|critical_conflicts|facts_missing|telling_missing_weight|success_clash|denials|miscounts"
    r"|(codes|numbers|mixed|parts)_missing|codes_swapped|(raw|centred|spelt)_there_(lost|worst_two|strangers)"
)
_FOR = re.compile(
    r"(encoder|cosine|part_least|part_mean|item_least|(raw|centred|spelt)_there_(mean|weighted|least|second))$"
)
"""Columns of which more can only mean less, and more, of what was expected."""


@dataclass(frozen=True)
class Recipe:
    """How finely trees may cut, and how freely the logistic model may weigh (its `C`)."""

    rounds: int = 350
    leaves: int = 24
    least: int = 20
    columns: float = 0.6
    freedom: float = 0.3


USUAL = Recipe()
FINE = Recipe(rounds=600, leaves=32, least=8, columns=0.4, freedom=0.6)
"""For few pairs with many columns that say nearly the same."""


@dataclass(frozen=True)
class Scorer:
    """`columns` names what a row holds; `center`, `scale` and `weights` have one number for each."""

    columns: tuple[str, ...]
    boosters: tuple[lightgbm.Booster, ...]
    center: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: float
    slope: float = 1.0
    shift: float = 0.0

    def margin(self, rows: Matrix) -> NDArray[np.float64]:
        """Uncalibrated log-odds, shape (n,), of rows of shape (n, len(columns))."""
        trees = np.mean([b.predict(rows, raw_score=True, num_threads=1) for b in self.boosters], axis=0)
        line = _standard(rows, self.center, self.scale) @ self.weights + self.bias
        mean: NDArray[np.float64] = (np.clip(trees, -_LIMIT, _LIMIT) + np.clip(line, -_LIMIT, _LIMIT)) / 2
        return mean

    def probability(self, rows: Matrix) -> NDArray[np.float64]:
        """Calibrated probability of a pass, shape (n,)."""
        return sigmoid(self.slope * self.margin(rows) + self.shift)

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "columns": list(self.columns), "boosters": [b.model_to_string() for b in self.boosters],
            "center": self.center.tolist(), "scale": self.scale.tolist(), "weights": self.weights.tolist(),
            "bias": self.bias, "slope": self.slope, "shift": self.shift,
        }  # fmt: skip

    @classmethod
    def load(cls, stored: dict[str, Any]) -> "Scorer":
        """Back from JSON."""
        return cls(
            tuple(stored["columns"]), tuple(lightgbm.Booster(model_str=text) for text in stored["boosters"]),
            np.array(stored["center"]), np.array(stored["scale"]), np.array(stored["weights"]),
            stored["bias"], stored["slope"], stored["shift"],
        )  # fmt: skip


def sigmoid(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-odds to probability."""
    result: NDArray[np.float64] = 1 / (1 + np.exp(-odds))
    return result


def _standard(rows: Matrix, center: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    filled = np.where(np.isnan(rows), center, rows)
    result: NDArray[np.float64] = np.clip((filled - center) / scale, -_CLIP, _CLIP)
    return result


def fit_scorer(
    rows: Matrix, labels: NDArray[np.bool_], columns: Sequence[str], weight: NDArray[np.float64] | None = None,
    recipe: Recipe = USUAL,
) -> Scorer:  # fmt: skip
    """Fit without calibration."""
    constraints = [-1 if _AGAINST.match(column) else 1 if _FOR.match(column) else 0 for column in columns]
    boosters = []
    for seed in _SEEDS:
        options = {
            "objective": "binary", "learning_rate": 0.04, "num_leaves": recipe.leaves,
            "min_data_in_leaf": recipe.least, "lambda_l2": 2.0, "feature_fraction": recipe.columns,
            "bagging_fraction": 0.8, "bagging_freq": 1, "seed": seed, "verbosity": -1,
            "monotone_constraints": constraints, "deterministic": True, "force_row_wise": True, "num_threads": 1,
        }  # fmt: skip
        data = lightgbm.Dataset(rows, labels.astype(int), weight=weight)
        boosters.append(lightgbm.train(options, data, num_boost_round=recipe.rounds))
    known = np.ma.masked_invalid(rows)  # a column of which nothing is known counts as zero
    center, scale = known.mean(axis=0).filled(0.0), known.std(axis=0).filled(0.0) + 1e-3
    line = LogisticRegression(C=recipe.freedom, max_iter=2000)
    line.fit(_standard(rows, center, scale), labels, sample_weight=weight)
    return Scorer(
        tuple(columns),
        tuple(boosters),
        center,
        scale,
        cast("NDArray[np.float64]", line.coef_[0]),
        float(line.intercept_[0]),
    )


def cross_fit(
    rows: Matrix, labels: NDArray[np.bool_], groups: NDArray[np.str_], columns: Sequence[str], folds: int = 5,
    weight: NDArray[np.float64] | None = None, recipe: Recipe = USUAL,
) -> NDArray[np.float64]:  # fmt: skip
    """Margins of every row by a scorer that has not seen its group; shape (n,)."""
    margins = np.zeros(len(rows))
    for fit, held in GroupKFold(folds).split(rows, labels, groups):
        part = fit_scorer(rows[fit], labels[fit], columns, None if weight is None else weight[fit], recipe)
        margins[held] = part.margin(rows[held])
    return margins


def platt(margins: NDArray[np.float64], labels: NDArray[np.bool_], strength: float = 1e6) -> tuple[float, float]:
    """Slope and shift that turn margins into calibrated log-odds."""
    line = LogisticRegression(C=strength, max_iter=1000).fit(margins[:, None], labels)
    return float(line.coef_[0, 0]), float(line.intercept_[0])

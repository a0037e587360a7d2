"""Turns features into log-odds: the mean of gradient-boosted trees and a logistic model.

Trees find interactions; the logistic model extrapolates where the trees have no data. The mean of their log-odds errs
less than either. Monotone constraints make sure that a missing value, for example, can only lower the odds of a pass.
Platt scaling (Platt, "Probabilistic Outputs for Support Vector Machines", 1999) turns the log-odds into probabilities;
its line is fitted on predictions for groups that the models had not seen.
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
_MAX_ODDS = 12.0
_AGAINST = re.compile(
    r"missing_|conflicts|critical_conflicts|facts_missing|telling_missing_weight|success_clash|denials|miscounts"
    r"|(codes|numbers|mixed|parts)_missing|codes_swapped|(raw|centred|spelt)_there_(lost|worst_two|strangers)"
)
_FOR = re.compile(
    r"(encoder|cosine|part_least|part_mean|item_least|(raw|centred|spelt)_there_(mean|weighted|least|second))$"
)
"""Columns that can only lower the odds of a pass, and columns that can only raise them."""


@dataclass(frozen=True)
class ScorerRecipe:
    """Hyperparameters: rounds, leaves, least pairs in a leaf, share of columns per tree; `c` of the logistic model."""

    rounds: int = 350
    leaves: int = 24
    least: int = 20
    columns: float = 0.6
    c: float = 0.3


USUAL = ScorerRecipe()
FINE = ScorerRecipe(rounds=600, leaves=32, least=8, columns=0.4, c=0.6)
"""For few pairs with many correlated columns."""


@dataclass(frozen=True)
class Scorer:
    """A fitted scorer. `columns` names the columns; `center`, `scale` and `weights` have shape (len(columns),)."""

    columns: tuple[str, ...]
    boosters: tuple[lightgbm.Booster, ...]
    center: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: float

    def margin(self, rows: Matrix) -> NDArray[np.float64]:
        """Uncalibrated log-odds, shape (n,), of rows of shape (n, len(columns))."""
        trees = np.mean([b.predict(rows, raw_score=True, num_threads=1) for b in self.boosters], axis=0)
        line = _standard(rows, self.center, self.scale) @ self.weights + self.bias
        mean: NDArray[np.float64] = (np.clip(trees, -_MAX_ODDS, _MAX_ODDS) + np.clip(line, -_MAX_ODDS, _MAX_ODDS)) / 2
        return mean

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "columns": list(self.columns), "boosters": [b.model_to_string() for b in self.boosters],
            "center": self.center.tolist(), "scale": self.scale.tolist(), "weights": self.weights.tolist(),
            "bias": self.bias,
        }  # fmt: skip

    @classmethod
    def load(cls, stored: dict[str, Any]) -> "Scorer":
        """Read what `dump` gave."""
        return cls(
            tuple(stored["columns"]), tuple(lightgbm.Booster(model_str=text) for text in stored["boosters"]),
            np.array(stored["center"]), np.array(stored["scale"]), np.array(stored["weights"]),
            stored["bias"],
        )  # fmt: skip


def sigmoid(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities of log-odds, of any shape."""
    result: NDArray[np.float64] = 1 / (1 + np.exp(-odds))
    return result


def _standard(rows: Matrix, center: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    filled = np.where(np.isnan(rows), center, rows)
    result: NDArray[np.float64] = np.clip((filled - center) / scale, -_CLIP, _CLIP)
    return result


def fit_scorer(
    rows: Matrix, labels: NDArray[np.bool_], columns: Sequence[str], weight: NDArray[np.float64] | None = None,
    recipe: ScorerRecipe = USUAL,
) -> Scorer:  # fmt: skip
    """Fit on rows of shape (n, len(columns)), labels of shape (n,) and, if given, weights of shape (n,)."""
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
    known = np.ma.masked_invalid(rows)  # a column that is NaN in every row counts as zero
    center, scale = known.mean(axis=0).filled(0.0), known.std(axis=0).filled(0.0) + 1e-3
    line = LogisticRegression(C=recipe.c, max_iter=2000)
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
    weight: NDArray[np.float64] | None = None, recipe: ScorerRecipe = USUAL,
) -> NDArray[np.float64]:  # fmt: skip
    """Margins of all rows, shape (n,), each by a scorer that was fitted without the row's group."""
    margins = np.zeros(len(rows))
    for fit, held in GroupKFold(folds).split(rows, labels, groups):
        part = fit_scorer(rows[fit], labels[fit], columns, None if weight is None else weight[fit], recipe)
        margins[held] = part.margin(rows[held])
    return margins


def platt(margins: NDArray[np.float64], labels: NDArray[np.bool_], strength: float = 1e6) -> tuple[float, float]:
    """Slope and shift that turn margins into calibrated log-odds (Platt scaling); both arrays have shape (n,)."""
    line = LogisticRegression(C=strength, max_iter=1000).fit(margins[:, None], labels)
    return float(line.coef_[0, 0]), float(line.intercept_[0])

"""Detects pairs that are out of distribution: the models must not decide on pairs unlike those they were fitted on.

The distance is Mahalanobis' in the encoder's pooled vectors (Lee et al., "A Simple Unified Framework for Detecting
Out-of-Distribution Samples and Adversarial Attacks", 2018), along the directions that carry most of the variance. The
limit is a quantile of the distances of pairs from domains that were held out.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_DIRECTIONS = 48
_KEPT = 0.98
"""Share of pairs from held-out domains that count as in distribution."""


@dataclass(frozen=True)
class PairDistribution:
    """The distribution of the fitted pairs.

    `center` has shape (width,), `directions` (width, k), each divided by its spread. A larger distance than `limit` is
    out of distribution.
    """

    center: NDArray[np.float32]
    directions: NDArray[np.float32]
    limit: float

    def distance(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Distances, shape (n,), of vectors of shape (n, width)."""
        spread = np.sqrt((((vectors - self.center) @ self.directions) ** 2).mean(axis=1))
        return np.asarray(spread, np.float32)

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        rounded = np.round(self.directions.astype(float), 4)
        return {
            "center": np.round(self.center.astype(float), 4).tolist(),
            "directions": rounded.tolist(),
            "limit": self.limit,
        }

    @classmethod
    def load(cls, stored: dict[str, Any]) -> "PairDistribution":
        """Read what `dump` gave."""
        return cls(np.array(stored["center"], np.float32), np.array(stored["directions"], np.float32), stored["limit"])


def fit_pair_distribution(vectors: NDArray[np.float32], domains: NDArray[np.str_]) -> PairDistribution:
    """Fit on vectors of shape (n, width). For the limit, each domain is held out once; `domains` has shape (n,)."""
    distances = np.zeros(len(vectors))
    for domain in np.unique(domains):
        held = domains == domain
        if held.all():
            continue
        distances[held] = _without_limit(vectors[~held]).distance(vectors[held])
    whole = _without_limit(vectors)
    return PairDistribution(whole.center, whole.directions, float(np.quantile(distances, _KEPT)))


def _without_limit(vectors: NDArray[np.float32]) -> PairDistribution:
    center = vectors.mean(axis=0)
    _, spread, axes = np.linalg.svd(vectors - center, full_matrices=False)
    count = min(_DIRECTIONS, len(spread))
    scale = spread[:count] / np.sqrt(len(vectors)) + 1e-6
    return PairDistribution(center.astype(np.float32), (axes[:count].T / scale).astype(np.float32), 0.0)

"""How unlike the data a pair is: what the models never saw, they must not decide.

Mahalanobis distance in the encoder's pooled vectors (Lee et al., "A Simple Unified Framework for Detecting
Out-of-Distribution Samples", 2018), in the directions that carry most of the data's variance. The limit lies where few
pairs of domains that were left out of the fit are.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_DIRECTIONS = 48
_KEPT = 0.98
"""Share of pairs from unseen domains that are still taken for like the data."""


@dataclass(frozen=True)
class Unlike:
    """`center` (width,), `directions` (width, k) already divided by their spread, `limit` on the distance."""

    center: NDArray[np.float32]
    directions: NDArray[np.float32]
    limit: float

    def distance(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of vectors of shape (n, width), shape (n,)."""
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
    def load(cls, stored: dict[str, Any]) -> "Unlike":
        """Back from JSON."""
        return cls(np.array(stored["center"], np.float32), np.array(stored["directions"], np.float32), stored["limit"])


def fit_unlike(vectors: NDArray[np.float32], domains: NDArray[np.str_]) -> Unlike:
    """From vectors of shape (n, width); the limit from domains that were each left out once."""
    distances = np.zeros(len(vectors))
    for domain in np.unique(domains):
        held = domains == domain
        if held.all():
            continue
        distances[held] = _directions(vectors[~held]).distance(vectors[held])
    whole = _directions(vectors)
    return Unlike(whole.center, whole.directions, float(np.quantile(distances, _KEPT)))


def _directions(vectors: NDArray[np.float32]) -> Unlike:
    center = vectors.mean(axis=0)
    _, spread, axes = np.linalg.svd(vectors - center, full_matrices=False)
    count = min(_DIRECTIONS, len(spread))
    scale = spread[:count] / np.sqrt(len(vectors)) + 1e-6
    return Unlike(center.astype(np.float32), (axes[:count].T / scale).astype(np.float32), 0.0)

"""How unlike the data a question is: an agent that is asked of things unlike those of the data is judged by people.

The mean distance to the nearest questions of the data in the vectors of a sentence model (Sun et al.,
"Out-of-Distribution Detection with Deep Nearest Neighbors", 2022). The limit is one that nearly all questions of a
domain that was left out keep: a new service is like the data, an examination is not.
"""

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NEAREST = 5
_KEPT = 0.97
"""Share of questions from unseen domains that are still taken for like the data."""
_MOST = 2_000
_SCALE = 127.0


@dataclass(frozen=True)
class Questions:
    """`known` holds questions of the data, shape (n, width), unit length; `limit` is on the distance."""

    known: NDArray[np.float32]
    limit: float

    def distance(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Mean cosine distance to the nearest known questions, shape (m,), of unit vectors of shape (m, width)."""
        return _distance(self.known, vectors)

    def dump(self) -> dict[str, Any]:
        """As JSON; a byte a number is enough."""
        packed = np.round(self.known * _SCALE).astype(np.int8)
        return {"width": packed.shape[1], "known": base64.b64encode(packed.tobytes()).decode(), "limit": self.limit}

    @classmethod
    def load(cls, stored: dict[str, Any]) -> "Questions":
        """Back from JSON."""
        packed = np.frombuffer(base64.b64decode(stored["known"]), np.int8).reshape(-1, stored["width"])
        return cls(packed.astype(np.float32) / _SCALE, stored["limit"])


def fit_questions(vectors: NDArray[np.float32], domains: NDArray[np.str_]) -> Questions:
    """From unit vectors of shape (n, width); the limit from domains that were each left out once."""
    _, unique = np.unique(np.round(vectors, 3), axis=0, return_index=True)
    picked = np.random.default_rng(7).permutation(unique)[:_MOST]
    known, where = vectors[picked], domains[picked]
    away = [_distance(known[where != domain], known[where == domain]) for domain in np.unique(where)]
    if len(away) == 1:  # no other domain: against the rest of its own
        away = [_distance(known[::2], known[1::2])]
    return Questions(known, float(np.quantile(np.concatenate(away), _KEPT)))


def _distance(known: NDArray[np.float32], vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    likeness = np.sort(vectors @ known.T, axis=1)[:, -_NEAREST:]
    return np.asarray(1 - likeness.mean(axis=1), np.float64)

"""Detects questions that are out of distribution: a new kind of service is in distribution, an examination is not.

The distance is the mean distance to the nearest questions of the fitted data, in the vectors of a sentence model (Sun
et al., "Out-of-Distribution Detection with Deep Nearest Neighbors", 2022). The limit is a quantile of the distances of
questions from domains that were held out.
"""

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NEAREST = 5
_KEPT = 0.97
"""Share of questions from held-out domains that count as in distribution."""
_MOST = 2_000
_SCALE = 127.0


@dataclass(frozen=True)
class QuestionDistribution:
    """`known`: unit vectors of fitted questions, shape (n, width); `limit`: the largest distance in distribution."""

    known: NDArray[np.float32]
    limit: float

    def distance(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Mean cosine distances to the nearest known questions, shape (m,), of unit vectors of shape (m, width)."""
        return _distance(self.known, vectors)

    def dump(self) -> dict[str, Any]:
        """As JSON; one byte per number is precise enough."""
        packed = np.round(self.known * _SCALE).astype(np.int8)
        return {"width": packed.shape[1], "known": base64.b64encode(packed.tobytes()).decode(), "limit": self.limit}

    @classmethod
    def load(cls, stored: dict[str, Any]) -> "QuestionDistribution":
        """Read what `dump` gave."""
        packed = np.frombuffer(base64.b64decode(stored["known"]), np.int8).reshape(-1, stored["width"])
        return cls(packed.astype(np.float32) / _SCALE, stored["limit"])


def fit_question_distribution(vectors: NDArray[np.float32], domains: NDArray[np.str_]) -> QuestionDistribution:
    """Fit on unit vectors of shape (n, width). For the limit, each domain is held out once; `domains` is (n,)."""
    _, unique = np.unique(np.round(vectors, 3), axis=0, return_index=True)
    picked = np.random.default_rng(7).permutation(unique)[:_MOST]
    known, where = vectors[picked], domains[picked]
    distances = [_distance(known[where != domain], known[where == domain]) for domain in np.unique(where)]
    if len(distances) == 1:  # with one domain there is nothing to hold out but half of its questions
        distances = [_distance(known[::2], known[1::2])]
    return QuestionDistribution(known, float(np.quantile(np.concatenate(distances), _KEPT)))


def _distance(known: NDArray[np.float32], vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    likeness = np.sort(vectors @ known.T, axis=1)[:, -_NEAREST:]
    return np.asarray(1 - likeness.mean(axis=1), np.float64)

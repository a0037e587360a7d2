"""The models that judge one group of languages: English pairs, or pairs in any other languages."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from voicewright.judge.model.calibration_set import CalibrationSet, bucket_of
from voicewright.judge.model.features import NAMES
from voicewright.judge.model.model_file import present
from voicewright.judge.model.pair_distribution import PairDistribution
from voicewright.judge.model.question_distribution import QuestionDistribution
from voicewright.judge.model.reading import Reading
from voicewright.judge.model.scorer import Matrix, Scorer, sigmoid
from voicewright.judge.pair import Condition, Pair

ENGLISH, MULTILINGUAL = "english", "languages"
"""Names of the two models; also the names of their files."""
PLATT_LANGUAGES = ("en", "zh", "across")
"""Languages that have a Platt line of their own; pairs in any other language use that of `across`."""


class PairEncoder(Protocol):
    """A neural model that encodes pairs and their questions."""

    columns: tuple[str, ...]
    """Names of the feature columns that `encode` gives."""

    def encode(
        self, readings: Sequence[Reading], groups: Sequence[str] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Feature columns, shape (n, len(columns)), and vectors, shape (n, width), for the pair distribution.

        Training passes `groups`, one for each reading: what the encoder learnt from a group is then left out when it
        encodes the pairs of that group.
        """

    def encode_questions(self, readings: Sequence[Reading]) -> NDArray[np.float32] | None:
        """Unit vectors of the questions, shape (n, width); None if this encoder does not look at questions."""


def model_name(pair: Pair) -> str:
    """`ENGLISH` if both answers are in English, else `MULTILINGUAL`."""
    return ENGLISH if pair.languages == ("en", "en") else MULTILINGUAL


@dataclass(frozen=True)
class PairModel:
    """Encoder, scorer, calibration, distributions of the fitted data, and calibration set of one group of languages."""

    version: str
    encoder: PairEncoder
    scorer: Scorer
    platt: dict[str, tuple[float, float]]
    """Slope and shift for each `platt_key`."""
    pairs: PairDistribution
    calibration_set: CalibrationSet
    questions: QuestionDistribution | None = None

    def predict(self, readings: Sequence[Reading]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Calibrated probabilities of a pass, and distances from the fitted data; shape (n,) each.

        A distance is divided by its limit: a pair above 1 is out of distribution.
        """
        rows, vectors = matrix(readings, self.encoder)
        margin = self.scorer.margin(rows)
        line = np.array([self.platt[platt_key(reading.pair)] for reading in readings])
        distance = np.asarray(self.pairs.distance(vectors) / self.pairs.limit, np.float64)
        return sigmoid(line[:, 0] * margin + line[:, 1]), np.maximum(distance, self._question_distance(readings))

    def _question_distance(self, readings: Sequence[Reading]) -> NDArray[np.float64]:
        """Distances of the questions, divided by their limit; 0 for a pair without a question."""
        distance = np.zeros(len(readings))
        asked = [at for at, reading in enumerate(readings) if reading.pair.question.strip()]
        if self.questions is None or not asked:
            return distance
        vectors = self.encoder.encode_questions([readings[at] for at in asked])
        if vectors is not None:
            distance[asked] = self.questions.distance(vectors) / self.questions.limit
        return distance

    def write(self, path: Path) -> None:
        """Store everything but the encoder, as gzipped JSON."""
        body = {
            "version": self.version, "scorer": self.scorer.dump(), "platt": self.platt, "unlike": self.pairs.dump(),
            "record": self.calibration_set.dump(), "questions": self.questions and self.questions.dump(),
        }  # fmt: skip
        path.write_bytes(gzip.compress(json.dumps(body).encode(), mtime=0))

    @classmethod
    def read(cls, path: Path, encoder: PairEncoder) -> "PairModel":
        """Load what `write` stored.

        Raises:
            ModelMissingError: there is no such file.
        """
        body: dict[str, Any] = json.loads(gzip.decompress(present(path).read_bytes()))
        return cls(
            body["version"], encoder, Scorer.load(body["scorer"]),
            {key: (slope, shift) for key, (slope, shift) in body["platt"].items()},
            PairDistribution.load(body["unlike"]), CalibrationSet.load(body["record"]),
            QuestionDistribution.load(body["questions"]) if body.get("questions") else None,
        )  # fmt: skip


def matrix(
    readings: Sequence[Reading], encoder: PairEncoder, groups: Sequence[str] | None = None
) -> tuple[Matrix, NDArray[np.float32]]:
    """Feature rows with the encoder's columns appended, and the encoder's vectors; `groups` as in `PairEncoder`."""
    columns, vectors = encoder.encode(readings, groups)
    return np.column_stack([np.stack([reading.features for reading in readings]), columns]).astype(np.float32), vectors


def column_names(encoder: PairEncoder) -> tuple[str, ...]:
    """Names of the columns of `matrix`, in order."""
    return (*NAMES, *encoder.columns)


def platt_key(pair: Pair) -> str:
    """Pairs with the same key are calibrated together."""
    bucket = bucket_of(pair)
    language = bucket.language if bucket.language in PLATT_LANGUAGES else "across"
    # If the condition is unknown, assume the harder one.
    condition = Condition.WRITTEN if bucket.condition is Condition.WRITTEN else Condition.RECOGNISED
    return f"{language} {bucket.response} {condition}"

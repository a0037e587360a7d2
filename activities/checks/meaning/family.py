"""One family of languages with models of its own: English through the cross-encoder, all else through embeddings."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from activities.checks.meaning.features import NAMES, Reading
from activities.checks.meaning.model_file import present
from activities.checks.meaning.pair import Condition, Pair
from activities.checks.meaning.questions import Questions
from activities.checks.meaning.record import Record, bucket_of
from activities.checks.meaning.scorer import Matrix, Scorer, sigmoid
from activities.checks.meaning.unlike import Unlike

ENGLISH, ACROSS = "english", "languages"
PLATT_LANGUAGES = ("en", "zh", "across")
"""Languages of buckets that are calibrated apart; all others are taken for pairs across two languages."""


class Reader(Protocol):
    """A model that reads pairs."""

    columns: tuple[str, ...]

    def measure(
        self, readings: Sequence[Reading], groups: Sequence[str] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Columns of shape (n, len(columns)) and vectors of shape (n, width) for telling what is unlike the data.

        `groups` are given for pairs that the reader may have been fitted on: each is read by one that had not seen
        its group.
        """

    def questions(self, readings: Sequence[Reading]) -> NDArray[np.float32] | None:
        """Unit vectors of the questions, shape (n, width); None where questions are not looked at."""


def family_of(pair: Pair) -> str:
    """English on both sides, or anything else."""
    return ENGLISH if pair.languages == ("en", "en") else ACROSS


@dataclass(frozen=True)
class Family:
    """`platt` has slope and shift per response type."""

    version: str
    reader: Reader
    scorer: Scorer
    platt: dict[str, tuple[float, float]]
    unlike: Unlike
    record: Record
    known: Questions | None = None

    def measure(self, readings: Sequence[Reading]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Calibrated probabilities and shares of the allowed distance; shape (n,) each."""
        rows, vectors = matrix(readings, self.reader)
        margin = self.scorer.margin(rows)
        line = np.array([self.platt[platt_key(reading.pair)] for reading in readings])
        far = np.asarray(self.unlike.distance(vectors) / self.unlike.limit, np.float64)
        return sigmoid(line[:, 0] * margin + line[:, 1]), np.maximum(far, self._away(readings))

    def _away(self, readings: Sequence[Reading]) -> NDArray[np.float64]:
        """How far questions are from those of the data, as a share of the limit; 0 where there is none."""
        away = np.zeros(len(readings))
        asked = [at for at, reading in enumerate(readings) if reading.pair.question.strip()]
        vectors = self.reader.questions([readings[at] for at in asked]) if self.known and asked else None
        if self.known is not None and vectors is not None:
            away[asked] = self.known.distance(vectors) / self.known.limit
        return away

    def write(self, path: Path) -> None:
        """Store without the reader."""
        body = {
            "version": self.version, "scorer": self.scorer.dump(), "platt": self.platt, "unlike": self.unlike.dump(),
            "record": self.record.dump(), "questions": self.known and self.known.dump(),
        }  # fmt: skip
        path.write_bytes(gzip.compress(json.dumps(body).encode(), mtime=0))

    @classmethod
    def read(cls, path: Path, reader: Reader) -> "Family":
        """Load.

        Raises:
            InstallationError: there is no such file.
        """
        body: dict[str, Any] = json.loads(gzip.decompress(present(path).read_bytes()))
        return cls(
            body["version"], reader, Scorer.load(body["scorer"]),
            {key: (slope, shift) for key, (slope, shift) in body["platt"].items()},
            Unlike.load(body["unlike"]), Record.load(body["record"]),
            Questions.load(body["questions"]) if body.get("questions") else None,
        )  # fmt: skip


def matrix(
    readings: Sequence[Reading], reader: Reader, groups: Sequence[str] | None = None
) -> tuple[Matrix, NDArray[np.float32]]:
    """Rows of features with the reader's columns, and the reader's vectors; for `groups` see `Reader.measure`."""
    columns, vectors = reader.measure(readings, groups)
    return np.column_stack([np.stack([reading.features for reading in readings]), columns]).astype(np.float32), vectors


def columns_of(reader: Reader) -> tuple[str, ...]:
    """Names of the columns of `matrix`."""
    return (*NAMES, *reader.columns)


def platt_key(pair: Pair) -> str:
    """Pairs that are calibrated together."""
    bucket = bucket_of(pair)
    language = bucket.language if bucket.language in PLATT_LANGUAGES else "across"
    # Of an unknown condition the worse is assumed.
    condition = Condition.WRITTEN if bucket.condition is Condition.WRITTEN else Condition.RECOGNISED
    return f"{language} {bucket.response} {condition}"

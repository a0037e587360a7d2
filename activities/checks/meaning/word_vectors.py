"""Words of one text sought in another, in any two languages: by multilingual vectors, and by how they are written.

A sentence vector hides a swapped name among twenty shared words; the one word without a counterpart shows it. Vectors
of single words all lie close to one another, so they are looked at twice, as they are and from their common centre.
"""

import math
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import rjieba
from anyascii import anyascii
from numpy.typing import NDArray
from rapidfuzz import fuzz
from rapidfuzz.process import cdist

from activities.checks.meaning.model_file import present
from activities.checks.meaning.pair import Pair
from activities.checks.spoken import digits, words

Vector = NDArray[np.float32]
_SIDE = ("mean", "weighted", "least", "second", "lost", "worst_two", "strangers")
COLUMNS: tuple[str, ...] = tuple(
    f"{view}_{way}_{name}" for view in ("raw", "centred", "spelt") for way in ("there", "back") for name in _SIDE
)
"""Names of the columns of `align`, in order."""

_BUCKETS = 1 << 16
_COMMON = 400
_READ = 120
"""Words that are aligned, as for English."""
_FLOOR = 0.75
"""About the least likeness that these embeddings give."""
_STRANGER = 0.5
_SPELT = 3
"""Latin letters from which a spelling tells something."""
_LATIN = "LATIN"
_WORD = re.compile(r"\w")


@dataclass(frozen=True)
class Words:
    """How common words are, as hashed counts of the texts that have them, and the centre of the commonest's vectors.

    Counts are all that is kept of the data; whether a word that one guesses is among them can be asked.
    """

    texts: int
    counts: NDArray[np.uint16]
    centre: Vector

    @classmethod
    def fit(cls, pairs: Iterable[Pair], vector: Callable[[str], Vector]) -> "Words":
        """Count over both texts of all pairs."""
        found, texts = _texts_with(pairs)
        counts = np.zeros(_BUCKETS, np.uint32)
        for word, count in found.items():
            counts[_bucket(word)] += count
        common = sorted(found, key=lambda word: (-found[word], word))[:_COMMON]
        centre = _units([vector(word) for word in common]).mean(axis=0)
        return cls(texts, np.minimum(counts, np.iinfo(np.uint16).max).astype(np.uint16), centre.astype(np.float32))

    def without(self, pairs: Iterable[Pair]) -> "Words":
        """As if these pairs had not been among the data: what is fitted on them must not know their words."""
        found, texts = _texts_with(pairs)
        counts = self.counts.astype(np.int64)
        for word, count in found.items():
            counts[_bucket(word)] -= count
        return Words(self.texts - texts, np.maximum(counts, 0).astype(np.uint16), self.centre)

    def weight(self, word: str) -> float:
        """Inverse document frequency, as its logarithm."""
        return math.log((self.texts + 1) / (float(self.counts[_bucket(word)]) + 0.5))

    def write(self, path: Path) -> None:
        """Store."""
        np.savez_compressed(path, texts=self.texts, counts=self.counts, centre=self.centre)

    @classmethod
    def read(cls, path: Path) -> "Words":
        """Load.

        Raises:
            InstallationError: there is no such file.
        """
        with np.load(present(path)) as stored:
            return cls(int(stored["texts"]), stored["counts"], stored["centre"])


def _texts_with(pairs: Iterable[Pair]) -> tuple[Counter[str], int]:
    """How many texts of these pairs have each word, and how many texts there are."""
    found, texts = Counter[str](), 0
    for pair in pairs:
        for text, language in zip((pair.expected, pair.actual), pair.languages, strict=True):
            found.update(set(tokens(text, language)))
            texts += 1
    return found, texts


def tokens(text: str, language: str) -> list[str]:
    """Words in lower case; Chinese ones as a segmenter cuts them."""
    if language != "zh":
        return words(text, language)[:_READ]
    return [word.strip() for word in rjieba.cut(digits(text, language)) if _WORD.search(word)][:_READ]


def align(pair: Pair, vector: Callable[[str], Vector], known: Words) -> list[float]:
    """One number for each of `COLUMNS`; NaN where a text has no word. `vector` gives a word's, shape (384,)."""
    first, second = pair.languages
    expected, actual = tokens(pair.expected, first), tokens(pair.actual, second)
    if not expected or not actual:
        return [np.nan] * len(COLUMNS)
    wanted, heard = (_units([vector(word) for word in side]) for side in (expected, actual))
    raw = np.clip((wanted @ heard.T - _FLOOR) / (1 - _FLOOR), 0, 1)
    centred = np.clip(_units(wanted - known.centre) @ _units(heard - known.centre).T, 0, 1)
    spelt = np.maximum(centred, _spelling(expected, actual))
    there = np.array([known.weight(word) for word in expected])
    back = np.array([known.weight(word) for word in actual])
    row: list[float] = []
    for likeness in (raw, centred, spelt):
        row += [*_side(likeness.max(axis=1), there), *_side(likeness.max(axis=0), back)]
    return row


def _side(best: NDArray[np.floating], weight: NDArray[np.float64]) -> list[float]:
    """What the best counterparts of one text's words come to."""
    lost, order = weight * (1 - best), np.sort(best)
    return [
        float(best.mean()), float((best * weight).sum() / weight.sum()), float(order[0]),
        float(order[min(1, len(order) - 1)]), float(lost.sum()), float(np.sort(lost)[-2:].sum()),
        float((best < _STRANGER).sum()),
    ]  # fmt: skip


def _spelling(expected: Sequence[str], actual: Sequence[str]) -> NDArray[np.float64]:
    """How alike two words are written; shape (n, m).

    A name that was carried into another script is read in Latin letters. Words of one script are compared as they are:
    in Latin letters 北京 and 南京 would be nearly one.
    """
    wanted, heard = ([anyascii(word).lower() for word in side] for side in (expected, actual))
    one, other = (np.array([_script(word) for word in side]) for side in (expected, actual))
    as_written = (one[:, None] == other[None, :]) & (one[:, None] != _LATIN)
    likeness = np.where(as_written, _ratios(expected, actual), _ratios(wanted, heard))
    short = np.minimum.outer([len(word) for word in wanted], [len(word) for word in heard]) < _SPELT
    same = np.array([[word == there for there in actual] for word in expected], np.float64)
    return np.where(short, same, likeness)


@lru_cache(maxsize=20_000)
def _script(word: str) -> str:
    """Of its first letter; figures are Latin."""
    return next((unicodedata.name(sign, "").split(" ")[0] for sign in word if sign.isalpha()), _LATIN)


def _ratios(wanted: Sequence[str], heard: Sequence[str]) -> NDArray[np.float64]:
    ratios: NDArray[np.float64] = np.clip(cdist(wanted, heard, scorer=fuzz.ratio).astype(np.float64) / 50 - 1, 0, 1)
    return ratios


def _units(vectors: Vector | Sequence[Vector]) -> Vector:
    """Each row at length 1; shape (n, width)."""
    rows = np.asarray(vectors, np.float32)
    units: Vector = (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)).astype(np.float32)
    return units


def _bucket(word: str) -> int:
    return zlib.crc32(word.encode()) % _BUCKETS

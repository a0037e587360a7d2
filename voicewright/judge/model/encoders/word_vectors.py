"""Aligns the words of two texts in any two languages, by multilingual vectors and by spelling.

A sentence vector hides one swapped name among twenty shared words; a word without a counterpart shows it. The vectors
of single words lie close together, so they are compared twice: as they are, and relative to their common centre.
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

from voicewright.judge.model.model_file import present
from voicewright.judge.pair import Pair
from voicewright.judge.text.words import digits, words

Vector = NDArray[np.float32]
_SIDE = ("mean", "weighted", "least", "second", "lost", "worst_two", "strangers")
COLUMNS: tuple[str, ...] = tuple(
    f"{view}_{way}_{name}" for view in ("raw", "centred", "spelt") for way in ("there", "back") for name in _SIDE
)
"""Names of the columns of `align`, in order."""

_BUCKETS = 1 << 16
_COMMON = 400
_READ = 120
"""Words that are aligned; a longer answer is an explanation and goes to a person anyway."""
_FLOOR = 0.75
"""The cosine of unrelated words, about."""
_STRANGER = 0.5
_SPELT = 3
"""Latin letters that a word needs for its spelling to be compared."""
_LATIN = "LATIN"
_WORD = re.compile(r"\w")


@dataclass(frozen=True)
class WordFrequencies:
    """Document frequencies of words in the fitted data, and the centre of the commonest words' vectors, shape (384,).

    Only hashed counts are kept. They hold no text, but they do show whether a given word is likely to have occurred.
    """

    texts: int
    counts: NDArray[np.uint16]
    centre: Vector

    @classmethod
    def fit(cls, pairs: Iterable[Pair], vector: Callable[[str], Vector]) -> "WordFrequencies":
        """Count over both texts of all pairs. `vector` gives a word's vector, shape (384,)."""
        found, texts = _texts_with(pairs)
        counts = np.zeros(_BUCKETS, np.uint32)
        for word, count in found.items():
            counts[_bucket(word)] += count
        common = sorted(found, key=lambda word: (-found[word], word))[:_COMMON]
        centre = _units([vector(word) for word in common]).mean(axis=0)
        return cls(texts, np.minimum(counts, np.iinfo(np.uint16).max).astype(np.uint16), centre.astype(np.float32))

    def without(self, pairs: Iterable[Pair]) -> "WordFrequencies":
        """The frequencies without these pairs: a model that is fitted on a pair must not know the pair's own words."""
        found, texts = _texts_with(pairs)
        counts = self.counts.astype(np.int64)
        for word, count in found.items():
            counts[_bucket(word)] -= count
        return WordFrequencies(self.texts - texts, np.maximum(counts, 0).astype(np.uint16), self.centre)

    def weight(self, word: str) -> float:
        """Logarithm of the inverse document frequency of a word."""
        return math.log((self.texts + 1) / (float(self.counts[_bucket(word)]) + 0.5))

    def write(self, path: Path) -> None:
        """Store as NumPy's `.npz`."""
        np.savez_compressed(path, texts=self.texts, counts=self.counts, centre=self.centre)

    @classmethod
    def read(cls, path: Path) -> "WordFrequencies":
        """Load what `write` stored.

        Raises:
            ModelMissingError: there is no such file.
        """
        with np.load(present(path)) as stored:
            return cls(int(stored["texts"]), stored["counts"], stored["centre"])


def _texts_with(pairs: Iterable[Pair]) -> tuple[Counter[str], int]:
    """In how many texts of these pairs each word occurs, and the number of texts."""
    found, texts = Counter[str](), 0
    for pair in pairs:
        for text, language in zip((pair.expected, pair.actual), pair.languages, strict=True):
            found.update(set(tokens(text, language)))
            texts += 1
    return found, texts


def tokens(text: str, language: str) -> list[str]:
    """Words in lower case; Chinese is segmented."""
    if language != "zh":
        return words(text, language)[:_READ]
    return [word.strip() for word in rjieba.cut(digits(text, language)) if _WORD.search(word)][:_READ]


def align(pair: Pair, vector: Callable[[str], Vector], known: WordFrequencies) -> list[float]:
    """One number for each of `COLUMNS`; NaN if a text has no word. `vector` gives a word's vector, shape (384,)."""
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
    """Summarise how near the best counterparts of one text's words are; `best` and `weight` have shape (words,)."""
    lost, order = weight * (1 - best), np.sort(best)
    return [
        float(best.mean()), float((best * weight).sum() / weight.sum()), float(order[0]),
        float(order[min(1, len(order) - 1)]), float(lost.sum()), float(np.sort(lost)[-2:].sum()),
        float((best < _STRANGER).sum()),
    ]  # fmt: skip


def _spelling(expected: Sequence[str], actual: Sequence[str]) -> NDArray[np.float64]:
    """Likeness of spelling, 0 to 1, of each pair of words; shape (expected, actual).

    Words of two scripts are compared in Latin letters, because names are transliterated. Words of one script are
    compared as they are: in Latin letters 北京 and 南京 would be nearly the same.
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
    """The script of a word's first letter; numbers count as Latin."""
    return next((unicodedata.name(sign, "").split(" ")[0] for sign in word if sign.isalpha()), _LATIN)


def _ratios(wanted: Sequence[str], heard: Sequence[str]) -> NDArray[np.float64]:
    ratios: NDArray[np.float64] = np.clip(cdist(wanted, heard, scorer=fuzz.ratio).astype(np.float64) / 50 - 1, 0, 1)
    return ratios


def _units(vectors: Vector | Sequence[Vector]) -> Vector:
    """Vectors of shape (n, width), each scaled to length 1."""
    rows = np.asarray(vectors, np.float32)
    units: Vector = (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)).astype(np.float32)
    return units


def _bucket(word: str) -> int:
    return zlib.crc32(word.encode()) % _BUCKETS

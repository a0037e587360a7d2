"""How English pairs are read: a cross-encoder for the answers, a sentence model for the questions."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from activities.checks.meaning.features import Reading
from activities.checks.meaning.pair import canonical, encoder_texts
from activities.checks.meaning.text_model import TextModel

_REMEMBERED = 5_000


class Encoder:
    """`folder` holds `encoder.onnx`, `sentences.onnx` and `tokenizer.json`. Thread-safe."""

    columns: tuple[str, ...] = ("encoder",)

    def __init__(self, folder: Path, threads: int = 0) -> None:
        self._pairs = TextModel(folder / "encoder.onnx", threads)
        self._sentences = TextModel(folder / "sentences.onnx", threads)
        # A suite asks the same questions in every run.
        self._vector = lru_cache(maxsize=_REMEMBERED)(lambda question: self._sentences.run([question])[0][0])

    def measure(
        self,
        readings: Sequence[Reading],
        groups: Sequence[str] | None = None,  # noqa: ARG002 - it was never fitted on a scorer's pairs
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See `Reader`: the logit, and the pooled vectors."""
        if not readings:
            return np.zeros((0, 1), np.float32), np.zeros((0, 0), np.float32)
        logits, pooled = self._pairs.run([encoder_texts(reading.pair, reading.comparison) for reading in readings])
        return logits[:, None], pooled

    def questions(self, readings: Sequence[Reading]) -> NDArray[np.float32]:
        """See `Reader`."""
        asked = [canonical(reading.pair.question, reading.pair.language) for reading in readings]
        if len(asked) == 1:
            return np.asarray(self._vector(asked[0]), np.float32)[None]
        return self._sentences.run(asked)[0] if asked else np.zeros((0, 0), np.float32)

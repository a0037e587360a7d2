"""Sentence embeddings, through sentence-transformers: how near two sentences are in meaning."""

import os
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from threading import Lock

from activities.errors import InstallationError
from activities.speech.models import minilm
from voicewright.languages import base_language

PACKAGED = "all-MiniLM-L6-v2"


class EmbeddingModel:
    """`model` is the packaged one by name, any sentence-transformers model by name, or a folder."""

    def __init__(self, model: str, models_dir: Path) -> None:
        self._model_name = model
        self._models_dir = models_dir
        self._lock = Lock()

    @property
    def name(self) -> str:
        """See `MeaningModel`."""
        return f"cosine {self._model_name}, sentence-transformers {version('sentence-transformers')}"

    @cached_property
    def _model(self):  # type: ignore[no-untyped-def]  # noqa: ANN202 - imported where it is used
        if self._model_name == PACKAGED:
            os.environ.setdefault("HF_HUB_OFFLINE", "1")
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - seconds to import

        where = str(minilm(self._models_dir)) if self._model_name == PACKAGED else self._model_name
        try:
            return SentenceTransformer(where, device="cpu")
        except (OSError, ValueError) as error:
            message = (
                f"cannot load the embedding model {self._model_name!r}: {error}; check VOICEWRIGHT_EMBEDDING_MODEL"
            )
            raise InstallationError(message) from error

    def speaks(self, language: str) -> bool:
        """See `MeaningModel`: the packaged model is English; of another one its owner knows."""
        return self._model_name != PACKAGED or base_language(language) == "en"

    def warm_up(self) -> None:
        """Load the model now instead of with the first verdict."""
        self.similarity("hello", "hello")

    def similarity(self, expected: str, actual: str) -> float:
        """See `MeaningModel`."""
        with self._lock:
            first, second = self._model.encode([expected, actual], normalize_embeddings=True, show_progress_bar=False)
        return float(first @ second)

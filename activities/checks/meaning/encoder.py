"""The cross-encoder at work: an int8 ONNX model that ships with the judge."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from activities.checks.meaning.features import Reading
from activities.checks.meaning.pair import Pair, encoder_texts
from activities.errors import InstallationError

MAX_TOKENS = 96
_BATCH = 32


class Encoder:
    """`folder` holds `encoder.onnx` and `tokenizer.json`. One session per process; thread-safe."""

    columns: tuple[str, ...] = ("encoder",)

    def __init__(self, folder: Path, threads: int = 0) -> None:
        self._folder = folder
        self._threads = threads
        self._lock = Lock()

    @cached_property
    def _session(self):  # type: ignore[no-untyped-def]  # noqa: ANN202 - imported where it is used
        import onnxruntime  # noqa: PLC0415 - heavy: loaded with the first pair

        model = self._folder / "encoder.onnx"
        if not model.is_file():
            raise InstallationError(f"the judge's model {model} is missing: reinstall Voicewright")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])

    @cached_property
    def _tokenizer(self):  # type: ignore[no-untyped-def]  # noqa: ANN202 - tokenizers ships no types
        from tokenizers import Tokenizer  # noqa: PLC0415

        tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        tokenizer.enable_truncation(MAX_TOKENS)
        tokenizer.enable_padding()
        return tokenizer

    def measure(self, readings: Sequence[Reading]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See `Reader`: the logit, and the pooled vectors."""
        logits, pooled = self.encode([reading.pair for reading in readings])
        return logits[:, None], pooled

    def encode(self, pairs: Sequence[Pair]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits of shape (n,) and pooled vectors of shape (n, width), in the order of `pairs`."""
        texts = [encoder_texts(pair) for pair in pairs]
        order = sorted(range(len(texts)), key=lambda i: len(texts[i][0]) + len(texts[i][1]))
        logits = np.zeros(len(texts), np.float32)
        pooled: NDArray[np.float32] | None = None
        for at in range(0, len(order), _BATCH):
            rows = order[at : at + _BATCH]
            with self._lock:
                tokens = self._tokenizer.encode_batch([texts[i] for i in rows])
                score, vectors = self._session.run(
                    None,
                    {
                        "input_ids": np.asarray([t.ids for t in tokens], np.int64),
                        "attention_mask": np.asarray([t.attention_mask for t in tokens], np.int64),
                        "token_type_ids": np.asarray([t.type_ids for t in tokens], np.int64),
                    },
                )
            if pooled is None:
                pooled = np.zeros((len(texts), vectors.shape[1]), np.float32)
            logits[rows], pooled[rows] = score, vectors
        return logits, pooled if pooled is not None else np.zeros((0, 0), np.float32)

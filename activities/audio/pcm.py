"""Mono PCM between the engines: 16-bit samples and the rate that gives them meaning."""

import io
import wave
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from activities.errors import BadInputError
from voicewright.wav import WavError, parse_wav

FRAME_MS = 20
"""Length of a frame of audio on the line, as in RTP's and Media Streams' common packet time."""


Samples = NDArray[np.int16]


@dataclass(frozen=True)
class Audio:
    """`samples` has shape (n,) and dtype int16."""

    samples: Samples
    rate_hz: int

    @property
    def duration_ms(self) -> int:
        """Length, rounded to whole ms."""
        return round(len(self.samples) * 1000 / self.rate_hz)

    def at_rate(self, rate_hz: int) -> "Audio":
        """The same sound at another rate (polyphase filter, no aliasing)."""
        if rate_hz == self.rate_hz:
            return self
        resampled = resample_poly(self.samples.astype(np.float64), rate_hz, self.rate_hz)
        return Audio(to_int16(resampled), rate_hz)

    def as_float(self) -> NDArray[np.float32]:
        """Shape (n,), range -1 to 1."""
        return self.samples.astype(np.float32) / np.float32(32768)


def to_int16(samples: NDArray[np.floating]) -> Samples:
    """Round and clip samples that are already on the 16-bit scale."""
    rounded: Samples = np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
    return rounded


def on_track(places: Iterable[tuple[int, Samples]], samples: int) -> Samples:
    """Pieces of sound on a track of `samples`, each where it begins; what lies outside the track is cut."""
    track = np.zeros(samples, np.int16)
    for at, piece in places:
        cut = piece[max(0, -at) : max(0, samples - at)]
        start = max(0, at)
        track[start : start + len(cut)] = cut
    return track


def rms_dbfs(samples: Samples) -> float:
    """Root mean square level in dB relative to full scale; -inf for digital silence."""
    if not len(samples):
        return float("-inf")
    power = float(np.mean(np.square(samples.astype(np.float64) / 32768)))
    return 10 * float(np.log10(power)) if power > 0 else float("-inf")


def wav_bytes(channels: list[Samples], rate_hz: int) -> bytes:
    """A 16-bit WAV file; channels of equal length are interleaved."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.stack(channels, axis=1).astype("<i2").tobytes())
    return buffer.getvalue()


def read_wav(raw: bytes) -> list[Audio]:
    """The channels of a 16-bit WAV file.

    Raises:
        BadInputError: it is no such file.
    """
    try:
        wav = parse_wav(raw)
    except WavError as error:
        raise BadInputError(f"not a WAV file that can be read: {error}") from None
    frames = np.frombuffer(wav.sound, dtype="<i2").reshape(-1, wav.channels)
    return [
        Audio(np.ascontiguousarray(frames[:, index]).astype(np.int16), wav.rate_hz) for index in range(wav.channels)
    ]

"""Mono PCM between the engines: 16-bit samples and the rate that gives them meaning."""

import io
import wave
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from activities.errors import BadInputError

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
        with wave.open(io.BytesIO(raw), "rb") as file:
            if file.getsampwidth() != 2:  # noqa: PLR2004 - two bytes are 16 bits
                raise BadInputError(f"expected 16-bit audio, got {8 * file.getsampwidth()}-bit")
            rate_hz, count = file.getframerate(), file.getnchannels()
            frames = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, count)
    except (wave.Error, EOFError) as error:
        raise BadInputError(f"not a WAV file: {error}") from None
    return [Audio(np.ascontiguousarray(frames[:, index]).astype(np.int16), rate_hz) for index in range(count)]

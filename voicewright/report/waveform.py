"""A recording's outline, small enough to travel inside a page."""

import array
import string
import sys

from voicewright.wav import parse_wav

BUCKET_MS = 100
LEVELS = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
"""One character per bucket: 64 levels of peak amplitude, on a square-root scale so that quiet speech is seen."""


def outlines(wav: bytes) -> list[str]:
    """The outline of each channel of a 16-bit WAV file; one character per `BUCKET_MS`.

    Raises:
        voicewright.wav.WavError: it is no such file.
    """
    sound = parse_wav(wav)
    channels, rate = sound.channels, sound.rate_hz
    samples = array.array("h", sound.sound)
    if sys.byteorder == "big":
        samples.byteswap()
    step = max(1, rate * BUCKET_MS // 1000)
    return [_outline(samples[channel::channels], step) for channel in range(channels)]


def _outline(samples: "array.array[int]", step: int) -> str:
    return "".join(_level(samples[at : at + step]) for at in range(0, len(samples), step))


def _level(bucket: "array.array[int]") -> str:
    peak = max(-min(bucket), max(bucket)) / 32768  # noqa: PLW3301 - unpacking a bucket is slower
    return LEVELS[min(len(LEVELS) - 1, int(len(LEVELS) * peak**0.5))]

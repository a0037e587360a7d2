"""A recording's outline, small enough to travel inside a page."""

import array
import io
import string
import sys
import wave

BUCKET_MS = 100
LEVELS = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
"""One character per bucket: 64 levels of peak amplitude, on a square-root scale so that quiet speech is seen."""


def outlines(wav: bytes) -> list[str]:
    """The outline of each channel of a 16-bit WAV file; one character per `BUCKET_MS`.

    Raises:
        ValueError: it is no such file.
    """
    try:
        with wave.open(io.BytesIO(wav), "rb") as file:
            if file.getsampwidth() != 2:  # noqa: PLR2004 - two bytes are 16 bits
                message = f"expected 16-bit audio, got {8 * file.getsampwidth()}-bit"
                raise ValueError(message)
            channels, rate = file.getnchannels(), file.getframerate()
            samples = array.array("h", file.readframes(file.getnframes()))
    except (wave.Error, EOFError) as error:
        message = f"not a WAV file: {error}"
        raise ValueError(message) from None
    if sys.byteorder == "big":
        samples.byteswap()
    step = max(1, rate * BUCKET_MS // 1000)
    return [_outline(samples[channel::channels], step) for channel in range(channels)]


def _outline(samples: "array.array[int]", step: int) -> str:
    return "".join(_level(samples[at : at + step]) for at in range(0, len(samples), step))


def _level(bucket: "array.array[int]") -> str:
    peak = max(-min(bucket), max(bucket)) / 32768  # noqa: PLW3301 - unpacking a bucket is slower
    return LEVELS[min(len(LEVELS) - 1, int(len(LEVELS) * peak**0.5))]

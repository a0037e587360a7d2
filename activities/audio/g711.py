"""G.711 mu-law (ITU-T G.711): one byte a sample at 8 kHz, as telephones and Media Streams have it."""

import audioop

import numpy as np

from activities.audio.pcm import Samples

RATE_HZ = 8000
SILENCE = 0xFF
"""Mu-law's code for zero."""


def encode(samples: Samples) -> bytes:
    """16-bit samples, shape (n,), to n bytes."""
    return audioop.lin2ulaw(samples.astype("<i2").tobytes(), 2)


def decode(payload: bytes) -> Samples:
    """N bytes to 16-bit samples, shape (n,)."""
    return np.frombuffer(audioop.ulaw2lin(payload, 2), dtype="<i2").astype(np.int16)

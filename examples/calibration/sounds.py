"""The sounds of the calibration telephone, encoded by either law of G.711: its answer, and keys as tones."""

import audioop
import base64
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from examples.calibration.agent import answer_frames

RATE_HZ = 8000
LOUD = 600
"""Peak on the 16-bit scale above which a frame is the caller's speech, as in `agent.py`."""
_LONG_ANSWER_S = 8
_GAP_SAMPLES = 800
"""The longest gap between two words of a long answer: 100 ms."""
_HUM_HZ, _HUM_PEAK = 130, 1500
_KEYPAD = "123A456B789C*0#D"
_ROWS_HZ = (697, 770, 852, 941)
_COLUMNS_HZ = (1209, 1336, 1477, 1633)
_TONE_SAMPLES = 560


class Codec(NamedTuple):
    """One of G.711's two laws."""

    payload_type: int
    silence: bytes
    to_linear: Callable[[bytes, int], bytes]
    from_linear: Callable[[bytes, int], bytes]


CODECS = {
    0: Codec(0, b"\xff", audioop.ulaw2lin, audioop.lin2ulaw),
    8: Codec(8, b"\xd5", audioop.alaw2lin, audioop.lin2alaw),
}


@lru_cache(maxsize=4)
def answer_sound(payload_type: int, *, long: bool) -> bytes:
    """The agent's answer. Its first sample is loud, so that its onset is exact."""
    linear = audioop.ulaw2lin(b"".join(base64.b64decode(frame) for frame in answer_frames()), 2)
    if long:
        samples = np.frombuffer(linear, np.int16)
        loud = np.flatnonzero(np.abs(samples.astype(int)) > LOUD)
        words = np.split(samples, loud[np.flatnonzero(np.diff(loud) > _GAP_SAMPLES)] + 1)
        once = b"".join(_without_lead(word).tobytes() + bytes(2 * _GAP_SAMPLES) for word in words)
        linear = once * -(-_LONG_ANSWER_S * RATE_HZ * 2 // len(once))
        linear = _hummed(linear[: -2 * _GAP_SAMPLES])
    return CODECS[payload_type].from_linear(linear, 2)


def _hummed(linear: bytes) -> bytes:
    """The words over a steady hum: wherever the answer is cut, the sound ends exactly there."""
    samples = np.frombuffer(linear, np.int16).astype(float)
    at = np.arange(len(samples)) * 2 * np.pi * _HUM_HZ / RATE_HZ
    hum = sum(_HUM_PEAK / harmonic * np.sin(at * harmonic + harmonic) for harmonic in range(1, 8))
    return np.clip(samples + hum, -32768, 32767).astype("<i2").tobytes()


def _without_lead(word: np.ndarray) -> np.ndarray:
    loud = np.flatnonzero(np.abs(word.astype(int)) > LOUD)
    return word[loud[0] : loud[-1] + 1] if loud.size else word[:0]


def tone_sound(keys: str, codec: Codec) -> bytes:
    """The keys as tones, 70 ms each and 70 ms apart."""
    at = np.arange(_TONE_SAMPLES) * 2 * np.pi / RATE_HZ
    sound = bytearray()
    for row, column in (divmod(_KEYPAD.index(key), 4) for key in keys):
        tone = 7000 * (np.sin(at * _ROWS_HZ[row]) + np.sin(at * _COLUMNS_HZ[column]))
        sound += codec.from_linear(tone.astype(np.int16).tobytes(), 2) + codec.silence * _TONE_SAMPLES
    return bytes(sound)

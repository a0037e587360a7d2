"""Telephone keys as tones (ITU-T Q.23): made for agents that listen to them, found in what agents play.

The detector is Goertzel's algorithm on windows of 25 ms in steps of 10 ms, with the tests of Q.24 that speech fails:
one strong tone in each group, the two about equally strong, nothing else beside them, no second harmonics, and lasting
for 50 ms (a vowel of ours looked like a key for 45).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from activities.audio.pcm import Samples, to_int16

LOW_HZ = (697, 770, 852, 941)
HIGH_HZ = (1209, 1336, 1477, 1633)
KEYS = ("123A", "456B", "789C", "*0#D")
PRESS_MS = 100
GAP_MS = 100
_LEVEL = 0.25
"""Of each tone, of full scale: together -9 dBFS."""
_WINDOW_MS = 25
_STEP_MS = 10
_MIN_MS = 50
_MIN_DBFS = -42.0
_TWIST_DB = 9.0
_SHARE = 0.62
"""Of the window's energy that the two tones must hold; 12 dB of signal-to-noise leave 0.94 of it in them."""
_AHEAD_DB = 8.0
"""How far the strongest tone of a group stands above its neighbours."""


@dataclass(frozen=True)
class KeyPress:
    """A key that was heard; times in ms from the start."""

    key: str
    start_ms: int
    end_ms: int


def tones(key: str, rate_hz: int, ms: int = PRESS_MS) -> Samples:
    """The sound of a key, with edges of 2 ms.

    Raises:
        KeyError: there is no such key.
    """
    low, high = next(
        ((LOW_HZ[number], HIGH_HZ[row.index(key)]) for number, row in enumerate(KEYS) if len(key) == 1 and key in row),
        (0, 0),
    )
    if not low:
        raise KeyError(key)
    time = np.arange(rate_hz * ms // 1000) / rate_hz
    sound = np.sin(2 * np.pi * low * time) + np.sin(2 * np.pi * high * time)
    edge = rate_hz * 2 // 1000
    ramp = np.minimum(1.0, np.minimum(np.arange(len(time)), np.arange(len(time))[::-1]) / edge)
    return to_int16(sound * ramp * _LEVEL * 32767)


def find_keys(samples: Samples, rate_hz: int) -> list[KeyPress]:
    """Every key press in audio of shape (n,), in order."""
    size, step = rate_hz * _WINDOW_MS // 1000, rate_hz * _STEP_MS // 1000
    if len(samples) < size:
        return []
    windows = np.lib.stride_tricks.sliding_window_view(samples, size)[::step]
    heard = _keys_of(windows.astype(np.float32) / np.float32(32768), rate_hz)
    found: list[KeyPress] = []
    start = 0
    for index in range(1, len(heard) + 1):
        if index < len(heard) and heard[index] == heard[start]:
            continue
        if heard[start] >= 0:
            # A window counts while most of it is tone: the press reaches from the first one's middle to the last's.
            length = (index - start - 1) * _STEP_MS + _WINDOW_MS
            if length >= _MIN_MS:
                key = KEYS[heard[start] // 4][heard[start] % 4]
                begin = start * _STEP_MS
                found.append(KeyPress(key, begin, begin + length))
        start = index
    return _merged(found)


def _merged(presses: list[KeyPress]) -> list[KeyPress]:
    """A press in which one window failed is one press."""
    merged: list[KeyPress] = []
    for press in presses:
        if merged and merged[-1].key == press.key and press.start_ms - merged[-1].end_ms < 2 * _STEP_MS:
            merged[-1] = KeyPress(press.key, merged[-1].start_ms, press.end_ms)
        else:
            merged.append(press)
    return merged


def _keys_of(windows: NDArray[np.float32], rate_hz: int) -> NDArray[np.int64]:
    """Index 0-15 of the key in each window, -1 where there is none. `windows` has shape (n, size)."""
    size = windows.shape[1]
    shaped = windows * np.hanning(size).astype(np.float32)
    energy = np.sum(np.square(shaped), axis=1) + 1e-12
    time = np.arange(size) / rate_hz

    def power(frequencies: tuple[float, ...]) -> NDArray[np.float64]:
        """Goertzel's power, by its definition: the share of each window's energy at each frequency, shape (n, k)."""
        waves = np.exp(-2j * np.pi * np.outer(time, frequencies)).astype(np.complex64)
        window_power = np.sum(np.square(np.hanning(size)))
        return np.asarray(2 * np.abs(shaped @ waves) ** 2 / window_power / energy[:, None])

    low, high = power(LOW_HZ), power(HIGH_HZ)
    row, column = low.argmax(axis=1), high.argmax(axis=1)
    at = np.arange(len(windows))
    strongest_low, strongest_high = low[at, row], high[at, column]
    ahead = 10 ** (-_AHEAD_DB / 10)

    def alone(group: NDArray[np.float64], best: NDArray[np.int64], strongest: NDArray[np.float64]) -> NDArray[np.bool_]:
        rest = group.copy()
        rest[at, best] = 0
        return np.asarray(rest.max(axis=1) < ahead * strongest)

    harmonics = power(tuple(2 * f for f in LOW_HZ))
    twist = 10 ** (_TWIST_DB / 10)
    dbfs = 10 * np.log10(energy / np.sum(np.square(np.hanning(size))) + 1e-12)
    good = (
        (strongest_low + strongest_high > _SHARE)
        & (strongest_low < twist * strongest_high)
        & (strongest_high < twist * strongest_low)
        & alone(low, row, strongest_low)
        & alone(high, column, strongest_high)
        & (harmonics[at, row] < 0.1 * strongest_low)
        & (dbfs > _MIN_DBFS)
    )
    return np.where(good, row * 4 + column, -1)

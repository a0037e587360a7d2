"""What is heard behind the caller: background noise that runs through the whole call."""

from typing import Protocol

import numpy as np

from activities.audio.pcm import Samples, to_int16


class Backdrop(Protocol):
    """A sound that never stops while the line is up."""

    def behind(self, frame: Samples) -> Samples:
        """The caller's next frame with what is heard behind it."""


class _Silence:
    def behind(self, frame: Samples) -> Samples:
        return frame


SILENT: Backdrop = _Silence()


class Noise:
    """A loop of noise, mixed under everything.

    Args:
        noise: shape (n,), at the line's rate, already at its level.
    """

    def __init__(self, noise: Samples) -> None:
        self._noise = noise
        self._at = 0

    def behind(self, frame: Samples) -> Samples:
        """See `Backdrop`."""
        index = (self._at + np.arange(len(frame))) % len(self._noise)
        self._at += len(frame)
        return to_int16(frame.astype(np.float64) + self._noise[index])

"""From one rate to another in a stream, frame by frame, without a seam."""

import numpy as np
from scipy.signal import firwin, lfilter

from activities.audio.pcm import Samples, to_int16

_TAPS = 32
"""Per phase of the longer rate; a delay of half of them, under 1 ms."""


class StreamResampler:
    """Polyphase by its definition: zeros between, one low-pass that remembers, every n-th kept.

    Args:
        up: factor to the common rate.
        down: factor from it.
    """

    def __init__(self, up: int, down: int) -> None:
        self._up = up
        self._down = down
        widest = max(up, down)
        self._filter = firwin(_TAPS * widest + 1, 0.92 / widest) * up
        self._state = np.zeros(_TAPS * widest)
        self._phase = 0

    def __call__(self, samples: Samples) -> Samples:
        """The next samples at the new rate; any number, all together in the right proportion."""
        if self._up == self._down:
            return samples
        spread = np.zeros(len(samples) * self._up)
        spread[:: self._up] = samples
        smooth, self._state = lfilter(self._filter, 1.0, spread, zi=self._state)
        kept = smooth[self._phase :: self._down]
        self._phase = (self._phase - len(spread)) % self._down
        return to_int16(kept)

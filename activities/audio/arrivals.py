"""Audio put by its arrival."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from activities.audio.pcm import FRAME_MS, Samples, on_track
from activities.audio.playback import QUIET, Playout

_SURELY = 0.85
"""Of a frame: less is jitter, or a busy machine."""

_PATIENCE = 2
"""Frames that a call may be longer than its packets, and that one may lie too early until the next pause."""

_WINDOW = 25
"""Packets, of half a second, over which a late one is told from one after a loss."""


class Arrivals:
    """The agent's packets as they came: played out live, and laid out by their arrival for the recording.

    Live, a missing packet is a silent frame at once. For the recording, packets lie end to end; where one came late
    and those after it came late as well, by whole packets, that much was lost, and that much silence is put before
    it. Jitter, which later packets make up for, moves nothing. Where the whole call has as many packets as it is long,
    nothing was lost: its sender was late, or its clock is slow, and the silence waits for the next pause.

    Args:
        rate_hz: of the samples.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate = rate_hz
        self._frame = rate_hz * FRAME_MS // 1000
        self._packets: list[tuple[float, Samples]] = []
        self._stamps: list[float | None] = []
        self._playout = Playout(rate_hz)

    def put(self, arrived_s: float, samples: Samples, stamp_ms: float | None = None) -> None:
        """Take what came at a time on the monotonic clock; any number of samples.

        Where the sender stamps each packet with its own time, that places them.
        """
        if len(samples):
            self._packets.append((arrived_s, samples))
            self._stamps.append(stamp_ms)
            self._playout.add(samples)

    @property
    def empty(self) -> bool:
        """Whether all that came was played."""
        return self._playout.empty

    def take(self) -> Samples:
        """One frame to hear now; what is missing is silence. After a delay it catches up, frame by quiet frame."""
        while self._playout.waiting >= 3 * self._frame and self._playout.skip_quiet():
            pass
        return self._playout.take()

    @property
    def lost(self) -> int:
        """Frames that are missing between packets; longer gaps are pauses of a sender that sends no silence."""
        gaps = [after - end for end, after in pairwise_gaps(self._layout(0.0))]
        return round(sum(gap for gap in gaps if 0 < gap <= _WINDOW * self._frame) / self._frame)

    def laid_out(self, began_s: float, samples: int) -> Samples:
        """All of it as a track of `samples` that begins at `began_s`."""
        return on_track(self._layout(began_s), samples)

    def _layout(self, began_s: float) -> list[tuple[int, Samples]]:
        """Where each packet begins, in samples; without those that had to go so that time stays true."""
        laid: list[tuple[int, Samples]] = []
        end: int | None = None
        places = self._places(began_s)
        patient = self._whole(places)
        for place, (_, packet) in zip(places, self._packets, strict=True):
            late = 0.0 if end is None else place - end
            if end is None:
                at = round(place)
            elif patient and late < self._frame * (_PATIENCE + _SURELY) and np.any(np.abs(packet) > QUIET):
                at = end
            elif late > self._frame * _SURELY:
                at = end + round(late / self._frame) * self._frame  # whole packets are lost, never a part of one
            elif late < -self._frame * _SURELY and not np.any(np.abs(packet) > QUIET):
                continue  # the sender's clock is fast, or a pause was put too early: made good in silence
            else:
                at = end
            laid.append((at, packet))
            end = at + len(packet)
        return laid

    def _whole(self, places: NDArray[np.float64]) -> bool:
        """Whether about as many packets came as the call is long; where the last ones belong, none after them tell."""
        until = max(0, len(places) - 1 - _WINDOW)
        came = sum(len(packet) for _, packet in self._packets[:until])
        return not len(places) or bool(abs(places[until] - places[0] - came) <= _PATIENCE * self._frame)

    def _places(self, began_s: float) -> NDArray[np.float64]:
        """Where each packet should begin by its own clock, or by the arrival of the promptest of those that follow."""
        if not self._packets:
            return np.empty(0)
        lengths = np.array([len(packet) for _, packet in self._packets])
        nominal = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(float)
        if None not in self._stamps:
            nominal = np.array(self._stamps, float) * self._rate / 1000
        late = np.array([(at - began_s) * self._rate for at, _ in self._packets]) - nominal
        if None not in self._stamps:
            return np.asarray(nominal + late.min())
        padded = np.concatenate([late, np.full(_WINDOW, np.inf)])
        return np.asarray(nominal + np.lib.stride_tricks.sliding_window_view(padded, _WINDOW + 1).min(axis=1))


def pairwise_gaps(laid: list[tuple[int, Samples]]) -> Iterator[tuple[int, int]]:
    """The end of each packet, and the start of the next."""
    for (at, packet), (after, _) in pairwise(laid):
        yield at + len(packet), after

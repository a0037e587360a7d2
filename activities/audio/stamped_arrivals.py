"""Audio put by the sender's own time, as RTP tells it, on a clock that need not run as ours does."""

import numpy as np
from numpy.typing import NDArray

from activities.audio.pcm import FRAME_MS, Samples, on_track
from activities.audio.playback import QUIET, Playout

_PATIENCE_S = 0.057
"""By so much sound may lie beside its time, until the next pause; more was a hole for a listener as well."""
_SET_RIGHT_S = 0.005
"""By more than this the time is set right in a pause."""
_PAUSE_S = 0.1
"""A gap that is no loss of a packet or two."""
_ROUNDING_S = 0.002
_WINDOW = 50
"""Packets, of a second, among which the promptest tells how far apart the two clocks are."""


class StampedArrivals:
    """The agent's packets in the order in which they were spoken, with the sender's stamps.

    Live, they are played out as they come. For the recording a packet lies where its stamp says, by the promptest of
    those that follow: what the network did to one packet moves nothing, and what was lost leaves its time. Where the
    clocks drift apart, or the sender fell behind, the time is set right in pauses, never within a word.

    Args:
        rate_hz: of the samples.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate = rate_hz
        self._frame = rate_hz * FRAME_MS // 1000
        self._packets: list[tuple[float, float, Samples]] = []
        self._playout = Playout(rate_hz)

    def put(self, arrived_s: float, stamp_s: float, samples: Samples) -> None:
        """Take a packet of any length: when it came on our monotonic clock, when it was spoken on the sender's."""
        if len(samples):
            self._packets.append((arrived_s, stamp_s, samples))
            self._playout.add(samples)

    @property
    def empty(self) -> bool:
        """Whether all that came was played."""
        return self._playout.empty

    @property
    def sound(self) -> Samples:
        """All of it, end to end."""
        return np.concatenate([samples for *_, samples in self._packets] or [np.zeros(0, np.int16)])

    def take(self) -> Samples:
        """One frame to hear now; what is missing is silence. After a delay it catches up, frame by quiet frame."""
        while self._playout.waiting >= 3 * self._frame and self._playout.skip_quiet():
            pass
        return self._playout.take()

    def laid_out(self, began_s: float, samples: int) -> Samples:
        """All of it as a track of `samples` that begins at `began_s`."""
        return on_track(self.layout(began_s), samples)

    def layout(self, began_s: float) -> list[tuple[int, Samples]]:
        """Where each packet begins, in samples; quiet ones may be cut so that time stays true."""
        laid: list[tuple[int, Samples]] = []
        end, spoken_until = 0, 0.0
        for place, (_, stamp_s, packet) in zip(self._places(began_s), self._packets, strict=True):
            gap_s = stamp_s - spoken_until if laid else 0.0
            spoken_until = stamp_s + len(packet) / self._rate
            due = end + round(gap_s * self._rate) if gap_s > _ROUNDING_S else end
            apart_s = (place - due) / self._rate
            pause = gap_s > _PAUSE_S or not np.any(np.abs(packet) > QUIET)
            at, kept = due, packet
            if not laid or apart_s > _PATIENCE_S or (pause and abs(apart_s) > _SET_RIGHT_S):
                at = round(place) if not laid else max(end, round(place))
                if laid and pause and round(place) < end:
                    kept = packet[end - round(place) :]
            if len(kept):
                laid.append((at, kept))
                end = at + len(kept)
        return laid

    def _places(self, began_s: float) -> NDArray[np.float64]:
        """Where each packet should begin by the arrival of the promptest of those that follow, in samples."""
        if not self._packets:
            return np.empty(0)
        stamps = np.array([stamp_s for _, stamp_s, _ in self._packets])
        transit = np.array([arrived_s for arrived_s, *_ in self._packets]) - stamps
        padded = np.concatenate([transit, np.full(_WINDOW, np.inf)])
        promptest = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW + 1).min(axis=1)
        return np.asarray((stamps + promptest - began_s) * self._rate)

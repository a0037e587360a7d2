"""What most lines have in common, and what they are made of: a buffer that plays out, and audio put by its arrival."""

from collections import deque
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from activities.audio import Samples
from activities.ports import FRAME_MS, LineEvent, MediaStats

_QUIET = 200
"""Peak on the 16-bit scale under which a packet may be left out."""
_SURELY = 0.85
"""Of a frame: less is jitter, or a busy machine."""
_PATIENCE = 2
"""Frames that a call may be longer than its packets, and that one may lie too early until the next pause."""
_WINDOW = 25
"""Packets, of half a second, over which a late one is told from one after a loss."""


class PlainLine:
    """A line without keys, events or statistics, whose frames leave when they are given. Channels override."""

    sends_keys = False
    takes_text = False
    sending_delay_s = 0.0
    early_frames = 0

    def __init__(self) -> None:
        self._events: list[LineEvent] = []

    def heard(self, began_s: float, samples: int) -> Samples | None:  # noqa: ARG002 - see `Line`
        """See `Line`."""
        return None

    async def send_early(self, frame: Samples) -> Samples:
        """See `Line`."""
        raise NotImplementedError("on this line a frame leaves when it is given")

    async def press(self, key: str) -> None:
        """See `Line`."""
        raise NotImplementedError(f"this line has no event for the key {key}")

    def events(self) -> list[LineEvent]:
        """See `Line`."""
        taken, self._events = self._events, []
        return taken

    def stats(self) -> MediaStats | None:
        """See `Line`."""
        return None

    async def turn_begins(self, text: str | None) -> None:
        """See `Line`."""

    async def turn_over(self) -> None:
        """See `Line`."""

    async def recordings(self) -> dict[str, bytes]:
        """See `Line`."""
        return {}


class Playout:
    """Sound that waits to be heard, frame by frame, and marks in it.

    Args:
        rate_hz: of the samples.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate = rate_hz
        self._frame = rate_hz * FRAME_MS // 1000
        self._silence: Samples = np.zeros(self._frame, np.int16)
        self._queue: deque[Samples | Callable[[], None]] = deque()
        self.waiting = 0
        """Samples."""
        self.taken = 0
        """Samples of sound that were heard; silence put in for them does not count."""

    @property
    def empty(self) -> bool:
        """Whether all that came was heard, and all marks were reached."""
        return not self._queue

    def add(self, samples: Samples) -> None:
        """To be heard after all that waits; any number of samples."""
        self._queue.append(samples)
        self.waiting += len(samples)

    def mark(self, reached: Callable[[], None]) -> None:
        """Call `reached` once all that waits now was heard."""
        self._queue.append(reached)

    def drop(self) -> list[Callable[[], None]]:
        """Forget what waits; returns the marks that were not reached."""
        marks = [item for item in self._queue if not isinstance(item, np.ndarray)]
        self._queue.clear()
        self.waiting = 0
        return marks

    def skip_quiet(self) -> bool:
        """Leave out what is next, if that is hardly audible."""
        head = self._queue[0] if self._queue else None
        if not isinstance(head, np.ndarray) or np.any(np.abs(head) > _QUIET):
            return False
        self.waiting -= len(head)
        self._queue.popleft()
        return True

    def take(self) -> Samples:
        """One frame to hear now; what is missing is silence."""
        parts: list[Samples] = []
        missing = self._frame
        while self._queue:
            head = self._queue[0]
            if not isinstance(head, np.ndarray):
                self._queue.popleft()
                head()
                continue
            if not missing:
                break
            self._queue.popleft()
            if len(head) > missing:
                self._queue.appendleft(head[missing:])
                head = head[:missing]
            parts.append(head)
            missing -= len(head)
        self.waiting -= self._frame - missing
        self.taken += self._frame - missing
        if not parts:
            return self._silence
        return np.concatenate([*parts, self._silence[:missing]]) if missing else np.concatenate(parts)


class Playback(Playout):
    """What an agent sends ahead of time is played in real time from when it came: end to end, until it is cleared.

    Args:
        rate_hz: of the samples.
    """

    def __init__(self, rate_hz: int) -> None:
        super().__init__(rate_hz)
        self._played: list[tuple[float, Samples]] = []
        self._until_s = 0.0

    def put(self, arrived_s: float, samples: Samples) -> None:
        """Take what came at a time on the monotonic clock; any number of samples."""
        start_s = max(arrived_s, self._until_s)
        self._played.append((start_s, samples))
        self._until_s = start_s + len(samples) / self._rate
        self.add(samples)

    def clear(self, at_s: float) -> list[Callable[[], None]]:
        """Nothing is played from now on of what came before; returns the marks that were not reached."""
        while self._played and self._until_s > at_s:
            start_s, samples = self._played.pop()
            kept = samples[: max(0, round((at_s - start_s) * self._rate))]
            self._until_s = start_s
            if len(kept):
                self._played.append((start_s, kept))
                break
        self._until_s = min(self._until_s, at_s)
        return self.drop()

    def laid_out(self, began_s: float, samples: int) -> Samples:
        """All of it as a track of `samples` that begins at `began_s`."""
        track = np.zeros(samples, np.int16)
        for start_s, played in self._played:
            at = round((start_s - began_s) * self._rate)
            cut = played[max(0, -at) : max(0, samples - at)]
            track[max(0, at) : max(0, at) + len(cut)] = cut
        return track


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
        track = np.zeros(samples, np.int16)
        for at, packet in self._layout(began_s):
            cut = packet[max(0, -at) : max(0, samples - at)]
            start = max(0, at)
            track[start : start + len(cut)] = cut
        return track

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
            elif patient and late < self._frame * (_PATIENCE + _SURELY) and np.any(np.abs(packet) > _QUIET):
                at = end
            elif late > self._frame * _SURELY:
                at = end + round(late / self._frame) * self._frame  # whole packets are lost, never a part of one
            elif late < -self._frame * _SURELY and not np.any(np.abs(packet) > _QUIET):
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

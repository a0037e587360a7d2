"""What most lines have in common, and what they are made of: a buffer that plays out, and audio put by its arrival."""

from collections import deque
from itertools import pairwise

import numpy as np

from activities.audio import Samples
from activities.ports import FRAME_MS, LineEvent, MediaStats

_WINDOW = 25
"""Packets, of half a second, over which a late one is told from one after a loss."""


class PlainLine:
    """A line without keys, events or statistics, whose frames leave when they are given. Channels override."""

    sends_keys = False
    takes_text = False
    sending_delay_s = 0.0

    def __init__(self) -> None:
        self._events: list[LineEvent] = []

    def heard(self, began_s: float, samples: int) -> Samples | None:  # noqa: ARG002 - see `Line`
        """See `Line`."""
        return None

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


class Playback:
    """What an agent sends ahead of time is played in real time from when it came: end to end, until it is cleared.

    Args:
        rate_hz: of the samples.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate = rate_hz
        self._played: list[tuple[float, Samples]] = []
        self._until_s = 0.0

    def put(self, arrived_s: float, samples: Samples) -> None:
        """Take what came at a time on the monotonic clock; any number of samples."""
        start_s = max(arrived_s, self._until_s)
        self._played.append((start_s, samples))
        self._until_s = start_s + len(samples) / self._rate

    def clear(self, at_s: float) -> None:
        """Nothing is played from now on of what came before."""
        while self._played and self._until_s > at_s:
            start_s, samples = self._played.pop()
            kept = samples[: max(0, round((at_s - start_s) * self._rate))]
            self._until_s = start_s
            if len(kept):
                self._played.append((start_s, kept))
                break
        self._until_s = min(self._until_s, at_s)

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
    it. Jitter, which later packets make up for, moves nothing.

    Args:
        rate_hz: of the samples.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate = rate_hz
        self._frame = rate_hz * FRAME_MS // 1000
        self._packets: list[tuple[float, Samples]] = []
        self._playout: deque[Samples] = deque()
        self._waiting = 0
        self._silence: Samples = np.zeros(self._frame, np.int16)

    def put(self, arrived_s: float, samples: Samples) -> None:
        """Take what came at a time on the monotonic clock; any number of samples."""
        if len(samples):
            self._packets.append((arrived_s, samples))
            self._playout.append(samples)
            self._waiting += len(samples)

    @property
    def empty(self) -> bool:
        """Whether all that came was played."""
        return not self._playout

    def clear(self) -> None:
        """Forget what was not played yet."""
        self._playout.clear()
        self._waiting = 0

    def take(self) -> Samples:
        """One frame to hear now; what is missing is silence. After a delay it catches up, frame by quiet frame."""
        while self._waiting >= 3 * self._frame and not np.any(np.abs(self._playout[0]) > 200):  # noqa: PLR2004
            self._waiting -= len(self._playout.popleft())
        parts: list[Samples] = []
        missing = self._frame
        while missing and self._playout:
            head = self._playout.popleft()
            if len(head) > missing:
                self._playout.appendleft(head[missing:])
                head = head[:missing]
            parts.append(head)
            missing -= len(head)
        self._waiting -= self._frame - missing
        if not parts:
            return self._silence
        return np.concatenate([*parts, self._silence[:missing]]) if missing else np.concatenate(parts)

    @property
    def lost(self) -> int:
        """Frames that are missing between the first packet and the last."""
        places = self._places(0.0)
        ends = [at + len(packet) for at, (_, packet) in zip(places, self._packets, strict=True)]
        return round(sum(max(0, after - end) for end, after in zip(ends, places[1:], strict=False)) / self._frame)

    def laid_out(self, began_s: float, samples: int) -> Samples:
        """All of it as a track of `samples` that begins at `began_s`."""
        track = np.zeros(samples, np.int16)
        for at, packet in zip(self._places(began_s), (packet for _, packet in self._packets), strict=True):
            cut = packet[max(0, -at) : max(0, samples - at)]
            start = max(0, at)
            track[start : start + len(cut)] = cut
        return track

    def _places(self, began_s: float) -> list[int]:
        """Where each packet begins, in samples."""
        if not self._packets:
            return []
        lengths = np.array([len(packet) for _, packet in self._packets])
        nominal = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        arrived = np.array([(at - began_s) * self._rate for at, _ in self._packets])
        late = arrived - nominal
        # The least delay from here on, in a window: what even the promptest of the next packets shows was really lost.
        padded = np.concatenate([late, np.full(_WINDOW, np.inf)])
        floor = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW + 1).min(axis=1)
        places: list[int] = []
        base = shift = float(floor[0])
        for now in floor:
            # Whole packets are lost, never a part of one; and a pause of the sender moves all that follows.
            if now - shift > self._frame * 0.6:
                shift += round((now - shift) / self._frame) * self._frame
            elif shift - now > self._frame * 0.6 and shift > base:
                shift -= round((shift - now) / self._frame) * self._frame
            places.append(round(shift))
        found = [int(start) + place for start, place in zip(nominal, places, strict=True)]
        for number, (before, after) in enumerate(pairwise(found)):
            found[number + 1] = max(after, before)
        return found

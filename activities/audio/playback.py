"""A buffer that plays out: what an agent sends ahead of time is heard in real time."""

from collections import deque
from collections.abc import Callable

import numpy as np

from activities.audio.pcm import FRAME_MS, Samples

_CUTS = 1000
QUIET = 200
"""Peak on the 16-bit scale under which a packet may be left out."""
MAX_AHEAD_S = 600
MAX_MARKS = 1_000
"""How much an agent may send ahead of time."""


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
        self._marks = 0
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
        if not len(samples):
            return
        last = self._queue[-1] if self._queue else None
        if isinstance(last, np.ndarray) and len(last) < self._frame // 4:
            self._queue[-1] = np.concatenate([last, samples])  # crumbs, of which a frame would take very many
        else:
            self._queue.append(samples)
        self.waiting += len(samples)

    def mark(self, reached: Callable[[], None]) -> bool:
        """Call `reached` once all that waits now was heard. False: too many marks wait already."""
        if self._marks >= MAX_MARKS:
            return False
        self._marks += 1
        self._queue.append(reached)
        return True

    def drop(self) -> list[Callable[[], None]]:
        """Forget what waits; returns the marks that were not reached."""
        marks = [item for item in self._queue if not isinstance(item, np.ndarray)]
        self._queue.clear()
        self._marks = self.waiting = 0
        return marks

    def skip_quiet(self) -> bool:
        """Leave out what is next, if that is hardly audible."""
        head = self._queue[0] if self._queue else None
        if not isinstance(head, np.ndarray) or np.any(np.abs(head) > QUIET):
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
                self._marks -= 1
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
        self._played: list[tuple[float, bytearray]] = []
        """Stretches without a gap: when each began on the monotonic clock, and its samples."""
        self._until_s = 0.0
        self._cut_s: deque[float] = deque(maxlen=_CUTS)

    def put(self, arrived_s: float, samples: Samples) -> bool:
        """Take what came at a time on the monotonic clock; any number of samples. False: too much waits already."""
        if self.waiting + len(samples) > MAX_AHEAD_S * self._rate:
            return False
        start_s = max(arrived_s, self._until_s)
        if not self._played or start_s > self._until_s:
            self._played.append((start_s, bytearray()))
        self._played[-1][1].extend(samples.tobytes())
        self._until_s = start_s + len(samples) / self._rate
        self.add(samples)
        return True

    def clear(self, at_s: float) -> list[Callable[[], None]]:
        """Nothing is played from now on of what came before; returns the marks that were not reached."""
        if self._until_s > at_s:
            self._cut_s.append(at_s)
        while self._played and self._until_s > at_s:
            start_s, sound = self._played[-1]
            kept = max(0, round((at_s - start_s) * self._rate)) * _WIDTH
            if kept:
                del sound[kept:]
                break
            self._played.pop()
            self._until_s = start_s
        self._until_s = min(self._until_s, at_s)
        return self.drop()

    def cuts(self, began_s: float) -> list[int]:
        """Where sound was cut, in samples of the track that begins at `began_s`; the last thousand."""
        return [round((at_s - began_s) * self._rate) for at_s in self._cut_s]

    def laid_out(self, began_s: float, samples: int) -> Samples:
        """All of it as a track of `samples` that begins at `began_s`."""
        track = np.zeros(samples, np.int16)
        for start_s, sound in self._played:
            at = round((start_s - began_s) * self._rate)
            cut = np.frombuffer(bytes(sound), np.int16)[max(0, -at) : max(0, samples - at)]
            track[max(0, at) : max(0, at) + len(cut)] = cut
        return track


_WIDTH = np.dtype(np.int16).itemsize

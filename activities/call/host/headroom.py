"""Whether a process has time for one more call: how late its frames are sent, and how busy the thread is that sends.

Frames of all calls of a process leave by one thread. While it has time to spare, each leaves when it is due; when it
has none, those of all calls stutter. So lateness is watched, and, because it comes suddenly, the thread's work as well.
"""

import time
from collections import deque
from collections.abc import Callable

WINDOW_S = 2.0
"""So far back is looked."""
_EVERY_S = 0.25


class Headroom:
    """Of the calls of one process. Frames are noted by the thread that sends them.

    Args:
        clock: monotonic, in seconds.
        spent: processor time of the calling thread, in seconds.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, spent: Callable[[], float] = time.thread_time
    ) -> None:
        self._clock = clock
        self._spent = spent
        self._samples: deque[tuple[float, float, float]] = deque()
        """When, the thread's processor time until then, and the worst lateness before it."""
        self._worst_s = 0.0

    def sent(self, late_s: float) -> None:
        """A frame was sent so much later than it was due."""
        self._worst_s = max(self._worst_s, late_s)
        now = self._clock()
        if not self._samples or now - self._samples[-1][0] >= _EVERY_S:
            self._samples.append((now, self._spent(), self._worst_s))
            self._worst_s = 0.0
            self._forget(now)

    @property
    def late_s(self) -> float:
        """How late the latest of the last frames was."""
        self._forget(self._clock())
        return max(self._worst_s, *(worst for _, _, worst in self._samples), 0.0)

    @property
    def busy(self) -> float:
        """The share of one processor that the thread took lately; 0 where there were no calls."""
        self._forget(self._clock())
        if len(self._samples) < 2:  # noqa: PLR2004 - a difference
            return 0.0
        (began, before, _), (ended, after, _) = self._samples[0], self._samples[-1]
        return (after - before) / (ended - began)

    def _forget(self, now: float) -> None:
        while self._samples and now - self._samples[0][0] > WINDOW_S:
            self._samples.popleft()
        if not self._samples:
            self._worst_s = 0.0

"""How the caller's frames get onto the line: as they are, or over a poor network on our side."""

from collections import deque
from typing import Protocol

import numpy as np

from activities.audio.pcm import FRAME_MS, Samples
from activities.errors import LineDiedError
from activities.ports.line import Line, SendsByItsOwnClock


class Outbound(Protocol):
    """The caller's way to the line."""

    @property
    def early_frames(self) -> int:
        """How many frames of speech may be given to `send` before they are due; 0 where we keep time."""

    @property
    def delay_s(self) -> float:
        """How much later than it was given to `send` a frame goes to the line."""

    async def send(self, frame: Samples, *, early: bool = False) -> Samples:
        """Send one frame, which is due now unless it is `early`; returns it as the agent hears it.

        Raises:
            LineDiedError: the connection is broken.
        """

    async def finish(self) -> None:
        """Send what still waits, before the caller hangs up."""


class Direct:
    """Frames go to the line as they are."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._own_clock = line if isinstance(line, SendsByItsOwnClock) else None

    @property
    def early_frames(self) -> int:
        """See `Outbound`."""
        return self._own_clock.early_frames if self._own_clock is not None else 0

    @property
    def delay_s(self) -> float:
        """See `Outbound`."""
        return 0.0

    async def send(self, frame: Samples, *, early: bool = False) -> Samples:
        """See `Outbound`."""
        if early and self._own_clock is not None:
            return await self._own_clock.send_early(frame)
        return await self._line.send(frame)

    async def finish(self) -> None:
        """See `Outbound`: nothing waits."""


class PoorNetwork:
    """Frames are lost and delayed on their way to the line. A lost frame is heard as silence.

    Args:
        line: where they go.
        loss: share of frames that are lost, 0 to 1.
        jitter_ms: the longest delay, rounded up to whole frames.
        random: decides.
    """

    early_frames = 0
    """When a frame leaves is chance here."""

    def __init__(self, line: Line, loss: float, jitter_ms: int, random: np.random.Generator) -> None:
        self._way = Direct(line)
        self._loss = loss
        self._jitter = -(-jitter_ms // FRAME_MS)
        self._random = random
        self._queue: deque[tuple[int, Samples]] = deque()
        self._sent = 0

    @property
    def delay_s(self) -> float:
        """See `Outbound`: the line's own, and what the last frame still has to wait."""
        waits = max(0, self._queue[-1][0] - self._sent + 1) if self._queue else 0
        return self._way.delay_s + waits * FRAME_MS / 1000

    async def send(self, frame: Samples, *, early: bool = False) -> Samples:  # noqa: ARG002 - none is early here
        """See `Outbound`. Recorded is what the agent hears; when it left is in `delay_s`."""
        lost = self._random.random() < self._loss
        due = self._sent + int(self._random.integers(0, self._jitter + 1))
        if self._queue:
            due = max(due, self._queue[-1][0])
        self._queue.append((due, np.zeros_like(frame) if lost else frame))
        self._sent += 1
        while self._queue and self._queue[0][0] < self._sent:
            await self._way.send(self._queue.popleft()[1])
        return np.zeros_like(frame) if lost else frame

    async def finish(self) -> None:
        """See `Outbound`."""
        try:
            while self._queue:
                await self._way.send(self._queue.popleft()[1])
        except LineDiedError:
            self._queue.clear()

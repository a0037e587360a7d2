"""The caller's frames until they leave: put into the packets that the stack sends by its clock."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from activities.channels.sip.wire import Left

_FRAME_S = 0.02
_LATE_S = 0.04
"""By so much more than a packet's length may silence be late; then it is left out, so that speech is not."""
_VERY_LATE_S = 0.5
"""So late, sound is left out as well, unless it was given ahead of time."""
_MOST = 300
"""Frames that wait."""
_BYTES_S = 16_000
"""16-bit at 8 kHz."""


@dataclass
class _Frame:
    number: int
    at_s: float
    pcm: bytes
    early: bool
    began_s: float = 0.0


class Outgoing:
    """G.711 at 8 kHz.

    Args:
        on_left: told of frames that leave now.
    """

    def __init__(self, on_left: Callable[[list[Left]], None]) -> None:
        self._on_left = on_left
        self._frames: deque[_Frame] = deque()
        self._used = 0
        """Bytes of the first frame that have left."""
        self._count = 0
        self._flows = False

    def write(self, at_s: float, pcm: bytes, now_s: float) -> None:
        """A frame that is due at `at_s` on the monotonic clock. Frames are counted as they come."""
        self._frames.append(_Frame(self._count, at_s, pcm, early=at_s > now_s + _FRAME_S / 2))
        self._count += 1
        if len(self._frames) > _MOST:
            self._leave_out()

    def pause(self) -> None:
        """The agent holds the call: what has not left is not said later."""
        self._frames.clear()
        self._used = 0

    def take(self, size: int, now_s: float) -> bytes:
        """The next `size` bytes, which leave at `now_s`: sound that is due, after silence where there is too little."""
        self._catch_up(now_s, size / _BYTES_S)
        until_s = now_s + (_FRAME_S if self._flows else 0.0)  # what flows does so even if the stack is a little early
        parts: list[bytes] = []
        left: list[Left] = []
        missing = size
        while missing and self._frames and self._frames[0].at_s <= until_s:
            frame = self._frames[0]
            if not self._used:
                frame.began_s = now_s
            part = frame.pcm[self._used : self._used + missing]
            parts.append(part)
            missing -= len(part)
            self._used += len(part)
            if self._used >= len(frame.pcm):
                left.append(Left(frame.number, frame.began_s, now_s))
                self._leave_out()
        self._flows = not missing
        if left:
            self._on_left(left)
        return bytes(missing) + b"".join(parts)

    def _catch_up(self, now_s: float, packet_s: float) -> None:
        while self._frames and not self._used:
            frame = self._frames[0]
            late_s = now_s - frame.at_s - packet_s
            silent = not frame.pcm.strip(b"\0")
            if not (late_s > _LATE_S and silent) and not (late_s > _VERY_LATE_S and not frame.early):
                return
            self._leave_out()

    def _leave_out(self) -> None:
        self._frames.popleft()
        self._used = 0

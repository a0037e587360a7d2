"""The agent's sound: played in real time from when it comes, until the caller talks into it."""

import base64
import time
from collections import deque

import numpy as np

from activities.audio import g711
from activities.audio.pcm import Samples
from activities.audio.playback import Playback
from activities.audio.resample import StreamResampler
from activities.channels.openai_realtime.events import Event

_REMEMBERED = 64


class AgentSound:
    """Answers as they come in parts, each part of an item of a response.

    Args:
        rate_hz: at which it is played.
        mu_law: whether parts are mu-law at 8 kHz; else 16-bit PCM at 24 kHz.
    """

    def __init__(self, rate_hz: int, *, mu_law: bool) -> None:
        self.playback = Playback(rate_hz)
        self._rate_hz = rate_hz
        self._mu_law = mu_law
        self._resample = StreamResampler(2, 3)
        self._half = b""
        self._plays: str | None = None
        """The item that is being played, and how many samples were played before it."""
        self._before = 0
        self._came: str | None = None
        """The item whose sound came last."""
        self._coming: tuple[str, str] | None = None
        """Its response and itself, while more of it may come."""
        self._cut: deque[str] = deque(maxlen=_REMEMBERED)
        """Responses and items that the caller talked into."""

    def add(self, event: Event) -> bool:
        """Play a part after all that came; what the caller has talked into is over. False: too much waits already.

        Raises:
            ValueError: the part holds no sound.
            KeyError: the same.
        """
        response, item = str(event.get("response_id") or ""), str(event.get("item_id") or "")
        wire = base64.b64decode(event["delta"], validate=True)
        if response in self._cut or item in self._cut:
            return True
        if item != self._came:
            # Another answer: no half sample and no echo of the one before belongs to it.
            self._came, self._half, self._resample = item, b"", StreamResampler(2, 3)
            self.playback.mark(lambda: self._begins(item))
        self._coming = response, item
        return self.playback.put(time.monotonic(), self._decoded(wire))

    def _decoded(self, wire: bytes) -> Samples:
        if self._mu_law:
            return g711.decode(wire)
        wire = self._half + wire
        whole = len(wire) // 2 * 2
        self._half = wire[whole:]
        return self._resample(np.frombuffer(wire[:whole], "<i2").astype(np.int16))

    def _begins(self, item: str) -> None:
        self._plays, self._before = item, self.playback.taken

    def complete(self) -> None:
        """No more of what came last will come."""
        self._coming = None

    def stop(self) -> tuple[str, int] | None:
        """The caller talks into it: nothing more of it is played, also not what is still under way.

        Returns:
            The item that was cut, and how many ms of it were heard; None where nothing was being said.
        """
        if self.playback.empty and self._coming is None:
            return None
        over = {*(self._coming or ()), self._came, self._plays}
        self._cut += [name for name in over if name]
        self._coming = None
        self.playback.clear(time.monotonic())
        if not self._plays:
            return None
        return self._plays, (self.playback.taken - self._before) * 1000 // self._rate_hz

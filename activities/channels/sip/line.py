"""One SIP call as the conversation sees it."""

import asyncio
import audioop
import logging
import math
import re
import time
from typing import Protocol

import numpy as np

from activities.audio import g711
from activities.audio.pcm import FRAME_MS, Samples
from activities.audio.resample import StreamResampler
from activities.audio.stamped_arrivals import StampedArrivals
from activities.channels.event_queue import EventQueue
from activities.channels.sip.messages import Closed, Hold, Key, Transfer, Up
from activities.channels.sip.wire import Left
from activities.errors import LineDiedError
from activities.ports.line import LineEvent, MediaStats
from voicewright.contracts.call import CallEventKind

_WIDEBAND_HZ = 16_000

_GOODBYE_S = 2.0

_log = logging.getLogger("calls.sip")


class Carrier(Protocol):
    """What carries a call: the process that holds it."""

    def send(self, number: int, due_s: float, pcm: bytes) -> None:
        """Audio of a call, and when it is due to leave."""

    def press(self, number: int, key: str) -> None:
        """A key of a call."""

    def hang_up(self, number: int) -> None:
        """End a call."""

    def forget(self, number: int) -> None:
        """A call that is over."""


class SipLine:
    """One call. See `Line`, `SendsByItsOwnClock`, `MayBeHeld`, `LaysOut` and `KnowsItsNetwork`."""

    early_frames = 50
    """So long may a worker be late in a caller's speech, and it leaves without a gap."""

    def __init__(self, process: Carrier, number: int, up: Up) -> None:
        self._events = EventQueue()
        self._process = process
        self._number = number
        self._tx_channels, self._rx_channels = up.tx_channels, up.rx_channels
        self.rate_hz = min(up.rx_hz, _WIDEBAND_HZ)
        self._left: dict[int, Left] = {}
        self.on_hold = up.on_hold
        """See `MayBeHeld`."""
        self._out = StreamResampler(up.tx_hz // self.rate_hz, 1)
        self._in = StreamResampler(1, up.rx_hz // self.rate_hz)
        self._codec = up.codec
        self._arrivals = StampedArrivals(self.rate_hz)
        self._frame = self.rate_hz * FRAME_MS // 1000
        self._sent = 0
        self._zero_s = math.inf
        self._ended: str | None = None
        self._broken: str | None = None
        self._closed: Closed | None = None
        self._over = asyncio.Event()
        self.dialog = up.dialog

    @property
    def hung_up(self) -> str | None:
        """See `Line`."""
        return self._ended if self._arrivals.empty else None

    async def send(self, frame: Samples) -> Samples:
        """See `Line`."""
        return self._send(frame, early=False)

    async def send_early(self, frame: Samples) -> Samples:
        """See `SendsByItsOwnClock`: the stack's sends it."""
        return self._send(frame, early=True)

    def _send(self, frame: Samples, *, early: bool) -> Samples:
        if self._broken is not None:
            raise LineDiedError(self._broken)
        nominal_s = self._sent * FRAME_MS / 1000
        self._sent += 1
        if not early:
            self._zero_s = min(self._zero_s, time.monotonic() - nominal_s)  # as prompt as the promptest frame
        due_s = self._zero_s + nominal_s if early else time.monotonic()
        if self._ended is None:
            pcm = self._out(frame)
            if self._tx_channels == 2:  # noqa: PLR2004 - stereo
                pcm = np.repeat(pcm, 2)
            self._process.send(self._number, due_s, pcm.astype("<i2").tobytes())
        return self._coded(frame)

    def _coded(self, frame: Samples) -> Samples:
        if self._codec == "PCMU":
            return g711.decode(g711.encode(frame))
        if self._codec == "PCMA":
            plain = audioop.alaw2lin(audioop.lin2alaw(frame.astype("<i2").tobytes(), 2), 2)
            return np.frombuffer(plain, "<i2").astype(np.int16)
        return frame

    def receive(self) -> Samples:
        """See `Line`."""
        return self._arrivals.take()

    def heard(self, began_s: float, samples: int) -> Samples:
        """See `LaysOut`."""
        return self._arrivals.laid_out(began_s, samples)

    def events(self) -> list[LineEvent]:
        """See `Line`."""
        return self._events.take()

    def left(self, number: int) -> tuple[float, float] | None:
        """See `SendsByItsOwnClock`."""
        left = self._left.get(number)
        return None if left is None else (left.began_s, left.ended_s)

    def stats(self) -> MediaStats:
        """See `KnowsItsNetwork`."""
        closed = self._closed or Closed()
        return MediaStats(
            received=closed.packets,
            lost=closed.packets_lost,
            jitter_ms=closed.jitter_ms,
            codec=self._codec,
        )

    async def hang_up(self) -> None:
        """See `Line`; waits shortly for the call's statistics."""
        if self._ended is None and self._broken is None:
            self._process.hang_up(self._number)
            try:
                async with asyncio.timeout(_GOODBYE_S):
                    await self._over.wait()
            except TimeoutError:
                _log.warning("the SIP process did not confirm the end of a call")
        self._process.forget(self._number)

    def take_audio(self, at_s: float, stamp_s: float, pcm: bytes) -> None:
        """A packet of what the agent said, 16-bit, at the call's rate; `stamp_s` is of the agent's own clock."""
        samples = np.frombuffer(pcm, "<i2").astype(np.int16)
        if self._rx_channels == 2:  # noqa: PLR2004 - stereo: both sides are one
            samples = samples[::2]
        self._arrivals.put(at_s, stamp_s, self._in(samples))

    def take_left(self, left: list[Left]) -> None:
        """Frames of ours that have left."""
        self._left.update((frame.number, frame) for frame in left)

    def take_news(self, news: Hold | Key | Transfer | Closed) -> None:
        """Anything else that the process tells of this call."""
        match news:
            case Closed():
                self._closed = news
                why = "; ".join(str(reason) for reason in news.reasons) or news.reason
                if any(reason.is_the_networks for reason in news.reasons):
                    self._broken = f"the call broke off ({why})"
                else:
                    self._ended = self._ended or (f"the agent hung up ({why})" if why else "hung up")
                self._over.set()
            case Hold():
                self.on_hold = news.on
            case Key():
                self._events.put(CallEventKind.KEY, news.key, at_s=news.at_s)
            case Transfer():
                self._events.put(CallEventKind.TRANSFER, re.sub(r"^<|>.*$", "", news.to), at_s=news.at_s)

    def break_off(self, reason: str) -> bool:
        """The process is gone; True where the call was still up."""
        was_up = self._ended is None
        if was_up:
            self._broken = reason
        self._over.set()
        return was_up


class SipLineWithKeys(SipLine):
    """One call to a far end that takes keys as events. See `PressesKeys`."""

    async def press(self, key: str) -> None:
        """See `PressesKeys`: an RFC 4733 event."""
        if self._broken is not None:
            raise LineDiedError(self._broken)
        self._process.press(self._number, key)

"""The audio of one call that the stack codes: between the worker's socket, the stack's buffers and the relay."""

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from baresip import AudioInfo, BaresipError, CallAudio

from activities.channels.sip.rtp.leg import Heard, Leg
from activities.channels.sip.wire import Left

_READ_BYTES = 48_000 * 2 * 2 // 5
_FRAME_MS = 20
_LEAD_MS = 60
"""Of silence, written ahead, so that a frame that comes a little late still leaves on time."""
_FAR_BEHIND = 25
"""Frames that wait to leave too many, from which any are left out; silent ones are from the first."""
_LOOKS = 5
_FORGOTTEN_S = 0.5
"""A packet that the stack did not decode in this time, it dropped."""
_CLOCK_HZ = {"G722": 8000}
"""Of RTP timestamps, where it is not the rate of the samples (RFC 3551, section 4.5.2)."""

_log = logging.getLogger("sip")


class Formats(NamedTuple):
    """Of a call's audio, as the worker is told of it."""

    tx_hz: int
    rx_hz: int
    tx_channels: int
    rx_channels: int


def formats_of(audio: CallAudio) -> Formats | None:
    """Once both directions have one."""
    try:
        info = audio.info()
    except BaresipError:
        return None
    if not (info.tx_ready and info.rx_ready):
        return None
    return Formats(info.tx_sample_rate, info.rx_sample_rate, info.tx_channels, info.rx_channels)


@dataclass
class _Frame:
    number: int
    at_s: float
    pcm: bytes
    begin: int
    end: int
    """Of its samples, counted since the stack's stream began."""
    began_s: float | None = None
    """When the packet with its first sample left."""


class HeldAudio:
    """Writes the caller's frames and sees each leave; passes on what came of the agent's.

    Args:
        audio: the stack's.
        leg: the same call in the relay.
        formats: of both directions.
        codec: as SDP names it.
        on_left: told of frames that have just left.
    """

    def __init__(
        self, audio: CallAudio, leg: Leg, formats: Formats, codec: str, on_left: Callable[[list[Left]], None]
    ) -> None:
        self._audio = audio
        self._leg = leg
        self._on_left = on_left
        self._sample_bytes = formats.tx_channels * 2
        self._rx_bytes_s = formats.rx_hz * formats.rx_channels * 2
        self._frame_bytes = formats.tx_hz * self._sample_bytes * _FRAME_MS // 1000
        self._per_unit = formats.tx_hz / _CLOCK_HZ.get(codec.upper(), formats.tx_hz)
        self._count = 0
        self._written: int | None = None
        """Samples since the stack's stream began; None while there is none."""
        self._behind = 0
        self._pending: deque[_Frame] = deque()
        """What the stack holds."""
        self._offsets: deque[int] = deque(maxlen=_LOOKS)
        self._last_stamp: int | None = None
        self._stamp = 0
        self._to_decode: deque[Heard] = deque()
        self._decoded = bytearray()
        self._begin()
        leg.on_packet = self._packet_leaves

    # --- to the agent ---

    def write(self, at_s: float, pcm: bytes) -> None:
        """A frame of the caller's that is due at `at_s` on the monotonic clock. Frames are counted as they come."""
        number, self._count = self._count, self._count + 1
        if self._written is None and not self._begin():
            return
        early = at_s - time.monotonic() > _FRAME_MS / 2000
        try:
            waiting = 0 if early else self._audio.info().tx_buffered // self._frame_bytes
            behind = waiting - self._behind
            if behind >= 0 and (behind >= _FAR_BEHIND or not any(pcm)):
                return  # after a stall the stack has too much before it: catch up in the next pause
            self._put(number, at_s, pcm)
        except BaresipError:
            # Its streams were made anew: what they had not sent yet is given to the new ones.
            again = [frame for frame in self._pending if frame.at_s > time.monotonic() - 1.0]
            if self._begin():
                for frame in again:
                    self._put(frame.number, frame.at_s, frame.pcm)
                self._put(number, at_s, pcm)

    def pause(self) -> None:
        """The agent holds the call: what was not sent is not said later."""
        self._pending.clear()
        self._written = None

    def _begin(self) -> bool:
        """Whether the stack takes audio."""
        self._pending.clear()
        self._offsets.clear()
        self._written = None
        try:
            info = self._audio.info()
            if not info.tx_ready:
                return False
            lead_ms = self._lead_ms(info)
            lead = self._audio.write(bytes(self._frame_bytes * lead_ms // _FRAME_MS))
        except BaresipError:
            return False
        if not lead:
            return False
        self._written = lead // self._sample_bytes
        self._behind = (lead_ms + info.tx_ptime_ms) // _FRAME_MS
        return True

    @staticmethod
    def _lead_ms(info: AudioInfo) -> int:
        packet_ms = max(1, int(info.tx_ptime_ms))
        return -(-max(_LEAD_MS, packet_ms + _FRAME_MS) // packet_ms) * packet_ms

    def _put(self, number: int, at_s: float, pcm: bytes) -> None:
        taken = self._audio.write(pcm)
        if self._written is None or not taken:
            self._written = None
            return
        begin, self._written = self._written, self._written + taken // self._sample_bytes
        self._pending.append(_Frame(number, at_s, pcm, begin, self._written))

    def _packet_leaves(self, stamp: int, at_s: float) -> None:
        """The stack's timestamps count what it took from its buffer, and the silence that it sent when that was empty.

        The difference is looked for at every packet; one looked at too late has taken more already, never less.
        """
        if self._written is None:
            return
        moved = 0 if self._last_stamp is None else (stamp - self._last_stamp) % (1 << 32)
        self._last_stamp = stamp
        self._stamp += round(moved * self._per_unit)
        try:
            buffered = self._audio.info().tx_buffered // self._sample_bytes
        except BaresipError:
            return
        self._offsets.append(self._stamp - (self._written - buffered))
        # The stack is one packet ahead of what it sends.
        taken = self._stamp - max(self._offsets) - round(moved * self._per_unit)
        left = []
        for frame in self._pending:
            if frame.begin >= taken:
                break
            frame.began_s = frame.began_s or at_s
            if frame.end <= taken:
                left.append(Left(frame.number, frame.began_s, at_s))
        for _ in left:
            self._pending.popleft()
        if left:
            self._on_left(left)

    # --- from the agent ---

    def decoded(self, heard: Heard) -> None:
        """A packet that the stack decodes."""
        self._to_decode.append(heard)

    def read(self, now_s: float) -> list[Heard]:
        """What the stack has decoded, by the packets in which it came. Ask often."""
        if not self._to_decode:
            return []
        try:
            self._decoded += self._audio.read(_READ_BYTES)
        except BaresipError as error:
            _log.debug("%s", error)
        done: list[Heard] = []
        while self._to_decode:
            first = self._to_decode[0]
            size = round(first.length_s * self._rx_bytes_s / 4) * 4
            if len(self._decoded) < size:
                break
            done.append(first._replace(pcm=bytes(self._decoded[:size])))
            del self._decoded[:size]
            self._to_decode.popleft()
        while self._to_decode and now_s - self._to_decode[0].at_s > _FORGOTTEN_S:
            self._to_decode.popleft()
            self._decoded.clear()
        return done

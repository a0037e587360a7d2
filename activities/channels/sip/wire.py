"""The Unix socket between a calls worker and its SIP process: audio as it is, everything else as JSON."""

import asyncio
import logging
import struct
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from pydantic import TypeAdapter, ValidationError

from activities.channels.sip.messages import News, Order

_HEADER = struct.Struct("!BIddI")
_AUDIO, _CONTROL, _LEFT = 1, 2, 3
_FRAME_LEFT = struct.Struct("!Idd")

Audio = Callable[[int, float, float, bytes], None]
M = TypeVar("M")


class Left(NamedTuple):
    """A frame of the caller's that has left: its number in the call, and when its first and its last sample did."""

    number: int
    began_s: float
    ended_s: float


_log = logging.getLogger("calls.sip.wire")


def audio_message(call: int, at_s: float, pcm: bytes, stamp_s: float = 0.0) -> bytes:
    """Samples of one call, as 16-bit PCM, and when on the monotonic clock, which all processes share.

    From the worker that is when they are due to leave; from the stack when they came, and at which time of the agent's
    own clock they were spoken.
    """
    return _HEADER.pack(_AUDIO, call, at_s, stamp_s, len(pcm)) + pcm


def left_message(call: int, left: Sequence[Left]) -> bytes:
    """Frames of the caller's that have just left."""
    body = b"".join(_FRAME_LEFT.pack(*frame) for frame in left)
    return _HEADER.pack(_LEFT, call, 0.0, 0.0, len(body)) + body


def control_message(call: int, message: Order | News) -> bytes:
    """Anything else about a call; call 0 is the process itself."""
    raw = message.model_dump_json().encode()
    return _HEADER.pack(_CONTROL, call, 0.0, 0.0, len(raw)) + raw


class Wire(asyncio.Protocol, Generic[M]):
    """One end. `on_end` is called once, when the other end is gone, or has sent what is no message.

    Args:
        reads: the messages that come here.
        on_audio: takes a call's samples; see `audio_message`.
        on_control: takes anything else about a call.
        on_end: called at the end.
        on_left: told of frames that have left.
    """

    def __init__(
        self,
        reads: TypeAdapter[M],
        on_audio: Audio,
        on_control: Callable[[int, M], None],
        on_end: Callable[[], None],
        on_left: Callable[[int, list[Left]], None] = lambda _call, _left: None,
    ) -> None:
        self._reads = reads
        self._on_audio = on_audio
        self._on_control = on_control
        self._on_end = on_end
        self._on_left = on_left
        self._buffer = bytearray()
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        buffer = self._buffer
        buffer += data
        start, size = 0, _HEADER.size
        while len(buffer) - start >= size:
            kind, call, at_s, stamp_s, length = _HEADER.unpack_from(buffer, start)
            if len(buffer) - start - size < length:
                break
            body = bytes(buffer[start + size : start + size + length])
            start += size + length
            if kind == _AUDIO:
                self._on_audio(call, at_s, stamp_s, body)
            elif kind == _LEFT and length % _FRAME_LEFT.size == 0:
                self._on_left(call, [Left(*frame) for frame in _FRAME_LEFT.iter_unpack(body)])
            elif not self._take(kind, call, body):
                self.close()
                return
        del buffer[:start]

    def _take(self, kind: int, call: int, body: bytes) -> bool:
        """Whether it was a message. After one that is none, what follows cannot be trusted either."""
        if kind != _CONTROL:
            _log.error("a message of the unknown kind %d came over the SIP wire: it is closed", kind)
            return False
        try:
            message = self._reads.validate_json(body)
        except ValidationError as error:
            wrong = error.errors(include_input=False, include_url=False)  # what came may hold a password
            _log.error("a message that does not fit came over the SIP wire, which is closed: %s", wrong)
            return False
        self._on_control(call, message)
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - an end is an end
        """See `asyncio.Protocol`."""
        self._transport = None
        self._on_end()

    def write(self, message: bytes) -> None:
        """Send; goes nowhere once the other end is gone."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(message)

    def close(self) -> None:
        """End it from this side."""
        if self._transport is not None:
            self._transport.close()

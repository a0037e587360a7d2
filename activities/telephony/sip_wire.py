"""What a calls worker and its SIP process say to each other on a Unix socket: audio as it is, the rest as JSON."""

import asyncio
import json
import struct
from collections.abc import Callable
from typing import Any

_HEADER = struct.Struct("!BIdI")
_AUDIO, _CONTROL = 1, 2

Audio = Callable[[int, float, bytes], None]
Control = Callable[[int, dict[str, Any]], None]


def audio_message(call: int, at_s: float, pcm: bytes) -> bytes:
    """Samples of one call, as 16-bit PCM, and when on the monotonic clock, which all processes share.

    From the worker that is when they are due to leave, from the stack when they came.
    """
    return _HEADER.pack(_AUDIO, call, at_s, len(pcm)) + pcm


def control_message(call: int, body: dict[str, Any]) -> bytes:
    """Anything else about a call."""
    raw = json.dumps(body).encode()
    return _HEADER.pack(_CONTROL, call, 0.0, len(raw)) + raw


class Wire(asyncio.Protocol):
    """One end. `on_end` is called once, when the other end is gone."""

    def __init__(self, on_audio: Audio, on_control: Control, on_end: Callable[[], None]) -> None:
        self._on_audio = on_audio
        self._on_control = on_control
        self._on_end = on_end
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
            kind, call, at_s, length = _HEADER.unpack_from(buffer, start)
            if len(buffer) - start - size < length:
                break
            body = bytes(buffer[start + size : start + size + length])
            start += size + length
            if kind == _AUDIO:
                self._on_audio(call, at_s, body)
            else:
                self._on_control(call, json.loads(body))
        del buffer[:start]

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

"""One RTP packet (RFC 3550, section 5.1)."""

import struct
from typing import NamedTuple

_HEADER = struct.Struct("!BBHII")
_VERSION = 2
_RTCP = range(64, 96)
"""Payload types that are RTCP where both share a port (RFC 5761, section 4)."""


class Packet(NamedTuple):
    """As it came at `at_s` on the monotonic clock."""

    at_s: float
    kind: int
    """Payload type."""
    sequence: int
    stamp: int
    source: int
    payload: bytes
    raw: bytes

    @classmethod
    def parse(cls, data: bytes, at_s: float) -> "Packet | None":
        """None where it is no RTP."""
        if len(data) < _HEADER.size:
            return None
        first, kind, sequence, stamp, source = _HEADER.unpack_from(data)
        if first >> 6 != _VERSION or kind & 0x7F in _RTCP:
            return None
        begin, end = _HEADER.size + 4 * (first & 0x0F), len(data)
        if first & 0x10:  # a header extension
            if begin + 4 > end:
                return None
            begin += 4 + 4 * int.from_bytes(data[begin + 2 : begin + 4])
        if first & 0x20:  # padding
            end -= data[-1]
        if begin > end:
            return None
        return cls(at_s, kind & 0x7F, sequence, stamp, source, data[begin:end], data)

    def renumbered(self, sequence: int, stamp: int, source: int) -> bytes:
        """The same payload as the packet of another stream."""
        return _HEADER.pack(_VERSION << 6, self.kind, sequence & 0xFFFF, stamp & 0xFFFFFFFF, source) + self.payload

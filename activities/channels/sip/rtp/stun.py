"""As much of STUN and TURN (RFC 8489, RFC 8656) as lets a SIP stack on this machine send its media through us."""

import os
import socket
import struct
from typing import NamedTuple

ALLOCATE, REFRESH, CREATE_PERMISSION, CHANNEL_BIND = 0x003, 0x004, 0x008, 0x009
SEND, DATA_INDICATION = 0x016, 0x017
_SUCCESS, _ERROR = 0x100, 0x110
_COOKIE = 0x2112A442
CHANNEL_NUMBER, LIFETIME, PEER, DATA, RELAYED, MAPPED = 0x00C, 0x00D, 0x012, 0x013, 0x016, 0x020
_ERROR_CODE = 0x009
_HEADER = struct.Struct("!HHI12s")
CHANNEL = struct.Struct("!HH")
"""Channel and length, before the data of a packet."""
_V4, _V6 = 1, 2

Address = tuple[str, int]


class Stun(NamedTuple):
    """A message of the client's."""

    kind: int
    transaction: bytes
    attributes: dict[int, bytes]

    @classmethod
    def parse(cls, data: bytes) -> "Stun | None":
        """None where it is none."""
        if len(data) < _HEADER.size:
            return None
        kind, length, cookie, transaction = _HEADER.unpack_from(data)
        if cookie != _COOKIE or length != len(data) - _HEADER.size:
            return None
        attributes: dict[int, bytes] = {}
        at = _HEADER.size
        while at + CHANNEL.size <= len(data):
            name, size = CHANNEL.unpack_from(data, at)
            attributes.setdefault(name, data[at + 4 : at + 4 + size])
            at += 4 + size + -size % 4
        return cls(kind, transaction, attributes)

    @property
    def peer(self) -> Address | None:
        """The far end that it speaks of."""
        return _unmasked(self.attributes.get(PEER, b""), self.transaction)

    @property
    def lifetime_s(self) -> int | None:
        """How long an allocation shall live."""
        value = self.attributes.get(LIFETIME, b"")
        return int.from_bytes(value) if len(value) == 4 else None  # noqa: PLR2004 - 32 bits

    def accepted(self, *attributes: tuple[int, bytes]) -> bytes:
        """The answer that grants it."""
        return _message(self.kind | _SUCCESS, self.transaction, attributes)

    def refused(self, code: int) -> bytes:
        """The answer that does not."""
        error = (_ERROR_CODE, struct.pack("!HBB", 0, code // 100, code % 100))
        return _message(self.kind | _ERROR, self.transaction, [error])

    def address(self, name: int, address: Address) -> tuple[int, bytes]:
        """An attribute of an answer to this message."""
        return name, _masked(address, self.transaction)


def data_from(peer: Address, data: bytes) -> bytes:
    """What came from a far end that has no channel."""
    transaction = os.urandom(12)
    return _message(DATA_INDICATION, transaction, [(PEER, _masked(peer, transaction)), (DATA, data)])


def _message(
    kind: int, transaction: bytes, attributes: "list[tuple[int, bytes]] | tuple[tuple[int, bytes], ...]"
) -> bytes:
    body = b"".join(CHANNEL.pack(name, len(value)) + value + bytes(-len(value) % 4) for name, value in attributes)
    return _HEADER.pack(kind, len(body), _COOKIE, transaction) + body


def _mask(transaction: bytes) -> bytes:
    return _COOKIE.to_bytes(4) + transaction


def _masked(address: Address, transaction: bytes) -> bytes:
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    packed = socket.inet_pton(family, host.partition("%")[0])
    hidden = bytes(one ^ other for one, other in zip(packed, _mask(transaction), strict=False))
    return struct.pack("!BBH", 0, _V6 if ":" in host else _V4, port ^ _COOKIE >> 16) + hidden


def _unmasked(value: bytes, transaction: bytes) -> Address | None:
    if len(value) not in {8, 20}:
        return None
    _, family, port = struct.unpack_from("!BBH", value)
    packed = bytes(one ^ other for one, other in zip(value[4:], _mask(transaction), strict=False))
    return socket.inet_ntop(socket.AF_INET6 if family == _V6 else socket.AF_INET, packed), port ^ _COOKIE >> 16

"""The way of all media of the SIP stack: a TURN server (RFC 8656) for it alone, on the loopback interface.

So every packet passes here, with its number and its time, in whatever codec and encryption: what came twice or out of
order is put right before the stack decodes it, and when a packet of ours leaves is known and not guessed.
"""

import asyncio
import logging
import random
import socket
import time
from collections.abc import Callable
from typing import Protocol

from activities.channels.sip.rtp.stun import (
    ALLOCATE,
    CHANNEL,
    CHANNEL_BIND,
    CHANNEL_NUMBER,
    CREATE_PERMISSION,
    DATA,
    LIFETIME,
    MAPPED,
    REFRESH,
    RELAYED,
    SEND,
    Address,
    Stun,
    data_from,
)

_LIFETIME_S = 3600
_PORTS = range(16_384, 49_150, 2)
_TRIES = 50
_MAX_PACKET = 4096
_AT_ONCE = 16
"""Packets that are read from one socket before the others get their turn."""
_BUFFER = 1 << 20
_CHANNELS = range(0x4000, 0x8000)

_log = logging.getLogger("sip.relay")


class Media(Protocol):
    """Sees the RTP of a call on its way."""

    def came(self, data: bytes, at_s: float, hand_on: Callable[[bytes], None]) -> None:
        """From the far end; `hand_on` gives a packet to the stack."""

    def leaves(self, data: bytes, at_s: float) -> bytes:
        """To the far end, which it leaves for now; returns what is to be sent."""


class _Port:
    """What the stack sends from one of its ports leaves from one of ours, and what comes there goes to it."""

    def __init__(self, relay: "Relay", client: Address, sock: socket.socket) -> None:
        self.client = client
        self.sock = sock
        self.media: Media | None = None
        """None for RTCP."""
        self._relay = relay
        self._peers: dict[int, Address] = {}
        self._channels: dict[Address, int] = {}

    @property
    def number(self) -> int:
        return int(self.sock.getsockname()[1])

    def bind(self, channel: int, peer: Address) -> None:
        self._peers[channel], self._channels[peer] = peer, channel

    def to_channel(self, channel: int, data: bytes) -> None:
        if (peer := self._peers.get(channel)) is not None:
            self.to_peer(peer, data)

    def to_peer(self, peer: Address, data: bytes) -> None:
        if self.media is not None:
            data = self.media.leaves(data, time.monotonic())
        try:
            self.sock.sendto(data, peer)
        except OSError as error:
            _log.debug("a packet did not leave: %s", error)

    def readable(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                data, peer = self.sock.recvfrom(_MAX_PACKET)
            except OSError:
                return
            channel = self._channels.get(peer[:2])

            def hand_on(packet: bytes, channel: int | None = channel, peer: Address = peer[:2]) -> None:
                head = CHANNEL.pack(channel, len(packet)) if channel is not None else b""
                self._relay.to_stack(head + packet if head else data_from(peer, packet), self.client)

            if self.media is None:
                hand_on(data)
            else:
                self.media.came(data, time.monotonic(), hand_on)


class Relay:
    """One for each local address that calls leave from.

    Args:
        local: that address.
        watch: makes what sees a call's RTP, from the port that its far end is told of.
        forget: told when such a port is given up.
    """

    def __init__(self, local: str, watch: Callable[[int], Media], forget: Callable[[int], object]) -> None:
        self._local = local
        self._family = socket.AF_INET6 if ":" in local else socket.AF_INET
        self._watch = watch
        self._forget = forget
        self._ports: dict[Address, _Port] = {}
        self._reserved: dict[Address, socket.socket] = {}
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(self._family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self._socket.bind(("::1" if self._family == socket.AF_INET6 else "127.0.0.1", 0))
        self._loop.add_reader(self._socket.fileno(), self._readable)

    @property
    def server(self) -> str:
        """Where the stack reaches it: host:port."""
        host, port = self._socket.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def to_stack(self, message: bytes, client: Address) -> None:
        """To one of the stack's ports."""
        try:
            self._socket.sendto(message, client)
        except OSError as error:
            _log.debug("a packet did not reach the stack: %s", error)

    def close(self) -> None:
        """Let go of every port."""
        for client in list(self._ports):
            self._drop(client)
        for sock in self._reserved.values():
            sock.close()
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _readable(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                data, source = self._socket.recvfrom(_MAX_PACKET)
            except OSError:
                return
            client: Address = source[:2]
            if len(data) < CHANNEL.size:
                continue
            channel, length = CHANNEL.unpack_from(data)
            if channel in _CHANNELS:
                if (port := self._ports.get(client)) is not None:
                    port.to_channel(channel, data[CHANNEL.size : CHANNEL.size + length])
            elif (message := Stun.parse(data)) is not None:
                self._take(message, client)

    def _take(self, message: Stun, client: Address) -> None:
        port = self._ports.get(client)
        peer = message.peer
        if message.kind == SEND:
            if port is not None and peer is not None:
                port.to_peer(peer, message.attributes.get(DATA, b""))
            return
        lifetime = (LIFETIME, _LIFETIME_S.to_bytes(4))
        if message.kind == ALLOCATE:
            if port is None and (port := self._allocate(client)) is None:
                self.to_stack(message.refused(508), client)
                return
            relayed = message.address(RELAYED, (self._local, port.number))
            self.to_stack(message.accepted(relayed, lifetime, message.address(MAPPED, client)), client)
        elif message.kind == REFRESH:
            if message.lifetime_s == 0:
                self._drop(client)
            self.to_stack(message.accepted(lifetime), client)
        elif port is None:
            self.to_stack(message.refused(437), client)
        elif message.kind == CREATE_PERMISSION:
            self.to_stack(message.accepted(), client)
        elif message.kind == CHANNEL_BIND and peer is not None:
            port.bind(int.from_bytes(message.attributes.get(CHANNEL_NUMBER, b"")[:2]), peer)
            self.to_stack(message.accepted(), client)
        else:
            self.to_stack(message.refused(400), client)

    def _allocate(self, client: Address) -> _Port | None:
        """A port of ours for one of the stack's; its RTCP, on the odd port above, gets the port above ours."""
        sock = self._reserved.pop(client, None)
        is_rtcp = client[1] % 2 == 1
        if sock is None:
            pair = self._pair()
            if pair is None:
                return None
            sock, self._reserved[client[0], client[1] + 1] = pair
        port = self._ports[client] = _Port(self, client, sock)
        if not is_rtcp:
            port.media = self._watch(port.number)
        self._loop.add_reader(sock.fileno(), port.readable)
        return port

    def _pair(self) -> tuple[socket.socket, socket.socket] | None:
        for first in random.sample(_PORTS, _TRIES):
            pair = tuple(socket.socket(self._family, socket.SOCK_DGRAM) for _ in range(2))
            try:
                for number, sock in enumerate(pair):
                    sock.setblocking(False)
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
                    sock.bind((self._local, first + number))
            except OSError:
                for sock in pair:
                    sock.close()
                continue
            return pair[0], pair[1]
        return None

    def _drop(self, client: Address) -> None:
        if (port := self._ports.pop(client, None)) is not None:
            self._loop.remove_reader(port.sock.fileno())
            if port.media is not None:
                self._forget(port.number)
            port.sock.close()
        if (unused := self._reserved.pop((client[0], client[1] + 1), None)) is not None:
            unused.close()

"""The relays of a SIP process: one for each local address that its calls leave from."""

import asyncio
import fcntl
import ipaddress
import socket
import struct

from activities.channels.sip.rtp.leg import Leg
from activities.channels.sip.rtp.relay import Relay
from voicewright.suite.format.address import host_and_port

_ADDRESS_OF = 0x8915
"""SIOCGIFADDR (Linux, netdevice(7))."""
_ANYWHERE = "192.0.2.1"
"""No packet is sent there: the way to it is the default route."""


class Relays:
    """Made when they are first needed.

    Args:
        interface: network interface or local address to call from; None for the one that leads to the far end.
    """

    def __init__(self, interface: str | None) -> None:
        self._interface = interface
        self._relays: dict[tuple[str, bool], Relay] = {}
        self._legs: dict[int, Leg] = {}

    async def towards(self, uri: str, *, encrypted: bool) -> Relay:
        """The one for calls to a SIP address.

        Raises:
            OSError: no interface of this machine leads there.
        """
        local = await self._local(uri)
        key = (local, encrypted)
        if key not in self._relays:

            def watch(port: int) -> Leg:
                leg = self._legs[port] = Leg(encrypted=encrypted)
                return leg

            self._relays[key] = Relay(local, watch, forget=lambda port: self._legs.pop(port, None))
        return self._relays[key]

    def take(self, port: int) -> Leg | None:
        """The RTP of the call whose far end was told of this port; asked for once."""
        return self._legs.pop(port, None)

    async def _local(self, uri: str) -> str:
        if self._interface is not None:
            try:
                return str(ipaddress.ip_address(self._interface))
            except ValueError:
                return _address_of(self._interface)
        known = host_and_port(uri)
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(known[0] if known is not None else _ANYWHERE, 9, type=socket.SOCK_DGRAM)
        except socket.gaierror:  # known by its SRV record alone
            found = await loop.getaddrinfo(_ANYWHERE, 9, type=socket.SOCK_DGRAM)
        family, *_, address = min(found, key=lambda one: one[0] != socket.AF_INET)
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect(address)
            return str(sock.getsockname()[0])


def _address_of(interface: str) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        told = fcntl.ioctl(sock.fileno(), _ADDRESS_OF, struct.pack("256s", interface.encode()[:15]))
    return socket.inet_ntoa(told[20:24])

"""Ports for servers that are told where to listen."""

import errno
import random
import socket
from pathlib import Path

_OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")
_USUAL_OUTGOING = 32_768
_BELOW = 12_000
_TRIES = 200


def free_port(host: str = "127.0.0.1", *, row: int = 1) -> int:
    """A port that nothing listens on now, by TCP or UDP; the first of `row` such ports one after the other.

    SIP servers take a second port for TLS, next to their own. The ports lie below those that the kernel gives to
    outgoing connections: any of these may be taken by a connection until the server that shall have it has started.

    Raises:
        OSError: none was found.
    """
    try:
        end = int(_OUTGOING.read_text().split()[0])
    except (OSError, ValueError):
        end = _USUAL_OUTGOING
    for _ in range(_TRIES):
        port = random.randrange(max(1024, end - _BELOW), max(2048, end))  # noqa: S311 - any will do
        if all(_is_free(host, port + at) for at in range(row)):
            return port
    raise OSError(errno.EADDRINUSE, f"no free port below {end} on {host}")


def _is_free(host: str, port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(type=kind) as probe:
            try:
                probe.bind((host, port))
            except (OSError, OverflowError):
                return False
    return True

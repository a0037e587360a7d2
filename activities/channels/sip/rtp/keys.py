"""Keys that an agent presses as RTP events (RFC 4733)."""

import struct
from collections import deque

from activities.channels.sip.rtp.packet import Packet

KEYS = "0123456789*#ABCD"
_EVENT = struct.Struct("!BBH")
_LONGEST = 0xFFFF
_REMEMBERED = 32


class Keys:
    """Each press once, whichever of its packets come: those at its end tell of it as well as those at its start."""

    def __init__(self) -> None:
        self._told: deque[tuple[int, int, int]] = deque(maxlen=_REMEMBERED)
        self._continues: tuple[int, int, int] | None = None

    def take(self, packet: Packet) -> str | None:
        """The key that a packet is the first to tell of."""
        if len(packet.payload) < _EVENT.size:
            return None
        event, _, duration = _EVENT.unpack_from(packet.payload)
        press = (packet.source, event, packet.stamp)
        if event >= len(KEYS) or press in self._told:
            self._note_segment(packet, event, duration)
            return None
        new = press != self._continues
        self._told.append(press)
        self._note_segment(packet, event, duration)
        return KEYS[event] if new else None

    def _note_segment(self, packet: Packet, event: int, duration: int) -> None:
        """A press longer than a timestamp can tell goes on in another segment (section 2.5.1.3)."""
        if duration == _LONGEST:
            self._continues = (packet.source, event, (packet.stamp + duration) % (1 << 32))

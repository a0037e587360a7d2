"""RTP packets put in sequence: a jitter buffer that delays nothing which comes in order (RFC 3550)."""

from activities.channels.sip.rtp.packet import Packet

WAIT_S = 0.1
"""So long a missing packet is waited for; later it is lost for a listener."""
_OPENING_S = 0.06
"""So long the first packets of a source are held, since the very first may have been overtaken."""
_MAX_DROPOUT = 3000
_MAX_MISORDER = 100
"""RFC 3550, appendix A.1: beyond these the source has begun anew."""
_HALF, _ROUND = 1 << 15, 1 << 16
_MOST_HELD = 250


class InSequence:
    """The packets of one direction: each once, by sequence number; those that do not come in time are counted."""

    def __init__(self) -> None:
        self.received = 0
        """Without duplicates."""
        self.duplicates = 0
        self.lost = 0
        """Given up; whether they came too late or never."""
        self._source: int | None = None
        self._former: int | None = None
        self._newest = 0
        """Number of the newest packet, counted on beyond 16 bits."""
        self._next: int | None = None
        self._opens_s = 0.0
        self._held: dict[int, Packet] = {}
        self._astray: int | None = None

    def put(self, packet: Packet) -> tuple[list[Packet], bool]:
        """Take one; returns what a listener may hear now, in order, and whether `packet` was new."""
        if self._source is None:
            self._begin(packet)
        elif packet.source != self._source:
            if packet.source == self._former and packet.sequence != self._astray:
                self._astray = (packet.sequence + 1) % _ROUND
                return [], False  # overtaken by the first one of its successor
            released = self._flush()
            self._former = self._source
            self._begin(packet)
            return released + self._take(packet, self._newest), True
        ahead = (packet.sequence - self._newest + _HALF) % _ROUND - _HALF
        if ahead > _MAX_DROPOUT or ahead < -_MAX_MISORDER:
            if packet.sequence != self._astray:
                self._astray = (packet.sequence + 1) % _ROUND
                return [], False
            released = self._flush()
            self._begin(packet)
            return released + self._take(packet, self._newest), True
        number = self._newest + ahead
        self._newest = max(self._newest, number)
        if number in self._held or (self._next is not None and number < self._next):
            # After a loss was declared, a packet that was only late is no duplicate; nor can it be heard any more.
            self.duplicates += 1
            return [], False
        return self._take(packet, number), True

    def due(self, now_s: float) -> list[Packet]:
        """What need not wait any longer at `now_s`."""
        if not self._held or now_s < self._opens_s:
            return []
        if self._next is None:
            self._next = min(self._held)
        released: list[Packet] = []
        while self._held:
            if (packet := self._held.pop(self._next, None)) is not None:
                released.append(packet)
                self._next += 1
                continue
            if now_s - min(one.at_s for one in self._held.values()) < WAIT_S and len(self._held) < _MOST_HELD:
                break
            first = min(self._held)
            self.lost += first - self._next
            self._next = first
        return released

    def _begin(self, packet: Packet) -> None:
        self._source, self._astray = packet.source, None
        self._newest = packet.sequence
        self._next = None
        self._opens_s = packet.at_s + _OPENING_S

    def _take(self, packet: Packet, number: int) -> list[Packet]:
        self.received += 1
        self._held[number] = packet
        return self.due(packet.at_s)

    def _flush(self) -> list[Packet]:
        """All that is held, before another source begins."""
        released = [self._held[number] for number in sorted(self._held)]
        self._held.clear()
        return released


class Jitter:
    """Interarrival jitter (RFC 3550, section 6.4.1 and appendix A.8)."""

    def __init__(self) -> None:
        self.units = 0.0
        """In units of the timestamps."""
        self._transit: float | None = None
        self._source: int | None = None

    def note(self, packet: Packet, clock_hz: int) -> None:
        """A packet that came, in the order of arrival."""
        transit = packet.at_s * clock_hz - packet.stamp
        if self._transit is not None and packet.source == self._source:
            moved = (transit - self._transit + (1 << 31)) % (1 << 32) - (1 << 31)  # over the end of 32 bits
            self.units += (abs(moved) - self.units) / 16
        self._transit, self._source = transit, packet.source

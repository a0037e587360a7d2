"""The RTP of one call, both ways, as it passes through the relay."""

import audioop
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from activities.channels.sip.rtp.keys import Keys
from activities.channels.sip.rtp.outgoing import Outgoing
from activities.channels.sip.rtp.packet import Packet
from activities.channels.sip.rtp.sequence import InSequence, Jitter

_PCMU, _PCMA, _NOISE = 0, 8, 13
_G711_HZ = 8000
_EVENTS = 101
"""The payload type of telephone-event in our own offers."""
G711 = {"PCMU", "PCMA"}
_KEPT = 50
"""Packets that came before anybody listened."""
_JUMP_S = 2.0
"""A timestamp that disagrees with the clock by more counts from somewhere else now."""
_USUAL_S = 0.02


class Heard(NamedTuple):
    """A packet of the agent's sound."""

    at_s: float
    """When it came, on the monotonic clock."""
    stamp_s: float
    """When it was spoken, on the agent's clock: a packet follows the one before where their stamps say so."""
    pcm: bytes
    """16-bit; empty where the stack decodes it."""
    length_s: float


class Leg:
    """Puts the agent's packets in sequence, decodes G.711, finds keys; sees ours leave.

    Sound in any other codec goes on to the stack, which decodes it; so does everything that is encrypted.

    Args:
        encrypted: whether the far end may encrypt: then only the headers can be read.
    """

    def __init__(self, *, encrypted: bool) -> None:
        self.encrypted = encrypted
        self.events: frozenset[int] = frozenset({_EVENTS})
        """Payload types of keys."""
        self.clock_hz = _G711_HZ
        """Of the timestamps of what the stack decodes."""
        self.on_sound: Callable[[Heard], None] | None = None
        self.on_key: Callable[[str, float], None] | None = None
        self.outgoing: Outgoing | None = None
        """The caller's side, in G.711 that is not encrypted."""
        self.on_packet: Callable[[int, float], None] | None = None
        """In anything else, told of the timestamp of each packet of ours, and when it leaves."""
        self._sequence = InSequence()
        self._jitter = Jitter()
        self._keys = Keys()
        self._waiting: deque[Heard] = deque(maxlen=_KEPT)
        self._hand_on: Callable[[bytes], None] | None = None
        self._handed = 0
        self._stamp_out = 0
        self._last: Packet | None = None
        self._last_s = 0.0
        self._usual_s = _USUAL_S

    @property
    def received(self) -> int:
        """Packets that came, each counted once."""
        return self._sequence.received

    @property
    def lost(self) -> int:
        """Packets that a listener missed."""
        return self._sequence.lost

    @property
    def jitter_ms(self) -> float:
        """See `Jitter`."""
        return self._jitter.units * 1000 / self.clock_hz

    def listen(self, on_sound: Callable[[Heard], None], since_s: float) -> None:
        """Tell of the agent's sound from now on, and of what came since `since_s`."""
        for heard in self._waiting:
            if heard.at_s >= since_s:
                on_sound(heard)
        self._waiting.clear()
        self.on_sound = on_sound

    def came(self, data: bytes, at_s: float, hand_on: Callable[[bytes], None]) -> None:
        """See `Media`."""
        self._hand_on = hand_on
        packet = Packet.parse(data, at_s)
        if packet is None:
            hand_on(data)
            return
        released, new = self._sequence.put(packet)
        if new and packet.kind not in self.events:
            self._jitter.note(packet, self.clock_hz)
        self._release(released)

    def due(self, now_s: float) -> None:
        """Give up on what does not come; ask it often."""
        self._release(self._sequence.due(now_s))

    def leaves(self, data: bytes, at_s: float) -> bytes:
        """See `Media`. The stack sends silence in time; in G.711, ours is put in its place."""
        packet = Packet.parse(data, at_s)
        if packet is None or packet.kind in self.events:
            return data
        if self.outgoing is not None and packet.kind in {_PCMU, _PCMA}:
            encode = audioop.lin2ulaw if packet.kind == _PCMU else audioop.lin2alaw
            sound = encode(self.outgoing.take(2 * len(packet.payload), at_s), 2)
            return data[: len(data) - len(packet.payload)] + sound
        if self.on_packet is not None:
            self.on_packet(packet.stamp, at_s)
        return data

    def _release(self, packets: list[Packet]) -> None:
        for packet in packets:
            if self.encrypted:
                self._hear(packet, b"", self._length_s(packet))
                self._to_stack(packet.raw)
            elif packet.kind in self.events:
                key = self._keys.take(packet)
                if key is not None and self.on_key is not None:
                    self.on_key(key, packet.at_s)
            elif packet.kind in {_PCMU, _PCMA}:
                decode = audioop.ulaw2lin if packet.kind == _PCMU else audioop.alaw2lin
                self._hear(packet, decode(packet.payload, 2), len(packet.payload) / _G711_HZ)
            elif packet.kind != _NOISE:
                length_s = self._length_s(packet)
                self._hear(packet, b"", length_s)
                # Without gaps, so that the stack fills none: they are silence, as in every other codec.
                self._to_stack(packet.renumbered(self._handed, self._stamp_out, 1))
                self._handed += 1
                self._stamp_out += round(length_s * self.clock_hz)

    def _to_stack(self, packet: bytes) -> None:
        if self._hand_on is not None:
            self._hand_on(packet)

    def _hear(self, packet: Packet, pcm: bytes, length_s: float) -> None:
        heard = Heard(packet.at_s, self._stamp_s(packet), pcm, length_s)
        if self.on_sound is not None:
            self.on_sound(heard)
        else:
            self._waiting.append(heard)

    def _length_s(self, packet: Packet) -> float:
        """Of a packet whose payload does not tell: as long as they usually are."""
        last = self._last
        if last is not None and last.source == packet.source and (packet.sequence - last.sequence) % (1 << 16) == 1:
            apart_s = ((packet.stamp - last.stamp) % (1 << 32)) / self.clock_hz
            if 0 < apart_s <= 3 * _USUAL_S:
                self._usual_s = apart_s
        return self._usual_s

    def _stamp_s(self, packet: Packet) -> float:
        """A timestamp in s, counted on over the end of 32 bits, and over a change of source by the clock."""
        last = self._last
        if last is None:
            now_s = packet.at_s
        else:
            by_clock_s = self._last_s + packet.at_s - last.at_s
            moved = (packet.stamp - last.stamp + (1 << 31)) % (1 << 32) - (1 << 31)
            now_s = self._last_s + moved / (self.clock_hz if packet.kind not in {_PCMU, _PCMA} else _G711_HZ)
            if packet.source != last.source or abs(now_s - by_clock_s) > _JUMP_S:
                now_s = by_clock_s
        self._last, self._last_s = packet, now_s
        return now_s

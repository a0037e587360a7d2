"""The audio of one call over RTP: what the calibration telephone says, exact to the sample, and what it hears.

Times are counted as follows. A frame's samples *begin* at the moment its packet is handed to the socket. Packets leave
on one absolute clock, every 20 ms from the first, or as often as `ptime_ms` says. An answer starts and is cut at the
right sample inside a frame, so anything that is due at least one frame ahead is exact, and anything due sooner starts
with the next packet. A caller's frame *arrives* when the kernel receives its packet, however busy this process is. If
the caller counts a frame's samples from its sending, too, then the answer begins `delay_ms` minus 20 ms after the
frame's last sample.
"""

import asyncio
import audioop
import contextlib
import random
import secrets
import socket
import struct
import time
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from examples.calibration.behaviour import Behaviour
from examples.calibration.callers_clock import CallersClock
from examples.calibration.sounds import LOUD, RATE_HZ, Codec, answer_sound, tone_sound

FRAME_SAMPLES = 160
_FRAME_S = 0.02
_ACTION_S = 1.0
_AGAIN_S = 0.005
"""After a packet comes its duplicate."""
_HOPELESS_FRAMES = 5
"""When the clock is this many frames late, the missed ones are skipped instead of sent in a burst."""
_KEYS = "0123456789*#ABCD"
_EVENT_FRAMES, _EVENT_ENDS, _EVENT_PERIOD = 5, 3, 10
"""A key by RFC 4733, in frames: it lasts 100 ms, its end is sent three times, the next key starts 200 ms after it."""
_HEADER = struct.Struct("!BBHII")
_SO_TIMESTAMPNS = 35
"""Linux: asks for the kernel's time of arrival. Elsewhere the option fails, and the time of reading has to do."""
_TIMESPEC = struct.Struct("qq")


class Peer(NamedTuple):
    """The caller's side, as its SDP says."""

    address: tuple[str, int]
    codec: Codec
    event_type: int
    """Payload type of telephone-events; 0 if the caller takes none."""
    listens: bool


@dataclass
class Speech:
    """A sound on the call's sample clock; cutting it moves `end` to an earlier sample."""

    start: int
    sound: bytes
    end: int


class Media:
    """An RTP port, a clock of frames, and the conversation on it."""

    def __init__(self, host: str, behaviour: Behaviour, *, echo: bool) -> None:
        self.received = 0
        self.keys = ""
        self.heard_at = time.monotonic()
        self.late_s = 0.0
        """Delay of the packet that left latest against the clock."""
        self.left_out = 0
        """Frames that were skipped because they were hopelessly late."""
        self.clock = CallersClock()
        self._first_stamp: int | None = None
        self._loud_s: float | None = None
        self._behaviour = behaviour
        self._frame_s = behaviour.ptime_ms / 1000
        self._frame_samples = self._samples(behaviour.ptime_ms)
        self._echo = echo
        self._loop = asyncio.get_running_loop()
        self._socket, self._control = _port_pair(host)
        self.port = int(self._socket.getsockname()[1])
        self._loop.add_reader(self._socket, self._read)
        self._chance = random.Random(behaviour.seed)  # noqa: S311 - repeatable on purpose
        self._source, self._sequence, self._epoch = (secrets.randbits(bits) for bits in (32, 16, 32))
        self._peer: Peer | None = None
        self._started_at: float | None = None
        self._frame = 0
        self._timer: asyncio.TimerHandle | None = None
        self._speech: Speech | None = None
        self._tones: Speech | None = None
        self._due: int | None = None
        self._to_press: deque[str] = deque()
        self._pressing: tuple[str, int] | None = None
        self._expected = 0
        self._caller: int | None = None
        self._last_sequence = 0
        self._last_event: int | None = None

    @property
    def lost(self) -> int:
        """Packets that are missing from the caller's sequence numbers."""
        return max(0, self._expected - self.received)

    def agree(self, peer: Peer) -> None:
        """Send to this peer, in its codec, from the next packet on."""
        self._peer = peer

    def start(self) -> None:
        """Greet: the first packet leaves now, and the sample clock counts from it."""
        assert self._peer is not None
        behaviour, codec = self._behaviour, self._peer.codec
        self._started_at = self.heard_at = time.monotonic()
        if behaviour.mute or self._echo:
            return
        if not behaviour.silent:
            self._due = 0
        if behaviour.tones:
            sound = tone_sound(behaviour.tones, codec)
            start = int(_ACTION_S * RATE_HZ)
            self._tones = Speech(start, sound, start + len(sound))
        self._loop.call_later(_ACTION_S, self._to_press.extend, behaviour.keys)
        self._tick()

    def close(self) -> None:
        """Free the ports."""
        if self._timer is not None:
            self._timer.cancel()
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
        self._socket.close()
        self._control.close()

    # What the caller hears.

    def _tick(self) -> None:
        assert self._peer is not None
        assert self._started_at is not None
        late_s = time.monotonic() - self._started_at - self._frame * self._frame_s
        self.late_s = max(self.late_s, late_s)
        if late_s > _HOPELESS_FRAMES * _FRAME_S:
            missed = int(late_s / self._frame_s)
            self._frame += missed
            self.left_out += missed
        first = self._frame * self._frame_samples
        sound = self._sound(first, self._peer.codec)
        event = self._event(first) if self._pressing or self._to_press else None
        kind, timestamp, payload = event or (self._peer.codec.payload_type, first, sound)
        if self._frame == 0 or (event and timestamp == first):
            kind |= 0x80  # the marker bit: a stream or a key begins
        head = _HEADER.pack(0x80, kind, self._sequence, (self._epoch + timestamp) & 0xFFFFFFFF, self._source)
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._frame += 1
        self._send(head + payload)
        self._timer = self._loop.call_at(self._started_at + self._frame * self._frame_s, self._tick)

    def _send(self, packet: bytes) -> None:
        behaviour = self._behaviour
        if behaviour.loss and self._chance.random() < behaviour.loss:
            return
        wait_s = self._chance.random() * behaviour.jitter_ms / 1000
        if wait_s:
            self._loop.call_later(wait_s, self._hand_over, packet)
        else:
            self._hand_over(packet)
        if behaviour.duplicates and self._chance.random() < behaviour.duplicates:
            self._loop.call_later(wait_s + _AGAIN_S, self._hand_over, packet)

    def _hand_over(self, packet: bytes) -> None:
        if self._peer is not None and self._peer.listens and self._socket.fileno() >= 0:
            with contextlib.suppress(
                OSError
            ):  # a full buffer or an unreachable caller costs a packet, as on any network
                self._socket.sendto(packet, self._peer.address)

    def _sound(self, first: int, codec: Codec) -> bytes:
        """The frame that begins at sample `first`, with any answer that falls due in it."""
        frame = bytearray(codec.silence * self._frame_samples)
        _lay(frame, first, self._speech)
        if self._due is not None:
            start = self._due
            if self._speech is not None and start < self._speech.end:
                start = self._speech.end + self._samples(self._behaviour.delay_ms)
            if start < first + self._frame_samples:
                start = max(start, first)
                sound = answer_sound(codec.payload_type, long=self._behaviour.long)
                self._speech = Speech(start, sound, start + len(sound))
                self._due = None
                if self._loud_s is not None:
                    self.clock.answered(start / RATE_HZ, self._loud_s)
                _lay(frame, first, self._speech)
        _lay(frame, first, self._tones)
        return bytes(frame)

    def _event(self, first: int) -> tuple[int, int, bytes] | None:
        """Payload type, timestamp and payload of the telephone-event that replaces this frame; None: send the sound."""
        if self._pressing is not None and first - self._pressing[1] >= _EVENT_PERIOD * FRAME_SAMPLES:
            self._pressing = None
        if self._pressing is None and self._to_press:
            self._pressing = (self._to_press.popleft(), first)
        if self._pressing is None or self._peer is None or not self._peer.event_type:
            return None
        key, start = self._pressing
        step = (first - start) // FRAME_SAMPLES + 1
        if step > _EVENT_FRAMES + _EVENT_ENDS:
            return None
        end = 0x80 if step > _EVENT_FRAMES else 0
        duration = min(step, _EVENT_FRAMES) * FRAME_SAMPLES
        return self._peer.event_type, start, struct.pack("!BBH", _KEYS.index(key), end | 10, duration)

    # What the agent hears.

    def _read(self) -> None:
        try:
            packet, ancillary, _, _ = self._socket.recvmsg(2048, 64)
        except OSError:
            return
        now = time.monotonic()
        for _, kind, data in ancillary:
            if kind == _SO_TIMESTAMPNS and len(data) == _TIMESPEC.size:
                seconds, nanoseconds = _TIMESPEC.unpack(data)
                now -= min(
                    max(time.time() - seconds - nanoseconds / 1e9, 0), 1
                )  # the cap guards against a wall clock that was set
        if len(packet) < _HEADER.size or packet[0] >> 6 != 2 or 72 <= packet[1] & 0x7F <= 79:  # noqa: PLR2004
            return  # no RTP, or RTCP on the same port
        self._take(packet, now)

    def _take(self, packet: bytes, arrived_at: float) -> None:
        flags, kind, sequence, timestamp, caller = _HEADER.unpack_from(packet)
        self.received += 1
        self.heard_at = arrived_at
        step = (sequence - self._last_sequence + 0x8000 & 0xFFFF) - 0x8000 if caller == self._caller else 1
        if step > 0:
            self._expected += step
            self._last_sequence = sequence
        self._caller = caller
        start = _HEADER.size + 4 * (flags & 0x0F)
        if flags & 0x10:
            start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4], "big")
        end = len(packet) - packet[-1] if flags & 0x20 else len(packet)
        if self._peer is None or self._started_at is None or start >= end:
            return
        if self._echo and not self._behaviour.mute:
            self._send(packet[:8] + self._source.to_bytes(4, "big") + packet[12:])
        kind &= 0x7F
        if kind == self._peer.codec.payload_type:
            self._first_stamp = timestamp if self._first_stamp is None else self._first_stamp
            stamp_s = (timestamp - self._first_stamp & 0xFFFFFFFF) / RATE_HZ
            self.clock.arrived(arrived_at - self._started_at, stamp_s)
            loud = audioop.max(self._peer.codec.to_linear(packet[start:end], 2), 2) > LOUD
            if packet[start:end].strip(self._peer.codec.silence):
                self.clock.sounded(arrived_at - self._started_at, loud=loud)
            if loud:
                self._heard(arrived_at - self._started_at, stamp_s)
        elif kind == self._peer.event_type:
            self._pressed(packet[start], timestamp)

    def _heard(self, at_s: float, stamp_s: float) -> None:
        """A loud frame came: cut the running answer, and answer once no more of them come."""
        behaviour, self._loud_s = self._behaviour, stamp_s
        at = round(at_s * RATE_HZ)
        if not behaviour.silent:
            self._due = at + self._samples(behaviour.delay_ms)
        if self._speech is not None and at < self._speech.end and not behaviour.ignore:
            stop = at + self._samples(behaviour.stop_ms)
            if stop < self._speech.end:
                self._speech.end = stop
                self.clock.stopped(stop / RATE_HZ, stamp_s)

    def _pressed(self, event: int, timestamp: int) -> None:
        """A telephone-event packet came. All packets of one key carry the timestamp of its start."""
        newer = self._last_event is None or 0 < (timestamp - self._last_event & 0xFFFFFFFF) < 1 << 31
        if newer and event < len(_KEYS):
            self._last_event = timestamp
            self.keys += _KEYS[event]
            if self._behaviour.dtmf_echo:
                self._to_press.append(_KEYS[event])

    @staticmethod
    def _samples(milliseconds: int) -> int:
        return milliseconds * RATE_HZ // 1000


def _lay(frame: bytearray, first: int, speech: Speech | None) -> None:
    """Copy the part of `speech` that falls into the frame that begins at sample `first`."""
    if speech is not None:
        start, end = max(speech.start, first), min(speech.end, first + len(frame))
        if start < end:
            frame[start - first : end - first] = speech.sound[start - speech.start : end - speech.start]


def _port_pair(host: str) -> tuple[socket.socket, socket.socket]:
    """An even port for RTP and the one after it, held so that our caller's RTCP reaches nobody else."""
    while True:
        rtp, rtcp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        rtp.bind((host, 0))
        port = rtp.getsockname()[1]
        with contextlib.suppress(OSError):
            if port % 2 == 0:
                rtcp.bind((host, port + 1))
                rtp.setblocking(False)
                with contextlib.suppress(OSError):
                    rtp.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
                return rtp, rtcp
        rtp.close()
        rtcp.close()

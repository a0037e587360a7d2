"""One call's sound over RTP: what the calibration telephone says, to the sample, and what it hears.

The reference that everything here keeps: a frame's 160 samples *begin* at the moment its packet is handed to the
socket. Packets leave on one absolute clock, 20 ms apart from the first; an answer starts, and is cut, at the right
sample inside the running frame. So whatever is due at least one frame ahead is exact; what is due sooner starts with
the next packet. A caller's frame has *arrived* when the kernel took its packet, however busy this process is; who
holds that a frame's samples begin when it is sent hears an answer `delay_ms` less 20 ms after the frame's last sample.
"""

import asyncio
import audioop
import base64
import contextlib
import random
import secrets
import select
import selectors
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel, Field

from examples.calibration.agent import answer_frames

RATE_HZ = 8000
FRAME_SAMPLES = 160
_FRAME_S = 0.02
_LOUD = 600
"""Peak on the 16-bit scale above which a frame is the caller's speech, as in `agent.py`."""
_LONG_ANSWER_S = 8
_GAP_SAMPLES = 800
"""Between two words of a long answer at most: 100 ms."""
_ACTION_S = 1.0
_HOPELESS_FRAMES = 5
"""So many frames late, the missed ones are skipped instead of sent in a burst."""
_KEYS = "0123456789*#ABCD"
_KEYPAD = "123A456B789C*0#D"
_ROWS_HZ = (697, 770, 852, 941)
_COLUMNS_HZ = (1209, 1336, 1477, 1633)
_TONE_SAMPLES = 560
_EVENT_FRAMES, _EVENT_ENDS, _EVENT_PERIOD = 5, 3, 10
"""Of a key by RFC 4733: 100 ms long, its end then told three times, the next one 200 ms after its start."""
_HEADER = struct.Struct("!BBHII")
_SO_TIMESTAMPNS = 35
"""Linux: ask for the kernel's time of arrival; elsewhere the option fails and the time of reading serves."""
_TIMESPEC = struct.Struct("qq")


_HUM_HZ, _HUM_PEAK = 130, 1500


class Behaviour(BaseModel, frozen=True):
    """What the caller chose in the request URI's parameters; those of other meaning (`transport`) are not ours."""

    delay_ms: int = Field(800, ge=0, description="from the arrival of the last loud frame to the answer's first sample")
    stop_ms: int = Field(300, ge=0, description="from the arrival of the first loud frame to the agent's silence")
    ignore: bool = Field(False, description="never stop for the caller; answer when done")
    long: bool = Field(False, description="answers of some 8 s whose sound never pauses")
    silent: bool = Field(False, description="send only silence")
    mute: bool = Field(False, description="send no RTP at all")
    loss: float = Field(0, ge=0, le=1, description="share of packets that are numbered and not sent")
    jitter_ms: float = Field(0, ge=0, description="delay each packet by up to this")
    seed: int = Field(0, description="of loss and jitter")
    keys: str = Field("", pattern=r"^[0-9*#A-D]*$", description="sent as telephone-events 1 s after the answer")
    tones: str = Field("", pattern=r"^[0-9*#A-D]*$", description="sent as audible tones 1 s after the answer")
    dtmf_echo: bool = Field(False, description="send every key that is received back as a telephone-event")
    hangup_ms: int | None = Field(None, ge=0, description="hang up so long after the answer")
    refer: str = Field("", description="transfer the caller there 1 s after the answer")


class Codec(NamedTuple):
    """One of G.711's two laws."""

    payload_type: int
    silence: bytes
    to_linear: Callable[[bytes, int], bytes]
    from_linear: Callable[[bytes, int], bytes]


CODECS = {
    0: Codec(0, b"\xff", audioop.ulaw2lin, audioop.lin2ulaw),
    8: Codec(8, b"\xd5", audioop.alaw2lin, audioop.lin2alaw),
}


class Peer(NamedTuple):
    """The caller's side, as its SDP says."""

    address: tuple[str, int]
    codec: Codec
    event_type: int
    """Payload type of telephone-events; 0 if the caller takes none."""
    listens: bool


@dataclass
class Speech:
    """A sound on the call's sample clock; `end` moves forward when it is cut."""

    start: int
    sound: bytes
    end: int


class ExactSelector(selectors.DefaultSelector):
    """Waits to the microsecond: epoll's own timeout is rounded up to whole milliseconds, that of select is not."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """See `selectors.BaseSelector`."""
        if timeout is not None and timeout > 0:
            select.select([self.fileno()], [], [], timeout)
            timeout = 0
        return super().select(timeout)


@lru_cache(maxsize=4)
def answer_sound(payload_type: int, *, long: bool) -> bytes:
    """What the agent says, its first sample loud."""
    linear = audioop.ulaw2lin(b"".join(base64.b64decode(frame) for frame in answer_frames()), 2)
    if long:
        samples = np.frombuffer(linear, np.int16)
        loud = np.flatnonzero(np.abs(samples.astype(int)) > _LOUD)
        words = np.split(samples, loud[np.flatnonzero(np.diff(loud) > _GAP_SAMPLES)] + 1)
        once = b"".join(_without_lead(word).tobytes() + bytes(2 * _GAP_SAMPLES) for word in words)
        linear = once * -(-_LONG_ANSWER_S * RATE_HZ * 2 // len(once))
        linear = _hummed(linear[: -2 * _GAP_SAMPLES])
    return CODECS[payload_type].from_linear(linear, 2)


def _hummed(linear: bytes) -> bytes:
    """The words with a hum under them that never pauses, so that the end of the sound is the cut, wherever it falls."""
    samples = np.frombuffer(linear, np.int16).astype(float)
    at = np.arange(len(samples)) * 2 * np.pi * _HUM_HZ / RATE_HZ
    hum = sum(_HUM_PEAK / harmonic * np.sin(at * harmonic + harmonic) for harmonic in range(1, 8))
    return np.clip(samples + hum, -32768, 32767).astype("<i2").tobytes()


def _without_lead(word: np.ndarray) -> np.ndarray:
    loud = np.flatnonzero(np.abs(word.astype(int)) > _LOUD)
    return word[loud[0] : loud[-1] + 1] if loud.size else word[:0]


def tone_sound(keys: str, codec: Codec) -> bytes:
    """The keys as tones, 70 ms each and 70 ms apart."""
    at = np.arange(_TONE_SAMPLES) * 2 * np.pi / RATE_HZ
    sound = bytearray()
    for row, column in (divmod(_KEYPAD.index(key), 4) for key in keys):
        tone = 7000 * (np.sin(at * _ROWS_HZ[row]) + np.sin(at * _COLUMNS_HZ[column]))
        sound += codec.from_linear(tone.astype(np.int16).tobytes(), 2) + codec.silence * _TONE_SAMPLES
    return bytes(sound)


class Media:
    """An RTP port, a clock of frames, and the conversation on it."""

    def __init__(self, host: str, behaviour: Behaviour, *, echo: bool) -> None:
        self.received = 0
        self.keys = ""
        self.heard_at = time.monotonic()
        self.late_s = 0.0
        """Of the packet that left the furthest behind its time."""
        self._behaviour = behaviour
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
        """Packets that the caller's numbers show and that did not come."""
        return max(0, self._expected - self.received)

    def agree(self, peer: Peer) -> None:
        """Send there, so, from the next packet on."""
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
        late_s = time.monotonic() - self._started_at - self._frame * _FRAME_S
        self.late_s = max(self.late_s, late_s)
        if late_s > _HOPELESS_FRAMES * _FRAME_S:
            self._frame += int(late_s / _FRAME_S)
        first = self._frame * FRAME_SAMPLES
        sound = self._sound(first, self._peer.codec)
        event = self._event(first) if self._pressing or self._to_press else None
        kind, timestamp, payload = event or (self._peer.codec.payload_type, first, sound)
        if self._frame == 0 or (event and timestamp == first):
            kind |= 0x80  # the marker: a stream, or a key, begins
        head = _HEADER.pack(0x80, kind, self._sequence, (self._epoch + timestamp) & 0xFFFFFFFF, self._source)
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._frame += 1
        self._send(head + payload)
        self._timer = self._loop.call_at(self._started_at + self._frame * _FRAME_S, self._tick)

    def _send(self, packet: bytes) -> None:
        behaviour = self._behaviour
        if behaviour.loss and self._chance.random() < behaviour.loss:
            return
        if behaviour.jitter_ms:
            self._loop.call_later(self._chance.random() * behaviour.jitter_ms / 1000, self._hand_over, packet)
        else:
            self._hand_over(packet)

    def _hand_over(self, packet: bytes) -> None:
        if self._peer is not None and self._peer.listens and self._socket.fileno() >= 0:
            with contextlib.suppress(OSError):  # a full buffer or an unreachable caller loses a packet, as a net does
                self._socket.sendto(packet, self._peer.address)

    def _sound(self, first: int, codec: Codec) -> bytes:
        """The frame that begins at sample `first`: the end of what is being said, and what falls due in it."""
        frame = bytearray(codec.silence * FRAME_SAMPLES)
        _lay(frame, first, self._speech)
        if self._due is not None:
            start = self._due
            if self._speech is not None and start < self._speech.end:
                start = self._speech.end + self._samples(self._behaviour.delay_ms)
            if start < first + FRAME_SAMPLES:
                start = max(start, first)
                sound = answer_sound(codec.payload_type, long=self._behaviour.long)
                self._speech = Speech(start, sound, start + len(sound))
                self._due = None
                _lay(frame, first, self._speech)
        _lay(frame, first, self._tones)
        return bytes(frame)

    def _event(self, first: int) -> tuple[int, int, bytes] | None:
        """Payload type, timestamp and payload of the telephone-event packet that takes this frame's place."""
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
                now -= min(max(time.time() - seconds - nanoseconds / 1e9, 0), 1)  # a stepped wall clock does no harm
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
            if audioop.max(self._peer.codec.to_linear(packet[start:end], 2), 2) > _LOUD:
                self._heard(arrived_at - self._started_at)
        elif kind == self._peer.event_type:
            self._pressed(packet[start], timestamp)

    def _heard(self, at_s: float) -> None:
        """A loud frame: cut what is being said, and answer when no more of them come."""
        behaviour = self._behaviour
        at = round(at_s * RATE_HZ)
        if not behaviour.silent:
            self._due = at + self._samples(behaviour.delay_ms)
        if self._speech is not None and at < self._speech.end and not behaviour.ignore:
            self._speech.end = min(self._speech.end, at + self._samples(behaviour.stop_ms))

    def _pressed(self, event: int, timestamp: int) -> None:
        """A packet of a key; all packets of one key carry the time of its start."""
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
    """An even port for RTP and the next one, held so that no other stream gets our caller's RTCP."""
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

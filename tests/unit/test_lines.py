"""Packets on a timeline, keys in sound, dialogs that are ended from outside, resampling: no line is needed."""

import numpy as np
import pytest

from activities.audio import g711
from activities.audio.arrivals import Arrivals
from activities.audio.dtmf import KEYS, find_keys, tones
from activities.audio.pcm import Samples, to_int16
from activities.audio.playback import Playback
from activities.audio.resample import StreamResampler
from activities.channels.sip.dialog import Message, dialog_of
from activities.channels.sip.sdp import Sdp

FRAME = 160
RNG = np.random.default_rng(3)


def packet(number: int, level: int = 5000) -> Samples:
    """A frame that says which one it is."""
    return np.full(FRAME, level + number, np.int16)


def starts(track: Samples, count: int, level: int = 5000) -> dict[int, int]:
    """Where each packet lies on a track, in ms."""
    found = {}
    for number in range(count):
        at = np.flatnonzero(track == level + number)
        if len(at):
            found[number] = int(at[0]) // 8
    return found


def laid_out(arrivals: dict[int, float], count: int, late_by: float = 0.0) -> tuple[dict[int, int], Arrivals]:
    line = Arrivals(8000)
    for number in sorted(arrivals, key=lambda key: arrivals[key]):
        line.put(arrivals[number] + late_by, packet(number))
    return starts(line.laid_out(0.0, 8000 * 30), count), line


def test_packets_in_time_lie_where_they_came() -> None:
    found, line = laid_out({n: 1 + n * 0.02 for n in range(200)}, 200)
    assert len(found) == 200
    assert all(abs(at - 1000 - n * 20) <= 1 for n, at in found.items())
    assert line.lost == 0


def test_lost_packets_leave_their_time() -> None:
    lost = {7, 50, 51, 52, 120, 199}
    jitter = RNG.uniform(0, 0.008, 400)
    found, line = laid_out({n: 1 + n * 0.02 + jitter[n] for n in range(400) if n not in lost}, 400)
    assert len(found) == 400 - len(lost)
    assert all(abs(at - 1000 - n * 20) <= 20 for n, at in found.items())
    assert line.lost == len(lost)


def test_jitter_moves_nothing() -> None:
    jitter = RNG.uniform(0, 0.03, 300)
    order = np.maximum.accumulate(1 + np.arange(300) * 0.02 + jitter)
    found, line = laid_out({n: float(order[n]) for n in range(300)}, 300)
    assert len(found) == 300
    assert all(abs(at - 1000 - n * 20) <= 20 for n, at in found.items())
    assert line.lost == 0


def test_a_sender_that_pauses_has_lost_nothing() -> None:
    found, line = laid_out({n: 1 + n * 0.02 + (3 if n >= 100 else 0) for n in range(200)}, 200)
    assert abs(found[99] - 2980) <= 1
    assert abs(found[100] - 6000) <= 20
    assert line.lost == 0


def test_packets_never_lie_on_one_another_after_a_stall() -> None:
    came = {n: 1 + n * 0.02 for n in range(200)} | dict.fromkeys(range(60, 100), 3.0)
    found, _ = laid_out(came, 200)
    assert len(found) == 200
    gaps = np.diff([found[n] for n in range(200)])
    assert gaps.min() >= 20


def test_a_senders_stamps_place_its_packets() -> None:
    line = Arrivals(8000)
    for number in range(200):
        at = 1 + number * 0.02 + (0.8 if 60 <= number < 100 else 0.0)  # a stall of the connection
        line.put(at, packet(number), number * 20.0)
    found = starts(line.laid_out(0.0, 8000 * 10), 200)
    assert len(found) == 200
    assert all(abs(at - 1000 - n * 20) <= 1 for n, at in found.items())


def test_a_fast_clock_is_made_good_in_silence() -> None:
    line = Arrivals(8000)
    for number in range(6000):  # two minutes; the sender is 0.1 % fast
        quiet = number % 100 < 50
        line.put(number * 0.02 * 0.999, np.zeros(FRAME, np.int16) if quiet else np.full(FRAME, 4000, np.int16))
    track = line.laid_out(0.0, 8000 * 121)
    last = np.flatnonzero(np.diff((track > 0).astype(int)) == 1)[-1] / 8000
    assert abs(last - 5950 * 0.02 * 0.999) < 0.025


def test_live_playout_gives_a_frame_a_tick_whatever_came() -> None:
    line = Arrivals(8000)
    line.put(0.0, packet(1)[:100])
    assert len(line.take()) == FRAME
    for number in range(10):
        line.put(0.1, np.zeros(FRAME, np.int16) if number < 9 else packet(9))
    heard = [line.take() for _ in range(4)]
    assert any((frame == 5009).any() for frame in heard)  # it catches up over silence


def test_playback_is_end_to_end_and_cut_when_cleared() -> None:
    line = Playback(8000)
    line.put(1.0, np.full(8000, 1000, np.int16))
    line.put(1.2, np.full(8000, 2000, np.int16))
    line.clear(2.5)
    line.put(4.0, np.full(800, 3000, np.int16))
    track = line.laid_out(0.5, 8000 * 5)
    assert [int(track[int(at * 8000)]) for at in (0.4, 0.6, 1.4, 1.6, 1.9, 2.1, 3.55, 3.7)] == [
        *(0, 1000, 1000, 2000, 2000, 0, 3000, 0)
    ]


def test_every_key_is_found_in_noise() -> None:
    pressed = "".join(KEYS)
    sound = np.concatenate([np.concatenate([tones(key, 8000, 70), np.zeros(560, np.int16)]) for key in pressed])
    power = float(np.mean(tones("1", 8000, 70).astype(float) ** 2))
    noisy = to_int16(sound + RNG.normal(0, np.sqrt(power / 10**1.2), len(sound)))
    assert "".join(press.key for press in find_keys(g711.decode(g711.encode(noisy)), 8000)) == pressed


@pytest.mark.parametrize("frequencies", [(697,), (697, 770), (697, 1209, 1477), (600, 1100), (440, 880)])
def test_other_sounds_are_no_keys(frequencies: tuple[int, ...]) -> None:
    at = np.arange(8000) / 8000
    sound = to_int16(np.sum([6000 * np.sin(2 * np.pi * hz * at) for hz in frequencies], axis=0))
    assert find_keys(sound, 8000) == []


@pytest.mark.parametrize(("up", "down"), [(3, 1), (1, 3), (3, 2), (2, 3), (1, 1)])
def test_resampling_in_pieces_is_resampling_at_once(up: int, down: int) -> None:
    at = np.arange(16_000) / 16_000
    sound = to_int16(8000 * np.sin(2 * np.pi * 300 * at))
    whole = StreamResampler(up, down)(sound)
    pieces = StreamResampler(up, down)
    parts = np.concatenate([pieces(sound[start : start + 321]) for start in range(0, len(sound), 321)])
    assert np.array_equal(parts, whole)
    assert abs(len(whole) - len(sound) * up / down) <= 1
    middle = whole[len(whole) // 4 : -len(whole) // 4].astype(float)
    assert abs(np.sqrt(np.mean(middle**2)) - 8000 / np.sqrt(2)) < 60


OK = """SIP/2.0 200 OK
Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKx
Record-Route: <sip:edge.example;lr>, <sip:core.example;lr>
f: <sip:me@example.com>;tag=1
To: "Desk" <sip:agent@example.com>;tag=2
Call-ID: abc
CSeq: 7 INVITE
m: <sip:agent@10.0.0.9:5062;transport=udp>
Content-Type: application/sdp

m=audio 4000 RTP/AVP 96 0
a=rtpmap:96 opus/48000/2
"""


def test_a_dialog_is_ended_from_outside_as_the_answer_says() -> None:
    answer = Message.parse(OK)
    dialog = dialog_of(answer, "udp", "10.0.0.2:5060")
    assert dialog is not None
    lines = dialog.bye("10.0.0.1:6000", "z9hG4bKy").decode().split("\r\n")
    assert lines[0] == "BYE sip:agent@10.0.0.9:5062;transport=udp SIP/2.0"
    assert [line for line in lines if line.startswith("Route")] == [
        "Route: <sip:core.example;lr>",
        "Route: <sip:edge.example;lr>",
    ]
    assert "From: <sip:me@example.com>;tag=1" in lines
    assert 'To: "Desk" <sip:agent@example.com>;tag=2' in lines
    assert int(next(line for line in lines if line.startswith("CSeq")).split()[1]) > 7
    assert Sdp.parse(answer.body) == Sdp(4000, "opus", 48_000, frozenset(), holds=False)
    assert dialog_of(Message.parse(OK.replace("200 OK", "180 Ringing")), "udp", "x:1") is None
    assert dialog_of(Message.parse(OK.replace("7 INVITE", "8 BYE")), "udp", "x:1") is None

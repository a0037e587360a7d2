"""Channels are what they declare: their lines have the abilities, and SIP's two processes understand each other."""

import asyncio
import socket
import struct

import pytest
from baresip import BaresipError, NoLocalAddressError, RegistrationError

from activities.channels.houndify.line import HoundifyLine
from activities.channels.media_stream.line import MediaStreamLine
from activities.channels.openai_realtime.line import OpenAiRealtimeLine
from activities.channels.sip.dialog import Dialog
from activities.channels.sip.line import SipLineWithKeys
from activities.channels.sip.messages import NEWS, ORDERS, Order, Press, Refusal, Up
from activities.channels.sip.refusal import by_closing, by_error, by_time
from activities.channels.sip.wire import Wire, control_message
from activities.channels.twilio.phone import _PhoneCall
from activities.ports.line import PressesKeys
from voicewright.suite.format.agent import CHANNELS
from voicewright.suite.format.channel import KeyPresses

LINES = {
    "media_stream": MediaStreamLine,
    "sip": SipLineWithKeys,
    "twilio": _PhoneCall,
    "houndify": HoundifyLine,
    "openai_realtime": OpenAiRealtimeLine,
}


def test_every_line_can_what_its_channel_declares() -> None:
    assert LINES.keys() == CHANNELS.keys()
    for name, line in LINES.items():
        assert issubclass(line, PressesKeys) is (CHANNELS[name].keys is KeyPresses.EVENT), name
        assert hasattr(line, "turn_begins") is CHANNELS[name].takes_text, name


def test_nobody_is_rung_twice_on_a_telephone() -> None:
    assert {name for name, can in CHANNELS.items() if not can.dials_again} == {"sip", "twilio"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("486 Busy Here", Refusal.BUSY),
        ("600 Busy Everywhere", Refusal.BUSY),
        ("480 Temporarily Unavailable", Refusal.NO_ANSWER),
        ("503 Service Unavailable", Refusal.LATER),
        ("404 Not Found", Refusal.FOR_GOOD),
        ("Connection refused", Refusal.UNREACHABLE),
        ("", Refusal.UNREACHABLE),
    ],
)
def test_a_call_that_never_came_up_says_why(text: str, why: Refusal) -> None:
    assert by_closing(text).why is why


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (NoLocalAddressError("no local address toward 10.0.0.1"), Refusal.NO_ROUTE),
        (RegistrationError("x", status=401, reason="Unauthorized"), Refusal.FOR_GOOD),
        (RegistrationError("x", reason="Connection timed out"), Refusal.UNREACHABLE),
        (ValueError("header X: value must be single-line"), Refusal.FOR_GOOD),
        (BaresipError("dial failed: Invalid argument"), Refusal.UNREACHABLE),
    ],
)
def test_what_the_stack_raises_says_why(error: BaresipError | ValueError, why: Refusal) -> None:
    assert by_error(error).why is why


def test_who_rang_in_vain_was_not_answered() -> None:
    assert by_time(5, rang=True).why is Refusal.NO_ANSWER
    assert by_time(5, rang=False).why is Refusal.UNREACHABLE


def test_a_dialog_goes_over_the_wire_whole() -> None:
    dialog = Dialog("id", "<sip:a@b>", "<sip:c@d>", "sip:c@d", 7, routes=("<sip:p;lr>", "<sip:q;lr>"))
    up = Up(tx_hz=8000, rx_hz=8000, tx_channels=1, rx_channels=1, codec="PCMU", dialog=dialog)
    assert NEWS.validate_json(up.model_dump_json()) == up


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (2, b'{"do": "press", "key": "55"}'),
        (2, b'{"do": "sing"}'),
        (2, b'{"do": "hang_up", "politely": true}'),
        (2, b"nonsense"),
        (3, b"{}"),
    ],
)
async def test_what_is_no_message_ends_the_connection_loudly(
    kind: int, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    got: list[tuple[int, Order]] = []
    ended = asyncio.Event()
    wire: Wire[Order] = Wire(ORDERS, lambda *_: None, lambda number, order: got.append((number, order)), ended.set)
    ours, theirs = socket.socketpair()
    with ours:
        await asyncio.get_running_loop().create_unix_connection(lambda: wire, sock=theirs)
        ours.sendall(control_message(7, Press(key="5")) + struct.pack("!BIddI", kind, 7, 0.0, 0.0, len(body)) + body)
        async with asyncio.timeout(60):
            await ended.wait()
    assert got == [(7, Press(key="5"))]
    assert "SIP wire" in caplog.text

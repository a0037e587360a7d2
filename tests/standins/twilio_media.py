"""Media Streams of the Twilio stand-in: the TwiML that asks for them, and the messages both ways."""

import asyncio
import base64
import binascii
import json
import math
import xml.etree.ElementTree as ET
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from standins.twilio_agent import FRAME_BYTES, FRAME_MS, SILENCE, Agent, CallLeg
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

Json = dict[str, Any]

MAX_PARAMETER = 500
STREAM_ATTRIBUTES = {"url", "name", "track", "statusCallback", "statusCallbackMethod"}
SHAPES: dict[str, str | None] = {"media": "payload", "mark": "name", "clear": None}
"""The messages that Twilio takes, and what their body holds."""
OUR_COMPLAINTS = {1002, 1003, 1007, 1009}


class TwimlError(Exception):
    """With the number that Twilio's debugger shows."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def verbs(twiml: str) -> list[ET.Element]:
    try:
        root = ET.fromstring(twiml)  # noqa: S314 - of the client under test
    except ET.ParseError as error:
        raise TwimlError(12100, f"Document parse failure: {error}") from None
    if root.tag != "Response":
        raise TwimlError(12100, f"Document parse failure: the root element is <{root.tag}>, not <Response>")
    return list(root)


@dataclass(frozen=True)
class StreamNoun:
    url: str
    parameters: Mapping[str, str]
    name: str | None = None
    status_callback: str | None = None
    status_callback_method: str = "POST"


def stream_noun(connect: ET.Element) -> StreamNoun:
    """What `<Connect>` holds.

    Raises:
        TwimlError: Twilio would not open this stream.
    """
    nouns = list(connect)
    if len(nouns) != 1 or nouns[0].tag != "Stream":
        raise TwimlError(12200, f"Schema validation warning: <Connect> holds {[noun.tag for noun in nouns]}")
    asked = nouns[0].attrib
    if unknown := asked.keys() - STREAM_ATTRIBUTES:
        raise TwimlError(12200, f"Schema validation warning: <Stream> has no attribute {sorted(unknown)}")
    url = asked.get("url", "")
    parts = urlsplit(url)
    if not parts.scheme or not parts.hostname or any(character.isspace() for character in url):
        raise TwimlError(11100, f"Invalid URL format: {url!r}")
    if parts.scheme != "wss":
        raise TwimlError(31922, f"Stream - WebSocket - URL Schema Not Supported: {url}")
    if parts.query or "?" in url or parts.fragment:
        raise TwimlError(31920, f"Stream - WebSocket - Handshake Error: {url} has a query string")
    if asked.get("track", "inbound_track") != "inbound_track":
        raise TwimlError(31941, "Stream - Audio - Invalid track configuration: <Connect> streams the inbound track")
    return StreamNoun(
        url,
        dict(_parameter(child) for child in nouns[0]),
        asked.get("name"),
        asked.get("statusCallback"),
        asked.get("statusCallbackMethod", "POST"),
    )


def _parameter(element: ET.Element) -> tuple[str, str]:
    if element.tag != "Parameter" or element.attrib.keys() != {"name", "value"}:
        raise TwimlError(12200, f"Schema validation warning: <Stream> holds <{element.tag}> {sorted(element.attrib)}")
    name, value = element.attrib["name"], element.attrib["value"]
    if len(name) + len(value) >= MAX_PARAMETER:
        raise TwimlError(12200, f"<Parameter>: name and value of {name!r} together reach {MAX_PARAMETER} characters")
    return name, value


class Playout:
    """What the client sent and the callee has not heard yet."""

    def __init__(self) -> None:
        self._queue: deque[Any] = deque()
        """Audio, and the names of marks."""
        self._played: list[str] = []
        self._speaking = False

    def add(self, audio: bytes) -> None:
        self._queue.append(audio)

    def mark(self, name: str) -> None:
        if self._queue or self._speaking:
            self._queue.append(name)
        else:
            self._played.append(name)

    def clear(self) -> None:
        self._played += [item for item in self._queue if isinstance(item, str)]
        self._queue.clear()
        self._speaking = False

    def frame(self) -> bytes:
        """The next 20 ms."""
        parts, missing = [], FRAME_BYTES
        while self._queue and missing:
            head = self._queue.popleft()
            if isinstance(head, str):
                self._played.append(head)
                continue
            if len(head) > missing:
                self._queue.appendleft(head[missing:])
            parts.append(head[:missing])
            missing -= len(parts[-1])
        self._speaking = bool(parts)
        return b"".join(parts) + SILENCE * missing

    def finish_frame(self) -> list[str]:
        """The marks that were reached in it, or with its end."""
        self._speaking = False
        while self._queue and isinstance(self._queue[0], str):
            self._played.append(self._queue.popleft())
        return self.played()

    def played(self) -> list[str]:
        """The marks to return at once."""
        played, self._played = ([], self._played) if self._speaking else (self._played, [])
        return played


@dataclass
class Tape:
    """Both tracks of a call, from the first to the last frame of its streams."""

    heard: bytearray = field(default_factory=bytearray)
    said: bytearray = field(default_factory=bytearray)
    late_ms: float = 0.0
    """Of the frame that was played the furthest behind its time."""


class MediaStream:
    """One `<Connect><Stream>` over an open socket."""

    def __init__(
        self,
        socket: ClientConnection,
        ids: Mapping[str, str],
        noun: StreamNoun,
        far_end: tuple[CallLeg, Agent],
        tape: Tape,
        alert: Callable[[int, str], None],
    ) -> None:
        self._socket, self._ids, self._noun, self._tape, self._alert = socket, ids, noun, tape, alert
        self._leg, self._agent = far_end
        self._playout = Playout()
        self._sequence = 0
        self._over = False
        self._client_left = False

    def stop(self) -> None:
        """`stop` and a close frame within 20 ms."""
        self._over = True

    async def run(self, drop_after_s: float = math.inf) -> None:
        """To the end of the stream, whoever ends it."""
        await self._send({"event": "connected", "protocol": "Call", "version": "1.0.0"}, numbered=False)
        parameters = {"customParameters": dict(self._noun.parameters)}
        media = {"tracks": ["inbound"], "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}}
        about = {"accountSid": self._ids["accountSid"], "callSid": self._ids["callSid"]}
        await self._send(
            {"event": "start", "start": {**about, "streamSid": self._ids["streamSid"], **media, **parameters}}
        )
        listener = asyncio.create_task(self._listen())
        try:
            await self._talk(drop_after_s)
            if not self._client_left:
                await self._send({"event": "stop", "stop": about})
                await self._socket.close()
            await listener
        finally:
            listener.cancel()

    async def _talk(self, drop_after_s: float) -> None:
        clock = asyncio.get_running_loop()
        begin, number = clock.time(), 0
        while not self._over:
            heard = self._playout.frame()
            said = self._agent.frame(heard)
            if len(said) != FRAME_BYTES:
                raise ValueError(f"the agent said {len(said)} bytes in 20 ms")
            self._tape.heard += heard
            self._tape.said += said
            number += 1
            due = begin + number * FRAME_MS / 1000
            await asyncio.sleep(max(0.0, due - clock.time()))
            self._tape.late_ms = max(self._tape.late_ms, 1000 * (clock.time() - due))
            payload = base64.b64encode(said).decode()
            stamp = {"chunk": str(number), "timestamp": str((number - 1) * FRAME_MS)}
            await self._send({"event": "media", "media": {"track": "inbound", **stamp, "payload": payload}})
            for mark in self._playout.finish_frame():
                await self._return(mark)
            if self._leg.digits:
                key = {"track": "inbound_track", "digit": self._leg.digits.popleft()}
                await self._send({"event": "dtmf", "dtmf": key})
            self._over |= self._leg.hung_up
            if number * FRAME_MS >= drop_after_s * 1000:
                self._client_left = self._over = True
                self._socket.transport.abort()

    async def _return(self, mark: str) -> None:
        await self._send({"event": "mark", "mark": {"name": mark}})

    async def _send(self, message: Json, *, numbered: bool = True) -> None:
        if self._client_left:
            return
        if numbered:
            self._sequence += 1
            message |= {"sequenceNumber": str(self._sequence), "streamSid": self._ids["streamSid"]}
        try:
            await self._socket.send(json.dumps(message))
        except ConnectionClosed:
            self._over = self._client_left = True

    async def _listen(self) -> None:
        try:
            while True:
                await self._take(await self._socket.recv())
        except ConnectionClosed as error:
            if not self._over or self._client_left:
                self._left(error)
        self._over = self._client_left = True

    def _left(self, error: ConnectionClosed) -> None:
        if error.sent is not None and error.sent.code in OUR_COMPLAINTS and not error.rcvd_then_sent:
            self._alert(31924, f"Stream - WebSocket - Protocol Error: {error.sent.reason}")
        elif error.rcvd is None:
            self._alert(31903, "Stream - WebSocket - Connection Broken Pipe")
        elif error.rcvd.code != 1000:
            self._alert(31921, f"Stream - WebSocket - Close Error: code {error.rcvd.code}")

    async def _take(self, raw: str | bytes) -> None:
        try:
            event, value = _understood(raw, self._ids["streamSid"])
            if event == "media":
                self._playout.add(base64.b64decode(value, validate=True))
        except (ValueError, TypeError, AttributeError, binascii.Error) as error:
            self._alert(31951, f"Stream - Protocol - Invalid Message: {error}")
            return
        if event == "mark":
            self._playout.mark(value)
        elif event == "clear":
            self._playout.clear()
        for mark in self._playout.played():
            await self._return(mark)


def _understood(raw: str | bytes, stream_sid: str) -> tuple[str, str]:
    """The event and what its body holds; raises where Twilio warns and ignores."""
    if isinstance(raw, bytes):
        raise TypeError("a binary frame")
    message = json.loads(raw)
    event = message.get("event")
    if event not in SHAPES:
        raise ValueError(f"event {event!r}")
    if message.get("streamSid") != stream_sid:
        raise ValueError(f"{event} with streamSid {message.get('streamSid')!r}")
    held = SHAPES[event]
    if message.keys() != {"event", "streamSid"} | ({event} if held else set()):
        raise ValueError(f"{event} with the fields {sorted(message)}")
    if held is None:
        return event, ""
    body = message[event]
    if body.keys() != {held} or not isinstance(body[held], str) or not body[held]:
        raise ValueError(f"{event} with the body {sorted(body)}")
    return event, body[held]

"""Where Twilio reaches a calls worker: the WebSocket of a call's audio, and the news of its status.

Every request must carry Twilio's signature over our public address, and name a call that this worker has under way by
a token that only this call knows. Anything else is refused.
"""

import asyncio
import base64
import binascii
import json
import logging
import re
import secrets
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web
from twilio.request_validator import RequestValidator

from activities.audio import g711
from activities.audio.arrivals import Arrivals
from activities.audio.pcm import Samples
from activities.channels.event_queue import EventQueue
from activities.channels.incoming import Intake, read_message
from activities.channels.listening import listening
from activities.channels.outbox import PATIENCE_S, Outbox
from activities.errors import LineDiedError
from activities.ports.line import LineEvent
from voicewright.contracts.call import CallEventKind

MEDIA = "/twilio/media"
STATUS = "/twilio/status/"
FINAL = {"completed", "busy", "failed", "no-answer", "canceled"}
_START_S = 10.0
_NUMBER = re.compile(r"[0-9]{1,4}")

_log = logging.getLogger("calls.twilio")


@dataclass
class Underway:
    """One call that this worker has ordered. News may come in any order, and twice."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    sid: str | None = None
    statuses: dict[int, str] = field(default_factory=dict)
    answered_by: str = ""
    line: "TwilioLine | None" = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def status(self) -> str:
        """The latest by Twilio's own numbering; a final one is not taken back."""
        final = [status for status in self.statuses.values() if status in FINAL]
        if final:
            return final[0]
        return self.statuses[max(self.statuses)] if self.statuses else ""


class TwilioEndpoint:
    """The server.

    Args:
        public_url: https address at which Twilio reaches it.
        listen: host:port to serve on.
        auth_token: the account's.
    """

    def __init__(self, public_url: str, listen: str, auth_token: str) -> None:
        self.public_url = public_url.rstrip("/")
        self._listen = listen
        self._validator = RequestValidator(auth_token)
        self._underway: dict[str, Underway] = {}
        self._runner: web.AppRunner | None = None
        self._starting = asyncio.Lock()
        self.refused = 0

    @property
    def media_url(self) -> str:
        """For TwiML."""
        parts = urlsplit(self.public_url)
        return f"{'ws' if parts.scheme == 'http' else 'wss'}://{parts.netloc}{parts.path}{MEDIA}"

    def status_url(self, call: Underway) -> str:
        """For the call's status callbacks."""
        return f"{self.public_url}{STATUS}{call.token}"

    async def start(self) -> None:
        """Serve; harmless when it serves already.

        Raises:
            InstallationError: the port is taken.
        """
        async with self._starting:
            if self._runner is not None:
                return
            app = web.Application()
            app.router.add_get(MEDIA, self._media)
            app.router.add_post(STATUS + "{token}", self._news)
            setting = "VOICEWRIGHT_TWILIO_LISTEN, another one for each calls worker of a machine"
            self._runner = await listening(app, self._listen, to="Twilio", setting=setting)

    async def close(self) -> None:
        """Stop serving."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def expect(self) -> Underway:
        """A call that is about to be ordered."""
        call = Underway()
        self._underway[call.token] = call
        return call

    def forget(self, call: Underway) -> None:
        """A call that is over: nothing more is taken for it."""
        self._underway.pop(call.token, None)

    def _refuse(self, why: str) -> web.Response:
        self.refused += 1
        _log.warning("a request to Twilio's endpoint was refused: %s", why)
        return web.Response(status=403, text="forbidden\n")

    async def _news(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        token = request.match_info["token"]
        url = f"{self.public_url}{STATUS}{token}"
        if not self._validator.validate(url, form, request.headers.get("X-Twilio-Signature", "")):
            return self._refuse("the signature is wrong")
        call = self._underway.get(token)
        if call is None:
            return web.Response(status=204)  # news of a call that is over here
        sid = form.get("CallSid", "")
        if call.sid not in {None, sid}:
            return self._refuse("the token is another call's")
        call.sid = sid
        if "AnsweredBy" in form:
            call.answered_by = form["AnsweredBy"]
            if call.line is not None:
                call.line.note(f"answered by {call.answered_by}")
        if "CallStatus" in form and _NUMBER.fullmatch(form.get("SequenceNumber", "")):
            call.statuses.setdefault(int(form["SequenceNumber"]), form["CallStatus"])
        call.changed.set()
        return web.Response(status=204)

    async def _media(self, request: web.Request) -> web.StreamResponse:
        if not self._validator.validate(self.media_url, {}, request.headers.get("X-Twilio-Signature", "")):
            return self._refuse("the signature of a stream is wrong")
        socket = web.WebSocketResponse(heartbeat=20, max_msg_size=1 << 20, compress=False)
        await socket.prepare(request)
        try:
            async with asyncio.timeout(_START_S):
                start = await _started(socket)
        except (TimeoutError, ValueError, KeyError, TypeError, AttributeError):
            await socket.close(code=1002, message=b"no start message")
            return socket
        token, sid, stream_sid = start
        call = self._underway.get(token)
        if call is None or call.line is not None or call.sid not in {None, sid}:
            self._refuse("a stream without the token of a call that is under way")
            await socket.close(code=1008, message=b"unknown call")
            return socket
        call.sid = sid
        line = call.line = TwilioLine(socket, stream_sid)
        if call.answered_by:
            line.note(f"answered by {call.answered_by}")
        call.changed.set()
        await line.listen()
        return socket


async def _started(socket: web.WebSocketResponse) -> tuple[str, str, str]:
    """Our token, the call's SID and the stream's, from its start message."""
    while True:
        message = read_message(await socket.receive_str())
        if message["event"] == "start":
            start = message["start"]
            return (
                str((start.get("customParameters") or {}).get("token")),
                str(start["callSid"]),
                str(start["streamSid"]),
            )


class TwilioLine:
    """One telephone call's audio. See `Line` and `LaysOut`; its keys are tones, since a stream takes no others."""

    rate_hz = g711.RATE_HZ

    def __init__(self, socket: web.WebSocketResponse, stream_sid: str) -> None:
        self._events = EventQueue()
        self._socket = socket
        self._stream_sid = stream_sid
        self._arrivals = Arrivals(g711.RATE_HZ)
        self._ended: str | None = None
        self._outbox = Outbox(socket.send_str, lambda _: None)  # whoever listens says what became of it
        self.broken: str | None = None

    @property
    def hung_up(self) -> str | None:
        """See `Line`."""
        return self._ended if self._arrivals.empty else None

    async def send(self, frame: Samples) -> Samples:
        """See `Line`."""
        if self.broken is not None:
            raise LineDiedError(self.broken)
        payload = g711.encode(frame)
        if self._ended is None:
            media = {"payload": base64.b64encode(payload).decode()}
            self._outbox.put(json.dumps({"event": "media", "streamSid": self._stream_sid, "media": media}))
            if self._outbox.stuck:
                self.broken = f"Twilio stopped reading: {PATIENCE_S:g} s of audio could not be sent"
        return g711.decode(payload)

    def receive(self) -> Samples:
        """See `Line`."""
        return self._arrivals.take()

    def heard(self, began_s: float, samples: int) -> Samples:
        """See `LaysOut`."""
        return self._arrivals.laid_out(began_s, samples)

    def events(self) -> list[LineEvent]:
        """See `Line`."""
        return self._events.take()

    async def hang_up(self) -> None:
        """See `Line`: with the stream ends the TwiML, and with that the call."""
        await self._outbox.close()
        if not self._socket.closed:
            await self._socket.close(code=1000)

    def note(self, text: str) -> None:
        """Something that Twilio says of the call."""
        self._events.put(CallEventKind.NOTE, text)

    def over(self, reason: str) -> None:
        """The call has ended at Twilio's side."""
        self.broken = None
        self._ended = self._ended or reason

    async def listen(self) -> None:
        """Take what comes until the socket closes."""
        intake = Intake()
        async for message in self._socket:
            if message.type is WSMsgType.TEXT:
                await intake.admit(message.data)
                self._take(message.data)
        if self._ended is None:
            if self._socket.close_code in {1000, 1001, 1005}:
                self._ended = "the stream was closed"
            else:
                self.broken = "the connection to Twilio broke in the middle of the call"

    def _take(self, raw: str) -> None:
        try:
            message = read_message(raw)
            event = message["event"]
            if event == "media":
                payload = base64.b64decode(message["media"]["payload"], validate=True)
                stamp = float(message["media"]["timestamp"])
                self._arrivals.put(time.monotonic(), g711.decode(payload), stamp)
            elif event == "dtmf":
                self._events.put(CallEventKind.KEY, str(message["dtmf"]["digit"]))
            elif event == "stop":
                self._ended = self._ended or "the call was ended"
        except (ValueError, KeyError, TypeError, binascii.Error):
            return  # nothing that Twilio sends

"""Channel `media_stream`: we play Twilio's part in the Media Streams protocol towards the agent's own endpoint.

Messages as in Twilio's "Media Streams - WebSocket Messages": `connected`, `start`, `media` (20 ms of base64 mu-law at
8 kHz), `mark` and `stop` go to the agent; `media`, `mark` and `clear` come back. Like Twilio we buffer what the agent
sends and play it in real time, so an agent may send a whole sentence at once; `clear` empties the buffer, and a
`mark` is returned when playback reaches it or when it is cleared. Numbers that Twilio sends as text are text here.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    ConnectionClosedError,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
)

from activities.audio import g711
from activities.audio.pcm import FRAME_MS, Samples
from activities.audio.playback import Playback
from activities.channels.event_queue import EventQueue
from activities.channels.incoming import Intake, Unfit, Unused
from activities.channels.media_stream.control import PARAMETER, CallControl
from activities.channels.media_stream.messages import Clear, Mark, Media, read
from activities.channels.outbox import PATIENCE_S, Outbox
from activities.channels.secrets import fill_secrets
from activities.errors import BadInputError, InstallationError, LineDiedError, LineError
from activities.ports.line import Line, LineEvent
from voicewright.contracts.call import CallEventKind
from voicewright.suite.format.address import without_query
from voicewright.suite.format.agent import AgentTarget, MediaStreamTarget

_CONNECT_S = 10.0
_GOODBYE_S = 1.0
_READ = 1 << 14
_MAX_MESSAGE = 1 << 22
_TOO_BIG = 1009
_NO_ACCOUNT = "AC" + "0" * 32


class _Connect(connect):
    """Redirects are not followed: headers that are for one host would go to another."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """See `connect`."""
        return exc


class MediaStreamDialler:
    """Calls agents at their WebSocket endpoints; by `control` they hang up and hand on."""

    def __init__(self, control: CallControl | None = None) -> None:
        self._control = control or CallControl()

    async def aclose(self) -> None:
        """Serve no agent any more."""
        await self._control.close()

    async def dial(self, target: AgentTarget, *, call_id: str, caller_id: str = "", language: str = "en") -> Line:  # noqa: ARG002
        """See `Dialler`. `call_id` becomes the SIDs, so that the agent's logs can be matched with ours."""
        assert isinstance(target, MediaStreamTarget)
        digest = hashlib.sha256(f"{call_id} {time.time_ns()}".encode()).hexdigest()[:32]
        fill = partial(fill_secrets, environment=os.environ, to=(target.url,))
        headers = {name: fill(text) for name, text in target.headers.items()}
        if target.auth_token is not None:
            headers["x-twilio-signature"] = _signature(target.url, fill(target.auth_token))
        where = without_query(target.url)
        try:
            socket = await _Connect(
                target.url,
                additional_headers=headers,
                compression=None,
                open_timeout=_CONNECT_S,
                close_timeout=2,
                ping_interval=20,
                ping_timeout=20,
                max_size=_MAX_MESSAGE,
                proxy=None,
            )
        except InvalidStatus as error:
            status = error.response.status_code
            message = f"the agent at {where} refused the WebSocket handshake with HTTP {status}"
            if status in {408, 425, 429} or status >= 500:  # noqa: PLR2004 - server errors
                raise LineError(message) from None
            raise BadInputError(f"{message}: check the agent's url, headers and auth_token") from None
        except InvalidURI:
            raise BadInputError(f"the agent's url {where} cannot be called: check host and port") from None
        except (OSError, InvalidHandshake, TimeoutError) as error:
            reason = str(error) or "no answer in time"
            raise LineError(f"could not connect to the agent at {where}: {reason}; is it running?") from None
        if hasattr(socket.transport, "max_size"):
            socket.transport.max_size = (
                _READ  # a flood is taken in mouthfuls, between which other calls have their turn
            )
        line = MediaStreamLine(socket, f"MZ{digest}", f"CA{digest}", target.url)
        line.on_over = self._control.admit(f"CA{digest}", line)
        try:
            api = await self._control.url_for(target.url)
            await line.start({**({PARAMETER: api} if api is not None else {}), **target.parameters})
        except (LineDiedError, InstallationError):
            await line.hang_up()
            raise
        return line


class MediaStreamLine:
    """One stream. See `Line`, `PressesKeys`, `LaysOut` and `KnowsWhyUnheard`."""

    rate_hz = g711.RATE_HZ

    def __init__(self, socket: ClientConnection, stream_sid: str, call_sid: str, agent_url: str) -> None:
        self._events = EventQueue()
        self.agent_url = agent_url
        self.on_over: Callable[[], None] = lambda: None
        self._socket = socket
        self._stream_sid = stream_sid
        self._call_sid = call_sid
        self._sequence = 0
        self._chunk = 0
        self._playback = Playback(g711.RATE_HZ)
        self._ended: str | None = None
        self._broken: str | None = None
        self._unused = Unused()
        self._outbox = Outbox(socket.send, self._failed)
        self._listener: asyncio.Task[None] | None = None

    @property
    def hung_up(self) -> str | None:
        """See `Line`. What the agent had sent before it hung up is played to the end first, as a telephone would."""
        return self._ended if self._playback.empty else None

    async def start(self, parameters: Mapping[str, str]) -> None:
        """Send `connected` and `start`, and begin to listen."""
        self._send({"event": "connected", "protocol": "Call", "version": "1.0.0"}, numbered=False)
        self._send(
            {
                "event": "start",
                "start": {
                    "accountSid": _NO_ACCOUNT,
                    "streamSid": self._stream_sid,
                    "callSid": self._call_sid,
                    "tracks": ["inbound"],
                    "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": g711.RATE_HZ, "channels": 1},
                    "customParameters": dict(parameters),
                },
                "streamSid": self._stream_sid,
            }
        )
        self._listener = asyncio.create_task(self._listen())

    async def send(self, frame: Samples) -> Samples:
        """See `Line`."""
        payload = g711.encode(frame)
        chunk, self._chunk = self._chunk, self._chunk + 1
        self._send(
            {
                "event": "media",
                "media": {
                    "track": "inbound",
                    "chunk": str(chunk + 1),
                    "timestamp": str(chunk * FRAME_MS),
                    "payload": base64.b64encode(payload).decode(),
                },
                "streamSid": self._stream_sid,
            }
        )
        return g711.decode(payload)

    def receive(self) -> Samples:
        """See `Line`."""
        return self._playback.take()

    def heard(self, began_s: float, samples: int) -> Samples:
        """See `LaysOut`."""
        return self._playback.laid_out(began_s, samples)

    def cuts(self, began_s: float) -> list[int]:
        """See `KnowsCuts`."""
        return self._playback.cuts(began_s)

    def events(self) -> list[LineEvent]:
        """See `Line`."""
        return self._events.take()

    async def press(self, key: str) -> None:
        """See `PressesKeys`: Twilio reports a caller's key as one `dtmf` message."""
        dtmf = {"track": "inbound_track", "digit": key}
        self._send({"event": "dtmf", "dtmf": dtmf, "streamSid": self._stream_sid})

    @property
    def over(self) -> bool:
        """See `Controlled`."""
        return self._ended is not None or self._broken is not None

    def unheard(self) -> str:
        """See `KnowsWhyUnheard`: what Twilio drops, no caller of this agent would hear."""
        return str(self._unused)

    async def agent_ends(self) -> None:
        """See `Controlled`: as with Twilio, what was not played yet is not heard any more."""
        await self._leave("the agent hung up")

    async def agent_hands_on(self, where: str) -> None:
        """See `Controlled`: with its TwiML changed, a call has no stream any more."""
        self._events.put(CallEventKind.TRANSFER, where)
        await self._leave(f"the agent handed the call on to {where}")

    async def agent_goes_on(self, how: str) -> None:
        """See `Controlled`: the call goes on at Twilio, and this stream has ended."""
        self._events.put(CallEventKind.WENT_ON, how)
        await self._leave(f"the call goes on at Twilio: {how}")

    async def _leave(self, reason: str) -> None:
        self._playback.clear(time.monotonic())
        await self._stop()
        self._ended = self._ended or reason
        await self._socket.close()

    async def _stop(self) -> None:
        if self.over:
            return
        try:
            stop = {"accountSid": _NO_ACCOUNT, "callSid": self._call_sid}
            self._send({"event": "stop", "stop": stop, "streamSid": self._stream_sid})
            await self._outbox.flush(_GOODBYE_S)
        except LineDiedError:
            pass  # it is over either way

    async def hang_up(self) -> None:
        """See `Line`: `stop`, then close."""
        self.on_over()
        await self._stop()
        await self._outbox.close()
        await self._socket.close()
        if self._listener is not None:
            await asyncio.gather(self._listener, return_exceptions=True)

    def _send(self, message: dict[str, Any], *, numbered: bool = True) -> None:
        """Send a message, without waiting for the agent to read it.

        Raises:
            LineDiedError: the connection is broken, or the agent has stopped reading.
        """
        if self._broken is None and self._ended is None and self._outbox.stuck:
            self._broken = f"the agent stopped reading: {PATIENCE_S:g} s of audio could not be sent"
        if self._broken is not None:
            raise LineDiedError(self._broken)
        if self._ended is not None:
            return  # the agent has hung up: the rest of the frame goes nowhere, as on a telephone
        if numbered:
            self._sequence += 1
            message["sequenceNumber"] = str(self._sequence)
        self._outbox.put(json.dumps(message))

    def _failed(self, error: Exception) -> None:
        """What came of sending."""
        if isinstance(error, ConnectionClosed):
            self._closed(error)
        else:
            self._broken = self._broken or f"the connection to the agent broke: {error}"

    async def _listen(self) -> None:
        intake = Intake()
        try:
            async for raw in self._socket:
                await intake.admit(raw)
                if (unfit := self._take(raw)) is not None and self._unused.add(unfit):
                    self._events.put(CallEventKind.NOTE, f"not played, as Twilio drops them: {unfit}")
            self._ended = self._ended or f"the agent closed the stream (code {self._socket.close_code})"
        except ConnectionClosed as error:
            self._closed(error)

    def _closed(self, error: ConnectionClosed) -> None:
        """A close frame is a hang-up; a connection that ends without one has died."""
        if error.sent is not None and error.sent.code == _TOO_BIG:
            self._ended = self._ended or f"the agent sent a message of more than {_MAX_MESSAGE >> 20} MB"
        elif isinstance(error, ConnectionClosedError) and error.rcvd is None:
            self._broken = self._broken or "the connection to the agent broke without a goodbye"
        elif self._ended is None:
            code = error.rcvd.code if error.rcvd is not None else 1000
            self._ended = f"the agent closed the stream (code {code})"

    def _take(self, raw: str | bytes) -> Unfit | None:
        """Do what a message says; why it was not done, where that is so."""
        match read(raw, self._stream_sid):
            case Media(payload):
                full = not self._playback.put(time.monotonic(), g711.decode(payload))
                return Unfit.TOO_MUCH_AUDIO if full else None
            case Mark(name):
                full = not self._playback.mark(partial(self._return_mark, name))
                return Unfit.TOO_MANY_MARKS if full else None
            case Clear():
                for reached in self._playback.clear(time.monotonic()):
                    reached()
                return None
            case unfit:
                return unfit

    def _return_mark(self, name: str) -> None:
        try:
            self._send({"event": "mark", "mark": {"name": name}, "streamSid": self._stream_sid})
        except LineDiedError:
            return  # the next frame finds the broken line and says so


def _signature(url: str, auth_token: str) -> str:
    """X-Twilio-Signature of a WebSocket handshake: base64 of HMAC-SHA1 over the URL (Twilio, "Webhooks security")."""
    return base64.b64encode(hmac.new(auth_token.encode(), url.encode(), hashlib.sha1).digest()).decode()

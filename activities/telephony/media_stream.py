"""Channel `media_stream`: we play Twilio's part in the Media Streams protocol towards the agent's own endpoint.

Messages as in Twilio's "Media Streams - WebSocket Messages": `connected`, `start`, `media` (20 ms of base64 mu-law at
8 kHz), `mark` and `stop` go to the agent; `media`, `mark` and `clear` come back. Like Twilio we buffer what the agent
sends and play it in real time, so an agent may send a whole sentence at once; `clear` empties the buffer, and a
`mark` is returned when playback reaches it or when it is cleared. Numbers that Twilio sends as text are text here.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    ConnectionClosedError,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
)

from activities.audio import Samples
from activities.errors import BadInputError, InstallationError, LineDiedError, LineError
from activities.ports import FRAME_MS, Line, LineEvent, LineEventKind
from activities.telephony import g711
from activities.telephony.call_control import PARAMETER, CallControl
from activities.telephony.line import PlainLine, Playback
from activities.telephony.secrets import fill_secrets
from voicewright.agent import AgentTarget, MediaStreamTarget, without_query

FRAME_SAMPLES = g711.RATE_HZ * FRAME_MS // 1000
_CONNECT_S = 10.0
_SEND_S = 5.0
_MAX_BUFFER_S = 600


class MediaStreamDialler:
    """Calls agents at their WebSocket endpoints; by `control` they hang up and hand on."""

    redials = True

    def __init__(self, control: CallControl | None = None) -> None:
        self._control = control or CallControl()

    async def aclose(self) -> None:
        """Serve no agent any more."""
        await self._control.close()

    async def dial(self, target: AgentTarget, *, call_id: str, caller_id: str = "", language: str = "en") -> Line:  # noqa: ARG002
        """See `Dialler`. `call_id` becomes the SIDs, so that the agent's logs can be matched with ours."""
        assert isinstance(target, MediaStreamTarget)
        digest = hashlib.sha256(f"{call_id} {time.time_ns()}".encode()).hexdigest()[:32]
        headers = {name: fill_secrets(text, os.environ) for name, text in target.headers.items()}
        if target.auth_token is not None:
            headers["x-twilio-signature"] = _signature(target.url, fill_secrets(target.auth_token, os.environ))
        where = without_query(target.url)
        try:
            socket = await connect(
                target.url,
                additional_headers=headers,
                compression=None,
                open_timeout=_CONNECT_S,
                close_timeout=2,
                ping_interval=20,
                ping_timeout=20,
                max_size=1 << 22,
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
        line = MediaStreamLine(socket, f"MZ{digest}", f"CA{digest}", target.url)
        line.on_over = self._control.admit(f"CA{digest}", line)
        try:
            api = await self._control.url_for(target.url)
            await line.start({**({PARAMETER: api} if api is not None else {}), **target.parameters})
        except (LineDiedError, InstallationError):
            await line.hang_up()
            raise
        return line


class MediaStreamLine(PlainLine):
    """One stream. See `Line`."""

    rate_hz = g711.RATE_HZ
    sends_keys = True

    def __init__(self, socket: ClientConnection, stream_sid: str, call_sid: str, agent_url: str) -> None:
        super().__init__()
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
        self._replies: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Task[None] | None = None
        self.messages_ignored = 0

    @property
    def hung_up(self) -> str | None:
        """See `Line`. What the agent had sent before it hung up is played to the end first, as a telephone would."""
        return self._ended if self._playback.empty else None

    async def start(self, parameters: Mapping[str, str]) -> None:
        """Send `connected` and `start`, and begin to listen."""
        await self._send({"event": "connected", "protocol": "Call", "version": "1.0.0"}, numbered=False)
        await self._send(
            {
                "event": "start",
                "start": {
                    "accountSid": "AC" + "0" * 32,
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
        await self._send(
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

    def heard(self, began_s: float, samples: int) -> Samples | None:
        """See `Line`."""
        return self._playback.laid_out(began_s, samples)

    async def press(self, key: str) -> None:
        """See `Line`: Twilio reports a caller's key as one `dtmf` message."""
        dtmf = {"track": "inbound_track", "digit": key}
        await self._send({"event": "dtmf", "dtmf": dtmf, "streamSid": self._stream_sid})

    async def agent_ends(self) -> None:
        """See `Controlled`: as with Twilio, what was not played yet is not heard any more."""
        await self._leave("the agent hung up")

    async def agent_hands_on(self, where: str) -> None:
        """See `Controlled`: with its TwiML changed, a call has no stream any more."""
        self._events.append(LineEvent(LineEventKind.TRANSFER, where, time.monotonic()))
        await self._leave(f"the agent handed the call on to {where}")

    async def _leave(self, reason: str) -> None:
        self._playback.clear(time.monotonic())
        await self._stop()
        self._ended = self._ended or reason
        await self._socket.close()

    async def _stop(self) -> None:
        if self._ended is None and self._broken is None:
            try:
                stop = {"accountSid": "AC" + "0" * 32, "callSid": self._call_sid}
                await self._send({"event": "stop", "stop": stop, "streamSid": self._stream_sid})
            except LineDiedError:
                pass  # it is over either way

    async def hang_up(self) -> None:
        """See `Line`: `stop`, then close."""
        self.on_over()
        await self._stop()
        await self._socket.close()
        if self._listener is not None:
            await asyncio.gather(self._listener, *self._replies, return_exceptions=True)

    async def _send(self, message: dict[str, Any], *, numbered: bool = True) -> None:
        if self._broken is not None:
            raise LineDiedError(self._broken)
        if self._ended is not None:
            return  # the agent has hung up: the rest of the frame goes nowhere, as on a telephone
        if numbered:
            self._sequence += 1
            message["sequenceNumber"] = str(self._sequence)
        try:
            async with asyncio.timeout(_SEND_S):
                await self._socket.send(json.dumps(message))
        except TimeoutError:
            self._broken = f"the agent stopped reading: {_SEND_S:g} s of audio could not be sent"
            raise LineDiedError(self._broken) from None
        except ConnectionClosed as error:
            self._closed(error)
            if self._broken is not None:
                raise LineDiedError(self._broken) from None

    async def _listen(self) -> None:
        try:
            async for raw in self._socket:
                self._take(raw)
            self._ended = self._ended or f"the agent closed the stream (code {self._socket.close_code})"
        except ConnectionClosed as error:
            self._closed(error)

    def _closed(self, error: ConnectionClosed) -> None:
        """A close frame is a hang-up; a connection that ends without one has died."""
        if isinstance(error, ConnectionClosedError) and error.rcvd is None:
            self._broken = self._broken or "the connection to the agent broke without a goodbye"
        elif self._ended is None:
            code = error.rcvd.code if error.rcvd is not None else 1000
            self._ended = f"the agent closed the stream (code {code})"

    def _take(self, raw: str | bytes) -> None:
        try:
            message = json.loads(raw)
            event = message["event"]
            if event == "media":
                payload = base64.b64decode(message["media"]["payload"], validate=True)
                if self._playback.waiting + len(payload) <= _MAX_BUFFER_S * g711.RATE_HZ:
                    self._playback.put(time.monotonic(), g711.decode(payload))
            elif event == "mark":
                name = str(message["mark"]["name"])
                self._playback.mark(lambda: self._return_mark(name))
            elif event == "clear":
                for reached in self._playback.clear(time.monotonic()):
                    reached()
            else:
                self.messages_ignored += 1
        except (ValueError, KeyError, TypeError, binascii.Error):
            self.messages_ignored += 1  # Twilio drops what it does not understand

    def _return_mark(self, name: str) -> None:
        message = {"event": "mark", "mark": {"name": name}, "streamSid": self._stream_sid}

        async def reply() -> None:
            try:
                await self._send(message)
            except LineDiedError:
                return  # the next frame finds the broken line and says so

        task = asyncio.create_task(reply())
        self._replies.add(task)
        task.add_done_callback(self._replies.discard)


def _signature(url: str, auth_token: str) -> str:
    """X-Twilio-Signature of a WebSocket handshake: base64 of HMAC-SHA1 over the URL (Twilio, "Webhooks security")."""
    return base64.b64encode(hmac.new(auth_token.encode(), url.encode(), hashlib.sha1).digest()).decode()

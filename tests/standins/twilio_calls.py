"""Calls of the Twilio stand-in, and what it sends to the client over the tunnel: callbacks and handshakes."""

import asyncio
import contextlib
import http.client
import math
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Protocol
from urllib.parse import urlencode, urlsplit

from standins.twilio_agent import Agent, CallLeg
from standins.twilio_media import Tape, TwimlError
from twilio.request_validator import RequestValidator
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus

API_VERSION = "2010-04-01"
EVENTS = ("initiated", "ringing", "answered", "completed")
FINAL = {"completed", "busy", "failed", "no-answer", "canceled"}
HTTP_TIMEOUT_S = 5.0
OK = range(200, 300)


def sid(prefix: str) -> str:
    return prefix + secrets.token_hex(16)


def stamp(when: datetime | None) -> str | None:
    """RFC 2822."""
    return None if when is None else format_datetime(when)


@dataclass(frozen=True)
class Alert:
    """What the console's debugger would show."""

    code: int
    call_sid: str
    message: str


@dataclass
class Callback:
    kind: str
    """An event of the call (`initiated` to `completed`), or "twiml", "amd", "recording", "stream-started" etc."""
    url: str
    method: str
    params: dict[str, str]
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    status: int | None = None
    """Of the client's answer; None: none came."""
    body: bytes = b""


@dataclass
class Recording:
    sid: str
    channels: int
    started: datetime
    status: str = "in-progress"
    deleted: bool = False


@dataclass
class Call:
    sid: str
    account_sid: str
    to: str
    from_: str
    params: Mapping[str, str]
    """As asked for; `events` beside it, as that parameter repeats."""
    events: tuple[str, ...]
    created: datetime
    status: str = "queued"
    updated: datetime | None = None
    started: datetime | None = None
    answered: datetime | None = None
    ended: datetime | None = None
    answered_by: str | None = None
    callbacks: list[Callback] = field(default_factory=list)
    """In the order of their sending."""
    streams: list[str] = field(default_factory=list)
    tape: Tape = field(default_factory=Tape)
    recording: Recording | None = None
    agent: Agent | None = None
    over: threading.Event = field(default_factory=threading.Event)
    """Set when the call has ended and its last status callback has been answered."""

    @property
    def duration(self) -> int | None:
        """Whole seconds of an answered call, begun ones included."""
        if self.answered is None or self.ended is None:
            return None
        return math.ceil((self.ended - self.answered).total_seconds())

    def sent(self, kind: str) -> list[Callback]:
        return [callback for callback in self.callbacks if callback.kind == kind]


class Cloud(Protocol):
    """The knobs, see `TwilioCloud`."""

    account_sid: str
    auth_token: str
    public: dict[str, str]
    outcome: dict[str, str]
    make_agent: Callable[[CallLeg], Agent]
    ring_s: float
    amd_s: float
    recording_ready_after_s: float
    drop_socket_after_s: float | None
    callbacks: str
    forge_signature: bool
    omit_token: bool
    alerts: list[Alert]


class UnreachableError(Exception):
    """No tunnel leads there."""


class _Connect(connect):
    """Follows no redirect: to Twilio that is a failed handshake."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


class Tunnel:
    """From public addresses to the client's local ones, and the signatures over the public ones."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def signature(self, url: str, params: Mapping[str, str]) -> str:
        token = self._cloud.auth_token
        signed_with = "not " + token if self._cloud.forge_signature else token
        return str(RequestValidator(signed_with).compute_signature(url, params))

    def local(self, url: str) -> tuple[str, int]:
        parts = urlsplit(url)
        scheme = {"wss": "https"}.get(parts.scheme, parts.scheme)
        origin = f"{scheme}://{parts.netloc}".lower().removesuffix(":443")
        if origin not in self._cloud.public:
            raise UnreachableError(url)
        target = urlsplit(self._cloud.public[origin])
        return target.hostname or "", target.port or 80

    def request(self, callback: Callback) -> None:
        """Blocks; fills in what the client answered."""
        url, form = callback.url.partition("#")[0], urlencode(callback.params)
        headers = {"Host": urlsplit(url).netloc, "User-Agent": "TwilioProxy/1.1", "Accept": "*/*"}
        headers |= {"I-Twilio-Idempotency-Token": callback.token, "X-Forwarded-Proto": urlsplit(url).scheme}
        if callback.method == "GET":
            url, form = f"{url}{'&' if urlsplit(url).query else '?'}{form}", ""
            headers["X-Twilio-Signature"] = self.signature(url, {})
        else:
            headers["X-Twilio-Signature"] = self.signature(url, callback.params)
            headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
        path = url.split("/", 3)[3] if url.count("/") > 2 else ""
        with contextlib.suppress(UnreachableError, OSError, http.client.HTTPException):
            host, port = self.local(url)
            with contextlib.closing(http.client.HTTPConnection(host, port, timeout=HTTP_TIMEOUT_S)) as connection:
                connection.request(callback.method, f"/{path}", form or None, headers)
                answer = connection.getresponse()
                callback.body = answer.read()
                callback.status = answer.status

    async def open(self, url: str) -> ClientConnection:
        """A WebSocket, by the headers of Twilio's handshake.

        Raises:
            TwimlError: none came about.
        """
        headers = {"X-Twilio-Signature": self.signature(url, {}), "X-Forwarded-Proto": "https"}
        try:
            host, port = self.local(url)
            return await _Connect(
                "ws" + url.removeprefix("wss"),
                host=host,
                port=port,
                additional_headers=headers,
                user_agent_header="Twilio.TmeWs/1.0",
                compression=None,
                proxy=None,
                open_timeout=HTTP_TIMEOUT_S,
                close_timeout=1,
                ping_interval=None,
            )
        except (UnreachableError, TimeoutError):
            raise TwimlError(31901, f"Stream - WebSocket - Connection Timeout: {url}") from None
        except InvalidStatus as error:
            status = error.response.status_code
            raise TwimlError(31920, f"Stream - WebSocket - Handshake Error: {url} answered {status}") from None
        except InvalidHandshake as error:
            raise TwimlError(31920, f"Stream - WebSocket - Handshake Error: {url}: {error}") from None
        except OSError:
            raise TwimlError(31902, f"Stream - WebSocket - Connection Refused: {url}") from None


class Postman:
    """Takes one call's callbacks to the client, one after the other."""

    def __init__(self, cloud: Cloud, tunnel: Tunnel, call: Call) -> None:
        self._cloud, self._tunnel, self._call = cloud, tunnel, call
        self._queue: asyncio.Queue[Callback | None] = asyncio.Queue()
        self._held: Callback | None = None
        self._sequence = 0

    def status(self, event: str) -> None:
        """If the client asked for this event."""
        call = self._call
        if "StatusCallback" not in call.params or event not in call.events:
            return
        params = {**self.about(), "Timestamp": str(stamp(datetime.now(UTC)))}
        params |= {"CallbackSource": "call-progress-events", "SequenceNumber": str(self._sequence)}
        self._sequence += 1
        if event == "completed":
            params["CallDuration"] = str(call.duration or 0)
        if call.answered_by:
            params["AnsweredBy"] = call.answered_by
        method = call.params.get("StatusCallbackMethod", "POST")
        callback = Callback(event, call.params["StatusCallback"], method, params)
        if self._cloud.callbacks != "out_of_order":
            self._queue.put_nowait(callback)
        elif self._held is None and event != "completed":
            self._held = callback
        else:
            self._queue.put_nowait(callback)
            self._let_go()
        if self._cloud.callbacks == "twice":
            self._queue.put_nowait(Callback(event, callback.url, method, params, callback.token))

    def about(self) -> dict[str, str]:
        call = self._call
        ids = {"CallSid": call.sid, "AccountSid": call.account_sid, "ApiVersion": API_VERSION}
        ends = {"From": call.from_, "Caller": call.from_, "To": call.to, "Called": call.to}
        return {**ids, **ends, "CallStatus": call.status, "Direction": "outbound-api"}

    def other(self, kind: str, url: str | None, method: str, **params: str) -> None:
        if url:
            ids = {"AccountSid": self._call.account_sid, "CallSid": self._call.sid}
            self._queue.put_nowait(Callback(kind, url, method, {**ids, **params}))

    def _let_go(self) -> None:
        if self._held is not None:
            self._queue.put_nowait(self._held)
            self._held = None

    def close(self) -> None:
        self._let_go()
        self._queue.put_nowait(None)

    async def work(self) -> None:
        """Until it is closed."""
        while (callback := await self._queue.get()) is not None:
            await self.deliver(callback)

    async def deliver(self, callback: Callback) -> None:
        self._call.callbacks.append(callback)
        await asyncio.to_thread(self._tunnel.request, callback)
        if callback.status not in OK:
            answered = "no answer" if callback.status is None else f"HTTP {callback.status}"
            message = f"HTTP retrieval failure: {callback.kind} to {callback.url}: {answered}"
            self._cloud.alerts.append(Alert(11200, self._call.sid, message))

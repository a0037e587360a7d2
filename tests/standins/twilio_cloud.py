"""Stands in for Twilio on 127.0.0.1: outbound calls of one account, their Media Streams, callbacks and recordings.

The REST API answers at `origin`. It is real at the wire: a client that stands on Twilio's documentation cannot tell it
from the vendor but for the address. What Twilio would refuse is refused, what it would only log is in `alerts`.
"""

import asyncio
import base64
import threading
import time
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from standins.twilio_agent import Agent, CallLeg, Mute, Parrot, wav
from standins.twilio_calls import API_VERSION, Alert, Call, Recording, sid
from standins.twilio_progress import Progress
from standins.twilio_rest import (
    Answer,
    RefusedError,
    call_filter,
    call_json,
    check_update,
    new_call,
    not_found,
    page,
    recording_json,
    shown,
    too_many,
    wrong_events,
)
from standins.wire import Standin, WireHandler

__all__ = ["Agent", "Alert", "CallLeg", "Parrot", "Request", "TwilioCloud"]

ALIVE = {"queued", "initiated", "ringing", "in-progress"}


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    status: int | None
    """None: carried out, but the line was cut before the answer."""
    code: int | None = None
    """Twilio's, of the error."""


class TwilioCloud(Standin):
    """`public` is the tunnel: {"https://voice.test": "http://127.0.0.1:4000"}; elsewhere nothing can be reached.

    `agent` makes the callee's side of each answered call: a `Parrot`, say, by `partial(Parrot, greeting=audio)`. It is
    asked for its frames in the stand-in's own thread. Its time begins with the stream. All knobs may be turned while
    calls are on.
    """

    def __init__(
        self,
        *,
        public: Mapping[str, str],
        numbers: Collection[str] = ("+15005550006",),
        agent: Callable[[CallLeg], Agent] = Mute,
        outcome: Mapping[str, str] | None = None,
        account_sid: str = "AC" + "0123456789abcdef" * 2,
        auth_token: str = "token",  # noqa: S107 - a stand-in's password
        api_keys: Mapping[str, str] | None = None,
    ) -> None:
        self.public, self.numbers, self.make_agent = dict(public), set(numbers), agent
        self.account_sid, self.auth_token = account_sid, auth_token
        self.api_keys = {"SK" + "fedcba9876543210" * 2: "key-secret"} if api_keys is None else dict(api_keys)
        self.outcome = dict(outcome or {})
        """Of a call to this number: "answer", "busy", "no-answer", "failed" or "machine"."""
        self.ring_s = 0.05
        self.amd_s = 0.1
        """Answering machine detection takes this long."""
        self.recording_ready_after_s = 0.1
        self.calls_per_second: float | None = None
        self.max_concurrent_calls: int | None = None
        self.fail_next_create: str | None = None
        """Once: "500_before", "429" (no call is made), "500_after" or "timeout_after" (it is; its line is cut)."""
        self.hang_s = 0.0
        """Before the line is cut."""
        self.callbacks = "normal"
        """Or "out_of_order" (every other one after its successor), or "twice". For those about a call's status."""
        self.forge_signature = False
        """Callbacks and handshakes are signed with another token."""
        self.drop_socket_after_s: float | None = None
        """Streams end then, without a close frame."""
        self.omit_token = False
        """Streams start without custom parameters."""
        self.calls: dict[str, Call] = {}
        self.requests: list[Request] = []
        self.alerts: list[Alert] = []
        self.crashes: list[BaseException] = []
        """Of agents, mostly; the first is raised at the end."""
        self._progress: dict[str, Progress] = {}
        self._created: list[float] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = _Loop()
        super().__init__(_Handler)

    def __enter__(self) -> Self:
        self._loop.start()
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self._loop.stop()
        if self.crashes and error[0] is None:
            raise self.crashes[0]

    @property
    def live(self) -> int:
        return sum(call.status == "in-progress" for call in list(self.calls.values()))

    def answer(self, method: str, target: str, authorization: str | None, body: bytes) -> Answer | None:
        """None: the line dies."""
        answer, cut = self._loop.run(self._answer(method, target, authorization, body))
        if cut:
            self._server.stopping.wait(self.hang_s)
        path = urlsplit(target).path
        self.requests.append(Request(method, path, None if cut else answer.status, answer.code))
        return None if cut else answer

    async def _answer(self, method: str, target: str, authorization: str | None, body: bytes) -> tuple[Answer, bool]:
        """The answer, and whether it gets lost. On the loop of the calls, so that nothing changes meanwhile."""
        fault = self.fail_next_create
        try:
            self._admit(authorization)
            answer = self._route(method, target, parse_qsl(body.decode(errors="replace")))
        except RefusedError as refused:
            answer = refused.answer
        headers = {"Twilio-Request-Id": sid("RQ"), **answer.headers}
        cut = answer.status == HTTPStatus.CREATED and fault == "timeout_after"
        return Answer(answer.status, answer.body, headers, answer.code), cut

    def _route(self, method: str, target: str, form: list[tuple[str, str]]) -> Answer:
        path, query = urlsplit(target).path, dict(parse_qsl(urlsplit(target).query))
        match self._split(path):
            case ["Calls.json"] if method == "POST":
                return self._create(form)
            case ["Calls.json"] if method == "GET":
                fits = call_filter(query)
                newest = [call_json(call) for call in reversed(self.calls.values()) if fits(call)]
                return page("calls", path, query, newest)
            case ["Calls", name] if name.endswith(".json") and method in {"GET", "POST"}:
                return self._call(method, path, name.removesuffix(".json"), dict(form))
            case ["Calls", call_sid, "Recordings.json"] if method == "GET":
                return page("recordings", path, query, self._recordings(call_sid, path))
            case ["Recordings", name] if method in {"GET", "DELETE"}:
                return self._recording(method, path, name, query)
            case ["Calls.json"] | ["Calls", _] | ["Calls", _, "Recordings.json"] | ["Recordings", _]:
                raise RefusedError(405, 20004, f"Method not allowed: {method}")
        raise not_found(path)

    def _admit(self, authorization: str | None) -> None:
        known = {self.account_sid: self.auth_token, **self.api_keys}
        tokens = {"Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode() for name, secret in known.items()}
        if authorization not in tokens:
            raise RefusedError(401, 20003, "Authenticate", {"WWW-Authenticate": 'Basic realm="Twilio API"'})

    def _split(self, path: str) -> list[str]:
        """What is asked for of the account."""
        match path.strip("/").split("/"):
            case [version, "Accounts", account_sid, *rest] if (version, account_sid) == (API_VERSION, self.account_sid):
                return rest
        return []

    def _create(self, form: list[tuple[str, str]]) -> Answer:
        fault, self.fail_next_create = self.fail_next_create, None
        if fault == "500_before":
            raise RefusedError(500, 20500, "Internal Server Error")
        if fault == "429":
            raise too_many()
        now = time.monotonic()
        self._created = [when for when in self._created if when > now - 1]
        if self.calls_per_second is not None and len(self._created) >= self.calls_per_second:
            raise too_many()
        call = new_call(self.account_sid, self.numbers, form)
        alive = sum(other.status in ALIVE for other in self.calls.values())
        if self.max_concurrent_calls is not None and alive >= self.max_concurrent_calls:
            raise too_many("Call concurrency limit exceeded", 10004)
        self._created.append(now)
        if wrong := wrong_events(call):
            self.alerts.append(Alert(21626, call.sid, f"Invalid StatusCallbackEvent: {wrong}"))
            call.events = ()
        self.calls[call.sid] = call
        answer = shown(201, call_json(call))
        self._progress[call.sid] = Progress(self, call)
        task = asyncio.create_task(self._progress[call.sid].run())
        self._tasks.add(task)
        task.add_done_callback(self._done)
        if fault == "500_after":
            raise RefusedError(500, 20500, "Internal Server Error")
        return answer

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (crash := task.exception()) is not None:
            self.crashes.append(crash)

    def _call(self, method: str, path: str, call_sid: str, asked: Mapping[str, str]) -> Answer:
        if call_sid not in self.calls:
            raise not_found(path)
        call = self.calls[call_sid]
        if method == "POST":
            check_update(call, asked)
            if asked.get("Status") == "completed" or (asked.get("Status") and call.status != "in-progress"):
                self._progress[call_sid].hang_up()
            elif "Status" not in asked:
                self._progress[call_sid].redirect(asked)
        return shown(200, call_json(call))

    def _recordings(self, call_sid: str, path: str) -> list[dict[str, Any]]:
        if call_sid not in self.calls:
            raise not_found(path)
        call = self.calls[call_sid]
        return [recording_json(call, call.recording)] if call.recording and not call.recording.deleted else []

    def _recording(self, method: str, path: str, name: str, query: Mapping[str, str]) -> Answer:
        recording_sid, _, kind = name.partition(".")
        call, recording = self._find_recording(recording_sid, path)
        if method == "DELETE":
            recording.deleted = True
            return Answer(204)
        if kind == "json":
            return shown(200, recording_json(call, recording))
        if kind not in {"", "wav"} or recording.status != "completed":
            raise not_found(path)
        channels = {"1": 1, "2": 2}.get(query.get("RequestedChannels", ""), recording.channels)
        # The callee's leg is the call's own, so what it says comes first.
        media = wav(bytes(call.tape.said), bytes(call.tape.heard), channels)
        return Answer(200, media, {"Content-Type": "audio/x-wav"})

    def _find_recording(self, recording_sid: str, path: str) -> tuple[Call, Recording]:
        for call in self.calls.values():
            if call.recording and call.recording.sid == recording_sid and not call.recording.deleted:
                return call, call.recording
        raise not_found(path)


class _Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()

    def run(self, work: Coroutine[Any, Any, tuple[Answer, bool]]) -> tuple[Answer, bool]:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def stop(self) -> None:
        """Whatever runs on it is cancelled."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._ready.set()
        await self._stop.wait()


class _Handler(WireHandler):
    methods = ("GET", "POST", "DELETE", "PUT", "PATCH")

    def respond(self) -> None:
        answer = self.server.api.answer(self.command, self.path, self.headers["Authorization"], self.body())
        self.send_or_cut(answer)

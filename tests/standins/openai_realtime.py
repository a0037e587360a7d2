"""Stands in for OpenAI's Realtime API on 127.0.0.1: the server's side of its WebSocket, in the shape of 2025's GA."""

import asyncio
import contextlib
import http
import json
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
from standins.loop_thread import LoopStandin
from standins.realtime_conversation import Conversation
from standins.realtime_items import Truncation
from standins.realtime_response import Call, Speech
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request
from websockets.http11 import Response as HttpResponse

Json = dict[str, Any]
Answers = Sequence[Speech | Call] | Callable[[int, np.ndarray], Speech | Call]
PATH = "/v1/realtime"
MODELS = frozenset(f"gpt-realtime{version}" for version in ("", "-mini", "-1.5", "-2", "-2.1", "-2.1-mini"))


@dataclass(frozen=True)
class Refusal:
    """Of a connection: at the handshake, or as the vendor does of late, by an error event and a close."""

    status: int
    close_code: int
    code: str | None
    message: str

    @property
    def error(self) -> Json:
        return {"type": "invalid_request_error", "code": self.code, "message": self.message, "param": None}


class OpenAiRealtime(LoopStandin):
    """`answers` is what the model says turn by turn, or decides it from the turn's number and what it heard.

    A list's last answer is repeated. What it heard comes at the rate of the session's input, empty for a
    `response.create` that nobody spoke before.
    """

    def __init__(
        self,
        answers: Answers,
        *,
        greeting: Speech | None = None,
        key: str = "sk-right",
        models: Collection[str] = MODELS,
        delay_ms: float = 600,
        pace: float = 5,
    ) -> None:
        super().__init__()
        self.answers, self.greeting = answers, greeting
        self.key, self.models = key, models
        self.delay_ms = delay_ms
        """From the caller's last loud sample to the answer's first piece; no sooner than the silence is noticed."""
        self.pace = pace
        """How many times as fast as it sounds the audio is sent."""
        self.transcribe: Callable[[np.ndarray], str] = lambda _: ""
        """What the model for transcriptions makes of the caller, where the session asks for that."""
        self.refuse_late = False
        """Refuses after the handshake, with an error event and close code 3000 or 4000, as recorded in 2026."""
        self.refuse_status: int | None = None
        self.error_event: Json | None = None
        """The error that is sent for every response instead of making it."""
        self.drop_after_s: float | None = None
        self.silent = False
        """Hears, and makes no response."""
        self.rate_limit = False
        """Every response fails at once with rate_limit_exceeded."""
        self.sessions: list[Conversation] = []
        self.events: list[Json] = []
        """Of all clients; of appended audio, `audio_bytes` alone."""
        self.errors: list[Json] = []
        """What clients were told that they did wrong."""
        self.truncations: list[Truncation] = []

    @property
    def origin(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The SDK's `websocket_base_url`."""
        return f"{self.origin}/v1"

    def answer(self, turn: int, heard: np.ndarray) -> Speech | Call:
        if callable(self.answers):
            return self.answers(turn, heard)
        return self.answers[min(turn, len(self.answers) - 1)]

    def serving(self) -> AbstractAsyncContextManager[int]:
        return self._serving()

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[int]:
        async with serve(
            self._hold, "127.0.0.1", 0, process_request=self._shake_hands, max_size=2**25, close_timeout=0.5
        ) as server:
            yield next(iter(server.sockets)).getsockname()[1]

    def _shake_hands(self, socket: ServerConnection, request: Request) -> HttpResponse | None:
        if self.refuse_status is not None:
            status = self.refuse_status
            response = _json(socket, status, {"type": "server_error", "code": None, "message": "told to refuse"})
            if status == http.HTTPStatus.TOO_MANY_REQUESTS:
                response.headers["Retry-After"] = "1"
            return response
        if urlsplit(request.path).path != PATH:
            return _json(socket, 404, Refusal(404, 0, None, f"Invalid URL (GET {request.path})").error)
        refusal = self._refusal(request)
        if refusal is not None and not self.refuse_late:
            return _json(socket, refusal.status, refusal.error)
        return None

    def _refusal(self, request: Request) -> Refusal | None:
        authorization = request.headers.get("Authorization")
        if authorization is None:
            return Refusal(401, 3000, None, "Missing bearer or basic authentication in header")
        if authorization != f"Bearer {self.key}":
            return Refusal(401, 3000, "invalid_api_key", "Incorrect API key provided.")
        if request.headers.get("OpenAI-Beta") is not None:
            return Refusal(400, 4000, "beta_api_shape_disabled", "The beta shape of the Realtime API is gone.")
        model = parse_qs(urlsplit(request.path).query).get("model", [""])[0]
        if not model:
            return Refusal(400, 4000, "missing_model", "You must provide a model parameter.")
        if model not in self.models:
            return Refusal(400, 4000, "invalid_model", f'Model "{model}" is not supported in realtime mode.')
        return None

    async def _hold(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        if (refusal := self._refusal(socket.request)) is not None:
            error = {**refusal.error, "event_id": None}
            await socket.send(json.dumps({"type": "error", "event_id": "event_1", "error": error}))
            reason = ".".join(filter(None, [error["type"], refusal.code]))
            await socket.close(refusal.close_code, reason)
            return
        model = parse_qs(urlsplit(socket.request.path).query)["model"][0]
        conversation = Conversation(self, socket, model, len(self.sessions))
        self.sessions.append(conversation)
        drop = asyncio.create_task(self._drop(socket))
        try:
            with contextlib.suppress(ConnectionClosed):
                await conversation.hold()
        finally:
            drop.cancel()

    async def _drop(self, socket: ServerConnection) -> None:
        if self.drop_after_s is not None:
            await asyncio.sleep(self.drop_after_s)
            socket.transport.abort()


def _json(socket: ServerConnection, status: int, error: Json) -> HttpResponse:
    response = socket.respond(status, json.dumps({"error": error}))
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = "application/json"
    return response

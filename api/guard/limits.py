"""How much the web app takes from outside: bytes of a body, bodies at once, seconds for a request to arrive.

A limit is checked before anything is read: a body that announces too much is refused by its Content-Length, one that
announces nothing is counted as it arrives.
"""

import asyncio

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from api.guard.problems import problem

MAX_CONNECTIONS = 500
"""uvicorn answers 503 beyond these. Half of them may follow a run live, see `api/running/live.py`."""
ARRIVAL_S = 20.0
"""A request whose head or body takes longer to arrive than this is given up."""
_MAX_BODY = 64 * 1024
_MAX_BODY_OF = {
    "/webhooks/": 5 * 1024 * 1024,
    "/api/v1/suites": 4_200_000,
    "/suites": 12_500_000,
    "/codec/": 6 * 1024 * 1024,
}
"""A suite has 4 MB at most; a form takes three times as many bytes for the same text. Temporal takes 4 MB in a
message, of which base64 makes a third more."""
_BODIES_AT_ONCE = 16
_WITHOUT_BODY = {"GET", "HEAD", "OPTIONS"}


class BodyLimit:
    """ASGI middleware: 413 for a body that is too large, 408 for one that does not arrive, 429 for too many at once."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._reading = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the request's body on its way to the app."""
        if scope["type"] != "http" or scope["method"] in _WITHOUT_BODY:
            await self._app(scope, receive, send)
            return
        limit = next((size for path, size in _MAX_BODY_OF.items() if scope["path"].startswith(path)), _MAX_BODY)
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or len(announced) > len(str(limit)) or int(announced) > limit:
            await problem(413, _too_large(limit))(scope, receive, send)
            return
        if self._reading >= _BODIES_AT_ONCE:
            refusal = f"{_BODIES_AT_ONCE} requests are being read already: send this one again in a second"
            await problem(429, refusal, {"Retry-After": "1"})(scope, receive, send)
            return
        self._reading += 1
        try:
            await self._app(scope, _counted(receive, limit), send)
        finally:
            self._reading -= 1


def _counted(receive: Receive, limit: int) -> Receive:
    """`receive` that ends the request, not the process, when too much arrives or nothing does."""
    seen = 0
    whole = False
    deadline = asyncio.get_running_loop().time() + ARRIVAL_S

    async def counted() -> Message:
        nonlocal seen, whole
        try:
            async with asyncio.timeout_at(None if whole else deadline):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, f"the body did not arrive within {ARRIVAL_S:.0f} s") from None
        seen += len(message.get("body", b""))
        whole = not message.get("more_body", False)
        if seen > limit:
            raise HTTPException(413, _too_large(limit))
        return message

    return counted


def _too_large(limit: int) -> str:
    return f"the body is larger than the {limit} bytes that are taken here"


class PunctualProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 that closes a connection whose request head does not arrive in time."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock: a connection that says nothing is closed as well."""
        super().connection_made(transport)
        self._late = self.loop.call_later(ARRIVAL_S, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Stop the clock once a head is whole; start it at the next one's first byte."""
        super().data_received(data)
        cycle: RequestResponseCycle | None = self.cycle
        waiting = cycle is None or cycle.response_complete
        if self._late is not None and not waiting:
            self._late.cancel()
            self._late = None
        elif self._late is None and waiting:
            self._late = self.loop.call_later(ARRIVAL_S, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is left to be late."""
        if self._late is not None:
            self._late.cancel()
        super().connection_lost(exc)

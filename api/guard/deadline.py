"""How long the web app takes to answer: a store or a worker that hangs ends in a 503 that says so, not in silence."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.guard.limits import ARRIVAL_S
from api.guard.problems import problem

ANSWER_S = 20.0
"""From the moment that a request is there as a whole to the first byte of its answer."""
_WITHOUT_BODY = {"GET", "HEAD", "OPTIONS"}


class Deadline:
    """ASGI middleware: 503 for a request that is not answered in time. An answer that has begun is not cut."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Give the request its time."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        time = asyncio.timeout(ANSWER_S if scope["method"] in _WITHOUT_BODY else ARRIVAL_S + ANSWER_S)

        async def heard() -> Message:
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body", False) and time.when() is not None:
                time.reschedule(loop.time() + ANSWER_S)
            return message

        async def said(message: Message) -> None:
            if time.when() is not None and not time.expired():
                time.reschedule(None)
            await send(message)

        try:
            async with time:
                await self._app(scope, heard, said)
        except TimeoutError:
            if not time.expired():
                raise
            detail = (
                f"not answered within {ANSWER_S:.0f} s: Temporal, a worker or the object store hangs; /healthz tells"
            )
            await problem(503, detail, {"Retry-After": "5"})(scope, receive, send)

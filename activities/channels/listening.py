"""How a calls worker serves HTTP to those who call it back."""

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from activities.errors import InstallationError

MAX_AT_ONCE = 200
"""Requests that are carried out at the same time; those beyond it are told to come back."""
REQUEST_S = 20.0
"""A request that is not a WebSocket is over by then, whoever dawdles."""


async def listening(app: web.Application, listen: str, *, to: str, setting: str) -> web.AppRunner:
    """Serve `app` on `listen`, host:port; the caller cleans the runner up.

    Raises:
        InstallationError: the port is taken: `to` says for whom it was, `setting` where to change it.
    """
    host, _, port = listen.rpartition(":")
    app.middlewares.append(_bounded())
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, host or "127.0.0.1", int(port)).start()
    except OSError as error:
        await runner.cleanup()
        raise InstallationError(f"cannot listen for {to} on {listen} ({error.strerror}): set {setting}") from None
    return runner


def _bounded() -> Middleware:
    """Few enough requests at once, and none for ever."""
    running = 0

    @web.middleware
    async def bounded(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal running
        if request.method == "GET" and request.headers.get("Upgrade", "").lower() == "websocket":
            return await handler(request)  # a call, which was announced and lasts
        if running >= MAX_AT_ONCE:
            return web.Response(status=429, text="too many requests at once\n", headers={"Retry-After": "1"})
        running += 1
        try:
            async with asyncio.timeout(REQUEST_S):
                return await handler(request)
        except TimeoutError:
            return web.Response(status=408, text="the request took too long\n")
        finally:
            running -= 1

    return bounded

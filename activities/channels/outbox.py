"""What a line sends, in order, without a frame ever waiting for the far end to read."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

PATIENCE_S = 5.0
"""A far end that reads nothing for so long is broken."""


class Outbox:
    """Messages on their way. A far end that stops reading holds up nothing but them.

    Args:
        send: sends one message, and may wait for as long as the far end does not read.
        on_error: told of what `send` raised; nothing is sent after it.
    """

    def __init__(self, send: Callable[[str], Awaitable[None]], on_error: Callable[[Exception], None]) -> None:
        self._send = send
        self._on_error = on_error
        self._waiting: deque[tuple[float, str]] = deque()
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._failed = False
        self._pump = asyncio.create_task(self._run())

    def put(self, message: str) -> None:
        """Send it after all that waits."""
        if not self._failed:
            self._waiting.append((time.monotonic(), message))
            self._idle.clear()
            self._news.set()

    @property
    def stuck(self) -> bool:
        """Whether the far end has read nothing for too long."""
        return bool(self._waiting) and time.monotonic() - self._waiting[0][0] > PATIENCE_S

    async def flush(self, within_s: float) -> None:
        """Wait until all is sent, or no longer than that."""
        try:
            async with asyncio.timeout(within_s):
                await self._idle.wait()
        except TimeoutError:
            return

    async def close(self) -> None:
        """Send nothing more."""
        self._failed = True
        self._pump.cancel()
        await asyncio.gather(self._pump, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            while not self._waiting:
                self._idle.set()
                self._news.clear()
                await self._news.wait()
            try:
                await self._send(self._waiting[0][1])
            except Exception as error:  # noqa: BLE001 - the line knows what its connection raises
                self._failed = True
                self._waiting.clear()
                self._idle.set()
                self._on_error(error)
                return
            self._waiting.popleft()

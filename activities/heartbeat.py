"""Heartbeats of long work, so that Temporal notices a dead worker in seconds and can cancel a living one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from temporalio import activity

EVERY_S = 1.0


@asynccontextmanager
async def heartbeats(progress: Callable[[], str]) -> AsyncIterator[None]:
    """Report `progress()` every second while the body runs."""

    async def beat() -> None:
        while True:
            activity.heartbeat(progress())
            await asyncio.sleep(EVERY_S)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

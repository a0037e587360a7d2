"""Work that a cancellation must not cut off: what was measured is recorded and reported all the same."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def uncancellable(work: Awaitable[T]) -> tuple[T, BaseException | None]:
    """The result of `work`, awaited to its end, and the cancellation that came meanwhile, for whoever passes it on."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task), None
    except asyncio.CancelledError as late:
        return await task, late

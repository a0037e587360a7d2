"""How long tests wait for something to happen: as long as a busy machine may need, and never for a count of looks."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

PATIENCE_S = 500.0
"""Under the time limit of a whole test, so that a failure says what was waited for and what was seen last."""

T = TypeVar("T")


async def until(
    look: Callable[[], Awaitable[T]],
    come: Callable[[T], bool] = bool,
    *,
    every_s: float = 0.05,
    forgive: type[Exception] | tuple[type[Exception], ...] = (),
) -> T:
    """What `look` sees as soon as that has `come`.

    Args:
        look: Looks once. What it raises ends the test, except what is to be forgiven.
        come: Whether what was seen is what the test waits for; by default, whether it is true.
        every_s: How long to rest between two looks, in seconds.
        forgive: What a look may raise while the thing looked at is being killed or started.
    """
    deadline = time.monotonic() + PATIENCE_S
    seen: object = None
    while time.monotonic() < deadline:
        try:
            found = await look()
        except forgive as error:
            seen = error
        else:
            if come(found):
                return found
            seen = found
        await asyncio.sleep(every_s)
    pytest.fail(f"it never came to that in {PATIENCE_S:.0f} s; seen last: {seen!r}")


async def until_true(holds: Callable[[], bool], *, every_s: float = 0.05) -> None:
    """Until something in this process holds."""

    async def look() -> bool:
        return holds()

    await until(look, every_s=every_s)

"""How long somebody else's service may keep us: every blocking call to one ends for its waiter, whatever it does.

A thread cannot be ended from outside. So the calls to a vendor have threads of their own, few and named: a service that
hangs or trickles its answers fills these, and whoever comes then is sent away at once instead of waiting in a worker's
place that somebody else needs.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from activities.errors import UnavailableError

_QUEUE_S = 1.0
_COME_AGAIN_S = 10.0
T = TypeVar("T")


class VendorThreads:
    """The threads for one vendor.

    Args:
        name: of the vendor, in messages.
        limit_s: seconds that a piece of work may take.
        at_once: how many run at the same time.
    """

    def __init__(self, name: str, *, limit_s: float, at_once: int = 8) -> None:
        self._name = name
        self._limit_s = limit_s
        self._at_once = at_once
        self._free = asyncio.Semaphore(at_once)
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix=name)

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises.

        Raises:
            UnavailableError: it took longer than the limit, and may still come through; or too many wait already.
        """
        try:
            await asyncio.wait_for(self._free.acquire(), _QUEUE_S)
        except TimeoutError:
            message = f"{self._name} is slow: {self._at_once} requests wait for it already"
            raise UnavailableError(message, retry_after_s=_COME_AGAIN_S) from None
        loop = asyncio.get_running_loop()

        def give_back(_: "Future[T]") -> None:
            with suppress(RuntimeError):  # the worker has stopped meanwhile
                loop.call_soon_threadsafe(self._free.release)

        running = self._pool.submit(work)
        running.add_done_callback(give_back)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(running), self._limit_s)
        except TimeoutError:
            message = f"{self._name} did not answer within {self._limit_s:g} s"
            raise UnavailableError(message) from None

"""A stand-in whose protocol needs an event loop: it serves from a thread with a loop of its own."""

import asyncio
import threading
from contextlib import AbstractAsyncContextManager
from typing import Self


class LoopStandin:
    """Serves while a `with` lasts; `port` is known from then on."""

    def __init__(self) -> None:
        self.port = 0
        self._listening = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run)

    def serving(self) -> AbstractAsyncContextManager[int]:
        """Listens on 127.0.0.1; gives the port."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._thread.start()
        self._listening.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None
        assert self._over is not None
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._live())
        except BaseException as error:  # noqa: BLE001 - it belongs to the thread that waits in `__enter__`
            self._failure = error
        finally:
            self._listening.set()

    async def _live(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        async with self.serving() as self.port:
            self._listening.set()
            await self._over.wait()

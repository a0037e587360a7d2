"""`python -m activities.call.host.aside`: a process that computes for a calls worker, so that the worker does not.

Python lets one thread of a process run at a time. A thread that computes, and that the system then keeps waiting on a
busy machine, keeps the thread waiting that sends the frames of all calls. What is computed here waits by itself.

Both sides send a length in four bytes and so many bytes of pickle: a function with its arguments, what it gave or
raised. The process ends with its worker, when its input does.
"""

import asyncio
import logging
import pickle
import struct
import sys
from collections.abc import Callable
from typing import Any, BinaryIO, Protocol, TypeVar

from voicewright.runtime.exit import leave
from voicewright.runtime.gc import freeze_loaded
from voicewright.runtime.priority import as_others

_LENGTH = struct.Struct(">I")
_log = logging.getLogger("calls")
T = TypeVar("T")


class Elsewhere(Protocol):
    """Where blocking work is done. `asyncio.to_thread` is one place."""

    async def __call__(self, work: Callable[..., T], /, *given: Any) -> T:  # noqa: ANN401 - as the work has them
        """What `work` gives, or what it raises."""


class Aside:
    """The worker's side. Work must be a function of a module, and all that it is given and gives be data."""

    def __init__(self) -> None:
        self._child: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def __call__(self, work: Callable[..., T], /, *given: Any) -> T:  # noqa: ANN401 - as the work has them
        """What `work` gives, computed in the other process; here, where that one dies over it.

        Raises:
            Exception: whatever `work` raises.
        """
        # Whoever gives up waiting leaves the answer to be read, or the next one would take it for its own.
        asking = asyncio.create_task(self._in_turn(pickle.dumps((work, given))))
        answer = await asyncio.shield(asking)
        if answer is None:
            return await asyncio.to_thread(work, *given)
        good, result = pickle.loads(answer)  # noqa: S301 - our own process
        if not good:
            raise result
        return result  # type: ignore[no-any-return]

    async def _in_turn(self, asked: bytes) -> bytes | None:
        """The answer; None where the process died over it."""
        async with self._turn:
            try:
                return await self._ask(asked)
            except (asyncio.IncompleteReadError, OSError) as error:
                _log.warning("the process beside the calls died (%s): its work is done here", error)
                await self._end()
                return None

    async def aclose(self) -> None:
        """End it; the next work starts another."""
        async with self._turn:
            await self._end()

    async def _ask(self, asked: bytes) -> bytes:
        if self._child is None or self._child.returncode is not None:
            command = [sys.executable, "-m", "activities.call.host.aside"]
            # In a process group of its own: what stops the worker from a terminal leaves it the calls to end.
            self._child = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, process_group=0
            )
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(_LENGTH.pack(len(asked)) + asked)
        await self._child.stdin.drain()
        (length,) = _LENGTH.unpack(await self._child.stdout.readexactly(_LENGTH.size))
        return await self._child.stdout.readexactly(length)

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        assert child.stdin is not None
        child.stdin.close()
        await child.wait()


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Do what is asked until the input ends."""
    while len(head := source.read(_LENGTH.size)) == _LENGTH.size:
        (length,) = _LENGTH.unpack(head)
        asked = source.read(length)
        try:
            work, given = pickle.loads(asked)  # noqa: S301 - from our own worker
            answer = pickle.dumps((True, work(*given)))
        except Exception as error:  # noqa: BLE001 - it is the worker's to handle
            answer = pickle.dumps((False, error))
        sink.write(_LENGTH.pack(len(answer)) + answer)
        sink.flush()


def main() -> int:
    """Serve by standard input and output; what the work prints goes to the log."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr
    with as_others():
        freeze_loaded()
        serve(source, sink)
    return 0


if __name__ == "__main__":
    leave(main())

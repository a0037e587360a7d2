"""`python -m workers QUEUE...`: one process that serves one or more queues until it is told to stop."""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from voicewright import search_attributes
from voicewright.connect import UnreachableError, connect
from voicewright.leave import leave
from voicewright.s3 import S3Store, StoreError
from voicewright.settings import Settings
from workers.build import BUILDERS, warm_up

_log = logging.getLogger("workers")
_PATIENCE_S = 60.0
_SWITCH_S = 0.0005
"""How long a busy thread keeps the interpreter. Python's 5 ms would add up, over the system calls of a few frames, to
stutter in every live call whenever a suite is parsed or a recording measured in the same process."""
_RETRY_S = 1.0
T = TypeVar("T")


def main(arguments: list[str] | None = None) -> int:
    """Parse, serve, return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m workers",
        description="Serve Voicewright's task queues. In production run one process per queue; speech wants CPU, "
        "calls want to be on time, workflows and integrations are light. Settings come from VOICEWRIGHT_*.",
    )
    parser.add_argument(
        "queues", nargs="+", choices=[*BUILDERS, "all"], metavar="QUEUE", help=", ".join([*BUILDERS, "all"])
    )
    names = parser.parse_args(arguments).queues
    settings = Settings()
    sys.setswitchinterval(_SWITCH_S)
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    # At DEBUG it prints handshake headers, which may hold an agent's token.
    logging.getLogger("websockets").setLevel(logging.INFO)
    try:
        asyncio.run(_serve(list(BUILDERS) if "all" in names else names, settings))
    except (UnreachableError, StoreError) as error:
        _log.error("%s", error)
        return 3
    return 0


async def _patiently(what: str, reach: Callable[[], Awaitable[T]]) -> T:
    """Servers and workers may be started in any order: wait for those that are not up yet."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return await reach()
        except (UnreachableError, StoreError) as error:
            if time.monotonic() > deadline:
                raise
            _log.info("waiting for %s: %s", what, error)
            await asyncio.sleep(_RETRY_S)


async def _serve(names: list[str], settings: Settings) -> None:
    client = await _patiently("Temporal", lambda: connect(settings))
    await _patiently("the object store", lambda: asyncio.to_thread(S3Store(settings).ensure_bucket))
    await search_attributes.register(client)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        built = [BUILDERS[name](client, settings) for name in names]
        for one in built:
            await stack.enter_async_context(one.worker)
        for one in built:
            await asyncio.to_thread(warm_up, one)
        _log.info("serving %s (pid %s)", ", ".join(names), os.getpid())
        await stop.wait()
        _log.info("stopping")


if __name__ == "__main__":
    leave(main())

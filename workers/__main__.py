"""`python -m workers QUEUE...`: one process that serves one or more queues until it is told to stop."""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys

from voicewright import search_attributes
from voicewright.connect import UnreachableError, connect
from voicewright.leave import leave
from voicewright.s3 import S3Store, StoreError
from voicewright.settings import Settings
from workers.build import BUILDERS

_log = logging.getLogger("workers")


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
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    try:
        asyncio.run(_serve(list(BUILDERS) if "all" in names else names, settings))
    except (UnreachableError, StoreError) as error:
        _log.error("%s", error)
        return 3
    return 0


async def _serve(names: list[str], settings: Settings) -> None:
    client = await connect(settings)
    await asyncio.to_thread(S3Store(settings).ensure_bucket)
    await search_attributes.register(client)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        for name in names:
            await stack.enter_async_context(BUILDERS[name](client, settings))
        _log.info("serving %s (pid %s)", ", ".join(names), os.getpid())
        await stop.wait()
        _log.info("stopping")


if __name__ == "__main__":
    leave(main())

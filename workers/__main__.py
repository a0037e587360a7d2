"""`python -m workers QUEUE...`: one process that serves one or more queues until it is told to stop."""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

from temporalio.service import RPCError

from activities.errors import StepError
from voicewright import search_attributes
from voicewright.connect import UnreachableError, connect, patiently
from voicewright.leave import leave
from voicewright.logs import settings_with_logs
from voicewright.s3 import S3Store, StoreError
from voicewright.settings import Settings
from voicewright.settle import settle
from voicewright.traces import TracingError, flush
from workers.build import BUILDERS, warm_up
from workers.metrics import metrics_runtime
from workers.reconciliation import schedule_reconciliation

_log = logging.getLogger("workers")
_THREADS = 64
_SWITCH_S = 0.0005
"""How long a busy thread keeps the interpreter. Python's 5 ms would add up, over the system calls of a few frames, to
stutter in every live call whenever a suite is parsed or a recording measured in the same process."""


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
    sys.setswitchinterval(_SWITCH_S)
    settings = settings_with_logs()
    if settings is None:
        return 2
    try:
        asyncio.run(_serve(list(BUILDERS) if "all" in names else names, settings))
    except (UnreachableError, StoreError, TracingError) as error:
        _log.error("%s", error)
        return 3
    except StepError as error:
        _log.error("%s", error.message)
        return 2
    except ValueError as error:  # the metrics port is taken, say
        _log.error("this worker cannot start: %s", error)
        return 3
    finally:
        flush()
    return 0


async def _serve(names: list[str], settings: Settings) -> None:
    service = f"voicewright-{'-'.join(names)}"
    runtime = metrics_runtime(settings)
    client = await patiently("Temporal", lambda: connect(settings, runtime=runtime, service=service))
    await patiently("the object store", lambda: asyncio.to_thread(S3Store(settings).ensure_bucket))
    try:
        await search_attributes.register(client)
    except RPCError as error:  # Temporal Cloud has no operator service: there they are made by hand
        _log.warning("search attributes could not be registered (%s); docs/deploying.md names them", error.message)
    if "integrations" in names and settings.jira_url:
        await schedule_reconciliation(client)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    # Blocking calls of all steps: a vendor that hangs must not keep the store's answers waiting for a thread.
    loop.set_default_executor(ThreadPoolExecutor(_THREADS))
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        built = [BUILDERS[name](client, settings) for name in names]
        for one in built:
            for close in one.close:
                stack.push_async_callback(close)
            await stack.enter_async_context(one.worker)
        for one in built:
            await asyncio.to_thread(warm_up, one)
        settle()
        _log.info("serving %s (pid %s)", ", ".join(names), os.getpid())
        await stop.wait()
        _log.info("stopping")


if __name__ == "__main__":
    leave(main())

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
from voicewright.client import search_attributes
from voicewright.client.connect import UnreachableError, connect, patiently
from voicewright.runtime.exit import leave
from voicewright.runtime.gc import freeze_loaded
from voicewright.runtime.logs import settings_with_logs
from voicewright.runtime.priority import before_others, step_back
from voicewright.runtime.traces import TracingError, flush
from voicewright.settings import Settings
from voicewright.store.errors import StoreError
from voicewright.store.s3 import S3Store
from workers.build import BUILDERS, warm_up
from workers.metrics import metrics_runtime
from workers.outside.records import bring_up_to_date
from workers.outside.schedules import chores, make_schedule

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
    if names == ["calls"]:  # with other queues in the same process, it would put their work before others' too
        before_others()
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
    migrating = await bring_up_to_date(settings) if "integrations" in names else None
    for chore in chores(settings) if "integrations" in names else ():
        await make_schedule(client, chore)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    # Blocking calls of all steps: a vendor that hangs must not keep the store's answers waiting for a thread.
    loop.set_default_executor(ThreadPoolExecutor(_THREADS, initializer=step_back))
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
        freeze_loaded()
        if names == ["calls"]:
            before_others(first=True)
        _log.info("serving %s (pid %s)", ", ".join(names), os.getpid())
        await stop.wait()
        _log.info("stopping")
        if migrating is not None:
            migrating.cancel()


if __name__ == "__main__":
    leave(main())

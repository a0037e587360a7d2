"""What a query must not do: advance a workflow in a way that no replay can follow."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from serving import unique
from temporalio.client import Client
from temporalio.worker import Replayer
from waiting import Waiting

from workers.build import SANDBOX


@contextmanager
def worker(client: Client, queue: str) -> Iterator[subprocess.Popen[bytes]]:
    server = client.service_client.config.target_host
    process = subprocess.Popen([sys.executable, Path(__file__).with_name("waiting.py"), server, queue])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def test_a_run_that_is_watched_while_its_worker_is_killed_can_still_be_replayed(real: Client) -> None:
    queue = unique("waiting")
    with worker(real, queue) as first:
        handle = await real.start_workflow(Waiting.run, id=queue, task_queue=queue)
        assert await handle.query(Waiting.news) == 0
        first.kill()
        with worker(real, queue):
            # Goes to the dead worker first, and to the living one when the timer has fired but was not taken up.
            assert await handle.query(Waiting.news) == 0
            await handle.signal(Waiting.hear)
            await handle.signal(Waiting.hear)
            await asyncio.wait_for(handle.result(), 30)
    history = await handle.fetch_history()
    kinds = [event.WhichOneof("attributes") for event in history.events]
    fired, heard = (
        kinds.index("timer_fired_event_attributes"),
        kinds.index("workflow_execution_signaled_event_attributes"),
    )
    taken_up = kinds.index("workflow_task_timed_out_event_attributes")
    assert fired < heard < taken_up, "the timer and the signals were not taken up by one workflow task"
    await Replayer(workflows=[Waiting], workflow_runner=SANDBOX).replay_workflow(history)

"""What a query must not do: advance a workflow in a way that no replay can follow."""

import asyncio
import sys
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from local_stack import start
from serving import unique
from temporalio.client import Client
from temporalio.worker import Replayer
from waiting import Waiting

from workers.build import SANDBOX

PATIENT = timedelta(seconds=60)


async def test_a_run_that_is_watched_while_its_worker_is_killed_can_still_be_replayed(
    real: Client, tmp_path: Path
) -> None:
    queue = unique("waiting")
    command = [sys.executable, "-u", str(Path(__file__).with_name("waiting.py"))]
    command += [real.service_client.config.target_host, queue]
    with ExitStack() as workers:
        # Both are up before the clock starts to run: a process takes long to start on a busy machine.
        started = {}
        for number in range(2):
            worker = start(command, tmp_path / f"{number}.log", "serving")
            workers.callback(worker.stop)
            started[str(worker.process.pid)] = worker.process
        handle = await real.start_workflow(Waiting.run, id=queue, task_queue=queue)
        assert await handle.query(Waiting.news, rpc_timeout=PATIENT) == 0
        taken = [event.workflow_task_started_event_attributes.identity async for event in handle.fetch_history_events()]
        holder = next(identity for identity in taken if identity).split("@")[0]
        started[holder].kill()
        # Goes to the dead worker first, and to the living one when the timer has fired but was not taken up.
        assert await handle.query(Waiting.news, rpc_timeout=PATIENT) == 0
        await handle.signal(Waiting.hear)
        await handle.signal(Waiting.hear)
        await asyncio.wait_for(handle.result(), 120)
    history = await handle.fetch_history()
    kinds = [event.WhichOneof("attributes") for event in history.events]
    fired, heard = (
        kinds.index("timer_fired_event_attributes"),
        kinds.index("workflow_execution_signaled_event_attributes"),
    )
    taken_up = kinds.index("workflow_task_timed_out_event_attributes")
    assert fired < heard < taken_up, "the timer and the signals were not taken up by one workflow task"
    await Replayer(workflows=[Waiting], workflow_runner=SANDBOX).replay_workflow(history)

"""A worker to be killed: `python waiting.py SERVER QUEUE`. Its workflow does one thing on news and another without."""

import asyncio
import sys
from datetime import timedelta
from functools import partial

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from workers.build import SANDBOX

PATIENCE = timedelta(seconds=3)
STICKY = timedelta(seconds=4)
"""How long the server waits for a worker that died; PATIENCE ends before a query gives up on it."""


@activity.defn
async def look_up() -> None:
    """What is done when nothing was heard in time."""


@activity.defn
async def take_up() -> None:
    """What is done with news."""


@workflow.defn
class Waiting:
    """Ends after two pieces of news."""

    def __init__(self) -> None:
        self._news = 0

    @workflow.run
    async def run(self) -> None:
        """Wait, and act on what happens first."""
        taken = 0
        while taken < 2:
            try:
                await workflow.wait_condition(partial(self._heard_more_than, taken), timeout=PATIENCE)
                step, taken = take_up, taken + 1
            except TimeoutError:
                step = look_up
            await workflow.execute_activity(step, start_to_close_timeout=timedelta(seconds=5))

    def _heard_more_than(self, taken: int) -> bool:
        return self._news > taken

    @workflow.signal
    def hear(self) -> None:
        """A piece of news."""
        self._news += 1

    @workflow.query
    def news(self) -> int:
        """How much was heard."""
        return self._news


async def main(server: str, queue: str) -> None:
    client = await Client.connect(server)
    async with Worker(
        client,
        task_queue=queue,
        workflows=[Waiting],
        activities=[look_up, take_up],
        workflow_runner=SANDBOX,
        sticky_queue_schedule_to_start_timeout=STICKY,
    ):
        print("serving", flush=True)  # noqa: T201 - who started it waits for this
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

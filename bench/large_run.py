"""Does a run of 2,000 cases stay within Temporal's limits? Orchestration alone: the steps are fakes.

    python bench/large_run.py --cases 2000

Prints the time, the number of executions that the run continued as, and the longest history (Temporal's limit is 51,200
events, its warning 10,240).
"""

import argparse
import asyncio
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests" / "workflows")]

from fakes import Steps
from outset import start
from serving import program, serving
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from voicewright.client import search_attributes
from voicewright.client.queues import WORKFLOWS
from voicewright.contracts.run import RunResult


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--parallel", type=int, default=50)
    given = parser.parse_args()
    steps = Steps(cases=given.cases, parallel=given.parallel)
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=program("temporal"),
        data_converter=pydantic_data_converter,
        search_attributes=search_attributes.ALL,
    ) as environment:
        client = environment.client
        async with serving(client, steps):
            began = time.monotonic()
            handle = await client.start_workflow(
                "VoiceTestRun", {"suite": "s"}, id="large", task_queue=WORKFLOWS, result_type=RunResult
            )
            result = await handle.result()
            took = time.monotonic() - began
        await asyncio.sleep(2)  # visibility catches up
        lengths = [item.history_length async for item in client.list_workflows("WorkflowId = 'large'")]
    print(f"{result.total} cases: {dict(result.counts)} in {took:.0f} s ({given.cases / took:.1f} cases/s)")
    print(f"executions: {len(lengths)}, longest history: {max(lengths)} events; results recorded: {len(steps.results)}")
    return 0 if len(steps.results) == given.cases == sum(result.counts.values()) else 1


if __name__ == "__main__":
    start(main)

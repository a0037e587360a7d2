"""The ways that a run and its case can go: what is recorded and replayed, and whose commands are frozen."""

import asyncio
from dataclasses import dataclass

from command_sequence import commands
from fakes import Steps
from serving import serving
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle, WorkflowHistory

from activities.errors import LineError
from voicewright.client.queues import WORKFLOWS
from voicewright.contracts.review import ReviewPolicy
from voicewright.contracts.run import RunResult
from voicewright.contracts.verdict import Decision


@dataclass
class Path:
    """What the steps do, and what people do meanwhile."""

    steps: Steps
    cancel: bool = False
    decide: bool = False


def paths() -> dict[str, Path]:
    """By name, each with steps of its own."""
    return {
        "passed": Path(Steps(cases=3, parallel=2)),
        "reviewed": Path(Steps(decide=lambda _: Decision.REVIEW), decide=True),
        "failed": Path(Steps(cases=2, decide=lambda _: Decision.FAIL, publish=True)),
        "expired": Path(
            Steps(decide=lambda _: Decision.REVIEW, review=ReviewPolicy(remind_ms=2000, expire_ms=5000)),
        ),
        "errored": Path(Steps(trouble=("call", 9, LineError("nobody there")))),
        "cancelled": Path(Steps(cases=3, parallel=2, call_s=20), cancel=True),
        "continued": Path(Steps(cases=22, parallel=4)),
        "queued": Path(Steps(on_account=True, line_waits_ms=[300, 500])),
    }


async def follow(client: Client, path: Path, run_id: str) -> WorkflowHandle[object, RunResult]:
    """Hold the run to its end."""
    steps = path.steps
    async with serving(client, steps):
        handle: WorkflowHandle[object, RunResult] = await client.start_workflow(
            "VoiceTestRun", {"suite": "s"}, id=run_id, task_queue=WORKFLOWS
        )
        if path.cancel:
            while not steps.in_call:
                await asyncio.sleep(0.05)
            await handle.cancel()
        if path.decide:
            while not steps.calls["request_review"]:
                await asyncio.sleep(0.05)
            case = client.get_workflow_handle(f"{run_id}/c0/en/1")
            while "timer" not in commands(await case.fetch_history()):  # it asked, and waits
                await asyncio.sleep(0.05)
            await case.signal("submit_review", {"verdict": "pass"})
            await case.signal("submit_review", {"verdict": "pass", "reviewer": "Ada"})
        try:
            await handle.result()
        except WorkflowFailureError:
            assert path.cancel
        return handle


async def histories(client: Client, name: str, run_id: str) -> dict[str, WorkflowHistory]:
    """Of a run, of what it continued as, and of its first case, by the names of their files."""
    return {file: parts[0] for file, parts in (await executions(client, name, run_id)).items()}


async def executions(client: Client, name: str, run_id: str) -> dict[str, list[WorkflowHistory]]:
    """The same; what a run continued as may be several executions, one after the other."""
    handle = await follow(client, paths()[name], run_id)
    chain = [await client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id).fetch_history()]
    while next_one := chain[-1].events[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id:
        chain.append(await client.get_workflow_handle(handle.id, run_id=next_one).fetch_history())
    if len(chain) > 1:
        return {f"run-{name}": chain[:1], f"run-{name}-2": chain[1:]}
    case = await client.get_workflow_handle(f"{handle.id}/c0/en/1").fetch_history()
    return {f"run-{name}": chain, f"case-{name}": [case]}

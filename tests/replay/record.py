"""`python tests/replay/record.py`: record a history of every ending, with fake steps on Temporal's dev server."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent
sys.path[:0] = [str(ROOT.parent / "workflows")]

from fakes import Steps  # noqa: E402
from serving import program, serving  # noqa: E402
from temporalio.client import Client, WorkflowFailureError  # noqa: E402
from temporalio.contrib.pydantic import pydantic_data_converter  # noqa: E402
from temporalio.testing import WorkflowEnvironment  # noqa: E402

from activities.errors import LineError  # noqa: E402
from voicewright import search_attributes  # noqa: E402
from voicewright.leave import leave  # noqa: E402
from voicewright.queues import WORKFLOWS  # noqa: E402
from voicewright.review import ReviewPolicy  # noqa: E402
from voicewright.verdict import Decision  # noqa: E402


def without_traces(part: Any) -> Any:
    """Stack traces name folders of the machine that recorded them, and replay does not read them."""
    if isinstance(part, dict):
        return {key: "" if key == "stackTrace" else without_traces(value) for key, value in part.items()}
    return [without_traces(item) for item in part] if isinstance(part, list) else part


async def record(client: Client, name: str, steps: Steps, *, cancel: bool = False, decide: bool = False) -> None:
    async with serving(client, steps):
        handle = await client.start_workflow("VoiceTestRun", {"suite": "s"}, id=f"run-{name}", task_queue=WORKFLOWS)
        case = client.get_workflow_handle(f"{handle.id}/c0/en/1")
        if cancel:
            while not steps.in_call:
                await asyncio.sleep(0.05)
            await handle.cancel()
        if decide:
            while not steps.calls["request_review"]:
                await asyncio.sleep(0.05)
            await case.signal("submit_review", {"verdict": "pass"})
            await case.signal("submit_review", {"verdict": "pass", "reviewer": "Ada"})
        try:
            await handle.result()
        except WorkflowFailureError:
            assert cancel
        for prefix, one in (("run", handle), ("case", case)):
            path = ROOT / "histories" / f"{prefix}-{name}.json"
            history = without_traces(json.loads((await one.fetch_history()).to_json()))
            path.write_text(json.dumps(history, indent=2) + "\n")
            print(path.relative_to(ROOT), path.stat().st_size, "bytes")  # noqa: T201


async def main() -> None:
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=program("temporal"),
        data_converter=pydantic_data_converter,
        search_attributes=search_attributes.ALL,
    ) as environment:
        client = environment.client
        unsure = {"decide": lambda _: Decision.REVIEW}
        await record(client, "passed", Steps(cases=3, parallel=2))
        await record(client, "reviewed", Steps(**unsure), decide=True)
        await record(client, "failed", Steps(cases=2, decide=lambda _: Decision.FAIL, publish=True))
        await record(client, "expired", Steps(**unsure, review=ReviewPolicy(remind_ms=300, expire_ms=1000)))
        await record(client, "errored", Steps(trouble=("call", 9, LineError("nobody there"))))
        await record(client, "cancelled", Steps(cases=3, parallel=2, call_s=20), cancel=True)


if __name__ == "__main__":
    asyncio.run(main())
    leave(0)

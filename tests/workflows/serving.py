"""Workers with fake steps, for workflow tests."""

import shutil
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from fakes import Steps
from temporalio.client import Client
from temporalio.worker import Worker

from voicewright.queues import CALLS, INTEGRATIONS, SPEECH, WORKFLOWS
from workers.build import SANDBOX
from workflows.case import VoiceTestCase
from workflows.run import VoiceTestRun


def program(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name) or name


@asynccontextmanager
async def serving(client: Client, steps: Steps) -> AsyncIterator[None]:
    """Workers of all queues, with `steps` in place of the engines."""
    async with AsyncExitStack() as stack:
        workflows = Worker(
            client, task_queue=WORKFLOWS, workflows=[VoiceTestRun, VoiceTestCase], workflow_runner=SANDBOX
        )
        await stack.enter_async_context(workflows)
        for queue, activities in (
            (SPEECH, [steps.synthesize, steps.transcribe, steps.validate]),
            (CALLS, [steps.call]),
            (
                INTEGRATIONS,
                [
                    steps.plan,
                    steps.request_review,
                    steps.reserve_line,
                    steps.release_line,
                    steps.file_defect,
                    steps.publish_defect,
                    steps.record_result,
                    steps.check_cases,
                    steps.publish_report,
                    steps.settle_defects,
                    steps.notify,
                ],
            ),
        ):
            await stack.enter_async_context(Worker(client, task_queue=queue, activities=activities))
        yield


def unique(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:8]}"

"""Workers with fake steps, for workflow tests."""

import shutil
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from fakes import Steps
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker, WorkerDeploymentConfig

from voicewright.client import search_attributes
from voicewright.client.queues import CALLS, INTEGRATIONS, SPEECH, WORKFLOWS
from workers.build import SANDBOX
from workflows.blind import BlindReview
from workflows.case import VoiceTestCase
from workflows.run import VoiceTestRun


def program(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name) or name


_EARLY = ["--dynamic-config-value", "limit.historyCount.suggestContinueAsNew=150"]
"""Options of a server that suggests continue-as-new to short runs."""


@asynccontextmanager
async def dev_server() -> AsyncIterator[Client]:
    """A client of Temporal's dev server; it suggests continue-as-new early, so that short runs show it."""
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=program("temporal"),
        data_converter=pydantic_data_converter,
        search_attributes=search_attributes.ALL,
        dev_server_extra_args=_EARLY,
    ) as environment:
        yield environment.client


@asynccontextmanager
async def serving(
    client: Client, steps: Steps, deployment: WorkerDeploymentConfig | None = None
) -> AsyncIterator[None]:
    """Workers of all queues, with `steps` in place of the engines; of one version of a deployment, or of none."""
    async with AsyncExitStack() as stack:
        workflows = Worker(
            client,
            task_queue=WORKFLOWS,
            workflows=[VoiceTestRun, VoiceTestCase, BlindReview],
            workflow_runner=SANDBOX,
            deployment_config=deployment,
        )
        await stack.enter_async_context(workflows)
        served: tuple[tuple[str, Sequence[Callable[..., Any]]], ...] = (
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
                    steps.record_blind,
                    steps.check_cases,
                    steps.publish_report,
                    steps.settle_defects,
                    steps.notify,
                ],
            ),
        )
        for queue, activities in served:
            await stack.enter_async_context(
                Worker(client, task_queue=queue, activities=activities, deployment_config=deployment)
            )
        yield


def unique(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:8]}"

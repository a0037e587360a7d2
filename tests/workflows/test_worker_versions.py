"""What docs/upgrading.md promises of workers with versions, on a real Temporal server with its own command line."""

import asyncio
import contextlib
import re
import shlex
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes import Steps
from serving import dev_server, program, serving, unique
from temporalio.client import Client, WorkflowHandle
from temporalio.common import VersioningBehavior
from temporalio.worker import WorkerDeploymentConfig

from activities.errors import InstallationError
from voicewright.client.queues import WORKFLOWS
from voicewright.contracts.case import Outcome
from voicewright.contracts.run import RunResult
from voicewright.contracts.verdict import Decision
from voicewright.settings import Settings
from workers.versioning import deployment_of

_PATIENCE_S = 60


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Client]:
    """One of its own: where a version is current, workers without one get nothing."""
    async with dev_server() as client:
        yield client


def version(build_id: str, versioning: str) -> WorkerDeploymentConfig:
    """As the settings of a worker make it."""
    found = deployment_of(
        Settings.model_validate(
            {"worker_deployment": "voicewright", "worker_build_id": build_id, "worker_versioning": versioning}
        )
    )
    assert found is not None
    return found


async def make_current(client: Client, build_id: str) -> None:
    """Type what the page says, until the server has heard of all workers of the version."""
    [line] = re.findall(
        r"`temporal (\S+ \S+ set-current-version .*--build-id .*?)`", Path("docs/upgrading.md").read_text()
    )
    words = shlex.split(line.replace("0.2.0", build_id))
    for _ in range(_PATIENCE_S):
        process = await asyncio.create_subprocess_exec(
            program("temporal"), *words, "--address", client.service_client.config.target_host,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await process.communicate()
        if process.returncode == 0:
            return
        await asyncio.sleep(1)
    pytest.fail(said.decode())


async def start(client: Client) -> WorkflowHandle[object, RunResult]:
    return await client.start_workflow(
        "VoiceTestRun", {"suite": "s"}, id=unique("run"), task_queue=WORKFLOWS, result_type=RunResult
    )


async def asked(steps: Steps, times: int = 1) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while steps.calls["request_review"] < times:
            await asyncio.sleep(0.05)


async def decide(client: Client, run: WorkflowHandle[object, RunResult]) -> None:
    case = client.get_workflow_handle(f"{run.id}/c0/en/1")
    await case.signal("submit_review", {"verdict": "pass", "reviewer": "Ada"})


async def built_by(client: Client, workflow_id: str) -> list[str]:
    """The versions that did the workflow's tasks, each once, in order."""
    history = await client.get_workflow_handle(workflow_id).fetch_history()
    done = [event.workflow_task_completed_event_attributes for event in history.events]
    found = [one.deployment_version.build_id or one.worker_deployment_version.partition(".")[2] for one in done]
    return list(dict.fromkeys(build for build in found if build))


def waiting() -> Steps:
    return Steps(decide=lambda _: Decision.REVIEW)


async def test_a_run_in_flight_goes_on_at_the_version_that_became_current(server: Client) -> None:
    one, two = unique("one"), unique("two")
    old, new = waiting(), waiting()
    async with contextlib.AsyncExitStack() as first:
        await first.enter_async_context(serving(server, old, version(one, "auto-upgrade")))
        await make_current(server, one)
        run = await start(server)
        await asked(old)
        async with serving(server, new, version(two, "auto-upgrade")):
            await make_current(server, two)
            await first.aclose()  # the old workers are stopped
            await decide(server, run)
            async with asyncio.timeout(_PATIENCE_S):
                result = await run.result()
    assert result.counts == {Outcome.PASSED: 1}
    assert await built_by(server, run.id) == [one, two]
    assert await built_by(server, f"{run.id}/c0/en/1") == [one, two]
    assert (old.calls["record_result"], new.calls["record_result"]) == (0, 1)


async def test_a_pinned_run_ends_where_it_began_while_new_ones_start_at_the_new_version(server: Client) -> None:
    one, two = unique("one"), unique("two")
    old, new = waiting(), Steps()
    async with serving(server, old, version(one, "pinned")):
        await make_current(server, one)
        run = await start(server)
        await asked(old)
        async with serving(server, new, version(two, "pinned")):
            await make_current(server, two)
            later = await start(server)
            async with asyncio.timeout(_PATIENCE_S):
                assert (await later.result()).counts == {Outcome.PASSED: 1}
            await decide(server, run)
            async with asyncio.timeout(_PATIENCE_S):
                assert (await run.result()).counts == {Outcome.PASSED: 1}
    assert await built_by(server, run.id) == [one]
    assert await built_by(server, f"{run.id}/c0/en/1") == [one]
    assert await built_by(server, later.id) == [two]
    assert await built_by(server, f"{later.id}/c0/en/1") == [two]
    assert (old.calls["record_result"], new.calls["record_result"]) == (1, 1)


async def test_a_version_that_is_not_current_gets_no_run(server: Client) -> None:
    one, two = unique("one"), unique("two")
    current, other = Steps(), Steps()
    async with (
        serving(server, current, version(one, "auto-upgrade")),
        serving(server, other, version(two, "auto-upgrade")),
    ):
        await make_current(server, one)
        for _ in range(5):
            async with asyncio.timeout(_PATIENCE_S):
                await (await start(server)).result()
    assert (current.calls["plan"], other.calls["plan"]) == (5, 0)


def test_workers_have_no_version_unless_both_settings_say_so() -> None:
    assert deployment_of(Settings()) is None
    found = version("0.2.0", "auto-upgrade")
    assert found.use_worker_versioning
    assert (found.version.deployment_name, found.version.build_id) == ("voicewright", "0.2.0")
    assert found.default_versioning_behavior is VersioningBehavior.AUTO_UPGRADE
    for half, other in (("worker_deployment", "WORKER_BUILD_ID"), ("worker_build_id", "WORKER_DEPLOYMENT")):
        with pytest.raises(InstallationError, match=f"VOICEWRIGHT_{other} is not set"):
            deployment_of(Settings.model_validate({half: "x"}))

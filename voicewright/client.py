"""Start runs, watch them and decide reviews from Python.

Needs nothing but a connection to Temporal:

    from voicewright.client import Voicewright
    from voicewright.run import RunRequest

    voicewright = await Voicewright.connect()
    run_id = await voicewright.start(RunRequest(suite="clinic", tags=("smoke",)))
    async for progress in voicewright.watch(run_id):
        print(progress.done, "of", progress.total)
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from temporalio.client import (
    Client,
    ScheduleAlreadyRunningError,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, FailureError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode
from ulid import ULID

from voicewright import search_attributes as attributes
from voicewright.case import CaseState
from voicewright.connect import connect, patiently
from voicewright.queues import WORKFLOWS
from voicewright.review import MEMO_REASON, ReviewDecision, ReviewSubmission
from voicewright.run import RunProgress, RunRequest
from voicewright.schedule import NOTE, PREFIX, RunSchedule, ScheduleEntry
from voicewright.settings import Settings

_POLL_S = 0.5
_PATIENCE_S = 60.0
_BROKEN = {
    WorkflowExecutionStatus.FAILED,
    WorkflowExecutionStatus.TERMINATED,
    WorkflowExecutionStatus.TIMED_OUT,
}


class RunFailedError(Exception):
    """A run that could not be carried out: a bad request, or nobody to serve it. The message says which."""


class UnansweredError(Exception):
    """No worker answered; the run itself may be well."""


class NotFoundError(Exception):
    """There is no run or case of that id."""


class ScheduleError(Exception):
    """A schedule that cannot be made; the message says why."""


class ReviewRefusedError(Exception):
    """A decision that was not accepted; the message says why."""


@dataclass(frozen=True)
class RunEntry:
    """A run as Temporal's visibility lists it."""

    run_id: str
    suite: str
    status: str
    started_at: datetime


@dataclass(frozen=True)
class ReviewEntry:
    """A case that waits for a human."""

    workflow_id: str
    suite: str
    case: str
    language: str
    since: datetime
    reason: str = ""
    """Why the machine is unsure."""


class Voicewright:
    """A connection to an installation."""

    def __init__(self, temporal: Client) -> None:
        self.temporal = temporal

    @classmethod
    async def connect(cls, settings: Settings | None = None) -> "Voicewright":
        """Connect by settings, or by VOICEWRIGHT_* variables.

        Raises:
            voicewright.connect.UnreachableError: Temporal does not answer.
        """
        return cls(await connect(settings or Settings()))

    @classmethod
    async def connect_patiently(cls, settings: Settings) -> "Voicewright":
        """Connect, waiting a minute for a Temporal that is just being started; for programs that keep running."""
        return cls(await patiently("Temporal", lambda: connect(settings, service="voicewright-web")))

    async def start(self, request: RunRequest, *, run_id: str | None = None) -> str:
        """Start a run and return its id. Starting the same id twice is the same run."""
        name = run_id or f"run-{request.suite.partition('@')[0]}-{ULID()}"
        try:
            await self.temporal.start_workflow(
                attributes.RUN_TYPE,
                request,
                id=name,
                task_queue=WORKFLOWS,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            )
        except WorkflowAlreadyStartedError:
            return name  # it has ended: the same run all the same
        return name

    async def progress(self, run_id: str) -> RunProgress:
        """How far a run is.

        Raises:
            NotFoundError: there is no such run.
            RunFailedError: it failed.
            UnansweredError: no workflow worker answers.
        """
        handle = self.temporal.get_workflow_handle(run_id)
        try:
            progress: RunProgress = await handle.query("progress", result_type=RunProgress)
        except WorkflowQueryFailedError as error:
            raise RunFailedError(f"the run {run_id} cannot be asked: {error}") from None
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise NotFoundError(f"there is no run {run_id}; `voicewright runs list` shows what there is") from None
            message = f"no worker answers for the run {run_id} ({error.message}): is `python -m workers workflows` up?"
            raise UnansweredError(message) from None
        return progress

    async def watch(self, run_id: str, *, poll_s: float = _POLL_S) -> AsyncIterator[RunProgress]:
        """Progress until the run has ended; the last one is final.

        Raises:
            RunFailedError: the run failed; the message is the workflow's.
            NotFoundError: there is no such run.
        """
        handle = self.temporal.get_workflow_handle(run_id)
        while True:
            status = await self._status(handle)
            if status in _BROKEN:
                raise RunFailedError(await self._why(handle, status))
            progress = await self._patiently(run_id)
            yield progress
            if status is not WorkflowExecutionStatus.RUNNING:
                return
            await asyncio.sleep(poll_s)

    async def _patiently(self, run_id: str) -> RunProgress:
        """Progress, also while a workflow worker is being started again."""
        deadline = asyncio.get_running_loop().time() + _PATIENCE_S
        while True:
            try:
                return await self.progress(run_id)
            except UnansweredError:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(_POLL_S)

    async def wait(self, run_id: str) -> RunProgress:
        """Block until a run has ended; see `watch`."""
        last: RunProgress | None = None
        async for progress in self.watch(run_id):
            last = progress
        assert last is not None
        return last

    async def cancel(self, run_id: str) -> None:
        """Ask a run to stop: calls in flight hang up, what is done stays.

        Raises:
            NotFoundError: there is no such run, or it has ended.
        """
        try:
            await self.temporal.get_workflow_handle(run_id).cancel()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise NotFoundError(f"no run {run_id} is going on") from None
            raise

    async def runs(self, *, limit: int = 50) -> list[RunEntry]:
        """The newest runs first."""
        found: list[RunEntry] = []
        async for item in self.temporal.list_workflows(attributes.RUNS, limit=limit):
            status = item.status.name.lower() if item.status is not None else "unknown"
            suite = item.typed_search_attributes.get(attributes.SUITE) or ""
            found.append(RunEntry(item.id, suite, status, item.start_time))
        return found

    async def schedule(self, plan: RunSchedule) -> None:
        """Run a suite by the clock.

        Raises:
            ScheduleError: there is a schedule of that name, or Temporal does not understand the time.
        """
        try:
            await self.temporal.create_schedule(plan.id, plan.to_temporal(), memo={NOTE: plan.request.suite})
        except ScheduleAlreadyRunningError:
            message = f"there is a schedule {plan.name!r} already: delete it first, or choose another name"
            raise ScheduleError(message) from None
        except RPCError as error:
            if error.status is not RPCStatusCode.INVALID_ARGUMENT:
                raise
            raise ScheduleError(f"Temporal does not take this schedule: {error.message}") from None

    async def schedules(self) -> list[ScheduleEntry]:
        """All schedules, by name."""
        found: list[ScheduleEntry] = []
        async for item in await self.temporal.list_schedules():
            if not item.id.startswith(PREFIX) or item.info is None or item.schedule is None:
                continue
            last = item.info.recent_actions[-1].started_at if item.info.recent_actions else None
            following = item.info.next_action_times[0] if item.info.next_action_times else None
            suite = str((await item.memo()).get(NOTE, ""))
            found.append(
                ScheduleEntry(item.id.removeprefix(PREFIX), suite, following, last, paused=item.schedule.state.paused)
            )
        return sorted(found, key=lambda entry: entry.name)

    async def unschedule(self, name: str) -> None:
        """Delete a schedule; runs that it started go on.

        Raises:
            NotFoundError: there is none of that name.
        """
        try:
            await self.temporal.get_schedule_handle(PREFIX + name).delete()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                message = f"there is no schedule {name!r}; `voicewright schedule list` shows what there is"
                raise NotFoundError(message) from None
            raise

    async def reviews(self, *, limit: int = 500) -> list[ReviewEntry]:
        """Cases that wait for a human, the longest waiting first."""
        found: list[ReviewEntry] = []
        async for item in self.temporal.list_workflows(attributes.REVIEW_QUEUE, limit=limit):
            known = item.typed_search_attributes
            noted = await item.memo()
            found.append(
                ReviewEntry(
                    workflow_id=item.id,
                    suite=known.get(attributes.SUITE) or "",
                    case=known.get(attributes.CASE) or "",
                    language=known.get(attributes.LANGUAGE) or "",
                    since=item.start_time,
                    reason=str(noted.get(MEMO_REASON, "")),
                )
            )
        return sorted(found, key=lambda entry: entry.since)

    async def review_backlog(self) -> int:
        """How many cases wait for a human."""
        return (await self.temporal.count_workflows(attributes.REVIEW_QUEUE)).count

    async def case(self, workflow_id: str) -> CaseState:
        """What is known of a case.

        Raises:
            NotFoundError: there is no such case.
        """
        handle = self.temporal.get_workflow_handle(workflow_id)
        try:
            state: CaseState = await handle.query("state", result_type=CaseState)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise NotFoundError(
                    f"there is no case {workflow_id}; `voicewright review list` shows those that wait"
                ) from None
            raise UnansweredError(f"no worker answers for the case {workflow_id}: {error.message}") from None
        except WorkflowQueryFailedError:
            raise NotFoundError(
                f"{workflow_id} is not a case; `voicewright review list` shows those that wait"
            ) from None
        return state

    async def decide(self, workflow_id: str, submission: ReviewSubmission) -> ReviewDecision:
        """Decide a case that waits for a human.

        Raises:
            ReviewRefusedError: it was decided already, has ended, or the submission lacks something.
            NotFoundError: there is no such case.
        """
        handle = self.temporal.get_workflow_handle(workflow_id)
        try:
            decision: ReviewDecision = await handle.execute_update(
                "submit_review", submission, result_type=ReviewDecision
            )
        except WorkflowUpdateFailedError as error:
            cause = error.cause
            raise ReviewRefusedError(cause.message if isinstance(cause, FailureError) else str(cause)) from None
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            await self.case(workflow_id)
            raise ReviewRefusedError("this case has finished: there is nothing left to decide") from None
        return decision

    @staticmethod
    async def _status(handle: WorkflowHandle[object, object]) -> WorkflowExecutionStatus:
        try:
            status = (await handle.describe()).status
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                message = f"there is no run {handle.id}; `voicewright runs list` shows what there is"
                raise NotFoundError(message) from None
            raise
        assert status is not None
        return status

    @staticmethod
    async def _why(handle: WorkflowHandle[object, object], status: WorkflowExecutionStatus) -> str:
        try:
            await handle.result()
        except WorkflowFailureError as error:
            cause = error.cause
            return cause.message if isinstance(cause, ApplicationError) else str(cause)
        return f"the run was {status.name.lower()}"

"""Start runs, watch them and decide reviews from Python.

Needs nothing but a connection to Temporal:

    from voicewright.client import Voicewright
    from voicewright.contracts.run import RunRequest

    voicewright = await Voicewright.connect()
    run_id = await voicewright.start(RunRequest(suite="clinic", tags=("smoke",)))
    async for progress in voicewright.watch(run_id):
        print(progress.done, "of", progress.total)
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime

from temporalio.client import (
    ScheduleAlreadyRunningError,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode
from ulid import ULID

from voicewright.client import search_attributes as attributes
from voicewright.client.answers import ANSWER, NO_SUCH_ID, unanswered
from voicewright.client.connect import PATIENCE_S, TIMEOUT_S, connect, patient, patiently
from voicewright.client.errors import NotFoundError, RunFailedError, ScheduleError
from voicewright.client.queues import WORKFLOWS
from voicewright.client.reviewing import Reviewing
from voicewright.client.schedule import NOTE, PREFIX, RunSchedule, ScheduleEntry
from voicewright.contracts.run import RunProgress, RunRequest
from voicewright.settings import Settings

_POLL_S = 0.5
_BROKEN = {
    WorkflowExecutionStatus.FAILED,
    WorkflowExecutionStatus.TERMINATED,
    WorkflowExecutionStatus.TIMED_OUT,
}


@dataclass(frozen=True)
class RunEntry:
    """A run as Temporal's visibility lists it."""

    run_id: str
    suite: str
    status: str
    started_at: datetime


class Voicewright(Reviewing):
    """A connection to an installation."""

    @classmethod
    async def connect(cls, settings: Settings | None = None, *, timeout_s: float = TIMEOUT_S) -> "Voicewright":
        """Connect by settings, or by VOICEWRIGHT_* variables. `timeout_s`: how long to wait for an answer, in s.

        Raises:
            voicewright.client.connect.UnreachableError: Temporal does not answer.
        """
        return cls(await connect(settings or Settings(), timeout_s=timeout_s))

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
            UnansweredError: no workflow worker answers, or Temporal does not.
        """
        handle = self.temporal.get_workflow_handle(run_id)
        try:
            progress: RunProgress = await handle.query("progress", result_type=RunProgress, rpc_timeout=ANSWER)
        except WorkflowQueryFailedError as error:
            raise RunFailedError(f"the run {run_id} cannot be asked: {error}") from None
        except RPCError as error:
            if error.status in NO_SUCH_ID:
                raise NotFoundError(f"there is no run {run_id}; `voicewright runs list` shows what there is") from None
            raise unanswered(error, f"the run {run_id}") from None
        return progress

    async def standing(self, run_id: str) -> RunProgress:
        """How far a run is, where it has not broken off.

        Raises:
            NotFoundError: there is no such run.
            RunFailedError: it failed, was terminated or timed out: what it answers of itself is what it knew then.
            UnansweredError: no workflow worker answers, or Temporal does not.
        """
        handle = self.temporal.get_workflow_handle(run_id)
        status = await self._status(handle)
        if status in _BROKEN:
            raise RunFailedError(await self._why(handle, status))
        return await self.progress(run_id)

    async def watch(
        self,
        run_id: str,
        *,
        poll_s: float = _POLL_S,
        review_wait_s: float | None = 0.0,
        patience_s: float = PATIENCE_S,
        waiting: Callable[[str], None] | None = None,
    ) -> AsyncIterator[RunProgress]:
        """Progress until the run has ended, or until nothing of it is open but reviews.

        Args:
            run_id: the run.
            poll_s: how often it is asked, in s.
            review_wait_s: how long to wait for people when only they are missing, in s; None: until the run has ended.
            patience_s: how long Temporal and its workers may be away, in s. The run goes on meanwhile.
            waiting: is told once, in a sentence, when they are away.

        Raises:
            RunFailedError: the run failed; the message is the workflow's.
            NotFoundError: there is no such run.
            UnansweredError: they were away for longer.
        """
        handle = self.temporal.get_workflow_handle(run_id)
        clock = asyncio.get_running_loop().time
        alone_since: float | None = None
        while True:
            status = await patient(lambda: self._status(handle), patience_s, waiting)
            if status in _BROKEN:
                raise RunFailedError(await self._why(handle, status))
            progress = await patient(lambda: self.progress(run_id), patience_s, waiting)
            yield progress
            if status is not WorkflowExecutionStatus.RUNNING:
                return
            alone_since = (alone_since or clock()) if progress.only_reviews_left else None
            if alone_since is not None and review_wait_s is not None and clock() - alone_since >= review_wait_s:
                return
            await asyncio.sleep(poll_s)

    async def wait(self, run_id: str) -> RunProgress:
        """Block until a run has ended, its reviews included; see `watch`."""
        last: RunProgress | None = None
        async for progress in self.watch(run_id, review_wait_s=None):
            last = progress
        assert last is not None
        return last

    async def cancel(self, run_id: str) -> None:
        """Ask a run to stop: calls in flight hang up, what is done stays.

        Raises:
            NotFoundError: there is no such run, or it has ended.
        """
        try:
            await self._is_run(run_id)
            await self.temporal.get_workflow_handle(run_id).cancel()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise NotFoundError(f"no run {run_id} is going on") from None
            raise

    async def _is_run(self, run_id: str) -> None:
        """Anything else that Temporal has is none of a caller's business.

        Raises:
            NotFoundError: it is another workflow.
        """
        found = await self.temporal.get_workflow_handle(run_id).describe(rpc_timeout=ANSWER)
        if found.workflow_type != attributes.RUN_TYPE:
            raise NotFoundError(f"{run_id} is not a run")

    async def request_of(self, run_id: str) -> RunRequest:
        """What a run was asked for, as Temporal keeps it.

        Raises:
            NotFoundError: there is no such run, or Temporal has forgotten it.
        """
        handle = self.temporal.get_workflow_handle(run_id)
        try:
            await self._is_run(run_id)
            async for event in handle.fetch_history_events(page_size=1, rpc_timeout=ANSWER):
                payloads = event.workflow_execution_started_event_attributes.input.payloads
                [asked] = await self.temporal.data_converter.decode(payloads, [RunRequest])
                assert isinstance(asked, RunRequest)
                return asked
        except RPCError as error:
            if error.status not in NO_SUCH_ID:
                raise unanswered(error, f"the run {run_id}") from None
        raise NotFoundError(f"Temporal knows no run {run_id}, or no longer: start one of its suite")

    async def runs(self, *, limit: int = 50) -> list[RunEntry]:
        """The newest runs first."""
        found: list[RunEntry] = []
        async for item in self.temporal.list_workflows(attributes.RUNS, limit=limit, rpc_timeout=ANSWER):
            status = item.status.name.lower() if item.status is not None else "unknown"
            suite = item.typed_search_attributes.get(attributes.SUITE) or ""
            found.append(RunEntry(item.id, suite, status, item.start_time))
        return found

    async def schedule(self, plan: RunSchedule) -> tuple[datetime, ...]:
        """Run a suite by the clock; returns when the first runs will start, at least one.

        Raises:
            ScheduleError: there is a schedule of that name, Temporal does not understand the time, or it never comes.
        """
        try:
            made = await self.temporal.create_schedule(plan.id, plan.to_temporal(), memo={NOTE: plan.request.suite})
        except ScheduleAlreadyRunningError:
            message = f"there is a schedule {plan.name!r} already: delete it first, or choose another name"
            raise ScheduleError(message) from None
        except RPCError as error:
            if error.status is not RPCStatusCode.INVALID_ARGUMENT:
                raise
            raise ScheduleError(f"Temporal does not take this schedule: {error.message}") from None
        following = (await made.describe()).info.next_action_times
        if not following:
            await made.delete()
            raise ScheduleError(f"{plan.cron!r} never comes: there is no such day, or it has passed")
        return tuple(following)

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

    @staticmethod
    async def _status(handle: WorkflowHandle[object, object]) -> WorkflowExecutionStatus:
        try:
            status = (await handle.describe(rpc_timeout=ANSWER)).status
        except RPCError as error:
            if error.status in NO_SUCH_ID:
                message = f"there is no run {handle.id}; `voicewright runs list` shows what there is"
                raise NotFoundError(message) from None
            raise unanswered(error, handle.id) from None
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

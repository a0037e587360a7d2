"""The last step of a case: its result, exactly once."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from activities.checks.meaning.decisions import keep
from activities.heartbeat import heartbeats
from activities.ports import ObjectStore
from activities.suites import SuiteLibrary
from voicewright.artifact import ArtifactRef, case_key
from voicewright.case import CaseError, CaseKey, CasePhase, CaseResult, CaseUpdate, Step
from voicewright.outcome import Outcome
from voicewright.run import LostCases, LostCasesRequest


class RecordStep:
    """Writes results, and keeps what people decided for the judge to learn from.

    `temporal` is asked about cases that fell silent.
    """

    def __init__(self, store: ObjectStore, temporal: Client, project: str = "default") -> None:
        self._store = store
        self._project = project
        self._suites = SuiteLibrary(store)
        self._temporal = temporal

    @activity.defn(name="record_result")
    async def record_result(self, result: CaseResult) -> ArtifactRef:
        """Store the result of a case; the first one stands, whoever repeats it."""
        ref = await asyncio.to_thread(self._record, result)
        if result.review is not None:
            suite = await self._suites.suite(result.suite)
            await asyncio.to_thread(keep, self._store, self._project, result, suite.case(result.key.case))
        return ref

    def _record(self, result: CaseResult) -> ArtifactRef:
        key = _result_key(result.run_id, result.key)
        body = result.model_dump_json(indent=1).encode()
        stored = self._store.put_if_absent(key, body, "application/json")
        return stored or self._store.reference(key, self._store.get(key), "application/json")

    @activity.defn(name="check_cases")
    async def check_cases(self, request: LostCasesRequest) -> LostCases:
        """Look up cases that have not spoken for long: some may have ended without a word, by force."""
        async with heartbeats(lambda: f"{len(request.keys)} cases"):
            found = [await self._look_up(request, key) for key in request.keys]
        return LostCases(ended=tuple(_present(found)))

    async def _look_up(self, request: LostCasesRequest, key: CaseKey) -> CaseUpdate | None:
        raw = await asyncio.to_thread(self._store.get_if_present, _result_key(request.run_id, key))
        if raw is not None:
            result = CaseResult.model_validate_json(raw)
            return CaseUpdate(key=key, phase=CasePhase.FINISHED, outcome=result.outcome, reason=result.reason)
        try:
            execution = await self._temporal.get_workflow_handle(f"{request.run_id}/{key}").describe()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            reason = "its workflow does not exist"
        else:
            if execution.status in {WorkflowExecutionStatus.RUNNING, None}:
                return None
            reason = f"its workflow was {execution.status.name.lower()} from outside"
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        lost = CaseResult(
            run_id=request.run_id,
            suite=request.suite,
            key=key,
            workflow_id=f"{request.run_id}/{key}",
            outcome=Outcome.ERRORED,
            error=CaseError(kind="Lost", message=reason, step=Step.RECORD),
            started_at=now,
            ended_at=now,
        )
        await asyncio.to_thread(self._record, lost)
        return CaseUpdate(key=key, phase=CasePhase.FINISHED, outcome=Outcome.ERRORED, reason=reason)


def _result_key(run_id: str, key: CaseKey) -> str:
    return case_key(run_id, key.case, key.cell, key.repeat, "result.json")


def _present(found: Iterable[CaseUpdate | None]) -> list[CaseUpdate]:
    return [update for update in found if update is not None]

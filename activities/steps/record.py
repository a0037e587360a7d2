"""The last step of a case: its result, exactly once."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from activities.checks.decisions import keep
from activities.heartbeat import heartbeats
from activities.ports.recording import NoRecords, Recording
from activities.suites import SuiteLibrary, spoken_case
from voicewright.contracts.artifact import ArtifactRef
from voicewright.contracts.blind import BLIND_FILE, BlindResult
from voicewright.contracts.case import CaseError, CaseKey, CasePhase, CaseResult, CaseSummary, CaseUpdate, Outcome, Step
from voicewright.contracts.records import RecordRequest
from voicewright.contracts.steps import LostCases, LostCasesRequest
from voicewright.contracts.verdict import VerdictSummary
from voicewright.report.results import full_result
from voicewright.store.keys import case_key
from voicewright.store.port import ObjectStore


class RecordStep:
    """Writes results, and keeps what people decided for the judge to learn from.

    Args:
        store: the truth: what is written there counts.
        temporal: asked about cases that fell silent.
        project: whose judge learns.
        records: hear of every result that is stored.
    """

    def __init__(
        self, store: ObjectStore, temporal: Client, project: str = "default", records: Recording | None = None
    ) -> None:
        self._records = records or NoRecords()
        self._store = store
        self._project = project
        self._suites = SuiteLibrary(store)
        self._temporal = temporal

    @activity.defn(name="record_result")
    async def record_result(self, summary: CaseSummary) -> ArtifactRef:
        """Store the result of a case; the first one stands, whoever repeats it."""
        result = await asyncio.to_thread(full_result, self._store, summary)
        ref = await asyncio.to_thread(self._record, result)
        if result.review is not None:
            suite = await self._suites.suite(result.suite)
            case = spoken_case(suite, result.key)
            await asyncio.to_thread(keep, self._store, self._project, result, case)
        await self._records.case(result.run_id, result.key)
        return ref

    def _record(self, result: CaseResult) -> ArtifactRef:
        key = _result_key(result.run_id, result.key)
        body = result.model_dump_json(indent=1).encode()
        stored = self._store.put_if_absent(key, body, "application/json")
        return stored or self._store.reference(key, self._store.get(key), "application/json")

    @activity.defn(name="record_blind")
    async def record_blind(self, blind: BlindResult) -> None:
        """Store what people said of a case without knowing what the machine had decided; the first one stands."""
        key = blind.key
        file = case_key(blind.run_id, key, BLIND_FILE)
        body = blind.model_dump_json(indent=1).encode()
        await asyncio.to_thread(self._store.put_if_absent, file, body, "application/json")
        await self._records.case(blind.run_id, key)

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
            return CaseUpdate(key=key, phase=CasePhase.FINISHED, outcome=result.outcome, reason=_told(result))
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
        await self._records.case(request.run_id, key)
        return CaseUpdate(key=key, phase=CasePhase.FINISHED, outcome=Outcome.ERRORED, reason=reason)

    @activity.defn(name="catch_up_records")
    async def catch_up_records(self, request: RecordRequest) -> None:
        """Record what could not be recorded when it was stored; fails while the database is away."""
        async with heartbeats(lambda: request.workflow_id):
            await asyncio.to_thread(self._records.catch_up, request)


def _told(result: CaseResult) -> str:
    """Why a case ended so, as its run may hear it: no words of anybody's."""
    verdict = VerdictSummary.of(result.verdict, None) if result.verdict is not None else None
    return CaseSummary.model_validate({**dict(result), "verdict": verdict}).headline


def _result_key(run_id: str, key: CaseKey) -> str:
    return case_key(run_id, key, "result.json")


def _present(found: Iterable[CaseUpdate | None]) -> list[CaseUpdate]:
    return [update for update in found if update is not None]

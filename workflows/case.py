"""One case: synthesize, call, transcribe, validate, ask a human, file a defect, record; in this order, nothing else."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NoReturn

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    FailureError,
    WorkflowAlreadyStartedError,
    is_cancelled_exception,
)

with workflow.unsafe.imports_passed_through():
    from activities.errors import LineTakenError
    from activities.steps.call import CallStep
    from activities.steps.defects import DefectStep
    from activities.steps.phone_lines import PhoneLinesStep
    from activities.steps.record import RecordStep
    from activities.steps.review import ReviewStep
    from activities.steps.synthesize import SynthesizeStep
    from activities.steps.transcribe import TranscribeStep
    from activities.steps.validate import ValidateStep
    from voicewright.client import search_attributes as attributes
    from voicewright.contracts.artifact import ArtifactRef
    from voicewright.contracts.blind import BLIND, BlindRequest
    from voicewright.contracts.call import CallSummary
    from voicewright.contracts.case import (
        CaseError,
        CaseMemory,
        CasePhase,
        CaseRequest,
        CaseState,
        CaseSummary,
        CaseUpdate,
        Outcome,
        Step,
    )
    from voicewright.contracts.review import ReviewPolicy, ReviewVerdict
    from voicewright.contracts.steps import CallRequest, ReviewRequest, TranscribeRequest, ValidateRequest
    from voicewright.contracts.verdict import Decision, VerdictSummary
    from voicewright.defects.record import DefectRef
    from workflows import policies
    from workflows.blind import BlindReview
    from workflows.case_error import case_error
    from workflows.case_page import details_of, state_of, summary_of
    from workflows.corrections import CorrectableDesk
    from workflows.uncancellable import uncancellable

_BY_DECISION = {Decision.PASS: Outcome.PASSED, Decision.FAIL: Outcome.FAILED, Decision.INVALID: Outcome.ERRORED}
_BY_REVIEW = {
    ReviewVerdict.PASS: Outcome.PASSED,
    ReviewVerdict.FAIL: Outcome.FAILED,
    ReviewVerdict.EDGE_CASE: Outcome.UNREVIEWED,
}


@workflow.defn(name="VoiceTestCase")
class VoiceTestCase(CorrectableDesk):
    """Speak to the agent, judge its answers, ask a human where that is unsure."""

    @workflow.init
    def __init__(self, request: CaseRequest) -> None:
        self._request = request
        self._memory = request.resume or CaseMemory(started_at=workflow.now().isoformat(timespec="milliseconds"))
        self._filed = DefectRef(id="")

    @workflow.run
    async def run(self, request: CaseRequest) -> CaseSummary:
        """Every step in its order. Whatever happens, the case ends with one recorded result and its run is told."""
        cancelled: BaseException | None = None
        try:
            self._memory.outcome = await self._test(request)
        except (ActivityError, asyncio.CancelledError) as error:
            if is_cancelled_exception(error):
                cancelled = error
            self._memory.outcome, self._memory.error = Outcome.ERRORED, case_error(error, self._memory.step)
        self._memory.waiting = False
        if self._memory.outcome is Outcome.FAILED:
            with self._timed(Step.FILE_DEFECT):
                cancelled = await self._file_defect()
        with self._timed(Step.RECORD):
            summary = self._summary()
            recording = workflow.execute_activity_method(RecordStep.record_result, summary, **policies.RECORD)
            stored, late = await uncancellable(recording)
            cancelled = cancelled or late
        self._memory.step = Step.DONE
        workflow.metric_meter().create_counter("voicewright_cases", "Finished cases.").add(
            1, {"suite": request.suite.name, "language": request.key.language, "outcome": str(self._memory.outcome)}
        )
        workflow.upsert_search_attributes([attributes.OUTCOME.value_set(self._memory.outcome)])
        self._show()
        await self._tell_run(CasePhase.FINISHED, stored=stored, cancelled=cancelled is not None)
        if self._filed.publish and cancelled is None:
            await self._publish_defects()
        if cancelled is None:
            await self._sample()
        await workflow.wait_condition(workflow.all_handlers_finished)
        if cancelled is not None:
            raise cancelled
        return summary.without_notes

    async def _test(self, request: CaseRequest) -> Outcome:
        if request.resume is not None and request.resume.verdict is not None:
            with self._timed(Step.REVIEW):
                return await self._ask_human(request.resume.verdict)
        with self._timed(Step.SYNTHESIZE):
            speech = await workflow.execute_activity_method(SynthesizeStep.synthesize, request, **policies.SYNTHESIZE)
        with self._timed(Step.CALL):
            self._memory.call = await self._hold_call(CallRequest(case=request, speech=speech))
        self._stop_if_cancelled()
        await self._tell_run(CasePhase.JUDGING)  # the agent's line is free for the next case
        self._stop_if_cancelled()
        with self._timed(Step.TRANSCRIBE):
            self._memory.transcript = await workflow.execute_activity_method(
                TranscribeStep.transcribe,
                TranscribeRequest(case=request, call=self._memory.call),
                **policies.TRANSCRIBE,
            )
        with self._timed(Step.VALIDATE):
            self._memory.verdict = await workflow.execute_activity_method(
                ValidateStep.validate,
                ValidateRequest(case=request, call=self._memory.call, transcript=self._memory.transcript),
                **policies.VALIDATE,
            )
        if self._memory.verdict.decision is Decision.REVIEW:
            with self._timed(Step.REVIEW):
                return await self._ask_human(self._memory.verdict)
        verdict = self._memory.verdict
        if verdict.decision is Decision.INVALID:
            self._memory.error = CaseError(kind="InvalidTest", message=verdict.headline, step=Step.VALIDATE)
        return _BY_DECISION[verdict.decision]

    async def _hold_call(self, request: CallRequest) -> CallSummary:
        """The call; where all runs share an account, on a line of it, for which it waits as long as it takes."""
        policy = policies.call(request.case.call_limit_ms)
        if not request.case.on_account:
            return await workflow.execute_activity_method(CallStep.call, request, **policy)
        try:
            while True:
                with_caller = request.model_copy(update={"caller_id": await self._reserve_line(request.case)})
                try:
                    return await workflow.execute_activity_method(CallStep.call, with_caller, **policy)
                except ActivityError as error:
                    taken = isinstance(error.cause, ApplicationError) and error.cause.type == LineTakenError.__name__
                    if not taken:
                        raise
        finally:
            # Also when cancelled: the line is somebody else's now. One that is not given back expires.
            giving_back = workflow.execute_activity_method(PhoneLinesStep.release_line, request.case, **policies.LINES)
            _, late = await uncancellable(giving_back)
            if late is not None:
                raise late

    async def _reserve_line(self, case: CaseRequest) -> str:
        """Wait for a line of the account; returns the number to call from."""
        asked = 0
        while True:
            grant = await workflow.execute_activity_method(PhoneLinesStep.reserve_line, case, **policies.LINES)
            if grant.granted:
                self._memory.waits_for = ""
                return grant.caller_id
            self._memory.waits_for = grant.because
            self._show()
            asked += 1
            wait = timedelta(milliseconds=grant.wait_ms) * policies.line_patience(asked)
            await workflow.sleep(wait, summary=grant.because)

    async def _file_defect(self) -> BaseException | None:
        """One defect per cause. A cancellation that comes now is returned: the agent was wrong anyway."""
        return (await uncancellable(self._file(self._summary())))[1]

    async def _file(self, summary: CaseSummary) -> None:
        try:
            self._filed = await workflow.execute_activity_method(
                DefectStep.file_defect, summary, **policies.FILE_DEFECT
            )
        except ActivityError as error:  # the verdict stands
            workflow.logger.warning("no defect was filed: %s", error.cause)
        else:
            self._memory.defects = (self._filed.id, *self._filed.others)

    async def _publish_defects(self) -> None:
        """Tell the outside tracker. The result is recorded and the run told: nobody waits for a tracker."""
        for defect in (self._filed.id, *self._filed.others):
            try:
                await workflow.execute_activity_method(DefectStep.publish_defect, defect, **policies.VENDOR)
            except ActivityError as error:  # the record stands; reconciliation tells the tracker when it is back
                workflow.logger.warning("the tracker was not told of %s: %s", defect, error.cause)

    async def _ask_human(self, verdict: VerdictSummary) -> Outcome:
        if self._memory.expires_at is None:
            self._begin_to_wait(verdict.headline)
            await self._tell_run(CasePhase.REVIEWING)
        self._stop_if_cancelled()
        decision = await self._until_decided()
        if decision is not None:
            return _BY_REVIEW[decision.verdict]
        if self._memory.settled_by_words and self._memory.verdict is not None:
            return _BY_DECISION[self._memory.verdict.decision]
        return Outcome.UNREVIEWED

    @property
    def _policy(self) -> ReviewPolicy:
        return self._request.review

    def _continue(self) -> NoReturn:
        workflow.continue_as_new(self._request.model_copy(update={"resume": self._memory}))

    async def _ask(self) -> None:
        verdict = self._memory.verdict
        request = ReviewRequest(
            run_id=self._request.run_id,
            key=self._request.key,
            workflow_id=workflow.info().workflow_id,
            reason=verdict.headline if verdict is not None else "",
            reminder=self._memory.reminders,
        )
        await workflow.execute_activity_method(ReviewStep.request_review, request, **policies.REVIEW)

    async def _sample(self) -> None:
        """Show a share of what the machine decided to people who do not see how: so its accuracy is measured."""
        memory, request = self._memory, self._request
        verdict = memory.verdict
        alone = memory.review is None and not memory.corrections
        decided = verdict is not None and alone and verdict.decision in {Decision.PASS, Decision.FAIL}
        if not decided or not request.review.blind or workflow.random().random() >= request.review.blind:
            return
        assert verdict is not None
        try:
            await workflow.start_child_workflow(
                BlindReview.run,
                BlindRequest(
                    run_id=request.run_id,
                    suite=request.suite,
                    key=request.key,
                    review=request.review,
                    decided=verdict.decision,
                    call=memory.call,
                    transcript=memory.transcript,
                ),
                id=f"{BLIND}{workflow.info().workflow_id}",
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                search_attributes=attributes.of_case(request.suite.name, request.key),
            )
        except WorkflowAlreadyStartedError:
            workflow.logger.info("this case was sampled before")

    @workflow.query
    def state(self) -> CaseState:
        """Where the case is and what is known of it."""
        return state_of(self._request, self._memory)

    @staticmethod
    def _stop_if_cancelled() -> None:
        """A step that succeeds while it is being cancelled swallows the cancellation: nothing may follow it."""
        if workflow.cancellation_reason() is not None:
            raise asyncio.CancelledError

    @contextmanager
    def _timed(self, step: Step) -> Iterator[None]:
        self._memory.step = step
        began = workflow.now()
        try:
            yield
        except GeneratorExit:
            raise  # the worker forgets this workflow: there is no clock any more
        except BaseException:
            self._took(step, began)
            raise
        self._took(step, began)

    def _took(self, step: Step, began: datetime) -> None:
        seconds = (workflow.now() - began).total_seconds()
        self._memory.step_ms[step] = self._memory.step_ms.get(step, 0) + round(seconds * 1000)
        workflow.metric_meter().create_histogram_float(
            "voicewright_step_seconds", "Wall time of a step, waiting and retries included.", "s"
        ).record(seconds, {"step": str(step)})

    def _summary(self) -> CaseSummary:
        ended_at = workflow.now().isoformat(timespec="milliseconds")
        return summary_of(self._request, self._memory, workflow.info().workflow_id, ended_at)

    async def _tell_run(self, phase: CasePhase, stored: ArtifactRef | None = None, *, cancelled: bool = False) -> None:
        """A run that is gone needs no news; the result is stored either way."""
        if not self._request.report_to_run:
            return
        update = CaseUpdate(
            key=self._request.key,
            phase=phase,
            outcome=self._memory.outcome,
            reason=self._summary().headline[:300] if self._memory.outcome is not None else "",
            duration_ms=self._memory.call.duration_ms if self._memory.call is not None else 0,
            result=stored,
            cancelled=cancelled,
        )
        try:
            await workflow.get_external_workflow_handle(self._request.run_id).signal("case_changed", update)
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.info("the run %s is gone: %s", self._request.run_id, error)

    def _show(self) -> None:
        """What the Temporal UI shows on the workflow's page."""
        workflow.set_current_details(details_of(self._memory))

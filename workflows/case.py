"""One case: synthesize, call, transcribe, validate, ask a human, file a defect, record; in this order, nothing else."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.call import CallStep
    from activities.defects import DefectStep
    from activities.phone_lines import PhoneLinesStep
    from activities.record import RecordStep
    from activities.review import ReviewStep
    from activities.synthesize import SynthesizeStep
    from activities.transcribe import TranscribeStep
    from activities.validate import ValidateStep
    from voicewright import search_attributes as attributes
    from voicewright.artifact import ArtifactRef
    from voicewright.call import CallSummary
    from voicewright.case import (
        CaseError,
        CasePhase,
        CaseRequest,
        CaseResult,
        CaseState,
        CaseUpdate,
        Step,
    )
    from voicewright.defect import DefectRef, Failure, failure_of
    from voicewright.outcome import Outcome
    from voicewright.review import MEMO_REASON, ReviewDecision, ReviewStatus, ReviewSubmission, ReviewVerdict, refusal
    from voicewright.run import ReviewRequest
    from voicewright.steps import CallRequest, TranscribeRequest, ValidateRequest
    from voicewright.transcript import TranscriptSummary
    from voicewright.verdict import Decision, Verdict
    from workflows import policies

_BY_DECISION = {Decision.PASS: Outcome.PASSED, Decision.FAIL: Outcome.FAILED, Decision.INVALID: Outcome.ERRORED}
_MEMO = 300
_EAGER, _SLOWER, _RAREST = 20, 1.2, 60
"""A case asks for a line so many times at the pace that it is told, then ever slower, at most so much."""
_BY_REVIEW = {ReviewVerdict.PASS: Outcome.PASSED, ReviewVerdict.FAIL: Outcome.FAILED}


@workflow.defn(name="VoiceTestCase")
class VoiceTestCase:
    """Speak to the agent, judge its answers, ask a human where that is unsure."""

    @workflow.init
    def __init__(self, request: CaseRequest) -> None:
        self._request = request
        self._started_at = workflow.now().isoformat(timespec="milliseconds")
        self._step = Step.SYNTHESIZE
        self._step_ms: dict[Step, int] = {}
        self._outcome: Outcome | None = None
        self._error: CaseError | None = None
        self._call: CallSummary | None = None
        self._transcript: TranscriptSummary | None = None
        self._verdict: Verdict | None = None
        self._waiting = False
        self._review: ReviewDecision | None = None
        self._defect = ""
        self._reminders = 0
        self._waits_for = ""
        self._refused: list[str] = []

    @workflow.run
    async def run(self, request: CaseRequest) -> CaseResult:
        """The recipe. Whatever happens, the case ends with one recorded result and its run is told."""
        cancelled: BaseException | None = None
        try:
            self._outcome = await self._test(request)
        except (ActivityError, asyncio.CancelledError) as error:
            if is_cancelled_exception(error):
                cancelled = error
            self._outcome, self._error = Outcome.ERRORED, self._trouble(error)
        filed: DefectRef | None = None
        if self._outcome is Outcome.FAILED:
            with self._timed(Step.FILE_DEFECT):
                filed, cancelled = await self._file_defect()
        with self._timed(Step.RECORD):
            result = self._result()
            recording = asyncio.ensure_future(
                workflow.execute_activity_method(RecordStep.record_result, result, **policies.RECORD)
            )
            try:
                stored = await asyncio.shield(recording)
            except asyncio.CancelledError as late:  # what was measured is recorded all the same
                cancelled = cancelled or late
                stored = await recording
        self._step = Step.DONE
        workflow.metric_meter().create_counter("voicewright_cases", "Finished cases.").add(
            1, {"suite": request.suite.name, "language": request.key.language, "outcome": str(self._outcome)}
        )
        workflow.upsert_search_attributes([attributes.OUTCOME.value_set(self._outcome)])
        self._show()
        await self._tell_run(CasePhase.FINISHED, stored=stored, cancelled=cancelled is not None)
        if filed is not None and filed.publish and cancelled is None:
            await self._publish_defect(filed)
        await workflow.wait_condition(workflow.all_handlers_finished)
        if cancelled is not None:
            raise cancelled
        return result

    async def _test(self, request: CaseRequest) -> Outcome:
        with self._timed(Step.SYNTHESIZE):
            speech = await workflow.execute_activity_method(SynthesizeStep.synthesize, request, **policies.SYNTHESIZE)
        with self._timed(Step.CALL):
            self._call = await self._hold_call(CallRequest(case=request, speech=speech))
        self._stop_if_cancelled()
        await self._tell_run(CasePhase.JUDGING)  # the agent's line is free for the next case
        self._stop_if_cancelled()
        with self._timed(Step.TRANSCRIBE):
            self._transcript = await workflow.execute_activity_method(
                TranscribeStep.transcribe,
                TranscribeRequest(case=request, call=self._call),
                **policies.TRANSCRIBE,
            )
        with self._timed(Step.VALIDATE):
            self._verdict = await workflow.execute_activity_method(
                ValidateStep.validate,
                ValidateRequest(case=request, call=self._call, transcript=self._transcript),
                **policies.VALIDATE,
            )
        if self._verdict.decision is Decision.REVIEW:
            with self._timed(Step.REVIEW):
                return await self._ask_human(self._verdict)
        if self._verdict.decision is Decision.INVALID:
            self._error = CaseError(kind="InvalidTest", message=self._verdict.reason, step=Step.VALIDATE)
        return _BY_DECISION[self._verdict.decision]

    async def _hold_call(self, request: CallRequest) -> CallSummary:
        """The call; where all runs share an account, on a line of it, for which it waits as long as it takes."""
        policy = policies.call(request.case.call_limit_ms)
        if not request.case.on_account:
            return await workflow.execute_activity_method(CallStep.call, request, **policy)
        asked = 0
        try:
            while True:
                grant = await workflow.execute_activity_method(
                    PhoneLinesStep.reserve_line, request.case, **policies.LINES
                )
                if grant.granted:
                    break
                self._waits_for = grant.because
                self._show()
                # Who waits for hours asks less and less often, so that its history stays small.
                asked += 1
                patience = min(_RAREST, _SLOWER ** max(0, asked - _EAGER))
                await workflow.sleep(timedelta(milliseconds=grant.wait_ms) * patience, summary=grant.because)
            self._waits_for = ""
            with_caller = request.model_copy(update={"caller_id": grant.caller_id})
            return await workflow.execute_activity_method(CallStep.call, with_caller, **policy)
        finally:
            # Also when cancelled: the line is somebody else's now. One that is not given back expires.
            giving_back = asyncio.ensure_future(
                workflow.execute_activity_method(PhoneLinesStep.release_line, request.case, **policies.LINES)
            )
            await asyncio.shield(giving_back)

    async def _file_defect(self) -> tuple[DefectRef | None, BaseException | None]:
        """One defect per cause. A cancellation that comes now is returned: the agent was wrong anyway."""
        filing = asyncio.ensure_future(self._file(failure_of(self._result())))
        try:
            return await asyncio.shield(filing), None
        except asyncio.CancelledError as late:
            return await filing, late

    async def _file(self, failure: Failure) -> DefectRef | None:
        try:
            ref = await workflow.execute_activity_method(DefectStep.file_defect, failure, **policies.FILE_DEFECT)
        except ActivityError as error:  # the verdict stands
            workflow.logger.warning("no defect was filed: %s", error.cause)
            return None
        self._defect = ref.id
        return ref

    async def _publish_defect(self, ref: DefectRef) -> None:
        """Tell the outside tracker. The result is recorded and the run told: nobody waits for a tracker."""
        try:
            await workflow.execute_activity_method(DefectStep.publish_defect, ref.id, **policies.VENDOR)
        except ActivityError as error:  # the record stands; reconciliation tells the tracker when it is back
            workflow.logger.warning("the tracker was not told of %s: %s", ref.id, error.cause)

    async def _ask_human(self, verdict: Verdict) -> Outcome:
        """Wait for `submit_review`, remind on the way, give up at the end. All of it survives any restart."""
        self._waiting = True
        workflow.upsert_memo({MEMO_REASON: verdict.reason[:_MEMO]})
        workflow.upsert_search_attributes([attributes.REVIEW.value_set(ReviewStatus.PENDING)])
        policy = self._request.review
        expires = workflow.now() + timedelta(milliseconds=policy.expire_ms)
        await self._tell_run(CasePhase.REVIEWING)
        self._stop_if_cancelled()
        try:
            while self._review is None and (left := expires - workflow.now()) > timedelta(0):
                await self._request_review(verdict)
                self._show()
                try:
                    await workflow.wait_condition(
                        lambda: self._review is not None,
                        timeout=min(left, timedelta(milliseconds=policy.remind_ms)),
                        timeout_summary="review reminder or expiry",
                    )
                except TimeoutError:
                    self._reminders += 1
        finally:
            self._waiting = False
        if self._review is None:
            self._reminders -= 1  # the last wait ended in expiry, not in a reminder
            workflow.upsert_search_attributes([attributes.REVIEW.value_set(ReviewStatus.EXPIRED)])
            return Outcome.UNREVIEWED
        workflow.upsert_search_attributes([attributes.REVIEW.value_set(ReviewStatus.DECIDED)])
        return _BY_REVIEW[self._review.verdict]

    async def _request_review(self, verdict: Verdict) -> None:
        request = ReviewRequest(
            run_id=self._request.run_id,
            key=self._request.key,
            workflow_id=workflow.info().workflow_id,
            reason=verdict.reason,
            reminder=self._reminders,
        )
        await workflow.execute_activity_method(ReviewStep.request_review, request, **policies.REVIEW)

    @workflow.update(name="submit_review")
    async def submit_review(self, submission: ReviewSubmission) -> ReviewDecision:
        """Decide this case; refused with a reason when it cannot be decided so."""
        return self._accept(submission)

    @submit_review.validator
    def _submit_review_validator(self, submission: ReviewSubmission) -> None:
        if (reason := self._refusal(submission)) is not None:
            raise ApplicationError(reason, type="ReviewRefused", non_retryable=True)

    @workflow.signal(name="submit_review")
    def _submit_review_signal(self, submission: ReviewSubmission) -> None:
        """The same for anyone in the Temporal UI. A signal gets no answer, so a refusal is shown in the details."""
        if (reason := self._refusal(submission)) is not None:
            self._refused.append(reason)
            self._show()
            workflow.logger.warning("a decision by signal was refused; the case's details say why")
        else:
            self._accept(submission)

    def _refusal(self, submission: ReviewSubmission) -> str | None:
        return refusal(submission, decided=self._review, waiting=self._waiting)

    def _accept(self, submission: ReviewSubmission) -> ReviewDecision:
        self._review = ReviewDecision(
            verdict=ReviewVerdict(submission.verdict.strip().lower()),
            reviewer=submission.reviewer.strip(),
            note=submission.note.strip(),
            decided_at=workflow.now().isoformat(timespec="seconds"),
        )
        return self._review

    @workflow.query
    def state(self) -> CaseState:
        """Where the case is and what is known of it."""
        return CaseState(
            key=self._request.key,
            step=self._step,
            outcome=self._outcome,
            verdict=self._verdict,
            call=self._call,
            transcript=self._transcript,
            review=self._review,
            reminders=self._reminders,
            refused=tuple(self._refused),
            suite=self._request.suite,
            run_id=self._request.run_id,
            waiting=self._waiting and self._review is None,
            error=self._error,
        )

    @staticmethod
    def _stop_if_cancelled() -> None:
        """A step that succeeds while it is being cancelled swallows the cancellation: nothing may follow it."""
        if workflow.cancellation_reason() is not None:
            raise asyncio.CancelledError

    @contextmanager
    def _timed(self, step: Step) -> Iterator[None]:
        self._step = step
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
        self._step_ms[step] = round(seconds * 1000)
        workflow.metric_meter().create_histogram_float(
            "voicewright_step_seconds", "Wall time of a step, waiting and retries included.", "s"
        ).record(seconds, {"step": str(step)})

    def _trouble(self, error: BaseException) -> CaseError:
        if is_cancelled_exception(error):
            return CaseError(
                kind="Cancelled", message="the run was cancelled; a call in flight was hung up", step=self._step
            )
        cause = error.cause if isinstance(error, ActivityError) and error.cause is not None else error
        kind = cause.type if isinstance(cause, ApplicationError) and cause.type else type(cause).__name__
        message = cause.message if isinstance(cause, FailureError) else str(cause)
        return CaseError(kind=kind, message=message[:2000], step=self._step)

    def _result(self) -> CaseResult:
        assert self._outcome is not None
        request = self._request
        return CaseResult(
            run_id=request.run_id,
            suite=request.suite,
            key=request.key,
            workflow_id=workflow.info().workflow_id,
            outcome=self._outcome,
            verdict=self._verdict,
            review=self._review,
            error=self._error,
            defect=self._defect,
            call=self._call,
            transcript=self._transcript,
            started_at=self._started_at,
            ended_at=workflow.now().isoformat(timespec="milliseconds"),
            step_ms=dict(self._step_ms),
        )

    async def _tell_run(self, phase: CasePhase, stored: ArtifactRef | None = None, *, cancelled: bool = False) -> None:
        """A run that is gone needs no news; the result is stored either way."""
        if not self._request.report_to_run:
            return
        update = CaseUpdate(
            key=self._request.key,
            phase=phase,
            outcome=self._outcome,
            reason=self._result().reason[:300] if self._outcome is not None else "",
            duration_ms=self._call.duration_ms if self._call is not None else 0,
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
        lines = [f"**{self._outcome or self._step}**"]
        lines += ["", f"Waits: {self._waits_for}"] if self._waits_for else []
        if self._verdict is not None:
            lines += ["", f"Verdict: {self._verdict.decision}, {self._verdict.reason}", ""]
            lines += ["| check | turn | outcome | evidence |", "|---|---|---|---|"]
            lines += [
                f"| {check.kind} | {'' if check.turn is None else check.turn + 1} | {check.outcome} | "
                f"{check.evidence.replace('|', '/')} |"
                for check in self._verdict.checks[:50]
            ]
        if self._waiting and self._review is None:
            lines += [
                "",
                'Decide by signal `submit_review`: `{"verdict": "pass", "reviewer": "your name", "note": ""}`',
            ]
            lines += [f"Reminders so far: {self._reminders}"] if self._reminders else []
        lines += [f"Refused: {reason}" for reason in self._refused[-5:]]
        workflow.set_current_details("\n".join(lines))

"""One run: expands a suite to cases, keeps a window of them in flight, counts, and publishes the report.

Cases are children that outlive this execution: they report by signal `case_changed` to the run's workflow id, so the
run can continue as new at any time and its history stays small, however many cases there are. A case that waits for a
human does not occupy a place in the window.
"""

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    ChildWorkflowError,
    FailureError,
    WorkflowAlreadyStartedError,
    is_cancelled_exception,
)
from temporalio.workflow import ActivityConfig

with workflow.unsafe.imports_passed_through():
    from activities.steps.defects import DefectStep
    from activities.steps.notify import NotifyStep
    from activities.steps.plan import PlanStep
    from activities.steps.record import RecordStep
    from activities.steps.report import ReportStep
    from voicewright.client import search_attributes as attributes
    from voicewright.contracts.case import CaseKey, CasePhase, CaseRequest, CaseUpdate, Outcome
    from voicewright.contracts.run import (
        GitHubTarget,
        PageRequest,
        RunPlan,
        RunProgress,
        RunRequest,
        RunResult,
        RunState,
        read_run_request,
    )
    from voicewright.contracts.steps import LostCasesRequest, ReportRequest, RunNotice, SettleRequest
    from workflows import policies
    from workflows.case import VoiceTestCase
    from workflows.run_page import RECENT, details_of, notice_of, progress_of, refusal_of
    from workflows.uncancellable import uncancellable


@workflow.defn(name="VoiceTestRun")
class VoiceTestRun:
    """A suite against an agent."""

    @workflow.init
    def __init__(self, request: Any = None) -> None:  # noqa: ANN401 - a person may type anything
        self._asked: RunRequest | None = None
        self._mistake = ""
        self._state = RunState(started_at=workflow.now().isoformat(timespec="seconds"))
        self._heard = 0
        self._report: RunResult | None = None
        try:
            self._asked = read_run_request(request)
        except ValueError as error:
            self._mistake = str(error)
        # Taken up here and not in `run`: cases may report before `run` begins.
        if self._asked is not None and self._asked.resume is not None:
            self._state = self._asked.resume.from_message()

    @workflow.run
    async def run(self, request: Any = None) -> RunResult:  # noqa: ANN401, ARG002 - read in `__init__`
        """Run every case that `request` asks for. `request` is a `RunRequest`: `{"suite": "clinic"}`.

        Raises:
            ApplicationError: the request makes no sense; not retried.
        """
        asked = self._asked
        if asked is None:
            raise ApplicationError(self._mistake, type="BadInput", non_retryable=True)
        cancelled: BaseException | None = None
        try:
            plan = self._state.plan or await self._make_plan(asked)
            await self._hold_all(asked, plan)
        except (asyncio.CancelledError, ActivityError, ChildWorkflowError) as error:
            if not is_cancelled_exception(error):
                refused = self._refused(error)
                if asked.github is not None and self._state.plan is None:
                    await self._tell(self._refusal(asked, asked.github, refused), policies.NOTICE)
                raise refused from error
            cancelled, self._state.cancelled = error, True
            if self._state.plan is None:
                raise
            await self._hang_up(self._state.plan)
        result, late = await uncancellable(self._conclude(self._state.plan or plan))
        self._show()
        if (ended_by := cancelled or late) is not None:
            raise ended_by
        return result

    @staticmethod
    def _refused(error: BaseException) -> ApplicationError:
        """A plan that cannot be made fails the run with the message that says why, not with a wrapper's."""
        inner = error.cause if isinstance(error, FailureError) else None
        cause = inner if isinstance(inner, ApplicationError) else error
        kind = cause.type if isinstance(cause, ApplicationError) else None
        message = cause.message if isinstance(cause, FailureError) else str(cause)
        return ApplicationError(message, type=kind, non_retryable=True)

    @staticmethod
    def _refusal(asked: RunRequest, github: GitHubTarget, refused: ApplicationError) -> RunNotice:
        return refusal_of(workflow.info().workflow_id, asked.suite, refused.message, github)

    async def _make_plan(self, asked: RunRequest) -> RunPlan:
        page = await workflow.execute_activity_method(
            PlanStep.plan, PageRequest(request=asked, limit=policies.PAGE), **policies.PLAN
        )
        self._state.plan = page.plan
        self._state.queue, self._state.next_offset = list(page.keys), len(page.keys)
        workflow.upsert_search_attributes([attributes.SUITE.value_set(page.plan.suite.name)])
        self._show()
        return page.plan

    async def _hold_all(self, asked: RunRequest, plan: RunPlan) -> None:
        """The window: as long as there are cases, keep `max_parallel` of them running."""
        sweep = policies.WINDOW_SWEEP
        if asked.github is not None and asked.resume is None:
            await self._notify(plan, policies.NOTICE)
        while True:
            await self._fill_window(asked, plan)
            if self._only_people_are_missing():
                await self._notify(plan, policies.NOTICE)
            if not self._state.in_flight and not self._state.queue and self._state.next_offset >= plan.total:
                return
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(asked.model_copy(update={"resume": self._state.to_message()}))
            if await self._hear_news(sweep):
                sweep = policies.WINDOW_SWEEP
            else:
                await self._look_up_silent(plan)
                sweep = min(sweep * 2, policies.WINDOW_SWEEP_MAX)

    def _only_people_are_missing(self) -> bool:
        """All calls are done and more cases wait for a human than people were told of."""
        return self._state.running == 0 and len(self._state.reviewing) > self._state.announced

    async def _hear_news(self, patience: timedelta) -> bool:
        """Wait until a case reports; False when none did in time."""
        heard = self._heard
        try:
            await workflow.wait_condition(
                lambda: self._heard > heard, timeout=patience, timeout_summary="look up silent cases"
            )
        except TimeoutError:
            return False
        return True

    async def _fill_window(self, asked: RunRequest, plan: RunPlan) -> None:
        state, lines = self._state, plan.max_parallel
        while state.calling < lines and state.running < policies.BACKLOG * lines:
            if workflow.info().is_continue_as_new_suggested():
                return  # quick cases may free places as fast as we fill them: there must be an end to this loop
            if not state.queue and state.next_offset < plan.total:
                page = await workflow.execute_activity_method(
                    PlanStep.plan,
                    PageRequest(
                        request=asked.model_copy(update={"resume": None}),
                        suite=plan.suite,
                        offset=state.next_offset,
                        limit=policies.PAGE,
                    ),
                    **policies.NEXT_PAGE,
                )
                state.queue = list(page.keys)
                state.next_offset += len(page.keys)
            if not state.queue:
                return
            await self._start(state.queue.pop(0), plan)

    async def _start(self, key: CaseKey, plan: RunPlan) -> None:
        request = CaseRequest(
            run_id=workflow.info().workflow_id,
            suite=plan.suite,
            key=key,
            agent_url=plan.agent_url,
            call_limit_ms=plan.call_limit_ms,
            review=plan.review,
            on_account=plan.on_account,
        )
        self._state.in_flight[str(key)] = CaseUpdate(key=key, phase=CasePhase.RUNNING)
        try:
            await workflow.start_child_workflow(
                VoiceTestCase.run,
                request,
                id=request.workflow_id,
                # A case belongs to the run's id, not to one execution of it: it must survive continue-as-new.
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                search_attributes=attributes.of_case(plan.suite.name, key),
            )
        except WorkflowAlreadyStartedError:
            # This run was reset to an earlier point: the case is running or has ended, and is looked up like one
            # that fell silent.
            workflow.logger.info("case %s was started before", key)

    @workflow.signal(name="case_changed")
    def _case_changed(self, update: CaseUpdate) -> None:
        """News from a case; what it said last counts, and what it says after its end does not."""
        name, state = str(update.key), self._state
        if name not in state.in_flight:
            return
        self._heard += 1
        if update.phase is CasePhase.FINISHED:
            del state.in_flight[name]
            outcome = update.outcome or Outcome.ERRORED
            state.counts[outcome] = state.counts.get(outcome, 0) + 1
            if state.in_quarantine(update.key):
                state.quarantined[outcome] = state.quarantined.get(outcome, 0) + 1
            state.recent = [*state.recent, update][-RECENT:]
            state.news += 1
            state.announced = min(state.announced, len(state.reviewing))
        else:
            state.in_flight[name] = update
        self._show()

    async def _look_up_silent(self, plan: RunPlan) -> None:
        keys = [update.key for update in self._state.in_flight.values()]
        for at in range(0, len(keys), policies.LOOK_UP_AT_ONCE):
            some = tuple(keys[at : at + policies.LOOK_UP_AT_ONCE])
            lost = await workflow.execute_activity_method(
                RecordStep.check_cases,
                LostCasesRequest(run_id=workflow.info().workflow_id, suite=plan.suite, keys=some),
                **policies.REPORT,
            )
            for update in lost.ended:
                self._case_changed(update)

    async def _hang_up(self, plan: RunPlan) -> None:
        """Cancel every case in flight and wait until it has hung up and reported."""
        self._state.queue = []
        keys = [update.key for update in self._state.in_flight.values()]
        for at in range(0, len(keys), policies.CANCEL_AT_ONCE):
            await asyncio.gather(*(self._cancel(key) for key in keys[at : at + policies.CANCEL_AT_ONCE]))
        deadline = workflow.now() + policies.CANCEL_GRACE
        while self._state.in_flight and workflow.now() < deadline:
            try:
                await workflow.wait_condition(
                    lambda: not self._state.in_flight, timeout=policies.CANCEL_SWEEP, timeout_summary="calls hang up"
                )
            except TimeoutError:
                await self._look_up_silent(plan)
        if self._state.in_flight:
            workflow.logger.warning("%s cases did not report after the cancellation", len(self._state.in_flight))

    async def _cancel(self, key: CaseKey) -> None:
        try:
            await workflow.get_external_workflow_handle(f"{workflow.info().workflow_id}/{key}").cancel()
        except FailureError:
            workflow.logger.info("case %s had ended already or never began", key)

    async def _conclude(self, plan: RunPlan) -> RunResult:
        """What follows from the verdicts: the report, defects that healed, and news for people."""
        self._report = await self._publish(plan)
        self._show()
        settle = SettleRequest(run_id=workflow.info().workflow_id, suite=plan.suite)
        try:
            settled = await workflow.execute_activity_method(DefectStep.settle_defects, settle, **policies.SETTLE)
            if settled.publish:
                for defect in settled.moved:
                    await workflow.execute_activity_method(DefectStep.publish_defect, defect, **policies.VENDOR)
        except ActivityError as error:
            workflow.logger.warning("defects were not brought up to date: %s", error.cause)
        await self._notify(plan, policies.VENDOR)
        return self._report

    async def _notify(self, plan: RunPlan, policy: ActivityConfig) -> None:
        """Tell people; a run does not fail because nobody could be told."""
        self._state.announced = len(self._state.reviewing)
        github = self._asked.github if self._asked is not None else None
        finished = self._report is not None
        await self._tell(notice_of(workflow.info().workflow_id, plan, self._state, github, finished=finished), policy)

    @staticmethod
    async def _tell(notice: RunNotice, policy: ActivityConfig) -> None:
        try:
            await workflow.execute_activity_method(NotifyStep.notify, notice, **policy)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.warning("nobody could be told: %s", error.cause)

    async def _publish(self, plan: RunPlan) -> RunResult:
        run_id = workflow.info().workflow_id
        refs = await workflow.execute_activity_method(
            ReportStep.publish_report,
            ReportRequest(
                run_id=run_id,
                suite=plan.suite,
                agent=plan.agent,
                total=plan.total,
                counts=self._state.counts,
                cancelled=self._state.cancelled,
                started_at=self._state.started_at,
                branch=self._asked.branch if self._asked is not None else "",
                commit=self._asked.commit if self._asked is not None else "",
                whole=self._asked is not None and self._asked.whole,
                quarantined=plan.quarantined,
            ),
            **policies.REPORT,
        )
        return RunResult(
            run_id=run_id,
            suite=plan.suite,
            total=plan.total,
            counts=self._state.counts,
            quarantined=self._state.quarantined,
            not_run=plan.total - self._state.done,
            cancelled=self._state.cancelled,
            report=refs.report,
            junit=refs.junit,
            html=refs.html,
            markdown=refs.markdown,
        )

    @workflow.query
    def progress(self) -> RunProgress:
        """How far the run is; answered after its end too."""
        report = self._report.report if self._report is not None else None
        return progress_of(workflow.info().workflow_id, self._state, report, finished=self._report is not None)

    def _show(self) -> None:
        """What the Temporal UI shows on the run's page."""
        if self._state.plan is not None:
            workflow.set_current_details(details_of(self._state))

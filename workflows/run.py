"""One run: expands a suite to cases, keeps a window of them in flight, counts, and publishes the report.

Cases are children that outlive this execution: they report by signal `case_changed` to the run's workflow id, so the
run can continue as new at any time and its history stays small, however many cases there are. A case that waits for a
human does not occupy a place in the window.
"""

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
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
    from activities.defects import DefectStep
    from activities.notify import NotifyStep
    from activities.plan import PlanStep
    from activities.record import RecordStep
    from activities.report import ReportStep
    from voicewright import search_attributes as attributes
    from voicewright.case import CaseKey, CasePhase, CaseRequest, CaseUpdate, SuiteRef
    from voicewright.outcome import Outcome
    from voicewright.run import (
        GitHubTarget,
        LostCasesRequest,
        PageRequest,
        ReportRequest,
        RunNotice,
        RunPlan,
        RunProgress,
        RunRequest,
        RunResult,
        RunState,
        SettleRequest,
    )
    from voicewright.run_request import read_run_request
    from workflows import policies
    from workflows.case import VoiceTestCase

_PAGE = 200
_RECENT = 100
_CANCEL_AT_ONCE = 500
"""Temporal bounds the cancellations that a workflow may have pending."""
_BACKLOG = 4
"""Cases that may be under way per line of the agent: when recognition falls behind, no more calls are made."""
_SHOWN = 20


@workflow.defn(name="VoiceTestRun")
class VoiceTestRun:
    """A suite against an agent."""

    @workflow.init
    def __init__(self, request: Any = None) -> None:  # noqa: ANN401 - a person may type anything
        self._asked: RunRequest | None = None
        self._mistake = ""
        self._plan: RunPlan | None = None
        self._started_at = workflow.now().isoformat(timespec="seconds")
        self._queue: list[CaseKey] = []
        self._next_offset = 0
        self._in_flight: dict[str, CaseUpdate] = {}
        self._counts: dict[Outcome, int] = {}
        self._recent: list[CaseUpdate] = []
        self._news = 0
        self._heard = 0
        self._cancelled = False
        self._report: RunResult | None = None
        self._announced = 0
        try:
            self._asked = read_run_request(request)
        except ValueError as error:
            self._mistake = str(error)
        # Taken up here and not in `run`: cases may report before `run` begins.
        if self._asked is not None and self._asked.resume is not None:
            self._take_up(self._asked.resume)

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
            plan = self._plan or await self._make_plan(asked)
            await self._hold_all(asked, plan)
        except (asyncio.CancelledError, ActivityError, ChildWorkflowError) as error:
            if not is_cancelled_exception(error):
                refused = self._refused(error)
                if asked.github is not None and self._plan is None:
                    await self._tell_refused(asked, asked.github, refused)
                raise refused from error
            cancelled, self._cancelled = error, True
            if self._plan is None:
                raise
            await self._hang_up(self._plan)
        publishing = asyncio.ensure_future(self._conclude(self._plan or plan))
        try:
            self._report = await asyncio.shield(publishing)
        except asyncio.CancelledError as late:  # what was measured is reported all the same
            cancelled = cancelled or late
            self._report = await publishing
        self._show()
        if cancelled is not None:
            raise cancelled
        return self._report

    @staticmethod
    def _refused(error: BaseException) -> ApplicationError:
        """A plan that cannot be made fails the run with the message that says why, not with a wrapper's."""
        inner = error.cause if isinstance(error, FailureError) else None
        cause = inner if isinstance(inner, ApplicationError) else error
        kind = cause.type if isinstance(cause, ApplicationError) else None
        message = cause.message if isinstance(cause, FailureError) else str(cause)
        return ApplicationError(message, type=kind, non_retryable=True)

    async def _tell_refused(self, asked: RunRequest, github: GitHubTarget, refused: ApplicationError) -> None:
        """A commit that waits for this run's status must hear that there will be none."""
        notice = RunNotice(
            run_id=workflow.info().workflow_id,
            suite=SuiteRef(name=asked.suite.partition("@")[0], version=""),
            agent="",
            total=0,
            counts={},
            finished=True,
            problem=refused.message,
            github=github,
        )
        await self._tell(notice, policies.NOTICE)

    async def _make_plan(self, asked: RunRequest) -> RunPlan:
        page = await workflow.execute_activity_method(
            PlanStep.plan, PageRequest(request=asked, limit=_PAGE), **policies.PLAN
        )
        self._plan = page.plan
        self._queue, self._next_offset = list(page.keys), len(page.keys)
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
            if not self._in_flight and not self._queue and self._next_offset >= plan.total:
                return
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(asked.model_copy(update={"resume": self._state(plan)}))
            if await self._hear_news(sweep):
                sweep = policies.WINDOW_SWEEP
            else:
                await self._look_up_silent(plan)
                sweep = min(sweep * 2, policies.WINDOW_SWEEP_MAX)

    def _only_people_are_missing(self) -> bool:
        """All calls are done and more cases wait for a human than people were told of."""
        return self._running() == 0 and len(self._reviewing()) > self._announced

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
        while self._calling() < plan.max_parallel and self._running() < _BACKLOG * plan.max_parallel:
            if workflow.info().is_continue_as_new_suggested():
                return  # quick cases may free places as fast as we fill them: there must be an end to this loop
            if not self._queue and self._next_offset < plan.total:
                page = await workflow.execute_activity_method(
                    PlanStep.plan,
                    PageRequest(
                        request=asked.model_copy(update={"resume": None}),
                        suite=plan.suite,
                        offset=self._next_offset,
                        limit=_PAGE,
                    ),
                    **policies.NEXT_PAGE,
                )
                self._queue = list(page.keys)
                self._next_offset += len(page.keys)
            if not self._queue:
                return
            await self._start(self._queue.pop(0), plan)

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
        self._in_flight[str(key)] = CaseUpdate(key=key, phase=CasePhase.RUNNING)
        try:
            await workflow.start_child_workflow(
                VoiceTestCase.run,
                request,
                id=request.workflow_id,
                # A case belongs to the run's id, not to one execution of it: it must survive continue-as-new.
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                search_attributes=TypedSearchAttributes(
                    [
                        SearchAttributePair(attributes.SUITE, plan.suite.name),
                        SearchAttributePair(attributes.CASE, key.case),
                        SearchAttributePair(attributes.LANGUAGE, key.language),
                    ]
                ),
            )
        except WorkflowAlreadyStartedError:
            # This run was reset to an earlier point: the case is running or has ended, and is looked up like one
            # that fell silent.
            workflow.logger.info("case %s was started before", key)

    @workflow.signal(name="case_changed")
    def _case_changed(self, update: CaseUpdate) -> None:
        """News from a case; what it said last counts, and what it says after its end does not."""
        name = str(update.key)
        if name not in self._in_flight:
            return
        self._heard += 1
        if update.phase is CasePhase.FINISHED:
            del self._in_flight[name]
            self._count(update)
            self._announced = min(self._announced, len(self._reviewing()))
        else:
            self._in_flight[name] = update
        self._show()

    def _count(self, update: CaseUpdate) -> None:
        outcome = update.outcome or Outcome.ERRORED
        self._counts[outcome] = self._counts.get(outcome, 0) + 1
        self._recent = [*self._recent, update][-_RECENT:]
        self._news += 1

    async def _look_up_silent(self, plan: RunPlan) -> None:
        keys = tuple(update.key for update in self._in_flight.values())
        lost = await workflow.execute_activity_method(
            RecordStep.check_cases,
            LostCasesRequest(run_id=workflow.info().workflow_id, suite=plan.suite, keys=keys),
            **policies.REPORT,
        )
        for update in lost.ended:
            self._case_changed(update)

    async def _hang_up(self, plan: RunPlan) -> None:
        """Cancel every case in flight and wait until it has hung up and reported."""
        self._queue = []
        keys = [update.key for update in self._in_flight.values()]
        for at in range(0, len(keys), _CANCEL_AT_ONCE):
            await asyncio.gather(*(self._cancel(key) for key in keys[at : at + _CANCEL_AT_ONCE]))
        deadline = workflow.now() + policies.CANCEL_GRACE
        while self._in_flight and workflow.now() < deadline:
            try:
                await workflow.wait_condition(
                    lambda: not self._in_flight, timeout=policies.CANCEL_SWEEP, timeout_summary="calls hang up"
                )
            except TimeoutError:
                await self._look_up_silent(plan)
        if self._in_flight:
            workflow.logger.warning("%s cases did not report after the cancellation", len(self._in_flight))

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
        reviewing = self._reviewing()
        self._announced = len(reviewing)
        notice = RunNotice(
            run_id=workflow.info().workflow_id,
            suite=plan.suite,
            agent=plan.agent,
            total=plan.total,
            counts=self._counts,
            reviewing=tuple(reviewing[:_SHOWN]),
            reviewing_total=len(reviewing),
            finished=self._report is not None,
            cancelled=self._cancelled,
            wrong=tuple(update for update in self._recent if update.outcome is not Outcome.PASSED)[-_SHOWN:],
            github=self._asked.github if self._asked is not None else None,
        )
        await self._tell(notice, policy)

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
                counts=self._counts,
                cancelled=self._cancelled,
                started_at=self._started_at,
                branch=self._asked.branch if self._asked is not None else "",
                commit=self._asked.commit if self._asked is not None else "",
                whole=self._asked is not None and self._asked.whole,
            ),
            **policies.REPORT,
        )
        return RunResult(
            run_id=run_id,
            suite=plan.suite,
            total=plan.total,
            counts=self._counts,
            not_run=plan.total - sum(self._counts.values()),
            cancelled=self._cancelled,
            report=refs.report,
            junit=refs.junit,
            html=refs.html,
            markdown=refs.markdown,
        )

    def _calling(self) -> int:
        return sum(update.phase is CasePhase.RUNNING for update in self._in_flight.values())

    def _running(self) -> int:
        return sum(update.phase is not CasePhase.REVIEWING for update in self._in_flight.values())

    def _reviewing(self) -> list[CaseKey]:
        return [update.key for update in self._in_flight.values() if update.phase is CasePhase.REVIEWING]

    def _state(self, plan: RunPlan) -> RunState:
        return RunState(
            plan=plan,
            next_offset=self._next_offset - len(self._queue),
            in_flight=tuple(self._in_flight.values()),
            counts=self._counts,
            recent=tuple(self._recent),
            news=self._news,
            started_at=self._started_at,
            announced=self._announced,
        )

    def _take_up(self, state: RunState) -> None:
        self._plan = state.plan
        self._next_offset = state.next_offset
        self._in_flight = {str(update.key): update for update in state.in_flight}
        self._counts = dict(state.counts)
        self._recent = list(state.recent)
        self._news = state.news
        self._started_at = state.started_at
        self._announced = state.announced

    @workflow.query
    def progress(self) -> RunProgress:
        """How far the run is; answered after its end too."""
        plan, reviewing = self._plan, self._reviewing()
        return RunProgress(
            run_id=workflow.info().workflow_id,
            suite=plan.suite if plan is not None else None,
            agent=plan.agent if plan is not None else "",
            total=plan.total if plan is not None else 0,
            running=self._running(),
            reviewing=tuple(reviewing[:_RECENT]),
            reviewing_total=len(reviewing),
            counts=self._counts,
            recent=tuple(self._recent),
            news=self._news,
            cancelled=self._cancelled,
            finished=self._report is not None,
            report=self._report.report if self._report is not None else None,
        )

    def _show(self) -> None:
        """What the Temporal UI shows on the run's page."""
        if self._plan is None:
            return
        reviewing = self._reviewing()
        done = sum(self._counts.values())
        state = "cancelled, " if self._cancelled else ""
        lines = [
            f"**{self._plan.suite.name}**: {state}{done} of {self._plan.total} cases done",
            "",
            "| passed | failed | errored | unreviewed | running | waiting for review |",
            "|---|---|---|---|---|---|",
            "| "
            + " | ".join(str(self._counts.get(outcome, 0)) for outcome in Outcome)
            + f" | {self._running()} | {len(reviewing)} |",
            "",
        ]
        lines += [f"- waits for review: `{key}`" for key in reviewing[:_SHOWN]]
        wrong = [update for update in self._recent if update.outcome is not Outcome.PASSED]
        lines += [f"- {update.outcome}: `{update.key}`: {update.reason}" for update in wrong[-_SHOWN:]]
        workflow.set_current_details("\n".join(lines))

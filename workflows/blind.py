"""A case that the machine has decided, shown to people who do not see how. Nothing waits for it; it changes nothing."""

from typing import NoReturn

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.steps.record import RecordStep
    from voicewright.contracts.blind import BlindRequest, BlindResult
    from voicewright.contracts.case import CaseMemory, CaseState, Step
    from voicewright.contracts.review import ReviewPolicy
    from workflows import policies
    from workflows.case_page import state_of
    from workflows.desk import ReviewDesk

_REASON = "a sample of what the machine decided"


@workflow.defn(name="BlindReview")
class BlindReview(ReviewDesk):
    """Ask people what the machine has decided already."""

    @workflow.init
    def __init__(self, request: BlindRequest) -> None:
        self._request = request
        self._memory = request.resume or CaseMemory(started_at=workflow.now().isoformat(timespec="milliseconds"))
        self._memory.step, self._memory.call, self._memory.transcript = Step.REVIEW, request.call, request.transcript

    @workflow.run
    async def run(self, request: BlindRequest) -> None:
        """Wait, and keep what people said beside the case's result."""
        if self._memory.expires_at is None:
            self._begin_to_wait(_REASON)
        decision = await self._until_decided()
        self._memory.waiting = False
        if decision is not None:
            result = BlindResult(
                run_id=request.run_id, suite=request.suite, key=request.key, decided=request.decided, review=decision
            )
            await workflow.execute_activity_method(RecordStep.record_blind, result, **policies.RECORD)
        self._memory.step = Step.DONE
        await workflow.wait_condition(workflow.all_handlers_finished)

    @property
    def _policy(self) -> ReviewPolicy:
        return self._request.review

    async def _ask(self) -> None:
        """The queue is enough: nobody is reminded of what nothing waits for."""

    def _continue(self) -> NoReturn:
        workflow.continue_as_new(self._request.model_copy(update={"resume": self._memory}))

    def _show(self) -> None:
        workflow.set_current_details(f"{_REASON}: {len(self._memory.opinions)} opinions so far")

    @workflow.query
    def state(self) -> CaseState:
        """What a reviewer may know: everything but the verdict, and that too once it is decided."""
        decided = self._request.decided if self._memory.review is not None else None
        state = state_of(self._request, self._memory)
        return state.model_copy(update={"blind": True, "decided": decided, "reminders": 0})

"""One case: reminder, expiry, decisions, retries, cancellation. Timers run on a server that skips time."""

import asyncio
from functools import partial

import pytest
from fakes import SUITE, Steps
from patience import until
from serving import serving, unique
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import CancelledError

from activities.errors import BadInputError, LineError, RateLimitedError
from voicewright.client.queues import WORKFLOWS
from voicewright.client.search_attributes import REVIEW_QUEUE, of_case
from voicewright.contracts.case import CaseKey, CaseRequest, CaseState, CaseSummary, Outcome, Step
from voicewright.contracts.review import ReviewDecision, ReviewPolicy, ReviewSubmission, ReviewVerdict
from voicewright.contracts.verdict import Decision
from workflows.case import VoiceTestCase

HOUR_MS = 3_600_000
Handle = WorkflowHandle[VoiceTestCase, CaseSummary]


async def begin(client: Client, steps: Steps, *, on_account: bool = False, language: str = "en") -> Handle:
    request = CaseRequest(
        run_id=unique("run"),
        suite=SUITE,
        key=CaseKey(case="c", language=language),
        review=steps.review,
        report_to_run=False,
        on_account=on_account,
    )
    return await client.start_workflow(
        VoiceTestCase.run,
        request,
        id=request.workflow_id,
        task_queue=WORKFLOWS,
        search_attributes=of_case(request.suite.name, request.key),
    )


async def decide(handle: Handle, submission: ReviewSubmission) -> ReviewDecision:
    """By name: a signal of the same name hides the update's type from checkers."""
    decision: ReviewDecision = await handle.execute_update("submit_review", submission, result_type=ReviewDecision)
    return decision


def client_handle(client: Client, workflow_id: str) -> Handle:
    return client.get_workflow_handle_for(VoiceTestCase.run, workflow_id)


def unsure(_: CaseKey) -> Decision:
    return Decision.REVIEW


async def until_waiting(handle: Handle) -> None:
    await until(partial(handle.query, VoiceTestCase.state), lambda state: state.step is Step.REVIEW)


@pytest.mark.parametrize(
    ("decision", "outcome"),
    [(Decision.PASS, Outcome.PASSED), (Decision.FAIL, Outcome.FAILED), (Decision.INVALID, Outcome.ERRORED)],
)
async def test_a_verdict_becomes_an_outcome(skipping: Client, decision: Decision, outcome: Outcome) -> None:
    steps = Steps(decide=lambda _: decision)
    async with serving(skipping, steps):
        result = await (await begin(skipping, steps)).result()
    assert result.outcome is outcome
    assert steps.results["c/en/1"] == result
    filed = [Step.FILE_DEFECT] if outcome is Outcome.FAILED else []
    assert list(result.step_ms) == [Step.SYNTHESIZE, Step.CALL, Step.TRANSCRIBE, Step.VALIDATE, *filed]
    assert (result.error is not None) is (decision is Decision.INVALID)


async def test_a_review_that_nobody_decides_is_reminded_of_and_expires(skipping: Client) -> None:
    steps = Steps(decide=unsure, review=ReviewPolicy(remind_ms=3 * HOUR_MS, expire_ms=10 * HOUR_MS))
    async with serving(skipping, steps):
        handle = await begin(skipping, steps)
        result = await handle.result()
        state: CaseState = await handle.query(VoiceTestCase.state)
    assert result.outcome is Outcome.UNREVIEWED
    assert steps.reminders == [0, 1, 2, 3]  # asked at once, reminded after 3, 6 and 9 hours, given up after 10
    assert state.reminders == 3
    assert 0 <= result.step_ms[Step.REVIEW] - 10 * HOUR_MS < 60_000


async def test_a_case_that_waits_long_goes_on_in_a_new_execution_and_keeps_all(real: Client) -> None:
    """The server suggests a new execution every 150 events, which some 20 reminders make."""
    steps = Steps(decide=unsure, review=ReviewPolicy(remind_ms=20, expire_ms=10 * HOUR_MS))
    async with serving(real, steps):
        handle = await begin(real, steps)
        first = handle.first_execution_run_id
        while max(steps.reminders, default=0) < 45:
            await asyncio.sleep(0.05)
        waiting = client_handle(real, handle.id)
        listed = [entry async for entry in real.list_workflows(f"WorkflowId = '{handle.id}' AND {REVIEW_QUEUE}")]
        await decide(waiting, ReviewSubmission(verdict="pass", reviewer="Ada", note="fine"))
        result: CaseSummary = await waiting.result()
        assert (await waiting.describe()).run_id != first
    assert result.outcome is Outcome.PASSED
    assert result.review is not None
    assert result.review.note == ""  # its run's history keeps what it returns
    recorded = steps.results[str(result.key)].review
    assert recorded is not None
    assert recorded.note == "fine"
    assert result.call is not None
    assert steps.calls["call"] == 1
    assert steps.reminders == sorted(set(steps.reminders))  # each once, none twice
    assert result.step_ms[Step.REVIEW] > 45 * 20
    assert len(listed) == 1


async def test_a_decision_by_update_ends_the_case_and_a_second_is_refused(real: Client) -> None:
    steps = Steps(decide=unsure)
    async with serving(real, steps):
        handle = await begin(real, steps)
        await until_waiting(handle)
        with pytest.raises(WorkflowUpdateFailedError) as nameless:
            await decide(handle, ReviewSubmission(verdict="pass"))
        decision = await decide(handle, ReviewSubmission(verdict="fail", reviewer=" Ada ", note="too vague"))
        result = await handle.result()
    assert "reviewer's name" in str(nameless.value.cause)
    assert (decision.verdict, decision.reviewer) == (ReviewVerdict.FAIL, "Ada")
    assert result.outcome is Outcome.FAILED
    assert steps.results[str(result.key)].review == decision
    assert result.headline == "fail by Ada"


async def test_a_decision_twice_at_once_is_taken_once(real: Client) -> None:
    steps = Steps(decide=unsure)
    async with serving(real, steps):
        handle = await begin(real, steps)
        await until_waiting(handle)
        submissions = [ReviewSubmission(verdict="pass", reviewer=name) for name in ("Ada", "Bob", "Cy")]
        answers = await asyncio.gather(*(decide(handle, item) for item in submissions), return_exceptions=True)
        result = await handle.result()
    taken = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert taken == [result.review]


async def test_a_signal_decides_too_and_a_refused_one_is_shown(real: Client) -> None:
    steps = Steps(decide=unsure)
    async with serving(real, steps):
        handle = await begin(real, steps)
        await until_waiting(handle)
        await handle.signal("submit_review", {"verdict": "pass"})  # as typed in the Temporal UI, name forgotten
        await handle.signal("submit_review", {"verdict": "maybe", "reviewer": "Ada"})
        await handle.signal("submit_review", {"verdict": "Pass", "reviewer": "Ada"})
        result = await handle.result()
        state = await handle.query(VoiceTestCase.state)
    assert result.outcome is Outcome.PASSED
    assert len(state.refused) == 2
    assert "reviewer's name" in state.refused[0]


async def test_a_decision_before_the_case_asks_is_refused(real: Client) -> None:
    steps = Steps(decide=unsure, call_s=1.0)
    async with serving(real, steps):
        handle = await begin(real, steps)
        with pytest.raises(WorkflowUpdateFailedError) as early:
            await decide(handle, ReviewSubmission(verdict="pass", reviewer="Ada"))
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
    assert "does not wait for a review" in str(early.value.cause)


async def test_infrastructure_is_retried_with_patience(skipping: Client) -> None:
    steps = Steps(trouble=("transcribe", 5, ConnectionError("the store is away")))
    async with serving(skipping, steps):
        result = await (await begin(skipping, steps)).result()
    assert result.outcome is Outcome.PASSED
    assert steps.calls["transcribe"] == 6
    assert steps.calls["call"] == 1  # a later step that failed dials nobody again


async def test_an_agent_that_is_down_makes_the_case_errored(skipping: Client) -> None:
    steps = Steps(trouble=("call", 99, LineError("could not connect to the agent at ws://x")))
    async with serving(skipping, steps):
        result = await (await begin(skipping, steps)).result()
    assert result.outcome is Outcome.ERRORED
    assert steps.calls["call"] == 4
    assert result.error is not None
    assert (result.error.kind, result.error.step) == ("LineError", Step.CALL)
    assert result.headline == "call: could not connect to the agent at ws://x"


async def test_what_cannot_be_mended_is_not_retried(skipping: Client) -> None:
    steps = Steps(trouble=("call", 99, BadInputError("HTTP 401")))
    async with serving(skipping, steps):
        result = await (await begin(skipping, steps)).result()
    assert result.outcome is Outcome.ERRORED
    assert steps.calls["call"] == 1


async def test_a_rate_limit_is_waited_for_as_long_as_told(skipping: Client) -> None:
    steps = Steps(trouble=("synthesize", 1, RateLimitedError("slow down", retry_after_s=1800)))
    async with serving(skipping, steps):
        result = await (await begin(skipping, steps)).result()
    assert result.outcome is Outcome.PASSED
    assert result.step_ms[Step.SYNTHESIZE] >= 1_800_000


async def test_cancelling_hangs_up_and_records_it(real: Client) -> None:
    steps = Steps(call_s=30)
    async with serving(real, steps):
        handle = await begin(real, steps)
        while not steps.in_call:
            await asyncio.sleep(0.02)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as ended:
            await handle.result()
    assert isinstance(ended.value.cause, CancelledError)
    assert steps.hung_up == {"c/en/1": 1}
    recorded = steps.results["c/en/1"]
    assert recorded.outcome is Outcome.ERRORED
    assert recorded.error is not None
    assert recorded.error.kind == "Cancelled"


async def test_cancelling_a_waiting_review_records_it(real: Client) -> None:
    steps = Steps(decide=unsure)
    async with serving(real, steps):
        handle = await begin(real, steps)
        await until_waiting(handle)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
    assert steps.results["c/en/1"].outcome is Outcome.ERRORED


async def test_a_case_waits_for_a_line_of_the_account_and_gives_it_back(skipping: Client) -> None:
    """Hours, on a durable timer: no attempt fails, nobody is dialled before the line is there."""
    steps = Steps(line_waits_ms=[5_000, 9 * HOUR_MS])
    async with serving(skipping, steps):
        result = await (await begin(skipping, steps, on_account=True)).result()
    assert result.outcome is Outcome.PASSED
    assert result.step_ms[Step.CALL] >= 9 * HOUR_MS
    assert steps.caller_ids == ["+15005550006"]
    assert steps.calls["reserve_line"] == 3
    assert steps.calls["release_line"] == 1


async def test_a_line_is_given_back_when_the_call_fails_or_the_case_is_cancelled(
    skipping: Client, real: Client
) -> None:
    steps = Steps(trouble=("call", 9, LineError("down")))
    async with serving(skipping, steps):
        result = await (await begin(skipping, steps, on_account=True)).result()
    assert result.outcome is Outcome.ERRORED
    assert steps.calls["release_line"] == 1
    steps = Steps(line_waits_ms=[HOUR_MS])
    async with serving(real, steps):
        handle = await begin(real, steps, on_account=True)
        while not steps.calls["reserve_line"]:
            await asyncio.sleep(0.02)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as ended:
            await handle.result()
    assert isinstance(ended.value.cause, CancelledError)
    assert steps.calls["release_line"] == 1
    assert not steps.dialled


async def test_a_call_whose_reserved_line_is_gone_reserves_another_and_dials_once(skipping: Client) -> None:
    steps = Steps(lines_taken=6)
    async with serving(skipping, steps):
        result = await (await begin(skipping, steps, on_account=True)).result()
    assert result.outcome is Outcome.PASSED
    assert steps.calls["reserve_line"] == 7
    assert steps.calls["release_line"] == 1
    assert sum(steps.dialled.values()) == 1

"""A run: the window, continue-as-new, bad input, cancellation, cases that fall silent."""

import asyncio
from functools import partial

import pytest
from fakes import Steps
from patience import until, until_true
from serving import serving, unique
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError, CancelledError

from activities.errors import BadInputError
from voicewright.client import NotFoundError, ReviewRefusedError, RunFailedError, Voicewright
from voicewright.client.queues import WORKFLOWS
from voicewright.contracts.case import CaseKey, CasePhase, CaseUpdate, Outcome
from voicewright.contracts.review import ReviewSubmission
from voicewright.contracts.run import RunRequest, RunResult
from voicewright.contracts.verdict import Decision
from workflows.run import VoiceTestRun

Handle = WorkflowHandle[VoiceTestRun, RunResult]


async def begin(client: Client, typed: object) -> Handle:
    """Start a run as the Temporal UI does: by type name, with whatever was typed."""
    return await client.start_workflow(
        "VoiceTestRun", typed, id=unique("run"), task_queue=WORKFLOWS, result_type=RunResult
    )


async def executions(client: Client, workflow_id: str) -> list[int]:
    """History lengths of all executions of a workflow id."""

    async def lengths() -> list[int]:
        return [item.history_length async for item in client.list_workflows(f"WorkflowId = '{workflow_id}'")]

    return await until(lengths, lambda found: bool(found) and all(found))


async def test_every_case_is_held_once_within_the_window(real: Client) -> None:
    steps = Steps(cases=40, parallel=5, call_s=0.1)
    async with serving(real, steps):
        handle = await begin(real, {"suite": "s"})
        result = await handle.result()
        lengths = await executions(real, handle.id)
    assert result.counts == {Outcome.PASSED: 40}
    assert len(steps.results) == 40
    assert set(steps.dialled.values()) == {1}
    assert 2 <= steps.most_in_call <= 5
    # The server suggests a new execution every 150 events: the run continued as new and lost nobody.
    assert len(lengths) > 1
    assert max(lengths) < 400
    assert steps.reports[0].counts == {Outcome.PASSED: 40}


async def test_a_case_that_waits_for_a_human_occupies_no_line(real: Client) -> None:
    steps = Steps(cases=6, parallel=1, decide=lambda key: Decision.REVIEW if key.case == "c0" else Decision.PASS)
    async with serving(real, steps):
        handle = await begin(real, {"suite": "s"})
        await until_true(lambda: len(steps.results) == 5)
        progress = await handle.query(VoiceTestRun.progress)
        assert [str(key) for key in progress.reviewing] == ["c0/en/1"]
        voicewright = Voicewright(real)
        decision = await voicewright.decide(f"{handle.id}/c0/en/1", ReviewSubmission(verdict="pass", reviewer="Ada"))
        result = await handle.result()
        with pytest.raises(ReviewRefusedError, match="has finished"):
            await voicewright.decide(f"{handle.id}/c0/en/1", ReviewSubmission(verdict="pass", reviewer="Bob"))
        with pytest.raises(NotFoundError):
            await voicewright.decide(f"{handle.id}/nobody/en/1", ReviewSubmission(verdict="pass", reviewer="Bob"))
    assert decision.reviewer == "Ada"
    assert result.counts == {Outcome.PASSED: 6}


async def test_the_review_queue_is_a_visibility_query(real: Client) -> None:
    steps = Steps(cases=3, decide=lambda _: Decision.REVIEW)
    async with serving(real, steps):
        handle = await begin(real, {"suite": "s"})
        voicewright = Voicewright(real)

        async def waiting() -> list[str]:
            return [e.workflow_id for e in await voicewright.reviews() if e.workflow_id.startswith(handle.id)]

        mine = await until(waiting, lambda found: len(found) == 3)
        assert sorted(mine) == [f"{handle.id}/c{n}/en/1" for n in range(3)]
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"suit": "clinic"}, "did you mean `suite`?"),
        ("clinic", 'type an object such as {"suite": "clinic"}'),
        ({"suite": "s", "repeats": "many"}, "`repeats`"),
        (None, "a run needs an input"),
        ([1, 2], "a run needs an input"),
    ],
)
async def test_bad_input_fails_at_once_with_a_readable_message(real: Client, typed: object, says: str) -> None:
    steps = Steps()
    async with serving(real, steps):
        handle = await begin(real, typed)
        with pytest.raises(WorkflowFailureError) as failed:
            await asyncio.wait_for(handle.result(), 60)
    cause = failed.value.cause
    assert isinstance(cause, ApplicationError)
    assert cause.non_retryable
    assert says in cause.message
    assert not steps.calls


async def test_an_unknown_suite_fails_the_run_with_the_steps_own_message(real: Client) -> None:
    steps = Steps(trouble=("plan", 99, BadInputError("no suite 'clinc' is registered: did you mean 'clinic'?")))
    async with serving(real, steps):
        voicewright = Voicewright(real)
        run_id = await voicewright.start(RunRequest(suite="clinc"))
        with pytest.raises(RunFailedError, match="did you mean 'clinic'"):
            await voicewright.wait(run_id)
    assert steps.calls["plan"] == 1


async def test_cases_in_quarantine_are_held_and_counted_apart(real: Client) -> None:
    steps = Steps(cases=4, quarantined=("c0", "c1", "c9"), decide=in_quarantine_wrong)
    async with serving(real, steps):
        handle = await begin(real, {"suite": "s"})
        progress = await until(
            partial(handle.query, VoiceTestRun.progress), lambda seen: seen.done == 3 and seen.reviewing_total == 1
        )
        assert (progress.gating, progress.reviewing_gating) == ({Outcome.PASSED: 2}, 0)
        await Voicewright(real).decide(f"{handle.id}/c1/en/1", ReviewSubmission(verdict="fail", reviewer="Ada"))
        ended = await handle.result()
    assert ended.counts == {Outcome.PASSED: 2, Outcome.FAILED: 2}
    assert ended.quarantined == {Outcome.FAILED: 2}
    assert [notice.quarantined for notice in steps.notices if notice.finished] == [{Outcome.FAILED: 2}]
    assert [report.quarantined for report in steps.reports] == [("c0", "c1", "c9")]


def in_quarantine_wrong(key: CaseKey) -> Decision:
    return {"c0": Decision.FAIL, "c1": Decision.REVIEW}.get(key.case, Decision.PASS)


async def test_cancelling_hangs_up_all_calls_and_says_so(real: Client) -> None:
    steps = Steps(cases=10, parallel=3, call_s=30)
    async with serving(real, steps):
        handle = await begin(real, {"suite": "s"})
        await until_true(lambda: steps.in_call == 3)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as ended:
            await handle.result()
        progress = await handle.query(VoiceTestRun.progress)
    assert isinstance(ended.value.cause, CancelledError)
    assert sum(steps.hung_up.values()) == 3
    assert steps.in_call == 0
    [report] = steps.reports
    assert report.cancelled
    assert report.counts == {Outcome.ERRORED: 3}
    assert report.total == 10
    assert progress.cancelled


async def test_starting_the_same_id_twice_is_the_same_run(real: Client) -> None:
    steps = Steps(cases=2, call_s=0.2)
    async with serving(real, steps):
        voicewright = Voicewright(real)
        name = unique("run")
        first = await voicewright.start(RunRequest(suite="s"), run_id=name)
        second = await voicewright.start(RunRequest(suite="s"), run_id=name)
        progress = await voicewright.wait(first)
        third = await voicewright.start(RunRequest(suite="s"), run_id=name)
    assert first == second == third == name
    assert progress.counts == {Outcome.PASSED: 2}
    assert steps.calls["call"] == 2


async def test_a_case_ended_by_force_is_looked_up(real: Client) -> None:
    """A terminated child tells nobody: the run finds out by itself, a minute later."""
    lost = CaseUpdate(
        key=CaseKey(case="c0", language="en"),
        phase=CasePhase.FINISHED,
        outcome=Outcome.ERRORED,
        reason="its workflow was terminated from outside",
    )
    steps = Steps(cases=2, decide=lambda key: Decision.REVIEW if key.case == "c0" else Decision.PASS)
    async with serving(real, steps):
        handle = await begin(real, {"suite": "s"})
        await until_true(lambda: steps.calls["request_review"] == 1)
        await real.get_workflow_handle(f"{handle.id}/c0/en/1").terminate("by hand")
        steps.lost = (lost,)
        result = await handle.result()
    assert result.counts == {Outcome.PASSED: 1, Outcome.ERRORED: 1}
    assert steps.calls["check_cases"] >= 1

"""What follows from verdicts: defects, news for people, and runs that end although nobody can be told."""

import pytest
from fakes import Steps
from patience import until, until_true
from serving import serving, unique
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError

from activities.errors import BadInputError, InstallationError, UnavailableError
from voicewright.client import ReviewEntry, Voicewright
from voicewright.client.queues import WORKFLOWS
from voicewright.contracts.case import CaseKey, Outcome
from voicewright.contracts.review import ReviewSubmission
from voicewright.contracts.run import RunResult
from voicewright.contracts.verdict import Decision
from workflows.run import VoiceTestRun


def first_fails(key: CaseKey) -> Decision:
    return Decision.FAIL if key.case == "c0" else Decision.PASS


def first_is_unsure(key: CaseKey) -> Decision:
    return Decision.REVIEW if key.case == "c0" else Decision.PASS


async def hold(client: Client, steps: Steps) -> RunResult:
    async with serving(client, steps):
        name = unique("run")
        typed = {"suite": "s"}
        result: RunResult = await client.execute_workflow(
            "VoiceTestRun", typed, id=name, task_queue=WORKFLOWS, result_type=RunResult
        )
    return result


async def test_a_failed_case_files_one_defect_before_it_is_recorded(real: Client) -> None:
    steps = Steps(cases=3, decide=first_fails, publish=True)
    result = await hold(real, steps)
    assert result.counts == {Outcome.FAILED: 1, Outcome.PASSED: 2}
    assert [failure.key.case for failure in steps.filed] == ["c0"]
    assert steps.results["c0/en/1"].defect == "VW-c0"
    assert steps.calls["publish_defect"] == 1
    assert steps.results["c1/en/1"].defect == ""


async def test_people_are_told_once_when_all_is_done(real: Client) -> None:
    steps = Steps(cases=4, decide=first_fails)
    await hold(real, steps)
    [notice] = steps.notices
    assert notice.finished
    assert notice.counts == {Outcome.FAILED: 1, Outcome.PASSED: 3}
    assert [update.key.case for update in notice.wrong] == ["c0"]
    assert steps.calls["settle_defects"] == 1


async def test_nobody_can_be_told_and_the_run_ends_all_the_same(skipping: Client) -> None:
    steps = Steps(cases=1, trouble=("notify", 999, InstallationError("invalid_auth")))
    result = await hold(skipping, steps)
    assert result.counts == {Outcome.PASSED: 1}
    assert steps.calls["notify"] == 1  # a wrong token is not tried again


async def test_people_hear_of_cases_that_wait_for_them_while_the_run_goes_on(real: Client) -> None:
    steps = Steps(cases=3, decide=first_is_unsure)
    async with serving(real, steps):
        name = unique("run")
        handle = await real.start_workflow(
            "VoiceTestRun", {"suite": "s"}, id=name, task_queue=WORKFLOWS, result_type=RunResult
        )
        await until_true(lambda: bool(steps.notices))
        voicewright = Voicewright(real)
        await voicewright.decide(f"{name}/c0/en/1", ReviewSubmission(verdict="fail", reviewer="Ada", note="mumbles"))
        await handle.result()
    waiting, done = steps.notices
    assert (waiting.finished, waiting.reviewing_total) == (False, 1)
    assert (done.finished, done.reviewing_total) == (True, 0)
    [filed] = steps.filed
    assert filed.review is not None
    assert (filed.review.reviewer, filed.review.note) == ("Ada", "mumbles")


async def test_the_list_of_reviews_says_why(real: Client) -> None:
    steps = Steps(cases=1, decide=first_is_unsure)
    async with serving(real, steps):
        handle = await real.start_workflow(VoiceTestRun.run, {"suite": "s"}, id=unique("run"), task_queue=WORKFLOWS)
        voicewright = Voicewright(real)

        async def waiting() -> list[ReviewEntry]:
            return [entry for entry in await voicewright.reviews() if entry.workflow_id.startswith(handle.id)]

        mine = await until(waiting)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):  # to its end: the next test's workers must not find it
            await handle.result()
    assert mine[0].reason == "because"


async def test_a_tracker_that_is_away_keeps_no_run_waiting(real: Client) -> None:
    steps = Steps(cases=1, decide=first_fails, publish=True, trouble=("publish_defect", 999, UnavailableError("503")))
    async with serving(real, steps):
        name = unique("run")
        result: RunResult = await real.execute_workflow(
            "VoiceTestRun", {"suite": "s"}, id=name, task_queue=WORKFLOWS, result_type=RunResult
        )
        case = real.get_workflow_handle(f"{name}/c0/en/1")
        assert (await case.describe()).status is WorkflowExecutionStatus.RUNNING  # it goes on telling
        await case.terminate()
    assert result.counts == {Outcome.FAILED: 1}
    assert steps.results["c0/en/1"].defect


async def test_a_commit_hears_of_a_run_that_could_not_be_planned(real: Client) -> None:
    steps = Steps(trouble=("plan", 999, BadInputError("no suite 's' is registered")))
    typed = {"suite": "s", "github": {"repository": "acme/agent", "sha": "a" * 40}}
    async with serving(real, steps):
        with pytest.raises(WorkflowFailureError):
            await real.execute_workflow(
                "VoiceTestRun", typed, id=unique("run"), task_queue=WORKFLOWS, result_type=RunResult
            )
    [notice] = steps.notices
    assert (notice.finished, notice.problem) == (True, "no suite 's' is registered")

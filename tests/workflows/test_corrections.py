"""Words that people correct while a case waits: it is judged again inside the durable run."""

import asyncio

import pytest
from fakes import REF, Steps
from serving import serving
from temporalio.client import Client
from test_case_workflow import HOUR_MS, Handle, begin, client_handle, decide, unsure, until_waiting
from test_review_desk import claim, listed, refused

from voicewright.contracts.blind import BLIND
from voicewright.contracts.case import CaseState, Outcome
from voicewright.contracts.correction import CorrectedVerdict, WordsCorrection
from voicewright.contracts.review import ReviewClaim, ReviewPolicy, ReviewSubmission
from voicewright.contracts.transcript import TranscriptSummary
from voicewright.contracts.verdict import Decision
from workflows.case import VoiceTestCase


def heard(digit: str) -> TranscriptSummary:
    return TranscriptSummary(transcript=REF.model_copy(update={"sha256": digit * 64}), caller_words=1, agent_words=1)


async def correct(handle: Handle, by: str, digit: str = "1", replaces: str = "") -> CorrectedVerdict:
    correction = WordsCorrection(reviewer=by, transcript=heard(digit), replaces=replaces * 64)
    return await handle.execute_update(VoiceTestCase.correct_words, correction)


@pytest.mark.parametrize(("decision", "outcome"), [(Decision.PASS, Outcome.PASSED), (Decision.FAIL, Outcome.FAILED)])
async def test_a_sure_verdict_on_corrected_words_ends_the_case(
    real: Client, decision: Decision, outcome: Outcome
) -> None:
    steps = Steps(decide=unsure, corrected=decision, review=ReviewPolicy(blind=1.0))
    async with serving(real, steps):
        handle = await begin(real, steps)
        await until_waiting(handle)
        await claim(handle, "Ada")
        assert "Ada is reviewing" in await refused(correct(handle, "Bob"))
        assert await correct(handle, "Ada") == CorrectedVerdict(decision=decision, settled=True)
        result = await handle.result()
    assert (result.outcome, result.review, result.transcript) == (outcome, None, heard("1"))
    assert [one.reviewer for one in result.corrections] == ["Ada"]
    assert [request.correction for request in steps.judged] == ["", "1" * 12]
    assert bool(steps.filed) is (outcome is Outcome.FAILED)
    await listed(real, handle, "decided", None)
    with pytest.raises(Exception, match="not found"):  # what a person helped with is no sample of the machine
        await real.get_workflow_handle(BLIND + handle.id).describe()


async def test_a_verdict_that_is_still_unsure_is_for_the_same_person_to_decide(real: Client) -> None:
    steps = Steps(decide=unsure, corrected=Decision.REVIEW)
    async with serving(real, steps):
        handle = await begin(real, steps)
        await until_waiting(handle)
        assert not (await correct(handle, "Ada")).settled
        assert "corrected words of this case since" in await refused(correct(handle, "Bob", "2", replaces="0"))
        assert not (await correct(handle, "Bob", "2", replaces="1")).settled
        assert "needs the reviewer's name" in await refused(correct(handle, " ", "3", replaces="2"))
        state: CaseState = await handle.query(VoiceTestCase.state)
        assert (state.waiting, state.transcript, len(state.corrections)) == (True, heard("2"), 2)
        await decide(handle, ReviewSubmission(verdict="pass", reviewer="Ada"))
        result = await handle.result()
    assert (result.outcome, result.headline) == (Outcome.PASSED, "pass by Ada")
    assert [one.reviewer for one in result.corrections] == ["Ada", "Bob"]


async def test_where_several_opinions_are_wanted_one_persons_words_settle_nothing(real: Client) -> None:
    steps = Steps(decide=unsure, corrected=Decision.PASS, review=ReviewPolicy(opinions=2))
    async with serving(real, steps):
        handle = await begin(real, steps)
        await until_waiting(handle)
        assert await correct(handle, "Ada") == CorrectedVerdict(decision=Decision.PASS, settled=False)
        await decide(handle, ReviewSubmission(verdict="fail", reviewer="Ada"))
        await decide(handle, ReviewSubmission(verdict="fail", reviewer="Bob"))
        assert (await handle.result()).outcome is Outcome.FAILED


async def test_a_judge_that_cannot_judge_changes_nothing(real: Client) -> None:
    steps = Steps(decide=unsure)
    async with serving(real, steps):
        handle = await begin(real, steps)
        await until_waiting(handle)
        steps.trouble = ("validate", 99, ValueError("no model"))
        told = await refused(correct(handle, "Ada"))
        assert "could not be judged, and nothing was changed" in told
        steps.trouble = None
        state: CaseState = await handle.query(VoiceTestCase.state)
        assert (state.waiting, state.corrections) == (True, ())
        assert (await correct(handle, "Ada")).settled
        await handle.result()


async def test_a_person_who_decides_meanwhile_is_heard(real: Client) -> None:
    steps = Steps(decide=unsure)
    steps.judging = gate = asyncio.Event()
    gate.set()
    async with serving(real, steps):
        handle = await begin(real, steps)
        await until_waiting(handle)
        gate.clear()
        correcting = asyncio.create_task(refused(correct(handle, "Ada")))
        while len(steps.judged) < 2:
            await asyncio.sleep(0.02)
        assert "being judged by corrected words just now" in await refused(correct(handle, "Bob", "2"))
        await decide(handle, ReviewSubmission(verdict="fail", reviewer="Bob"))
        gate.set()
        assert "was decided while" in await correcting
        result = await handle.result()
    assert (result.outcome, result.corrections, result.transcript) == (Outcome.FAILED, (), heard("0"))


async def test_corrections_survive_a_new_execution(real: Client) -> None:
    steps = Steps(decide=unsure, corrected=Decision.REVIEW, review=ReviewPolicy(remind_ms=HOUR_MS))
    async with serving(real, steps):
        handle = await begin(real, steps)
        await until_waiting(handle)
        first = (await handle.describe()).run_id
        for _ in range(60):
            await claim(handle, "Ada")
            await handle.execute_update(VoiceTestCase.release_review, ReviewClaim(reviewer="Ada"))
            if (await real.get_workflow_handle(handle.id).describe()).run_id != first:
                break
        assert (await correct(handle, "Ada")).decision is Decision.REVIEW
        await decide(handle, ReviewSubmission(verdict="pass", reviewer="Ada"))
        result = await client_handle(real, handle.id).result()
    assert (await real.get_workflow_handle(handle.id).describe()).run_id != first
    assert len(result.corrections) == 1

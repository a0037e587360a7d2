"""Claims, second opinions and several opinions inside the durable run. Timers run on a server that skips time."""

import asyncio
from datetime import timedelta

import pytest
from fakes import Steps
from serving import serving, unique
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.service import RPCError
from test_case_workflow import HOUR_MS, Handle, begin, decide, unsure, until_waiting

from voicewright.client import ReviewFilter, ReviewRefusedError, Voicewright
from voicewright.client.search_attributes import REVIEW, REVIEW_QUEUE, REVIEWER
from voicewright.contracts.blind import BLIND
from voicewright.contracts.case import CaseState, Outcome
from voicewright.contracts.review import (
    LEASE_MS,
    FailCategory,
    Opinion,
    ReviewClaim,
    ReviewLease,
    ReviewPolicy,
    ReviewSubmission,
    ReviewVerdict,
    Severity,
)
from voicewright.contracts.verdict import Decision
from workflows.case import VoiceTestCase
from workflows.opinions import settled


async def claim(handle: Handle, name: str, *, take: bool = False, lease_ms: int = LEASE_MS) -> ReviewLease:
    wanted = ReviewClaim(reviewer=name, take=take, lease_ms=lease_ms)
    return await handle.execute_update(VoiceTestCase.claim_review, wanted)


async def refused(attempt: object) -> str:
    with pytest.raises(WorkflowUpdateFailedError) as error:
        await attempt  # type: ignore[misc]
    return str(error.value.cause)


async def listed(client: Client, handle: Handle, status: str, reviewer: str | None) -> None:
    """Until lists show it so; a search attribute takes a moment."""
    async with asyncio.timeout(60):
        while True:
            known = (await client.get_workflow_handle(handle.id).describe()).typed_search_attributes
            if (known.get(REVIEW), known.get(REVIEWER)) == (status, reviewer):
                return
            await asyncio.sleep(0.05)


async def test_two_claim_one_case_and_one_of_them_gets_it(real: Client) -> None:
    steps = Steps(decide=unsure)
    async with serving(real, steps):
        handle = await begin(real, steps)
        await until_waiting(handle)
        answers = await asyncio.gather(*(claim(handle, name) for name in ("Ada", "Bob")), return_exceptions=True)
        [lease] = [one for one in answers if isinstance(one, ReviewLease)]
        other = {"Ada": "Bob", "Bob": "Ada"}[lease.reviewer]
        await listed(real, handle, "claimed", lease.reviewer)
        told = await refused(decide(handle, ReviewSubmission(verdict="pass", reviewer=other)))
        assert f"{lease.reviewer} is reviewing this case" in told
        assert (await claim(handle, lease.reviewer)).until >= lease.until  # renewed
        assert "is reviewing" in await refused(
            handle.execute_update(VoiceTestCase.release_review, ReviewClaim(reviewer=other))
        )
        await handle.execute_update(VoiceTestCase.release_review, ReviewClaim(reviewer=lease.reviewer))
        await listed(real, handle, "pending", None)
        await claim(handle, other)
        assert (await claim(handle, "Cy", take=True)).reviewer == "Cy"  # a QA lead assigns
        await decide(handle, ReviewSubmission(verdict="pass", reviewer="Cy"))
        result = await handle.result()
    assert result.outcome is Outcome.PASSED
    await listed(real, handle, "decided", None)


async def test_a_claim_that_is_not_renewed_runs_out_and_reminders_keep_their_time(skipping: Client) -> None:
    steps = Steps(decide=unsure, review=ReviewPolicy(remind_ms=3 * HOUR_MS, expire_ms=10 * HOUR_MS))
    async with serving(skipping, steps):
        handle = await begin(skipping, steps)
        await until_waiting(handle)
        lease = await claim(handle, "Ada", lease_ms=HOUR_MS)
        assert "is reviewing" in await refused(claim(handle, "Bob"))
        result = await handle.result()  # time runs while somebody waits for the result
        state: CaseState = await handle.query(VoiceTestCase.state)
        history = [event async for event in handle.fetch_history_events()]
    assert result.outcome is Outcome.UNREVIEWED
    assert state.lease is None
    assert steps.reminders == [0, 1, 2, 3]
    asked = history[0].event_time.ToDatetime() + timedelta(hours=1)
    assert abs((lease.until.replace(tzinfo=None) - asked).total_seconds()) < 60
    fired = [
        event.event_time.ToDatetime() - asked for event in history if event.HasField("timer_fired_event_attributes")
    ]
    assert any(abs(moment.total_seconds()) < 60 for moment in fired)  # the claim's own


async def test_a_second_opinion_is_somebody_elses(real: Client) -> None:
    steps = Steps(decide=unsure)
    async with serving(real, steps):
        handle = await begin(real, steps)
        await until_waiting(handle)
        await claim(handle, "Ada")
        answer = await decide(handle, ReviewSubmission(verdict="second_opinion", reviewer="Ada", note="odd"))
        assert (answer.settled, answer.verdict) == (False, ReviewVerdict.SECOND_OPINION)
        state: CaseState = await handle.query(VoiceTestCase.state)
        assert (state.waiting, state.lease, len(state.opinions)) == (True, None, 1)
        assert "somebody else" in await refused(claim(handle, "Ada"))
        sent = ReviewSubmission(verdict="FAIL", reviewer="Bob", category="wrong_answer", severity="High")
        last = await decide(handle, sent)
        result = await handle.result()
    assert (result.outcome, steps.results[str(result.key)].review) == (Outcome.FAILED, last)
    assert (last.category, last.severity, last.settled) == (FailCategory.WRONG_ANSWER, Severity.HIGH, True)
    assert [one.reviewer for one in last.opinions] == ["Ada", "Bob"]


async def test_two_that_disagree_go_to_a_third(real: Client) -> None:
    steps = Steps(decide=unsure, review=ReviewPolicy(opinions=2))
    async with serving(real, steps):
        handle = await begin(real, steps)
        await until_waiting(handle)
        assert not (await decide(handle, ReviewSubmission(verdict="pass", reviewer="Ada"))).settled
        assert not (await decide(handle, ReviewSubmission(verdict="fail", reviewer="Bob"))).settled
        assert "the severity must be" in await refused(
            decide(handle, ReviewSubmission(verdict="fail", reviewer="Cy", severity="awful"))
        )
        await decide(handle, ReviewSubmission(verdict="pass", reviewer="Cy", note="it said so"))
        result = await handle.result()
    assert result.outcome is Outcome.PASSED
    assert result.headline == "pass by Cy"


async def test_an_edge_case_neither_passes_nor_blames_the_agent(real: Client) -> None:
    steps = Steps(decide=unsure)
    async with serving(real, steps):
        handle = await begin(real, steps)
        await until_waiting(handle)
        await handle.signal("submit_review", {"verdict": "edge_case", "reviewer": "Ada", "overrule": "perhaps"})
        result = await handle.result()
    assert result.outcome is Outcome.UNREVIEWED
    assert not result.defect


@pytest.mark.parametrize(
    ("said", "wanted", "verdict"),
    [
        ("p", 1, "pass"),
        ("p", 2, None),
        ("pp", 2, "pass"),
        ("pf", 2, None),
        ("pf", 1, None),
        ("pff", 2, "fail"),
        ("pfe", 3, None),
        ("pfee", 3, "edge_case"),
        ("s", 1, None),
        ("sp", 1, "pass"),
        ("pfF", 3, "fail"),
        ("ppS", 3, None),
    ],
)
def test_what_opinions_decide(said: str, wanted: int, verdict: str | None) -> None:
    """A capital letter overrules."""
    first = {verdict.value[0]: verdict for verdict in ReviewVerdict}
    opinions = [
        Opinion(verdict=first[one.lower()], reviewer=str(place), given_at="2026-01-01", overrules=one.isupper())
        for place, one in enumerate(said)
    ]
    assert settled(opinions, wanted) == verdict


async def test_a_sample_of_what_the_machine_decided_is_judged_blindly(real: Client) -> None:
    steps = Steps(decide=lambda _: Decision.PASS, review=ReviewPolicy(blind=1.0, expire_ms=HOUR_MS))
    async with serving(real, steps):
        handle = await begin(real, steps)
        result = await handle.result()  # nothing waits for the sample
        assert result.outcome is Outcome.PASSED
        sample = real.get_workflow_handle(f"{BLIND}{handle.id}")
        async with asyncio.timeout(60):
            while [
                entry async for entry in real.list_workflows(f"WorkflowId = '{sample.id}' AND {REVIEW_QUEUE}")
            ] == []:
                await asyncio.sleep(0.05)
        state: CaseState = await sample.query("state", result_type=CaseState)
        assert (state.waiting, state.blind, state.verdict, state.decided) == (True, True, None, None)
        await sample.execute_update("claim_review", ReviewClaim(reviewer="Ada"))
        await sample.execute_update("submit_review", ReviewSubmission(verdict="fail", reviewer="Ada"))
        await sample.result()
        state = await sample.query("state", result_type=CaseState)
    assert state.decided is Decision.PASS  # now it may be known
    [blind] = steps.blind
    assert (blind.decided, blind.review.verdict) == (Decision.PASS, ReviewVerdict.FAIL)
    assert steps.results["c/en/1"].outcome is Outcome.PASSED  # it changes nothing


async def test_a_sample_that_nobody_judges_expires_and_none_is_taken_of_what_people_decided(real: Client) -> None:
    policy = ReviewPolicy(blind=1.0, expire_ms=2000)
    async with serving(real, steps := Steps(decide=lambda _: Decision.FAIL, review=policy)):
        handle = await begin(real, steps)
        await handle.result()
        await real.get_workflow_handle(f"{BLIND}{handle.id}").result()
    assert steps.blind == []
    policy = ReviewPolicy(blind=1.0)
    async with serving(real, steps := Steps(decide=unsure, review=policy)):
        handle = await begin(real, steps)
        await until_waiting(handle)
        await decide(handle, ReviewSubmission(verdict="pass", reviewer="Ada"))
        await handle.result()
        with pytest.raises(RPCError, match="not found"):
            await real.get_workflow_handle(f"{BLIND}{handle.id}").describe()


async def test_what_was_said_is_kept_where_it_settles_nothing(real: Client) -> None:
    steps = Steps(decide=unsure, review=ReviewPolicy(opinions=2, expire_ms=4000))
    async with serving(real, steps):
        handle = await begin(real, steps)
        await until_waiting(handle)
        await decide(handle, ReviewSubmission(verdict="fail", reviewer="Ada", note="odd", severity="low"))
        result = await handle.result()
    assert (result.outcome, result.review) == (Outcome.UNREVIEWED, None)
    recorded = steps.results[str(result.key)].opinions
    assert [(one.reviewer, one.note, one.severity) for one in recorded] == [("Ada", "odd", Severity.LOW)]
    assert [one.note for one in result.opinions] == [""]


async def test_the_queue_offers_what_is_kept_for_somebody_and_never_what_they_have_judged(real: Client) -> None:
    steps = Steps(decide=unsure, review=ReviewPolicy(opinions=2))
    voicewright, wanted = Voicewright(real), ReviewFilter(languages=(language := f"x-{unique('l')}",))
    async with serving(real, steps):
        first, second = [await begin(real, steps, language=language) for _ in "ab"]
        for handle in (first, second):
            await until_waiting(handle)
            await listed(real, handle, "pending", None)
        await decide(first, ReviewSubmission(verdict="pass", reviewer="Ada"))
        await claim(second, "Ada", take=True)
        with pytest.raises(WorkflowUpdateFailedError):
            await claim(first, "Ada", take=True)  # she has said what she thinks
        await listed(real, second, "claimed", "Ada")
        async with asyncio.timeout(60):
            while not (await voicewright.review_page(wanted=wanted)).entries[0].judged_by:
                await asyncio.sleep(0.05)
        assert await voicewright.claim_next("Ada", wanted) == second.id
        assert await voicewright.claim_next("Ada", wanted, after=second.id) is None
        assert await voicewright.claim_next("Bob", wanted) == first.id
        with pytest.raises(ReviewRefusedError, match="name"):
            await voicewright.claim_next(" ", wanted)
        updates = [event async for event in first.fetch_history_events()]
        accepted = [one for one in updates if one.HasField("workflow_execution_update_accepted_event_attributes")]
        assert len(accepted) == 2  # Ada's opinion and Bob's claim: nobody is asked in vain
        for handle in (first, second):
            await handle.cancel()

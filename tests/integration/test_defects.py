"""Defects from filing to reopening: the real store, the real Jira library, Jira at the wire."""

import asyncio
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from local_stack import LocalStack
from standins.jira_cloud import JiraCloud
from temporalio.testing import ActivityEnvironment

from activities.defects import DefectStep
from activities.errors import InstallationError, RateLimitedError, UnavailableError
from activities.integrations.jira_tracker import JiraTracker
from voicewright.case import CaseKey, CaseResult, SuiteRef
from voicewright.defect import DefectStatus, Failure, Issue, Signature
from voicewright.defect_log import DefectLog
from voicewright.outcome import Outcome
from voicewright.s3 import S3Store

EVIDENCE = "time: expected 9:30, heard 10:30"


@pytest.fixture
def store(stack: LocalStack) -> S3Store:
    return S3Store(stack.settings)


@pytest.fixture
def log(store: S3Store) -> DefectLog:
    return DefectLog(store)


@pytest.fixture
def suite() -> str:
    """A suite of its own for each test: the store is shared."""
    return f"suite-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def site() -> Iterator[JiraCloud]:
    with JiraCloud(issue_types=("Bug",), projects=("VOICE",)) as site:
        yield site


def tracker(site: JiraCloud, token: str | None = None) -> JiraTracker:
    return JiraTracker(site.url, site.email, token or site.token, "VOICE")


def failure(suite: str, case: str = "book", run: str = "run-1", *, cause: str = "time: expected #, heard #") -> Failure:
    key = CaseKey(case=case, language="en")
    return Failure(
        signature=Signature(suite=suite, case=case, language="en", check="time@2"),
        cause=cause,
        workflow_id=f"{run}/{key}",
        run_id=run,
        key=key,
        evidence=EVIDENCE,
    )


def result(suite: str, case: str, run: str, outcome: Outcome) -> CaseResult:
    key = CaseKey(case=case, language="en")
    ref = SuiteRef(name=suite, version="0" * 64)
    return CaseResult(
        run_id=run, suite=ref, key=key, workflow_id=f"{run}/{key}", outcome=outcome, started_at="", ended_at=""
    )


def settle(log: DefectLog, suite: str, run: str, *outcomes: Outcome, close: bool = True) -> list[str]:
    results = [result(suite, "book", run, outcome) for outcome in outcomes]
    return log.settle(suite, run, results, passes=3, close=close)


async def publish(store: S3Store, jira: JiraTracker, defect: str) -> Issue | None:
    return await ActivityEnvironment().run(DefectStep(store, jira).publish_defect, defect)


def test_the_same_signature_is_one_defect_and_the_same_case_counts_once(log: DefectLog, suite: str) -> None:
    first = log.file(failure(suite))
    assert first.is_new
    assert log.file(failure(suite)).is_new  # the same case again: a retry, not an occurrence
    again = log.file(failure(suite, run="run-2"))
    assert (again.id, again.is_new) == (first.id, False)
    assert log.defect(first.id).seen == 2


def test_one_cause_in_many_cases_is_one_defect_also_when_they_fail_at_once(log: DefectLog, suite: str) -> None:
    failures = [failure(suite, case=f"case-{number}") for number in range(20)]
    with ThreadPoolExecutor(10) as pool:
        ids = {ref.id for ref in pool.map(log.file, failures * 2)}
    [defect] = log.defects(suite)
    assert ids == {defect.id}
    assert (defect.seen, len(defect.cases), len(defect.occurrences)) == (20, 20, 20)
    assert [event.number for event in defect.events] == list(range(1, 21))


def test_another_cause_is_another_defect(log: DefectLog, suite: str) -> None:
    log.file(failure(suite))
    log.file(failure(suite, case="other", cause="the agent closed the stream (code #)"))
    assert len(log.defects(suite)) == 2


def test_a_signature_keeps_its_defect_when_its_evidence_changes(log: DefectLog, suite: str) -> None:
    first = log.file(failure(suite))
    assert log.file(failure(suite, run="run-2", cause="time: expected #, heard nothing")).id == first.id


def test_a_defect_heals_is_closed_and_comes_back_as_a_regression(log: DefectLog, suite: str) -> None:
    defect = log.file(failure(suite)).id
    assert settle(log, suite, "run-2", Outcome.PASSED, Outcome.PASSED) == []
    assert settle(log, suite, "run-2", Outcome.PASSED) == []  # counted already
    assert settle(log, suite, "run-3", Outcome.PASSED) == [defect]
    assert log.defect(defect).status is DefectStatus.CLOSED
    assert log.file(failure(suite, run="run-4")).regression
    reopened = log.defect(defect)
    assert (reopened.status, reopened.regressions, reopened.cases[0].passes) == (DefectStatus.OPEN, 1, 0)


def test_a_failure_starts_the_count_again_and_closing_may_be_left_to_people(log: DefectLog, suite: str) -> None:
    defect = log.file(failure(suite)).id
    settle(log, suite, "run-2", Outcome.PASSED, Outcome.PASSED, close=False)
    settle(log, suite, "run-3", Outcome.PASSED, Outcome.FAILED, close=False)
    assert log.defect(defect).cases[0].passes == 0
    settle(log, suite, "run-4", *[Outcome.PASSED] * 3, close=False)
    assert log.defect(defect).status is DefectStatus.PROPOSED


async def test_an_issue_is_made_once_and_later_failures_are_comments(
    store: S3Store, log: DefectLog, suite: str, site: JiraCloud
) -> None:
    jira = tracker(site)
    defect = log.file(failure(suite)).id
    issue = await publish(store, jira, defect)
    assert issue is not None
    assert site.issues[issue.key].fields["labels"] == ["voicewright", f"voicewright-{defect}"]
    log.file(failure(suite, case="other"))
    log.file(failure(suite, run="run-2"))
    await publish(store, jira, defect)
    await publish(store, jira, defect)
    [comment] = site.issues[issue.key].comments
    assert "other/en/1" in comment["body"]
    assert "run-2" in comment["body"]
    assert len(site.issues) == 1


async def test_an_issue_whose_answer_got_lost_is_found_and_not_made_again(
    store: S3Store, log: DefectLog, suite: str
) -> None:
    with JiraCloud(issue_types=("Bug",), projects=("VOICE",), index_lag_s=1.0) as site:
        defect = log.file(failure(suite)).id
        site.timeout_after_create()
        with pytest.raises(UnavailableError):
            await publish(store, tracker(site), defect)
        with pytest.raises(UnavailableError, match="does not show yet"):  # the index lags behind
            await publish(store, tracker(site), defect)
        await asyncio.sleep(1.2)
        issue = await publish(store, tracker(site), defect)
        assert issue is not None
        assert list(site.issues) == [issue.key]


async def test_a_comment_whose_answer_got_lost_is_not_made_again(
    store: S3Store, log: DefectLog, suite: str, site: JiraCloud
) -> None:
    defect = log.file(failure(suite)).id
    issue = await publish(store, tracker(site), defect)
    assert issue is not None
    log.file(failure(suite, run="run-2"))
    before = log.defect(defect)
    await publish(store, tracker(site), defect)
    # As if the worker had died between Jira's answer and our note of it.
    known = store.get_versioned(f"defects/{defect}.json")
    assert known is not None
    store.put(f"defects/{defect}.json", before.model_dump_json().encode(), "application/json")
    await publish(store, tracker(site), defect)
    assert len(site.issues[issue.key].comments) == 1


async def test_many_workers_make_one_issue(store: S3Store, log: DefectLog, suite: str, site: JiraCloud) -> None:
    defect = log.file(failure(suite)).id

    async def patiently(owner: int) -> Issue | None:
        environment = ActivityEnvironment()
        environment.info = environment.info.__class__(**{**environment.info.__dict__, "activity_id": str(owner)})
        for _ in range(50):
            try:
                return await environment.run(DefectStep(store, tracker(site)).publish_defect, defect)
            except UnavailableError:
                await asyncio.sleep(0.1)
        pytest.fail("never published")

    issues = await asyncio.gather(*(patiently(owner) for owner in range(5)))
    assert len(set(issues)) == 1
    assert len(site.issues) == 1


async def test_jiras_troubles_become_ours(store: S3Store, log: DefectLog, suite: str, site: JiraCloud) -> None:
    defect = log.file(failure(suite)).id
    site.fault(429, retry_after=7)
    with pytest.raises(RateLimitedError) as limited:
        await publish(store, tracker(site), defect)
    assert limited.value.next_retry_delay is not None
    assert limited.value.next_retry_delay.total_seconds() == 7
    site.fault(503)
    with pytest.raises(UnavailableError, match="503"):
        await publish(store, tracker(site), defect)
    with pytest.raises(InstallationError, match="VOICEWRIGHT_JIRA_TOKEN"):
        await publish(store, tracker(site, token="wrong"), defect)
    assert not site.issues


async def test_closing_and_reopening_move_the_issue(
    store: S3Store, log: DefectLog, suite: str, site: JiraCloud
) -> None:
    jira = tracker(site)
    defect = log.file(failure(suite)).id
    issue = await publish(store, jira, defect)
    assert issue is not None
    settle(log, suite, "run-2", *[Outcome.PASSED] * 3)
    await publish(store, jira, defect)
    assert site.issues[issue.key].status == "Done"
    log.file(failure(suite, run="run-3"))
    await publish(store, jira, defect)
    assert site.issues[issue.key].status == "To Do"
    assert "a regression" in site.issues[issue.key].comments[-1]["body"]


async def test_what_people_do_in_jira_comes_home(store: S3Store, log: DefectLog, suite: str, site: JiraCloud) -> None:
    jira = tracker(site)
    defect = log.file(failure(suite)).id
    issue = await publish(store, jira, defect)
    assert issue is not None
    step = DefectStep(store, jira)
    site.set_status(issue.key, "Done")
    assert defect in (await ActivityEnvironment().run(step.reconcile_defects)).moved
    closed = log.defect(defect)
    assert (closed.status, closed.closed_by) == (DefectStatus.CLOSED, f"closed as {issue.key}")
    site.set_status(issue.key, "In Progress")
    await ActivityEnvironment().run(step.reconcile_defects)
    assert log.defect(defect).status is DefectStatus.OPEN


async def test_a_jira_that_was_away_hears_of_it_at_the_reconciliation(
    store: S3Store, log: DefectLog, suite: str, site: JiraCloud
) -> None:
    defect = log.file(failure(suite)).id
    await ActivityEnvironment().run(DefectStep(store, tracker(site)).reconcile_defects)
    issue = log.defect(defect).issue
    assert issue is not None
    assert issue.key in site.issues


async def test_an_issue_that_somebody_deleted_is_made_again(
    store: S3Store, log: DefectLog, suite: str, site: JiraCloud
) -> None:
    jira = tracker(site)
    defect = log.file(failure(suite)).id
    issue = await publish(store, jira, defect)
    assert issue is not None
    del site.issues[issue.key]
    log.file(failure(suite, run="run-2"))
    with pytest.raises(UnavailableError, match="is gone"):
        await publish(store, jira, defect)
    await publish(store, jira, defect)
    [again] = site.issues.values()
    assert "run-2" in again.fields["description"]


async def test_what_an_agent_said_is_no_markup_and_no_mark(
    store: S3Store, log: DefectLog, suite: str, site: JiraCloud
) -> None:
    defect = log.file(failure(suite)).id
    await publish(store, tracker(site), defect)
    evil = failure(suite, run="run-2").model_copy(update={"evidence": f"{{noformat}} !http://x/y.png! [{defect}#999]"})
    log.file(evil)
    issue = await publish(store, tracker(site), defect)
    assert issue is not None
    body = site.issues[issue.key].comments[-1]["body"]
    assert body.count("{noformat}") == 2
    log.file(failure(suite, run="run-3"))
    await publish(store, tracker(site), defect)
    assert len(site.issues[issue.key].comments) == 2  # the forged mark silenced nobody

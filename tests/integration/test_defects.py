"""Defects from filing to reopening: the real store, the real Jira library, Jira at the wire."""

import asyncio
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from local_stack import LocalStack
from patience import until
from standins.jira_cloud import JiraCloud
from temporalio.testing import ActivityEnvironment

from activities.errors import InstallationError, RateLimitedError, UnavailableError
from activities.integrations.jira_tracker import JiraTracker
from activities.steps.defects import DefectStep
from voicewright.contracts.case import CaseKey, CaseResult, Outcome, SuiteRef
from voicewright.defects.log import DefectLog
from voicewright.defects.record import Defect, DefectStatus, Failure, Issue, Signature
from voicewright.store.s3 import S3Store

EVIDENCE = "time: expected 9:30, heard 10:30"

LAG_S = 5.0
"""Of an index: longer than two requests take on a busy machine."""


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


def failure(suite: str, case: str = "book", run: str = "run-1", *, cause: str = "0" * 32) -> Failure:
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
    log.file(failure(suite, case="other", cause="1" * 32))
    assert len(log.defects(suite)) == 2


def test_a_defect_keeps_its_id_when_a_message_is_reworded(log: DefectLog, suite: str) -> None:
    first = log.file(failure(suite))
    reworded = failure(suite, run="run-2").model_copy(update={"evidence": "The time is wrong; but it was mumbled."})
    assert log.file(reworded).id == first.id


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
    with JiraCloud(issue_types=("Bug",), projects=("VOICE",), index_lag_s=LAG_S) as site:
        defect = log.file(failure(suite)).id
        site.timeout_after_create()
        with pytest.raises(UnavailableError):
            await publish(store, tracker(site), defect)
        with pytest.raises(UnavailableError, match="does not show yet"):  # the index lags behind
            await publish(store, tracker(site), defect)
        await asyncio.sleep(LAG_S)
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

        async def publish() -> Issue | None:
            return await environment.run(DefectStep(store, tracker(site)).publish_defect, defect)

        return await until(publish, lambda _: True, every_s=0.1, forgive=UnavailableError)

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


async def test_fields_that_a_project_requires_are_told_and_can_be_set(
    store: S3Store, log: DefectLog, suite: str
) -> None:
    required = {"customfield_10010": ["Voice", "Chat"], "customfield_10300": []}
    with JiraCloud(issue_types=("Bug",), projects=("VOICE",), required_fields=required) as site:
        defect = log.file(failure(suite)).id
        bare = tracker(site)
        assert [(one.id, one.values) for one in bare.lacking()] == [
            ("customfield_10010", ("Voice", "Chat")),
            ("customfield_10300", ()),
        ]
        with pytest.raises(
            InstallationError, match="customfield_10010, customfield_10300 with VOICEWRIGHT_JIRA_FIELDS"
        ):
            await publish(store, bare, defect)
        more = {"customfield_10010": {"value": "Voice"}, "customfield_10300": "x", "labels": ["qa"]}
        jira = JiraTracker(site.url, site.email, site.token, "VOICE", more=more)
        assert jira.lacking() == []
        issue = await publish(store, jira, defect)
        assert issue is not None
        fields = site.issues[issue.key].fields
        assert fields["customfield_10010"] == {"value": "Voice"}
        assert fields["labels"] == ["voicewright", f"voicewright-{defect}", "qa"]


def test_a_type_of_issue_that_the_project_does_not_have_is_told_with_those_that_it_has(site: JiraCloud) -> None:
    with pytest.raises(InstallationError, match="one of Bug"):
        JiraTracker(site.url, site.email, site.token, "VOICE", "Fault").lacking()


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


class HangingTracker:
    """Takes its time over every question, as a Jira behind a broken proxy does, and counts them."""

    def __init__(self, takes_s: float) -> None:
        self._takes_s = takes_s
        self.asked = 0
        self.answers = threading.Event()
        """Once this is set, no question takes any time."""

    def find(self, defect_id: str) -> Issue | None:
        self.asked += 1
        self.answers.wait(self._takes_s)
        raise UnavailableError(f"no answer for {defect_id}")

    def create(self, defect: Defect, text: str) -> Issue:
        raise AssertionError((defect, text))

    def comments(self, issue: Issue) -> list[str]:
        raise AssertionError(issue)

    def comment(self, issue: Issue, text: str) -> None:
        raise AssertionError((issue, text))

    def is_done(self, issue: Issue) -> bool:
        self.asked += 1
        self.answers.wait(self._takes_s)
        return issue.key == "closed"

    def move(self, issue: Issue, *, done: bool) -> None:
        raise AssertionError((issue, done))


@pytest.fixture
def shelf(store: S3Store) -> S3Store:
    """The store without other tests' defects."""
    for key in list(store.list_keys("defects/")):
        store.delete(key)
    return store


async def test_a_tracker_that_hangs_ends_a_reconciliation_after_a_few_defects(shelf: S3Store, suite: str) -> None:
    log = DefectLog(shelf)
    for number in range(90):
        log.file(failure(suite, cause=f"{number:032x}"))
    slow = HangingTracker(600)
    step = DefectStep(shelf, slow, limit_s=0.3)
    assert (await ActivityEnvironment().run(step.reconcile_defects)).moved == ()
    assert slow.asked == 3
    slow.answers.set()


async def test_a_slow_tracker_gets_no_more_than_a_rounds_time_and_other_defects_the_next_round(
    shelf: S3Store, suite: str
) -> None:
    log = DefectLog(shelf)
    for number in range(20):
        log.published(log.file(failure(suite, cause=f"{number:032x}")).id, 1, Issue(key="closed", url="u"))
    slow = HangingTracker(0.1)
    rounds = 0
    while any(defect.status is DefectStatus.OPEN for defect in log.defects(suite)):
        await ActivityEnvironment().run(DefectStep(shelf, slow, round_s=0.5).reconcile_defects)
        rounds += 1
        assert rounds < 60
    assert rounds > 1


async def test_defects_that_hang_at_the_tracker_keep_no_places_of_others(shelf: S3Store, suite: str) -> None:
    """Twenty at once, of which eight reach the tracker: the rest are sent away and come again."""
    log = DefectLog(shelf)
    ids = [log.file(failure(suite, cause=f"{number:032x}")).id for number in range(20)]
    slow = HangingTracker(600)
    step = DefectStep(shelf, slow, limit_s=4.0)
    told = [asyncio.create_task(ActivityEnvironment().run(step.publish_defect, defect)) for defect in ids]
    await asyncio.wait(told, return_when=asyncio.FIRST_COMPLETED)
    while sum(task.done() for task in told) < 12:
        await asyncio.sleep(0.02)
    errors = await asyncio.gather(*told, return_exceptions=True)
    assert all(isinstance(error, UnavailableError) for error in errors)
    assert slow.asked <= 8
    slow.answers.set()

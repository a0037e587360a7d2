"""Who is told of a run, and that nobody is told twice: Slack and GitHub at the wire, the real store behind."""

import re
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_stack import LocalStack
from standins.github_api import GitHubApi
from standins.slack_api import SlackApi
from temporalio.testing import ActivityEnvironment

from activities.errors import InstallationError, RateLimitedError, UnavailableError
from activities.integrations.github_status import GitHubStatus
from activities.integrations.slack_notifier import SlackNotifier
from activities.steps.notify import NotifyStep
from voicewright.contracts.case import CaseKey, CasePhase, CaseUpdate, Outcome, SuiteRef
from voicewright.contracts.run import GitHubTarget
from voicewright.contracts.steps import ReviewDigest, RunNotice
from voicewright.report.build import Links
from voicewright.store.keys import run_key
from voicewright.store.s3 import S3Store

LINKS = Links("http://127.0.0.1:8080", "http://127.0.0.1:8233/namespaces/default/workflows/")


@pytest.fixture
def store(stack: LocalStack) -> S3Store:
    return S3Store(stack.settings)


@pytest.fixture
def workspace(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlackApi]:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    with SlackApi() as workspace:
        yield workspace


@pytest.fixture
def hub() -> Iterator[GitHubApi]:
    with GitHubApi() as hub:
        yield hub


def slack(store: S3Store, workspace: SlackApi, channel: str = "C0REVIEWS") -> SlackNotifier:
    return SlackNotifier(store, LINKS, workspace.token, channel, workspace.url)


def notice(
    run: str, *, finished: bool = True, failed: int = 1, reason: str = "heard 10:30", github: GitHubTarget | None = None
) -> RunNotice:
    key = CaseKey(case="book", language="en")
    wrong = CaseUpdate(key=key, phase=CasePhase.FINISHED, outcome=Outcome.FAILED, reason=reason)
    return RunNotice(
        run_id=run,
        suite=SuiteRef(name="clinic", version="0" * 64),
        agent="media_stream ws://agent",
        total=2,
        counts={Outcome.PASSED: 1, Outcome.FAILED: failed} if failed else {Outcome.PASSED: 2},
        reviewing=() if finished else (key,),
        reviewing_total=0 if finished else 1,
        finished=finished,
        wrong=(wrong,) if failed else (),
        github=github,
    )


def unique() -> str:
    return f"run-{uuid.uuid4().hex[:8]}"


def text_of(message: object) -> str:
    return str(getattr(message, "blocks", ""))


def test_slack_is_reminded_in_one_message_that_calls_nobody(store: S3Store, workspace: SlackApi) -> None:
    digest = ReviewDigest(
        at="2026-11-30T12:00:00+00:00", waiting=7, overdue=3, hours=4, oldest_at="2026-11-30T07:12:00+00:00",
        suites=("clinic", "<!channel>"),
    )  # fmt: skip
    slack(store, workspace).remind(digest)
    [message] = workspace.messages
    assert "3 of 7 cases have waited for a person for more than 4 h; the longest since 2026-11-30 07:12" in message.text
    assert "&lt;!channel&gt;" in message.text
    assert "<http://127.0.0.1:8080/reviews|Review them>" in message.text


def test_a_run_is_one_message_that_is_brought_up_to_date(store: S3Store, workspace: SlackApi) -> None:
    run = unique()
    slack(store, workspace).tell(notice(run, finished=False))
    [waiting] = workspace.messages
    assert "waiting for review" in waiting.text
    assert f"/reviews/{run}/book/en/1" in text_of(waiting)
    slack(store, workspace).tell(notice(run))
    slack(store, workspace).tell(notice(run))
    [done] = workspace.messages
    assert "clinic done" in done.text
    assert "1 failed" in done.text
    assert f"/report/{run}" in text_of(done)
    assert "workflows/" in text_of(done)


@pytest.mark.parametrize("hang_s", [0.0, 30.0])
def test_a_post_whose_answer_got_lost_is_found_and_not_repeated(
    store: S3Store, workspace: SlackApi, hang_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.integrations.slack_notifier._TIMEOUT_S", 3)
    run = unique()
    workspace.post_as_person("C0REVIEWS", "good morning")
    workspace.time_out_after_posting(hang_s=hang_s)
    with pytest.raises(UnavailableError):
        slack(store, workspace).tell(notice(run))
    workspace.post_as_person("C0REVIEWS", "anybody here?")
    slack(store, workspace).tell(notice(run))
    mine = [message for message in workspace.messages if "clinic" in message.text]
    assert len(mine) == 1


def test_a_message_that_somebody_deleted_is_posted_anew_and_once(store: S3Store, workspace: SlackApi) -> None:
    run = unique()
    for _ in range(2):  # deleted twice
        slack(store, workspace).tell(notice(run, finished=False))
        workspace.messages.clear()
    slack(store, workspace).tell(notice(run))
    slack(store, workspace).tell(notice(run))
    [done] = workspace.messages
    assert "clinic done" in done.text


def test_another_channel_gets_a_message_of_its_own(store: S3Store, workspace: SlackApi) -> None:
    run = unique()
    workspace.channels = {*workspace.channels, "C0OTHERS"}
    slack(store, workspace).tell(notice(run, finished=False))
    slack(store, workspace, "C0OTHERS").tell(notice(run))
    slack(store, workspace, "C0OTHERS").tell(notice(run))
    assert [message.channel for message in workspace.messages] == ["C0REVIEWS", "C0OTHERS"]


def test_a_message_that_another_app_wrote_is_left_alone(store: S3Store, workspace: SlackApi) -> None:
    run = unique()
    slack(store, workspace).tell(notice(run, finished=False))
    workspace.messages[0].author = {"user": "U0OLDBOT", "bot_id": "B0OLD"}
    slack(store, workspace).tell(notice(run))
    slack(store, workspace).tell(notice(run))
    assert len(workspace.messages) == 2
    assert "clinic done" in workspace.messages[1].text


def test_a_message_posted_anew_whose_answer_got_lost_is_not_posted_again(store: S3Store, workspace: SlackApi) -> None:
    run = unique()
    slack(store, workspace).tell(notice(run, finished=False))
    workspace.messages.clear()
    workspace.time_out_after_posting()
    with pytest.raises(UnavailableError):
        slack(store, workspace).tell(notice(run))
    slack(store, workspace).tell(notice(run))
    assert len(workspace.messages) == 1


def test_slacks_troubles_become_ours(store: S3Store, workspace: SlackApi) -> None:
    run = unique()
    workspace.fault(429, retry_after=9)
    with pytest.raises(RateLimitedError) as limited:
        slack(store, workspace).tell(notice(run))
    assert limited.value.next_retry_delay is not None
    assert limited.value.next_retry_delay.total_seconds() == 9
    workspace.fault(503)
    with pytest.raises(UnavailableError):
        slack(store, workspace).tell(notice(run))
    with pytest.raises(InstallationError, match="channel_not_found"):
        slack(store, workspace, "C0NOWHERE").tell(notice(unique()))
    assert not workspace.messages


def test_what_an_agent_said_cannot_call_a_channel(store: S3Store, workspace: SlackApi) -> None:
    slack(store, workspace).tell(notice(unique(), reason="<!channel> <http://evil|click> `x`"))
    assert "<!channel>" not in text_of(workspace.messages[0])
    assert "&lt;!channel&gt;" in text_of(workspace.messages[0])


def test_a_commit_gets_statuses_and_one_check_run(store: S3Store, hub: GitHubApi, tmp_path: Path) -> None:
    key = tmp_path / "app.pem"
    key.write_text(hub.private_key)
    run = unique()
    sha = hub.add_commit("acme/agent")
    target = GitHubTarget(repository="acme/agent", sha=sha, installation=42)
    notifier = GitHubStatus(store, LINKS, api_url=hub.url, app_id="12345", private_key_file=key)
    notifier.tell(notice(run, finished=False, failed=0, github=target))
    store.put(run_key(run, "summary.md"), "## ❌ clinic: 1 of 2 passed".encode(), "text/markdown")
    notifier.tell(notice(run, github=target))
    notifier.tell(notice(run, github=target))
    repository = hub.repository("acme/agent")
    assert [status["state"] for status in repository.statuses] == ["pending", "failure", "failure"]
    assert repository.statuses[-1]["context"] == "voicewright/clinic"
    [check] = repository.check_runs
    assert (check["status"], check["conclusion"], check["external_id"]) == ("completed", "failure", run)
    assert check["output"]["summary"].startswith("## ❌ clinic")


def test_what_is_in_quarantine_stops_no_commit(store: S3Store, workspace: SlackApi, hub: GitHubApi) -> None:
    target = GitHubTarget(repository="acme/agent", sha=hub.add_commit("acme/agent"))
    aside = {"quarantined": {Outcome.FAILED: 1}}
    whole = notice(unique(), github=target)
    teller = GitHubStatus(store, LINKS, api_url=hub.url, token=hub.token)
    for told in (
        whole,
        whole.model_copy(update=aside),
        notice(unique(), failed=2, github=target).model_copy(update=aside),
    ):
        teller.tell(told)
    statuses = hub.repository("acme/agent").statuses
    assert [status["state"] for status in statuses] == ["failure", "success", "failure"]
    assert statuses[1]["description"] == "1 passed, 1 failed of 2, 1 of them in quarantine"
    slack(store, workspace).tell(whole.model_copy(update=aside))
    assert "1 of them in quarantine" in str(workspace.messages)


def test_a_token_writes_statuses_alone_and_a_pull_request_is_looked_up(store: S3Store, hub: GitHubApi) -> None:
    sha = hub.add_pull(7, "acme/agent", "feature")
    target = GitHubTarget(repository="acme/agent", pull=7)
    GitHubStatus(store, LINKS, api_url=hub.url, token=hub.token).tell(notice(unique(), failed=0, github=target))
    repository = hub.repository("acme/agent")
    assert [(status["state"], status["sha"]) for status in repository.statuses] == [("success", sha)]
    assert not repository.check_runs


def test_githubs_troubles_become_ours(store: S3Store, hub: GitHubApi) -> None:
    target = GitHubTarget(repository="acme/agent", sha=hub.add_commit("acme/agent"))
    told = notice(unique(), github=target)
    notifier = GitHubStatus(store, LINKS, api_url=hub.url, token=hub.token)
    hub.fault(403, headers={"retry-after": "5"})
    with pytest.raises(RateLimitedError):
        notifier.tell(told)
    hub.fault(502)
    with pytest.raises(UnavailableError):
        notifier.tell(told)
    with pytest.raises(InstallationError, match=re.escape("401")):
        GitHubStatus(store, LINKS, api_url=hub.url, token="wrong").tell(told)
    with pytest.raises(InstallationError, match="neither"):
        GitHubStatus(store, LINKS, api_url=hub.url).tell(told)
    assert not hub.repository("acme/agent").statuses


async def test_a_notifier_that_fails_keeps_no_other_from_telling(
    store: S3Store, workspace: SlackApi, hub: GitHubApi
) -> None:
    target = GitHubTarget(repository="acme/agent", sha=hub.add_commit("acme/agent"))
    status = GitHubStatus(store, LINKS, api_url=hub.url, token=hub.token)
    step = NotifyStep([slack(store, workspace, "C0NOWHERE"), status])
    with pytest.raises(InstallationError, match="channel_not_found"):
        await ActivityEnvironment().run(step.notify, notice(unique(), github=target))
    assert [one["state"] for one in hub.repository("acme/agent").statuses] == ["failure"]


def test_a_long_message_loses_whole_lines_and_no_links(store: S3Store, workspace: SlackApi) -> None:
    told = notice(unique(), finished=False, reason="x" * 200)
    told = told.model_copy(update={"wrong": told.wrong * 10, "reviewing": told.reviewing * 20, "reviewing_total": 20})
    slack(store, workspace).tell(told)
    text = workspace.messages[0].blocks[1]["text"]["text"]
    assert len(text) <= 3000
    assert text.count("waits for a human") == 10
    assert "|Temporal>" in text


async def test_a_notifier_that_hangs_keeps_no_other_from_telling(store: S3Store, workspace: SlackApi) -> None:
    over = threading.Event()

    class Hanging:
        def tell(self, notice: RunNotice) -> None:
            over.wait(600)

    step = NotifyStep([Hanging(), slack(store, workspace)], limit_s=1.0)
    with pytest.raises(UnavailableError, match="Hanging did not answer within 1 s"):
        await ActivityEnvironment().run(step.notify, notice(unique()))
    over.set()
    assert len(workspace.messages) == 1

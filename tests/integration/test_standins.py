"""The stand-ins for Jira Cloud and Slack accept and refuse, through the vendors' own libraries, what the vendors do."""

import http.client
from collections.abc import Callable, Iterator
from http.client import RemoteDisconnected
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from jira import JIRA, JIRAError
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from standins.jira_cloud import MAX_TEXT, JiraCloud
from standins.slack_api import MAX_BLOCKS, SlackApi

CHANNEL = "C0REVIEWS"
FIELDS = {"project": {"key": "VW"}, "issuetype": {"name": "Task"}, "summary": "Agent was late", "labels": ["vw-1"]}
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "*Failed*"}}
METADATA = {"event_type": "review_opened", "event_payload": {"review": "01J", "run": 7}}


def answer_to(error: JIRAError) -> requests.Response:
    assert error.response is not None
    return error.response


@pytest.fixture
def site() -> Iterator[JiraCloud]:
    with JiraCloud() as site:
        yield site


@pytest.fixture
def jira(site: JiraCloud) -> Iterator[JIRA]:
    client = connect(site)
    yield client
    client.close()


def connect(site: JiraCloud, token: str | None = None) -> JIRA:
    return JIRA(server=site.url, basic_auth=(site.email, token or site.token), max_retries=0, timeout=60)


@pytest.fixture
def workspace() -> Iterator[SlackApi]:
    with SlackApi() as workspace:
        yield workspace


@pytest.fixture
def slack(workspace: SlackApi, monkeypatch: pytest.MonkeyPatch) -> WebClient:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    return WebClient(token=workspace.token, base_url=workspace.url, timeout=60, retry_handlers=[])


def keys(jira: JIRA, jql: str, **options: Any) -> list[str]:
    return [issue.key for issue in jira.enhanced_search_issues(jql, fields="summary", **options)]


def test_jira_issue_from_creation_to_reopening(site: JiraCloud, jira: JIRA) -> None:
    issue = jira.create_issue({**FIELDS, "description": "It took 9 s."})
    assert (issue.key, issue.fields.summary, issue.fields.description) == ("VW-1", "Agent was late", "It took 9 s.")
    assert (issue.fields.labels, issue.fields.status.statusCategory.key) == (["vw-1"], "new")
    jira.add_comment(issue, "Again.")
    assert [comment.body for comment in jira.comments(issue)] == ["Again."]
    issue.add_field_value("labels", "again")
    assert jira.issue("VW-1").fields.labels == ["vw-1", "again"]
    for name, category in {"Start": "indeterminate", "Finish": "done", "Reopen": "new"}.items():
        assert [step["name"] for step in jira.transitions(issue)] == [name]
        jira.transition_issue(issue, name)
        assert jira.issue("VW-1").fields.status.statusCategory.key == category
    site.set_status("VW-1", "Done", by="Pat")
    assert jira.issue("VW-1").fields.status.name == "Done"
    assert [(step.by, step.status) for step in site.issues["VW-1"].history][-2:] == [("bot", "To Do"), ("Pat", "Done")]
    assert [request.status for request in site.requests if request.path.endswith("/issue")] == [201]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"project": {"key": "NO"}}, "valid project is required", id="project"),
        pytest.param({"issuetype": {"name": "Epos"}}, "issue type selected is invalid", id="type"),
        pytest.param({"issuetype": None}, "valid issue type is required", id="no_type"),
        pytest.param({"summary": None}, "must specify a summary", id="no_summary"),
        pytest.param({"summary": "s" * 256}, "exceed 255", id="long_summary"),
        pytest.param({"summary": "two\nlines"}, "newline", id="newline"),
        pytest.param({"summary": "\N{TELEPHONE RECEIVER}" * 128}, "exceed 255", id="utf_16"),
        pytest.param({"description": "d" * (MAX_TEXT + 1)}, "32,767", id="long_description"),
        pytest.param({"description": {"type": "doc"}}, "must be a string", id="document"),
        pytest.param({"labels": ["a b"]}, "contains spaces", id="label"),
        pytest.param({"labels": "a"}, "not an array", id="labels"),
        pytest.param({"customfield_1": 1}, "'customfield_1' cannot be set", id="unknown_field"),
        pytest.param({"status": {"name": "Done"}}, "'status' cannot be set", id="status"),
        pytest.param({"priority": {"name": "Dire"}}, "priority", id="priority"),
    ],
)
def test_jira_refuses_a_wrong_issue(site: JiraCloud, jira: JIRA, change: dict[str, Any], message: str) -> None:
    with pytest.raises(JIRAError, match=message) as caught:
        jira.create_issue({**FIELDS, **change})
    assert caught.value.status_code == 400
    assert answer_to(caught.value).json()["errors"].keys() == change.keys()
    assert not site.issues


def test_jira_search(site: JiraCloud, jira: JIRA) -> None:
    for label in ("a", "b", "c"):
        jira.create_issue({**FIELDS, "labels": [label]})
    site.set_status("VW-2", "Done")
    assert keys(jira, "project = VW and labels in (a, 'b') ORDER BY created DESC") == ["VW-2", "VW-1"]
    assert keys(jira, 'project = "VW" AND labels = "b" AND statusCategory != Done') == []
    assert keys(jira, 'status not in ("To Do", "In Progress")') == ["VW-2"]
    assert keys(jira, "statusCategory = new", use_post=True) == ["VW-3", "VW-1"]
    page = jira.enhanced_search_issues("project = VW", maxResults=2)
    assert [issue.fields.status.name for issue in page] == ["To Do", "Done"]
    assert keys(jira, "project = VW", maxResults=2, nextPageToken=page.nextPageToken) == ["VW-1"]
    body = {"jql": "labels = a", "fields": ["summary"]}
    found = requests.post(f"{site.url}/rest/api/3/search/jql", json=body, auth=(site.email, site.token), timeout=60)
    assert [issue["key"] for issue in found.json()["issues"]] == ["VW-1"]


@pytest.mark.parametrize(
    ("jql", "message"),
    [
        ("", "Unbounded"),
        ("ORDER BY created", "Unbounded"),
        ("project = NO", "does not exist for the field 'project'"),
        ("assignee = me", "Field 'assignee' does not exist"),
        ("status = Lost", "does not exist for the field 'status'"),
        ("labels != a", "operator"),
        ("labels = (a)", "operator"),
        ("labels = a OR labels = b", "Error in the JQL Query"),
        ("labels = a AND", "Error in the JQL Query"),
        ("labels ~ a", "Error in the JQL Query"),
    ],
)
def test_jira_refuses_other_jql(jira: JIRA, jql: str, message: str) -> None:
    with pytest.raises(JIRAError, match=message) as caught:
        jira.enhanced_search_issues(jql)
    assert caught.value.status_code == 400


def test_jira_search_lags_unless_asked_to_reconcile() -> None:
    with JiraCloud(index_lag_s=3600) as site:
        jira = connect(site)
        issue = jira.create_issue(FIELDS)
        assert keys(jira, "labels = vw-1") == []
        assert keys(jira, "labels = vw-1", reconcileIssues=[int(issue.id)]) == [issue.key]
        site.index_lag_s = 0
        assert keys(jira, "labels = vw-1") == [issue.key]
        jira.close()


def test_jira_old_search_is_gone(site: JiraCloud) -> None:
    jira = JIRA(server=site.url, basic_auth=(site.email, site.token), get_server_info=False, max_retries=0)
    assert jira.enhanced_search_issues("project = VW") is None
    with pytest.raises(JIRAError, match="has been removed") as caught:
        jira.search_issues("project = VW")
    assert caught.value.status_code == 410
    jira.close()


def test_jira_refuses_what_is_not_there(jira: JIRA) -> None:
    jira.create_issue(FIELDS)
    asked: dict[int, Callable[[], object]] = {
        404: lambda: jira.issue("VW-9"),
        400: lambda: jira.transition_issue("VW-1", "21"),
    }
    for status, ask in asked.items():
        with pytest.raises(JIRAError) as caught:
            ask()
        assert caught.value.status_code == status
    for body in ("", "c" * (MAX_TEXT + 1)):
        with pytest.raises(JIRAError, match="comment|32,767"):
            jira.add_comment("VW-1", body)


def test_jira_refuses_malformed_json(site: JiraCloud) -> None:
    url, auth = f"{site.url}/rest/api/2/issue", (site.email, site.token)
    for body in ('{"fields"', "[]", '{"fields": 1}'):
        answer = requests.post(url, body, headers={"Content-Type": "application/json"}, auth=auth, timeout=60)
        assert (answer.status_code, answer.json()["errors"]) == (400, {})
    assert requests.post(url, "{}", headers={"Content-Type": "text/plain"}, auth=auth, timeout=60).status_code == 415
    assert requests.post(url, "{}", timeout=60).status_code == 401


def test_jira_refuses_strangers(site: JiraCloud) -> None:
    with pytest.raises(JIRAError, match="must be authenticated") as caught:
        connect(site, "wrong")
    assert caught.value.status_code == 401
    assert answer_to(caught.value).headers["X-Seraph-LoginReason"] == "AUTHENTICATED_FAILED"


def test_jira_faults(site: JiraCloud, jira: JIRA) -> None:
    site.fault(429, retry_after=7, only="POST /rest/api/2/issue")
    site.fault(503, times=1, only="/comment")
    with pytest.raises(JIRAError) as caught:
        jira.create_issue(FIELDS)
    assert (caught.value.status_code, answer_to(caught.value).headers["Retry-After"]) == (429, "7")
    jira.create_issue(FIELDS)
    with pytest.raises(JIRAError, match="<h1>503") as caught:
        jira.comments("VW-1")
    assert jira.comments("VW-1") == []
    site.timeout_after_create()
    with pytest.raises(requests.ConnectionError):
        jira.create_issue(FIELDS)
    assert list(site.issues) == ["VW-1", "VW-2"]
    assert site.requests[-1].status is None


def test_slack_messages_threads_and_metadata(workspace: SlackApi, slack: WebClient) -> None:
    assert slack.auth_test()["user_id"] == "U0BOT"
    first = slack.chat_postMessage(channel=CHANNEL, text="Failed", blocks=[SECTION], metadata=METADATA)
    reply = slack.chat_postMessage(channel=CHANNEL, text="More", thread_ts=first["ts"], unfurl_links=False)
    slack.chat_update(channel=CHANNEL, ts=first["ts"], text="Solved")
    asked = workspace.post_as_person(CHANNEL, "Why?", first["ts"])
    last = slack.chat_postMessage(channel=CHANNEL, text="Next")
    history = slack.conversations_history(channel=CHANNEL, include_all_metadata=True)
    assert [message["text"] for message in history["messages"]] == ["Next", "Solved"]
    solved = history["messages"][1]
    assert (solved["blocks"], solved["metadata"], solved["reply_count"]) == ([SECTION], METADATA, 2)
    thread = slack.conversations_replies(channel=CHANNEL, ts=first["ts"])
    assert [message["ts"] for message in thread["messages"]] == [first["ts"], reply["ts"], asked]
    assert thread["messages"][0]["metadata"] == {"event_type": "review_opened"}
    newer = slack.conversations_history(channel=CHANNEL, oldest=first["ts"])
    assert [message["ts"] for message in newer["messages"]] == [last["ts"]]
    pages = slack.conversations_history(channel=CHANNEL, limit=1)
    assert [message["text"] for page in pages for message in page["messages"]] == ["Next", "Solved"]
    assert workspace.messages[1].unfurl_links is False


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        pytest.param({"channel": "C0NOWHERE"}, "channel_not_found", id="channel"),
        pytest.param({"channel": "C0FOREIGN"}, "not_in_channel", id="foreign"),
        pytest.param({"thread_ts": "1.0"}, "thread_not_found", id="thread"),
        pytest.param({"text": "t" * 40_001}, "msg_too_long", id="text"),
        pytest.param({"blocks": "{"}, "invalid_blocks_format", id="format"),
        pytest.param({"blocks": [SECTION] * (MAX_BLOCKS + 1)}, "invalid_blocks", id="blocks"),
        pytest.param({"blocks": [section("s" * 3001)]}, "invalid_blocks", id="section"),
        pytest.param({"blocks": [section("")]}, "invalid_blocks", id="empty_section"),
        pytest.param({"blocks": [section("s" * 2900)] * 4}, "msg_blocks_too_long", id="all_blocks"),
        pytest.param({"blocks": [{"type": "header", "text": SECTION["text"]}]}, "invalid_blocks", id="header"),
        pytest.param({"blocks": [{"type": "table"}]}, "invalid_blocks", id="type"),
        pytest.param({"blocks": [{**SECTION, "colour": "red"}]}, "invalid_blocks", id="property"),
        pytest.param({"metadata": {"event_type": "x"}}, "invalid_metadata_format", id="metadata"),
        pytest.param(
            {"metadata": {"event_type": "x", "event_payload": {"y": "z" * 9000}}}, "metadata_too_large", id="size"
        ),
    ],
)
def test_slack_refuses_a_wrong_message(
    workspace: SlackApi, slack: WebClient, arguments: dict[str, Any], error: str
) -> None:
    with pytest.raises(SlackApiError) as caught:
        slack.chat_postMessage(**{"channel": CHANNEL, "text": "Failed", **arguments})
    assert (caught.value.response.status_code, caught.value.response["error"]) == (200, error)
    assert not workspace.messages


def test_slack_wants_some_text(slack: WebClient) -> None:
    with pytest.raises(SlackApiError, match="no_text"), pytest.warns(UserWarning, match="`text` argument is missing"):
        slack.chat_postMessage(channel=CHANNEL)


def test_slack_updates_only_the_apps_own_messages(workspace: SlackApi, slack: WebClient) -> None:
    theirs = workspace.post_as_person(CHANNEL, "Hello")
    own = slack.chat_postMessage(channel=CHANNEL, text="Hello")["ts"]
    for ts, text, error in [
        (theirs, "Bye", "cant_update_message"),
        ("1.000000", "Bye", "message_not_found"),
        (own, "b" * 4001, "msg_too_long"),
    ]:
        with pytest.raises(SlackApiError) as caught:
            slack.chat_update(channel=CHANNEL, ts=ts, text=text)
        assert caught.value.response["error"] == error


def test_slack_checks_token_and_scopes(workspace: SlackApi, slack: WebClient) -> None:
    workspace.scopes.discard("chat:write")
    with pytest.raises(SlackApiError) as caught:
        slack.chat_postMessage(channel=CHANNEL, text="Hello")
    answer = caught.value.response
    assert (answer["error"], answer["needed"], answer["provided"]) == (
        "missing_scope",
        "chat:write",
        "channels:history",
    )
    for token, error in {"wrong": "invalid_auth", None: "not_authed"}.items():
        slack.token = token
        with pytest.raises(SlackApiError, match=error):
            slack.auth_test()


def test_slack_faults(workspace: SlackApi, slack: WebClient) -> None:
    workspace.fault(429, retry_after=30)
    with pytest.raises(SlackApiError, match="ratelimited") as caught:
        slack.chat_postMessage(channel=CHANNEL, text="One")
    assert (caught.value.response.status_code, caught.value.response.headers["Retry-After"]) == (429, "30")
    workspace.fault(502, only="chat.update")
    slack.chat_postMessage(channel=CHANNEL, text="One")
    with pytest.raises(SlackApiError, match="non-JSON") as caught:
        slack.chat_update(channel=CHANNEL, ts=workspace.messages[0].ts, text="Two")
    assert caught.value.response.status_code == 502
    workspace.time_out_after_posting()
    with pytest.raises(RemoteDisconnected):
        slack.chat_postMessage(channel=CHANNEL, text="Three")
    slack.timeout = 1
    workspace.time_out_after_posting(hang_s=5)
    with pytest.raises(TimeoutError):
        slack.chat_postMessage(channel=CHANNEL, text="Four")
    assert [message.text for message in workspace.messages] == ["One", "Three", "Four"]


def test_slack_refuses_malformed_requests(workspace: SlackApi) -> None:
    address = urlsplit(workspace.url)
    for path, body, error in [
        ("/api/chat.postMessage", "{", "invalid_json"),
        ("/api/chat.postMessage", "[]", "json_not_object"),
        ("/api/chat.shout", "{}", "unknown_method"),
    ]:
        line = http.client.HTTPConnection(address.netloc, timeout=60)
        line.request("POST", path, body, {"Content-Type": "application/json"})
        assert f'"error": "{error}"' in line.getresponse().read().decode()
        line.close()

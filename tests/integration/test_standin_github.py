import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import jwt
import pytest
from githubkit import AppAuthStrategy, GitHub, webhooks
from githubkit.cache import MemCacheStrategy
from githubkit.exception import (
    PrimaryRateLimitExceeded,
    RequestError,
    RequestFailed,
    RequestTimeout,
    SecondaryRateLimitExceeded,
)
from githubkit_schemas.latest import models
from standins.github_api import (
    GitHubApi,
    delivery,
    event,
    primary_limit,
    private_key,
    secondary_limit,
    signed,
)

REPO = "/repos/acme/agent"
SECRET = "It's a Secret to Everybody"
PASSED = {
    "state": "success",
    "context": "voicewright",
    "description": "4 of 4 cases",
    "target_url": "https://vw.test/1",
}
RUN = {"name": "voicewright", "external_id": "run-1", "details_url": "https://vw.test/1", "status": "in_progress"}
OUTPUT = {"title": "4 of 4 cases", "summary": "All passed"}


@pytest.fixture
def api() -> Iterator[GitHubApi]:
    with GitHubApi() as github:
        yield github


def client(api: GitHubApi, auth: Any) -> GitHub[Any]:
    # Else the library retries by itself, keeps an HTTP cache, and shares the tokens of installations among clients.
    made: GitHub[Any] = GitHub(
        auth, base_url=api.url, timeout=20, auto_retry=False, http_cache=False, cache_strategy=MemCacheStrategy()
    )
    return made


def token_client(api: GitHubApi) -> GitHub[Any]:
    return client(api, api.token)


def app_client(api: GitHubApi, key: str = "", **asked: Any) -> GitHub[Any]:
    app = AppAuthStrategy(api.app_id, key or api.private_key)
    return client(api, app.as_installation(api.installation_id, **asked))


def refusal(github: GitHub[Any], method: str, url: str, **arguments: Any) -> tuple[int, str]:
    with pytest.raises(RequestFailed) as caught:
        github.request(method, url, **arguments)
    body = caught.value.response.json()
    details = [error.get("message") or f"{error['code']} {error['field']}" for error in body.get("errors", [])]
    return caught.value.response.status_code, "; ".join(details) or body["message"]


def test_status_is_created_and_listed(api: GitHubApi) -> None:
    sha, github = api.add_commit(), token_client(api)
    created = github.request("POST", f"{REPO}/statuses/{sha}", json=PASSED, response_model=models.Status)
    assert created.status_code == 201
    assert created.parsed_data.context == "voicewright"
    github.request("POST", f"{REPO}/statuses/{sha}", json={"state": "failure"})
    listed = github.request("GET", f"{REPO}/commits/{sha}/statuses", params={"per_page": 1})
    assert [(status["state"], status["context"]) for status in listed.json()] == [("failure", "default")]
    assert 'rel="next"' in listed.headers["link"]
    assert [(made.method, made.status, made.by) for made in api.requests] == [
        ("POST", 201, "token"),
        ("POST", 201, "token"),
        ("GET", 200, "token"),
    ]
    assert api.requests[0].body == PASSED


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"state": "passed"}, "state is not included in the list"),
        ({"state": None}, "state is not included in the list"),
        ({"description": "x" * 141}, "description is too long (maximum is 140 characters)"),
        ({"description": "🎉"}, "description doesn't accept 4-byte Unicode"),
        ({"context": "x" * 256}, "context is too long (maximum is 255 characters)"),
        ({"target_url": "ftp://vw.test"}, "target_url must use http(s) scheme"),
        ({"context": 5}, "Invalid request.\n\nFor 'properties/context', 5 is not a string."),
    ],
)
def test_wrong_status_is_refused(api: GitHubApi, change: dict[str, Any], message: str) -> None:
    url = f"{REPO}/statuses/{api.add_commit()}"
    assert refusal(token_client(api), "POST", url, json={**PASSED, **change}) == (422, message)
    assert api.repository().statuses == []


def test_status_without_a_commit_a_repository_or_credentials_is_refused(api: GitHubApi) -> None:
    sha, github = "a" * 40, token_client(api)
    url, foreign = f"{REPO}/statuses/{sha}", f"/repos/acme/secret/statuses/{api.add_commit('acme/secret')}"
    assert refusal(github, "POST", url, json=PASSED) == (422, f"No commit found for SHA: {sha}")
    too_short = (422, "sha must be a 40 character SHA1")
    assert refusal(github, "POST", f"{REPO}/statuses/{sha[:7]}", json=PASSED) == too_short
    assert refusal(github, "POST", foreign, json=PASSED) == (404, "Not Found")
    assert refusal(github, "POST", foreign.replace("secret", "missing"), json=PASSED) == (404, "Not Found")
    assert refusal(client(api, "wrong"), "POST", url, json=PASSED) == (401, "Bad credentials")
    assert refusal(client(api, None), "POST", url, json=PASSED) == (401, "Requires authentication")
    assert refusal(github, "POST", url, content="{") == (400, "Problems parsing JSON")


def test_headers_are_checked(api: GitHubApi) -> None:
    with pytest.raises(RequestFailed) as caught:
        token_client(api).request("GET", f"{REPO}/pulls/1", headers={"User-Agent": ""})
    assert caught.value.response.status_code == 403
    assert "User-Agent" in caught.value.response.text
    code, message = refusal(token_client(api), "GET", f"{REPO}/pulls/1", headers={"Accept": "text/xml"})
    assert code == 415
    assert "Must accept 'application/json'" in message


async def test_check_run_is_created_finished_and_found(api: GitHubApi) -> None:
    sha, github = api.add_commit(), app_client(api)
    foreign = api.add_foreign_check_run(sha, "voicewright")
    run = await github.arequest("POST", f"{REPO}/check-runs", json={**RUN, "head_sha": sha})
    assert (run.json()["status"], run.json()["conclusion"]) == ("in_progress", None)
    done = {"conclusion": "success", "output": OUTPUT}
    url = f"{REPO}/check-runs/{run.json()['id']}"
    finished = await github.arequest("PATCH", url, json=done, response_model=models.CheckRun)
    assert finished.parsed_data.status == "completed"
    assert finished.parsed_data.completed_at
    for filters, ids in (({"app_id": api.app_id}, [run.json()["id"]]), ({}, [run.json()["id"], foreign])):
        found = await github.arequest(
            "GET", f"{REPO}/commits/{sha}/check-runs", params={"check_name": "voicewright", **filters}
        )
        assert [each["id"] for each in found.json()["check_runs"]] == ids
    assert found.json()["check_runs"][0]["external_id"] == "run-1"
    assert [made.by for made in api.requests] == ["app", *["installation"] * 4]
    assert refusal(github, "PATCH", f"{REPO}/check-runs/{foreign}", json=done) == (
        403,
        "Invalid app_id `15368` - check run can only be modified by the GitHub App that created it.",
    )
    assert refusal(github, "PATCH", f"{REPO}/check-runs/1", json=done) == (404, "Not Found")


def test_a_second_check_run_of_the_same_name_hides_the_first(api: GitHubApi) -> None:
    sha, github = api.add_commit(), app_client(api)
    ids = [github.request("POST", f"{REPO}/check-runs", json={**RUN, "head_sha": sha}).json()["id"] for _ in "ab"]
    for which, expected in (("latest", ids[1:]), ("all", ids[::-1])):
        found = github.request("GET", f"{REPO}/commits/{sha}/check-runs", params={"filter": which})
        assert [run["id"] for run in found.json()["check_runs"]] == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"status": "done"}, 'For \'properties/status\', "done" is not a member of ["queued", "in_progress"'),
        ({"conclusion": "passed"}, "For 'properties/conclusion', \"passed\" is not a member of"),
        ({"conclusion": None}, "For 'properties/conclusion', nil is not a string."),
        ({"completed_at": "yesterday"}, "For 'properties/completed_at', \"yesterday\" is not a valid date-time."),
        ({"status": "completed"}, "missing_field conclusion"),
        ({"output": {"title": "x"}}, '"summary" wasn\'t supplied.'),
        ({"output": {"text": "x"}}, '"summary", "title" weren\'t supplied.'),
        ({"output": {**OUTPUT, "summary": "x" * 65_536}}, "Only 65535 characters are allowed; 65536 were supplied."),
        ({"output": {**OUTPUT, "summary": "é" * 40_000}}, "summary exceeds a maximum bytesize of 65535"),
        ({"details_url": "vw.test"}, "details_url must use the http or https scheme"),
        ({"head_sha": "a" * 40}, f"No commit found for SHA: {'a' * 40}"),
    ],
)
def test_wrong_check_run_is_refused(api: GitHubApi, change: dict[str, Any], message: str) -> None:
    whole = {**RUN, "head_sha": api.add_commit(), **change}
    code, said = refusal(app_client(api), "POST", f"{REPO}/check-runs", json=whole)
    assert code == 422
    assert message in said
    assert api.repository().check_runs == []


def test_check_runs_are_for_apps_only_but_all_may_read(api: GitHubApi) -> None:
    sha, github = api.add_commit(), token_client(api)
    whole = {**RUN, "head_sha": sha}
    assert refusal(github, "POST", f"{REPO}/check-runs", json=whole) == (403, "You must authenticate via a GitHub App.")
    assert github.request("GET", f"{REPO}/commits/{sha}/check-runs").json()["total_count"] == 0


def test_an_app_may_do_what_it_was_granted(api: GitHubApi) -> None:
    sha = api.add_commit()
    reader = app_client(api, permissions={"checks": "read"})
    code = refusal(reader, "POST", f"{REPO}/check-runs", json={**RUN, "head_sha": sha})
    assert code == (403, "Resource not accessible by integration")
    assert reader.request("GET", f"{REPO}/commits/{sha}/check-runs").status_code == 200
    not_granted = (422, "The permissions requested are not granted to this installation.")
    url = f"{REPO}/commits/{sha}/statuses"
    assert refusal_of_token(app_client(api, permissions={"contents": "write"}), url) == not_granted
    status, message = refusal_of_token(app_client(api, repositories=["secret"]), url)
    assert (status, "not accessible to the parent installation" in message) == (422, True)


def refusal_of_token(github: GitHub[Any], url: str) -> tuple[int, str]:
    # The library asks for a token inside of the request, whose error then wraps the one of the token.
    with pytest.raises(RequestError) as caught:
        github.request("GET", url)
    refused = caught.value.exc
    assert isinstance(refused, RequestFailed)
    return refused.response.status_code, refused.response.json()["message"]


def test_an_installation_token_may_be_revoked(api: GitHubApi) -> None:
    url, github = f"{REPO}/commits/{api.add_commit()}/statuses", app_client(api)
    github.request("GET", url)
    api.revoke_tokens()
    assert refusal(github, "GET", url) == (401, "Bad credentials")


def test_a_wrong_app_gets_no_token(api: GitHubApi) -> None:
    url = f"{REPO}/commits/{api.add_commit()}/statuses"
    broken = (401, "A JSON web token could not be decoded")
    assert refusal_of_token(app_client(api, private_key(1)), url) == broken
    api.installation_id = 43
    github = app_client(api)
    api.installation_id = 42
    assert refusal_of_token(github, url) == (404, "Not Found")


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({}, None),
        ({"iss": "Iv23liStandIn"}, None),
        ({"iss": "1"}, (404, "Integration not found")),
        ({"exp": 700}, (401, "'Expiration time' claim ('exp') is too far in the future")),
        ({"exp": -1}, (401, "'Expiration time' claim ('exp') must be a numeric value")),
        ({"iat": 60}, (401, "'Issued at' claim ('iat') must be an Integer")),
    ],
)
def test_claims_of_an_app_are_checked(api: GitHubApi, change: dict[str, Any], refused: tuple[int, str] | None) -> None:
    now, claims = int(time.time()), {"iss": str(api.app_id), "iat": -60, "exp": 540, **change}
    shifted = {**claims, "iat": now + claims["iat"], "exp": now + claims["exp"]}
    bearer = {"Authorization": f"Bearer {jwt.encode(shifted, api.private_key, algorithm='RS256')}"}
    url, github = "/app/installations/42/access_tokens", client(api, None)
    if refused is None:
        made = github.request("POST", url, headers=bearer, response_model=models.InstallationToken)
        assert made.parsed_data.token.startswith("ghs_")
        return
    code, message = refusal(github, "POST", url, headers=bearer)
    assert code == refused[0]
    assert message.startswith(refused[1])


def test_pull_request_is_read_and_commented(api: GitHubApi) -> None:
    sha, github = api.add_pull(7, head_ref="greet"), app_client(api)
    pull = github.request("GET", f"{REPO}/pulls/7").json()
    assert (pull["head"]["sha"], pull["head"]["ref"], pull["base"]["ref"]) == (sha, "greet", "main")
    url = f"{REPO}/issues/7/comments"
    comment = github.request("POST", url, json={"body": "4 of 4"}, response_model=models.IssueComment)
    assert (comment.status_code, comment.parsed_data.body) == (201, "4 of 4")
    assert [each["body"] for each in github.request("GET", url).json()] == ["4 of 4"]
    too_long = (422, "Body is too long (maximum is 65536 characters)")
    assert refusal(github, "POST", url, json={"body": "x" * 65_537}) == too_long
    assert refusal(github, "POST", url, json={"body": " "}) == (422, "Body can't be blank")
    assert refusal(github, "POST", url, json={}) == (422, 'Invalid request.\n\n"body" wasn\'t supplied.')
    assert refusal(github, "POST", url.replace("7", "8"), json={"body": "x"}) == (404, "Not Found")
    assert refusal(github, "GET", f"{REPO}/pulls/8") == (404, "Not Found")


def test_permission_of_a_person(api: GitHubApi) -> None:
    api.collaborators["boss"] = "maintain"
    github = app_client(api)
    roles = [github.request("GET", f"{REPO}/collaborators/{who}/permission").json() for who in ("dev", "guest", "boss")]
    assert [(role["permission"], role["role_name"]) for role in roles] == [
        ("write", "write"),
        ("none", "none"),
        ("write", "maintain"),
    ]
    assert refusal(github, "GET", f"{REPO}/collaborators/ghost/permission") == (404, "ghost is not a user")


def test_rate_limits_and_failures(api: GitHubApi) -> None:
    url, github = f"{REPO}/statuses/{api.add_commit()}", token_client(api)
    for status in (403, 429):
        api.fault(status, headers=primary_limit(30))
        with pytest.raises(PrimaryRateLimitExceeded) as primary:
            github.request("POST", url, json=PASSED)
        assert timedelta(seconds=25) < primary.value.retry_after <= timedelta(seconds=30)
    api.fault(403, headers=secondary_limit(7))
    with pytest.raises(SecondaryRateLimitExceeded) as secondary:
        github.request("POST", url, json=PASSED)
    assert secondary.value.retry_after == timedelta(seconds=7)
    api.fault(502, 2, only="POST /repos")
    assert github.request("GET", url.replace("statuses", "commits") + "/statuses").json() == []
    for _ in range(2):
        with pytest.raises(RequestFailed) as failed:
            github.request("POST", url, json=PASSED)
        assert failed.value.response.status_code == 502
    assert github.request("POST", url, json=PASSED).status_code == 201


def test_lost_answer_leaves_the_status_behind(api: GitHubApi) -> None:
    url, github = f"{REPO}/statuses/{api.add_commit()}", token_client(api)
    api.time_out_after(1)
    with pytest.raises(RequestError) as cut:
        github.request("POST", url, json=PASSED)
    assert not isinstance(cut.value, RequestFailed)
    api.time_out_after(1, hang_s=60)
    with pytest.raises(RequestTimeout):
        github.request("POST", url, json=PASSED)
    assert github.request("POST", url, json=PASSED).status_code == 201
    assert len(api.repository().statuses) == 3
    assert [made.status for made in api.requests] == [None, None, 201]


@pytest.mark.parametrize("name", ["ping", "push", "deployment_status", "issue_comment"])
def test_delivery_is_signed_and_fits_the_schema(name: str) -> None:
    headers, body = delivery(SECRET, name)
    assert (headers["X-GitHub-Event"], headers["Content-Type"]) == (name, "application/json")
    assert webhooks.verify(SECRET, body, headers["X-Hub-Signature-256"])
    assert not webhooks.verify("another", body, headers["X-Hub-Signature-256"])
    assert not webhooks.verify(SECRET, body + b" ", headers["X-Hub-Signature-256"])
    webhooks.parse(name, body)
    assert signed(SECRET, body, name)["X-GitHub-Delivery"] != headers["X-GitHub-Delivery"]


def test_events_say_what_they_are_asked_to() -> None:
    push = event("push", ref="refs/heads/old", deleted=True, repository="acme/other", installation=9)
    assert (push["after"], push["deleted"], push["head_commit"]) == ("0" * 40, True, None)
    assert (push["repository"]["full_name"], push["installation"]["id"]) == ("acme/other", 9)
    deployed = event("deployment_status", state="failure", environment="prod", sha="f" * 40)
    assert (deployed["deployment_status"]["state"], deployed["deployment"]["sha"]) == ("failure", "f" * 40)
    said = event("issue_comment", body="/run", number=3, author_association="NONE", sender="guest")
    assert said["issue"]["pull_request"]["url"].endswith("/pulls/3")
    assert (said["comment"]["author_association"], said["sender"]["login"]) == ("NONE", "guest")
    assert "pull_request" not in event("issue_comment", on_pull_request=False)["issue"]
    webhooks.parse("push", json.dumps(push))

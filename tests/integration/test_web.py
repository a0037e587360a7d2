"""The web app as a process of its own: webhooks that are refused and taken, pages, and who may post to them."""

import json
import os
import random
import re
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from local_stack import Child, LocalStack, start
from standins.github_api import delivery, signed

from voicewright.free_port import free_port
from voicewright.s3 import S3Store
from voicewright.suite_file import load_suite
from voicewright.suite_library import push

SECRET = "it's a secret to everybody"
RULES = """
- repository: acme/agent
  branches: [main, "release/*"]
  on: [push, comment]
  suites: [clinic]
  tags: [none-of-them]
- repository: acme/agent
  on: [deployment]
  environments: [staging]
  suites: [clinic]
  agent_url: wss://{host}/media
"""
API = [sys.executable, "-m", "api"]


@pytest.fixture(scope="module")
def app(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    folder = tmp_path_factory.mktemp("web")
    (folder / "rules.yaml").write_text(RULES)
    environment = {
        "VOICEWRIGHT_DATA_DIR": str(stack.data),
        "VOICEWRIGHT_GITHUB_WEBHOOK_SECRET": SECRET,
        "VOICEWRIGHT_GITHUB_RULES": str(folder / "rules.yaml"),
        "VOICEWRIGHT_LOG_FORMAT": "json",
    }
    port = free_port()
    child = start([*API, "--port", str(port)], folder / "web.log", "Application startup complete", environment)
    child.address = f"http://127.0.0.1:{port}"
    yield child
    child.stop()


@pytest.fixture(scope="module")
def web(app: Child) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=app.address, timeout=20, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module", autouse=True)
def _pushed(stack: LocalStack) -> None:
    push(S3Store(stack.settings), *load_suite(Path("examples/clinic/suite.yaml")))


def post(web: httpx.Client, name: str, **values: object) -> httpx.Response:
    headers, body = delivery(SECRET, name, **values)
    return web.post("/webhooks/github", content=body, headers=headers)


def test_a_push_to_a_mapped_branch_starts_its_suites_once(web: httpx.Client, stack: LocalStack) -> None:
    sha = uuid.uuid4().hex + "0" * 8
    headers, body = delivery(SECRET, "push", ref="refs/heads/release/7", after=sha)
    taken = web.post("/webhooks/github", content=body, headers=headers)
    assert taken.status_code == 202, taken.text
    [run] = taken.json()["runs"]
    shown = stack.cli("runs", "list")
    assert run in shown.stdout
    again = web.post("/webhooks/github", content=body, headers=headers)
    assert again.status_code == 409
    other_id = {**headers, "X-GitHub-Delivery": str(uuid.uuid4())}
    assert web.post("/webhooks/github", content=body, headers=other_id).status_code == 409


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("push", {"ref": "refs/heads/feature"}),
        ("push", {"ref": "refs/tags/v1"}),
        ("push", {"ref": "refs/heads/main", "repository": "acme/other"}),
        ("deployment_status", {"environment": "production"}),
        ("deployment_status", {"environment": "staging", "environment_url": ""}),
        ("issue_comment", {"body": "what about /voicewright run?"}),
        ("issue_comment", {"body": "/voicewright run", "author_association": "NONE"}),
        ("ping", {}),
    ],
)
def test_what_no_rule_fits_starts_nothing(web: httpx.Client, name: str, values: dict[str, object]) -> None:
    answer = post(web, name, **values)
    assert answer.status_code == 202, answer.text
    assert answer.json()["runs"] == []


def test_deployments_and_comments_start_runs_too(web: httpx.Client) -> None:
    deployed = post(web, "deployment_status", environment="staging", environment_url="https://staging.example/x")
    assert len(deployed.json()["runs"]) == 1, deployed.text
    asked = post(web, "issue_comment", body="/voicewright run clinic")
    assert len(asked.json()["runs"]) == 1, asked.text


def test_a_comment_of_a_stranger_costs_nothing(web: httpx.Client) -> None:
    body = "/voicewright run" + " " * 60_000 + "!"
    assert post(web, "issue_comment", body=body, author_association="NONE").json()["runs"] == []
    assert post(web, "issue_comment", body=body).json()["runs"] == []


def test_forged_and_unsigned_deliveries_are_refused_and_logged(web: httpx.Client, app: Child) -> None:
    headers, body = delivery("another secret", "push", ref="refs/heads/main")
    assert web.post("/webhooks/github", content=body, headers=headers).status_code == 401
    unsigned = {name: value for name, value in headers.items() if "Signature" not in name}
    assert web.post("/webhooks/github", content=body, headers=unsigned).status_code == 401
    good, _ = delivery(SECRET, "push", ref="refs/heads/other")
    assert web.post("/webhooks/github", content=body, headers=good).status_code == 401  # another body's signature
    lines = [json.loads(line) for line in app.text().splitlines() if line.startswith("{")]
    refusals = [line for line in lines if line["logger"] == "voicewright.webhooks"]
    assert any("the signature is missing or wrong" in line["message"] for line in refusals)
    assert SECRET not in app.text()


def test_fuzzed_deliveries_never_break_the_app(web: httpx.Client) -> None:
    """Signed nonsense, cut and changed real payloads, odd headers: always an answer below 500."""
    chance = random.Random(7)  # noqa: S311 - a test that can be repeated
    kinds = ["push", "deployment_status", "issue_comment", "ping", "nothing", ""]
    values: list[object] = [None, -1, 10**400, "", "\x00", [], {}, True, "refs/heads/main", "x" * 5000, {"id": []}]
    statuses: dict[int, int] = {}
    for number in range(400):
        kind = chance.choice(kinds)
        _, real = delivery(SECRET, kind if kind in kinds[:4] and chance.random() < 0.9 else "push")
        payload = json.loads(real)
        match number % 5:
            case 0:
                body = real[: chance.randrange(len(real))]
            case 1:
                body = bytes(chance.randrange(256) for _ in range(chance.randrange(200)))
            case 2:
                body = b"[" * chance.randrange(1, 100_000)
            case _:
                for _ in range(3):
                    where = payload
                    name = chance.choice(list(where))
                    if isinstance(where[name], dict) and where[name] and chance.random() < 0.7:
                        where = where[name]
                        name = chance.choice(list(where))
                    where[name] = chance.choice(values)
                body = json.dumps(payload).encode()
        headers: dict[str, str | bytes] = {**signed(SECRET, body, kind or "push"), "X-GitHub-Event": kind}
        if chance.random() < 0.2:
            headers["X-Hub-Signature-256"] = chance.choice([b"sha256=", b"sha1=aa", b"\xc3\xa9", b"x"])
        if chance.random() < 0.2:
            headers["X-GitHub-Delivery"] = chance.choice(["", "../..", "x" * 4000])
        status = web.post("/webhooks/github", content=body, headers=headers).status_code
        statuses[status] = statuses.get(status, 0) + 1
        assert status < 500, (kind, body[:300])
    assert {202, 400, 401} <= set(statuses), statuses
    assert web.get("/healthz").json() == {"status": "ok"}


def test_an_app_without_a_secret_takes_no_webhooks(stack: LocalStack) -> None:
    headers, body = delivery("", "push")
    assert stack.settings.web_url is not None
    answer = httpx.post(f"{stack.settings.web_url}/webhooks/github", content=body, headers=headers, trust_env=False)
    assert answer.status_code == 403
    assert "VOICEWRIGHT_GITHUB_WEBHOOK_SECRET" in answer.text


def test_other_sites_cannot_post_through_a_validators_browser(web: httpx.Client) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = web.post("/reviews/x/y/en/1", data={"verdict": "pass", "reviewer": "Eve"}, headers=headers)
        assert answer.status_code == 403
    assert web.get("/reviews", headers={"Host": "evil.example"}).status_code == 400


def test_pages_say_what_is_missing(web: httpx.Client) -> None:
    for path in ("/runs/nobody", "/reviews/a/b/en/1", "/defects/VW-0", "/report/nobody", "/audio/a/b/en/1", "/audio/x"):
        answer = web.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 404, path
        assert "Traceback" not in answer.text
    policy = web.get("/").headers["Content-Security-Policy"]
    assert re.search(r"script-src 'self'(;|$)", policy)


def test_wrong_rules_are_named_line_by_line(stack: LocalStack, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("- repository: acme\n  on: [psuh]\n  suites: []\n")
    environment = {**os.environ, "VOICEWRIGHT_DATA_DIR": str(stack.data), "VOICEWRIGHT_GITHUB_RULES": str(rules)}
    child = start([*API, "--port", str(free_port())], tmp_path / "log", "", environment)
    assert child.process.wait(timeout=30) == 2
    assert f"{rules}:1:15: 0.repository" in child.text()
    assert f"{rules}:2:8: 0.on.0" in child.text()

"""The web app as a process of its own: webhooks that are refused and taken, pages, and who may post to them."""

import json
import os
import random
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from local_stack import Child, LocalStack, start
from standins.github_api import delivery, signed

from voicewright.runtime.free_port import free_port
from voicewright.store.s3 import S3Store
from voicewright.suite.library import push
from voicewright.suite.reading.file import load_suite

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
  hosts: ["*.staging.example", staging.example]
"""
API = [sys.executable, "-m", "api", "--no-log-in"]


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
    with httpx.Client(base_url=app.address, timeout=60, trust_env=False) as client:
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
        ("deployment_status", {"environment": "staging", "environment_url": "https://staging.example.evil.example"}),
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


@pytest.mark.parametrize(
    "address",
    ["https://staging.example@evil.example/", "https://evil.example\\@staging.example/", "https://a b.example"],
)
def test_a_deployment_at_two_hosts_is_refused(web: httpx.Client, address: str) -> None:
    assert post(web, "deployment_status", environment="staging", environment_url=address).status_code == 400


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
        named = {**signed(SECRET, body, kind or "push"), "X-GitHub-Event": kind}
        if chance.random() < 0.2:
            named["X-Hub-Signature-256"] = chance.choice(["sha256=", "sha1=aa", "é", "x"])
        if chance.random() < 0.2:
            named["X-GitHub-Delivery"] = chance.choice(["", "../..", "x" * 4000])
        headers = {name.encode(): value.encode() for name, value in named.items()}
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


def test_a_run_is_started_once_however_often_its_key_is_sent(web: httpx.Client) -> None:
    """Nobody answers at that address: the run is there, and its case ends without a call."""
    body = {"suite": "clinic", "cases": ["price"], "agent_url": "ws://127.0.0.1:9/media"}
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first, again = (web.post("/api/runs", json=body, headers=key) for _ in range(2))
    assert (first.status_code, first.json()) == (201, again.json())
    run_id = first.json()["run_id"]
    assert first.headers["location"] == first.json()["address"] == f"/runs/{run_id}"
    while not (progress := web.get(f"/api/runs/{run_id}").json())["finished"]:
        time.sleep(0.2)
    assert (progress["total"], progress["counts"]) == (1, {"errored": 1})
    assert web.post("/api/runs", json=body, headers=key).json()["run_id"] == run_id  # also after it has ended
    other = web.post("/api/runs", json={**body, "cases": ["parking"]}, headers=key)
    assert (other.status_code, "another request" in other.json()["detail"]) == (422, True)


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"suite": "clinix"}, 404, "clinic"),
        ({"suite": "clinic@0000"}, 404, "8 digits"),
        ({}, 422, "suite"),
        ({"suite": "clinic", "casez": ["x"]}, 422, "casez"),
        ({"suite": "clinic", "agent_url": "ftp://x"}, 422, "agent_url"),
        ({"suite": "clinic", "github": {"repository": "a/b"}}, 422, "itself"),
    ],
)
def test_a_start_that_makes_no_sense_is_refused(web: httpx.Client, body: object, status: int, told: str) -> None:
    answer = web.post("/api/runs", json=body)
    assert (answer.status_code, told in answer.json()["detail"]) == (status, True), answer.text


def test_the_first_password_is_printed_once_and_opens_the_app(stack: LocalStack, tmp_path: Path) -> None:
    environment = {"VOICEWRIGHT_DATA_DIR": str(stack.data), "VOICEWRIGHT_DATABASE_URL": f"sqlite:///{tmp_path}/own.db"}
    said = []
    for _ in range(2):
        port = free_port()
        command = [sys.executable, "-m", "api", "--port", str(port)]
        child = start(command, tmp_path / "log", "Application startup complete", environment)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
                assert client.get("/api/defects").status_code == 401
                said += (password := re.findall("'admin'; its password, shown this once: (.+)", child.text()))
                form = {"name": "admin", "password": said[0], "next": "/defects"}
                assert client.post("/log-in", data=form).headers["location"] == "/defects"
                assert client.get("/api/defects").status_code == 200
        finally:
            child.stop()
    assert (len(said), password) == (1, [])


def test_without_log_in_nobody_else_may_reach_it() -> None:
    command = [*API, "--host", "0.0.0.0"]  # noqa: S104
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 2
    assert "can be reached from elsewhere" in done.stderr


def test_wrong_rules_are_named_line_by_line(stack: LocalStack, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("- repository: acme\n  on: [psuh]\n  suites: []\n")
    environment = {**os.environ, "VOICEWRIGHT_DATA_DIR": str(stack.data), "VOICEWRIGHT_GITHUB_RULES": str(rules)}
    child = start([*API, "--port", str(free_port())], tmp_path / "log", "", environment)
    assert child.process.wait(timeout=300) == 2
    assert f"{rules}:1:15: 0.repository" in child.text()
    assert f"{rules}:2:8: 0.on.0" in child.text()

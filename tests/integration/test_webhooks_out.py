"""Outgoing webhooks at the wire: signed, told once, tried again where that helps, and without a word of a call."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook, WebhookVerificationError
from standins.jira_cloud import JiraCloud
from standins.s3_server import S3Server
from temporalio.testing import ActivityEnvironment
from test_notifications import LINKS, notice, unique

from activities.errors import InstallationError, RateLimitedError, UnavailableError
from activities.integrations.jira_tracker import JiraTracker
from activities.integrations.webhook import Receipt, WebhookNotifier
from activities.steps.defects import DefectStep
from voicewright.contracts.case import CaseKey
from voicewright.contracts.steps import ReviewDigest
from voicewright.defects.log import DefectLog
from voicewright.defects.record import DefectStatus, Failure, Issue, Signature
from voicewright.settings import Settings
from voicewright.store.keys import run_key
from voicewright.store.s3 import S3Store

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Receiver:
    """Somebody's endpoint: takes what is signed with the secret, and answers as it was told to."""

    url: str
    answers: list[int] = field(default_factory=list)
    taken: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = found.answers.pop(0) if found.answers else 204
            try:
                told = Webhook(SECRET).verify(body, dict(self.headers))
            except WebhookVerificationError:
                status = 401
            if status < 300:
                found.taken.append((self.headers["webhook-id"], told))
            self.send_response(status)
            self.send_header("Retry-After", "7")
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Receiver(f"http://127.0.0.1:{server.server_address[1]}/hook")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def store() -> Iterator[S3Store]:
    with S3Server() as server:
        store = S3Store(
            Settings(s3_endpoint_url=server.origin, s3_access_key_id="key", s3_secret_access_key=SecretStr("s"))
        )
        store.ensure_bucket()
        yield store


def test_what_happened_is_told_once_signed_and_without_a_word(store: S3Store, receiver: Receiver) -> None:
    notifier, run = WebhookNotifier(store, LINKS, receiver.url, SECRET), unique()
    for _ in "ab":
        notifier.tell(notice(run, finished=False))
        notifier.tell(notice(run, reason="heard my secret number"))
    (first, wanted), (second, finished) = receiver.taken
    assert first != second
    assert (wanted["type"], wanted["data"]["waiting"]) == ("review.wanted", 1)
    assert (finished["type"], finished["data"]["counts"]) == ("run.finished", {"passed": 1, "failed": 1})
    assert finished["data"]["address"] == f"http://127.0.0.1:8080/runs/{run}"
    assert finished["data"]["not_passed"][0]["case"] == "book"
    assert "secret number" not in json.dumps(finished)
    raw = store.get(run_key(run, "webhook-run.finished.json"))
    assert (Receipt.model_validate_json(raw).id, Receipt.model_validate_json(raw).status) == (second, 204)


def test_a_delivery_that_failed_is_made_again_under_the_same_id(store: S3Store, receiver: Receiver) -> None:
    notifier, run = WebhookNotifier(store, LINKS, receiver.url, SECRET), unique()
    receiver.answers = [503, 408, 429, 200]
    for error in (UnavailableError, UnavailableError, RateLimitedError):
        with pytest.raises(error, match="run.finished"):
            notifier.tell(notice(run))
    notifier.tell(notice(run))
    notifier.tell(notice(run))
    assert len(receiver.taken) == 1


@pytest.mark.parametrize("status", [301, 400, 404, 410])
def test_a_receiver_that_refuses_for_good_is_named(store: S3Store, receiver: Receiver, status: int) -> None:
    receiver.answers = [status]
    with pytest.raises(InstallationError, match=f"{status}.*VOICEWRIGHT_WEBHOOK_URL"):
        WebhookNotifier(store, LINKS, receiver.url, SECRET).tell(notice(unique()))


def test_a_wrong_secret_and_nobody_there_are_told_apart(store: S3Store, receiver: Receiver) -> None:
    other = WebhookNotifier(store, LINKS, receiver.url, "whsec_" + "A" * 32)
    with pytest.raises(InstallationError, match="answers 401"):
        other.tell(notice(unique()))
    with pytest.raises(UnavailableError, match="does not answer"):
        WebhookNotifier(store, LINKS, "http://127.0.0.1:9/", SECRET).tell(notice(unique()))
    for secret in ("", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!!"):
        with pytest.raises(InstallationError, match="openssl"):
            WebhookNotifier(store, LINKS, receiver.url, secret)


def test_what_waits_for_too_long_is_told_with_one_id_however_often_it_is_tried(
    store: S3Store, receiver: Receiver
) -> None:
    digest = ReviewDigest(
        at="2026-11-30T12:00:00+00:00", waiting=7, overdue=3, hours=4, oldest_at="2026-11-30T07:12:00+00:00",
        suites=("clinic",),
    )  # fmt: skip
    notifier = WebhookNotifier(store, LINKS, receiver.url, SECRET)
    receiver.answers = [503]
    with pytest.raises(UnavailableError):
        notifier.remind(digest)
    for _ in "ab":
        notifier.remind(digest)
    (first, told), (second, _) = receiver.taken
    assert first == second
    assert told["type"] == "review.overdue"
    assert told["data"] == {
        "waiting": 7, "overdue": 3, "hours": 4, "oldest_at": "2026-11-30T07:12:00+00:00", "suites": ["clinic"],
        "address": "http://127.0.0.1:8080/reviews",
    }  # fmt: skip


def failing(run: str) -> Failure:
    key = CaseKey(case="book", language="en")
    signature = Signature(suite="clinic", case="book", language="en", check="time@1")
    workflow = f"{run}/{key}"
    return Failure(
        signature=signature, cause="time", workflow_id=workflow, run_id=run, key=key, evidence="heard my secret number"
    )


async def publish(step: DefectStep, defect: str) -> Issue | None:
    return await ActivityEnvironment().run(step.publish_defect, defect)


async def test_a_defect_is_told_when_it_is_new_and_when_it_comes_back(store: S3Store, receiver: Receiver) -> None:
    log, notifier = DefectLog(store), WebhookNotifier(store, LINKS, receiver.url, SECRET)
    step = DefectStep(store, None, notifiers=[notifier])
    ref = log.file(failing("run-1"))
    for _ in "ab":
        await publish(step, ref.id)
    log.file(failing("run-2"))
    await publish(step, ref.id)  # seen once more is no news
    log.set_status(ref.id, DefectStatus.CLOSED, "Ada")
    await publish(step, ref.id)
    assert log.file(failing("run-3")).regression
    receiver.answers = [503]
    with pytest.raises(UnavailableError, match="defect.regressed"):
        await publish(step, ref.id)
    await publish(step, ref.id)
    (_, opened), (_, back) = receiver.taken
    assert (opened["type"], opened["data"]["case"]) == ("defect.opened", "run-1/book/en/1")
    assert (back["type"], back["data"]["case"]) == ("defect.regressed", "run-3/book/en/1")
    assert (opened["data"]["cases"], back["data"]["regressions"]) == (["book"], 1)
    assert opened["data"]["address"] == f"http://127.0.0.1:8080/defects/{ref.id}"
    assert "secret number" not in json.dumps([opened, back])


async def test_the_tracker_and_the_receiver_do_not_wait_for_each_other(store: S3Store, receiver: Receiver) -> None:
    notifier, ref = WebhookNotifier(store, LINKS, receiver.url, SECRET), DefectLog(store).file(failing("run-1"))
    with JiraCloud(issue_types=("Bug",), projects=("VOICE",)) as jira:
        tracker = JiraTracker(jira.url, jira.email, jira.token, "VOICE")
        step = DefectStep(store, tracker, notifiers=[notifier])
        receiver.answers = [503]
        with pytest.raises(UnavailableError, match="webhook"):
            await publish(step, ref.id)
        assert len(jira.issues) == 1
        await publish(step, ref.id)
        assert len(jira.issues) == 1
    log = DefectLog(store)
    other = log.file(failing("run-2").model_copy(update={"cause": "another"}))
    with pytest.raises(UnavailableError):  # Jira is down
        await publish(step, other.id)
    assert [told["data"]["defect"] for _, told in receiver.taken] == [ref.id, other.id]

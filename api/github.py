"""GitHub's webhook: a push, a deployment or a comment starts the suites that the rules map to it.

Deliveries must be signed with the webhook's secret. The signature covers the body alone, so a replay is told by the
body, not by the delivery's id; and a run's id comes from the body, so even a delivery that got through twice would
start one run.
"""

import asyncio
import hashlib
import json
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, HTTPException, Request
from githubkit.webhooks import verify
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.rules import Rule, Trigger
from api.services import Given
from voicewright.contracts.run import GitHubTarget, RunRequest
from voicewright.suite.format.address import HOST

router = APIRouter()
_log = logging.getLogger("voicewright.webhooks")
_SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}")
_TRUSTED = {"OWNER", "MEMBER", "COLLABORATOR"}
_COMMAND = ["/voicewright", "run"]


class _Payload(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Repository(_Payload):
    full_name: str = Field(pattern=r"^[\w.-]+/[\w.-]+$", max_length=200)


class _Installation(_Payload):
    id: int


class _Push(_Payload):
    ref: str
    after: str
    deleted: bool = False
    repository: _Repository
    installation: _Installation | None = None


class _DeploymentState(_Payload):
    state: str
    environment: str = ""
    environment_url: str | None = None


class _Deployment(_Payload):
    sha: str
    ref: str = ""


class _DeploymentStatus(_Payload):
    deployment_status: _DeploymentState
    deployment: _Deployment
    repository: _Repository
    installation: _Installation | None = None


class _Comment(_Payload):
    body: str = ""
    author_association: str = ""


class _Issue(_Payload):
    number: int = Field(ge=1)
    pull_request: dict[str, Any] | None = None


class _IssueComment(_Payload):
    action: str
    comment: _Comment
    issue: _Issue
    repository: _Repository
    installation: _Installation | None = None


@dataclass(frozen=True)
class Event:
    """What a delivery asks for. `suites` narrows the rules' suites where a comment names some."""

    trigger: Trigger
    repository: str
    branch: str
    sha: str
    installation: int | None
    pull: int | None = None
    environment: str | None = None
    host: str = ""
    suites: tuple[str, ...] = ()


@router.post("/webhooks/github", status_code=202)
async def github(request: Request, given: Given) -> dict[str, Any]:
    """Take a delivery; answers with the runs that it started."""
    secret = given.settings.github_webhook_secret
    if secret is None:
        raise _refused(
            request, 403, "this installation takes no webhooks: VOICEWRIGHT_GITHUB_WEBHOOK_SECRET is not set"
        )
    signature = request.headers.get("x-hub-signature-256", "")
    if not _SIGNATURE.fullmatch(signature):
        raise _refused(request, 401, "the signature is missing or wrong")
    body = await request.body()
    if not verify(secret.get_secret_value(), body, signature):
        raise _refused(request, 401, "the signature is missing or wrong")
    kind = request.headers.get("x-github-event", "")
    if kind == "ping":
        return {"runs": [], "reason": "pong"}
    event = _event(request, kind, body)
    if event is None:
        return {"runs": [], "reason": f"nothing to do for this {kind or 'event without a name'}"[:200]}
    digest = hashlib.sha256(body).hexdigest()
    try:
        requests = list(_requests(request.app.state.rules, event))
    except ValidationError:
        raise _refused(request, 400, "no run can be made of it: a branch, commit or address is not one") from None
    if not requests:
        return {"runs": [], "reason": f"no rule fits {event.repository}, {event.trigger}, branch {event.branch!r}"}
    seen = f"webhooks/github/{digest}.json"
    if await asyncio.to_thread(given.store.get_if_present, seen) is not None:
        raise _refused(request, 409, "this delivery was taken before")
    # The note comes last: whatever dies before it, "redeliver" starts the same runs, not others.
    runs = [
        await given.voicewright.start(asked, run_id=f"run-{asked.suite.partition('@')[0]}-gh-{digest[:16]}-{number}")
        for number, asked in enumerate(requests)
    ]
    note = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "delivery": request.headers.get("x-github-delivery")}
    await asyncio.to_thread(given.store.put, seen, json.dumps(note).encode(), "application/json")
    _log.info("%s of %s started %s", event.trigger, event.repository, ", ".join(runs))
    return {"runs": runs}


def _refused(request: Request, status: int, reason: str) -> HTTPException:
    """A refusal, logged without anything that the sender could put into the log."""
    sender = request.client.host if request.client is not None else "unknown"
    _log.warning("webhook from %s refused (%s): %s", sender, status, reason)
    return HTTPException(status, reason)


def _event(request: Request, kind: str, body: bytes) -> Event | None:
    """What a delivery asks for; None where it is none of our business."""
    readers = {"push": _push, "deployment_status": _deployment, "issue_comment": _comment}
    if kind not in readers:
        return None
    try:
        return readers[kind](body)
    except (ValidationError, ValueError, RecursionError) as error:
        count = f"{error.error_count()} fields are wrong" if isinstance(error, ValidationError) else "it is unreadable"
        raise _refused(request, 400, f"this is no {kind} event: {count}") from None


def _push(body: bytes) -> Event | None:
    push = _Push.model_validate_json(body)
    if push.deleted or not push.ref.startswith("refs/heads/"):
        return None
    return Event(
        trigger=Trigger.PUSH,
        repository=push.repository.full_name,
        branch=push.ref.removeprefix("refs/heads/"),
        sha=push.after,
        installation=_id(push.installation),
    )


def _deployment(body: bytes) -> Event | None:
    status = _DeploymentStatus.model_validate_json(body)
    if status.deployment_status.state != "success":
        return None
    return Event(
        trigger=Trigger.DEPLOYMENT,
        repository=status.repository.full_name,
        branch=status.deployment.ref,
        sha=status.deployment.sha,
        installation=_id(status.installation),
        environment=status.deployment_status.environment,
        host=_host(status.deployment_status.environment_url or ""),
    )


def _host(url: str) -> str:
    """The host of a deployment's address, with its port; empty where it is anything else than that.

    Raises:
        ValueError: it is no host, or holds more than one: a user, a query or a fragment before it.
    """
    if not url:
        return ""
    host = urlsplit(url).netloc
    if not HOST.fullmatch(host) or "\\" in url:
        msg = "the deployment's address names no host"
        raise ValueError(msg)
    return host.lower()


def _comment(body: bytes) -> Event | None:
    """`/voicewright run [suite ...]` on a pull request, by somebody who belongs to the repository."""
    comment = _IssueComment.model_validate_json(body)
    if comment.comment.author_association not in _TRUSTED:
        return None
    lines = (line.split() for line in comment.comment.body.splitlines())
    asked = next((words for words in lines if words[:2] == _COMMAND), None)
    if comment.action != "created" or comment.issue.pull_request is None or asked is None:
        return None
    return Event(
        trigger=Trigger.COMMENT,
        repository=comment.repository.full_name,
        branch="",
        sha="",
        installation=_id(comment.installation),
        pull=comment.issue.number,
        suites=tuple(asked[2:]),
    )


def _id(installation: _Installation | None) -> int | None:
    return installation.id if installation is not None else None


def _requests(rules: Sequence[Rule], event: Event) -> Iterator[RunRequest]:
    for rule in rules:
        if not rule.fits(event.trigger, event.repository, event.branch, event.environment):
            continue
        if rule.wants_host and not rule.takes_host(event.host):
            _log.warning("a deployment of %s names no host that fits %s", event.repository, rule.agent_url)
            continue
        for suite in rule.suites:
            if event.suites and suite not in event.suites:
                continue
            yield RunRequest(
                suite=suite,
                tags=rule.tags,
                agent_url=rule.agent_url.replace("{host}", event.host) if rule.agent_url is not None else None,
                branch=event.branch[:250],
                commit=event.sha[:64],
                github=GitHubTarget(
                    repository=event.repository, sha=event.sha, pull=event.pull, installation=event.installation
                ),
            )

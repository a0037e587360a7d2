"""Outgoing webhooks: what happened in a run, sent to an address of the user's, signed as Standard Webhooks have it.

Each event of a run is delivered once: its id is the same however often it is tried, so that a receiver may tell a
second delivery by it, and a receipt in the object store says that it was taken. Retries are Temporal's.
See https://www.standardwebhooks.com.
"""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256

import requests
from pydantic import BaseModel
from requests.exceptions import RequestException
from standardwebhooks import Webhook

from activities.errors import InstallationError, RateLimitedError, UnavailableError
from activities.retry_after import retry_after_s
from voicewright.contracts.case import CaseKey, Outcome
from voicewright.contracts.steps import ReviewDigest, RunNotice
from voicewright.defects.record import Defect, DefectEventKind
from voicewright.report.build import Links
from voicewright.store.keys import defect_told_key, run_key
from voicewright.store.port import ObjectStore

_TIMEOUT_S = 20
_TOO_MANY = 429
_PASSING = {408, 425, _TOO_MANY}
_SERVER = 500
_REFUSED = 300
_SECRET = (
    "VOICEWRIGHT_WEBHOOK_SECRET must be `whsec_` and then 24 to 64 random bytes in base64: `openssl rand -base64 32`"
)
_PREFIX = "whsec_"
_KEY_BYTES = (24, 64)


class EventKind(StrEnum):
    """What is told."""

    RUN_FINISHED = "run.finished"
    REVIEW_WANTED = "review.wanted"
    """Nothing but decisions of people is missing."""
    REVIEW_OVERDUE = "review.overdue"
    """Cases have waited for people for too long."""
    DEFECT_OPENED = "defect.opened"
    DEFECT_REGRESSED = "defect.regressed"
    """It was closed and has come back."""


class RunEvent(BaseModel):
    """What is said of a run: counts and ids, and no word that anybody said on a call."""

    run_id: str
    suite: str
    version: str
    total: int
    counts: dict[Outcome, int]
    quarantined: dict[Outcome, int]
    """Those of `counts` that are in quarantine: they gate nothing."""
    waiting: int
    """Cases that wait for a person."""
    cancelled: bool
    problem: str
    """Why nothing could be run at all; empty where something was."""
    not_passed: tuple[CaseKey, ...]
    """The last of them."""
    address: str
    """Of the run in the web app; empty where that has none."""


class OverdueEvent(BaseModel):
    """What is said of cases that have waited for too long; see `ReviewDigest`."""

    waiting: int
    overdue: int
    hours: int
    oldest_at: str
    suites: tuple[str, ...]
    address: str
    """Of the queue in the web app; empty where that has none."""


class ToldDefect(BaseModel):
    """What is said of a defect: not what was heard, which may be what somebody said."""

    defect: str
    """Its id."""
    suite: str
    check: str
    """The kind of check by which it was found."""
    cases: tuple[str, ...]
    """Ids of the suite's cases that show it."""
    case: str
    """The case of a run in which it was seen: RUN/CASE/LANGUAGE/1."""
    seen: int
    regressions: int
    address: str
    """Of the defect in the web app; empty where that has none."""


_TOLD_OF_DEFECTS = {
    DefectEventKind.OPENED: EventKind.DEFECT_OPENED,
    DefectEventKind.REGRESSED: EventKind.DEFECT_REGRESSED,
}


class Event(BaseModel):
    """The body of a delivery."""

    type: EventKind
    timestamp: datetime
    data: RunEvent | OverdueEvent | ToldDefect


class Receipt(BaseModel):
    """That an event was taken."""

    id: str
    type: EventKind
    taken_at: datetime
    status: int


class WebhookNotifier:
    """`Notifier`, `Reminder` and `DefectNotifier`. Blocking.

    Args:
        store: keeps receipts.
        links: where people find a run.
        url: where to.
        secret: `whsec_` and bytes in base64, which the receiver has too.
    """

    def __init__(self, store: ObjectStore, links: Links, url: str, secret: str) -> None:
        self._store = store
        self._links = links
        self._url = url
        try:
            key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except ValueError:
            key = b""
        if not secret.startswith(_PREFIX) or not _KEY_BYTES[0] <= len(key) <= _KEY_BYTES[1]:
            raise InstallationError(_SECRET)
        self._webhook = Webhook(key)

    def tell(self, notice: RunNotice) -> None:
        """See `Notifier`."""
        for kind in _kinds(notice):
            receipt = run_key(notice.run_id, f"webhook-{kind}.json")
            if self._store.get_if_present(receipt) is None:
                taken = self._deliver(kind, f"{notice.run_id} {kind}", self._told(notice))
                self._store.put(receipt, taken.model_dump_json().encode(), "application/json")

    def remind(self, digest: ReviewDigest) -> None:
        """See `Reminder`."""
        said = OverdueEvent(
            **digest.model_dump(exclude={"at"}),
            address=f"{self._links.web_url}/reviews" if self._links.web_url else "",
        )
        self._deliver(EventKind.REVIEW_OVERDUE, f"{digest.at} {EventKind.REVIEW_OVERDUE}", said)

    def tell_defect(self, defect: Defect) -> None:
        """See `DefectNotifier`."""
        for event in defect.events:
            kind = _TOLD_OF_DEFECTS.get(event.kind)
            receipt = defect_told_key(defect.id, event.number)
            if kind is not None and self._store.get_if_present(receipt) is None:
                said = ToldDefect(
                    defect=defect.id,
                    suite=defect.suite,
                    check=defect.check,
                    cases=tuple(dict.fromkeys(one.signature.case for one in defect.cases)),
                    case=event.workflow_id,
                    seen=defect.seen,
                    regressions=defect.regressions,
                    address=self._links.defect(defect.id),
                )
                taken = self._deliver(kind, f"{defect.id}#{event.number} {kind}", said)
                self._store.put(receipt, taken.model_dump_json().encode(), "application/json")

    def _deliver(self, kind: EventKind, of: str, data: RunEvent | OverdueEvent | ToldDefect) -> Receipt:
        """Send an event; its id is that of what it is `of`, however often it is sent."""
        now = datetime.now(UTC)
        body = Event(type=kind, timestamp=now, data=data).model_dump_json()
        name = f"msg_{sha256(of.encode()).hexdigest()[:32]}"
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "voicewright",
            "webhook-id": name,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(name, now, body),
        }
        try:
            answer = requests.post(
                self._url, data=body.encode(), headers=headers, timeout=_TIMEOUT_S, allow_redirects=False, stream=True
            )
            answer.close()  # whatever it says besides its status is not read
        except RequestException as error:
            reason = f"the webhook's receiver does not answer ({type(error).__name__})"
            raise UnavailableError(reason) from None
        status = answer.status_code
        if status < _REFUSED:
            return Receipt(id=name, type=kind, taken_at=now, status=status)
        told = f"the webhook's receiver answers {status} to {kind}"
        if status == _TOO_MANY:
            raise RateLimitedError(told, retry_after_s=retry_after_s(answer.headers))
        if status >= _SERVER or status in _PASSING:
            raise UnavailableError(told)
        raise InstallationError(f"{told}: check VOICEWRIGHT_WEBHOOK_URL and the receiver's secret")

    def _told(self, notice: RunNotice) -> RunEvent:
        return RunEvent(
            run_id=notice.run_id,
            suite=notice.suite.name,
            version=notice.suite.version,
            total=notice.total,
            counts=notice.counts,
            quarantined=notice.quarantined,
            waiting=notice.reviewing_total,
            cancelled=notice.cancelled,
            problem=notice.problem,
            not_passed=tuple(update.key for update in notice.wrong),
            address=self._links.run(notice.run_id),
        )


def _kinds(notice: RunNotice) -> Iterator[EventKind]:
    if notice.finished:
        yield EventKind.RUN_FINISHED
    elif notice.reviewing_total:
        yield EventKind.REVIEW_WANTED

"""Slack: one message per run, posted once and then brought up to date.

Slack has no idempotency key, and a post whose answer got lost may have been made. So each message carries the run's id
as metadata, a note in the object store says that a post was tried, and whoever finds that note without a receipt looks
into the channel before posting again. A message that can no longer be brought up to date, because somebody deleted it
or it lies in another channel, is posted anew in the same way, with a note of its own.
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse

from activities.errors import GoneError, InstallationError, RateLimitedError, UnavailableError
from activities.retry_after import retry_after_s
from voicewright.contracts.base import Contract
from voicewright.contracts.case import CaseUpdate, Outcome
from voicewright.contracts.steps import ReviewDigest, RunNotice
from voicewright.report.build import Links
from voicewright.report.results import full_reason
from voicewright.store.keys import run_key
from voicewright.store.port import ObjectStore

_EVENT = "voicewright_run"
_TIMEOUT_S = 20
_PAGES = 10
_CLOCKS_S = 120
"""How far our clock and Slack's may be apart."""
_SHOWN = 10
_MAX_REASON = 200
_MAX_TEXT = 2900
_TOO_MANY = 429
_SERVER = 500
_PASSING = {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
_GONE = {"message_not_found", "cant_update_message", "edit_window_closed"}
"""Deleted, another app's (the token was replaced), or too old to be changed in this workspace."""
_ICONS = {Outcome.PASSED: "✅", Outcome.FAILED: "❌", Outcome.ERRORED: "⚠️", Outcome.UNREVIEWED: "👤"}
T = TypeVar("T")


class _Receipt(Contract):
    """The message about a run: which one, and of how many posts it is the last."""

    channel: str
    ts: str
    posts: int = 1


class SlackNotifier:
    """`Notifier`. Blocking. Retries are Temporal's."""

    def __init__(self, store: ObjectStore, links: Links, token: str, channel: str, api_url: str) -> None:
        if not channel:
            raise InstallationError("VOICEWRIGHT_SLACK_CHANNEL is not set: it is the id of the channel, like C0123ABCD")
        self._store = store
        self._links = links
        self._channel = channel
        self._client = WebClient(token=token, base_url=api_url, timeout=_TIMEOUT_S, retry_handlers=[])

    def tell(self, notice: RunNotice) -> None:
        """See `Notifier`."""
        message = self._message(notice)
        receipt = run_key(notice.run_id, "slack.json")
        stored = self._store.get_if_present(receipt)
        known = _Receipt.model_validate_json(stored) if stored is not None else None
        if known is not None and known.channel == self._channel and self._updated(known.ts, message):
            return
        posts = known.posts + 1 if known is not None else 1
        found = self._found(notice.run_id, posts, known.ts if known is not None else "")
        if found is None or not self._updated(found, message):
            found = str(self._ask("post", lambda: self._client.chat_postMessage(**message))["ts"])
        body = _Receipt(channel=self._channel, ts=found, posts=posts).model_dump_json().encode()
        self._store.put(receipt, body, "application/json")

    def remind(self, digest: ReviewDigest) -> None:
        """See `Reminder`."""
        oldest = datetime.fromisoformat(digest.oldest_at)
        queue = f"{self._links.web_url}/reviews" if self._links.web_url else ""
        text = (
            f"👤 {digest.overdue} of {digest.waiting} cases have waited for a person for more than {digest.hours} h; "
            f"the longest since {oldest:%Y-%m-%d %H:%M} UTC. Suites: {_escaped(', '.join(digest.suites))[:_MAX_REASON]}"
        )
        linked = f"{text} · <{queue}|Review them>" if queue else text
        self._ask("post", lambda: self._client.chat_postMessage(channel=self._channel, text=linked))

    def _updated(self, ts: str, message: dict[str, Any]) -> bool:
        """Bring a message up to date; False where it is gone."""
        try:
            self._ask("update", lambda: self._client.chat_update(ts=ts, **message))
        except GoneError:
            return False
        return True

    def _found(self, run_id: str, posts: int, gone: str) -> str | None:
        """The message of a post that was tried before; None where this is the first try, or nothing came of it."""
        key = run_key(run_id, "slack-tried.json" if posts == 1 else f"slack-tried-{posts}.json")
        now = str(time.time()).encode()
        if self._store.put_if_absent(key, now, "text/plain") is not None:
            return None
        since = float(self._store.get(key)) - _CLOCKS_S
        cursor = ""
        for _ in range(_PAGES):
            page = self._history(since, cursor)
            for message in page["messages"]:
                metadata = message.get("metadata") or {}
                ours = metadata.get("event_type") == _EVENT and metadata.get("event_payload", {}).get("run") == run_id
                if ours and message["ts"] != gone:
                    return str(message["ts"])
            cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
            if not cursor:
                break
        return None

    def _history(self, since: float, cursor: str) -> SlackResponse:
        return self._ask(
            "read the channel's history",
            lambda: self._client.conversations_history(
                channel=self._channel, oldest=str(since), include_all_metadata=True, limit=200, cursor=cursor or None
            ),
        )

    def _reason(self, update: CaseUpdate) -> str:
        return full_reason(self._store, update)[:_MAX_REASON]

    def _message(self, notice: RunNotice) -> dict[str, Any]:
        headline = _headline(notice)
        where = self._links.report(notice.run_id) if notice.finished else self._links.run(notice.run_id)
        links = [f"<{where}|{'report' if notice.finished else 'run'}>"] if where else []
        if self._links.ui_url:
            links.append(f"<{self._links.ui_url}{notice.run_id}|Temporal>")
        lines = [" · ".join([*links, f"`{_escaped(notice.run_id)}`"]), f"Agent {_escaped(notice.agent)}"]
        for key in notice.reviewing[:_SHOWN]:
            link = self._links.review(f"{notice.run_id}/{key}")
            name = f"<{link}|{_escaped(str(key))}>" if link else f"`{_escaped(str(key))}`"
            lines.append(f"👤 {name} waits for a human")
        lines += [f"❌ `{_escaped(str(one.key))}` {_escaped(self._reason(one))}" for one in notice.wrong[-_SHOWN:]]
        while sum(len(line) + 1 for line in lines) > _MAX_TEXT:  # whole lines, the least important first
            lines.pop()
        text = "\n".join(lines)
        return {
            "channel": self._channel,
            "text": headline[:_MAX_TEXT],
            "blocks": [
                {"type": "header", "text": {"type": "plain_text", "text": headline[:150], "emoji": True}},
                {"type": "section", "text": {"type": "mrkdwn", "text": text}},
            ],
            "metadata": {"event_type": _EVENT, "event_payload": {"run": notice.run_id}},
        }

    def _ask(self, what: str, work: Callable[[], T]) -> T:
        try:
            return work()
        except SlackApiError as error:
            response = error.response
            reason = str(response.get("error", "")) if isinstance(response.data, dict) else ""
            text = f"Slack did not {what}: {reason or f'HTTP {response.status_code}'}"
            if response.status_code == _TOO_MANY or reason in {"ratelimited", "rate_limited"}:
                raise RateLimitedError(text, retry_after_s=retry_after_s(response.headers or {})) from None
            if response.status_code >= _SERVER or reason in _PASSING:
                raise UnavailableError(text) from None
            if reason in _GONE:
                raise GoneError(text) from None
            needed = f"; it needs the scope {response.get('needed')}" if reason == "missing_scope" else ""
            raise InstallationError(
                f"{text}{needed}; check VOICEWRIGHT_SLACK_TOKEN and VOICEWRIGHT_SLACK_CHANNEL"
            ) from None
        except (SlackClientError, OSError, ValueError) as error:
            raise UnavailableError(f"Slack cannot be reached to {what}: {error}") from None


def _headline(notice: RunNotice) -> str:
    counts = [
        f"{_ICONS[outcome]} {notice.counts[outcome]} {outcome}" for outcome in Outcome if notice.counts.get(outcome)
    ]
    waiting = [f"👤 {notice.reviewing_total} waiting for review"] if notice.reviewing_total else []
    if notice.problem:
        return f"{notice.suite.name} could not be run: {notice.problem}"
    state = "cancelled" if notice.cancelled else "done" if notice.finished else "going on"
    aside = f", {notice.excused} of them in quarantine" if notice.excused else ""
    return f"{notice.suite.name} {state}: {', '.join([*counts, *waiting]) or 'nothing done'} of {notice.total}{aside}"


def _escaped(text: str) -> str:
    """Slack's three control characters; what an agent said must not become a link or call a channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("`", "'")

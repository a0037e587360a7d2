"""Slack: one message per run, posted once and then brought up to date.

Slack has no idempotency key, and a post whose answer got lost may have been made. So each message carries the run's id
as metadata, a note in the object store says that a post was tried, and whoever finds that note without a receipt looks
into the channel before posting again.
"""

import json
import time
from collections.abc import Callable
from typing import Any, TypeVar

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse

from activities.errors import InstallationError, RateLimitedError, UnavailableError
from activities.ports import ObjectStore
from voicewright.artifact import run_key
from voicewright.outcome import Outcome
from voicewright.report.build import Links
from voicewright.run import RunNotice

_EVENT = "voicewright_run"
_TIMEOUT_S = 20
_PAGES = 10
_CLOCKS_S = 120
"""How far our clock and Slack's may be apart."""
_SHOWN = 10
_MAX_TEXT = 2900
_TOO_MANY = 429
_SERVER = 500
_PASSING = {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
_ICONS = {Outcome.PASSED: "✅", Outcome.FAILED: "❌", Outcome.ERRORED: "⚠️", Outcome.UNREVIEWED: "👤"}
T = TypeVar("T")


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
        known = self._store.get_if_present(receipt)
        posted = json.loads(known)["ts"] if known is not None else self._found(notice.run_id)
        if posted is None:
            posted = self._ask("post", lambda: self._client.chat_postMessage(**message))["ts"]
        else:
            self._ask("update", lambda: self._client.chat_update(ts=posted, **message))
        if known is None:
            body = json.dumps({"channel": self._channel, "ts": posted}).encode()
            self._store.put_if_absent(receipt, body, "application/json")

    def _found(self, run_id: str) -> str | None:
        """The message of a post that was tried before; None where this is the first try, or nothing came of it."""
        key = run_key(run_id, "slack-tried.json")
        now = str(time.time()).encode()
        if self._store.put_if_absent(key, now, "text/plain") is not None:
            return None
        since = float(self._store.get(key)) - _CLOCKS_S
        cursor = ""
        for _ in range(_PAGES):
            page = self._history(since, cursor)
            for message in page["messages"]:
                metadata = message.get("metadata") or {}
                if metadata.get("event_type") == _EVENT and metadata.get("event_payload", {}).get("run") == run_id:
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
        lines += [f"❌ `{_escaped(str(one.key))}` {_escaped(one.reason[:200])}" for one in notice.wrong[-_SHOWN:]]
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
                raise RateLimitedError(text, retry_after_s=_retry_after(response.headers)) from None
            if response.status_code >= _SERVER or reason in _PASSING:
                raise UnavailableError(text) from None
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
    return f"{notice.suite.name} {state}: {', '.join([*counts, *waiting]) or 'nothing done'} of {notice.total}"


def _escaped(text: str) -> str:
    """Slack's three control characters; what an agent said must not become a link or call a channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("`", "'")


def _retry_after(headers: Any) -> float | None:  # noqa: ANN401 - whatever mapping the SDK has
    value = headers.get("Retry-After") or headers.get("retry-after") if headers else None
    try:
        return float(value[0] if isinstance(value, list) else value) if value is not None else None
    except ValueError:
        return None

"""Stands in for Slack's Web API on 127.0.0.1: messages of one app in one workspace."""

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from standins.wire import Standin, WireHandler

Json = dict[str, Any]

BOT = {"user": "U0BOT", "bot_id": "B0BOT", "app_id": "A0APP", "team": "T0TEAM"}
SCOPES = frozenset({"chat:write", "channels:history"})
NEEDED = {
    "auth.test": None,
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "conversations.history": "channels:history",
    "conversations.replies": "channels:history",
}
MAX_TEXT = {"chat.postMessage": 40_000, "chat.update": 4_000}
MAX_PAGE = 999
MAX_BLOCKS = 50
MAX_ID = 255
# Slack does not say how much text all blocks may hold: 9,597 characters have passed, 11,341 have not.
MAX_BLOCKS_TEXT = 11_000
# Nor how large metadata may be; this is what apps in the wild keep to.
MAX_METADATA_BYTES = 8_000
TEXT_KEYS = {"type", "text", "emoji", "verbatim"}
IMAGE_KEYS = {"type", "image_url", "slack_file", "alt_text", "title"}
BLOCK_KEYS = {
    "section": {"text", "fields", "accessory", "expand"},
    "header": {"text"},
    "divider": set[str](),
    "context": {"elements"},
    "actions": {"elements"},
    "image": IMAGE_KEYS,
    "markdown": {"text"},
    "rich_text": {"elements"},
}


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    status: int | None
    """None: carried out, but the line was cut before the answer."""
    error: str | None = None


@dataclass
class Message:
    channel: str
    ts: str
    text: str
    blocks: list[Json]
    metadata: Json
    thread_ts: str | None
    author: Mapping[str, str]
    unfurl_links: bool | None = None
    unfurl_media: bool | None = None
    edited_ts: str | None = None


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None


@dataclass
class Fault:
    answer: Answer
    only: str
    times: float
    until: float


class RefusedError(Exception):
    def __init__(self, error: str, **more: object) -> None:
        super().__init__(error)
        self.answer = _json(error, {"ok": False, "error": error, **more})


class SlackApi(Standin):
    """A workspace. The app is a member of `channels`, not of `foreign_channels`; `url` is the client's `base_url`."""

    def __init__(
        self,
        *,
        token: str = "xoxb-token",  # noqa: S107 - a stand-in's password
        scopes: Collection[str] = SCOPES,
        channels: Collection[str] = ("C0REVIEWS",),
        foreign_channels: Collection[str] = ("C0FOREIGN",),
    ) -> None:
        self.token = token
        self.scopes = set(scopes)
        self.channels, self.foreign_channels = set(channels), set(foreign_channels)
        self.messages: list[Message] = []
        self.requests: list[Request] = []
        self._last_us = 0
        self._faults: list[Fault] = []
        self._cuts, self._hang_s = 0, 0.0
        self._lock = threading.Lock()
        self._methods: dict[str, Callable[[Json], Json]] = {
            "auth.test": self._auth_test,
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "conversations.history": self._history,
            "conversations.replies": self._replies,
        }
        super().__init__(_Handler)
        self.url = f"{self.origin}/api/"

    def fault(
        self, status: int, times: int = 1, *, seconds: float = 0, retry_after: int | None = None, only: str = ""
    ) -> None:
        """Fails the next `times` requests, or all for `seconds`; `only` is a part of "POST /api/method"."""
        bounds = (float("inf"), time.monotonic() + seconds) if seconds else (times, float("inf"))
        with self._lock:
            self._faults.append(Fault(_failure(status, retry_after), only, *bounds))

    def time_out_after_posting(self, times: int = 1, *, hang_s: float = 0) -> None:
        """Posts the next messages, but closes the line, after `hang_s`, where the answer should come."""
        with self._lock:
            self._cuts, self._hang_s = times, hang_s

    def post_as_person(self, channel: str, text: str, thread_ts: str | None = None) -> str:
        """Returns the message's `ts`."""
        with self._lock:
            message = Message(channel, self._ts(), text, [], {}, thread_ts, {"user": "U0PERSON", "team": BOT["team"]})
            self.messages.append(message)
        return message.ts

    def answer(self, path: str, authorization: str | None, content_type: str, body: bytes) -> Answer | None:
        with self._lock:
            answer: Answer | None = self._fault(f"POST {path}")
            if answer is None:
                answer = self._call(path.removeprefix("/api/"), authorization, content_type, body)
                if self._cuts and answer.error is None and path.endswith("/chat.postMessage"):
                    self._cuts -= 1
                    answer = None
            made = Request("POST", path, answer.status, answer.error) if answer else Request("POST", path, None)
            self.requests.append(made)
        if answer is None:
            self._server.stopping.wait(self._hang_s)
        return answer

    def _fault(self, request: str) -> Answer | None:
        for fault in self._faults:
            if fault.times > 0 and time.monotonic() < fault.until and fault.only in request:
                fault.times -= 1
                return fault.answer
        return None

    def _call(self, method: str, authorization: str | None, content_type: str, body: bytes) -> Answer:
        headers = {"X-OAuth-Scopes": ",".join(sorted(self.scopes))}
        try:
            arguments = _arguments(content_type, body)
            self._admit(method, authorization or "Bearer " + str(arguments.get("token", "")))
            answer = _json(None, {"ok": True, **self._methods[method](arguments)})
        except RefusedError as refused:
            answer = refused.answer
        except (AttributeError, KeyError, TypeError, ValueError):
            answer = RefusedError("invalid_arguments").answer
        return Answer(answer.status, answer.body, headers, answer.error)

    def _admit(self, method: str, authorization: str) -> None:
        if method not in NEEDED:
            raise RefusedError("unknown_method", req_method=method)
        if authorization == "Bearer ":
            raise RefusedError("not_authed")
        if authorization != f"Bearer {self.token}":
            raise RefusedError("invalid_auth")
        needed = NEEDED[method]
        if needed and needed not in self.scopes:
            raise RefusedError("missing_scope", needed=needed, provided=",".join(sorted(self.scopes)))

    def _auth_test(self, _: Json) -> Json:
        team = {"url": "https://standin.slack.com/", "team": "Stand-in", "team_id": BOT["team"]}
        return {**team, "user": "bot", "user_id": BOT["user"], "bot_id": BOT["bot_id"], "is_enterprise_install": False}

    def _post(self, arguments: Json) -> Json:
        channel = self._channel(arguments, public="chat:write.public" in self.scopes)
        blocks, metadata = _content("chat.postMessage", arguments)
        if not arguments.get("text", "").strip() and not blocks:
            raise RefusedError("no_text")
        thread = arguments.get("thread_ts")
        if thread is not None and self._message(channel, thread) is None:
            raise RefusedError("thread_not_found")
        message = Message(channel, self._ts(), arguments.get("text", ""), blocks or [], metadata or {}, thread, BOT)
        message.unfurl_links, message.unfurl_media = arguments.get("unfurl_links"), arguments.get("unfurl_media")
        self.messages.append(message)
        return {"channel": channel, "ts": message.ts, "message": self._message_json(message, whole=True)}

    def _update(self, arguments: Json) -> Json:
        channel = self._channel(arguments)
        message = self._message(channel, arguments.get("ts", ""))
        if message is None:
            raise RefusedError("message_not_found")
        if message.author != BOT:
            raise RefusedError("cant_update_message")
        blocks, metadata = _content("chat.update", arguments)
        if not arguments.get("text", "").strip() and not blocks:
            raise RefusedError("no_text")
        message.text = arguments.get("text", message.text)
        message.blocks = message.blocks if blocks is None else blocks
        message.metadata = message.metadata if metadata is None else metadata
        message.edited_ts = self._ts()
        shown = self._message_json(message, whole=True)
        return {"channel": channel, "ts": message.ts, "text": message.text, "message": shown}

    def _history(self, arguments: Json) -> Json:
        channel = self._channel(arguments)
        newest_first = [message for message in reversed(self.messages) if message.channel == channel]
        return self._page([message for message in newest_first if message.thread_ts is None], arguments, 100)

    def _replies(self, arguments: Json) -> Json:
        channel, ts = self._channel(arguments), arguments.get("ts", "")
        parent = self._message(channel, ts)
        if parent is None:
            raise RefusedError("thread_not_found")
        root = parent.thread_ts or ts
        thread = [message for message in self.messages if message.channel == channel]
        return self._page(
            [message for message in thread if root in {message.ts, message.thread_ts}], arguments, MAX_PAGE
        )

    def _page(self, messages: list[Message], arguments: Json, default_limit: int) -> Json:
        oldest, latest = str(arguments.get("oldest", 0)), str(arguments.get("latest", 9999999999))
        for name, edge in {"oldest": oldest, "latest": latest}.items():
            if not re.fullmatch(r"\d+(\.\d+)?", edge):
                raise RefusedError(f"invalid_ts_{name}")
        size = int(arguments.get("limit", default_limit))
        if not 1 <= size <= MAX_PAGE:
            raise RefusedError("invalid_limit")
        edges = {oldest, latest} if _true(arguments.get("inclusive")) else set()
        within = [
            message for message in messages if float(oldest) < float(message.ts) < float(latest) or message.ts in edges
        ]
        starts = {_cursor(message): number for number, message in enumerate(within)}
        cursor = arguments.get("cursor")
        if cursor and cursor not in starts:
            raise RefusedError("invalid_cursor")
        start = starts[cursor] if cursor else 0
        whole = _true(arguments.get("include_all_metadata"))
        page = {"messages": [self._message_json(message, whole=whole) for message in within[start : start + size]]}
        if start + size >= len(within):
            return {**page, "has_more": False}
        return {**page, "has_more": True, "response_metadata": {"next_cursor": _cursor(within[start + size])}}

    def _channel(self, arguments: Json, *, public: bool = False) -> str:
        channel = arguments.get("channel")
        if channel not in self.channels | self.foreign_channels:
            raise RefusedError("channel_not_found")
        if channel in self.foreign_channels and not public:
            raise RefusedError("not_in_channel")
        return str(channel)

    def _message(self, channel: str, ts: str) -> Message | None:
        found = [message for message in self.messages if (message.channel, message.ts) == (channel, ts)]
        return found[0] if found else None

    def _message_json(self, message: Message, *, whole: bool) -> Json:
        replies = [reply for reply in self.messages if reply.thread_ts == message.ts]
        shown: Json = {"type": "message", "ts": message.ts, "text": message.text, **message.author}
        if message.blocks:
            shown["blocks"] = message.blocks
        if message.metadata:
            shown["metadata"] = message.metadata if whole else {"event_type": message.metadata["event_type"]}
        if message.thread_ts or replies:
            shown["thread_ts"] = message.thread_ts or message.ts
        if replies:
            shown |= {"reply_count": len(replies), "latest_reply": replies[-1].ts}
        if message.edited_ts:
            shown["edited"] = {"user": message.author["user"], "ts": message.edited_ts}
        return shown

    def _ts(self) -> str:
        self._last_us = max(time.time_ns() // 1000, self._last_us + 1)
        return f"{self._last_us // 1_000_000}.{self._last_us % 1_000_000:06d}"


class _Handler(WireHandler):
    methods = ("POST",)

    def respond(self) -> None:
        kind, authorization = self.headers.get_content_type(), self.headers.get("Authorization")
        self.send_or_cut(self.server.api.answer(self.path, authorization, kind, self.body()))


def _json(error: str | None, data: Json) -> Answer:
    return Answer(200, json.dumps(data).encode(), {}, error)


def _failure(status: int, retry_after: int | None) -> Answer:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Answer(status, RefusedError("ratelimited").answer.body, headers, "ratelimited")
    title = f"{status} {HTTPStatus(status).phrase}"
    page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return Answer(status, page.encode(), {**headers, "Content-Type": "text/html; charset=utf-8"}, title)


def _arguments(content_type: str, body: bytes) -> Json:
    if content_type != "application/json":
        return dict(parse_qsl(body.decode(), keep_blank_values=True))
    try:
        data = json.loads(body or b"{}")
    except ValueError as error:
        raise RefusedError("invalid_json") from error
    if not isinstance(data, dict):
        raise RefusedError("json_not_object")
    return data


def _content(method: str, arguments: Json) -> tuple[list[Json] | None, Json | None]:
    """The blocks and metadata of a message, where given."""
    if len(arguments.get("text", "")) > MAX_TEXT[method]:
        raise RefusedError("msg_too_long")
    blocks = _structure(arguments.get("blocks"), list, "invalid_blocks_format")
    if errors := [] if blocks is None else list(_block_errors(blocks)):
        raise RefusedError(
            "invalid_blocks", errors=errors, response_metadata={"messages": [f"[ERROR] {error}" for error in errors]}
        )
    if blocks and sum(map(_text_length, blocks)) > MAX_BLOCKS_TEXT:
        raise RefusedError("msg_blocks_too_long")
    metadata = _structure(arguments.get("metadata"), dict, "invalid_metadata_format")
    if metadata and not _is_metadata(metadata):
        raise RefusedError("invalid_metadata_format")
    if metadata and len(json.dumps(metadata, ensure_ascii=False).encode()) > MAX_METADATA_BYTES:
        raise RefusedError("metadata_too_large")
    return blocks, metadata


def _structure(value: object, kind: type, error: str) -> Any:
    """Structures may come as JSON in a string."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as broken:
            raise RefusedError(error) from broken
    if value is not None and not isinstance(value, kind):
        raise RefusedError(error)
    return value


def _is_metadata(metadata: Json) -> bool:
    kind, payload = metadata.get("event_type"), metadata.get("event_payload")
    return metadata.keys() == {"event_type", "event_payload"} and isinstance(kind, str) and isinstance(payload, dict)


def _block_errors(blocks: list[Any]) -> Iterator[str]:
    if len(blocks) > MAX_BLOCKS:
        yield f"no more than {MAX_BLOCKS} items allowed [json-pointer:/blocks]"
    ids = [block["block_id"] for block in blocks if isinstance(block, dict) and "block_id" in block]
    if len(ids) != len(set(ids)):
        yield "block_id already exists [json-pointer:/blocks]"
    for number, block in enumerate(blocks):
        place = f"/blocks/{number}"
        kind = block.get("type") if isinstance(block, dict) else None
        if kind not in BLOCK_KEYS:
            yield f"unsupported type: {kind} [json-pointer:{place}/type]"
            continue
        for name in sorted(block.keys() - BLOCK_KEYS[kind] - {"type", "block_id"}):
            yield f"invalid additional property: {name} [json-pointer:{place}]"
        if len(str(block.get("block_id", ""))) > MAX_ID:
            yield f"must be less than {MAX_ID + 1} characters [json-pointer:{place}/block_id]"
        yield from BLOCK_ERRORS.get(kind, _no_errors)(block, place)


def _no_errors(block: Json, place: str) -> Iterator[str]:
    yield from ()


def _section_errors(block: Json, place: str) -> Iterator[str]:
    if "text" not in block and not block.get("fields"):
        yield f"missing required field: text [json-pointer:{place}]"
    if "text" in block:
        yield from _text_errors(block["text"], f"{place}/text", 3000)
    yield from _list_errors(block.get("fields", []), f"{place}/fields", 10)
    for number, text in enumerate(block.get("fields", [])):
        yield from _text_errors(text, f"{place}/fields/{number}", 2000)


def _header_errors(block: Json, place: str) -> Iterator[str]:
    yield from _text_errors(block.get("text"), f"{place}/text", 150, {"plain_text"})


def _context_errors(block: Json, place: str) -> Iterator[str]:
    elements = block.get("elements", [])
    yield from _list_errors(elements, f"{place}/elements", 10, at_least=1)
    for number, element in enumerate(elements):
        if isinstance(element, dict) and element.get("type") == "image":
            yield from _image_errors(element, f"{place}/elements/{number}")
        else:
            yield from _text_errors(element, f"{place}/elements/{number}", 2000)


def _actions_errors(block: Json, place: str) -> Iterator[str]:
    yield from _list_errors(block.get("elements", []), f"{place}/elements", 25, at_least=1)


def _image_errors(block: Json, place: str) -> Iterator[str]:
    for name in sorted({"image_url", "alt_text"} - block.keys()):
        yield f"missing required field: {name} [json-pointer:{place}]"


def _markdown_errors(block: Json, place: str) -> Iterator[str]:
    yield from _length_errors(block.get("text"), f"{place}/text", 12_000)


def _text_errors(
    text: object, place: str, limit: int, kinds: Collection[str] = ("plain_text", "mrkdwn")
) -> Iterator[str]:
    if not isinstance(text, dict) or text.get("type") not in kinds or text.keys() - TEXT_KEYS:
        yield f"failed to match all allowed schemas [json-pointer:{place}]"
        return
    yield from _length_errors(text.get("text"), f"{place}/text", limit)


def _length_errors(text: object, place: str, limit: int) -> Iterator[str]:
    if not isinstance(text, str):
        yield f"must be a string [json-pointer:{place}]"
    elif not text:
        yield f"must be more than 0 characters [json-pointer:{place}]"
    elif len(text) > limit:
        yield f"must be less than {limit + 1} characters [json-pointer:{place}]"


def _list_errors(items: object, place: str, at_most: int, at_least: int = 0) -> Iterator[str]:
    if not isinstance(items, list) or len(items) < at_least:
        yield f"must provide an array of at least {at_least} items [json-pointer:{place}]"
    elif len(items) > at_most:
        yield f"no more than {at_most} items allowed [json-pointer:{place}]"


BLOCK_ERRORS: dict[str, Callable[[Json, str], Iterator[str]]] = {
    "section": _section_errors,
    "header": _header_errors,
    "context": _context_errors,
    "actions": _actions_errors,
    "image": _image_errors,
    "markdown": _markdown_errors,
}


def _text_length(part: object) -> int:
    if isinstance(part, dict):
        own = len(part["text"]) if isinstance(part.get("text"), str) else 0
        return own + sum(map(_text_length, part.values()))
    return sum(map(_text_length, part)) if isinstance(part, list) else 0


def _true(flag: object) -> bool:
    return str(flag).lower() in {"1", "true"}


def _cursor(message: Message) -> str:
    return base64.b64encode(f"next_ts:{message.ts.replace('.', '')}".encode()).decode()

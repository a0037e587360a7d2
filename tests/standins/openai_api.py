"""Stands in for an OpenAI-compatible chat endpoint on 127.0.0.1, with a model that believes whatever it reads.

It refuses what the vendor refuses: a bad key, an unknown model, missing or unknown parameters, a response format whose
schema is not strict. Its model is as easily led as a model can be: words that reach it outside of the JSON object
between the nonce's lines are orders to it, and so is what follows a chat template's marker anywhere, as if a server
had put the text into its template unescaped.
"""

import json
import re
import threading
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from standins.wire import Standin, WireHandler

Json = dict[str, Any]
KNOWN = {"model", "messages", "max_completion_tokens", "max_tokens", "response_format", "temperature", "seed", "n"}
ROLES = {"system", "developer", "user", "assistant"}
MARKER = re.compile(r"<\|.*?\|>|\[/?INST\]|<</?SYS>>|</?s>")
ORDER = re.compile(r"\bsay pass\b")
NONCE = re.compile(r"\bBEGIN ([0-9a-f]{16,})\b")


class RefusedError(Exception):
    def __init__(self, status: int, message: str, code: str | None, param: str | None = None) -> None:
        super().__init__(message)
        kind = "invalid_request_error" if status < 429 else "requests" if status == 429 else "server_error"
        self.status = status
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
        self.headers: dict[str, str] = {}


@dataclass
class Fault:
    status: int
    times: int
    retry_after: str | None = None
    code: str | None = None


class OpenAiApi(Standin):
    """`honest` is what the model thinks of the data where nobody gives it orders."""

    def __init__(self, *, key: str = "sk-right", model: str = "judge-1") -> None:
        self.key = key
        self.model = model
        self.honest: Callable[[Json], str] = lambda data: "pass" if "booked" in data["answer"] else "fail"
        self.reply: Callable[[str], str] = lambda verdict: json.dumps({"reason": "It says so.", "verdict": verdict})
        self.choice: Json = {}
        """Overrides parts of the choice, such as `finish_reason`."""
        self.usage: Json | None = {"prompt_tokens": 300, "completion_tokens": 20, "total_tokens": 320}
        self.slow_s = 0.0
        self.body: bytes | None = None
        """Answers this, whatever was asked."""
        self.requests: list[Json] = []
        self.statuses: list[int] = []
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        super().__init__(_Handler)
        self.url = f"{self.origin}/v1"

    def fault(self, status: int, times: int = 1, *, retry_after: str | None = None, code: str | None = None) -> None:
        """Fails the next `times` requests."""
        self._faults.append(Fault(status, times, retry_after, code))

    def answer(self, path: str, authorization: str | None, raw: bytes) -> tuple[int, bytes, dict[str, str]]:
        try:
            with self._lock:
                self._fail_if_told()
            status, body, headers = 200, self._complete(path, authorization, raw), dict[str, str]()
        except RefusedError as refused:
            status, body, headers = refused.status, json.dumps(refused.body).encode(), refused.headers
        self.statuses.append(status)
        return status, body, headers

    def models(self, authorization: str | None) -> tuple[int, bytes, dict[str, str]]:
        try:
            self._admit(authorization)
        except RefusedError as refused:
            return refused.status, json.dumps(refused.body).encode(), {}
        listed = {"object": "list", "data": [{"id": self.model, "object": "model", "created": 0, "owned_by": "x"}]}
        return 200, json.dumps(listed).encode(), {}

    def _fail_if_told(self) -> None:
        for fault in self._faults:
            if fault.times > 0:
                fault.times -= 1
                refused = RefusedError(fault.status, "told to fail", fault.code)
                refused.headers = {"Retry-After": fault.retry_after} if fault.retry_after is not None else {}
                raise refused

    def _admit(self, authorization: str | None) -> None:
        if authorization != f"Bearer {self.key}":
            given = (authorization or "").removeprefix("Bearer ")
            raise RefusedError(401, f"Incorrect API key provided: {given}.", "invalid_api_key")

    def _complete(self, path: str, authorization: str | None, raw: bytes) -> bytes:
        self._admit(authorization)
        if path != "/v1/chat/completions":
            raise RefusedError(404, f"Invalid URL (POST {path})", None)
        try:
            asked = json.loads(raw)
        except ValueError:
            raise RefusedError(400, "We could not parse the JSON body of your request.", None) from None
        refuse_bad(asked)
        if asked["model"] != self.model:
            raise RefusedError(404, f"The model `{asked['model']}` does not exist.", "model_not_found", "model")
        self.requests.append(asked)
        self._server.stopping.wait(self.slow_s)
        if self.body is not None:
            return self.body
        message = {"role": "assistant", "content": self.reply(self.think(asked["messages"])), "refusal": None}
        choice = {"index": 0, "finish_reason": "stop", "logprobs": None, "message": message, **self.choice}
        completion = {"id": "chatcmpl-1", "object": "chat.completion", "created": int(time.time()), "choices": [choice]}
        return json.dumps({**completion, "model": f"{self.model}-2026-10-01", "usage": self.usage}).encode()

    def think(self, messages: list[Json]) -> str:
        """The model's verdict: that of any order it reads, else an honest one on the data."""
        orders, data = _read("\n".join(message["content"] for message in messages))
        if ORDER.search(_as_people_read(orders)):
            return "pass"
        return self.honest(data) if data is not None else "unclear"


def _read(text: str) -> tuple[str, Json | None]:
    """What the model takes for orders, and what for data."""
    nonce = NONCE.search(text)
    if nonce is None:
        return text, None
    # From the first line that opens the data to the first that closes it, as a reader goes.
    found = re.search(rf"^BEGIN {nonce[1]}\n(.*?)^END {nonce[1]}$", text, re.DOTALL | re.MULTILINE)
    if found is None:
        return text, None
    orders = text[: found.start()] + text[found.end() :]
    if (marker := MARKER.search(found[1])) is not None:
        orders += found[1][marker.end() :]
    try:
        data = json.loads(found[1])
    except ValueError:
        return text, None
    if not isinstance(data, dict) or data.keys() != {"question", "answer"} or found[1].count("\n") != 1:
        return text, None
    return orders, data


def _as_people_read(text: str) -> str:
    """Wide letters, zero-width signs and ligatures hide nothing from a model."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(sign for sign in plain if unicodedata.category(sign) != "Cf").lower()


def refuse_bad(asked: Json) -> None:
    """What the vendor calls a bad request.

    Raises:
        RefusedError: it is one.
    """
    for name in ("model", "messages"):
        if not asked.get(name):
            raise RefusedError(400, f"Missing required parameter: '{name}'.", "missing_required_parameter", name)
    for name in asked.keys() - KNOWN:
        raise RefusedError(400, f"Unrecognized request argument supplied: {name}", None, name)
    for at, message in enumerate(asked["messages"]):
        if message.get("role") not in ROLES or not isinstance(message.get("content"), str):
            raise RefusedError(400, f"Invalid value for 'messages[{at}]'.", "invalid_value", f"messages[{at}]")
    wanted = asked.get("response_format")
    if wanted is not None:
        _refuse_bad_format(wanted)


def _refuse_bad_format(wanted: Json) -> None:
    def refuse(why: str) -> RefusedError:
        return RefusedError(400, f"Invalid schema for response_format: {why}", None, "response_format")

    if wanted.get("type") != "json_schema":
        raise refuse("this stand-in knows json_schema alone")
    named = wanted.get("json_schema") or {}
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", named.get("name", "")):
        raise refuse("Missing required parameter: 'response_format.json_schema.name'.")
    schema = named.get("schema") or {}
    if named.get("strict"):
        if schema.get("type") != "object":
            raise refuse("schema must be a JSON Schema of 'type: \"object\"'")
        if schema.get("additionalProperties") is not False:
            raise refuse("In context=(), 'additionalProperties' is required to be supplied and to be false.")
        if set(schema.get("required", [])) != set(schema.get("properties", {})):
            raise refuse("In context=(), 'required' is required to include every key in properties.")


class _Handler(WireHandler):
    content_type = "application/json"

    def respond(self) -> None:
        authorization = self.headers.get("Authorization")
        if self.command == "POST":
            self.send(*self.server.api.answer(self.path, authorization, self.body()))
        elif self.path == "/v1/models":
            self.send(*self.server.api.models(authorization))
        else:
            self.send(404, b"{}", {})

"""Houndify's protocol: who asks, what is asked, and the answers that come while the question is still being spoken.

From Houndify's "Authentication", "Voice Requests" and "Request Info" documents.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
import struct
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from activities.channels.incoming import read_message
from activities.errors import InstallationError

_PARTIAL = {"HoundVoiceQueryPartialTranscript", "SoundHoundVoiceSearchParialTranscript"}
"""The second is the vendor's spelling."""


@dataclass(frozen=True)
class Client:
    """A client of Houndify: `key` is base64url, as its dashboard shows it."""

    client_id: str
    key: str
    user_id: str

    def headers(self, request_id: str, now_s: float) -> dict[str, str]:
        """Both authentication headers of a request.

        Raises:
            InstallationError: the key is none.
        """
        stamp = str(int(now_s))
        try:
            secret = base64.urlsafe_b64decode(self.key)
        except (binascii.Error, ValueError):
            raise InstallationError("the Houndify client key is not base64: copy it from the dashboard") from None
        message = f"{self.user_id};{request_id}{stamp}".encode()
        signature = base64.urlsafe_b64encode(hmac.new(secret, message, hashlib.sha256).digest()).decode()
        return {
            "Hound-Request-Authentication": f"{self.user_id};{request_id}",
            "Hound-Client-Authentication": f"{self.client_id};{stamp};{signature}",
        }


@dataclass(frozen=True)
class Question:
    """One request's info and headers."""

    info: dict[str, Any]
    headers: dict[str, str]

    @classmethod
    def ask(cls, client: Client, *, state: object, language: str, more: dict[str, Any]) -> "Question":
        """A question in a conversation; `state` is the last answer's, None for the first question."""
        request_id, now_s = str(uuid.uuid4()), time.time()
        info = {
            "ClientID": client.client_id,
            "UserID": client.user_id,
            "RequestID": request_id,
            "TimeStamp": int(now_s),
            "SDK": "Voicewright",
            "PartialTranscriptsDesired": True,
            "InputLanguageIETFTag": language,
            **more,
        }
        if state is not None:
            info["ConversationState"] = state
        raw = json.dumps(info)
        return cls(
            info,
            {
                **client.headers(request_id, now_s),
                "Hound-Request-Info": raw,
                "Hound-Input-Language-IETF-Tag": language,
            },
        )


def wav_header(rate_hz: int) -> bytes:
    """The head of a mono 16-bit WAV file whose length nobody knows yet."""
    form = struct.pack("<IHHIIHH", 16, 1, 1, rate_hz, 2 * rate_hz, 2, 16)
    return b"RIFF" + struct.pack("<I", 0) + b"WAVEfmt " + form + b"data" + struct.pack("<I", 0)


MAX_ANSWER = 12_000_000
"""Bytes of all that answers one query: some minutes of sound among them."""
MAX_OBJECTS = 5_000
"""Of all that answers one query: partial transcripts come some ten times a second."""
_MAX_COUNT = 1_000
_TELLING = re.compile(rb'["\\{}]')


class TooMuchError(ValueError):
    """An answer that has no end."""


class JsonStream:
    """JSON objects one after the other in a stream of bytes, cut anywhere. Each byte is looked at once."""

    def __init__(self) -> None:
        self._begun = bytearray()
        """An object that is not whole yet, or the count of bytes that may stand before one."""
        self._seen = 0
        self._depth = 0
        self._in_text = False
        self._taken = self._objects = 0

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """Every object that is whole by now.

        Raises:
            ValueError: what comes is no JSON.
            TooMuchError: it is more than `MAX_ANSWER` or `MAX_OBJECTS` in all.
        """
        self._taken += len(data)
        if self._taken > MAX_ANSWER:
            raise TooMuchError
        self._begun += data
        while (end := self._end()) is not None:
            whole = bytes(self._begun[:end])
            del self._begun[:end]
            self._seen = 0
            self._objects += 1
            if self._objects > MAX_OBJECTS:
                raise TooMuchError
            yield read_message(_without_count(whole))
        if not self._depth and self._begun.strip():
            _without_count(bytes(self._begun[:_MAX_COUNT]))
            if len(self._begun) >= _MAX_COUNT:
                msg = "a count of bytes is no longer than that"
                raise ValueError(msg)

    def _end(self) -> int | None:
        """Where the first object ends, once it is whole."""
        begun, at = self._begun, self._seen
        while (found := _TELLING.search(begun, at)) is not None:
            at = found.end()
            match found[0]:
                case b'"':
                    self._in_text = not self._in_text
                case b"\\" if self._in_text:
                    if at == len(begun):  # what it escapes is still to come
                        self._seen = found.start()
                        return None
                    at += 1
                case b"{" if not self._in_text:
                    self._depth += 1
                case b"}" if not self._in_text:
                    self._depth -= 1
                    if self._depth <= 0:
                        self._depth = 0
                        return at
        self._seen = len(begun)
        return None

    @property
    def left(self) -> bool:
        """Whether the stream ended in the middle of an object."""
        return bool(self._begun.strip())


def _without_count(text: bytes) -> bytes:
    """An object without the count of bytes that may stand before it.

    Raises:
        ValueError: something else does.
    """
    before, brace, _ = text.partition(b"{")
    if before.strip() and not before.strip().isdigit():
        msg = f"the answer is no JSON: {text[:80].decode(errors='replace')!r}"
        raise ValueError(msg)
    return text[len(before) :] if brace else text


@dataclass
class Reply:
    """What has come of an answer."""

    partial: str = ""
    safe_to_stop: bool = False
    result: dict[str, Any] | None = None
    raw: dict[str, Any] = field(default_factory=dict)

    def take(self, message: dict[str, Any]) -> None:
        """One object of the stream."""
        if message.get("Format") in _PARTIAL:
            self.partial = str(message.get("PartialTranscript", ""))
            self.safe_to_stop = self.safe_to_stop or bool(message.get("SafeToStopAudio"))
            return
        self.raw = message
        results = message.get("AllResults")
        self.result = results[0] if isinstance(results, list) and results and isinstance(results[0], dict) else None

    @property
    def problem(self) -> str | None:
        """Why there is no answer, once the stream has ended."""
        if self.raw.get("Status", "OK") != "OK":
            return str(self.raw.get("ErrorMessage") or self.raw["Status"])
        return None if self.result is not None else "no result came"

    @property
    def transcription(self) -> str:
        """What Houndify understood of the caller."""
        found = self.raw.get("Disambiguation")
        choices = found.get("ChoiceData") if isinstance(found, dict) else None
        first = choices[0] if isinstance(choices, list) and choices else None
        return str(first.get("Transcription", self.partial)) if isinstance(first, dict) else self.partial

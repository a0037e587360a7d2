"""Houndify's protocol: who asks, what is asked, and the answers that come while the question is still being spoken.

From Houndify's "Authentication", "Voice Requests" and "Request Info" documents.
"""

import base64
import binascii
import hashlib
import hmac
import json
import struct
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

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


class JsonStream:
    """JSON objects one after the other in a stream of bytes, cut anywhere."""

    def __init__(self) -> None:
        self._text = ""
        self._rest = b""
        self._decoder = json.JSONDecoder()

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """Every object that is whole by now.

        Raises:
            ValueError: what comes is no JSON.
        """
        self._rest += data
        try:
            self._text += self._rest.decode()
            self._rest = b""
        except UnicodeDecodeError as error:
            self._text += self._rest[: error.start].decode()
            self._rest = self._rest[error.start :]
        while self._text:
            self._text = self._text.lstrip()
            if self._text and self._text[0] != "{":
                # A count of bytes may stand before each object.
                digits, _, rest = self._text.partition("\n")
                if not digits.strip().isdigit():
                    msg = f"the answer is no JSON: {self._text[:80]!r}"
                    raise ValueError(msg)
                if not rest:
                    return
                self._text = rest
                continue
            try:
                found, end = self._decoder.raw_decode(self._text)
            except ValueError:
                return  # not whole yet
            self._text = self._text[end:]
            yield found

    @property
    def left(self) -> bool:
        """Whether the stream ended in the middle of an object."""
        return bool(self._text.strip() or self._rest)


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
        choices = (self.raw.get("Disambiguation") or {}).get("ChoiceData") or [{}]
        return str(choices[0].get("Transcription", self.partial))

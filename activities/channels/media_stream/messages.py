"""Messages of an agent on Media Streams, read as Twilio reads them.

What is not as in Twilio's "Media Streams - WebSocket Messages" Twilio drops with the warning 31951, "Invalid Message":
no caller hears it.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from activities.channels.incoming import Unfit, read_message

_MAX_MARK = 1_000


@dataclass(frozen=True)
class Media:
    """Sound to play: mu-law at 8 kHz."""

    payload: bytes


@dataclass(frozen=True)
class Mark:
    """To be returned once all before it was played."""

    name: str


@dataclass(frozen=True)
class Clear:
    """Nothing that waits is played."""


def read(raw: str | bytes, stream_sid: str) -> Media | Mark | Clear | Unfit:
    """What a message says on the stream of that SID; or why it says nothing."""
    if isinstance(raw, bytes):
        return Unfit.BINARY
    try:
        message = read_message(raw)
        event = message["event"]
        if event not in {"media", "mark", "clear"}:
            return Unfit.UNREADABLE
        return _said(event, message.get(event)) if message.get("streamSid") == stream_sid else Unfit.WRONG_STREAM
    except (ValueError, KeyError, TypeError, binascii.Error):
        return Unfit.UNREADABLE


def _said(event: str, body: Any) -> Media | Mark | Clear | Unfit:  # noqa: ANN401 - whatever came
    if event == "clear":
        return Clear()
    if event == "mark":
        return Mark(str(body["name"])[:_MAX_MARK])
    payload = base64.b64decode(body["payload"], validate=True)
    return Media(payload) if payload else Unfit.NO_AUDIO

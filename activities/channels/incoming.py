"""What comes from a far end: read without trusting it, given a size, and taken no faster than a call can use it."""

import asyncio
import json
import time
from collections import Counter
from enum import StrEnum
from typing import Any, cast

import aiohttp
from pydantic import JsonValue

from voicewright.contracts.text import MAX_SENTENCE, clean, cut

MAX_DEPTH = 40
MAX_VALUES = 5_000
MAX_CHARACTERS = 200_000
"""What is kept of a structured answer."""
_MAX_WHOLE = 10**40
_PER_S = 2_500.0
_BURST = 250.0
_PER_COST = 1_000
"""Characters of a message that cost as much as one more message."""


def read_message(raw: str | bytes) -> dict[str, Any]:
    """A message of a protocol that speaks in JSON objects.

    Raises:
        ValueError: it is none, or it nests deeper than anything can read.
    """
    try:
        message = json.loads(raw)
    except RecursionError:
        msg = "nested too deeply"
        raise ValueError(msg) from None
    if not isinstance(message, dict):
        msg = f"a message is an object, not {type(message).__name__}"
        raise ValueError(msg)  # noqa: TRY004 - of what was read, as when it is no JSON at all
    return message


class TooLongError(Exception):
    """A body has more bytes than anybody needs."""


async def read_at_most(body: aiohttp.StreamReader, limit: int) -> bytes:
    """A whole body.

    Raises:
        TooLongError: it has more than `limit` bytes; no more than that was read.
    """
    whole = bytearray()
    async for part in body.iter_any():
        whole += part
        if len(whole) > limit:
            raise TooLongError
    return bytes(whole)


class Intake:
    """How fast the messages of one far end are taken: who sends a flood waits, and no other call does.

    A second of it holds many times the audio that can be played in a second, so no ordinary agent ever waits.
    """

    def __init__(self) -> None:
        self._left = _BURST
        self._at_s = time.monotonic()

    async def admit(self, raw: str | bytes) -> None:
        """Wait until one more message may be taken."""
        now_s = time.monotonic()
        self._left = min(_BURST, self._left + (now_s - self._at_s) * _PER_S)
        self._at_s = now_s
        self._left -= 1 + len(raw) / _PER_COST
        if self._left < 0:
            await asyncio.sleep(-self._left / _PER_S)


class Unfit(StrEnum):
    """Why something that an agent sent was not used, for a sentence."""

    BINARY = "binary frames, where the protocol has text"
    UNREADABLE = "messages that are not of the protocol"
    WRONG_STREAM = "messages whose streamSid is missing or not this stream's"
    NO_AUDIO = "media without audio"
    TOO_MUCH_AUDIO = "audio further ahead than ten minutes"
    TOO_MANY_MARKS = "marks, of which a thousand waited already"
    TOO_MANY_EVENTS = "events, of which a call keeps a thousand"


class Unused:
    """What an agent sent and nobody used, counted by reason."""

    def __init__(self) -> None:
        self._counts: Counter[Unfit] = Counter()

    def add(self, why: Unfit) -> bool:
        """Count one; whether it is the first of its reason."""
        self._counts[why] += 1
        return self._counts[why] == 1

    def __contains__(self, why: Unfit) -> bool:
        return why in self._counts

    def __str__(self) -> str:
        """For people: `151 messages whose streamSid ...`; empty where all was used."""
        return ", ".join(f"{count} {why}" for why, count in self._counts.most_common())


def kept(given: object) -> tuple[JsonValue, bool]:
    """What is kept of a structured answer, clean and of a bounded size; and whether something was left out."""
    room = _Room()
    return room.take(given, 0), room.full


class _Room:
    def __init__(self) -> None:
        self._values = MAX_VALUES
        self._characters = MAX_CHARACTERS
        self.full = False

    def take(self, given: object, depth: int) -> JsonValue:
        self._values -= 1
        if isinstance(given, dict | list):
            if depth >= MAX_DEPTH:
                self.full = True
                return None
            return self._members(given, depth) if isinstance(given, dict) else self._items(given, depth)
        if isinstance(given, str):
            return self._text(given)
        if isinstance(given, int) and not isinstance(given, bool) and abs(given) >= _MAX_WHOLE:
            return self._text(str(given))
        return cast("JsonValue", given) if given is None or isinstance(given, bool | int | float) else None

    def _members(self, given: dict[Any, Any], depth: int) -> JsonValue:
        found: dict[str, JsonValue] = {}
        for name, value in given.items():
            if self._values <= 0:
                self.full = True
                break
            found[self._text(str(name))] = self.take(value, depth + 1)
        return found

    def _items(self, given: list[Any], depth: int) -> JsonValue:
        found: list[JsonValue] = []
        for value in given:
            if self._values <= 0:
                self.full = True
                break
            found.append(self.take(value, depth + 1))
        return found

    def _text(self, given: str) -> str:
        most = min(MAX_SENTENCE, self._characters)
        if len(given) > most:
            self.full = True
        text = cut(clean(given), most) if most >= len(given) or most >= 100 else ""  # noqa: PLR2004
        self._characters -= len(text)
        return text

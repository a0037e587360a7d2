"""The server's events: their names in the protocol and in its beta, and what a finished response holds.

Servers of other makers kept the beta's names (`response.audio.delta`) when the protocol took new ones
(`response.output_audio.delta`); both mean the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Event = dict[str, Any]


class Kind(StrEnum):
    """What an event means to a caller."""

    UPDATED = "updated"
    BEGINS = "begins"
    ITEM = "item"
    AUDIO = "audio"
    AUDIO_DONE = "audio_done"
    TRANSCRIPT = "transcript"
    TEXT_PART = "text_part"
    TEXT = "text"
    CALLS = "calls"
    CALLER_SPEAKS = "caller_speaks"
    DONE = "done"
    ERROR = "error"
    NOTHING = "nothing"
    """Nothing to a caller."""
    STRANGE = "strange"
    """A part of an answer, in a form that nobody here knows."""


_KINDS = {
    "session.updated": Kind.UPDATED,
    "response.created": Kind.BEGINS,
    "response.output_item.added": Kind.ITEM,
    "conversation.item.created": Kind.ITEM,
    "conversation.item.added": Kind.ITEM,
    "response.output_audio.delta": Kind.AUDIO,
    "response.audio.delta": Kind.AUDIO,
    "response.output_audio.done": Kind.AUDIO_DONE,
    "response.audio.done": Kind.AUDIO_DONE,
    "response.output_audio_transcript.done": Kind.TRANSCRIPT,
    "response.audio_transcript.done": Kind.TRANSCRIPT,
    "response.output_text.delta": Kind.TEXT_PART,
    "response.text.delta": Kind.TEXT_PART,
    "response.output_text.done": Kind.TEXT,
    "response.text.done": Kind.TEXT,
    "response.function_call_arguments.done": Kind.CALLS,
    "input_audio_buffer.speech_started": Kind.CALLER_SPEAKS,
    "response.done": Kind.DONE,
    "error": Kind.ERROR,
    # Parts of what comes whole later.
    "response.output_audio_transcript.delta": Kind.NOTHING,
    "response.audio_transcript.delta": Kind.NOTHING,
    "response.function_call_arguments.delta": Kind.NOTHING,
    "response.mcp_call_arguments.delta": Kind.NOTHING,
}


def kind_of(event: Event) -> Kind:
    """What an event means; events that are neither known nor parts of an answer mean nothing."""
    name = str(event.get("type"))
    strange = name.startswith("response.") and name.endswith(".delta")
    return _KINDS.get(name, Kind.STRANGE if strange else Kind.NOTHING)


@dataclass(frozen=True)
class Part:
    """A part of a finished response: words in writing, a function with its arguments, or sound."""

    text: str = ""
    function: Event | None = None
    sound: bool = False


def parts(response: Event) -> Iterator[Part]:
    """What a response held when it was finished."""
    for item in _objects(response.get("output")):
        if item.get("type") == "function_call":
            yield Part(function=item)
        for content in _objects(item.get("content")):
            if content.get("type") in {"output_audio", "audio"}:
                yield Part(sound=True)
            elif content.get("text"):
                yield Part(text=str(content["text"]))


def _objects(given: object) -> list[Event]:
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


def problem_of(response: Event) -> str:
    """Why a response failed, in the server's words."""
    details = response.get("status_details")
    error = details.get("error", details) if isinstance(details, dict) else details
    return named(error) if isinstance(error, dict) else str(error)


def named(error: Event) -> str:
    """An error by its code and message."""
    return f"{error.get('code') or error.get('type')}: {error.get('message', '')}"

"""What the Realtime API refuses of what a client sends, held against the official SDK's types."""

import base64
import binascii
import json
import re
from collections.abc import Iterator
from typing import Any, get_args

from openai.types.realtime import RealtimeSessionCreateRequest
from openai.types.realtime.realtime_client_event import RealtimeClientEvent
from pydantic import BaseModel, ValidationError
from standins.realtime_audio import FORMATS

Json = dict[str, Any]

EVENTS: dict[str, type[BaseModel]] = {
    get_args(kind.model_fields["type"].annotation)[0]: kind for kind in get_args(get_args(RealtimeClientEvent)[0])
}
EVENTS.pop("output_audio_buffer.clear")  # WebRTC's and SIP's alone
VOICES = ("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar")
MAX_APPEND_BYTES = 15 * 1024 * 1024
RANGES = {
    "audio.input.turn_detection.threshold": (0, 1),
    "audio.input.turn_detection.silence_duration_ms": (0, 60_000),
    "audio.input.turn_detection.prefix_padding_ms": (0, 60_000),
    "audio.output.speed": (0.25, 1.5),
    "max_output_tokens": (1, 4096),
}


class RefusedError(Exception):
    """Answered with an `error` event; the session goes on."""

    def __init__(self, message: str, code: str | None = "invalid_value", param: str | None = None) -> None:
        super().__init__(message)
        self.body: Json = {"type": "invalid_request_error", "code": code, "message": message, "param": param}


def missing(param: str) -> RefusedError:
    return RefusedError(f"Missing required parameter: '{param}'.", "missing_required_parameter", param)


def parse(raw: str | bytes) -> Json:
    """A client event.

    Raises:
        RefusedError: the API would not take it.
    """
    if isinstance(raw, bytes):
        raise RefusedError("Expected a text WebSocket message; binary frames are not supported.", "invalid_event")
    try:
        event = json.loads(raw)
    except ValueError:
        raise RefusedError("Invalid event: failed to parse JSON value.", "invalid_json") from None
    if not isinstance(event, dict):
        raise RefusedError("Invalid event: expected an object.", "invalid_event")
    if "type" not in event:
        raise missing("type")
    if event["type"] not in EVENTS:
        known = ", ".join(f"'{name}'" for name in EVENTS)
        raise RefusedError(f"Invalid value: '{event['type']}'. Supported values are: {known}.", param="type")
    if event["type"] == "session.update":
        _refuse_bad_session(event.get("session"))
    _hold_against(EVENTS[event["type"]], event, "")
    return event


def audio_of(event: Json, format_type: str) -> bytes:
    """The audio of an `input_audio_buffer.append`.

    Raises:
        RefusedError: it is not base64, or not of this format.
    """
    what = "mono PCM16 at 24kHz" if format_type == "audio/pcm" else "mono G.711 at 8kHz"
    wanted = f"Invalid 'audio'. Expected base64-encoded audio bytes ({what}) but got"
    try:
        audio = base64.b64decode(event["audio"], validate=True)
    except (binascii.Error, ValueError):
        raise RefusedError(f"{wanted} an invalid value.", param="audio") from None
    if not audio:
        raise RefusedError(f"{wanted} empty bytes.", param="audio")
    if len(audio) % FORMATS[format_type].sample_bytes:
        raise RefusedError(f"{wanted} {len(audio)} bytes.", param="audio")
    if len(audio) > MAX_APPEND_BYTES:
        raise RefusedError("Invalid 'audio': more than 15 MiB.", param="audio")
    return audio


def _refuse_bad_session(session: object) -> None:
    if session is None:
        raise missing("session")
    if not isinstance(session, dict):
        raise RefusedError("Invalid type for 'session': expected an object.", "invalid_type", "session")
    if "type" not in session:
        raise missing("session.type")
    if session["type"] == "transcription":
        told = "Passing a transcription session update event to a realtime session is not allowed."
        raise RefusedError(told, param="session.type")
    _hold_against(RealtimeSessionCreateRequest, session, "session")
    _refuse_bad_settings(session)


def _refuse_bad_settings(session: Json) -> None:
    for side in ("input", "output"):
        _refuse_bad_format(_at(session, f"audio.{side}.format"), f"session.audio.{side}.format")
    for param, needed in {"turn_detection": "type", "transcription": "model"}.items():
        part = _at(session, f"audio.input.{param}")
        if isinstance(part, dict) and needed not in part:
            raise missing(f"session.audio.input.{param}.{needed}")
    for param, (least, most) in RANGES.items():
        value = _at(session, param)
        if isinstance(value, int | float) and not least <= value <= most:
            bound = f"Expected a value between {least} and {most}, but got {value} instead."
            raise RefusedError(f"Invalid 'session.{param}': {bound}", param=f"session.{param}")
    voice = _at(session, "audio.output.voice")
    if isinstance(voice, str) and voice not in VOICES:
        known = ", ".join(f"'{name}'" for name in VOICES)
        told = f"Invalid value: '{voice}'. Supported values are: {known}."
        raise RefusedError(told, param="session.audio.output.voice")
    if session.get("output_modalities", ["audio"]) != ["audio"]:
        raise RefusedError("This stand-in does nothing but speak.", param="session.output_modalities")


def _refuse_bad_format(form: Json | None, param: str) -> None:
    if form is None:
        return
    if "type" not in form:
        raise missing(f"{param}.type")
    if form["type"] != "audio/pcm":
        if "rate" in form:
            raise RefusedError(f"Unknown parameter: '{param}.rate'.", "unknown_parameter", f"{param}.rate")
    elif "rate" not in form:
        raise missing(f"{param}.rate")


def _hold_against(kind: type[BaseModel], value: Json, prefix: str) -> None:
    try:
        model = kind.model_validate(value, strict=True)
    except ValidationError as error:
        raise _told(error, prefix) from None
    for param in _unknown(model, prefix):
        raise RefusedError(f"Unknown parameter: '{param}'.", "unknown_parameter", param)


def _unknown(value: object, path: str) -> Iterator[str]:
    if isinstance(value, BaseModel):
        for name in value.model_extra or {}:
            yield f"{path}.{name}".lstrip(".")
        for name in type(value).model_fields:
            yield from _unknown(getattr(value, name), f"{path}.{name}".lstrip("."))
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _unknown(item, f"{path}[{number}]")


def _told(error: ValidationError, prefix: str) -> RefusedError:
    """Of all that the kinds of a union find fault with, what the one that is meant does."""
    faults = error.errors()
    others = [fault["loc"][:-1] for fault in faults if fault["type"] == "literal_error" and fault["loc"][-1] == "type"]
    meant = [fault for fault in faults if not any(fault["loc"][: len(other)] == other for other in others)]
    fault = (meant or faults)[0]
    if fault["type"] == "literal_error" and (bad := _bad_rate(faults, prefix)) is not None:
        return bad
    param = f"{prefix}.{_param(fault)}".strip(".")
    if fault["type"] == "missing":
        return missing(param)
    if fault["type"] == "literal_error":
        wanted = fault["ctx"]["expected"]
        return RefusedError(f"Invalid value: '{fault['input']}'. Supported values are: {wanted}.", param=param)
    return RefusedError(f"Invalid type for '{param}': {fault['msg']}.", "invalid_type", param)


def _bad_rate(faults: list[Any], prefix: str) -> RefusedError | None:
    for fault in faults:
        if (param := f"{prefix}.{_param(fault)}").endswith(".format.rate") and isinstance(fault["input"], int):
            low = fault["input"] < FORMATS["audio/pcm"].rate
            side, sign = ("below minimum", ">=") if low else ("above maximum", "<=")
            told = f"Invalid '{param}': integer {side} value. Expected a value {sign} 24000, but got {fault['input']}"
            return RefusedError(f"{told} instead.", f"integer_{side.split()[0]}_{'min' if low else 'max'}_value", param)
    return None


def _param(fault: Any) -> str:
    """Without the names of the SDK's classes on the way."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault["loc"]]
    return "".join(part for part in parts if re.fullmatch(r"\[\d+\]|\.[a-z_]+", part)).lstrip(".")


def _at(session: Json, path: str) -> Any:
    value: Any = session
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value

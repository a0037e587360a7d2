"""What the stand-in for OpenAI's Realtime API refuses: connections, events, settings."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from realtime_line import line
from standins.openai_realtime import OpenAiRealtime
from websockets.exceptions import ConnectionClosed, InvalidStatus

Json = dict[str, Any]
PCM = {"type": "audio/pcm", "rate": 24000}
VAD = {"type": "server_vad", "silence_duration_ms": 200}


@pytest.fixture
def server() -> Iterator[OpenAiRealtime]:
    with OpenAiRealtime([]) as server:
        yield server


def append(audio: bytes) -> Json:
    return {"type": "input_audio_buffer.append", "audio": base64.b64encode(audio).decode()}


TRUNCATE = {"type": "conversation.item.truncate", "item_id": "x", "content_index": 0}


async def check_refused(server: OpenAiRealtime, event: Any, code: str, param: str | None) -> None:
    async with line(server) as caller:
        await caller.until("session.created")
        await caller.connection.send_raw(json.dumps(event) if isinstance(event, dict) else event)
        error = await caller.refused()
        assert (error["code"], error["param"], error["type"]) == (code, param, "invalid_request_error")
        # It goes on, and nothing of what was refused was done.
        config = (await caller.update())["audio"]
        assert (config["input"]["format"], config["output"]["voice"]) == (PCM, "alloy")
    assert [error["code"] for error in server.errors] == [code]


@pytest.mark.parametrize(
    ("event", "code", "param"),
    [
        ("no json", "invalid_json", None),
        (b"binary", "invalid_event", None),
        ({}, "missing_required_parameter", "type"),
        ({"type": "session.begin"}, "invalid_value", "type"),
        ({"type": "output_audio_buffer.clear"}, "invalid_value", "type"),
        ({"type": "session.update"}, "missing_required_parameter", "session"),
        ({"type": "session.update", "session": {"instructions": "x"}}, "missing_required_parameter", "session.type"),
        ({"type": "session.update", "session": {"type": "transcription"}}, "invalid_value", "session.type"),
        ({"type": "input_audio_buffer.append"}, "missing_required_parameter", "audio"),
        ({"type": "input_audio_buffer.append", "audio": "AAAA!AAAA"}, "invalid_value", "audio"),
        (append(b""), "invalid_value", "audio"),
        (append(b"odd"), "invalid_value", "audio"),
        ({"type": "input_audio_buffer.commit"}, "input_audio_buffer_commit_empty", None),
        (
            {"type": "response.create", "response": {"modalities": ["audio"]}},
            "unknown_parameter",
            "response.modalities",
        ),
        ({"type": "conversation.item.delete", "item_id": "x"}, "item_not_found", "item_id"),
        (
            {"type": "conversation.item.create", "item": {"type": "message"}},
            "missing_required_parameter",
            "item.content",
        ),
        (TRUNCATE, "missing_required_parameter", "audio_end_ms"),
        ({**TRUNCATE, "audio_end_ms": "1"}, "invalid_type", "audio_end_ms"),
        ({**TRUNCATE, "audio_end_ms": 1}, "item_truncate_invalid_item_id", "item_id"),
    ],
)
async def test_refuses_events(server: OpenAiRealtime, event: Any, code: str, param: str | None) -> None:
    await check_refused(server, event, code, param)


@pytest.mark.parametrize(
    ("place", "settings", "code", "param"),
    [
        ("", {"input_audio_format": "g711_ulaw"}, "unknown_parameter", "input_audio_format"),
        ("", {"instructions": 1}, "invalid_type", "instructions"),
        ("", {"model": "gpt-realtime-mini"}, "invalid_value", "model"),
        ("output", {"voice": "bob"}, "invalid_value", "voice"),
        ("output", {"speed": 3.0}, "invalid_value", "speed"),
        ("output", {"format": {"type": "audio/pcm"}}, "missing_required_parameter", "format.rate"),
        ("input", {"format": {"type": "audio/wav"}}, "invalid_value", "format.type"),
        ("input", {"format": {**PCM, "rate": 8000}}, "integer_below_min_value", "format.rate"),
        ("input", {"format": {"type": "audio/pcmu", "rate": 8000}}, "unknown_parameter", "format.rate"),
        ("input", {"turn_detection": {**VAD, "threshold": 2}}, "invalid_value", "turn_detection.threshold"),
        ("input", {"turn_detection": {**VAD, "pause": 2}}, "unknown_parameter", "turn_detection.pause"),
        ("input", {"turn_detection": {"threshold": 1}}, "missing_required_parameter", "turn_detection.type"),
        ("input", {"transcription": {"language": "en"}}, "missing_required_parameter", "transcription.model"),
    ],
)
async def test_refuses_settings(server: OpenAiRealtime, place: str, settings: Json, code: str, param: str) -> None:
    session = {"type": "realtime", **({"audio": {place: settings}} if place else settings)}
    path = f"session.audio.{place}.{param}" if place else f"session.{param}"
    await check_refused(server, {"type": "session.update", "session": session}, code, path)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"key": "sk-wrong"}, 401, "invalid_api_key"),
        ({"model": ""}, 400, "missing_model"),
        ({"model": "gpt-nope"}, 400, "invalid_model"),
    ],
)
async def test_refuses_connections(server: OpenAiRealtime, change: dict[str, str], status: int, code: str) -> None:
    with pytest.raises(InvalidStatus) as caught:
        async with line(server, **change):
            pass
    assert caught.value.response.status_code == status
    assert json.loads(caught.value.response.body)["error"]["code"] == code
    server.refuse_late = True
    async with line(server, **change) as caller:
        assert (await caller.refused())["code"] == code
        with pytest.raises(ConnectionClosed) as closed:
            await caller.next()
    assert closed.value.rcvd is not None
    close = (closed.value.rcvd.code, closed.value.rcvd.reason)
    assert close == (3000 if status == 401 else 4000, f"invalid_request_error.{code}")
    assert not server.sessions

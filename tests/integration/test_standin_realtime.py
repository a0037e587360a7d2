"""The stand-in for OpenAI's Realtime API, through the official SDK; every event it sends is held against the SDK's."""

import asyncio
import audioop
import json
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from realtime_line import line
from standins.openai_realtime import OpenAiRealtime
from standins.realtime_audio import FORMATS, at_rate
from standins.realtime_response import Call
from websockets.exceptions import ConnectionClosed, InvalidStatus

pytestmark = pytest.mark.calls
RATE = 24000
TRIES = 6
"""Of what takes a known time: one of them at least is not held up by what else the machine does."""
Json = dict[str, Any]
PCM = {"type": "audio/pcm", "rate": RATE}
VAD = {"type": "server_vad", "silence_duration_ms": 200}


def tone(ms: int, rate: int = RATE, hz: int = 400) -> np.ndarray:
    samples = (8000 * np.sin(np.arange(rate * ms // 1000) * 2 * np.pi * hz / rate)).astype(np.int16)
    samples[-1] = 8000
    return samples


def quiet(ms: int, rate: int = RATE) -> np.ndarray:
    return np.zeros(rate * ms // 1000, np.int16)


LONG = (tone(1000), RATE, "it is open from nine to five")
SHORT = (tone(250, 16000), 16000, "bye now")


@pytest.fixture
def server() -> Iterator[OpenAiRealtime]:
    with OpenAiRealtime([LONG, SHORT], greeting=(tone(300), RATE, "hello there"), delay_ms=300, pace=20) as server:
        yield server


def kinds(events: list[Json]) -> list[str]:
    """Of several in a row, one."""
    named = [event["type"] for event in events]
    return [kind for kind, before in zip(named, ["", *named], strict=False) if kind != before]


async def test_a_turn_in_the_vendors_order(server: OpenAiRealtime) -> None:
    async with line(server) as caller:
        created = (await caller.until("session.created"))["session"]
        assert (created["type"], created["model"], created["audio"]["input"]["format"]) == (
            "realtime",
            "gpt-realtime",
            PCM,
        )
        await caller.say(quiet(400), tone(600), quiet(400))
        await caller.until("rate_limits.updated")
    deltas = ["response.output_audio.delta", "response.output_audio_transcript.delta"]
    expected = [
        "session.created",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "deltas",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    seen = [{"type": "deltas"} if event["type"] in deltas else event for event in caller.got]
    assert kinds(seen) == expected
    by_kind = {event["type"]: event for event in caller.got}
    assert by_kind["input_audio_buffer.speech_started"]["audio_start_ms"] == 100
    assert by_kind["input_audio_buffer.speech_stopped"]["audio_end_ms"] == 1200
    items = [event["item_id"] for event in caller.got if event["type"].startswith("input_audio_buffer")]
    assert len(set(items)) == 1
    response = by_kind["response.done"]["response"]
    assert (response["status"], response["output"][0]["content"][0]["transcript"]) == ("completed", LONG[2])
    assert response["usage"]["output_token_details"] == {"audio_tokens": 20, "text_tokens": 7}
    said = [event["delta"] for event in caller.got if event["type"] == "response.output_audio_transcript.delta"]
    assert ("".join(said), len(said) > 3) == (LONG[2], True)
    sizes = [len(event["delta"]) for event in caller.got if event["type"] == "response.output_audio.delta"]
    assert sizes == [RATE // 10 * 2 * 4 // 3] * 10
    assert np.array_equal(caller.audio(), LONG[0])
    (heard,) = server.sessions[0].heard
    assert np.array_equal(heard, np.concatenate([quiet(300), tone(600), quiet(200)]))
    assert not server.errors


async def test_greeting_then_turn_by_turn_with_exact_delays(server: OpenAiRealtime) -> None:
    ends = list[float]()
    async with line(server) as caller:
        await caller.send("response.create")
        await caller.until("response.done")
        for _ in range(TRIES):
            await caller.say(tone(200))
            # The caller falls silent 70 ms before the end of what arrives together.
            await caller.say(tone(90), quiet(70))
            ends.append(time.monotonic() - 0.07)
            for _ in range(2):
                await asyncio.sleep(0.1)
                await caller.say(quiet(100))
            await caller.until("response.output_audio.delta")
            ends.append(time.monotonic())
            await caller.until("response.done")
    done = [event["response"] for event in caller.got if event["type"] == "response.done"]
    said = [response["output"][0]["content"][0]["transcript"] for response in done]
    assert said == ["hello there", LONG[2], *[SHORT[2]] * (TRIES - 1)]
    # Never sooner; and in time whenever the machine allows it.
    delays = [turn.delay_ms for turn in server.sessions[0].turns]
    assert min(delays) > 299
    assert min(delays) < 350, delays
    waits = [answered - ended for ended, answered in zip(ends[::2], ends[1::2], strict=True)]
    assert min(waits) > 0.28
    assert min(waits) < 0.36, waits
    assert abs(len(caller.audio()) - RATE * (1.3 + 0.25 * (TRIES - 1))) < 5 * TRIES


def test_g711_is_that_of_the_standard_library() -> None:
    codes, samples = bytes(range(256)), np.array([0, 32767, -32768, 1000, -1000], "<i2")
    for form, encode, decode in (
        ("audio/pcmu", audioop.lin2ulaw, audioop.ulaw2lin),
        ("audio/pcma", audioop.lin2alaw, audioop.alaw2lin),
    ):
        assert np.array_equal(FORMATS[form].decode(codes), np.frombuffer(decode(codes, 2), "<i2"))
        assert FORMATS[form].encode(samples) == encode(samples.tobytes(), 2)


@pytest.mark.parametrize("form", ["audio/pcmu", "audio/pcma"])
async def test_g711_both_ways(server: OpenAiRealtime, form: str) -> None:
    async with line(server) as caller:
        await caller.until("session.created")
        told = await caller.update(
            audio={
                "input": {"format": {"type": form}, "turn_detection": {**VAD, "prefix_padding_ms": 0}},
                "output": {"format": {"type": form}, "voice": "cedar"},
            },
            instructions="Be brief.",
        )
        assert (told["audio"]["input"]["format"], told["audio"]["output"]["voice"]) == ({"type": form}, "cedar")
        assert told["instructions"] == "Be brief."
        assert (told["audio"]["input"]["turn_detection"]["threshold"], told["audio"]["output"]["speed"]) == (0.5, 1.0)
        await caller.say(tone(400, 8000), quiet(300, 8000), form=form)
        await caller.until("response.done")
    expected = at_rate(LONG[0], RATE, 8000)
    error = caller.audio(form) - expected.astype(np.float64)
    assert np.sqrt(np.mean(error**2)) < 0.03 * np.sqrt(np.mean(expected.astype(np.float64) ** 2))
    assert np.corrcoef(server.sessions[0].heard[0][:3200], tone(400, 8000))[0, 1] > 0.999


async def test_speech_interrupts_a_response(server: OpenAiRealtime) -> None:
    server.pace = 1
    async with line(server) as caller:
        await caller.say(tone(300), quiet(300))
        first = await caller.until("response.output_audio.delta")
        await caller.until("response.output_audio.delta")
        await caller.say(tone(200))
        done = await caller.until("response.done")
        sent_ms = len(caller.audio()) * 1000 // RATE
        assert 200 <= sent_ms < 1000
        assert (done["response"]["status"], done["response"]["status_details"]) == (
            "cancelled",
            {"type": "cancelled", "reason": "turn_detected"},
        )
        assert done["response"]["output"][0]["status"] == "incomplete"
        named = kinds(caller.got)
        assert named[named.index("input_audio_buffer.speech_started", 5) :][:3] == [
            "input_audio_buffer.speech_started",
            "response.output_audio.done",
            "response.output_audio_transcript.done",
        ]
        await caller.send("conversation.item.truncate", item_id=first["item_id"], content_index=0, audio_end_ms=150)
        truncated = await caller.until("conversation.item.truncated")
        assert (truncated["item_id"], truncated["audio_end_ms"]) == (first["item_id"], 150)
        await caller.say(quiet(300))
        assert (await caller.until("response.done"))["response"]["status"] == "completed"
    (truncation,) = server.truncations
    assert (truncation.audio_end_ms, truncation.sent_ms) == (150, sent_ms)
    assert [turn.status for turn in server.sessions[0].turns] == ["cancelled", "completed"]


async def test_no_interruption_where_not_wished(server: OpenAiRealtime) -> None:
    server.pace = 1
    async with line(server) as caller:
        await caller.until("session.created")
        await caller.update(audio={"input": {"turn_detection": {**VAD, "interrupt_response": False}}})
        await caller.say(tone(300), quiet(300))
        await caller.until("response.output_audio.delta")
        await caller.say(tone(300), quiet(300))
        while (event := await caller.next())["type"] != "error":
            assert event["type"] != "response.done"
        assert event["error"]["code"] == "conversation_already_has_active_response"
        assert (await caller.until("response.done"))["response"]["status"] == "completed"


async def test_cancel(server: OpenAiRealtime) -> None:
    server.pace, server.delay_ms = 1, 20_000
    async with line(server) as caller:
        await caller.until("session.created")
        await caller.send("response.cancel", event_id="mine")
        error = await caller.refused()
        assert (error["code"], error["event_id"]) == ("response_cancel_not_active", "mine")
        await caller.send("response.create")
        await caller.until("response.created")
        await caller.send("response.create")
        assert (await caller.refused())["code"] == "conversation_already_has_active_response"
        await caller.send("response.cancel", response_id="resp_another")
        assert (await caller.refused())["code"] == "response_cancel_not_active"
        await caller.send("response.cancel")
        done = (await caller.until("response.done"))["response"]
        assert (done["status"], done["status_details"]["reason"]) == ("cancelled", "client_cancelled")
        assert done["output"] == []
    assert [error["code"] for error in server.errors][1:] == [
        "conversation_already_has_active_response",
        "response_cancel_not_active",
    ]


async def test_push_to_talk(server: OpenAiRealtime) -> None:
    async with line(server) as caller:
        await caller.until("session.created")
        told = await caller.update(audio={"input": {"turn_detection": None, "transcription": {"model": "whisper-1"}}})
        assert told["audio"]["input"]["turn_detection"] is None
        server.transcribe = lambda heard: f"{len(heard)} samples"
        await caller.say(tone(50))
        await caller.send("input_audio_buffer.commit")
        error = await caller.refused()
        assert (error["code"], "50.00ms" in error["message"]) == ("input_audio_buffer_commit_empty", True)
        await caller.send("input_audio_buffer.clear")
        await caller.until("input_audio_buffer.cleared")
        await caller.say(tone(300), quiet(500), tone(100))
        await caller.send("input_audio_buffer.commit")
        done = await caller.until("conversation.item.input_audio_transcription.completed")
        assert done["transcript"] == f"{RATE * 9 // 10} samples"
        await caller.send("response.create")
        assert (await caller.until("response.done"))["response"]["output"][0]["content"][0]["transcript"] == LONG[2]
    assert "input_audio_buffer.speech_started" not in kinds(caller.got)
    assert [len(heard) for heard in server.sessions[0].heard] == [RATE * 9 // 10]


async def test_quiet_audio_is_no_speech(server: OpenAiRealtime) -> None:
    async with line(server) as caller:
        await caller.until("session.created")
        await caller.say(tone(300) // 20, quiet(300), tone(20), quiet(300))
        assert (await caller.update(audio={"input": {"turn_detection": {**VAD, "threshold": 0.1}}}))["model"]
        assert kinds(caller.got) == ["session.created", "session.updated"]
        await caller.say(tone(60) // 20, quiet(300))
        await caller.until("input_audio_buffer.speech_started")


async def test_function_call() -> None:
    heard = list[int]()

    def brain(turn: int, samples: np.ndarray) -> Any:
        heard.append(len(samples))
        return Call("book", {"day": "Monday"}) if turn == 0 else SHORT

    with OpenAiRealtime(brain, delay_ms=0, pace=50) as server:
        async with line(server) as caller:
            await caller.until("session.created")
            tool = {"type": "function", "name": "book", "parameters": {"type": "object"}}
            assert (await caller.update(tools=[tool]))["tools"] == [tool]
            await caller.say(tone(300), quiet(300))
            call = await caller.until("response.function_call_arguments.done")
            assert (call["name"], json.loads(call["arguments"])) == ("book", {"day": "Monday"})
            assert (await caller.until("response.done"))["response"]["output"][0]["call_id"] == call["call_id"]
            result = {"type": "function_call_output", "call_id": call["call_id"], "output": "{}"}
            await caller.send("conversation.item.create", item={**result, "call_id": "call_another"})
            while (event := await caller.next())["type"] != "error":
                pass
            assert event["error"]["code"] == "invalid_tool_call_id"
            await caller.send("conversation.item.create", item=result)
            await caller.until("conversation.item.done")
            await caller.send("response.create")
            await caller.until("response.output_audio.delta")
    assert heard == [RATE * 500 // 1000, 0]


async def test_truncation_stays_within_what_was_sent(server: OpenAiRealtime) -> None:
    async with line(server) as caller:
        await caller.say(tone(300), quiet(300))
        item = (await caller.until("conversation.item.added"))["item"]["id"]
        answer = (await caller.until("response.output_audio.done"))["item_id"]
        await caller.until("rate_limits.updated")
        for number, end_ms, message in (
            (item, 10, "Only model output audio"),
            (answer, 1001, "Audio content of 1000ms is already shorter than 1001ms"),
            (answer, -1, "below minimum"),
        ):
            await caller.send("conversation.item.truncate", item_id=number, content_index=0, audio_end_ms=end_ms)
            assert message in (await caller.refused())["message"]
        for end_ms in (1000, 400):
            await caller.send("conversation.item.truncate", item_id=answer, content_index=0, audio_end_ms=end_ms)
            await caller.until("conversation.item.truncated")
        await caller.send("conversation.item.truncate", item_id=answer, content_index=0, audio_end_ms=500)
        assert "already shorter" in (await caller.refused())["message"]
        await caller.send("conversation.item.retrieve", item_id=answer)
        assert "transcript" not in (await caller.until("conversation.item.retrieved"))["item"]["content"][0]
        await caller.send("session.update", session={"type": "realtime", "audio": {"output": {"voice": "cedar"}}})
        assert (await caller.refused())["code"] == "cannot_update_voice"
    assert [(cut.audio_end_ms, cut.sent_ms) for cut in server.truncations] == [(1000, 1000), (400, 1000)]


async def test_faults(server: OpenAiRealtime) -> None:
    for status in (401, 429, 503):
        server.refuse_status = status
        with pytest.raises(InvalidStatus) as caught:
            async with line(server):
                pass
        assert caught.value.response.status_code == status
        assert ("Retry-After" in caught.value.response.headers) == (status == 429)
    server.refuse_status, server.rate_limit = None, True
    async with line(server) as caller:
        await caller.send("response.create")
        done = (await caller.until("response.done"))["response"]
        assert (done["status"], done["status_details"]["error"]["code"]) == ("failed", "rate_limit_exceeded")
        await caller.until("rate_limits.updated")
        server.rate_limit, server.error_event = False, {"code": "server_error", "message": "sorry"}
        await caller.send("response.create")
        assert (await caller.refused())["message"] == "sorry"
        server.error_event, server.silent = None, True
        await caller.say(tone(300), quiet(300))
        await caller.until("conversation.item.done")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await caller.next()
    server.silent, server.drop_after_s = False, 0.2
    started = time.monotonic()
    async with line(server) as caller:
        with pytest.raises(ConnectionClosed):
            await caller.until("never")
    assert time.monotonic() - started >= 0.2
    assert [event["type"] for event in server.events][-1] == "input_audio_buffer.append"
    assert server.events[-1]["audio_bytes"] == RATE * 6 // 10 * 2

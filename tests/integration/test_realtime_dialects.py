"""Realtime servers of other makers: the beta's names, answers in writing, names that nobody knows, sound under way."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import caller
import numpy as np
import pytest
from websockets.asyncio.server import ServerConnection, serve

from activities.audio.pcm import Audio
from activities.call.held import Held
from activities.call.script import Planned, PlannedTurn
from activities.call.timeline import events
from activities.channels.openai_realtime.dialler import OpenAiRealtimeDialler
from activities.channels.openai_realtime.sound import AgentSound
from activities.errors import BadInputError
from voicewright.contracts.call import CallEnd, CallEventKind
from voicewright.suite import Limits
from voicewright.suite.format.agent import OpenAiRealtimeTarget

pytestmark = pytest.mark.calls

Tell = Callable[..., Awaitable[None]]
Answer = Callable[[Tell, Audio], Awaitable[None]]
IDS = {"response_id": "r1", "item_id": "i1", "output_index": 0, "content_index": 0}


@asynccontextmanager
async def server(
    answer: Answer, words: Audio, got: list[dict[str, Any]] | None = None
) -> AsyncIterator[OpenAiRealtimeTarget]:
    """A server that answers when it is asked for a response."""

    async def session(socket: ServerConnection) -> None:
        async def tell(kind: str, **more: Any) -> None:
            await socket.send(more["raw"] if "raw" in more else json.dumps({"type": kind, **more}))

        await tell("session.created", session={})
        async for raw in socket:
            event = json.loads(raw)
            if got is not None and event["type"] != "input_audio_buffer.append":
                got.append(event)
            if event["type"] == "session.update":
                await tell("session.updated", session=event["session"])
            elif event["type"] == "response.create":
                await tell("response.created", response={"id": "r1", "status": "in_progress"})
                await answer(tell, words)

    async with serve(session, "127.0.0.1", 0) as listening:
        url = f"ws://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
        yield OpenAiRealtimeTarget(channel="openai_realtime", url=url, api_key="x", greets=True)


async def hold(where: OpenAiRealtimeTarget, script: list[Planned] | None = None) -> Held:
    line = await OpenAiRealtimeDialler().dial(where, call_id="x")
    greeting: list[Planned] = [PlannedTurn(0, None, judged=True)]
    return await caller.hold(line, script or greeting, Limits(answer_ms=3000, end_of_turn_ms=500))


def parts(words: Audio) -> list[str]:
    wire = words.at_rate(24_000).samples.astype("<i2").tobytes()
    return [
        base64.b64encode(wire[at : at + 4801]).decode() for at in range(0, len(wire), 4801)
    ]  # halves of samples too


@pytest.fixture(scope="session")
def words() -> Audio:
    return Audio(caller.speak("Good morning, anybody there?", 16_000), 16_000)


def speaks(name: str) -> Answer:
    async def answer(tell: Tell, words: Audio) -> None:
        for part in parts(words):
            await tell(f"{name}.delta", delta=part, **IDS)
        await tell(f"{name}_transcript.done", transcript="good morning", **IDS)
        await tell(f"{name}.done", **IDS)
        content = [{"type": "audio", "transcript": "good morning"}]
        await tell("response.done", response={"id": "r1", "status": "completed", "output": [{"content": content}]})

    return answer


@pytest.mark.parametrize("name", ["response.audio", "response.output_audio"])
async def test_sound_by_either_name_is_heard(words: Audio, name: str) -> None:
    async with server(speaks(name), words) as where:
        held = await hold(where)
    assert held.end is CallEnd.COMPLETED
    heard = np.flatnonzero(np.abs(held.agent) > 500)
    assert abs((heard[-1] - heard[0]) - len(words.samples)) < 0.1 * len(words.samples)


async def test_sound_by_a_name_that_nobody_knows_is_not_silence(words: Audio) -> None:
    async with server(speaks("response.speech"), words) as where:
        with pytest.raises(BadInputError, match=r"does not know \(response\.speech\.delta\)"):
            await hold(where)


async def test_a_strange_part_without_an_end_is_not_silence(words: Audio) -> None:
    async def answer(tell: Tell, words: Audio) -> None:
        await tell("response.voice_chunk.delta", chunk=parts(words)[0])

    async with server(answer, words) as where:
        with pytest.raises(BadInputError, match="voice_chunk"):
            await hold(where)


async def test_parts_of_no_sound_beside_the_sound_hide_no_silence(words: Audio) -> None:
    async def answer(tell: Tell, words: Audio) -> None:
        await tell("response.animation_viseme.delta", viseme_id=3)
        await speaks("response.output_audio")(tell, words)
        await tell("response.created", response={"id": "r2"})
        await tell("response.done", response={"id": "r2", "status": "completed", "output": []})

    async with server(answer, words) as where:
        script: list[Planned] = [PlannedTurn(0, None, judged=True), PlannedTurn(1, words.samples, judged=True)]
        held = await hold(where, script)
    assert held.end is CallEnd.AGENT_SILENT


@pytest.mark.parametrize(
    "told",
    [
        [("response.output_text.delta", {"delta": "Good "}), ("response.output_text.done", {"text": "Good morning."})],
        [("response.text.delta", {"delta": "Good morning."}), ("response.text.done", {})],
        [("response.text.delta", {"delta": "Good "}), ("response.text.delta", {"delta": "morning."})],
        [],
    ],
    ids=["new names", "beta's names", "no end of the text", "in the finished response alone"],
)
async def test_an_answer_in_writing_is_an_answer(words: Audio, told: list[tuple[str, dict[str, Any]]]) -> None:
    async def answer(tell: Tell, _: Audio) -> None:
        for kind, more in told:
            await tell(kind, **IDS, **more)
        content = [{"type": "text", "text": "Good morning."}]
        output = [{"type": "message", "content": content}]
        await tell("response.done", response={"id": "r1", "status": "completed", "output": output})

    async with server(answer, words) as where:
        held = await hold(where)
    assert held.end is CallEnd.COMPLETED
    assert [(one.kind, one.value) for one in events(held)] == [(CallEventKind.ANSWER, "Good morning.")]


async def test_a_function_is_known_by_its_item_where_the_beta_does_not_name_it(words: Audio) -> None:
    async def answer(tell: Tell, _: Audio) -> None:
        await tell("response.output_item.added", item={"id": "f1", "type": "function_call", "name": "order"})
        arguments = json.dumps({"pizza": "margherita"})
        await tell("response.function_call_arguments.done", item_id="f1", arguments=arguments)

    async with server(answer, words) as where:
        held = await hold(where)
    [event] = events(held)
    assert event.answer is not None
    assert (event.answer.intent, event.answer.result) == ("order", {"pizza": "margherita"})


@pytest.mark.parametrize("raw", ["[" * 100_000, "17", '{"type": "response.done"}', '{"type": "error", "error": 3}'])
async def test_whatever_comes_the_session_goes_on(words: Audio, raw: str) -> None:
    async def answer(tell: Tell, words: Audio) -> None:
        await tell("", raw=raw)
        await speaks("response.output_audio")(tell, words)

    async with server(answer, words) as where:
        held = await hold(where)
    assert held.end is CallEnd.COMPLETED


async def test_what_is_under_way_of_an_answer_that_was_cut_is_not_played(words: Audio) -> None:
    got: list[dict[str, Any]] = []

    async def answer(tell: Tell, words: Audio) -> None:
        tone = Audio(np.tile(words.samples, 3), 16_000)
        chunks = parts(tone)
        for part in chunks[: len(chunks) // 2]:
            await tell("response.output_audio.delta", delta=part, **IDS)
        await asyncio.sleep(1.2)
        await tell("input_audio_buffer.speech_started", audio_start_ms=0, item_id="u")
        for part in chunks[len(chunks) // 2 :]:
            await tell("response.output_audio.delta", delta=part, **IDS)
            await asyncio.sleep(0.02)
        await tell("response.done", response={"id": "r1", "status": "cancelled"})
        await tell("response.created", response={"id": "r2"})
        for part in parts(words):
            await tell("response.output_audio.delta", delta=part, **{**IDS, "response_id": "r2", "item_id": "i2"})
        await tell("response.done", response={"id": "r2", "status": "completed", "output": []})

    async with server(answer, words, got) as where:
        held = await hold(where)
    [cut] = [event for event in got if event["type"] == "conversation.item.truncate"]
    assert cut["item_id"] == "i1"
    assert abs(cut["audio_end_ms"] - 1200) < 300
    played = np.count_nonzero(np.abs(held.agent) > 300)
    twice = np.count_nonzero(np.abs(words.samples) > 300) * (1 + 1200 / (1000 * len(words.samples) / 16_000))
    assert played < 1.3 * twice  # the cut part and the next answer, nothing of what came late


def test_half_a_sample_of_one_answer_is_not_put_before_the_next(words: Audio) -> None:
    wire = words.at_rate(24_000).samples.astype("<i2").tobytes()
    alone, after = AgentSound(16_000, mu_law=False), AgentSound(16_000, mu_law=False)
    after.add({**IDS, "item_id": "i0", "delta": base64.b64encode(b"\x01\x02\x03").decode()})
    after.playback.clear(0.0)
    for sound in (alone, after):
        sound.add({**IDS, "delta": base64.b64encode(wire).decode()})
    assert np.array_equal(alone.playback.laid_out(0.0, 0), after.playback.laid_out(0.0, 0))
    assert np.array_equal(alone.playback.take(), after.playback.take())
    assert np.array_equal(alone.playback.take(), after.playback.take())

"""Calls over real sockets against agents whose behaviour is known exactly."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from statistics import median
from typing import Any

import numpy as np
import pytest
from local_stack import Child
from websockets.asyncio.server import ServerConnection, serve

from activities.audio import Audio
from activities.errors import BadInputError, InstallationError, LineDiedError, LineError
from activities.speech.level import trim_silence
from activities.speech.piper import PiperEngine
from activities.telephony import g711
from activities.telephony.conversation import Conversation, Held
from activities.telephony.media_stream import MediaStreamDialler
from activities.telephony.script import PlannedTurn
from activities.telephony.secrets import fill_secrets
from activities.telephony.timeline import measure
from activities.telephony.voice_activity import Detectors, VoiceActivity
from voicewright.call import CallEnd
from voicewright.settings import Settings
from voicewright.suite import Limits, MediaStreamTarget

DETECTORS = Detectors()
LIMITS = Limits(answer_ms=2000, call_s=20)


@pytest.fixture(scope="session")
def speech() -> Audio:
    """Real speech at 8 kHz that ends on a loud sample, so that its end is exact."""
    settings = Settings()
    spoken = PiperEngine(settings.piper_voice, settings.models_dir).speak(
        "Good morning, is anybody there?", "en", None, 1
    )
    samples = trim_silence(spoken).at_rate(8000).samples
    return Audio(samples[: (np.flatnonzero(np.abs(samples) > 4000)[-1] + 1) // 160 * 160], 8000)


async def hold(url: str, plan: list[PlannedTurn], limits: Limits = LIMITS, **target: Any) -> Held:
    async with aclosing(MediaStreamDialler()) as dialler:
        line = await dialler.dial(MediaStreamTarget(channel="media_stream", url=url, **target), call_id="test")
        with DETECTORS.borrow(8000) as detector:
            return await Conversation(line, limits, VoiceActivity(detector, 8000)).hold(plan)


Handler = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def agent(handler: Handler) -> AsyncIterator[str]:
    async with serve(handler, "127.0.0.1", 0, compression=None, close_timeout=1) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/media"


def media(samples: np.ndarray, stream_sid: str) -> str:
    payload = base64.b64encode(g711.encode(samples.astype(np.int16))).decode()
    return json.dumps({"event": "media", "streamSid": stream_sid, "media": {"payload": payload}})


async def test_time_to_first_audio_is_exact(calibration_agent: str, speech: Audio) -> None:
    plan = [PlannedTurn(0, None, judged=True), *(PlannedTurn(n, speech.samples, judged=True) for n in (1, 2))]
    held = await hold(f"{calibration_agent}?delay_ms=700", plan)
    timings, _ = measure(held)
    assert held.end is CallEnd.COMPLETED
    assert held.frames_lost == 0
    for timing in timings[1:]:
        assert timing.ttfa_ms is not None
        assert abs(timing.ttfa_ms - 700) <= 40
        assert timing.overlap_ms == 0


async def test_twenty_concurrent_calls_keep_time(calibration: Child, speech: Audio) -> None:
    """Against what the agent really did: with so many calls it is late itself at times."""
    plan = [PlannedTurn(0, None, judged=True), PlannedTurn(1, speech.samples, judged=True)]
    urls = [f"{calibration.address}?delay_ms=900&call=twenty-{number}" for number in range(20)]
    calls = await asyncio.gather(*(hold(url, plan) for url in urls))
    assert all(held.end is CallEnd.COMPLETED and held.frames_lost == 0 for held in calls)
    async with asyncio.timeout(5):  # the last of them may still be on its way
        while len(lines := [line for line in calibration.text().split("\n")[:-1] if "twenty-" in line]) < len(urls):
            await asyncio.sleep(0.05)
    reports = [json.loads(line) for line in lines]
    told = {report["path"].rpartition("=")[2]: report["answered_ms"][1] for report in reports}
    errors = [(measure(held)[0][1].ttfa_ms or 0) - told[f"twenty-{number}"] for number, held in enumerate(calls)]
    assert abs(median(errors)) <= 20, errors
    assert max(map(abs, errors)) <= 40, errors


async def test_the_protocol_as_twilio_speaks_it(speech: Audio) -> None:
    """Everything that the agent is sent, held against Twilio's description of the messages."""
    seen: list[dict[str, Any]] = []

    async def handler(socket: ServerConnection) -> None:
        async for raw in socket:
            message = json.loads(raw)
            seen.append(message)
            if message["event"] == "start":
                await socket.send(media(speech.samples, message["streamSid"]))
                await socket.send(
                    json.dumps({"event": "mark", "streamSid": message["streamSid"], "mark": {"name": "m"}})
                )

    async with agent(handler) as url:
        held = await hold(url, [PlannedTurn(0, None, judged=True)], parameters={"tenant": "x"})
    assert held.end is CallEnd.COMPLETED
    events = [message["event"] for message in seen]
    assert events[:2] == ["connected", "start"]
    assert events[-1] == "stop"
    start = seen[1]
    parameters = start["start"]["customParameters"]
    assert parameters.pop("voicewright_api").startswith("http://127.0.0.1:")
    assert parameters == {"tenant": "x"}
    assert start["start"]["mediaFormat"] == {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
    assert start["streamSid"] == start["start"]["streamSid"]
    assert start["streamSid"].startswith("MZ")
    frames = [message for message in seen if message["event"] == "media"]
    assert [frame["media"]["chunk"] for frame in frames] == [str(n + 1) for n in range(len(frames))]
    assert [frame["media"]["timestamp"] for frame in frames] == [str(20 * n) for n in range(len(frames))]
    assert {len(base64.b64decode(frame["media"]["payload"])) for frame in frames} == {160}
    assert [int(m["sequenceNumber"]) for m in seen[1:]] == list(range(1, len(seen)))
    # The mark comes back when playback has reached it, not when it was received.
    assert events.index("mark") - 2 >= len(speech.samples) // 160 - 2


async def test_clear_stops_playback_and_returns_marks(speech: Audio) -> None:
    seen: list[str] = []

    async def handler(socket: ServerConnection) -> None:
        count = 0
        async for raw in socket:
            message = json.loads(raw)
            seen.append(message["event"])
            if message["event"] == "start":
                long = np.tile(speech.samples, 5)
                await socket.send(media(long, message["streamSid"]))
                await socket.send(
                    json.dumps({"event": "mark", "streamSid": message["streamSid"], "mark": {"name": "m"}})
                )
            elif message["event"] == "media":
                count += 1
                if count == 50:
                    await socket.send(json.dumps({"event": "clear", "streamSid": message["streamSid"]}))

    async with agent(handler) as url:
        held = await hold(url, [PlannedTurn(0, None, judged=True)])
    loud = np.flatnonzero(np.abs(held.agent) > 500)
    assert 0.9 < loud[-1] / 8000 < 1.2  # a second of a speech of several
    assert "mark" in seen


async def silent(socket: ServerConnection) -> None:
    async for _ in socket:
        pass


async def test_an_agent_that_says_nothing_is_silent_not_broken(speech: Audio) -> None:
    async with agent(silent) as url:
        held = await hold(url, [PlannedTurn(0, speech.samples, judged=True)])
    assert held.end is CallEnd.AGENT_SILENT
    assert len(held.caller) == len(held.agent)
    assert np.abs(held.caller).max() > 4000  # our own side is on the recording all the same


async def test_an_agent_that_hangs_up_early(speech: Audio) -> None:
    async def handler(socket: ServerConnection) -> None:
        for _ in range(40):
            await socket.recv()
        await socket.close(1000)

    async with agent(handler) as url:
        held = await hold(url, [PlannedTurn(0, speech.samples, judged=True)])
    assert held.end is CallEnd.AGENT_HUNG_UP
    assert "code 1000" in held.end_detail


async def test_a_call_that_is_too_long(speech: Audio) -> None:
    async def handler(socket: ServerConnection) -> None:
        sid = ""
        async for raw in socket:
            message = json.loads(raw)
            sid = sid or message.get("streamSid", "")
            if message["event"] == "start":
                await socket.send(media(np.tile(speech.samples, 20), sid))

    async with agent(handler) as url:
        held = await hold(url, [PlannedTurn(0, None, judged=True)], Limits(call_s=5))
    assert held.end is CallEnd.TOO_LONG
    assert len(held.agent) == 5 * 8000


async def test_a_connection_that_dies_is_our_trouble(speech: Audio) -> None:
    async def handler(socket: ServerConnection) -> None:
        for _ in range(40):
            await socket.recv()
        socket.transport.abort()

    async with agent(handler) as url:
        with pytest.raises(LineDiedError, match="without a goodbye"):
            await hold(url, [PlannedTurn(0, speech.samples, judged=True)])


async def test_garbage_from_the_agent_does_not_end_the_call(speech: Audio) -> None:
    async def handler(socket: ServerConnection) -> None:
        async for raw in socket:
            message = json.loads(raw)
            if message["event"] == "start":
                for junk in (
                    "nonsense",
                    "[]",
                    "{}",
                    '{"event": "media"}',
                    '{"event":"media","media":{"payload":"%%"}}',
                ):
                    await socket.send(junk)
                await socket.send(b"\x00\xff")
                await socket.send(media(speech.samples, message["streamSid"]))

    async with agent(handler) as url:
        held = await hold(url, [PlannedTurn(0, None, judged=True)])
    assert held.end is CallEnd.COMPLETED


async def test_nobody_there_is_worth_another_try_but_a_refusal_is_not() -> None:
    with pytest.raises(LineError, match="is it running") as nobody:
        await hold("ws://127.0.0.1:9/media?token=hush", [])
    assert "hush" not in str(nobody.value)

    def refuse(connection: ServerConnection, _: Any) -> Any:
        return connection.respond(401, "no\n")

    async with serve(silent, "127.0.0.1", 0, process_request=refuse) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        with pytest.raises(BadInputError, match="HTTP 401"):
            await hold(f"ws://127.0.0.1:{port}/media", [])


async def test_handshake_carries_headers_and_twilios_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICEWRIGHT_SECRET_CLINIC", "s3cret")
    headers: dict[str, str] = {}

    async def handler(socket: ServerConnection) -> None:
        assert socket.request is not None
        headers.update(socket.request.headers.raw_items())
        await socket.close()

    async with agent(handler) as url:
        await hold(
            url,
            [PlannedTurn(0, None, judged=True)],
            headers={"Authorization": "Bearer ${secret:CLINIC}"},
            auth_token="${secret:CLINIC}",
        )
        expected = base64.b64encode(hmac.new(b"s3cret", url.encode(), hashlib.sha1).digest()).decode()
    assert headers["Authorization"] == "Bearer s3cret"
    assert headers["x-twilio-signature"] == expected


def test_only_variables_of_the_prefix_can_be_read() -> None:
    assert fill_secrets("a ${secret:X} b", {"VOICEWRIGHT_SECRET_X": "1"}) == "a 1 b"
    with pytest.raises(InstallationError, match="VOICEWRIGHT_SECRET_HOME"):
        fill_secrets("${secret:HOME}", {"HOME": "/root"})


async def test_the_caller_waits_for_a_greeting_to_end(speech: Audio, calibration_agent: str) -> None:
    """A case that starts with `say` does not talk into the agent's greeting."""
    held = await hold(f"{calibration_agent}?delay_ms=500", [PlannedTurn(0, speech.samples, judged=True)])
    timings, spoken = measure(held)
    assert timings[0].overlap_ms == 0
    assert spoken[0].side == "agent"
    assert timings[0].caller_start_ms is not None
    assert spoken[0].end_ms < timings[0].caller_start_ms

"""Calls over real sockets against agents whose behaviour is known exactly."""

import asyncio
import base64
import hashlib
import hmac
import json
from contextlib import aclosing
from statistics import median
from typing import Any

import caller
import numpy as np
import pytest
from far_ends import agent, media, told
from local_stack import Child
from websockets.asyncio.server import ServerConnection, serve

from activities.audio.pcm import FRAME_MS, Audio
from activities.call.held import Held
from activities.call.script import PlannedTurn
from activities.call.timeline import measure
from activities.channels.media_stream.line import MediaStreamDialler
from activities.channels.secrets import fill_secrets
from activities.errors import BadInputError, InstallationError, LineDiedError, LineError
from voicewright.contracts.call import CallEnd
from voicewright.suite import Limits, MediaStreamTarget

pytestmark = pytest.mark.calls

LIMITS = Limits(answer_ms=4000, call_s=60)


async def hold(url: str, plan: list[PlannedTurn], limits: Limits = LIMITS, **target: Any) -> Held:
    async with aclosing(MediaStreamDialler()) as dialler:
        line = await dialler.dial(MediaStreamTarget(channel="media_stream", url=url, **target), call_id="test")
        return await caller.hold(line, plan, limits)


async def test_time_to_first_audio_is_exact(calibration: Child, speech: Audio) -> None:
    plan = [PlannedTurn(0, None, judged=True), *(PlannedTurn(n, speech.samples, judged=True) for n in (1, 2, 3))]
    held = await hold(f"{calibration.address}?delay_ms=700&call=exact", plan)
    timings, _ = measure(held)
    assert held.end is CallEnd.COMPLETED
    [report] = await told(calibration, "call=exact")
    assert min(report["answered_ms"]) >= 699
    errors = [
        (timing.ttfa_ms or 0) - answered for timing, answered in zip(timings[1:], report["answered_ms"], strict=True)
    ]
    assert abs(median(errors)) <= FRAME_MS + held.lateness_ms[0], errors
    assert max(map(abs, errors)) <= caller.inexact_ms(held), errors
    assert not any(timing.overlap_ms for timing in timings[1:])


async def test_twenty_concurrent_calls_keep_time(calibration: Child, speech: Audio) -> None:
    plan = [PlannedTurn(0, None, judged=True), PlannedTurn(1, speech.samples, judged=True)]
    urls = [f"{calibration.address}?delay_ms=900&call=twenty-{number}" for number in range(20)]
    # Patient: who counts frames while the agent does not come to speak would call it silent.
    patient = Limits(answer_ms=15_000, call_s=90)
    calls = await asyncio.gather(*(hold(url, plan, patient) for url in urls))
    assert {(held.end, held.end_detail) for held in calls} == {(CallEnd.COMPLETED, "")}
    reports = await told(calibration, "call=twenty-", len(urls))
    answered = {report["path"].rpartition("=")[2]: report["answered_ms"][0] for report in reports}
    errors = [(measure(held)[0][1].ttfa_ms or 0) - answered[f"twenty-{number}"] for number, held in enumerate(calls)]
    usual_ms = max(held.lateness_ms[0] for held in calls)
    assert abs(median(errors)) <= FRAME_MS + usual_ms, errors
    bounds = [caller.inexact_ms(held) for held in calls]
    assert all(abs(error) <= bound for error, bound in zip(errors, bounds, strict=True)), (errors, bounds)


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
    # Fifty frames of ours after the speech began, and as long as a busy machine leaves a message lying.
    assert 0.9 < loud[-1] / 8000 < 1.1 + caller.inexact_ms(held) / 1000
    assert loud[-1] < 2 * len(speech.samples)  # of a speech of five times that length
    assert "mark" in seen


async def silent(socket: ServerConnection) -> None:
    async for _ in socket:
        pass


async def test_an_agent_that_says_nothing_is_silent_not_broken(speech: Audio) -> None:
    async with agent(silent) as url:
        held = await hold(url, [PlannedTurn(0, speech.samples, judged=True)])
    assert held.end is CallEnd.AGENT_SILENT
    assert held.end_detail.endswith("of turn 1")
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
    here = ["ws://127.0.0.1:1/media"]
    assert fill_secrets("a ${secret:X} b", {"VOICEWRIGHT_SECRET_X": "1"}, here) == "a 1 b"
    with pytest.raises(InstallationError, match="VOICEWRIGHT_SECRET_HOME"):
        fill_secrets("${secret:HOME}", {"HOME": "/root"}, here)


async def test_the_caller_waits_for_a_greeting_to_end(speech: Audio, calibration_agent: str) -> None:
    """A case that starts with `say` does not talk into the agent's greeting."""
    held = await hold(f"{calibration_agent}?delay_ms=500", [PlannedTurn(0, speech.samples, judged=True)])
    timings, spoken = measure(held)
    assert timings[0].overlap_ms == 0
    assert spoken[0].side == "agent"
    assert timings[0].caller_start_ms is not None
    assert spoken[0].end_ms < timings[0].caller_start_ms

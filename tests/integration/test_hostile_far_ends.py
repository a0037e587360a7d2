"""Agents on Media Streams that send what Twilio drops, far too much of it, or read nothing."""

import asyncio
import json
import socket as sockets
import sys
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import caller
import numpy as np
import pytest
from far_ends import Handler, agent, media
from websockets.asyncio.server import ServerConnection, serve

from activities.audio.pcm import Audio
from activities.call.held import Held
from activities.call.script import PlannedTurn
from activities.call.timeline import events
from activities.channels.media_stream.line import MediaStreamDialler, MediaStreamLine
from activities.errors import BadInputError, InstallationError, LineDiedError
from voicewright.contracts.call import CallEnd, CallEventKind
from voicewright.suite import Limits, MediaStreamTarget

pytestmark = pytest.mark.calls

LIMITS = Limits(answer_ms=3000, call_s=60)
GREETING = [PlannedTurn(0, None, judged=True)]
Spoil = Callable[[dict[str, Any]], str | bytes]


async def hold(url: str, script: list[PlannedTurn] = GREETING, limits: Limits = LIMITS) -> Held:
    async with aclosing(MediaStreamDialler()) as dialler:
        line = await dialler.dial(MediaStreamTarget(channel="media_stream", url=url), call_id="test")
        return await caller.hold(line, script, limits)


def greets(speech: Audio, spoil: Spoil = json.dumps, first: list[str | bytes] | None = None) -> Handler:
    """An agent that says its greeting in a spoilt way; `first` is sent before it."""

    async def handler(socket: ServerConnection) -> None:
        async for raw in socket:
            message = json.loads(raw)
            if message["event"] != "start":
                continue
            for one in first or []:
                await socket.send(one)
            for at in range(0, len(speech.samples), 160):
                await socket.send(spoil(json.loads(media(speech.samples[at : at + 160], message["streamSid"]))))

    return handler


def without_sid(message: dict[str, Any]) -> str:
    return json.dumps({name: value for name, value in message.items() if name != "streamSid"})


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (without_sid, "streamSid is missing"),
        (lambda message: json.dumps({**message, "streamSid": None}), "streamSid is missing"),
        (lambda message: json.dumps({**message, "streamSid": message["streamSid"].lower()}), "not this stream's"),
        (lambda message: json.dumps({**message, "streamSid": [message["streamSid"]]}), "not this stream's"),
        (lambda message: json.dumps(message).encode(), "binary frames"),
        (lambda message: json.dumps({**message, "event": "audio"}), "not of the protocol"),
        (lambda message: json.dumps([message]), "not of the protocol"),
        (lambda message: json.dumps({**message, "media": message["media"]["payload"]}), "not of the protocol"),
        (lambda message: json.dumps({**message, "media": {"payload": "%%%"}}), "not of the protocol"),
        (lambda message: json.dumps({**message, "media": {"payload": ""}}), "media without audio"),
    ],
)
async def test_what_twilio_drops_nobody_hears_and_the_call_says_so(speech: Audio, spoil: Spoil, why: str) -> None:
    async with agent(greets(speech, spoil)) as url:
        held = await hold(url)
    assert held.end is CallEnd.AGENT_SILENT
    assert not np.any(held.agent)
    assert f"not played: {len(range(0, len(speech.samples), 160))} " in held.end_detail
    assert why in held.end_detail
    notes = [event.value for event in events(held) if event.kind is CallEventKind.NOTE]
    assert len(notes) == 1
    assert why in notes[0]


async def test_marks_and_clears_of_another_stream_do_nothing(speech: Audio) -> None:
    seen: list[str] = []

    async def handler(socket: ServerConnection) -> None:
        async for raw in socket:
            message = json.loads(raw)
            seen.append(message["event"])
            if message["event"] == "start":
                await socket.send(media(speech.samples, message["streamSid"]))
                await socket.send(json.dumps({"event": "mark", "mark": {"name": "lost"}}))
                await socket.send(json.dumps({"event": "clear", "streamSid": "MZ" + "0" * 32}))

    async with agent(handler) as url:
        held = await hold(url)
    assert held.end is CallEnd.COMPLETED
    assert len(np.flatnonzero(np.abs(held.agent) > 500)) > 0
    assert "mark" not in seen


@pytest.mark.parametrize(
    "before", ["[" * 200_000, '{"a":' * 200_000, '{"event": "media", "media": ' * 50_000, "9" * 5_000, "\ud83d", "null"]
)
async def test_whatever_comes_the_line_goes_on_listening(speech: Audio, before: str) -> None:
    async with agent(greets(speech, first=[before.encode("utf-8", "replace").decode()])) as url:
        held = await hold(url)
    assert held.end is CallEnd.COMPLETED, held.end_detail
    assert np.max(np.abs(held.agent)) > 1000


FLOOD = """
import asyncio, json, sys
from websockets.asyncio.server import serve

async def flood(socket):
    await socket.recv()
    body = {**json.loads(sys.argv[1]), "streamSid": json.loads(await socket.recv())["streamSid"]}
    while True:
        await socket.send(json.dumps(body))

async def main():
    async with serve(flood, "127.0.0.1", 0, compression=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()

asyncio.run(main())
"""


@pytest.mark.parametrize(
    "message",
    [
        {"event": "media", "media": {"payload": ""}},
        {"event": "media", "media": {"payload": "gA=="}},
        {"event": "mark", "mark": {"name": "m"}},
        {"event": "x"},
    ],
    ids=["empty media", "crumbs", "marks", "junk"],
)
async def test_a_flood_makes_no_other_call_stutter(speech: Audio, message: dict[str, Any]) -> None:
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        FLOOD,
        json.dumps(message),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert program.stdout is not None
    try:
        loud = f"ws://127.0.0.1:{int(await program.stdout.readline())}/"
        patient = Limits(answer_ms=6000, call_s=30)
        async with agent(greets(speech)) as usual, caller.OwnWork() as work:
            flooded, other = await asyncio.gather(hold(loud, limits=patient), hold(usual, limits=patient))
    finally:
        program.kill()
        await program.wait()
    assert other.end is CallEnd.COMPLETED
    assert work.longest_ms < 100, (work.longest_ms, other.lateness_ms, flooded.lateness_ms)
    assert len(flooded.events) <= 3


@pytest.mark.parametrize("leaves", [True, False], ids=["and leaves", "for ever"])
async def test_an_agent_that_stops_reading_holds_up_no_frame_of_ours(leaves: bool) -> None:
    """98 of 151 frames were once not sent, and the worker was told to hold fewer calls."""
    full = asyncio.Event()

    async def deaf(socket: ServerConnection) -> None:
        await socket.recv()
        socket.transport.pause_reading()
        await full.wait()
        await asyncio.sleep(2 if leaves else 9)
        await socket.close()

    listening = sockets.socket()
    listening.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 2048)
    listening.bind(("127.0.0.1", 0))
    async with (
        serve(deaf, sock=listening, compression=None, close_timeout=1),
        aclosing(MediaStreamDialler()) as dialler,
    ):
        url = f"ws://127.0.0.1:{listening.getsockname()[1]}/"
        line = await dialler.dial(MediaStreamTarget(channel="media_stream", url=url), call_id="test")
        assert isinstance(line, MediaStreamLine)
        line._socket.transport.get_extra_info("socket").setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, 2048)

        async def watch() -> None:
            while len(line._outbox._waiting) < 5:
                await asyncio.sleep(0.02)
            full.set()

        watching = asyncio.create_task(watch())
        holding = caller.hold(line, GREETING, Limits(answer_ms=60_000, call_s=90))
        if leaves:
            async with caller.OwnWork() as work:
                held = await holding
            assert held.end is CallEnd.AGENT_HUNG_UP
            assert work.longest_ms < 100, (work.longest_ms, held.lateness_ms)
            assert held.frames_lost <= 0.01 * held.frames
        else:
            with pytest.raises(LineDiedError, match="stopped reading"):
                await holding
        await watching


async def test_a_message_without_end_is_the_agents_own_goodbye(speech: Audio) -> None:
    async with agent(greets(speech, first=["x" * 5_000_000])) as url:
        held = await hold(url)
    assert held.end is CallEnd.AGENT_HUNG_UP
    assert "more than 4 MB" in held.end_detail


async def test_headers_do_not_follow_a_redirect(monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[str] = []

    async def thief(socket: ServerConnection) -> None:
        assert socket.request is not None
        got.append(str(socket.request.headers))

    monkeypatch.setenv("VOICEWRIGHT_SECRET_PIZZERIA", "s3cret")
    async with agent(thief) as elsewhere:

        def redirect(socket: ServerConnection, _: Any) -> Any:
            answer = socket.respond(302, "")
            answer.headers["Location"] = elsewhere
            return answer

        async with serve(thief, "127.0.0.1", 0, process_request=redirect) as server:
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            target = MediaStreamTarget(channel="media_stream", url=url, headers={"X-Api-Key": "${secret:PIZZERIA}"})
            async with aclosing(MediaStreamDialler()) as dialler:
                with pytest.raises(BadInputError, match="HTTP 302"):
                    await dialler.dial(target, call_id="test")
    assert not got


async def test_a_secret_goes_to_no_other_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICEWRIGHT_SECRET_PIZZERIA", "s3cret")
    monkeypatch.setenv("VOICEWRIGHT_SECRET_PIZZERIA_HOSTS", "agent.pizza.example")
    target = MediaStreamTarget(
        channel="media_stream", url="ws://127.0.0.1:9/", headers={"Authorization": "Bearer ${secret:PIZZERIA}"}
    )
    async with aclosing(MediaStreamDialler()) as dialler:
        with pytest.raises(InstallationError, match="may not go to ws://127"):
            await dialler.dial(target, call_id="test")

"""A call that was held is not lost because the store is full or away: real calls, a store at the wire that refuses."""

import asyncio
import json
import os
import stat
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
from far_ends import agent, media
from pydantic import SecretStr
from standins.s3_server import S3Server
from temporalio.testing import ActivityEnvironment
from websockets.asyncio.server import ServerConnection

from activities.audio.pcm import Audio, read_wav
from activities.audio.voice_activity import Detectors
from activities.call.host.storing import HeldCalls
from activities.channels.media_stream.line import MediaStreamDialler
from activities.steps.call import CallStep
from activities.suites import SuiteLibrary
from voicewright.contracts.call import CallRecord
from voicewright.contracts.case import CaseKey, CaseRequest, SuiteRef
from voicewright.contracts.steps import CallerSpeech, CallRequest
from voicewright.settings import Settings
from voicewright.store.errors import StoreError
from voicewright.store.keys import case_file, suite_version_key
from voicewright.store.s3 import S3Store

pytestmark = pytest.mark.calls
CASE = CaseRequest(run_id="run-1", suite=SuiteRef(name="s", version="0" * 64), key=CaseKey(case="a", language="en"))
SUITE = """\
suite: s
agent: {channel: media_stream, url: "ws://127.0.0.1:1/m"}
cases: [{id: a, turns: [{expect: {contains: [morning]}}]}]
"""


@pytest.fixture
def server() -> Iterator[S3Server]:
    with S3Server() as server:
        server.objects[f"voicewright/{suite_version_key('s', '0' * 64)}"] = SUITE.encode()
        yield server


def store_of(server: S3Server) -> S3Store:
    settings = Settings(s3_endpoint_url=server.origin, s3_access_key_id="key", s3_secret_access_key=SecretStr("secret"))
    return S3Store(settings, answer_s=2, tries=1)


class Greeter:
    """An agent that greets and counts who rings; the store may fill up while it talks."""

    def __init__(self, speech: Audio) -> None:
        self._speech = speech
        self.rung = 0
        self.then: Callable[[], None] = lambda: None

    async def __call__(self, socket: ServerConnection) -> None:
        async for raw in socket:
            if '"start"' in str(raw):
                self.rung += 1
                await socket.send(media(self._speech.samples, json.loads(raw)["streamSid"]))
                self.then()


@asynccontextmanager
async def worker(server: S3Server, folder: Path, patience_s: float = 30) -> AsyncIterator[CallStep]:
    store = store_of(server)
    async with aclosing(MediaStreamDialler()) as dialler:
        yield CallStep(
            store,
            SuiteLibrary(store),
            {"media_stream": dialler},
            Detectors(),
            keep_in=folder,
            patience_s=patience_s,
        )


async def call(step: CallStep, url: str) -> None:
    request = CallRequest(case=CASE.model_copy(update={"agent_url": url}), speech=CallerSpeech(utterances=()))
    await ActivityEnvironment().run(step.call, request)


def stored(server: S3Server) -> CallRecord:
    record = CallRecord.model_validate_json(server.objects[f"voicewright/{case_file(CASE, 'call.json')}"])
    sound = server.objects[f"voicewright/{record.recording.key}"]
    assert record.recording.size_bytes == len(sound)
    assert len(read_wav(sound)) == 2
    return record


async def test_a_store_that_is_full_when_the_call_ends_is_waited_for(
    server: S3Server, tmp_path: Path, speech: Audio
) -> None:
    greeter = Greeter(speech)
    greeter.then = server.fill
    async with agent(greeter) as url, worker(server, tmp_path / "held") as step:
        calling = asyncio.create_task(call(step, url))
        while not list((tmp_path / "held").glob("*/call.json")):
            await asyncio.sleep(0.05)
        [kept] = (tmp_path / "held").iterdir()
        assert stat.S_IMODE(kept.stat().st_mode) == 0o700
        assert {stat.S_IMODE(file.stat().st_mode) for file in kept.iterdir()} == {0o600}
        await asyncio.sleep(1.5)
        assert not calling.done()
        server.full = False
        await calling
    assert greeter.rung == stored(server).dials == 1
    assert list((tmp_path / "held").iterdir()) == []


async def test_what_one_try_could_not_store_the_next_one_does_without_calling(
    server: S3Server, tmp_path: Path, speech: Audio
) -> None:
    greeter = Greeter(speech)
    greeter.then = server.fill
    async with agent(greeter) as url:
        async with worker(server, tmp_path / "held", patience_s=0.2) as step:
            with pytest.raises(StoreError):
                await call(step, url)
        server.full = False
        async with worker(server, tmp_path / "held") as step:  # a worker that was started again
            await call(step, url)
            await call(step, url)
    assert greeter.rung == stored(server).dials == 1


async def test_nobody_is_called_while_the_store_takes_nothing(server: S3Server, tmp_path: Path, speech: Audio) -> None:
    server.full = True
    greeter = Greeter(speech)
    async with agent(greeter) as url, worker(server, tmp_path / "held") as step:
        calling = asyncio.create_task(call(step, url))
        await asyncio.sleep(2)
        assert greeter.rung == 0
        server.full = False
        await calling
    assert greeter.rung == stored(server).dials == 1


async def test_a_note_whose_answer_got_lost_is_known_again(server: S3Server, tmp_path: Path, speech: Audio) -> None:
    """The note of a dialling is stored, and the store says that it was not: it is no earlier attempt's."""
    greeter = Greeter(speech)
    server.answers_to_lose = 1
    async with agent(greeter) as url, worker(server, tmp_path / "held") as step:
        await call(step, url)
    assert greeter.rung == stored(server).dials == 1


async def test_what_was_kept_for_a_case_that_nobody_wants_is_dropped(
    server: S3Server, tmp_path: Path, speech: Audio
) -> None:
    greeter = Greeter(speech)
    greeter.then = server.fill
    environment = ActivityEnvironment()
    async with agent(greeter) as url, worker(server, tmp_path / "held") as step:
        request = CallRequest(case=CASE.model_copy(update={"agent_url": url}), speech=CallerSpeech(utterances=()))
        calling = asyncio.create_task(environment.run(step.call, request))
        while not list((tmp_path / "held").glob("*/call.json")):
            await asyncio.sleep(0.05)
        environment.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
    assert list((tmp_path / "held").iterdir()) == []


def test_recordings_do_not_lie_there_for_ever(server: S3Server, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
        (folder / "recording.wav").write_bytes(b"x")
    os.utime(old, (time.time() - 4 * 86_400,) * 2)
    HeldCalls(store_of(server), tmp_path)
    assert list(tmp_path.iterdir()) == [new]

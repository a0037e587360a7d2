"""Agents behind Media Streams that hang up and hand on as with Twilio: by its REST API, here with Twilio's own SDK."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any, cast

import caller
import pytest
from aiohttp import ClientSession, web
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client
from websockets.asyncio.server import ServerConnection, serve

from activities.call.held import Held
from activities.call.script import Awaits, Planned, PlannedTurn
from activities.call.timeline import events
from activities.channels import listening
from activities.channels.media_stream.control import CallControl, Controlled
from activities.channels.media_stream.line import MediaStreamDialler
from activities.channels.media_stream.twiml import Becomes, Fate, TwimlError, becomes
from voicewright.contracts.call import CallEnd
from voicewright.suite import Limits
from voicewright.suite.format.agent import MediaStreamTarget

pytestmark = pytest.mark.calls

PATIENCE_MS = 4000
ACCOUNT = "AC" + "1" * 32
Update = Callable[[Client, str], Any]


class Agent:
    """Hears the call begin, and changes it with Twilio's SDK."""

    def __init__(self, update: Update) -> None:
        self._update = update
        self.said: list[str] = []
        self.refused: TwilioRestException | None = None
        self.api = ""
        self.over = asyncio.Event()

    async def __call__(self, socket: ServerConnection) -> None:
        try:
            await self._converse(socket)
        finally:
            self.over.set()

    async def _converse(self, socket: ServerConnection) -> None:
        changing = None
        async for raw in socket:
            message = json.loads(raw)
            self.said.append(message["event"])
            if message["event"] == "start":
                start = message["start"]
                self.api = start["customParameters"]["voicewright_api"]
                client = Client(ACCOUNT, "token")
                client.api.base_url = self.api
                changing = asyncio.create_task(asyncio.to_thread(self._change, client, start["callSid"]))
                silence = base64.b64encode(b"\xff" * 8000).decode()
                media = {"event": "media", "streamSid": start["streamSid"], "media": {"payload": silence}}
                await socket.send(json.dumps(media))
        if changing is not None:
            await changing

    def _change(self, client: Client, sid: str) -> None:
        try:
            self._update(client, sid)
        except TwilioRestException as error:
            self.refused = error


@pytest.fixture
async def dialler() -> AsyncIterator[MediaStreamDialler]:
    async with aclosing(MediaStreamDialler()) as made:
        yield made


async def hold(dialler: MediaStreamDialler, agent: Agent, awaits: Awaits) -> Held:
    async with serve(agent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        target = MediaStreamTarget(channel="media_stream", url=f"ws://127.0.0.1:{port}/media")
        line = await dialler.dial(target, call_id="test")
        script: list[Planned] = [PlannedTurn(0, None, judged=True, awaits=awaits)]
        held = await caller.hold(line, script, Limits(answer_ms=PATIENCE_MS, call_s=60))
        await asyncio.wait_for(agent.over.wait(), 30)
        return held


async def test_an_agent_hands_the_call_on_by_twiml(dialler: MediaStreamDialler) -> None:
    agent = Agent(lambda client, sid: client.calls(sid).update(twiml="<Response><Dial>+15550001111</Dial></Response>"))
    held = await hold(dialler, agent, Awaits.TRANSFER)
    assert held.end is CallEnd.TRANSFERRED
    assert [(event.kind, event.value) for event in events(held)] == [("transfer", "+15550001111")]
    assert agent.said[-1] == "stop"  # Twilio tells a stream that its TwiML is over


@pytest.mark.parametrize(
    "update",
    [
        lambda client, sid: client.calls(sid).update(status="completed"),
        lambda client, sid: client.calls(sid).update(twiml="<Response><Hangup/></Response>"),
    ],
)
async def test_an_agent_hangs_up(dialler: MediaStreamDialler, update: Update) -> None:
    held = await hold(dialler, Agent(update), Awaits.HANGUP)
    assert held.end is CallEnd.AGENT_HUNG_UP
    assert not events(held)
    assert len(held.agent) < 8 * PATIENCE_MS  # by what the agent did, and not for want of an answer


async def test_twiml_may_lie_at_the_agents_own_address_and_nowhere_else(dialler: MediaStreamDialler) -> None:
    async def twiml(request: web.Request) -> web.Response:
        assert (await request.post())["CallSid"]
        return web.Response(text="<Response><Dial><Sip>sip:desk@clinic.example</Sip></Dial></Response>")

    app = web.Application()
    app.router.add_post("/twiml", twiml)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/twiml"
    held = await hold(dialler, Agent(lambda client, sid: client.calls(sid).update(url=url)), Awaits.TRANSFER)
    assert held.end is CallEnd.TRANSFERRED
    assert events(held)[0].value == "sip:desk@clinic.example"
    agent = Agent(lambda client, sid: client.calls(sid).update(url=url.replace("127.0.0.1", "localhost")))
    held = await hold(dialler, agent, Awaits.TRANSFER)
    await runner.cleanup()
    assert agent.refused is not None
    assert "at the host" in agent.refused.msg
    assert held.end is CallEnd.AGENT_SILENT  # the call went on


GOES_ON = [
    ("<Redirect>https://elsewhere.example/next</Redirect>", "<Redirect> to https://elsewhere.example/next"),
    ("<Connect><Stream url='wss://elsewhere.example/s'/></Connect>", "<Connect> <Stream>"),
    ("<Say>One more thing.</Say><Gather><Say>Press one.</Say></Gather>", "<Gather> <Say>"),
]


@pytest.mark.parametrize(("twiml", "how"), GOES_ON)
async def test_a_call_that_goes_on_at_twilio_was_not_hung_up(dialler: MediaStreamDialler, twiml: str, how: str) -> None:
    agent = Agent(lambda client, sid: client.calls(sid).update(twiml=f"<Response>{twiml}</Response>"))
    held = await hold(dialler, agent, Awaits.HANGUP)
    assert held.end is CallEnd.WENT_ON
    assert held.end_detail == f"the call goes on at Twilio: {how}"
    assert [(event.kind, event.value) for event in events(held)] == [("went_on", how)]
    assert agent.said[-1] == "stop"


@pytest.mark.parametrize(
    ("documents", "end"),
    [
        ({"/a": "<Redirect>/b</Redirect>", "/b": "<Say>Goodbye.</Say><Hangup/>"}, CallEnd.AGENT_HUNG_UP),
        ({"/a": "<Redirect>b?x=1</Redirect>", "/b": "<Dial>+15550003333</Dial>"}, CallEnd.TRANSFERRED),
        ({"/a": "<Redirect>/a</Redirect>"}, CallEnd.WENT_ON),
        ({"/a": "<Redirect>/gone</Redirect>"}, CallEnd.WENT_ON),
    ],
    ids=["to a goodbye", "to a transfer", "in a circle", "to nowhere"],
)
async def test_redirects_at_the_agents_own_host_are_followed(
    dialler: MediaStreamDialler, documents: dict[str, str], end: CallEnd
) -> None:
    async def twiml(request: web.Request) -> web.Response:
        if request.path not in documents:
            return web.Response(status=404)
        return web.Response(text=f"<Response>{documents[request.path]}</Response>")

    app = web.Application()
    app.router.add_post("/{name}", twiml)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/a"
    held = await hold(dialler, Agent(lambda client, sid: client.calls(sid).update(url=url)), Awaits.HANGUP)
    await runner.cleanup()
    assert held.end is end


async def test_an_agent_can_look_its_call_up_and_end_it_only_once(dialler: MediaStreamDialler) -> None:
    looked: list[str] = []

    def update(client: Client, sid: str) -> None:
        looked.append(client.calls(sid).fetch().status)
        client.calls(sid).update(status="completed")
        client.calls(sid).update(status="completed")

    agent = Agent(update)
    held = await hold(dialler, agent, Awaits.HANGUP)
    assert held.end is CallEnd.AGENT_HUNG_UP
    assert looked == ["in-progress"]
    assert agent.refused is not None
    assert agent.refused.status in {400, 404}  # it is over, or forgotten already


async def test_requests_that_dawdle_or_come_in_masses_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "REQUEST_S", 0.5)
    monkeypatch.setattr(listening, "MAX_AT_ONCE", 3)
    control = CallControl()
    control.admit("CAx", cast("Controlled", SimpleNamespace(over=False, agent_url="ws://127.0.0.1/")))
    url = f"{await control.url_for('ws://127.0.0.1:1/')}/2010-04-01/Accounts/AC/Calls/CAx.json"

    async def never() -> AsyncIterator[bytes]:
        yield b"Status="
        await asyncio.sleep(5)

    async with ClientSession(headers={"Authorization": "Basic eA=="}) as session:

        async def ask() -> int:
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            async with session.post(url, data=never(), headers=kind) as answer:
                return answer.status

        statuses = await asyncio.gather(*(ask() for _ in range(5)))
        assert sorted(statuses) == [408, 408, 408, 429, 429]
        async with session.post(url, data={"Twiml": "x" * 400_000}) as answer:
            assert answer.status == 413
    await control.close()


@pytest.mark.parametrize(
    ("update", "status"),
    [
        (lambda client, _: client.calls("CA" + "0" * 32).update(status="completed"), 404),
        (lambda client, sid: client.calls(sid).update(status="ringing"), 400),
        (lambda client, sid: client.calls(sid).update(twiml="<Response><Dial>"), 400),
        (lambda client, sid: client.calls(sid).update(twiml="<Dial>1</Dial>"), 400),
        (lambda client, sid: client.calls(sid).update(status="completed", twiml="<Response/>"), 400),
    ],
)
async def test_what_twilio_refuses_is_refused(dialler: MediaStreamDialler, update: Update, status: int) -> None:
    agent = Agent(update)
    await hold(dialler, agent, Awaits.TRANSFER)
    assert agent.refused is not None
    assert agent.refused.status == status


async def test_nobody_changes_a_call_without_a_name_or_after_its_end(dialler: MediaStreamDialler) -> None:
    agent = Agent(lambda _client, _sid: None)
    await hold(dialler, agent, Awaits.ANSWER)
    control = CallControl()
    control.admit("CAx", object())  # type: ignore[arg-type]
    async with ClientSession() as session:
        here = await control.url_for("ws://localhost/media")
        for where in (here, agent.api):
            url = f"{where}/2010-04-01/Accounts/{ACCOUNT}/Calls/CAx.json"
            async with session.post(url, data={"Status": "completed"}) as answer:
                assert answer.status == 401
        async with session.post(url, data={"Status": "completed"}, headers={"Authorization": "Basic eA=="}) as answer:
            assert answer.status == 404
    await control.close()


async def test_an_agent_elsewhere_is_told_an_address_only_where_there_is_one() -> None:
    assert await CallControl().url_for("wss://agent.example/media") is None
    control = CallControl(url="https://calls.example/")
    assert await control.url_for("wss://agent.example/media") == "https://calls.example"
    await control.close()


@pytest.mark.parametrize(
    ("twiml", "fate", "where"),
    [
        ("<Say>One moment.</Say><Dial><Number>+15550002222</Number></Dial>", Fate.HANDED_ON, "+15550002222"),
        ("<Refer><Sip>sip:a@b.example</Sip></Refer>", Fate.HANDED_ON, "sip:a@b.example"),
        ("<Enqueue>support</Enqueue>", Fate.HANDED_ON, "support"),
        ("<Dial/>", Fate.HANDED_ON, "dial"),
        ("<Say>Goodbye.</Say>", Fate.ENDS, ""),
        ("", Fate.ENDS, ""),
        ("<Hangup/><Dial>+15550002222</Dial>", Fate.ENDS, ""),
        ("<Say>Hold on.</Say><Redirect>https://b.example/next</Redirect>", Fate.REDIRECTED, "https://b.example/next"),
        ("<Redirect/>", Fate.GOES_ON, "<Redirect>"),
        ("<Connect><Stream url='wss://b.example/s'/></Connect>", Fate.GOES_ON, "<Connect> <Stream>"),
        (
            "<Connect><ConversationRelay url='wss://b.example/s'/></Connect>",
            Fate.GOES_ON,
            "<Connect> <ConversationRelay>",
        ),
        ("<Gather><Say>Press one.</Say></Gather>", Fate.GOES_ON, "<Gather> <Say>"),
        ("<Start><Stream url='wss://b.example/s'/></Start><Pause/>", Fate.ENDS, ""),
    ],
)
def test_what_becomes_of_a_call_by_its_twiml(twiml: str, fate: Fate, where: str) -> None:
    assert becomes(f"<Response>{twiml}</Response>") == Becomes(fate, where)


@pytest.mark.parametrize(
    "twiml", ["", "hello", "<!DOCTYPE a [<!ENTITY b 'c'>]><Response>&b;</Response>", "<Response>" + "x" * 70_000]
)
def test_what_is_no_twiml(twiml: str) -> None:
    with pytest.raises(TwimlError):
        becomes(twiml)

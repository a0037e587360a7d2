"""Agents behind Media Streams that hang up and hand on as with Twilio: by its REST API, here with Twilio's own SDK."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import pytest
from aiohttp import ClientSession, web
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client
from websockets.asyncio.server import ServerConnection, serve

from activities.telephony.call_control import CallControl, TwimlError, handed_on_to
from activities.telephony.conversation import Conversation, Held
from activities.telephony.media_stream import MediaStreamDialler
from activities.telephony.script import Awaits, Planned, PlannedTurn
from activities.telephony.timeline import events
from activities.telephony.voice_activity import Detectors, VoiceActivity
from voicewright.agent import MediaStreamTarget
from voicewright.call import CallEnd
from voicewright.suite import Limits

ACCOUNT = "AC" + "1" * 32
Update = Callable[[Client, str], Any]


class Agent:
    """Hears the call begin, and changes it half a second later with Twilio's SDK."""

    def __init__(self, update: Update) -> None:
        self._update = update
        self.said: list[str] = []
        self.refused: TwilioRestException | None = None
        self.api = ""

    async def __call__(self, socket: ServerConnection) -> None:
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
        with Detectors().borrow(line.rate_hz) as detector:
            activity = VoiceActivity(detector, line.rate_hz)
            held = await Conversation(line, Limits(answer_ms=1500, call_s=20), activity).hold(script)
        await asyncio.sleep(0.3)
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
    assert len(held.agent) < 8000 * 1.5


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
    ("twiml", "where"),
    [
        ("<Response><Say>One moment.</Say><Dial><Number>+15550002222</Number></Dial></Response>", "+15550002222"),
        ("<Response><Refer><Sip>sip:a@b.example</Sip></Refer></Response>", "sip:a@b.example"),
        ("<Response><Enqueue>support</Enqueue></Response>", "support"),
        ("<Response><Dial/></Response>", "dial"),
        ("<Response><Say>Goodbye.</Say></Response>", None),
    ],
)
def test_where_twiml_leads(twiml: str, where: str | None) -> None:
    assert handed_on_to(twiml) == where


@pytest.mark.parametrize(
    "twiml", ["", "hello", "<!DOCTYPE a [<!ENTITY b 'c'>]><Response>&b;</Response>", "<Response>" + "x" * 70_000]
)
def test_what_is_no_twiml(twiml: str) -> None:
    with pytest.raises(TwimlError):
        handed_on_to(twiml)

"""Telephone calls through Twilio's stand-in, which refuses what Twilio refuses: client, endpoint, faults."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import aiohttp
import caller
import numpy as np
import pytest
from standins.twilio_cloud import Parrot, TwilioCloud
from twilio.request_validator import RequestValidator

from activities.audio import g711
from activities.audio.dtmf import find_keys
from activities.audio.pcm import FRAME_MS, Audio, read_wav
from activities.call.held import Held
from activities.call.script import Awaits, Planned, PlannedTurn
from activities.call.timeline import events, measure
from activities.channels.twilio.client import Account
from activities.channels.twilio.endpoint import TwilioEndpoint
from activities.channels.twilio.phone import TwilioDialler
from activities.errors import (
    BadInputError,
    CallLostError,
    CallRefusedError,
    InstallationError,
    LineBusyError,
    LineDiedError,
    LineError,
    NoAnswerError,
    RateLimitedError,
)
from activities.ports.line import Abilities
from voicewright.contracts.call import CallEnd
from voicewright.runtime.free_port import free_port
from voicewright.suite import Limits
from voicewright.suite.format.agent import TwilioTarget

US, AGENT, PUBLIC = "+15005550006", "+14155550100", "https://voice.test"
pytestmark = pytest.mark.calls


@pytest.fixture
def parrot(speech: Audio) -> Callable[..., Any]:
    loud = g711.encode(speech.samples[int(np.argmax(np.abs(speech.samples) > 2000)) :])
    return partial(Parrot, greeting=loud, answers=[loud])


class Phone:
    def __init__(self, cloud: TwilioCloud, dialler: TwilioDialler, endpoint: TwilioEndpoint, local: str) -> None:
        self.cloud, self.dialler, self.endpoint, self.local = cloud, dialler, endpoint, local

    async def hold(self, script: Sequence[Planned], limits: Limits | None = None, **target: Any) -> Held:
        line = await self.dialler.dial(TwilioTarget(channel="twilio", to=AGENT, **target), call_id="x")
        return await caller.hold(line, script, limits)

    async def refused(self, error: type[Exception], match: str, **target: Any) -> None:
        with pytest.raises(error, match=match) as raised:
            await self.dialler.dial(TwilioTarget(channel="twilio", to=target.pop("to", AGENT), **target), call_id="x")
        assert type(raised.value) is error

    async def settled(self) -> list[str]:
        """Statuses of all calls, once they are over and cleaned up after."""
        await asyncio.gather(*self.dialler._cleaning)
        for call in list(self.cloud.calls.values()):
            assert await asyncio.to_thread(call.over.wait, 60)
        return [call.status for call in self.cloud.calls.values()]


@asynccontextmanager
async def phone(**cloud: Any) -> AsyncIterator[Phone]:
    port = free_port()
    local = f"http://127.0.0.1:{port}"
    with TwilioCloud(public={PUBLIC: local}, **cloud) as twilio:
        endpoint = TwilioEndpoint(PUBLIC, f"127.0.0.1:{port}", "token")
        account = Account(twilio.account_sid, twilio.account_sid, "token", twilio.origin)
        dialler = TwilioDialler(account, endpoint, (US,))
        try:
            yield Phone(twilio, dialler, endpoint, local)
        finally:
            await dialler.close()


async def test_a_conversation_by_telephone(parrot: Any, speech: Audio) -> None:
    async with phone(agent=partial(parrot, delay_ms=600)) as line:
        script: list[Planned] = [PlannedTurn(0, None, judged=True), PlannedTurn(1, speech.samples, judged=True)]
        held = await line.hold(script)
        assert held.end is CallEnd.COMPLETED
        timings = measure(held)[0]
        assert timings[1].ttfa_ms is not None
        assert await line.settled() == ["completed"]
        (call,) = line.cloud.calls.values()
        # The stand-in plays what it gets by its own frames: up to one of them lies between. Sound that came too late to
        # be played in time is played later, and all that follows it too, as with Twilio.
        assert -FRAME_MS <= timings[1].ttfa_ms - 620 <= caller.inexact_ms(held) + call.tape.late_ms
        assert not line.cloud.alerts
        heard = g711.decode(bytes(call.tape.heard))
        assert np.abs(heard).max() > 4000  # the telephone really heard our caller
        assert call.params["To"] == AGENT
        assert line.endpoint.refused == 0
        assert not line.endpoint._underway


async def test_keys_are_tones_one_way_and_messages_the_other(parrot: Any) -> None:
    async with phone(agent=partial(parrot, dtmf="42", dtmf_after_s=0.5)) as line:
        script: list[Planned] = [PlannedTurn(0, None, judged=True), PlannedTurn(1, None, judged=False, keys="19#")]
        held = await line.hold(script)
        assert "".join(event.value for event in events(held) if event.kind == "key") == "42"
        await line.settled()
        (call,) = line.cloud.calls.values()
        heard = find_keys(g711.decode(bytes(call.tape.heard)), 8000)
        assert "".join(press.key for press in heard) == "19#"


async def test_the_agent_hangs_up(parrot: Any) -> None:
    async with phone(agent=partial(parrot, hang_up_after_s=1.0)) as line:
        held = await line.hold([PlannedTurn(0, None, judged=True, awaits=Awaits.HANGUP)])
        assert held.end is CallEnd.AGENT_HUNG_UP


@pytest.mark.parametrize(
    ("outcome", "error"), [("busy", LineBusyError), ("no-answer", NoAnswerError), ("failed", CallRefusedError)]
)
async def test_calls_that_are_not_answered(outcome: str, error: type[Exception]) -> None:
    async with phone(outcome={AGENT: outcome}) as line:
        await line.refused(error, AGENT.replace("+", r"\+"), ring_s=5)


async def test_what_twilio_refuses_is_not_tried_again() -> None:
    async with phone(numbers=("+15005550099",)) as line:
        await line.refused(CallRefusedError, "21210")
    async with phone() as line:
        line.cloud.auth_token = "other"
        await line.refused(CallRefusedError, "20003")


async def test_too_many_requests_say_when_to_come_back() -> None:
    async with phone() as line:
        line.cloud.fail_next_create = "429"
        with pytest.raises(RateLimitedError) as waits:
            await line.dialler.dial(TwilioTarget(channel="twilio", to=AGENT), call_id="x")
        assert waits.value.next_retry_delay is not None
        assert not line.cloud.calls


@pytest.mark.parametrize("fault", ["500_after", "timeout_after"])
async def test_an_order_whose_answer_is_lost_rings_once(parrot: Any, fault: str) -> None:
    async with phone(agent=parrot) as line:
        line.cloud.fail_next_create = fault
        held = await line.hold([PlannedTurn(0, None, judged=True)])
        assert held.end is CallEnd.COMPLETED
        assert await line.settled() == ["completed"]  # one call, and no other
        posts = [request for request in line.cloud.requests if request.path.endswith("Calls.json")]
        assert [request.method for request in posts].count("POST") == 1


async def test_an_order_that_was_never_carried_out_may_be_given_again() -> None:
    async with phone() as line:
        line.cloud.fail_next_create = "500_before"
        await line.refused(LineError, "no such call")
        assert not line.cloud.calls


@pytest.mark.parametrize("callbacks", ["out_of_order", "twice"])
async def test_callbacks_in_any_order_and_twice(parrot: Any, callbacks: str) -> None:
    async with phone(agent=parrot) as line:
        line.cloud.callbacks = callbacks
        assert (await line.hold([PlannedTurn(0, None, judged=True)])).end is CallEnd.COMPLETED
        await line.settled()
    async with phone(outcome={AGENT: "busy"}) as line:
        line.cloud.callbacks = callbacks
        await line.refused(LineBusyError, "busy", ring_s=5)


async def test_a_socket_that_dies_breaks_the_line_and_ends_the_call(parrot: Any, speech: Audio) -> None:
    async with phone(agent=parrot) as line:
        line.cloud.drop_socket_after_s = 1.0
        try:
            held = await line.hold([PlannedTurn(0, None, judged=True), PlannedTurn(1, speech.samples, judged=True)])
        except LineDiedError:
            pass
        else:
            assert held.end is CallEnd.AGENT_HUNG_UP  # Twilio had ended the call by then, and said so
        assert await line.settled() == ["completed"]


async def test_forged_signatures_are_refused(parrot: Any) -> None:
    async with phone(agent=parrot) as line:
        line.cloud.forge_signature = True
        await line.refused(CallLostError, "ended before its stream came", ring_s=5)
        assert line.endpoint.refused > 0
        assert "completed" in await line.settled()


async def test_strangers_are_refused(parrot: Any) -> None:
    """No signature, a signature without a token, a token that is over: nothing of it reaches a call."""
    async with phone(agent=parrot) as line:
        await line.endpoint.start()
        async with aiohttp.ClientSession() as client:
            async with client.post(f"{line.local}/twilio/status/abc", data={"CallStatus": "busy"}) as answer:
                assert answer.status == 403
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await client.ws_connect(f"{line.local}/twilio/media")
            signed = RequestValidator("token").compute_signature(line.endpoint.media_url, {})
            socket = await client.ws_connect(f"{line.local}/twilio/media", headers={"X-Twilio-Signature": signed})
            await socket.send_json({"event": "start", "start": {"streamSid": "MZ1", "callSid": "CA1"}})
            await socket.receive()
            assert socket.close_code == 1008
        assert line.endpoint.refused == 3


async def test_cancelling_ends_a_call_that_rings() -> None:
    async with phone() as line:
        line.cloud.ring_s = 20
        dialling = asyncio.create_task(line.dialler.dial(TwilioTarget(channel="twilio", to=AGENT), call_id="x"))
        while not line.cloud.calls:
            await asyncio.sleep(0.05)
        dialling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dialling
        assert await line.settled() == ["canceled"]


async def test_machines_are_noted_or_hung_up_on(parrot: Any) -> None:
    async with phone(agent=parrot, outcome={AGENT: "machine"}) as line:
        held = await line.hold([PlannedTurn(0, None, judged=True)], machine_detection="note")
        assert any("machine" in event.value for event in events(held))
        await line.refused(NoAnswerError, "machine", machine_detection="hang_up")
        assert set(await line.settled()) == {"completed"}


async def test_twilios_own_recording_is_fetched(parrot: Any) -> None:
    async with phone(agent=parrot) as line:
        dialled = await line.dialler.dial(TwilioTarget(channel="twilio", to=AGENT, record=True), call_id="x")
        await asyncio.sleep(0.5)
        await dialled.hang_up()
        recorder = Abilities.of(dialled).recorder
        assert recorder is not None
        (wav,) = (await recorder.recordings()).values()
        assert len(read_wav(wav)) == 2


async def test_a_public_address_that_is_not_ours(parrot: Any) -> None:
    port = free_port()
    with TwilioCloud(public={}, agent=parrot) as twilio:
        account = Account(twilio.account_sid, twilio.account_sid, "token", twilio.origin)
        dialler = TwilioDialler(account, TwilioEndpoint(PUBLIC, f"127.0.0.1:{port}", "token"), (US,))
        with pytest.raises((CallLostError, LineError, BadInputError)):
            await asyncio.wait_for(dialler.dial(TwilioTarget(channel="twilio", to=AGENT, ring_s=5), call_id="x"), 60)
        await dialler.close()


async def test_a_taken_port_says_what_to_set() -> None:
    async with phone() as line:
        await line.endpoint.start()
        other = TwilioEndpoint(PUBLIC, line.local.removeprefix("http://"), "token")
        with pytest.raises(InstallationError, match="VOICEWRIGHT_TWILIO_LISTEN"):
            await other.start()

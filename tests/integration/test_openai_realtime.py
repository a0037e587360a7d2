"""Sessions with a stand-in of the Realtime protocol that holds every event of ours against the official SDK's types."""

from collections.abc import Sequence
from typing import Any

import caller
import numpy as np
import pytest
from standins.openai_realtime import OpenAiRealtime
from standins.realtime_response import Call, Speech

from activities.audio.pcm import Audio
from activities.call.held import Held
from activities.call.script import Planned, PlannedTurn
from activities.call.timeline import events, measure
from activities.channels.openai_realtime.dialler import OpenAiRealtimeDialler
from activities.errors import CallRefusedError, LineDiedError, LineError, RateLimitedError
from voicewright.contracts.call import CallEnd, StructuredAnswer
from voicewright.suite import Limits
from voicewright.suite.format.agent import OpenAiRealtimeTarget

pytestmark = pytest.mark.calls

QUICK = {"audio": {"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 600}}}}


@pytest.fixture(scope="session")
def words() -> Audio:
    return Audio(caller.speak("Good morning, anybody there?", 16_000), 16_000)


def target(server: OpenAiRealtime, **more: Any) -> OpenAiRealtimeTarget:
    return OpenAiRealtimeTarget.model_validate(
        {"channel": "openai_realtime", "url": server.url, "api_key": "sk-right", "session": QUICK, **more}
    )


async def hold(where: OpenAiRealtimeTarget, script: Sequence[Planned]) -> Held:
    line = await OpenAiRealtimeDialler().dial(where, call_id="x")
    return await caller.hold(line, script, Limits(answer_ms=4000, end_of_turn_ms=500))


def server(words: Audio, **more: Any) -> OpenAiRealtime:
    said = (words.samples, words.rate_hz, "good morning")
    return OpenAiRealtime([said], greeting=said, delay_ms=700, **more)


@pytest.mark.parametrize(("audio", "rate_hz"), [("pcm", 16_000), ("pcmu", 8_000)])
async def test_a_conversation(words: Audio, audio: str, rate_hz: int) -> None:
    with server(words) as agent:
        script: list[Planned] = [
            PlannedTurn(0, None, judged=True),
            PlannedTurn(1, words.at_rate(rate_hz).samples, judged=True),
        ]
        held = await hold(target(agent, audio=audio, greets=True), script)
        assert held.end is CallEnd.COMPLETED, held.end_detail
        assert not agent.errors
        (session,) = agent.sessions
        greeting, answer = measure(held)[0]
        for timing in (greeting, answer):
            assert timing.agent_start_ms is not None
            assert timing.agent_end_ms is not None
            assert abs(timing.agent_end_ms - timing.agent_start_ms - words.duration_ms) < 120
        assert answer.ttfa_ms is not None
        real = session.turns[-1].delay_ms
        assert real is not None
        # The speech fades out: its last loud sample is somewhat before its end.
        assert -250 < answer.ttfa_ms - real < 40 + caller.inexact_ms(held)
        assert any(event.value == "said: good morning" for event in events(held))


async def test_who_talks_into_an_answer_stops_it(words: Audio) -> None:
    long = np.tile(words.samples, 6)
    with OpenAiRealtime([(long, 16_000, "long"), (words.samples, 16_000, "short")], delay_ms=700) as agent:
        script: list[Planned] = [
            PlannedTurn(0, words.samples, judged=False),
            PlannedTurn(1, words.samples, judged=True, interrupt_ms=1500),
        ]
        held = await hold(target(agent), script)
        assert held.end is CallEnd.COMPLETED
        assert not agent.errors
        (cut,) = agent.truncations
        timing = measure(held)[0][1]
        assert timing.interrupts
        assert timing.stop_ms is not None
        assert timing.stop_ms < 1200 + held.lateness_ms[2]
        first = measure(held)[0][0]
        assert first.agent_start_ms is not None
        assert timing.caller_start_ms is not None
        heard = timing.caller_start_ms + timing.stop_ms - first.agent_start_ms
        assert abs(cut.audio_end_ms - heard) < 110 + caller.inexact_ms(held)  # what it was told is what was heard


async def test_functions_are_intents(words: Audio) -> None:
    answers: list[Speech | Call] = [Call("book", {"time": "9:30"}), (words.samples, 16_000, "done")]
    with OpenAiRealtime(answers, delay_ms=700) as agent:
        line = await OpenAiRealtimeDialler().dial(target(agent, audio="pcm", greets=True), call_id="x")
        held = await caller.hold(line, [PlannedTurn(0, None, judged=True)], Limits(answer_ms=4000))
        (answer,) = [event.answer for event in events(held) if event.answer is not None]
        assert answer == StructuredAnswer(intent="book", result={"time": "9:30"})


async def test_an_agent_that_says_nothing_is_silent(words: Audio) -> None:
    with server(words) as agent:
        agent.silent = True
        held = await hold(target(agent), [PlannedTurn(0, words.samples, judged=True)])
        assert held.end is CallEnd.AGENT_SILENT


@pytest.mark.parametrize(("status", "error"), [(401, CallRefusedError), (429, RateLimitedError), (503, LineError)])
async def test_refusals_are_typed(words: Audio, status: int, error: type[Exception]) -> None:
    with server(words) as agent:
        agent.refuse_status = status
        with pytest.raises(error, match=str(status)) as refused:
            await OpenAiRealtimeDialler().dial(target(agent), call_id="x")
        assert type(refused.value) is error


@pytest.mark.parametrize("change", [{"api_key": "sk-wrong"}, {"model": "gpt-none"}])
@pytest.mark.parametrize("late", [False, True])
async def test_a_wrong_key_or_model_is_refused_for_good(words: Audio, change: dict[str, str], late: bool) -> None:
    with server(words) as agent:
        agent.refuse_late = late
        with pytest.raises(CallRefusedError):
            await OpenAiRealtimeDialler().dial(target(agent, **change), call_id="x")


async def test_a_session_that_the_server_does_not_take(words: Audio) -> None:
    with server(words) as agent, pytest.raises(CallRefusedError, match="refused the session"):
        await OpenAiRealtimeDialler().dial(target(agent, session={"no_such_key": 1}), call_id="x")


async def test_nobody_there() -> None:
    where = OpenAiRealtimeTarget(channel="openai_realtime", url="ws://127.0.0.1:9", api_key="x")
    with pytest.raises(LineError, match="is it running"):
        await OpenAiRealtimeDialler().dial(where, call_id="x")


async def test_trouble_in_the_call_is_never_the_agents(words: Audio) -> None:
    with server(words) as agent:
        agent.drop_after_s = 1.0
        with pytest.raises(LineDiedError):
            await hold(target(agent), [PlannedTurn(0, words.samples, judged=True)])
    with server(words) as agent:
        agent.rate_limit = True
        with pytest.raises(LineDiedError, match="rate_limit"):
            await hold(target(agent), [PlannedTurn(0, words.samples, judged=True)])

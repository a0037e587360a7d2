"""Conversations with Houndify's stand-in, which refuses what Houndify refuses; from the suite to the verdict."""

import base64
from collections.abc import Iterator
from typing import Any

import caller
import numpy as np
import pytest
from standins.houndify import Answer, Houndify

from activities.audio.pcm import Audio, wav_bytes
from activities.call.held import Held
from activities.call.script import plan
from activities.call.timeline import events, measure
from activities.channels.houndify.line import HoundifyDialler
from activities.channels.houndify.wire import JsonStream
from activities.checks.structured import structured_checks
from activities.errors import BadInputError, CallRefusedError, InstallationError, LineDiedError, LineError, StepError
from activities.steps.transcribe import _with_writing
from voicewright.contracts.artifact import ArtifactRef
from voicewright.contracts.call import CallEnd, CallRecord, Pacing, Side
from voicewright.contracts.check import CheckOutcome
from voicewright.contracts.transcript import SideTranscript
from voicewright.suite import Case, Limits
from voicewright.suite.format.agent import HoundifyTarget
from voicewright.suite.format.spoken import spoken as in_english

pytestmark = pytest.mark.calls

CLIENT, KEY = "client-1==", base64.urlsafe_b64encode(bytes(range(200, 232))).decode()
CASE = Case.model_validate(
    {
        "id": "book",
        "turns": [
            {"say": "A table for two", "expect": {"intent": "BookCommand", "result": {"$.NativeData.Guests": 2}}},
            {"say": "At nine", "expect": {"intent": "BookCommand", "result": {"$.NativeData.Turns": 2}}},
        ],
    }
)


@pytest.fixture(scope="session")
def spoken() -> Audio:
    return Audio(caller.speak("A table for two, please.", 16_000), 16_000)


def hear(samples: np.ndarray, rate_hz: int) -> str:
    return "a table for two" if np.abs(samples).max() > 3000 else ""


class Brain:
    """Counts the turns of a conversation by its state alone."""

    def __init__(self, sound: bytes | None = None) -> None:
        self.sound = sound

    def __call__(self, transcription: str, state: dict[str, Any]) -> Answer:
        turns = state.get("turns", 0) + 1
        native = {"Guests": "2", "Turns": turns}
        return Answer(f"Turn {turns}: {transcription}", "BookCommand", native, {"turns": turns}, audio=self.sound)


@pytest.fixture
def houndify() -> Iterator[Houndify]:
    with Houndify({CLIENT: KEY}, hear, Brain()) as service:
        yield service


def target(service: Houndify, **more: Any) -> HoundifyTarget:
    return HoundifyTarget.model_validate(
        {"channel": "houndify", "url": service.origin, "client_id": CLIENT, "client_key": KEY, **more}
    )


async def hold(where: HoundifyTarget, spoken: Audio, case: Case = CASE, language: str = "en-US") -> Held:
    line = await HoundifyDialler().dial(where, call_id="x", language=language)
    script = plan(in_english(case, "en"), dict.fromkeys(range(len(case.steps)), spoken.samples))
    return await caller.hold(line, script, Limits(answer_ms=4000, end_of_turn_ms=300))


def record_of(held: Held) -> CallRecord:
    timings, speech = measure(held)
    nothing = ArtifactRef(uri="s3://b/k", sha256="0" * 64, size_bytes=1, media_type="audio/wav")
    return CallRecord(
        channel="houndify",
        end=held.end,
        recording=nothing,
        sample_rate_hz=held.rate_hz,
        duration_ms=len(held.agent) * 1000 // held.rate_hz,
        dials=1,
        turns=timings,
        speech=speech,
        pacing=Pacing(frames=1, frames_lost=0, late_p50_ms=0, late_p99_ms=0, late_max_ms=0),
        events=events(held),
    )


async def test_two_turns_by_voice_with_one_state(houndify: Houndify, spoken: Audio) -> None:
    held = await hold(target(houndify), spoken)
    assert held.end is CallEnd.COMPLETED, held.end_detail
    record = record_of(held)
    checks = list(structured_checks(CASE.steps, record))
    assert [check.outcome for check in checks] == [CheckOutcome.PASSED] * 4, checks
    assert all(timing.ttfa_ms is not None and 300 < timing.ttfa_ms < 4000 for timing in record.turns), record.turns
    words = _with_writing(SideTranscript(side=Side.AGENT, language="en", words=()), record)
    assert words.text(1) == "Turn 2: a table for two"
    for query in houndify.requests:
        assert query.ended.wait(60)
        assert query.status == 200
        assert query.rate_hz == 16_000
        assert query.audio_ms > spoken.duration_ms
        assert query.late_ms <= 100 + caller.inexact_ms(held)  # once Houndify has heard enough, no more goes up
        assert query.info["InputLanguageIETFTag"] == "en-US"


async def test_wrong_intents_and_results_fail(houndify: Houndify, spoken: Audio) -> None:
    wrong = Case.model_validate(
        {"id": "x", "turns": [{"say": "Hi", "expect": {"intent": "Other", "result": {"$.NativeData.Guests": 3}}}]}
    )
    held = await hold(target(houndify, mode="text"), spoken, wrong)
    outcomes = [check.outcome for check in structured_checks(wrong.steps, record_of(held))]
    assert outcomes == [CheckOutcome.FAILED] * 2


async def test_in_writing_it_is_fast_and_nothing_is_spoken(houndify: Houndify, spoken: Audio) -> None:
    held = await hold(target(houndify, mode="text"), spoken)
    assert held.end is CallEnd.COMPLETED
    assert len(held.agent) < 2 * 16_000
    assert not held.caller.any()
    assert [query.kind for query in houndify.requests] == ["text", "text"]
    assert [query.transcription for query in houndify.requests] == ["A table for two", "At nine"]


async def test_an_answer_with_sound_is_played(spoken: Audio) -> None:
    with Houndify({CLIENT: KEY}, hear, Brain(wav_bytes([spoken.samples], 16_000))) as service:
        held = await hold(target(service, voice="Judy"), spoken)
    assert held.end is CallEnd.COMPLETED
    timings, speech = measure(held)
    assert np.abs(held.agent).max() > 3000
    for timing in timings:
        assert timing.agent_start_ms is not None
        assert timing.agent_end_ms is not None
        assert abs(timing.agent_end_ms - timing.agent_start_ms - spoken.duration_ms) < 150
    assert {item.side for item in speech} == {Side.CALLER, Side.AGENT}


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"fail_next": 500}, LineError),
        ({"fail_next": 429}, StepError),
        ({"cut_after_bytes": 20_000}, LineError),
        ({"html_error": True}, LineError),
        ({"truncated_json": True}, LineDiedError),
        ({"status": "Error"}, BadInputError),
    ],
)
async def test_faults_are_ours_and_never_the_agents(
    houndify: Houndify, spoken: Audio, fault: dict[str, Any], error: type[Exception]
) -> None:
    for name, value in fault.items():
        setattr(houndify, name, value)
    with pytest.raises(error):
        await hold(target(houndify), spoken)


async def test_wrong_keys_are_refused_for_good(houndify: Houndify, spoken: Audio) -> None:
    other = base64.urlsafe_b64encode(b"another key").decode()
    with pytest.raises(CallRefusedError, match="client_key"):
        await hold(target(houndify, client_key=other), spoken)
    with pytest.raises(InstallationError, match="base64"):
        await hold(target(houndify, client_key="a"), spoken)


async def test_a_language_that_houndify_does_not_speak(houndify: Houndify, spoken: Audio) -> None:
    with pytest.raises(BadInputError, match="Houndify could not answer"):
        await hold(target(houndify), spoken, language="tlh")


@pytest.mark.parametrize("mode", ["voice", "text"])
async def test_half_a_sign_in_an_answer_is_replaced(spoken: Audio, mode: str) -> None:
    def half(transcription: str, state: dict[str, Any]) -> Answer:
        return Answer("At eight \ud83d.", "Hours\udc00", {"said": "\ud83d"}, state)

    with Houndify({CLIENT: KEY}, hear, half) as service:
        held = await hold(target(service, mode=mode), spoken)
    for event in events(held):
        event.model_dump_json().encode()
        assert event.value == "At eight \ufffd."
        assert event.answer is not None
        assert event.answer.intent == "Hours\ufffd"


def test_objects_are_found_wherever_the_stream_is_cut() -> None:
    whole = '{"a": "é"}\n17\n{"b": {"c": "}{"}}'.encode()
    for step in range(1, len(whole)):
        stream = JsonStream()
        found = [item for at in range(0, len(whole), step) for item in stream.feed(whole[at : at + step])]
        assert found == [{"a": "é"}, {"b": {"c": "}{"}}]
        assert not stream.left
    assert list(JsonStream().feed(b'{"a": 1')) == []
    with pytest.raises(ValueError, match="no JSON"):
        list(JsonStream().feed(b"<html>"))

"""The validity gate: a test that did not happen is errored, never passed and never the agent's fault."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from activities.audio.pcm import Audio
from activities.checks.conversation import conversation_checks
from activities.checks.gate import invalid_because
from activities.checks.heard.error_rate import error_rate
from activities.checks.heard.unclear_sound import doubt_silence
from activities.checks.recorded_call import Call
from voicewright.contracts.artifact import ArtifactRef
from voicewright.contracts.call import CallEnd, CallRecord, Pacing, Side, TurnTiming
from voicewright.contracts.check import CheckOutcome, DoubtKind
from voicewright.contracts.transcript import SideTranscript, Transcript, Word
from voicewright.suite import Case, Suite
from voicewright.suite.format.spoken import spoken

REF = ArtifactRef(uri="s3://b/k", sha256="0", size_bytes=1, media_type="audio/wav")
SUITE = Suite.model_validate(
    {
        "suite": "s",
        "agent": {"channel": "media_stream", "url": "ws://x"},
        "defaults": {"within_ms": 1000},
        "cases": [{"id": "c", "turns": [{"say": "please book an appointment", "expect": {"contains": ["booked"]}}]}],
    }
)
CASE: Case = SUITE.cases[0]


def call(
    *,
    level: float = 8000,
    heard: str = "please book an appointment",
    late_ms: float = 1,
    lost: int = 0,
    cut_ms: int = 0,
    end: CallEnd = CallEnd.COMPLETED,
    ttfa_ms: int | None = 500,
    overlap_ms: int = 0,
) -> Call:
    rate, seconds = 8000, 4
    caller = (np.sin(np.arange(rate * seconds) / 3) * level).astype(np.int16)
    caller = caller[: len(caller) - cut_ms * rate // 1000]
    timing = TurnTiming(
        turn=0,
        caller_start_ms=0,
        caller_end_ms=2000,
        agent_start_ms=None if ttfa_ms is None else 2000 + ttfa_ms,
        agent_end_ms=None if ttfa_ms is None else 3500,
        ttfa_ms=ttfa_ms,
        overlap_ms=overlap_ms,
    )
    record = CallRecord(
        channel="media_stream",
        end=end,
        recording=REF,
        sample_rate_hz=rate,
        duration_ms=seconds * 1000,
        dials=1,
        turns=(timing,),
        speech=(),
        pacing=Pacing(frames=200, frames_lost=lost, late_p50_ms=0, late_p99_ms=late_ms, late_max_ms=late_ms),
    )
    words = tuple(Word(text=word, start_ms=0, end_ms=1, confidence=0.9, turn=0) for word in heard.split())
    sides = {side: SideTranscript(side=side, language="en", words=words) for side in Side}
    transcript = Transcript(recogniser="test", caller=sides[Side.CALLER], agent=sides[Side.AGENT])
    return Call(record, Audio(caller, rate), Audio(caller, rate), transcript)


def test_a_sound_call_is_valid() -> None:
    assert invalid_because(spoken(CASE, "en"), "en", call()) is None


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (call(level=0), "our caller was silent in turn 1"),
        (call(level=20), "our caller was silent"),
        (call(late_ms=150), "our caller stuttered"),
        (call(lost=10), "10 of our 200 frames were not sent"),
        (call(cut_ms=500), "the recording is not whole"),
        (call(heard="what are your own printing hour mom's hand"), "our caller could not be understood"),
        (call(heard=""), "our caller could not be understood"),
    ],
)
def test_what_makes_a_call_invalid(broken: Call, says: str) -> None:
    reason = invalid_because(spoken(CASE, "en"), "en", broken)
    assert reason is not None
    assert says in reason


def test_an_agent_that_hangs_up_while_we_speak_is_judged() -> None:
    cut = call(heard="please", end=CallEnd.AGENT_HUNG_UP, ttfa_ms=None)
    assert invalid_because(spoken(CASE, "en"), "en", cut) is None
    assert failed(cut) == {"conversation"}


def test_word_error_rate_forgives_spelling() -> None:
    assert error_rate("at nine thirty on Tuesday", "At 9 30 on tuesday.", "en") == 0
    assert error_rate("one two three four", "1 2 3 5", "en") == 0.25
    assert error_rate("", "noise", "en") == 0


def failed(record: Call) -> set[str]:
    checks = conversation_checks(SUITE, CASE, record.record)
    return {check.kind for check in checks if check.outcome is CheckOutcome.FAILED}


def test_conversation_checks() -> None:
    assert failed(call()) == set()
    assert failed(call(ttfa_ms=1001)) == {"within_ms"}
    assert failed(call(ttfa_ms=1000)) == set()
    assert failed(call(overlap_ms=601)) == {"overlap"}
    assert failed(call(end=CallEnd.AGENT_SILENT, ttfa_ms=None)) == {"conversation"}
    assert failed(call(end=CallEnd.TOO_LONG)) == {"conversation"}
    assert failed(call(end=CallEnd.AGENT_HUNG_UP, ttfa_ms=None)) == {"conversation"}
    # An agent that hangs up after its last answer has said goodbye.
    assert failed(call(end=CallEnd.AGENT_HUNG_UP)) == set()


def ending(expect: dict[str, Any], end: CallEnd, *, turns: int = 1) -> tuple[Suite, Call]:
    """A call of which the agent's carrier, or the agent, made an end in its first turn."""
    steps = [{"say": "please book an appointment", "expect": expect}, {"say": "goodbye"}][:turns]
    suite = Suite.model_validate({**SUITE.model_dump(by_alias=True), "cases": [{"id": "c", "turns": steps}]})
    held = call(end=end)
    detail = "the call goes on at Twilio: <Connect> <Stream>"
    return suite, replace(held, record=held.record.model_copy(update={"end_detail": detail}))


@pytest.mark.parametrize(
    ("expect", "turns", "end", "invalid", "fails"),
    [
        ({"hangup": True}, 1, CallEnd.WENT_ON, False, {"hangup"}),
        ({"transfer": True}, 1, CallEnd.WENT_ON, False, {"transfer"}),
        ({"contains": ["booked"]}, 1, CallEnd.WENT_ON, False, set()),
        ({"contains": ["booked"]}, 2, CallEnd.WENT_ON, True, {"conversation"}),
        ({"hangup": True}, 1, CallEnd.AGENT_HUNG_UP, False, set()),
        ({"contains": ["booked"]}, 2, CallEnd.AGENT_HUNG_UP, False, {"conversation"}),
    ],
)
def test_a_call_that_goes_on_out_of_sight(
    expect: dict[str, Any], turns: int, end: CallEnd, invalid: bool, fails: set[str]
) -> None:
    suite, held = ending(expect, end, turns=turns)
    reason = invalid_because(spoken(suite.cases[0], "en"), "en", held)
    assert (reason is not None) is invalid, reason
    assert reason is None or "does not follow" in reason
    checks = list(conversation_checks(suite, suite.cases[0], held.record))
    assert {check.kind for check in checks if check.outcome is CheckOutcome.FAILED} == fails
    if end is CallEnd.WENT_ON and "hangup" in fails:
        assert "<Connect> <Stream>" in next(check for check in checks if check.kind == "hangup").evidence


@pytest.mark.parametrize(
    ("sound", "end", "doubted"),
    [
        ("mumble", CallEnd.AGENT_SILENT, True),
        ("mumble", CallEnd.WAITED_IN_VAIN, True),
        ("mumble", CallEnd.AGENT_HUNG_UP, False),
        ("click", CallEnd.AGENT_SILENT, False),
        ("hiss", CallEnd.AGENT_SILENT, False),
        ("nothing", CallEnd.AGENT_SILENT, False),
    ],
)
def test_a_person_listens_to_sound_without_speech(sound: str, end: CallEnd, doubted: bool) -> None:
    """Something that sounds for long is no silence; clicks and steady noise are."""
    held = call(end=end, ttfa_ms=None)
    rate, noise = 8000, np.random.default_rng(1).normal(0, 30, 32_000)
    side = noise.copy() if sound != "nothing" else np.zeros(32_000)
    length = {"mumble": rate, "click": rate // 10}.get(sound, 0)
    side[20_000 : 20_000 + length] += 2000 * np.sin(np.arange(length) / 4)
    held = replace(held, agent=Audio(side.astype(np.int16), rate))
    [before, *_] = conversation_checks(SUITE, CASE, held.record)
    [after] = doubt_silence([before], held)
    assert (after.outcome is CheckOutcome.UNSURE) == doubted
    assert (after.doubt is not None and after.doubt.kind is DoubtKind.UNCLEAR_SOUND) == doubted

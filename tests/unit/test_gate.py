"""The validity gate: a test that did not happen is errored, never passed and never the agent's fault."""

import numpy as np
import pytest

from activities.audio import Audio
from activities.checks.conversation import conversation_checks
from activities.checks.error_rate import error_rate
from activities.checks.gate import Call, invalid_because
from voicewright.artifact import ArtifactRef
from voicewright.call import CallEnd, CallRecord, Pacing, Side, TurnTiming
from voicewright.suite import Case, Suite
from voicewright.transcript import SideTranscript, Transcript, Word
from voicewright.verdict import CheckOutcome

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
    assert invalid_because(CASE, "en", call()) is None


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (call(level=0), "our caller was silent in turn 0"),
        (call(level=20), "our caller was silent"),
        (call(late_ms=150), "our caller stuttered"),
        (call(lost=10), "10 of our 200 frames were not sent"),
        (call(cut_ms=500), "the recording is not whole"),
        (call(heard="what are your own printing hour mom's hand"), "our caller could not be understood"),
        (call(heard=""), "our caller could not be understood"),
    ],
)
def test_what_makes_a_call_invalid(broken: Call, says: str) -> None:
    reason = invalid_because(CASE, "en", broken)
    assert reason is not None
    assert says in reason


def test_an_agent_that_hangs_up_while_we_speak_is_judged() -> None:
    cut = call(heard="please", end=CallEnd.AGENT_HUNG_UP, ttfa_ms=None)
    assert invalid_because(CASE, "en", cut) is None
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

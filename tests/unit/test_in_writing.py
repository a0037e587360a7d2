"""What came in writing no recogniser invented; what a protocol says is bounded where it is judged."""

import json
import time
from typing import Any

import numpy as np
import pytest

from activities.audio.pcm import Audio
from activities.channels.incoming import kept
from activities.checks.doubt import doubt_words
from activities.checks.hard import hard
from activities.checks.heard.recogniser_faults import FaultKind, faults
from activities.checks.structured import structured_checks
from activities.steps.transcribe import _with_writing
from voicewright.contracts.artifact import ArtifactRef
from voicewright.contracts.call import (
    CallEnd,
    CallEvent,
    CallEventKind,
    CallRecord,
    Pacing,
    Side,
    Speech,
    StructuredAnswer,
    TurnTiming,
)
from voicewright.contracts.check import Check, CheckKind, CheckOutcome
from voicewright.contracts.transcript import SideTranscript, Word
from voicewright.result_path import compile_path, find
from voicewright.suite.format.turn import Turn

SILENCE = Audio(np.zeros(80_000, np.int16), 8000)


def record(*events: CallEvent, speech: tuple[Speech, ...] = ()) -> CallRecord:
    return CallRecord(
        channel="houndify",
        end=CallEnd.COMPLETED,
        recording=ArtifactRef(uri="s3://b/k", sha256="0", size_bytes=1, media_type="audio/wav"),
        sample_rate_hz=8000,
        duration_ms=10_000,
        dials=1,
        turns=(TurnTiming(turn=0, agent_start_ms=1000), TurnTiming(turn=1, agent_start_ms=5000)),
        speech=speech,
        pacing=Pacing(frames=500, frames_lost=0, late_p50_ms=0, late_p99_ms=0, late_max_ms=0),
        events=events,
    )


def wrote(text: str, turn: int = 0, answer: StructuredAnswer | None = None) -> CallEvent:
    return CallEvent(kind=CallEventKind.ANSWER, value=text, at_ms=1000 + 4000 * turn, turn=turn, answer=answer)


def transcript(call: CallRecord, *words: Word, language: str = "en") -> SideTranscript:
    return _with_writing(SideTranscript(side=Side.AGENT, language=language, words=words), call)


@pytest.mark.parametrize(
    "text", ["We open at eight.", "no no no no no no no", "very very very very very good", "Dr. Adams!", "8:00"]
)
def test_words_in_writing_are_no_recognisers_invention(text: str) -> None:
    call = record(wrote(text))
    agent = transcript(call)
    assert agent.written == (0,)
    assert faults(agent, call.speech, SILENCE) == []


def test_recognised_words_beside_them_still_may_be() -> None:
    heard = Speech(side=Side.AGENT, start_ms=5000, end_ms=6000, turn=1)
    call = record(wrote("We open at eight."), wrote("Thank you.", 1), speech=(heard,))
    invented = Word(text="Thank", start_ms=9000, end_ms=9200, confidence=0.9, turn=1)
    agent = transcript(call, invented)
    assert agent.written == (0,)
    assert [(one.turn, one.kind) for one in faults(agent, call.speech, SILENCE)] == [(1, FaultKind.TEXT_ON_SILENCE)]


@pytest.mark.parametrize("language", ["en", "es", "ja", "sv"])
@pytest.mark.parametrize("passed", [True, False])
@pytest.mark.parametrize("text", ["We open at eight.", ""])
def test_no_doubt_of_a_recogniser_applies(language: str, passed: bool, text: str) -> None:
    call = record(wrote(text))
    check = hard(CheckKind.TIME, 0, passed=passed, expected="9:00", actual=text, evidence="e")
    assert doubt_words([check], transcript(call, language=language)) == [check]


def understood(answer: StructuredAnswer, expect: dict[str, Any]) -> list[Check]:
    steps = [Turn.model_validate({"say": "hi", "expect": expect}), Turn(say="bye")]
    return list(structured_checks(steps, record(wrote("x", answer=answer))))


def test_an_agent_does_not_escape_its_failure_by_the_length_of_what_it_says() -> None:
    answer = StructuredAnswer(intent="OrderPizza" * 200_000, understood="y" * 2_000_000)
    [check] = understood(answer, {"intent": "OrderPizza"})
    assert check.outcome is CheckOutcome.FAILED
    assert len(check.model_dump_json()) < 3_000
    many = [wrote("x", answer=StructuredAnswer(intent=f"i{number}" * 100)) for number in range(500)]
    steps = [Turn.model_validate({"say": "a", "expect": {"intent": "b"}}), Turn(say="bye")]
    [check] = structured_checks(steps, record(*many))
    assert len(check.model_dump_json()) < 3_000


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        ({"pizza": "margherita"}, CheckOutcome.PASSED),
        ({"pizza": "funghi"}, CheckOutcome.FAILED),
        ({"drink": "x"}, CheckOutcome.FAILED),
        ({"drink": ["x"] * 100_000}, CheckOutcome.UNSURE),
        ({"pizza": "funghi", "drink": ["x"] * 100_000}, CheckOutcome.FAILED),
        ({"pizza": "margherita", "drink": ["x"] * 100_000}, CheckOutcome.PASSED),
    ],
)
def test_what_was_kept_of_a_large_result_is_judged(result: object, outcome: CheckOutcome) -> None:
    value, partial = kept(result)
    [check] = understood(StructuredAnswer(result=value, partial=partial), {"result": {"$.pizza": "margherita"}})
    assert check.outcome is outcome


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$[?search(@.said, '(a+)+$')]", [{"said": "a" * 30_000 + "b"}]),
        ("$[?match(@.said, '(a|aa)+')]", [{"said": "a" * 30_000 + "b"}]),
        ("$..*..*", json.loads("[" * 90 + "]" * 90)),
        ("$..[?count(@..*) > 100000]", [[number] * 4 for number in range(1000)]),
    ],
)
def test_no_path_takes_for_ever(path: str, value: object) -> None:
    began = time.process_time()
    assert len(find(path, value)) <= 100
    assert time.process_time() - began < 4


@pytest.mark.parametrize(
    "path", ["$[?@.a =~ /(a+)+$/]", "$.a | $.b", "$..a..b..c", "$.", "a", "$[?@.a in ['x']]", "$.~"]
)
def test_what_is_no_path_of_the_standard_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="JSONPath|one path|more than"):
        compile_path(path)


def test_patterns_in_paths_mean_what_the_standard_says() -> None:
    said = [{"n": "Adams"}, {"n": "adams"}, {"n": "Mrs Adams"}]
    assert find("$[?match(@.n, 'A.ams')].n", said) == ["Adams"]
    assert find("$[?search(@.n, 'Adams')].n", said) == ["Adams", "Mrs Adams"]
    assert find("$[?match(@.n, '(')].n", said) == []

"""Reports: outlines, figures, and that what an agent said stays text."""

import array
import base64
import gzip
import io
import json
import re
import wave
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from voicewright.client.reviews import ReviewEntry
from voicewright.contracts.artifact import ArtifactRef
from voicewright.contracts.call import (
    CallEnd,
    CallEvent,
    CallRecord,
    CallSummary,
    Pacing,
    Side,
    StructuredAnswer,
    TurnTiming,
    Waveform,
)
from voicewright.contracts.case import CaseError, CaseKey, CaseResult, Outcome, Step, SuiteRef
from voicewright.contracts.check import Breach, Check, CheckKind, CheckOutcome, Doubt, DoubtKind, Finding, FindingKind
from voicewright.contracts.transcript import SideTranscript, Transcript, TranscriptSummary, Word
from voicewright.contracts.verdict import Decision, Verdict
from voicewright.defects.cause import cause_key, failures_of
from voicewright.report.build import Links, build_report
from voicewright.report.results import RunReport
from voicewright.report.waveform import LEVELS, outlines

EVIL = "</script><img src=x onerror=alert(1)> [click](http://evil) @everyone | `x`"


class Shelf:
    """A store in memory: what a report reads."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def get_if_present(self, key: str) -> bytes | None:
        return self.objects.get(key)

    def list_keys(self, prefix: str) -> Iterator[str]:
        return iter(sorted(key for key in self.objects if key.startswith(prefix)))

    def put(self, key: str, body: bytes) -> ArtifactRef:
        self.objects[key] = body
        return ArtifactRef(uri=f"s3://b/{key}", sha256="0" * 64, size_bytes=len(body), media_type="x/y")


def wav(*channels: list[int], rate: int = 8000) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(array.array("h", [sample for frame in zip(*channels, strict=True) for sample in frame]))
    return out.getvalue()


def check(kind: str, outcome: CheckOutcome, evidence: str, *, turn: int = 0, actual: str = "a") -> Check:
    return Check(
        kind=CheckKind(kind),
        turn=turn,
        outcome=outcome,
        hard=kind != "meaning",
        expected="e",
        actual=actual,
        evidence=evidence,
        confidence=0.1,
    )


def result(
    shelf: Shelf, case: str, outcome: Outcome, checks: tuple[Check, ...] = (), ttfa_ms: int = 500, *, asked: bool = True
) -> CaseResult:
    key = CaseKey(case=case, language="en")
    recording = shelf.put(f"{case}.wav", wav([0] * 8000, [1000] * 8000))
    record = CallRecord(
        channel="media_stream",
        end=CallEnd.COMPLETED,
        recording=recording,
        sample_rate_hz=8000,
        duration_ms=1000,
        dials=1,
        turns=(
            TurnTiming(
                turn=0, caller_end_ms=0 if asked else None, agent_start_ms=ttfa_ms, agent_end_ms=900, ttfa_ms=ttfa_ms
            ),
        ),
        speech=(),
        pacing=Pacing(frames=50, frames_lost=0, late_p50_ms=1, late_p99_ms=2, late_max_ms=3),
        waveform=Waveform(caller="AAAAAAAAAA", agent="LLLLLLLLLL"),
    )
    word = Word(text=EVIL, start_ms=500, end_ms=900, confidence=0.9, turn=0)
    heard = Transcript(
        recogniser="whisper",
        caller=SideTranscript(side=Side.CALLER, language="en", words=()),
        agent=SideTranscript(side=Side.AGENT, language="en", words=(word,)),
    )
    call = CallSummary(
        record=shelf.put(f"{case}.json", record.model_dump_json().encode()),
        recording=recording,
        end=CallEnd.COMPLETED,
        duration_ms=1000,
        dials=1,
        turns_held=1,
    )
    reason = checks[0].evidence if checks else "all hold"
    return CaseResult(
        run_id="run-1",
        suite=SuiteRef(name="s", version="0" * 64),
        key=key,
        workflow_id=f"run-1/{key}",
        outcome=outcome,
        verdict=Verdict(decision=Decision.PASS, confidence=0.9, reason=reason, checks=checks),
        call=call,
        transcript=TranscriptSummary(
            transcript=shelf.put(f"{case}-words.json", heard.model_dump_json().encode()), caller_words=0, agent_words=1
        ),
        started_at="2026-01-01T00:00:00+00:00",
        ended_at="2026-01-01T00:00:02+00:00",
    )


def report(*cases: CaseResult) -> RunReport:
    counts: dict[Outcome, int] = {}
    for case in cases:
        counts[case.outcome] = counts.get(case.outcome, 0) + 1
    return RunReport(
        run_id="run-1",
        suite=SuiteRef(name="s", version="0" * 64),
        agent="media_stream ws://agent",
        total=len(cases),
        counts=counts,
        not_run=0,
        cancelled=False,
        started_at="2026-01-01T00:00:00+00:00",
        ended_at="2026-01-01T00:01:00+00:00",
        cases=cases,
    )


def test_an_outline_has_a_character_per_tenth_of_a_second() -> None:
    loud, quiet = outlines(wav([32767] * 1600, [0] * 1600))
    assert loud == LEVELS[-1] * 2
    assert quiet == LEVELS[0] * 2
    with pytest.raises(ValueError, match="no WAV file"):
        outlines(b"RIFFxxxx")


def test_the_page_holds_everything_and_markup_stays_text() -> None:
    shelf = Shelf()
    failed = check("time", CheckOutcome.FAILED, EVIL)
    built = build_report(shelf, report(result(shelf, "a", Outcome.FAILED, (failed,))), Links())
    page = built.html.decode()
    assert "onerror" not in page
    packed = re.search(r'<script type="application/gzip" id="data">([^<]+)<', page)
    assert packed is not None
    data = json.loads(gzip.decompress(base64.b64decode(packed[1])))
    [case] = data["cases"]
    assert case["turns"][0]["agent"][0]["text"] == EVIL
    assert case["turns"][0]["ttfa_ms"] == 500
    assert case["agent_wave"] == "LLLLLLLLLL"
    assert 'data-audio="run-1/a/en/1"' in page
    assert not re.search(r"""(src|href)=["']?[a-z]*:?//|@import|url\(""", page)  # nothing from outside


def test_the_markdown_of_a_hostile_agent_is_harmless() -> None:
    shelf = Shelf()
    built = build_report(
        shelf, report(result(shelf, "a", Outcome.FAILED, (check("time", CheckOutcome.FAILED, EVIL),))), Links()
    )
    assert "\\](http://evil)" in built.markdown  # brackets, not a link
    assert "<img" not in built.markdown.replace("\\<img", "")
    assert "@everyone" not in built.markdown


def test_failures_come_first_into_the_audio_budget_and_the_rest_is_linked() -> None:
    shelf = Shelf()
    cases = [result(shelf, "ok", Outcome.PASSED), result(shelf, "bad", Outcome.FAILED)]
    size = len(shelf.objects["ok.wav"])
    built = build_report(shelf, report(*cases), Links("http://127.0.0.1:8080"), audio_budget=size)
    page = built.html.decode()
    assert built.audio == 1
    assert 'data-audio="run-1/bad/en/1"' in page
    assert 'data-audio="run-1/ok/en/1"' not in page


def test_figures_of_a_run() -> None:
    shelf = Shelf()
    same = [check("time", CheckOutcome.FAILED, f"time: expected {hour}:30, heard {hour + 1}:30") for hour in (9, 11)]
    cases = [
        result(shelf, "a", Outcome.FAILED, (same[0],), ttfa_ms=100),
        result(shelf, "b", Outcome.FAILED, (same[1],), ttfa_ms=900),
        result(shelf, "c", Outcome.PASSED, ttfa_ms=300),
    ]
    summary = build_report(shelf, report(*cases), Links()).summary
    assert (summary.ttfa_p50_ms, summary.turns) == (300, 3)
    greeted = result(shelf, "d", Outcome.PASSED, ttfa_ms=9000, asked=False)  # a greeting answers nobody
    assert build_report(shelf, report(*cases, greeted), Links()).summary == summary
    assert [turn.name for turn in summary.slowest] == ["b/en/1", "c/en/1", "a/en/1"]
    assert [len(group.cases) for group in summary.groups] == [2]


def test_the_signature_of_a_failure_is_the_check_that_decided() -> None:
    shelf = Shelf()
    checks = (
        check("meaning", CheckOutcome.FAILED, "similarity 0.1", turn=1),
        check("time", CheckOutcome.FAILED, "time: expected 9:30, heard 10:30", turn=2),
    )
    failure = failures_of(result(shelf, "a", Outcome.FAILED, checks))[0]
    assert failure.signature.check == "time@3"
    assert failure.cause == cause_key(checks[1])
    unsure = check("meaning", CheckOutcome.UNSURE, "x", actual="Ok 7")
    [failure] = failures_of(result(shelf, "a", Outcome.FAILED, (unsure,)))
    assert (failure.signature.check, failure.cause) == ("meaning@1", cause_key(unsure))


def test_a_cause_is_made_of_fields_and_not_of_words() -> None:
    wrong = check("time", CheckOutcome.FAILED, "time: expected 9:30, heard 10:30").model_copy(
        update={"expected": "9:30", "heard": ("10:30",)}
    )
    other_words = {"evidence": "A new wording of the same.", "actual": "another transcript of it", "heard": ("11:30",)}
    assert cause_key(wrong.model_copy(update=other_words)) == cause_key(wrong)
    doubted = {"doubt": Doubt(kind=DoubtKind.LOW_CONFIDENCE, confidence=0.4, because="mumbled"), "evidence": "x; but y"}
    assert cause_key(wrong.model_copy(update=doubted)) == cause_key(wrong)
    assert cause_key(wrong.model_copy(update={"expected": "8:00", "turn": 3})) == cause_key(wrong)  # in another case
    assert cause_key(wrong.model_copy(update={"kind": CheckKind.DATE})) != cause_key(wrong)


def test_two_transcripts_of_one_cause_are_one_cause_and_two_expectations_are_two() -> None:
    said = check("contains", CheckOutcome.FAILED, "'booked' was not heard", actual="I am sorry").model_copy(
        update={"expected": "booked"}
    )
    assert cause_key(said.model_copy(update={"actual": "I'm so sorry, no"})) == cause_key(said)
    assert cause_key(said.model_copy(update={"expected": "Tuesday"})) != cause_key(said)
    slow = check("within_ms", CheckOutcome.FAILED, "3100 ms").model_copy(update={"expected": "within 3000 ms"})
    assert cause_key(slow.model_copy(update={"expected": "first audio within 2000 ms"})) == cause_key(slow)
    meant = check("meaning", CheckOutcome.FAILED, "").model_copy(update={"expected": "We open at 8."})
    value = Finding(kind=FindingKind.OTHER_VALUE, of="time", expected="8", heard="9")
    also = Finding(kind=FindingKind.WORDS_ADDED, heard="well, you know")
    once, again = (meant.model_copy(update={"findings": found}) for found in ((value,), (also, value)))
    assert cause_key(once) == cause_key(again) != cause_key(meant)


def test_a_case_that_never_called_is_shown_too() -> None:
    shelf = Shelf()
    broken = CaseResult(
        run_id="run-1",
        suite=SuiteRef(name="s", version="0" * 64),
        key=CaseKey(case="a", language="en"),
        workflow_id="run-1/a/en/1",
        outcome=Outcome.ERRORED,
        error=CaseError(kind="LineError", message="could not connect", step=Step.CALL),
        started_at="",
        ended_at="",
    )
    built = build_report(shelf, report(broken), Links())
    assert "could not connect" in built.markdown


def test_too_loud_and_too_quiet_are_two_causes() -> None:
    checks = [
        Check(
            kind=CheckKind.LEVEL_DBFS, turn=None, outcome=CheckOutcome.FAILED, hard=True, expected=expected,
            actual="", breach=breach, evidence="", confidence=0,
        )
        for expected in ("between -30 and -10", "between -25 and -5")
        for breach in (Breach.TOO_LOW, Breach.TOO_HIGH)
    ]  # fmt: skip
    low, high, low_again, high_again = map(cause_key, checks)
    assert low == low_again
    assert high == high_again
    assert low != high


@pytest.mark.parametrize("end", ["agent_hung_up", "agent_silent"])
def test_causes_of_an_older_workers_checks_are_those_of_today(end: str) -> None:
    told = {
        "kind": "conversation", "turn": None, "outcome": "failed", "hard": True, "expected": "the whole script",
        "actual": f"2 turns held, {end}", "evidence": "", "confidence": 0,
    }  # fmt: skip
    assert cause_key(Check.model_validate(told)) == cause_key(Check.model_validate({**told, "end": end}))


def test_an_older_workers_answers_of_any_form_are_read() -> None:
    event = {"kind": "answer", "value": "", "at_ms": 1, "data": {"intent": 5, "understood": None, "result": [1]}}
    answer = CallEvent.model_validate(event).answer
    assert answer == StructuredAnswer(intent=None, result=[1], understood="")


def test_two_callers_of_one_case_have_two_names() -> None:
    entries = [
        ReviewEntry(f"run-1/book/{cell}/{repeat}", "clinic", "book", "en", datetime(2026, 1, 1, tzinfo=UTC))
        for cell, repeat in (("en", 1), ("en+street", 1), ("en+street", 2), ("de", 1))
    ]
    assert [entry.name for entry in entries] == ["book [en]", "book [en+street]", "book [en+street] #2", "book [de]"]

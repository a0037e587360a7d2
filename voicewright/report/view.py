"""Everything about one case on one screen: what the report and the review form show."""

from collections.abc import Mapping
from typing import TypeVar

from voicewright.contracts.base import Contract
from voicewright.contracts.call import CallRecord, CallSummary
from voicewright.contracts.case import CaseError, CaseKey, CaseResult, CaseState, Outcome, Step, SuiteRef
from voicewright.contracts.check import Check
from voicewright.contracts.correction import Correction
from voicewright.contracts.review import ReviewDecision
from voicewright.contracts.transcript import SideTranscript, Transcript, TranscriptSummary
from voicewright.contracts.verdict import Verdict
from voicewright.report.results import PendingCase, read_verdict
from voicewright.report.waveform import BUCKET_MS, outlines
from voicewright.store.keys import case_key, suite_version_key
from voicewright.store.port import Reader
from voicewright.suite import Suite
from voicewright.suite.format.spoken import spoken
from voicewright.suite.format.turn import straight
from voicewright.suite.reading.file import SuiteError, parse_suite
from voicewright.suite.reading.one_case import parse_case

_Stored = TypeVar("_Stored", CallRecord, Transcript)


class WordView(Contract):
    """One word; times in ms from the start of the recording."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float
    first_heard: str = ""
    may_be: str | None = None


class TurnView(Contract):
    """One turn: what was to be said, what was heard, how soon the answer came."""

    turn: int
    say: str = ""
    meaning: str = ""
    caller_start_ms: int | None = None
    caller_end_ms: int | None = None
    agent_start_ms: int | None = None
    agent_end_ms: int | None = None
    ttfa_ms: int | None = None
    overlap_ms: int = 0
    interrupts: bool = False
    stop_ms: int | None = None
    act: str = ""
    """What the caller does besides speaking."""
    caller: tuple[WordView, ...] = ()
    agent: tuple[WordView, ...] = ()
    checks: tuple[Check, ...] = ()
    corrected: bool = False
    """Whether a person put the agent's words right."""


class CaseView(Contract):
    """What a page shows of a case. `caller_wave` and `agent_wave` are outlines, see `report.waveform`."""

    workflow_id: str
    key: CaseKey
    title: str = ""
    outcome: Outcome | None = None
    reason: str = ""
    verdict: Verdict | None = None
    review: ReviewDecision | None = None
    corrections: tuple[Correction, ...] = ()
    error: CaseError | None = None
    defect: str = ""
    more_defects: tuple[str, ...] = ()
    turns: tuple[TurnView, ...] = ()
    checks: tuple[Check, ...] = ()
    """Checks on the whole call."""
    greeting: tuple[WordView, ...] = ()
    """Words that belong to no turn."""
    duration_ms: int = 0
    end: str = ""
    dials: int = 0
    late_p99_ms: float = 0
    recogniser: str = ""
    bucket_ms: int = BUCKET_MS
    caller_wave: str = ""
    agent_wave: str = ""
    step_ms: Mapping[Step, int] = {}
    erased_at: str = ""
    """See `CaseResult`."""
    audio: str = ""
    """Where the recording is: an address, or the name of what is embedded in the page."""


def read_suite(store: Reader, ref: SuiteRef) -> Suite | None:
    """The suite of a run; None where its version is gone or was written by a newer Voicewright."""
    raw = store.get_if_present(suite_version_key(ref.name, ref.version))
    try:
        return parse_suite(raw, ref.name) if raw is not None else None
    except SuiteError:
        return None


def read_case(store: Reader, ref: SuiteRef, case_id: str) -> Suite | None:
    """The suite of a run with one case of it, see `parse_case`; None where there is none."""
    raw = store.get_if_present(suite_version_key(ref.name, ref.version))
    try:
        return parse_case(raw, case_id, ref.name) if raw is not None else None
    except (SuiteError, KeyError):
        return None


def view_of_result(store: Reader, result: CaseResult, suite: Suite | None) -> CaseView:
    """A finished case."""
    call, heard = _stored(store, result.call, result.transcript)
    view = _view(store, result.workflow_id, result.key, suite, call, heard, result.verdict)
    return view.model_copy(
        update={
            "outcome": result.outcome,
            "reason": result.reason,
            "review": result.review,
            "corrections": result.corrections,
            "error": result.error,
            "defect": result.defect,
            "more_defects": result.more_defects,
            "step_ms": result.step_ms,
            "erased_at": result.erased_at,
        }
    )


def view_of_pending(store: Reader, run_id: str, case: PendingCase, suite: Suite | None) -> CaseView:
    """A case that waits for a person, from what its steps stored."""
    key = case.key
    call, heard = (case_key(run_id, key, file) for file in ("call.json", "transcript.json"))
    record, transcript = _read(store, call, CallRecord), _read(store, heard, Transcript)
    view = _view(store, case.workflow_id, key, suite, record, transcript, case.verdict)
    return view.model_copy(update={"reason": case.reason})


def view_of_state(store: Reader, workflow_id: str, state: CaseState, suite: Suite | None) -> CaseView:
    """A case that is going on, as its workflow answers for it."""
    verdict = read_verdict(store, state.verdict)
    call, heard = _stored(store, state.call, state.transcript)
    view = _view(store, workflow_id, state.key, suite, call, heard, verdict)
    reason = verdict.reason if verdict is not None else ""
    return view.model_copy(
        update={
            "outcome": state.outcome,
            "review": state.review,
            "corrections": state.corrections,
            "error": state.error,
            "reason": reason,
        }
    )


def _stored(
    store: Reader, call: CallSummary | None, heard: TranscriptSummary | None
) -> tuple[CallRecord | None, Transcript | None]:
    record = _read(store, call.record.key, CallRecord) if call is not None else None
    return record, _read(store, heard.transcript.key, Transcript) if heard is not None else None


def _view(
    store: Reader,
    workflow_id: str,
    key: CaseKey,
    suite: Suite | None,
    record: CallRecord | None,
    transcript: Transcript | None,
    verdict: Verdict | None,
) -> CaseView:
    checks = verdict.checks if verdict is not None else ()
    view = CaseView(
        workflow_id=workflow_id,
        key=key,
        title=_title(suite, key),
        verdict=verdict.model_copy(update={"checks": ()}) if verdict is not None else None,
        turns=_turns(key, suite, record, transcript, checks),
        checks=tuple(check for check in checks if check.turn is None),
        greeting=_words(transcript.agent, None) if transcript is not None else (),
        recogniser=transcript.recogniser if transcript is not None else "",
    )
    if record is None:
        return view
    waves = _waves(store, record)
    return view.model_copy(
        update={
            "duration_ms": record.duration_ms,
            "end": f"{record.end}" + (f": {record.end_detail}" if record.end_detail else ""),
            "dials": record.dials,
            "late_p99_ms": record.pacing.late_p99_ms,
            "caller_wave": waves[0],
            "agent_wave": waves[1],
        }
    )


def _title(suite: Suite | None, key: CaseKey) -> str:
    try:
        return suite.case(key.case).title if suite is not None else ""
    except KeyError:
        return ""


def _turns(
    key: CaseKey,
    suite: Suite | None,
    record: CallRecord | None,
    transcript: Transcript | None,
    checks: tuple[Check, ...],
) -> tuple[TurnView, ...]:
    views = []
    try:
        case = spoken(suite.case(key.case), key.language) if suite is not None else None
    except KeyError:
        case = None
    script = case.steps if case is not None else []
    sure = straight(case.turns) if case is not None else set()
    held = {timing.turn: timing for timing in record.turns} if record is not None else {}
    for number in range(max(len(script), len(held))):
        turn, timing = script[number] if number < len(script) else None, held.get(number)
        if timing is None and turn is not None and number not in sure:
            continue  # of a branch that the conversation did not take
        view = TurnView(
            turn=number,
            say=(turn.say or "") if turn is not None else "",
            act=turn.act if turn is not None else "",
            meaning=(turn.expect.meaning or "") if turn is not None and turn.expect is not None else "",
            caller=_words(transcript.caller, number) if transcript is not None else (),
            agent=_words(transcript.agent, number) if transcript is not None else (),
            checks=tuple(check for check in checks if check.turn == number),
            corrected=transcript is not None and number in transcript.agent.corrected,
        )
        views.append(view if timing is None else view.model_copy(update=timing.model_dump()))
    return tuple(views)


def _words(side: SideTranscript, turn: int | None) -> tuple[WordView, ...]:
    return tuple(
        WordView(
            text=word.text,
            start_ms=word.start_ms,
            end_ms=word.end_ms,
            confidence=round(word.confidence, 2),
            first_heard=word.first_heard,
            may_be=word.may_be,
        )
        for word in side.words
        if word.turn == turn
    )


def _waves(store: Reader, record: CallRecord) -> tuple[str, str]:
    """From the call's record; a record of an older version has none, and the recording is read instead."""
    if record.waveform is not None:
        return record.waveform.caller, record.waveform.agent
    raw = store.get_if_present(record.recording.key)
    try:
        found = outlines(raw) if raw is not None else []
    except ValueError:
        found = []
    return (found[0], found[1]) if len(found) == 2 else ("", "")  # noqa: PLR2004 - caller and agent


def _read(store: Reader, key: str, model: type[_Stored]) -> _Stored | None:
    raw = store.get_if_present(key)
    return model.model_validate_json(raw) if raw is not None else None
